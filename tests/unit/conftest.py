"""A gate in its street, for the tests of everything that only a whole gate shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.street import Street, memory_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, and gone afterwards: nothing here is about disks."""
    with memory_folder() as made:
        yield made


@pytest.fixture
def street(folder: Path) -> Iterator[Street]:
    """It has started and rests."""
    with Street(folder) as made:
        made.run(2.0)
        yield made

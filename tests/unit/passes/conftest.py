"""One demo chain of trust for all tests of passes: it is only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.passes.context import PassContext
from kiosk.passes.trust import DemoTrust, init_demo
from tests.unit.passes import kit


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoTrust:
    folder: Path = tmp_path_factory.mktemp("trust") / "demo"
    return init_demo(folder, kit.NOW)


@pytest.fixture(scope="session")
def gate(demo: DemoTrust) -> PassContext:
    """What a gate of this community knows at the fixed time."""
    return kit.context(demo)

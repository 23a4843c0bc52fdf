"""What the thermometer says is doubted before anybody is let through by it, or without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiosk.model import Celsius, Reason, Verdict
from tests.street import Street, memory_folder

WARM_WALL = Celsius(33.6)


@pytest.fixture
def street() -> Iterator[Street]:
    with memory_folder() as folder, Street(folder) as made:
        made.run(2.0)
        yield made


# -- a wall as warm as skin -----------------------------------------------------------------------------


def test_a_sleeve_before_a_warm_wall_brings_nobody_in(street: Street) -> None:
    street.warmth = WARM_WALL
    street.run(120.0)
    street.shown = [street.issue().text]
    while not street.answers:
        street.run(0.7)
        street.warmth = Celsius(28.0)
        street.run(0.2)
        street.warmth = WARM_WALL
        street.run(2.3)
    passage = street.answers[-1]
    assert passage.decision.verdict is Verdict.REFER
    assert passage.decision.reasons[0] is Reason.NO_READING
    assert street.green_seconds() == 0

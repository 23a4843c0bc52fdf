"""A gate is closed only when that is certain."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from kiosk.config import OpeningHours
from kiosk.hours import is_open
from kiosk.model import ClockState, TimeInterval, UnixTime

ZONE = "Asia/Shanghai"
WEEKDAYS = OpeningHours(0b0011111, 6 * 60, 22 * 60)
SATURDAY = OpeningHours(0b0100000, 8 * 60, 24 * 60)


def at(text: str) -> TimeInterval:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))
    return TimeInterval.exactly(UnixTime(moment.timestamp()))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20 05:59:59", False),  # a Friday
        ("2026-11-20 06:00", True),
        ("2026-11-20 21:59:59", True),
        ("2026-11-20 22:00", False),
        ("2026-11-21 07:59", False),  # a Saturday
        ("2026-11-21 23:59:59", True),
        ("2026-11-22 12:00", False),  # a Sunday
        ("2026-11-23 06:00", True),
    ],
)
def test_hours_are_by_the_clock_on_the_wall(moment: str, expected: bool) -> None:
    assert is_open((WEEKDAYS, SATURDAY), at(moment), ZONE) is expected


def test_without_hours_it_is_always_open() -> None:
    assert is_open((), at("2026-11-22 03:00"), ZONE)


def test_a_time_that_is_not_proven_closes_nothing() -> None:
    night = at("2026-11-22 03:00").lo
    assert is_open((WEEKDAYS,), TimeInterval(night, night, ClockState.UNTRUSTED), ZONE)

"""A gate is open, or closed, only when that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def between(start: str, end: str) -> TimeInterval:
    """A time that is not proven."""
    return TimeInterval(at(start).lo, at(end).lo, ClockState.UNTRUSTED)


NIGHT = (OpeningHours(0b1111111, 20 * 60, 24 * 60), OpeningHours(0b1111111, 0, 6 * 60))
ALL_DAY = (OpeningHours(0b1111111, 0, 12 * 60), OpeningHours(0b1111111, 12 * 60, 24 * 60))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-11-20 06:00", "2026-11-20 21:59", True),
        ("2026-11-20 05:59", "2026-11-20 06:01", None),
        ("2026-11-20 21:59", "2026-11-20 22:00", None),
        ("2026-11-20 22:00", "2026-11-21 07:59", False),
        ("2026-11-21 08:00", "2026-11-21 23:59", True),
        ("2026-11-21 23:59", "2026-11-22 00:00", None),
        ("2026-11-22 00:00", "2026-11-23 05:59", False),
        ("2026-11-20 12:00", "2026-11-23 12:00", None),  # open at both ends, a weekend in between
        ("2026-11-20 23:00", "2026-11-22 23:00", None),  # closed at both ends
        ("2026-11-20 12:00", "2026-12-20 12:00", None),
    ],
)
def test_what_may_lie_inside_or_outside_is_not_known(start: str, end: str, expected: bool | None) -> None:
    assert is_open((WEEKDAYS, SATURDAY), between(start, end), ZONE) is expected


def test_a_time_that_is_not_proven_opens_no_closed_gate() -> None:
    """The night of a Sunday, by every time that it may be."""
    night = at("2026-11-22 03:00").lo
    assert is_open((WEEKDAYS,), TimeInterval(night, night, ClockState.UNTRUSTED), ZONE) is False


def test_spans_that_meet_at_midnight_or_noon_are_one() -> None:
    assert is_open(NIGHT, between("2026-11-20 20:00", "2026-11-21 05:59"), ZONE) is True
    assert is_open(NIGHT, between("2026-11-20 06:00", "2026-11-20 19:59"), ZONE) is False
    assert is_open(ALL_DAY, between("2026-11-01 00:00", "2027-11-01 00:00"), ZONE) is True


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@given(until=st.integers(100, 200), start=st.integers(0, 300), length=st.integers(0, 120))
def test_a_night_in_which_the_clocks_are_changed(day: str, until: int, start: int, length: int) -> None:
    hours = (OpeningHours(0b1111111, 0, until),)
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert_that_of_every_minute(hours, midnight + start * 60, length, "Europe/Berlin")


spans = st.lists(
    st.builds(
        lambda days, start, length: OpeningHours(days, start, min(1440, start + length)),
        st.integers(1, 127),
        st.integers(0, 1439),
        st.integers(1, 1440),
    ),
    min_size=1,
    max_size=3,
)


@given(spans, st.integers(0, 7 * 1440), st.integers(0, 9 * 1440), st.sampled_from([ZONE, "Europe/Berlin"]))
@settings(max_examples=30)
def test_the_answer_is_that_of_every_minute_it_may_be(
    hours: list[OpeningHours], start: int, length: int, zone: str
) -> None:
    assert_that_of_every_minute(hours, at("2026-03-25 00:00").lo + start * 60, length, zone)


def assert_that_of_every_minute(hours: Sequence[OpeningHours], lo: float, length: int, zone: str) -> None:
    interval = TimeInterval(UnixTime(lo), UnixTime(lo + length * 60), ClockState.UNTRUSTED)
    minutes = range(0, length * 60 + 1, 60)
    exact = {is_open(hours, TimeInterval.exactly(UnixTime(lo + passed)), zone) for passed in minutes}
    assert is_open(hours, interval, zone) is (exact.pop() if len(exact) == 1 else None)

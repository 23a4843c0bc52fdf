"""Times: valid, surely not, or honestly unknown; weekly windows by the clock on the wall."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import Reason, UnixTime, WeeklyWindow
from kiosk.passes.times import LEEWAY_S, inside, judge
from tests.unit.passes.kit import exactly, uncertain

BEGINS, ENDS = UnixTime(1000), UnixTime(2000)
SHANGHAI = "Asia/Shanghai"
times = st.integers(0, 3000).map(float)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (939.9, Reason.NOT_YET_VALID),
        (940.0, None),
        (1500.0, None),
        (2060.0, None),
        (2060.1, Reason.EXPIRED),
    ],
)
def test_a_proven_time_leaves_no_doubt(at: float, expected: Reason | None) -> None:
    assert judge(exactly(at), BEGINS, ENDS) is expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (940, 2060, None),
        (939, 1500, Reason.TIME_UNCERTAIN),
        (1500, 2061, Reason.TIME_UNCERTAIN),
        (0, 9000, Reason.TIME_UNCERTAIN),
        (0, 939, Reason.NOT_YET_VALID),
        (2061, 9000, Reason.EXPIRED),
    ],
)
def test_an_interval_must_lie_inside_or_outside_as_a_whole(
    low: float, high: float, expected: Reason | None
) -> None:
    assert judge(uncertain(low, high), BEGINS, ENDS) is expected


@given(times, times, times, st.none() | times, times)
def test_an_interval_never_claims_more_than_its_instants(
    low: float, length: float, part: float, begins: float | None, ends: float
) -> None:
    """Valid, expired or not yet: then so is every instant of the interval."""
    if begins is not None and begins >= ends:
        return  # no pass is written so
    answer = judge(uncertain(low, low + length), None if begins is None else UnixTime(begins), UnixTime(ends))
    inner = low + length * part / 3000
    if answer is not Reason.TIME_UNCERTAIN:
        only = judge(exactly(inner), None if begins is None else UnixTime(begins), UnixTime(ends))
        assert only is answer


@given(times, times, times)
def test_a_proven_time_is_never_uncertain(at: float, begins: float, ends: float) -> None:
    if ends > begins:
        assert judge(exactly(at), UnixTime(begins), UnixTime(ends)) is not Reason.TIME_UNCERTAIN


def test_the_leeway_is_a_minute() -> None:
    assert LEEWAY_S == 60


def moment(day: int, clock: str, zone: str = SHANGHAI) -> UnixTime:
    """A time of November 2026; the 23rd is a Monday."""
    hour, minute = map(int, clock.split(":"))
    return UnixTime(datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp())


COURIER = WeeklyWindow(days=0b0010101, from_minute=7 * 60, to_minute=20 * 60)
"""Monday, Wednesday, Friday."""
NIGHT = WeeklyWindow(days=0b0010000, from_minute=22 * 60, to_minute=6 * 60)
"""Friday night into Saturday."""
SUNDAY_NIGHT = WeeklyWindow(days=0b1000000, from_minute=22 * 60, to_minute=6 * 60)
WHOLE_DAY = WeeklyWindow(days=0b0000001, from_minute=0, to_minute=1440)


@pytest.mark.parametrize(
    ("window", "day", "clock", "expected"),
    [
        (COURIER, 23, "06:59", False),
        (COURIER, 23, "07:00", True),
        (COURIER, 23, "19:59", True),
        (COURIER, 23, "20:00", False),
        (COURIER, 24, "12:00", False),
        (COURIER, 25, "12:00", True),
        (COURIER, 29, "12:00", False),
        (NIGHT, 27, "21:59", False),
        (NIGHT, 27, "22:00", True),
        (NIGHT, 28, "05:59", True),
        (NIGHT, 28, "06:00", False),
        (NIGHT, 27, "05:00", False),
        (NIGHT, 28, "22:00", False),
        (SUNDAY_NIGHT, 29, "23:00", True),
        (SUNDAY_NIGHT, 30, "01:00", True),
        (SUNDAY_NIGHT, 29, "01:00", False),
        (WHOLE_DAY, 23, "00:00", True),
        (WHOLE_DAY, 23, "23:59", True),
        (WHOLE_DAY, 24, "00:00", False),
    ],
)
def test_windows_of_the_week(window: WeeklyWindow, day: int, clock: str, expected: bool) -> None:
    assert inside(window, moment(day, clock), SHANGHAI) is expected


def test_a_window_goes_by_the_policys_time_zone() -> None:
    at = moment(23, "07:30")
    assert inside(COURIER, at, SHANGHAI)
    assert not inside(COURIER, at, "Europe/Berlin")


def test_summer_time_does_not_shift_a_window() -> None:
    zone = ZoneInfo("Europe/Berlin")
    for month in (1, 7):
        day = next(d for d in range(1, 8) if datetime(2026, month, d, tzinfo=zone).weekday() == 0)
        at = datetime(2026, month, day, 7, 0, tzinfo=zone).timestamp()
        assert inside(COURIER, UnixTime(at), "Europe/Berlin")
        assert not inside(COURIER, UnixTime(at - 60), "Europe/Berlin")


@given(st.integers(1, 127), st.integers(0, 1439), st.integers(0, 1440))
def test_a_window_is_open_exactly_as_long_as_it_says(days: int, start: int, end: int) -> None:
    if start == end:
        return
    window = WeeklyWindow(days, start, end)
    monday = moment(23, "00:00")
    edges = sorted({0, start, end % 1440})
    length = 0
    for day in range(7):
        for low, high in pairwise([*edges, 1440]):
            if inside(window, UnixTime(monday + (day * 1440 + low) * 60), SHANGHAI):
                length += high - low
    assert length == days.bit_count() * ((end - start) if end > start else 1440 - start + end)

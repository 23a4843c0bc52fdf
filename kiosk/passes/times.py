"""Validity against a time that may be known only as an interval."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kiosk.model import Reason, TimeInterval, UnixTime, WeeklyWindow

LEEWAY_S: Final = 60.0
"""Clocks of issuers and gates differ a little; applied to both ends."""


def judge(interval: TimeInterval, not_before: UnixTime | None, expires: UnixTime) -> Reason | None:
    """None when valid in the whole interval, EXPIRED or NOT_YET_VALID when invalid in all of it.

    What lies in between is TIME_UNCERTAIN: the pass may be good, and the gate's clock can't tell.
    """
    starts = -LEEWAY_S if not_before is None else not_before - LEEWAY_S
    ends = expires + LEEWAY_S
    if starts <= interval.lo and interval.hi <= ends:
        return None
    if ends < interval.lo:
        return Reason.EXPIRED
    return Reason.NOT_YET_VALID if interval.hi < starts else Reason.TIME_UNCERTAIN


def inside(window: WeeklyWindow, at: UnixTime, zone: str) -> bool:
    """Whether ``at`` lies in the weekly window, by the clock on the wall in ``zone``.

    A window whose end is before its start runs over midnight; the part after midnight belongs to the
    day on which it began. The end itself is outside.
    """
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    if window.from_minute < window.to_minute:
        return _has(window, weekday) and window.from_minute <= minute < window.to_minute
    if minute >= window.from_minute:
        return _has(window, weekday)
    return minute < window.to_minute and _has(window, weekday - 1)


def _has(window: WeeklyWindow, weekday: int) -> bool:
    return bool(window.days >> weekday % 7 & 1)

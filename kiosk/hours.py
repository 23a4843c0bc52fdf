"""Is the gate open now? A time that is not proven is an interval, so there are three answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kiosk.config import OpeningHours
from kiosk.model import TimeInterval

DAYS_LOOKED_AT: Final = 8
"""Hours are weekly: an interval that is longer shows nothing new."""
QUARTER_S: Final = 900


def is_open(hours: Sequence[OpeningHours], interval: TimeInterval, time_zone: str) -> bool | None:
    """True or False where every time that it may be now gives the same answer, None where it is not known.

    Without spans it is always open. A clock that has failed opens no closed gate and closes no open one.
    """
    if not hours:
        return True
    zone = ZoneInfo(time_zone)
    answer = _inside(hours, datetime.fromtimestamp(interval.lo, zone))
    changed = (_inside(hours, moment) is not answer for moment in _edges(hours, interval, zone))
    return None if any(changed) else answer


def _inside(hours: Sequence[OpeningHours], moment: datetime) -> bool:
    minute = moment.hour * 60 + moment.minute
    return any(
        span.days >> moment.weekday() & 1 and span.from_minute <= minute < span.to_minute for span in hours
    )


def _edges(hours: Sequence[OpeningHours], interval: TimeInterval, zone: ZoneInfo) -> Iterator[datetime]:
    """The times after the interval's start at which the answer may change."""
    if interval.lo == interval.hi:
        return
    minutes = {0, *(end for span in hours for end in (span.from_minute, span.to_minute))}
    first = datetime.fromtimestamp(interval.lo, zone).date()
    for day in range(DAYS_LOOKED_AT + 1):
        for at in _changes(first + timedelta(days=day), minutes, zone):
            if interval.lo < at <= interval.hi:
                yield datetime.fromtimestamp(at, zone)


def _changes(day: date, minutes: Iterable[int], zone: ZoneInfo) -> Iterator[float]:
    """Midnight and each span's ends on a day, Unix seconds."""
    start, end = (datetime.combine(day + timedelta(days=later), time(), zone) for later in (0, 1))
    yield from ((start + timedelta(minutes=minute)).timestamp() for minute in minutes)
    if start.utcoffset() != end.utcoffset():
        # The clocks are changed, on some quarter of an hour: an end may fall out, or come twice.
        yield from range(int(start.timestamp()), int(end.timestamp()), QUARTER_S)
        yield from ((start + timedelta(minutes=minute)).replace(fold=1).timestamp() for minute in minutes)

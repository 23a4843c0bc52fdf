"""Is the gate open now? Only a proven time can close it: REFUSE is for what is certain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from kiosk.config import OpeningHours
from kiosk.model import TimeInterval


def is_open(hours: Sequence[OpeningHours], interval: TimeInterval, time_zone: str) -> bool:
    """True when any span holds the time, when there are no spans, or when the time is not trusted."""
    if not hours or not interval.trusted:
        return True
    local = datetime.fromtimestamp(interval.lo, ZoneInfo(time_zone))
    minute = local.hour * 60 + local.minute
    return any(
        span.days >> local.weekday() & 1 and span.from_minute <= minute < span.to_minute for span in hours
    )

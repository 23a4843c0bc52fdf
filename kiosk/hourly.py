"""Counts for the server: which results the readings had, and what the thermometer's bus did meanwhile.

A gate that refers many people, or an ageing cable, shows here before anybody complains. Every passage stands
in the journal anyway; what is lost with a power cut is only the sum of less than an hour.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Final

from kiosk.model import BusCounts, Monotonic, Screening, Seconds

EVERY: Final = Seconds(3600.0)


class Hourly:
    """Counts since the last event. For the gate thread only; the bus counts are another thread's."""

    def __init__(self, now: Monotonic, bus: BusCounts | None) -> None:
        """``bus``: counts upwards for as long as the gate runs; None: there is no bus."""
        self._since = now
        self._bus = bus
        self._bus_then = _copy(bus)
        self._results: Counter[Screening] = Counter()

    def count(self, result: Screening | None) -> None:
        """One person was answered; None: without anything to say about their forehead."""
        if result is not None:
            self._results[result] += 1

    def due(self, now: Monotonic) -> bool:
        """An hour has passed."""
        return now - self._since >= EVERY

    def take(self, now: Monotonic) -> dict[str, object]:
        """What has been counted, for the journal; counting begins anew."""
        bus = _copy(self._bus)
        body = {
            "seconds": round(now - self._since, 3),
            "screening": {str(result): self._results[result] for result in Screening},
            "bus": {name: count - self._bus_then[name] for name, count in bus.items()} or None,
        }
        self._since, self._bus_then = now, bus
        self._results.clear()
        return body


def _copy(bus: BusCounts | None) -> dict[str, int]:
    plain = {} if bus is None else asdict(bus)
    return {name: count for name, count in plain.items() if isinstance(count, int)}

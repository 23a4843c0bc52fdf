"""Ties virtual time to real time, so that people can watch a simulated gate."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from drivers.simulated.clock import VirtualClock
from kiosk.model import Seconds

LATE_S: Final = Seconds(0.05)
"""How much of a late wake-up is made up for, so that many short steps keep the pace on average."""


class Stoppable(Protocol):
    """Whatever can end a wait: a threading.Event, the stop signals."""

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is set, at most that many real seconds; whether it is set."""


class Pace:
    """Lets virtual time pass no faster than ``speed`` times real time. For one thread.

    A machine that can't keep up falls behind and stays there: nothing is ever rushed to catch up.
    """

    def __init__(
        self,
        clock: VirtualClock,
        speed: float,
        stop: Stoppable,
        real: Callable[[], float] = time.monotonic,
    ) -> None:
        """``speed`` may be infinite: as fast as it goes. ``real`` is a monotonic clock in seconds."""
        if not speed > 0:
            raise ValueError(f"speed must be more than 0, not {speed}")
        self._clock = clock
        self._speed = speed
        self._stop = stop
        self._real = real
        self._free_at = real()

    def advance(self, seconds: float) -> bool:
        """Wait as long as this takes in real time, then let it pass; False, at once, when stopped."""
        self._free_at = max(self._free_at, self._real() - LATE_S) + seconds / self._speed
        if self._stop.wait(max(0.0, self._free_at - self._real())):
            return False
        self._clock.advance(seconds)
        return True

"""When a camera that says nothing has stalled."""

from __future__ import annotations

from typing import Final

from kiosk.errors import DeviceStalled
from kiosk.model import Monotonic, Seconds

STALL_S: Final = Seconds(2.0)
"""A camera delivers some frames a second, whatever is before it."""
LONGEST_STEP: Final = Seconds(0.5)
"""What lies between two polls counts at most so much: a decoder that was busy says nothing of the camera."""


class Silence:
    """How long a source has said nothing while it was asked. For one thread."""

    def __init__(self, what: str, remedy: str = "") -> None:
        """``what`` names the source in the error, ``remedy`` says what to look at."""
        self._what = what
        self._remedy = remedy
        self._since_s = 0.0
        self._asked: Monotonic | None = None

    def note(self, heard: bool, now: Monotonic) -> None:
        """One poll: there was something, or not; DeviceStalled after 2 s of nothing."""
        passed = 0.0 if self._asked is None else min(now - self._asked, LONGEST_STEP)
        self._asked = now
        self._since_s = 0.0 if heard else self._since_s + passed
        if self._since_s >= STALL_S:
            remedy = f": {self._remedy}" if self._remedy else ""
            raise DeviceStalled(f"{self._what}: no frame for {STALL_S:.0f} s{remedy}")

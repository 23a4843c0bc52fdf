"""A call button that a scenario, a trainer or a test presses."""

from __future__ import annotations

from collections import deque
from typing import Final

from kiosk.model import Monotonic

MOST_WAITING: Final = 3
"""As the real one."""


class SimulatedCallButton:
    """Counts presses. May be pressed from any thread."""

    def __init__(self) -> None:
        self._presses: deque[None] = deque(maxlen=MOST_WAITING)
        self._closed = False

    def press(self) -> None:
        """Somebody presses the button; nothing happens once it is closed."""
        if not self._closed:
            self._presses.append(None)

    def poll(self, now: Monotonic) -> bool:  # noqa: ARG002 the same signature as every device
        """True once for each press since the last poll (at most 3 are kept)."""
        try:
            self._presses.pop()
        except IndexError:
            return False
        return True

    def close(self) -> None:
        """Presses not polled yet are forgotten."""
        self._closed = True
        self._presses.clear()

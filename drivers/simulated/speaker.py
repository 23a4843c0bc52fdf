"""A speaker that remembers what it was told to say, and from when to when it was heard."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from kiosk.devices import Clock
from kiosk.errors import DeviceError
from kiosk.model import Monotonic, Prompt, Seconds

HISTORY: Final = 1_000
"""Prompts kept."""
LASTS_S: Final = Seconds(4.0)
"""About what both languages of a prompt take."""


class Spoken(NamedTuple):
    """A prompt, when it began, and whether it was said at the night's volume."""

    at: Monotonic
    prompt: Prompt
    quiet: bool = False


class SimulatedSpeaker:
    """Records prompts. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self.history: deque[Spoken] = deque(maxlen=HISTORY)
        self.fault: DeviceError | None = None
        """Why nothing is heard; set by who plays faults."""
        self._clock = clock
        self._closed = False

    def start(self) -> None:
        """Nothing to start."""

    @property
    def last(self) -> Prompt | None:
        """The newest prompt, or None."""
        return self.history[-1].prompt if self.history else None

    @property
    def speaking(self) -> Prompt | None:
        """What is being said."""
        if self._closed or self.fault is not None or not self.history:
            return None
        newest = self.history[-1]
        return newest.prompt if self._clock.monotonic() - newest.at < LASTS_S else None

    def say(self, prompt: Prompt, *, quiet: bool = False) -> None:
        """Record it; silent once closed and while there is a fault, as a real one."""
        if not self._closed and self.fault is None:
            self.history.append(Spoken(self._clock.monotonic(), prompt, quiet))

    def close(self) -> None:
        """Silence; the history stays."""
        self._closed = True

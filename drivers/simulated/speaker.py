"""A speaker that remembers what it was told to say."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from kiosk.devices import Clock
from kiosk.model import Monotonic, Prompt

HISTORY: Final = 1_000
"""Prompts kept."""


class Spoken(NamedTuple):
    """A prompt and when it began."""

    at: Monotonic
    prompt: Prompt


class SimulatedSpeaker:
    """Records prompts. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self.history: deque[Spoken] = deque(maxlen=HISTORY)
        self._clock = clock
        self._closed = False

    @property
    def last(self) -> Prompt | None:
        """The newest prompt, or None."""
        return self.history[-1].prompt if self.history else None

    def say(self, prompt: Prompt) -> None:
        """Record it; silent once closed, as a real one."""
        if not self._closed:
            self.history.append(Spoken(self._clock.monotonic(), prompt))

    def close(self) -> None:
        """Silence; the history stays."""
        self._closed = True

"""One person at the gate, from arrival to answer."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.model import Decision, Light, Monotonic, PassCheck, Reading, Receipt


@dataclass(slots=True)
class Person:
    """Who is being dealt with. Times are monotonic."""

    since: Monotonic
    check: PassCheck | None = None
    companion: bool = False
    called: bool = False
    tries: int = 0
    reading: Reading | None = None
    code_at: Monotonic | None = None
    """Time of the frame that showed the code."""
    read_at: Monotonic | None = None
    """When the code had been decoded and judged."""
    seen_at: Monotonic | None = None
    """Time of the newest frame that showed the code."""

    @property
    def token(self) -> str | None:
        """Names the code of this person, if one was shown."""
        return None if self.check is None or self.code_at is None else self.check.token


@dataclass(frozen=True, slots=True)
class Passage:
    """One answered person, for those who watch: terminal, panel, bench."""

    decision: Decision
    light: Light
    person: Person
    receipt: Receipt | None
    last_word_at: Monotonic | None
    answered_at: Monotonic

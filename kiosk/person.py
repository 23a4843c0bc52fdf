"""One person at the gate, from arrival to answer."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.model import Decision, Light, Monotonic, PassCheck, Reading, Receipt, Seconds


@dataclass(slots=True)
class Person:
    """Who is being dealt with. Times are monotonic."""

    since: Monotonic
    check: PassCheck | None = None
    """What counts for this person: their own pass or, for a companion, the household's."""
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
    text: str | None = None
    """Text of the pass in :attr:`check`, to check it again at the answer; never written anywhere."""
    stranger: bool = False
    """The forehead came so long after the code that it may be somebody else's."""
    left: bool = False
    """Gone before an answer."""
    sent_back: bool = False
    """Has been asked to step back, since the forehead in view could not be told from the last one."""
    _linked_at: Monotonic | None = None

    def show(self, at: Monotonic) -> None:
        """The code is in view: whoever stands there is this person."""
        self.seen_at = self._linked_at = at
        self.stranger = False

    def link(self, at: Monotonic, keeps: Seconds) -> None:
        """A forehead is in view; after a gap longer than ``keeps`` it says nothing about whose it is."""
        if self._linked_at is not None and at - self._linked_at > keeps:
            self.stranger = True
        elif not self.stranger:
            self._linked_at = at

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

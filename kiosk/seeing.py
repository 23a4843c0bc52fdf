"""Whose code the camera sees: somebody new, who is being read, who has had an answer, or who waits behind.

What a code means depends on who stands there, so it is told what the gate knows of that with every code.
It answers with the person who is to be dealt with now, and changes nothing else at the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from kiosk.devices import Clock
from kiosk.judge import Judge
from kiosk.model import CodeRead, Light, Monotonic, PassCheck, Seconds
from kiosk.passage.arrival import CodeFilter, CodeJudgement, Companions
from kiosk.passage.decision import judged
from kiosk.passes.formats import likeliest_first
from kiosk.person import Passage, Person
from kiosk.sensing import LONG_AGO, Sensing
from kiosk.surroundings import Surroundings

NEXT_CODE_S: Final = Seconds(1.0)
"""A code of somebody else seen this recently is taken to be still there."""
ABSENT_S: Final = Seconds(1.0)
LEFT_S: Final = Seconds(1.5)
"""Without their code or a forehead in view for that long, a person makes way for a pass that is there."""
STALE_S: Final = Seconds(2.0)
"""A code in an older picture says nothing about who is there now (the gate was held up)."""
MOST_CODES: Final = 8
"""Looked at in one turn; nobody holds up more, and each signature takes its time."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the gate shows while a code is seen."""

    last: Passage | None = None
    lit: bool = False
    """That answer is still lit."""
    answered_at: Monotonic = LONG_AGO
    seen_until: Monotonic = LONG_AGO
    """Until then it belongs to the one who was answered: who waited behind them waits on."""


class Seen(NamedTuple):
    """What a code means: somebody to deal with, or that the last answer is asked for once more."""

    person: Person | None = None
    again: bool = False


NOTHING: Final = Seen()


class Seeing:
    """Fed with every code. For the gate thread only."""

    def __init__(self, surroundings: Surroundings, judge: Judge, sensing: Sensing, *, clock: Clock) -> None:
        self.companions = Companions()
        self.filter = CodeFilter()
        self.next: tuple[PassCheck, CodeRead] | None = None
        """A pass behind the person who is being read."""
        self._next_since = LONG_AGO
        self._queued: set[str] = set()
        self._last_seen = LONG_AGO
        self._around = surroundings
        self._judge = judge
        self._sensing = sensing
        self._clock = clock

    # -- one picture -----------------------------------------------------------------------------------

    def in_order(self, codes: Sequence[CodeRead], now: Monotonic) -> Iterator[tuple[PassCheck, CodeRead]]:
        """A turn's codes to be judged, one after the other, as each may change who is there."""
        fresh = likeliest_first(code for code in codes if now - code.at <= STALE_S)
        checked = [(self._around.check(code.text), code) for code in fresh[:MOST_CODES]]
        signed = {code.at for check, code in checked if check.facts is not None}
        for check, code in sorted(checked, key=_first_to_judge):
            if check.facts is None and code.at in signed:
                # An address on the same sheet, a poster behind: nobody of their own.
                self.filter.taken(check.token, code.at)
                continue
            yield check, code
            if check.facts is not None and not check.valid:
                # Its answer is seen before the good pass beside it gets one.
                self._queued.update(other.token for other, _ in checked if other.valid)

    # -- while nobody is being read -----------------------------------------------------------------------

    def look(self, check: PassCheck, code: CodeRead, shown: Shown, now: Monotonic) -> Seen:
        """What a code means to a gate that waits, or whose last answer is still lit."""
        if now < shown.seen_until and check.token in self._queued:
            return NOTHING
        new_face = self._new_face(check, shown, now)
        judgement = self.filter.judge(check.token, check.facts is not None, code.at, new_face)
        if judgement is CodeJudgement.NEW:
            return Seen(self.person_with(check, code))
        return self._same(check, code, shown) if judgement is CodeJudgement.SAME else NOTHING

    def _new_face(self, check: PassCheck, shown: Shown, now: Monotonic) -> bool:
        """A forehead has come since the last answer. Under green it is still the one that was let in."""
        last = shown.last
        if last is not None and last.person.token == check.token:
            own_green = shown.lit and last.light is Light.ADMIT
            if own_green or now - self._last_seen <= ABSENT_S:
                return False
        return self._sensing.arrived_at > shown.answered_at

    def _same(self, check: PassCheck, code: CodeRead, shown: Shown) -> Seen:
        """The last code again: the next of a family, or the same person, who looks for the answer."""
        came_back = code.at - self._last_seen > ABSENT_S
        self._last_seen = code.at
        household = self.companions.peek(code.at)
        family = household is not None and household.check.token == check.token
        face = self._around.reads_foreheads and self._sensing.present and not self._sensing.spent
        if came_back and family and not face:
            # They hold up the phone and wait to be told; a new forehead would speak for itself.
            return Seen(self.person_with(check, code))
        last = shown.last
        theirs = last is not None and last.person.token == check.token and last.light is not Light.ADMIT
        return Seen(again=came_back and theirs)

    # -- while somebody is being read ----------------------------------------------------------------------

    def look_past(self, check: PassCheck, code: CodeRead, person: Person) -> Seen:
        """What a code means while this person is being read."""
        if check.token == person.token:
            person.show(code.at)
            self.filter.taken(check.token, code.at)
            return NOTHING
        if self.filter.still_there(check.token, code.at):
            # Of somebody who has had an answer.
            return NOTHING
        if person.companion and person.code_at is None:
            return self._of_companion(check, code, person)
        if check.facts is not None and self._has_left(person, code.at):
            return Seen(self.person_with(check, code))
        self._wait(check, code)
        return NOTHING

    def _of_companion(self, check: PassCheck, code: CodeRead, person: Person) -> Seen:
        """Somebody who came behind a household shows a code after all."""
        counts, follows = judged(check, person.check)
        if follows:
            person.code_at = code.at
            person.show(code.at)
            person.read_at = self._clock.monotonic()
            return NOTHING
        shown = self._shown(counts, code)
        if self._sensing.present and self._judge.needs_reading(shown):
            # Held over a child's head: a forehead is never given to another pass than it came for.
            self._wait(check, code)
            return NOTHING
        return Seen(shown)

    def _has_left(self, person: Person, now: Monotonic) -> bool:
        """Neither their code nor a forehead has been in view for a while, and somebody else's pass is."""
        return not self._sensing.present and person.seen_at is not None and now - person.seen_at > LEFT_S

    def _wait(self, check: PassCheck, code: CodeRead) -> None:
        """Somebody behind holds up a pass. Codes that are none replace nobody: they may hang on the wall."""
        if check.facts is not None:
            if self.next is None or self.next[0].token != check.token:
                self._next_since = code.at
            self.next = (check, code)
            self._queued.add(check.token)

    # -- who waits behind -----------------------------------------------------------------------------------

    def in_doubt(self, person: Person) -> bool:
        """This person's code went, another pass came, and only then a forehead: whose is it?"""
        if self.next is None or person.seen_at is None or self.next[1].at < person.seen_at:
            return False
        return person.seen_at < self._sensing.arrived_at and self._next_since < self._sensing.arrived_at

    def took_over(self, person: Person, now: Monotonic) -> bool:
        """Nobody leaned in and only another pass is in view: the person has gone, the next one is here."""
        if self.next is None or self._sensing.present:
            return False
        since, own = now - NEXT_CODE_S, person.seen_at
        return self.next[1].at >= since and (own is None or own < since)

    def next_person(self) -> Person | None:
        """Whose pass waits behind the one that is being read."""
        return None if self.next is None else self.person_with(*self.next)

    # -- people ---------------------------------------------------------------------------------------------

    def person_with(self, check: PassCheck, code: CodeRead) -> Person:
        """Whoever shows this code: its holder, or one of the household that has just gone in."""
        household = self.companions.peek(code.at)
        counts, follows = judged(check, None if household is None else household.check)
        if follows and household is not None:
            return self._shown(counts, replace(code, text=household.text), companion=True)
        return self._shown(counts, code)

    def _shown(self, check: PassCheck | None, code: CodeRead, *, companion: bool = False) -> Person:
        person = Person(code.at, check, companion, text=code.text, code_at=code.at)
        person.read_at = self._clock.monotonic()
        person.show(code.at)
        return person

    def begin(self, person: Person | None, now: Monotonic) -> None:
        """This person is being dealt with: nobody waits before them."""
        self.next = None
        self._queued.clear()
        self.take(person, now)

    def take(self, person: Person | None, now: Monotonic) -> None:
        """Their code is taken up: from now on it is theirs, and swallowed."""
        if person is not None and person.token is not None:
            self.filter.taken(person.token, now)
            self._last_seen = now

    def left(self, person: Person) -> None:
        """They went unanswered: shown again, their code is somebody to answer."""
        if person.token is not None:
            self.filter.forget(person.token)


def _first_to_judge(checked: tuple[PassCheck, CodeRead]) -> int:
    """Of several codes in one picture: a signed one that fails, one that is good, then what is no pass.

    A good pass beside a held one is judged second, or a neighbour's phone could shine over the holder's.
    """
    check, _ = checked
    if check.facts is None:
        return 2
    return 1 if check.valid else 0

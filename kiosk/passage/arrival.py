"""Who is new before the gate: foreheads, codes, companions, and passes that come round again.

Every memory here is bounded, because whoever stands before the camera chooses what is put into it.
All classes belong to the gate thread alone; time is monotonic and comes with each call.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple

from kiosk.model import (
    Category,
    Celsius,
    Direction,
    Monotonic,
    PassCheck,
    PassId,
    Sample,
    Seconds,
    ThermometerSpec,
)
from kiosk.policy import Policy

SWALLOW_S: Final = Seconds(5.0)
UNKNOWN_S: Final = Seconds(5.0)


class ForeheadWatch:
    """Notices a person by their warmth, and each person once.

    The background is learned only while nobody is present. Something warm that stays longer than
    :data:`SETTLED_S` (sun on a wall, a lamp) becomes the background; so does anything clearly colder.
    """

    ENTER: Final = 3
    """Samples in a row that make an arrival, and as many that end it."""
    MEMORY: Final = 64
    SETTLED_S: Final = Seconds(60.0)

    def __init__(self, spec: ThermometerSpec) -> None:
        self._threshold = spec.detection_c
        self._idle: deque[Celsius] = deque(maxlen=self.MEMORY)
        self._recent: deque[Celsius] = deque(maxlen=self.ENTER)
        self._since: Monotonic | None = None

    @property
    def present(self) -> bool:
        """A warm body is before the sensor."""
        return self._since is not None

    @property
    def background(self) -> Celsius | None:
        """Idle median, °C, before any correction; None until three idle samples are known."""
        return Celsius(median(self._idle)) if len(self._idle) >= self.ENTER else None

    def forget(self) -> None:
        """Start anew, as after a sensor came back."""
        self._idle.clear()
        self._recent.clear()
        self._since = None

    def feed(self, sample: Sample) -> bool:
        """True exactly at a new arrival: the third sample in a row above background and threshold."""
        self._recent.append(sample.object_celsius)
        background = self.background
        if background is None:
            self._idle.append(sample.object_celsius)
            return False
        if self._all(lambda value: value < background - self._threshold):
            self._learn_recent()
            return False
        if self._since is None:
            return self._watch_idle(sample, background)
        self._watch_present(sample, background)
        return False

    def _watch_idle(self, sample: Sample, background: Celsius) -> bool:
        if self._all(lambda value: value > background + self._threshold):
            self._since = sample.at
            return True
        # A jump either way may be a person, or the edge of one: it is not background yet.
        if abs(sample.object_celsius - background) <= self._threshold:
            self._idle.append(sample.object_celsius)
        return False

    def _watch_present(self, sample: Sample, background: Celsius) -> None:
        # Half the threshold: a head that moves must not leave and come again.
        if self._all(lambda value: value < background + self._threshold / 2):
            self._since = None
        elif self._since is not None and sample.at - self._since > self.SETTLED_S:
            self._learn_recent()

    def _all(self, holds: Callable[[Celsius], bool]) -> bool:
        return len(self._recent) == self.ENTER and all(map(holds, self._recent))

    def _learn_recent(self) -> None:
        self._idle.clear()
        self._idle.extend(self._recent)
        self._since = None


class CodeJudgement(StrEnum):
    """What to do with a code that was read."""

    NEW = "new"
    """A person to answer."""
    SAME = "same"
    """Swallowed: the same code, the same person; the last answer stands."""
    LIMITED = "limited"
    """One of too many unknown codes: counted, not answered."""


class CodeFilter:
    """Keeps one person's code from becoming many passages, and a playful phone from filling the journal.

    A code is swallowed for ``swallow_s`` after it was last seen, so that a phone left before the camera
    stays one passage; a new forehead makes it somebody else's. Of codes that are no pass, one in
    ``unknown_s`` is answered, whoever shows them; the rest is counted.
    """

    MEMORY: Final = 256
    COUNT_S: Final = Seconds(60.0)

    def __init__(self, swallow_s: Seconds = SWALLOW_S, unknown_s: Seconds = UNKNOWN_S) -> None:
        self._swallow_s = swallow_s
        self._unknown_s = unknown_s
        self._seen: OrderedDict[str, Monotonic] = OrderedDict()
        self._unknown_at: Monotonic | None = None
        self._limited = 0
        self._limited_since = Monotonic(0.0)
        self._limited_last = ""

    def judge(self, token: str, known: bool, now: Monotonic, new_forehead: bool) -> CodeJudgement:
        """Judge one code read at ``now``; ``known``: it is a pass, whatever its state."""
        last = self._seen.get(token)
        if last is not None and now - last < self._swallow_s and not new_forehead:
            self._remember(token, now)
            return CodeJudgement.SAME
        if not known and self._too_soon(now):
            self._count(token, now)
            return CodeJudgement.LIMITED
        if not known:
            self._unknown_at = now
        self._remember(token, now)
        return CodeJudgement.NEW

    def still_there(self, token: str, now: Monotonic) -> bool:
        """Whether this code was taken up a moment ago; seen again ``now``, it stays one person's."""
        last = self._seen.get(token)
        if last is None or now - last >= self._swallow_s:
            return False
        self._remember(token, now)
        return True

    def taken(self, token: str, now: Monotonic) -> None:
        """This code belongs to somebody who is dealt with already: it is swallowed from ``now`` on."""
        self._remember(token, now)

    def forget(self, token: str) -> None:
        """Who showed this code has left unanswered: shown again, it is a person to answer."""
        self._seen.pop(token, None)

    def take_count(self, now: Monotonic, *, final: bool = False) -> int | None:
        """How many codes were LIMITED, once a minute and only if any were; ``final``: at once."""
        if not self._limited or (not final and now - self._limited_since < self.COUNT_S):
            return None
        count, self._limited, self._limited_last = self._limited, 0, ""
        return count

    def _too_soon(self, now: Monotonic) -> bool:
        return self._unknown_at is not None and now - self._unknown_at < self._unknown_s

    def _remember(self, token: str, now: Monotonic) -> None:
        self._seen[token] = now
        self._seen.move_to_end(token)
        if len(self._seen) > self.MEMORY:
            self._seen.popitem(last=False)

    def _count(self, token: str, now: Monotonic) -> None:
        if not self._limited:
            self._limited_since = now
        # The same code in frame after frame is one code.
        self._limited += token != self._limited_last
        self._limited_last = token


class Household(NamedTuple):
    """The pass that companions follow, and its text: it is checked again for each of them."""

    check: PassCheck
    text: str


class Companions:
    """The people who follow a household pass: children, and whoever shares its phone.

    The newest household pass counts; places are never added up, and the same pass does not renew its
    own places while they last, or a queue could follow one phone for ever.
    """

    def __init__(self) -> None:
        self._household: Household | None = None
        self._until = Monotonic(0.0)
        self._left = 0

    def admitted(self, check: PassCheck, text: str, policy: Policy, now: Monotonic) -> None:
        """A pass was answered with ADMIT; a household's opens places for those behind."""
        if check.facts is None or check.facts.category is not Category.HOUSEHOLD:
            return
        newest = self._household
        if newest is not None and newest.check.token == check.token and now < self._until:
            return
        self._household, self._left = Household(check, text), policy.companions
        self._until = Monotonic(now + policy.companions_s)

    def waiting(self, now: Monotonic) -> int:
        """Places left at ``now``."""
        return self._left if now < self._until else 0

    def peek(self, now: Monotonic) -> Household | None:
        """The household that somebody arriving now may follow; uses nothing up."""
        return self._household if self.waiting(now) else None

    def take(self, now: Monotonic) -> Household | None:
        """The household that this arrival follows, or None; uses one place up."""
        household = self.peek(now)
        if household is not None:
            self._left -= 1
        return household

    def forget(self) -> None:
        """Withdraw all places, as when a stricter mode comes into force."""
        self._household, self._left = None, 0


class AntiPassback:
    """Passes that were admitted a moment ago, for each known direction; of this boot only."""

    MEMORY: Final = 4096
    """More than a gate can admit within any useful window; beyond it the oldest is forgotten."""

    def __init__(self) -> None:
        self._admitted: OrderedDict[tuple[PassId, Direction], Monotonic] = OrderedDict()

    def admitted(self, pass_id: PassId, direction: Direction, now: Monotonic) -> None:
        """This pass went this way."""
        key = (pass_id, direction)
        self._admitted[key] = now
        self._admitted.move_to_end(key)
        if len(self._admitted) > self.MEMORY:
            self._admitted.popitem(last=False)

    def blocks(self, pass_id: PassId, direction: Direction, now: Monotonic, window_s: Seconds) -> bool:
        """True when the pass went the same known way less than ``window_s`` ago; BOTH is not known."""
        if direction is Direction.BOTH:
            return False
        at = self._admitted.get((pass_id, direction))
        return at is not None and now - at < window_s

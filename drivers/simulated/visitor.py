"""One person at the gate: walks up, holds up the code, leans in, leaves when answered.

A visitor knows what a real one knows: the light, the voice, and how long this has taken. Times when
something happens by itself (an arm is up, a head is in place) are exact; what is seen is noticed at the
step in which it is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from drivers.light_patterns import ANSWERS, RESTING
from drivers.simulated.thermal import Pose
from kiosk.model import Light, Monotonic, Prompt, Seconds
from kiosk.scenario import Person, Site

WALK_S: Final = Seconds(1.0)
"""From the person before has made room to standing before the gate."""
NOTICE_S: Final = Seconds(0.4)
"""From the answer lighting up to moving off."""
MOVE_S: Final = Seconds(0.35)
"""A head's way to the sensor, part of the lean-in time; also its way back."""
LEAVE_S: Final = Seconds(1.2)
MAKES_ROOM_S: Final = Seconds(0.8)
"""After the answer the next person sets off."""
GRAB_S: Final = Seconds(0.5)
"""How long a hasty person holds still the first time."""
OBEY_S: Final = Seconds(1.0)
"""From a spoken prompt to the head being close."""
BACK_S: Final = Seconds(1.2)
"""From having stepped back, as asked, to coming close again. Ours."""
LIFT_S: Final = Seconds(2.0)
"""From a spoken prompt to a child being held up before the sensor. Ours."""
GUESS_S: Final = Seconds(6.0)
"""Without a voice: when somebody understands by themselves that this does not work."""
GIVE_BACK_S: Final = Seconds(1.5)
"""A resting light for that long while leaning in: show the code again."""
CALL_AFTER: Final = 0.5
"""Nothing happens for that share of one's patience: press the button."""
CALL_WITHOUT_PASS_S: Final = Seconds(8.0)
MUST_BE_MINE_S: Final = Seconds(1.5)
"""Hold still for that long while my code is up is meant for me, whenever it began."""

STANDING_CM: Final = 60.0
BESIDE_CM: Final = 45.0
"""Camera and sensor are side by side: who holds up a code stands beside the sensor's axis."""
BENDS_CM: Final = 80.0
"""Anybody who stands can look into something at table height, if they take the trouble. Ours; who does not
shows the sensor a cheek, which reads like a cooler forehead (docs/scenarios.md)."""
STRETCHES_CM: Final = 8.0
FOREHEAD_BELOW_TOP_CM: Final = 8.0


class Phase(StrEnum):
    """What a visitor is doing."""

    COMING = "coming"
    RAISING = "raising"
    SHOWING = "showing"
    LEANING = "leaning"
    LEAVING = "leaving"
    GONE = "gone"


@dataclass(slots=True)
class Visit:
    """What became of one person, in monotonic times; the figures of the benches come from here."""

    person: Person
    came_at: Monotonic
    """Joined the queue."""
    stepped_up_at: Monotonic | None = None
    code_visible_at: Monotonic | None = None
    read_at: Monotonic | None = None
    """Saw the pass-read light."""
    in_place_at: Monotonic | None = None
    """Forehead first in place."""
    answered_at: Monotonic | None = None
    answer: Light | None = None
    called: bool = False
    gave_up: bool = False
    left_at: Monotonic | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """What can be seen and heard at the gate now."""

    light: Light
    light_since: Monotonic
    prompt: Prompt | None = None
    press: Callable[[], None] | None = None
    """The call button, where there is one."""


@dataclass(frozen=True, slots=True)
class _Move:
    start: Monotonic
    lasts: float
    target: float


class Spot(NamedTuple):
    """Where somebody holds their forehead when leaning in."""

    distance_cm: float
    beside_cm: float
    """From the sensor's axis."""


def spot(seed: int, site: Site) -> Spot:
    """Nobody stands twice at the same place: around the marked distance, a little beside the axis. Ours."""
    rng = Random(seed)  # noqa: S311 - a simulation, not a secret
    distance = site.distance_cm * min(1.4, max(0.6, rng.gauss(1.0, 0.1)))
    return Spot(distance, abs(rng.gauss(0.0, 0.4)))


@dataclass(slots=True)
class Visitor:
    """The state of one person at the gate. Not shared between threads."""

    person: Person
    visit: Visit
    site: Site
    patience_s: Seconds
    since: Monotonic
    phase: Phase = Phase.COMING
    before: Phase = Phase.COMING
    """What the person did until :attr:`since`."""
    _moves: list[_Move] = field(default_factory=list)
    _uncovered_at: Monotonic | None = None
    _helped_at: Monotonic | None = None
    _heard: Prompt | None = None
    _hasty: bool = False
    _waits_since: Monotonic | None = None
    _spot: Spot = field(init=False)

    def __post_init__(self) -> None:
        self._hasty = self.person.kind.hasty
        self._spot = spot(self.person.seed, self.site)

    # -- time passes -----------------------------------------------------------------------------------

    def step(self, now: Monotonic, signals: Signals) -> None:
        """Take in what can be seen and heard, and go on."""
        while self._next_phase(now):
            pass
        if self.phase in (Phase.RAISING, Phase.SHOWING):
            self._while_showing(now, signals)
        elif self.phase is Phase.LEANING:
            self._while_leaning(now, signals)
        if self.phase in (Phase.RAISING, Phase.SHOWING, Phase.LEANING):
            self._while_waiting(now, signals)

    @property
    def makes_room_at(self) -> Monotonic | None:
        """When the next person may set off; None while this one is still dealt with."""
        if self.phase not in (Phase.LEAVING, Phase.GONE):
            return None
        left = self.visit.left_at
        return None if left is None else Monotonic(left - LEAVE_S - NOTICE_S + MAKES_ROOM_S)

    def _next_phase(self, now: Monotonic) -> bool:
        """Enter the phase that follows by itself, at its exact time; False when it is not due yet."""
        if self.phase is Phase.COMING and now >= self.since + WALK_S:
            self._arrive(Monotonic(self.since + WALK_S))
        elif self.phase is Phase.RAISING and now >= self.since + self.person.reach_s:
            self._enter(Phase.SHOWING, Monotonic(self.since + self.person.reach_s))
            self.visit.code_visible_at = self.visit.code_visible_at or self.since
        elif self.phase is Phase.LEAVING and self.visit.left_at is not None and now >= self.visit.left_at:
            self._enter(Phase.GONE, self.visit.left_at)
        else:
            return False
        return True

    def _enter(self, phase: Phase, at: Monotonic) -> None:
        self.before, self.phase, self.since = self.phase, phase, at

    def _arrive(self, at: Monotonic) -> None:
        self.visit.stepped_up_at = self._waits_since = at
        if self.person.shows_code:
            self._enter(Phase.RAISING, at)
        else:
            self._lean(at)

    # -- reactions -------------------------------------------------------------------------------------

    def _while_showing(self, now: Monotonic, signals: Signals) -> None:
        if self._mine(signals):
            self._note_seen(now)
            self._leave(now, signals.light)
        elif signals.light is Light.HOLD_STILL and self._meant_for_me(now, signals):
            self._note_seen(now)
            self._lean(now)

    def _note_seen(self, now: Monotonic) -> None:
        """The code was read, perhaps already on its way up: then it was visible for half that way."""
        self.visit.read_at = self.visit.read_at or now
        halfway = Monotonic(self.since + self.person.reach_s / 2)
        self.visit.code_visible_at = self.visit.code_visible_at or min(now, halfway)

    def _meant_for_me(self, now: Monotonic, signals: Signals) -> bool:
        began = self._began()
        return signals.light_since >= began or now - began >= MUST_BE_MINE_S + self.person.reach_s

    def _while_leaning(self, now: Monotonic, signals: Signals) -> None:
        if self._mine(signals):
            self._leave(now, signals.light)
            return
        self._listen(now, signals.prompt)
        place = self.visit.in_place_at
        if self._hasty and place is not None and now >= place + GRAB_S:
            self._hasty = False
            self._moves.append(_Move(Monotonic(place + GRAB_S), MOVE_S, 0.0))
        if now - self.since >= GUESS_S:
            self._obey(now)
        resting = signals.light in RESTING and now - max(self.since, signals.light_since) >= GIVE_BACK_S
        if resting and self.person.shows_code:
            self._moves.append(_Move(now, MOVE_S, 0.0))
            self._enter(Phase.RAISING, now)

    def _listen(self, now: Monotonic, prompt: Prompt | None) -> None:
        new = prompt is not self._heard
        self._heard = prompt
        if new and prompt in (Prompt.UNCOVER_FOREHEAD, Prompt.COME_CLOSER):
            self._obey(now)
        elif new and prompt is Prompt.STEP_BACK:
            self._step_back(now)

    def _obey(self, now: Monotonic) -> None:
        """Do what helps: hat off, up to the sensor (a child is lifted), and stay there."""
        if self._uncovered_at is None:
            self._uncovered_at = Monotonic(now + self.person.kind.uncover_s)
            self._reach_up(Monotonic(now + LIFT_S))
        if self._moves and self._moves[-1].target < 1.0:
            self._moves.append(_Move(Monotonic(now + OBEY_S - MOVE_S), MOVE_S, 1.0))

    def _step_back(self, now: Monotonic) -> None:
        """One step back and close again; who is still on the way there arrives first."""
        there = max((move.start + move.lasts for move in self._moves), default=now)
        back = Monotonic(max(now + OBEY_S - MOVE_S, there))
        self._moves.append(_Move(back, MOVE_S, 0.0))
        self._moves.append(_Move(Monotonic(back + MOVE_S + BACK_S), MOVE_S, 1.0))

    def _reach_up(self, at: Monotonic) -> None:
        """Whose forehead is too low is held up before the sensor, or stands on something, from then on."""
        if self.person.kind.lifted and self._helped_at is None:
            self._helped_at = at

    def _while_waiting(self, now: Monotonic, signals: Signals) -> None:
        waited = now - (self._waits_since or now)
        limit = self.patience_s * CALL_AFTER
        if not self.person.shows_code:
            limit = min(limit, CALL_WITHOUT_PASS_S)
        if waited >= limit and not self.visit.called and signals.press is not None:
            self.visit.called = True
            signals.press()
        if waited >= self.patience_s:
            self.visit.gave_up = True
            self._leave(now, None)

    def _mine(self, signals: Signals) -> bool:
        """Whether this light answers me: it began after I did."""
        return signals.light in ANSWERS and signals.light_since >= self._began()

    def _began(self) -> Monotonic:
        return self._waits_since or self.since

    def _lean(self, at: Monotonic) -> None:
        if self.person.companion_of is not None:
            # Who lifts the child has just been through it and does not wait to be asked.
            self._reach_up(Monotonic(at + self.person.lean_s + LIFT_S))
        move = min(MOVE_S, self.person.lean_s)
        self._moves.append(_Move(Monotonic(at + self.person.lean_s - move), move, 1.0))
        if self.visit.in_place_at is None:
            self.visit.in_place_at = Monotonic(at + self.person.lean_s)
        self._enter(Phase.LEANING, at)

    def _leave(self, now: Monotonic, answer: Light | None) -> None:
        if answer is not None:
            self.visit.answered_at, self.visit.answer = now, answer
        self.visit.left_at = Monotonic(now + NOTICE_S + LEAVE_S)
        self._moves.append(_Move(Monotonic(now + NOTICE_S), MOVE_S, 0.0))
        self._enter(Phase.LEAVING, now)

    # -- what the sensor sees --------------------------------------------------------------------------

    def pose(self, at: Monotonic) -> Pose | None:
        """Where the forehead is; also for a moment shortly past. None while nobody is near."""
        if self.visit.stepped_up_at is None or at < self.visit.stepped_up_at:
            return None
        if self.visit.left_at is not None and at >= self.visit.left_at:
            return None
        close = self._closeness(at)
        distance, aim = self._spot
        short = self._out_of_reach(at)
        beside = aim + abs(short)
        return Pose(
            STANDING_CM + close * (distance - STANDING_CM),
            BESIDE_CM + close * (beside - BESIDE_CM),
            self._cover(at),
            too_low=short > 0,
        )

    def _cover(self, at: Monotonic) -> float | None:
        """Of what hides the forehead now (:attr:`Pose.cover`)."""
        bare = self._uncovered_at is not None and at >= self._uncovered_at
        return self.person.kind.hat_share if self.person.kind.hat and not bare else None

    def _closeness(self, at: Monotonic) -> float:
        """0 standing, 1 leaning in; a smooth way between."""
        place = 0.0
        for move in self._moves:
            if at < move.start:
                break
            share = min(1.0, (at - move.start) / move.lasts) if move.lasts > 0 else 1.0
            place += (move.target - place) * share * share * (3 - 2 * share)
        return place

    def _out_of_reach(self, at: Monotonic) -> float:
        """How far a forehead stays below (or, negative, above) the sensor in spite of all efforts, cm."""
        if self._helped_at is not None and at >= self._helped_at:
            return 0.0
        above = self.person.height_cm - FOREHEAD_BELOW_TOP_CM - self.site.sensor_height_cm
        if above > 0:
            return -max(0.0, above - BENDS_CM)
        return max(0.0, -above - STRETCHES_CM)

"""The world around a simulated gate: people who react to the lamp, the air, and what breaks.

Everything is driven by ``step(now)``, which every simulated device calls when it is polled; nothing here
waits, and nothing is random beyond the scenario's seed. People queue without limit: however slow the gate
is, nobody is lost. Only who stands before a gate that does not answer loses patience, in virtual time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.simulated.arrivals import Arrivals
from drivers.simulated.thermal import PARTS, Part, seen, skin_celsius
from drivers.simulated.visitor import Phase, Signals, Visit, Visitor
from kiosk.errors import Usage
from kiosk.model import Celsius, Light, Monotonic, Prompt, Seconds
from kiosk.scenario import Air, Call, FaultKind, FaultSpan, PassKind, Person, Scenario, draw, people

FOREVER = Seconds(float("inf"))


class Visible(Protocol):
    """The lamp as people see it."""

    @property
    def light(self) -> Light:
        """The pattern that is shown now."""

    @property
    def since(self) -> Monotonic:
        """When it began; a second answer of the same kind begins anew."""


class Audible(Protocol):
    """The speaker as people hear it."""

    @property
    def last(self) -> Prompt | None:
        """The newest prompt, or None."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the camera has before it."""

    person: Person | None
    phase: Phase
    seconds: float
    """Since the phase began."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the people have fared so far. Nobody is missing: came = the sum of the others."""

    came: int
    answered: int
    gave_up: int
    waiting: int
    """In the queue or before the gate."""


class World:
    """Who is where, and what is broken. A :class:`kiosk.devices.Simulator`. For one thread.

    ``press`` is the call button; ``on_fault`` is told each fault that begins or ends, for what is no
    device of ours: clock, disk and server belong to whoever built them. ``coming``: who comes, in order,
    instead of everybody whom the scenario draws.
    """

    def __init__(
        self,
        scenario: Scenario,
        lamp: Visible,
        *,
        started: Monotonic,
        coming: Iterable[Person] | None = None,
        speaker: Audible | None = None,
        press: Callable[[], None] | None = None,
        on_fault: Callable[[FaultSpan, bool], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.started = started
        self.now = started
        self.visits: list[Visit] = []
        """Everybody who has come, in order."""
        self._lamp = lamp
        self._speaker = speaker
        self._press = press
        self._on_fault = on_fault
        self._coming = Arrivals(people(scenario) if coming is None else coming)
        self._queue: deque[Visit] = deque()
        self._here: deque[Visitor] = deque(maxlen=2)
        """The one before the gate and the one who is leaving, newest last."""
        self._sent = 0
        self._weather: Air | None = None
        self._injected: dict[FaultKind, FaultSpan] = {}
        self._lifted: set[FaultSpan] = set()
        self._faults: dict[FaultKind, FaultSpan] = {}

    # -- time passes -------------------------------------------------------------------------------

    def step(self, now: Monotonic) -> None:
        """Bring everything up to ``now``; a time already reached changes nothing."""
        if now < self.now:
            return
        self.now = now
        self._mind_faults()
        for person in self._coming.due(self.elapsed(now)):
            self._join(person)
        heard = self._speaker.last if self._speaker else None
        signals = Signals(self._lamp.light, self._lamp.since, heard, self._press)
        for visitor in tuple(self._here):
            visitor.step(now, signals)
        self._let_next_step_up(now)

    def elapsed(self, at: Monotonic) -> float:
        """Scenario seconds."""
        return at - self.started

    def _join(self, person: Person) -> None:
        visit = Visit(person, came_at=Monotonic(self.started + person.arrives_s))
        self.visits.append(visit)
        self._queue.append(visit)

    def _let_next_step_up(self, now: Monotonic) -> None:
        if not self._queue:
            return
        free_at = self._here[-1].makes_room_at if self._here else self.started
        visit = self._queue[0]
        if free_at is None or now < max(free_at, visit.came_at):
            return
        self._queue.popleft()
        since = Monotonic(max(free_at, visit.came_at))
        site, patience = self.scenario.site, self.scenario.patience_s
        self._here.append(Visitor(visit.person, visit, site, patience, since))

    # -- who is there --------------------------------------------------------------------------------

    @property
    def current(self) -> Visit | None:
        """The person before the gate, still unanswered."""
        if not self._here or self._here[-1].makes_room_at is not None:
            return None
        return self._here[-1].visit

    @property
    def queue(self) -> Sequence[Person]:
        """Who waits behind, in order."""
        return [visit.person for visit in self._queue]

    @property
    def done(self) -> bool:
        """Everybody of the scenario has come and has left the gate."""
        there = any(visitor.phase is not Phase.GONE for visitor in self._here)
        return not (self._coming or self._queue or there)

    def tally(self) -> Tally:
        """Count everybody once."""
        answered = sum(visit.answer is not None for visit in self.visits)
        gave_up = sum(visit.gave_up for visit in self.visits)
        came = len(self.visits)
        return Tally(came, answered, gave_up, came - answered - gave_up)

    def coming(self, most: int) -> Sequence[Person]:
        """The next people who will be before the camera, those there included; for rendering ahead."""
        here = [visitor.person for visitor in self._here if visitor.phase is not Phase.GONE]
        waiting = [visit.person for visit in self._queue]
        return [*here, *waiting, *self._coming.next(most)][:most]

    # -- what the devices see ----------------------------------------------------------------------------

    def scene(self, at: Monotonic) -> Scene:
        """What the camera sees; ``at`` is now or a moment ago."""
        for visitor in reversed(self._here):
            if visitor.phase is Phase.GONE or at < visitor.visit.came_at:
                continue
            if at >= visitor.since:
                return Scene(visitor.person, visitor.phase, at - visitor.since)
            return Scene(visitor.person, visitor.before, 0.0)
        return Scene(None, Phase.GONE, 0.0)

    def air(self, at: Monotonic) -> Air:
        """The air then, °C."""
        return self._weather or self.scenario.weather.at(self.elapsed(at))

    def warmth(self, part: Part, at: Monotonic) -> Celsius:
        """What the sensor's optics gather at ``at`` (now or a moment ago), before filter and noise."""
        air = self.air(at)
        for visitor in reversed(self._here):
            pose = visitor.pose(at)
            if pose is not None:
                indoors = visitor.person.indoors_s + at - visitor.visit.came_at
                return seen(part, pose, skin_celsius(visitor.person, self.scenario.site, air, indoors), air)
        return seen(part, None, Celsius(0.0), air)

    def fault(self, kind: FaultKind) -> FaultSpan | None:
        """The fault of this kind that is on now."""
        return self._faults.get(kind)

    def part(self) -> Part:
        """The thermometer variant that the scenario fits."""
        return PARTS[self.scenario.site.variant]

    # -- faults ----------------------------------------------------------------------------------------

    def _mind_faults(self) -> None:
        elapsed = self.elapsed(self.now)
        spans = [span for span in self.scenario.faults if span.on(elapsed) and span not in self._lifted]
        active = {span.kind: span for span in spans} | self._injected
        before, self._faults = self._faults, active
        for kind in before.keys() - active.keys():
            self._tell(before[kind], False)
        for kind in sorted(active.keys() - before.keys()):
            self._tell(active[kind], True)

    def _tell(self, span: FaultSpan, on: bool) -> None:
        if self._on_fault is not None:
            self._on_fault(span, on)

    # -- what a trainer may do (kiosk.devices.Simulator) -----------------------------------------------

    def send(self, person: str) -> None:
        """Put a person of this kind at the end of the queue; Usage for a kind that is not in the cast."""
        kind = self.scenario.cast.get(person)
        if kind is None:
            raise Usage(f"nobody is called {person!r}: choose from {', '.join(sorted(self.scenario.cast))}")
        if kind.pass_kind is PassKind.SHARED:
            raise Usage(f"{person!r} shows somebody else's code and can't come alone")
        self._sent += 1
        call = Call(Seconds(self.elapsed(self.now)), person)
        for newcomer in draw(self.scenario, call, f"{person}.sent.{self._sent}"):
            self._join(newcomer)

    def inject(self, fault: str, on: bool) -> None:
        """Switch a fault on, or off (also one that the scenario has on now); Usage for an unknown one."""
        try:
            kind = FaultKind(fault)
        except ValueError:
            raise Usage(f"there is no fault {fault!r}: choose from {', '.join(FaultKind)}") from None
        if on:
            self._injected[kind] = FaultSpan(kind, Seconds(self.elapsed(self.now)), FOREVER)
        else:
            self._injected.pop(kind, None)
            elapsed = self.elapsed(self.now)
            self._lifted.update(
                span for span in self.scenario.faults if span.kind is kind and span.on(elapsed)
            )
        self._mind_faults()

    def weather(self, outdoor: Celsius, indoor: Celsius) -> None:
        """From now on this air, whatever the scenario says, °C."""
        self._weather = Air(outdoor, indoor)

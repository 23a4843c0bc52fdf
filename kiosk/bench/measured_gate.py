"""The process that ``kiosk bench gate`` measures: one gate among simulated people, and nothing beside it.

``python -m kiosk.bench.measured_gate FOLDER SCENARIO VARIANT PASSAGES`` runs the gate of a laid-out folder
until so many people are answered and writes a line of JSON for its start and one for each passage.

Virtual time runs as fast as the processor while the gate works and jumps over the waiting, so that what a
turn costs passes for the people too. Simulated devices cost nothing: their frames and words were there.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from drivers.simulated.clock import VirtualClock
from drivers.simulated.visitor import WALK_S, Phase, Visit
from kiosk import scenario
from kiosk.commands.gate import TURN_S
from kiosk.config import Config, load
from kiosk.config_rules import FARTHEST_CM
from kiosk.devices import FrameSource
from kiosk.model import ClockState, Frame, Monotonic, Sample, Seconds, UnixTime
from kiosk.passage.journal import check_whole
from kiosk.passes.trust import open_demo
from kiosk.person import Passage
from kiosk.scenario import Burst, Call, FaultSpan, Flow, PassKind, Person, Scenario
from kiosk.simulation import STARTED, Place, Simulation
from kiosk.supervision import Pollable

APART_S: Final = Seconds(20.0)
"""Between the last person of a scenario and its first one again."""
_STATUS: Final = Path("/proc/self/status")


# -- who comes -----------------------------------------------------------------------------------------


def story_of(name: str, variant: str, passages: int) -> Scenario:
    """The scenario with this thermometer, its people again and again until ``passages`` are enough.

    A part with a wide view is mounted closer: as far away as its configuration allows.
    """
    story = scenario.load(name)
    distance = min(story.site.distance_cm, FARTHEST_CM[variant[-1]])
    story = replace(story, site=replace(story.site, variant=variant, distance_cm=distance))
    each = len(scenario.people(story))
    # Somebody who leaves without an answer is no passage, hence one round more.
    return repeated(story, math.ceil(passages / each) + 1 if passages and each else 0)


def repeated(story: Scenario, rounds: int) -> Scenario:
    """Its arrivals and faults, ``rounds`` times one after the other; the weather goes on."""
    ends = [call.at for call in story.calls] + [flow.until for flow in story.flows]
    period = max(ends, default=0.0) + APART_S
    numbers = range(rounds)
    return replace(
        story,
        calls=tuple(_again(call, number, number * period) for number in numbers for call in story.calls),
        flows=tuple(_later(flow, number * period) for number in numbers for flow in story.flows),
        faults=tuple(_once_more(span, number * period) for number in numbers for span in story.faults),
    )


def _again(call: Call, number: int, later: float) -> Call:
    """Somebody else of the same kind, with a pass of their own."""
    name, code_of = (None if who is None else f"{who}.{number}" for who in (call.name, call.code_of))
    return replace(call, at=Seconds(call.at + later), name=name, code_of=code_of)


def _later(flow: Flow, later: float) -> Flow:
    bursts = tuple(Burst(Seconds(burst.at + later), burst.people, burst.within_s) for burst in flow.bursts)
    return replace(flow, start=Seconds(flow.start + later), until=Seconds(flow.until + later), bursts=bursts)


def _once_more(span: FaultSpan, later: float) -> FaultSpan:
    return replace(span, start=Seconds(span.start + later), until=Seconds(span.until + later))


def healthy(person: Person) -> bool:
    """A valid pass of one's own and no fever: who should be admitted."""
    return person.kind.pass_kind is PassKind.VALID and person.kind.fever <= 0


# -- time ----------------------------------------------------------------------------------------------


class CostClock(VirtualClock):
    """Virtual time that goes on with the processor's while :meth:`working`. For one thread."""

    def __init__(self, start_wall: UnixTime, *, start: Monotonic, state: ClockState) -> None:
        super().__init__(start_wall, start=start, state=state)
        self.outside_s = 0.0
        """Real seconds spent outside what is measured."""
        self._cost = 0.0
        self._since: float | None = None

    def monotonic(self) -> Monotonic:
        """Virtual seconds since boot, what the present turn has cost so far included."""
        running = 0.0 if self._since is None else time.perf_counter() - self._since
        return Monotonic(super().monotonic() + self._cost + running)

    @contextmanager
    def working(self) -> Iterator[None]:
        """The processor's time counts in here."""
        self._since = time.perf_counter()
        try:
            yield
        finally:
            self._cost += time.perf_counter() - self._since
            self._since = None

    @contextmanager
    def outside(self) -> Iterator[None]:
        """It stands still in here: the work of simulated devices and of the bench, within ``working``."""
        began = time.perf_counter()
        if self._since is not None:
            self._cost += began - self._since
        was, self._since = self._since, None
        try:
            yield
        finally:
            ended = time.perf_counter()
            self.outside_s += ended - began
            self._since = None if was is None else ended

    def wait(self, seconds: float) -> None:
        """What the last turn cost becomes virtual time for good, and then so much passes."""
        cost, self._cost = self._cost, 0.0
        self.advance(cost + seconds)


# -- the gate ------------------------------------------------------------------------------------------


class MeasuredGate(Simulation):
    """A simulated gate that notes when its devices handed over what, by :class:`CostClock`."""

    def __init__(self, place: Place, config: Config, clock: CostClock) -> None:
        self.costs = clock
        self.answered = 0
        self.words_at = clock.monotonic()
        """When the thermometer was last asked."""
        self._frames_at: dict[Monotonic, Monotonic] = {}
        self._visible: dict[str, Monotonic] = {}
        self._counted: Visit | None = None
        super().__init__(place, config, clock=clock)
        self.gate.observers.append(self._answered)

    def frames(self) -> FrameSource:
        """The camera, watched."""
        with self.costs.outside():
            return _WatchedCamera(super().frames(), self)

    def thermometer(self) -> Pollable[Sample]:
        """The thermometer, watched."""
        with self.costs.outside():
            return _WatchedThermometer(super().thermometer(), self)

    def turn(self) -> None:
        """One turn of the gate's loop."""
        with self.costs.working():
            self.gate.turn()

    def play(self, passages: int) -> None:
        """Until so many are answered or nobody comes any more."""
        while self.answered < passages and not self.done:
            self.costs.wait(TURN_S)
            self.turn()

    def handed_over(self, frame: Frame) -> None:
        """The camera gave a frame."""
        self._frames_at[frame.at] = self.costs.monotonic()
        if len(self._frames_at) > 100:
            del self._frames_at[next(iter(self._frames_at))]
        scene = self.world.scene(frame.at)
        if scene.person is not None and scene.phase is Phase.SHOWING:
            self._visible.setdefault(scene.person.id, frame.at)

    def _answered(self, passage: Passage) -> None:
        with self.costs.outside():
            self.answered += 1
            visit, self.world.visits[:] = self.world.current, []
            self.lamp.history.clear()
            first = visit is not self._counted
            self._counted = visit
            say({"passage": self._figures(passage, visit if first else None), **memory()})

    def _figures(self, passage: Passage, visit: Visit | None) -> dict[str, Any]:
        """One passage in seconds; None where it has no such figure (no code, no reading, no queue)."""
        person = passage.person
        figures: dict[str, Any] = {
            "verdict": str(passage.decision.verdict),
            "retries": person.tries,
            "light_s": self._to_light(passage),
            "cycle_s": None,
            "wait_s": None,
            "healthy": visit is not None and healthy(visit.person),
        }
        if visit is None:
            return figures
        visible = self._visible.pop(visit.person.id, None)
        if person.code_at is not None and not person.called:
            shown = person.code_at if visible is None else min(visible, person.code_at)
            figures["cycle_s"] = passage.answered_at - shown
        if visit.stepped_up_at is not None:
            figures["wait_s"] = max(0.0, visit.stepped_up_at - WALK_S - visit.came_at)
        return figures

    def _to_light(self, passage: Passage) -> float | None:
        """(Frame handed over -> pass read) + (words handed over -> lamp command), waiting excluded."""
        person = passage.person
        handed = None if person.code_at is None else self._frames_at.get(person.code_at)
        if handed is None or person.read_at is None or passage.last_word_at is None:
            return None
        return (person.read_at - handed) + (passage.answered_at - self.words_at)


class _WatchedCamera:
    """A simulated camera: what it takes to draw or to wait for a picture does not count."""

    def __init__(self, source: FrameSource, measured: MeasuredGate) -> None:
        self._source = source
        self._measured = measured

    def poll(self, now: Monotonic) -> Frame | None:
        with self._measured.costs.outside():
            frame = self._source.poll(now)
            if frame is not None:
                self._measured.handed_over(frame)
            return frame

    def close(self) -> None:
        self._source.close()


class _WatchedThermometer:
    """A simulated thermometer: the physics do not count."""

    def __init__(self, part: Pollable[Sample], measured: MeasuredGate) -> None:
        self._part = part
        self._measured = measured

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        with self._measured.costs.outside():
            self._measured.words_at = self._measured.costs.monotonic()
            return self._part.poll(now)

    def close(self) -> None:
        self._part.close()


# -- the process ---------------------------------------------------------------------------------------


def memory() -> dict[str, float]:
    """Resident memory of this process now and at most, MB (of 1024 x 1024 bytes)."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return {
        "rss_mb": int(lines["VmRSS"].split()[0]) / 1024,
        "peak_mb": int(lines["VmHWM"].split()[0]) / 1024,
    }


def say(line: dict[str, Any]) -> None:
    """One line for the bench."""
    print(json.dumps(line), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run the gate; the bench reads what it says."""
    folder, name, variant, passages = Path(arguments[0]), arguments[1], arguments[2], int(arguments[3])
    story = story_of(name, variant, passages)
    place = Place(folder, story, open_demo(folder / "trust"))
    config = load(place.config_file)
    clock = CostClock(story.starts, start=STARTED, state=story.clock)
    with MeasuredGate(place, config, clock) as measured:
        measured.turn()
        say({"ready_at": time.monotonic(), "outside_s": clock.outside_s, **memory()})
        if passages:
            # A real gate verifies its whole journal once, in a thread; here that is over when people come.
            check_whole(config.journal.path)
            measured.play(passages)
        measured.gate.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

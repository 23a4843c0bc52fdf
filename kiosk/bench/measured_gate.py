"""The process that ``kiosk bench gate`` measures: one gate among simulated people, and nothing beside it.

``python -m kiosk.bench.measured_gate FOLDER SCENARIO VARIANT PASSAGES TIMES [quick]`` runs the gate of a
laid-out folder until so many people are answered; the scenario's people come that many times, always others.
It writes a line of JSON for its start, one for each passage, and one for each person who left unanswered.
With ``quick`` it decodes one in five pictures without a code; virtual time passes for all of them.

Virtual time runs as fast as the processor while the gate works and jumps over the waiting, so that what a
turn costs passes for the people too. Simulated devices cost nothing: their frames and words were there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from drivers.simulated.clock import VirtualClock
from drivers.simulated.visitor import WALK_S, Phase, Visit
from kiosk.bench.crowd import crowd_of, healthy, story_of
from kiosk.commands.gate import TURN_S
from kiosk.config import Config, load
from kiosk.devices import FrameSource
from kiosk.model import ClockState, Frame, Monotonic, Sample, Seconds, UnixTime
from kiosk.passage.journal import check_whole
from kiosk.passes.trust import open_demo
from kiosk.person import Passage
from kiosk.simulation import STARTED, Crowd, Place, Simulation
from kiosk.supervision import Pollable

IDLE_S: Final = Seconds(0.25)
"""Pause between two turns while nobody is there: as long as a slow machine's, so that nights pass quickly."""
QUICK: Final = "quick"
SPARED: Final = 5
"""Of so many pictures without a code a quick run decodes one: few enough for no camera to seem stalled."""
_NO_CODE: Final = ("empty", "near")
_STATUS: Final = Path("/proc/self/status")


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

    def charge(self, seconds: float) -> None:
        """Let so much pass as if the present turn had cost it."""
        self._cost += seconds

    @property
    def cost(self) -> float:
        """What the present turn has cost so far, s."""
        return self.monotonic() - super().monotonic()

    def wait(self, seconds: float) -> None:
        """What the last turn cost becomes virtual time for good, and then so much passes."""
        cost, self._cost = self._cost, 0.0
        self.advance(cost + seconds)


# -- the gate ------------------------------------------------------------------------------------------


class MeasuredGate(Simulation):
    """A simulated gate that notes when its devices handed over what, by :class:`CostClock`."""

    def __init__(
        self, place: Place, config: Config, clock: CostClock, crowd: Crowd, *, quick: bool = False
    ) -> None:
        self.costs = clock
        self.answered = 0
        self.quick = quick
        self.words_at = clock.monotonic()
        """When the thermometer was last asked."""
        self._frames_at: dict[Monotonic, Monotonic] = {}
        self._visible: dict[str, Monotonic] = {}
        self._blank = 0
        """Pictures without a code so far."""
        self._blank_now = False
        self._blank_cost = 0.0
        self._counted: Visit | None = None
        self._before: Visit | None = None
        super().__init__(place, config, clock=clock, crowd=crowd)
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
        self._blank_now = False
        with self.costs.working():
            self.gate.turn()
        if self._blank_now:
            self._blank_cost = self.costs.cost

    def spared(self, frame: Frame) -> bool:
        """A quick run does not decode this one: it takes the time that the last of its kind took."""
        if not self.quick or frame.label not in _NO_CODE:
            return False
        self._blank += 1
        self._blank_now = self._blank % SPARED == 1
        if not self._blank_now:
            self.costs.charge(self._blank_cost)
        return not self._blank_now

    def play(self, passages: int) -> None:
        """Until so many are answered or nobody comes any more."""
        while self.answered < passages and not self.done:
            self.costs.wait(IDLE_S if self._nobody else TURN_S)
            self.turn()
            self._mind_who_left()

    @property
    def _nobody(self) -> bool:
        return self.world.scene(self.world.now).person is None and not self.world.queue

    def _mind_who_left(self) -> None:
        """Somebody who gave up is no passage, and must not be forgotten for that."""
        before, self._before = self._before, self.world.current
        if before is not None and before.gave_up and before is not self._before:
            say({"unanswered": {"healthy": healthy(before.person)}})

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
            visit = self.world.current
            first = visit is not self._counted
            self._counted = visit
            say({"passage": self._figures(passage, visit if first else None), **memory()})
            self._forget()

    def _forget(self) -> None:
        """What the simulation remembers of everybody is not the gate's memory."""
        self.world.visits.clear()
        self.lamp.history.clear()
        self.speaker.history.clear()
        self.renderer.render_ms.clear()
        self._visible.clear()

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
            if frame is None or self._measured.spared(frame):
                return None
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
    folder, name, variant = Path(arguments[0]), arguments[1], arguments[2]
    passages, times = int(arguments[3]), int(arguments[4])
    story = story_of(name, variant, times)
    place = Place(folder, story, open_demo(folder / "trust"))
    config = load(place.config_file)
    clock = CostClock(story.starts, start=STARTED, state=story.clock)
    quick = QUICK in arguments[5:]
    with MeasuredGate(place, config, clock, crowd_of(place, times), quick=quick) as measured:
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

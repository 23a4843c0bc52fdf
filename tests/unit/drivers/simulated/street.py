"""A street with a scripted gate: just enough of one to see how people react to it."""

from __future__ import annotations

from collections.abc import Callable

from drivers.simulated.call_button import SimulatedCallButton
from drivers.simulated.clock import VirtualClock
from drivers.simulated.lamp import SimulatedLamp
from drivers.simulated.speaker import SimulatedSpeaker
from drivers.simulated.thermal import PARTS
from drivers.simulated.visitor import Phase, Visit
from drivers.simulated.world import World
from kiosk.model import EventSeq, Light, Monotonic, Prompt, Receipt, Verdict
from kiosk.scenario import FaultSpan, Scenario
from kiosk.scenario_file import read

STARTED = Monotonic(50.0)
TURN = 0.05
RECEIPT = Receipt("epoch", EventSeq(1), "00", Verdict.ADMIT)

HEAD = """
title = "test"
seed = {seed}
starts = 2026-11-23T08:00:00+08:00
[site]
site_normal = 34.4
healthy_sd = 0.28
variant = "{variant}"
distance_cm = {distance}
[[weather]]
outdoor = {outdoor}
indoor = {indoor}
[people]
reach_s = 0.5
lean_s = 0.6
height_cm = 165
skin = 0.0
"""


def play(
    cast: str = "",
    arrivals: str = "",
    *,
    seed: int = 1,
    variant: str = "xBA",
    distance: float = 1.5,
    outdoor: float = 20.0,
    indoor: float = 24.1,
    rest: str = "",
) -> Scenario:
    """A scenario from lines: ``cast`` "name: key = value; ...", ``arrivals`` "seconds name [key = value]"."""
    text = HEAD.format(seed=seed, variant=variant, distance=distance, outdoor=outdoor, indoor=indoor)
    for line in filter(None, map(str.strip, cast.splitlines())):
        name, _, keys = line.partition(":")
        text += f'[cast.{name}]\ntitle = "{name}"\n' + "\n".join(keys.split(";")) + "\n"
    for line in filter(None, map(str.strip, arrivals.splitlines())):
        at, who, *more = line.split(maxsplit=2)
        text += f'[[arrivals]]\nat = {at}\nwho = "{who}"\n' + "\n".join(more) + "\n"
    return read(text + rest, "test")


class Gate:
    """Hold still for a code, green for a forehead that stays in place; told otherwise by the test.

    ``verdict`` says what each person gets; ``deaf`` until then it sees nobody.
    """

    def __init__(self, scenario: Scenario, *, voice: bool = True, button: bool = True) -> None:
        self.clock = VirtualClock(scenario.starts, start=STARTED)
        self.lamp = SimulatedLamp(clock=self.clock)
        self.speaker = SimulatedSpeaker(self.clock)
        self.button = SimulatedCallButton()
        self.faults: list[tuple[float, FaultSpan, bool]] = []
        self.world = World(
            scenario,
            self.lamp,
            started=STARTED,
            speaker=self.speaker if voice else None,
            press=self.button.press if button else None,
            on_fault=lambda span, on: self.faults.append((self.elapsed, span, on)),
        )
        self.verdict: Callable[[Visit], Light] = lambda _: Light.ADMIT
        self.deaf_until = 0.0
        self.turn_s = TURN
        self.reading_s = 1.2
        self.watch: list[Callable[[], object]] = []
        self._warm_since: float | None = None
        self._asked = 0.0
        self._answered: Visit | None = None
        self.lamp.show(Light.IDLE)

    @property
    def elapsed(self) -> float:
        return self.clock.monotonic() - STARTED

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.elapsed + seconds
        while self.elapsed < end - 1e-9:
            self.clock.advance(min(self.turn_s, end - self.elapsed))
            self.world.step(self.clock.monotonic())
            self._turn()
            for look in self.watch:
                look()

    def run_through(self, most: float = 600.0) -> list[Visit]:
        """Until everybody has left; their visits."""
        while not self.world.done:
            assert self.elapsed < most, "people are still there"
            self.run(self.turn_s)
        return self.world.visits

    def visit(self, name: str) -> Visit:
        return next(visit for visit in self.world.visits if visit.person.id == name)

    @property
    def warm(self) -> bool:
        """A bare forehead fills the sensor's view."""
        now = self.clock.monotonic()
        return self.world.warmth(PARTS["xBA"], now) > self.world.air(now).indoor + 9

    def _turn(self) -> None:
        here = self.world.current
        if here is None or here is self._answered or self.elapsed < self.deaf_until:
            return
        if self.world.scene(self.clock.monotonic()).phase is Phase.SHOWING:
            self._hold_still()
        if not self.warm:
            self._warm_since = None
            self._ask_again()
            return
        self._warm_since = self._warm_since or self.elapsed
        if self.elapsed - self._warm_since >= self.reading_s:
            self._answered, self._warm_since = here, None
            self.answer(self.verdict(here))

    def _hold_still(self) -> None:
        if self.lamp.light is not Light.HOLD_STILL:
            self.lamp.show(Light.HOLD_STILL)
            self.speaker.say(Prompt.HOLD_STILL)
            self._asked = self.elapsed

    def _ask_again(self) -> None:
        if self.lamp.light is Light.HOLD_STILL and self.elapsed - self._asked > 3.0:
            self._asked = self.elapsed
            self.speaker.say(Prompt.UNCOVER_FOREHEAD)

    def answer(self, light: Light) -> None:
        """Show a verdict."""
        if light is Light.ADMIT:
            self.lamp.admit(RECEIPT)
        else:
            self.lamp.show(light)
        self.lamp.show(Light.IDLE)

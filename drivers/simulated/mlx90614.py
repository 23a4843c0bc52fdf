"""A simulated MLX90614: words that come from the world by the part's optics, filter and noise.

Nothing is nicer than the data sheet: conversions are filtered as the variant filters them, each word has
the variant's noise and the .02 °C of the format, the die drifts with the air it sits in, and a bus that is
noisy or gone raises what the real driver raises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Final

from drivers.simulated.thermal import PARTS, Filter, Part
from drivers.simulated.world import World
from kiosk.errors import DeviceAbsent, SensorError, SensorStuck
from kiosk.model import (
    Celsius,
    Monotonic,
    RawWord,
    Sample,
    Seconds,
    ThermometerSpec,
    celsius_to_word,
)
from kiosk.scenario import FaultKind

MOST_SAMPLES: Final = 64
"""Given out by one poll; a caller that was away for longer gets the newest ones."""
TRIES: Final = 3
"""As the real driver: three tries a reading, then it is a fault."""
DIE_LAG_S: Final = 300.0
"""Time constant with which the die follows the air."""
DIE_DRIFT: Final = 0.05
DIE_DRIFT_S: Final = 600.0
DIE_NOISE: Final = 0.01
STUCK_AFTER_S: Final = Seconds(60.0)
"""The same word for longer than this is SENSOR_STUCK (design: temperature, Bus)."""
ABSOLUTE_ZERO: Final = Celsius(-273.15)
"""What an open thermistor makes of its word: 0."""
WARM_UP: Final = 40
"""Conversions calculated anew after a gap: more than any variant's filter remembers."""
_NAME: Final = "simulated MLX90614"


class SimulatedMlx90614:
    """One thermometer of the world. For one thread.

    ``variant``: as the scenario fits it, unless another is named. Opening raises DeviceAbsent while the
    scenario has it unplugged, as the real driver's opening does.
    """

    def __init__(self, world: World, variant: str | None = None) -> None:
        self._world = world
        self._part: Part = PARTS[variant or world.scenario.site.variant]
        self._rng = Random(f"{world.scenario.seed}/thermometer")  # noqa: S311 - a simulation
        self._filter = Filter(self._part.share)
        self._closed = False
        self._next = self._first_after(world.now)
        self._converted = Monotonic(-math.inf)
        self._die: tuple[Monotonic, float] | None = None
        self._stuck: tuple[Monotonic, RawWord] | None = None
        self._last_word: RawWord | None = None
        self._check_plugged()

    @property
    def spec(self) -> ThermometerSpec:
        """Settling time and noise of the variant."""
        return self._part.spec

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        """Samples since the last poll, one each settling time, at most 64.

        DeviceAbsent while unplugged; SensorError when three tries met a noisy bus, or SensorStuck's
        condition holds: the words do not change for a minute.
        """
        if self._closed:
            raise DeviceAbsent(f"{_NAME}: closed")
        self._world.step(now)
        self._check_plugged()
        if self._world.fault(FaultKind.SENSOR_SILENT) is not None:
            self._next = self._first_after(now)
            return []
        period = self._part.spec.settling_s
        due = math.floor((now - self._next) / period + 1e-9) + 1
        if due > MOST_SAMPLES:
            self._next = Monotonic(self._next + (due - MOST_SAMPLES) * period)
        samples = []
        while self._next <= now + 1e-9:
            at, self._next = self._next, Monotonic(self._next + period)
            samples.append(self._sample(at))
        return samples

    def close(self) -> None:
        """Let go of it; any number of times."""
        self._closed = True

    # -- the bus ---------------------------------------------------------------------------------------

    def _first_after(self, now: Monotonic) -> Monotonic:
        # On the grid of the scenario's start, so that reopening does not shift the words of a run.
        period = self._part.spec.settling_s
        return Monotonic(self._world.started + math.ceil((now - self._world.started) / period) * period)

    def _check_plugged(self) -> None:
        if self._world.fault(FaultKind.SENSOR_UNPLUGGED) is not None:
            raise DeviceAbsent(f"{_NAME}: nothing answers at address 0x5A")

    def _sample(self, at: Monotonic) -> Sample:
        noisy = self._world.fault(FaultKind.BUS_NOISE)
        if noisy is not None and all(self._rng.random() < noisy.share for _ in range(TRIES)):
            raise SensorError(f"{_NAME}: PEC wrong in {TRIES} tries at address 0x5A")
        word = celsius_to_word(Celsius(self._object(at) + self._rng.gauss(0.0, self._part.spec.noise_c)))
        return Sample(at, self._maybe_stuck(at, word), celsius_to_word(self._ambient(at)))

    def _maybe_stuck(self, at: Monotonic, word: RawWord) -> RawWord:
        if self._world.fault(FaultKind.SENSOR_STUCK) is None:
            self._stuck, self._last_word = None, word
            return word
        if self._stuck is None:
            self._stuck = (at, self._last_word or word)
        since, held = self._stuck
        if at - since > STUCK_AFTER_S:
            raise SensorStuck(f"{_NAME}: the same word for more than {STUCK_AFTER_S:.0f} s")
        return held

    # -- what is measured ----------------------------------------------------------------------------

    def _object(self, at: Monotonic) -> float:
        """Output of the filter at ``at``, °C: every conversion since the last one is calculated."""
        step = self._part.conversion_s
        moment = max(self._converted + step, at - WARM_UP * step)
        if moment - self._converted > step + 1e-9:
            self._filter.output = None
        while self._filter.output is None or moment <= at + 1e-9:
            # A conversion gathers for its whole length: its middle stands for it.
            self._filter.feed(self._world.warmth(self._part, Monotonic(moment - step / 2)))
            self._converted = Monotonic(moment)
            moment += step
        return self._filter.output

    def _ambient(self, at: Monotonic) -> Celsius:
        if self._world.fault(FaultKind.DIE_BROKEN) is not None:
            return ABSOLUTE_ZERO
        target = self._world.air(at).indoor + self._world.scenario.site.die_offset
        before_at, before = self._die or (at, target)
        share = 1.0 - math.exp(-max(0.0, at - before_at) / DIE_LAG_S)
        die = before + share * (target - before)
        self._die = (at, die)
        drift = DIE_DRIFT * math.sin(2 * math.pi * self._world.elapsed(at) / DIE_DRIFT_S)
        return Celsius(die + drift + self._rng.gauss(0.0, DIE_NOISE))

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

from drivers.mlx90614 import StuckWatch
from drivers.simulated.thermal import PARTS, Filter, Part
from drivers.simulated.world import World
from drivers.tries import TRIES
from kiosk.errors import DeviceAbsent, SensorError
from kiosk.model import (
    Celsius,
    Monotonic,
    RawWord,
    Sample,
    ThermometerSpec,
    celsius_to_word,
)
from kiosk.scenario import FaultKind

MOST_SAMPLES: Final = 64
"""Given out by one poll; a caller that was away for longer gets the newest ones."""
DIE_LAG_S: Final = 300.0
"""Time constant with which the die follows the air."""
DIE_DRIFT: Final = 0.05
DIE_DRIFT_S: Final = 600.0
DIE_NOISE: Final = 0.01
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
        self._watch = StuckWatch(_NAME)
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
        # As the real one: raised at every poll, or those between two words would count as silence.
        self._watch.check()
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
        word, die = self.words(at)
        self._last_word = self._maybe_stuck(word)
        self._watch.feed(at, self._last_word)
        self._watch.check()
        return Sample(at, self._last_word, die)

    def _maybe_stuck(self, word: RawWord) -> RawWord:
        stuck = self._world.fault(FaultKind.SENSOR_STUCK) is not None
        return self._last_word if stuck and self._last_word is not None else word

    # -- what is measured ----------------------------------------------------------------------------

    def words(self, at: Monotonic) -> tuple[RawWord, RawWord]:
        """Object and die as the part has them at ``at``, which never goes back: filtered, with noise.

        What a bus may carry, too: see :class:`drivers.simulated.i2c_parts.WiredMlx90614`.
        """
        seen = Celsius(self._object(at) + self._rng.gauss(0.0, self._part.spec.noise_c))
        return celsius_to_word(seen), celsius_to_word(self._ambient(at))

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

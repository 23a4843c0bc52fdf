"""A thermometer before a reference body: what a simulated gate calibrates and checks itself with.

Simulated foreheads have a scenario; this has a body held at one temperature, seen through the variant's noise
and the .02 °C of the word. ``error`` is what the part reads too much, for a part that needs calibrating.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from kiosk.model import Celsius, Monotonic, Sample, ThermometerSpec, celsius_to_word

DIE: Final = Celsius(24.0)


class SimulatedReferenceBody:
    """Samples of one body, one each settling time. For one thread; the same every time."""

    def __init__(
        self,
        spec: ThermometerSpec,
        seen: Celsius,
        *,
        started: Monotonic,
        error: Callable[[Celsius], float] = lambda seen: 0.0,  # noqa: ARG005 - a perfect part
        die: Celsius = DIE,
    ) -> None:
        """``seen``: what a perfect sensor set to emissivity 1 says of it, °C."""
        self.spec = spec
        self._said = Celsius(seen + error(seen))
        self._die = die
        self._next = started
        self._rng = Random(f"reference/{seen:.2f}")  # noqa: S311 - a simulation

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        """What has come since the last poll, oldest first."""
        samples = []
        while self._next <= now + 1e-9:
            said = Celsius(self._said + self._rng.gauss(0.0, self.spec.noise_c))
            samples.append(Sample(self._next, celsius_to_word(said), celsius_to_word(self._die)))
            self._next = Monotonic(self._next + self.spec.settling_s)
        return samples

    def close(self) -> None:
        """Nothing to release."""

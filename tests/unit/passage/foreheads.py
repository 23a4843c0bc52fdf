"""Thermometers and what they see: streams of words for the tests of arrivals and readings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

from kiosk.model import Celsius, Monotonic, Sample, Seconds, ThermometerSpec, celsius_to_word

XAA: Final = ThermometerSpec("xAA", Seconds(0.10), Celsius(0.05))
XBA: Final = ThermometerSpec("xBA", Seconds(0.14), Celsius(0.07))
XCC: Final = ThermometerSpec("xCC", Seconds(0.14), Celsius(0.18))
XCF: Final = ThermometerSpec("xCF", Seconds(1.33), Celsius(0.10))
DCI: Final = ThermometerSpec("DCI", Seconds(0.65), Celsius(0.10))
ALL: Final = (XAA, XBA, XCC, XCF, DCI)
"""Variants a gate may have, with the data sheet's settling time and noise."""

Scene = Callable[[float], float]
"""What stands before the sensor, °C, at so many seconds."""


def sample(at: float, seen: float, die: float = 24.1) -> Sample:
    return Sample(Monotonic(at), celsius_to_word(Celsius(seen)), celsius_to_word(Celsius(die)))


def stream(
    spec: ThermometerSpec,
    scene: Scene,
    seconds: float,
    *,
    start: float = 0.0,
    seed: int | None = 1,
    die: float = 24.1,
) -> Iterator[Sample]:
    """Words at the part's own pace, with its noise (``seed`` None: without)."""
    dice = random.Random(seed)
    for number in range(int(seconds / spec.settling_s) + 1):
        after = number * spec.settling_s
        noise = 0.0 if seed is None else dice.gauss(0.0, spec.noise_c)
        yield sample(round(start + after, 3), scene(after) + noise, die)


def steps(*levels: tuple[float, float]) -> Scene:
    """A scene of (from second, °C) pairs, in order."""

    def scene(at: float) -> float:
        return [celsius for since, celsius in levels if at >= since][-1]

    return scene

"""MLX90614 infrared thermometer (Melexis data sheet 3901090614, revision 13): the variants.

The driver itself (SMBus with PEC) comes later; what a reading's rules need to know of the
fitted part stands here already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kiosk.model import Celsius, Seconds, ThermometerSpec


def _spec(variant: str, settling_s: float, noise_c: float) -> tuple[str, ThermometerSpec]:
    return variant, ThermometerSpec(variant, Seconds(settling_s), Celsius(noise_c))


SPECS: Final[Mapping[str, ThermometerSpec]] = dict(
    (
        _spec("xAA", 0.10, 0.05),
        _spec("xBA", 0.14, 0.07),
        _spec("xCC", 0.14, 0.18),
        _spec("xCF", 1.33, 0.10),
        _spec("DCH", 0.65, 0.10),
        _spec("DCI", 0.65, 0.10),
        _spec("BCH", 0.65, 0.10),
        _spec("BCI", 0.65, 0.10),
    )
)
"""Settling time, s, and noise, °C rms, by variant. xCK (3.23 s, .30 °C) is too slow and noisy for a gate."""

"""The variants of the MLX90614: how fast each settles and how much it is noisy, and which config1 it has.

Melexis data sheet 3901090614, revision 13: settling and noise by variant, settling by filter (8.3.3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers.mlx90614_registers import Config1
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

SETTLING: Final[Mapping[tuple[int, int], tuple[Seconds, Seconds]]] = {
    (iir, 4 + step): (Seconds(single), Seconds(other))
    for iir, row in {
        4: ((0.04, 0.06), (0.05, 0.07), (0.06, 0.10), (0.10, 0.14)),
        5: ((0.12, 0.20), (0.16, 0.24), (0.22, 0.34), (0.35, 0.54)),
        6: ((0.24, 0.38), (0.30, 0.48), (0.43, 0.67), (0.70, 1.10)),
        7: ((0.26, 0.42), (0.34, 0.53), (0.48, 0.75), (0.78, 1.20)),
        0: ((0.30, 0.47), (0.37, 0.60), (0.54, 0.84), (0.86, 1.33)),
        1: ((0.70, 1.10), (0.88, 1.40), (1.30, 2.00), (2.00, 3.20)),
        2: ((1.10, 1.80), (1.40, 2.20), (2.00, 3.20), (3.30, 5.00)),
        3: ((1.50, 2.40), (1.90, 3.00), (2.80, 4.30), (4.50, 7.00)),
    }.items()
    for step, (single, other) in enumerate(row)
}
"""(IIR bits, FIR bits) of config1 to s: one plain sensor, and two sensors or gradient compensation (xCx)."""

_FULL, _HALF, _QUARTER = 4, 0, 1
_NEAR: Final = 0.2


def _narrow() -> frozenset[tuple[bool, int, int]]:
    """Every filter that settles within a fifth of what the H and I optics take, by either column."""
    wanted = SPECS["DCI"].settling_s
    return frozenset(
        (False, *filters)
        for filters, times in SETTLING.items()
        if any(abs(time - wanted) <= _NEAR * wanted + 1e-9 for time in times)
    )


_FILTERS: Final[Mapping[str, frozenset[tuple[bool, int, int]]]] = {
    "xAA": frozenset({(False, _FULL, 7)}),
    "xBA": frozenset({(True, _FULL, 7)}),
    "xCC": frozenset({(False, _FULL, 7)}),
    "xCF": frozenset({(False, _HALF, 7)}),
    "xCK": frozenset({(False, _QUARTER, 7)}),
} | dict.fromkeys(("DCH", "DCI", "BCH", "BCI"), _narrow())
"""(two sensors, IIR bits, FIR bits) that a variant leaves the factory with.

Found backwards: the entries of the table that give the variant's settling time. 0x9FB4 has been read from a
BAA (mcauser/micropython-mlx90614, pull request 1). That of the H and I optics (.65 s) has no exact entry, and
none was seen on a part: to refuse a genuine one would leave a gate without a thermometer, so all near ones
are taken for theirs.
"""


def variants_of(config1: Config1) -> frozenset[str]:
    """Every variant that is delivered with such a filter; empty: none is."""
    filters = (config1.dual, config1.iir, config1.fir)
    return frozenset(variant for variant, known in _FILTERS.items() if filters in known)


def objection(config1: Config1, variant: str) -> str | None:
    """What config1 says against the configured variant, naming both; None: it can be that one.

    It can't tell everything: an xAA and an xCC filter alike, and so do the parts with H and I optics. Among
    those the configuration decides.
    """
    told = variants_of(config1)
    if variant in told and variant in SPECS:
        return None
    says = f"config1 is {config1}"
    if not told:
        return f"{says}, which no known variant is delivered with; thermometer.variant says {variant}"
    refused = "" if told & SPECS.keys() else ", which settles too slowly for a gate"
    return f"{says}, that of an {' or '.join(sorted(told))}{refused}; thermometer.variant says {variant}"

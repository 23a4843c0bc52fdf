"""What an MLX90614 would see of a person: skin, cold, geometry, radiation, and the part's own filter.

Pure arithmetic; every constant says where it comes from. The figures it has to reproduce stand in the
design (temperature) and in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.mlx90614 import SPECS
from kiosk.model import Celsius, ThermometerSpec
from kiosk.scenario import Air, Person, Site

KELVIN: Final = 273.15
SKIN_EMISSIVITY: Final = 0.98
OTHER_EMISSIVITY: Final = 0.95
"""Cloth, hair, painted walls."""

# -- the part --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One variant: what the gate's rules know of it, its optics and its digital filter.

    The filter is what the data sheet describes: a conversion every ``conversion_s``, of which ``share``
    enters the output (1: no IIR). The pairs are those of its settling table that give ``settling_s``.
    """

    spec: ThermometerSpec
    view_deg: float
    conversion_s: float
    share: float


PARTS: Final[Mapping[str, Part]] = {
    variant: Part(SPECS[variant], *optics)
    for variant, optics in {
        "xAA": (90.0, 0.10, 1.00),
        "xBA": (70.0, 0.14, 1.00),
        "xCC": (35.0, 0.14, 1.00),
        "xCF": (10.0, 0.14, 0.50),
        "DCH": (12.0, 0.10, 0.67),
        "DCI": (5.0, 0.10, 0.67),
        "BCH": (12.0, 0.10, 0.67),
        "BCI": (5.0, 0.10, 0.67),
    }.items()
}
"""Fields of view: data sheet 8.8; filters: its settling table (6.1)."""

# -- the person ------------------------------------------------------------------------------------

AIR_SLOPE: Final = 0.17
"""°C of forehead per °C of air around 24.1 °C (design: temperature, Reading, point 4)."""
AIR_REFERENCE: Final = 24.1
_AIR_LOW, _AIR_HIGH = 16.0, 32.0
"""Beyond these the slope is not known; it is not carried on."""

# On entry from -5 °C a forehead reads 3.4 °C under its later value, 1.7 after 1 min, .5 after 5 min, 0
# after 60 (design: temperature). Two exponentials through those points.
_COLD_FAST, _COLD_FAST_S = 2.576, 60.4
_COLD_SLOW, _COLD_SLOW_S = 0.824, 600.0
_COLD_FROM, _COLD_AT = 20.0, -5.0
"""No effect at 20 °C outside, the figures above at -5 °C, in proportion between and beyond."""


def cold_drop(outdoor: Celsius, indoors_s: float) -> Celsius:
    """How far a mean forehead is below its warm value, that long after coming in from outside, °C."""
    strength = max(0.0, (_COLD_FROM - outdoor) / (_COLD_FROM - _COLD_AT))
    fast = _COLD_FAST * math.exp(-indoors_s / _COLD_FAST_S)
    return Celsius(strength * (fast + _COLD_SLOW * math.exp(-indoors_s / _COLD_SLOW_S)))


def skin_celsius(person: Person, site: Site, air: Air, indoors_s: float) -> Celsius:
    """True temperature of this person's forehead, °C.

    Where the kiosk stands in the same air as the street nobody warms up by standing there. What sweat or
    rain takes off it by evaporating (``damp``) hides as much of a fever: no optics sees through it.
    """
    if air.indoor <= air.outdoor:
        indoors_s = 0.0
    around = min(_AIR_HIGH, max(_AIR_LOW, air.indoor))
    warm = site.site_normal + AIR_SLOPE * (around - AIR_REFERENCE) + person.skin + person.kind.fever
    warm -= person.kind.damp
    return Celsius(warm - person.chill * cold_drop(air.outdoor, indoors_s))


# -- the picture that the sensor gets -----------------------------------------------------------------

FOREHEAD_CM: Final = 3.35
"""Radius of a disc as large as a forehead: 90° at 5 cm then sees 45 % of it (design: temperature)."""
HEAD_CM: Final = 12.0
HEAD_COOLER: Final = 2.5
"""Cheeks and nose below the forehead, °C."""
HAIR_CM: Final = 8.0
"""From the middle of the forehead to the top of the head."""
HAIR_SHARE: Final = 0.5
"""The outside of hair lies this share of the way from the air to the skin. Ours; it insulates like a cap."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a forehead is: how far from the sensor, how far beside its axis, and under what."""

    distance_cm: float
    beside_cm: float
    cover: float | None = None
    """Of what hides it: its outside lies this share of the way from the air to the skin. None: bare."""
    too_low: bool = False
    """The sensor looks over the forehead: what it sees of the head is hair, and above that nothing."""


def share_in_view(radius_cm: float, view_deg: float, distance_cm: float, beside_cm: float) -> float:
    """Share of the field of view that a disc fills, 0..1: areas of two circles, the overlap linear."""
    spot = max(0.05, distance_cm * math.tan(math.radians(view_deg) / 2))
    smaller = min(spot, radius_cm)
    inside = (spot + radius_cm - beside_cm) / (2 * smaller)
    return (smaller / spot) ** 2 * min(1.0, max(0.0, inside))


def apparent(parts: Sequence[tuple[float, float, float]], reflected: float) -> Celsius:
    """What a sensor set to emissivity 1 reports of (share, emissivity, °C) parts, by T to the fourth."""
    around = (reflected + KELVIN) ** 4
    radiated = sum(
        share * (emissivity * (celsius + KELVIN) ** 4 + (1 - emissivity) * around)
        for share, emissivity, celsius in parts
    )
    return Celsius(float(radiated**0.25) - KELVIN)


def seen(part: Part, pose: Pose | None, skin: Celsius, air: Air) -> Celsius:
    """Object temperature before filter and noise; ``pose`` None: nobody there."""
    wall = air.indoor
    if pose is None:
        return apparent([(1.0, OTHER_EMISSIVITY, wall)], air.indoor)
    forehead = share_in_view(FOREHEAD_CM, part.view_deg, pose.distance_cm, pose.beside_cm)
    extent = HAIR_CM if pose.too_low else HEAD_CM
    head = max(0.0, share_in_view(extent, part.view_deg, pose.distance_cm, pose.beside_cm) - forehead)
    rest = wall + HAIR_SHARE * (skin - wall) if pose.too_low else skin - HEAD_COOLER
    bare = pose.cover is None
    surface = skin if pose.cover is None else wall + pose.cover * (skin - wall)
    emissivity = SKIN_EMISSIVITY if bare else OTHER_EMISSIVITY
    return apparent(
        [
            (forehead, emissivity, surface),
            (head, OTHER_EMISSIVITY, min(surface, rest)),
            (1.0 - forehead - head, OTHER_EMISSIVITY, wall),
        ],
        air.indoor,
    )


class Filter:
    """The part's digital filter: each conversion moves the output by ``share`` of the way."""

    def __init__(self, share: float) -> None:
        self._share = share
        self.output: float | None = None

    def feed(self, celsius: float) -> float:
        """One conversion; the new output."""
        before = celsius if self.output is None else self.output
        self.output = before + self._share * (celsius - before)
        return self.output

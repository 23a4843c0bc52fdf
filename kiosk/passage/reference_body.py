"""The thermometer before something of known temperature: what it should say, and what to correct. Pure.

Calibration comes after the supply correction and before that for skin (:mod:`kiosk.passage.corrections`), so
everything here is what a sensor set to emissivity 1 sees. A black body (and a certificate's radiance
temperature) is seen as it is. A plate of emissivity .98 also mirrors a little of the room: one of 40 °C in a
room at 24 °C is seen as 39.7. That is taken out of the reference, never put into the part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median, pstdev
from typing import Final

from kiosk.errors import CalibrationError, ConfigError, ReferenceUnstable
from kiosk.model import Celsius, Sample, Seconds, ThermometerSpec
from kiosk.passage.corrections import for_calibration, for_supply
from kiosk.passage.site import Calibration, Site
from kiosk.passage.stable_window import points, slope

LOOK_S: Final = Seconds(20.0)
"""One look at a reference."""
FEWEST_SAMPLES: Final = 10
SHORTEST_S: Final = Seconds(10.0)
STEEPEST: Final = 0.01
"""°C/s: a reference that still warms up is none."""
APART: Final = Celsius(4.0)
"""Two points nearer to each other say little about a slope."""
COLDEST: Final = Celsius(20.0)
HOTTEST: Final = Celsius(50.0)
"""Far from foreheads a point says little about them."""
LEAST_EMISSIVITY: Final = 0.9
_KELVIN: Final = 273.15


@dataclass(frozen=True, slots=True)
class Reference:
    """What is looked at."""

    true: Celsius
    emissivity: float = 1.0
    surroundings: Celsius | None = None
    """Of the room that it mirrors; None: only good for emissivity 1."""

    def __post_init__(self) -> None:
        if not COLDEST <= self.true <= HOTTEST:
            raise CalibrationError(
                f"a reference of {self.true:g} °C is too far from foreheads: {COLDEST:g} to {HOTTEST:g} °C"
            )
        if not LEAST_EMISSIVITY <= self.emissivity <= 1.0:
            raise CalibrationError(f"an emissivity of {self.emissivity:g} is none of a reference: .9 to 1")
        if self.emissivity < 1 and self.surroundings is None:
            raise CalibrationError("emissivity below 1: the temperature of the room is needed too")

    @property
    def seen(self) -> Celsius:
        """What a perfect sensor set to emissivity 1 says of it, °C (T to the fourth)."""
        if self.surroundings is None:
            return self.true
        body, room = (self.true + _KELVIN) ** 4, (self.surroundings + _KELVIN) ** 4
        radiated = self.emissivity * body + (1 - self.emissivity) * room
        return Celsius(sqrt(sqrt(radiated)) - _KELVIN)


@dataclass(frozen=True, slots=True)
class Look:
    """What the part said of a reference, all °C."""

    raw: Celsius
    """Median of its words, uncorrected."""
    sd: float
    die: Celsius
    samples: int


def steady_look(samples: Sequence[Sample], spec: ThermometerSpec) -> Look:
    """What these samples say together; ReferenceUnstable with too few, too much noise, or a slope."""
    if len(samples) < FEWEST_SAMPLES or samples[-1].at - samples[0].at < SHORTEST_S:
        raise ReferenceUnstable(f"only {len(samples)} readings in {LOOK_S:g} s: {FEWEST_SAMPLES} are needed")
    seen = [sample.object_celsius for sample in samples]
    spread, span = pstdev(seen), samples[-1].at - samples[0].at
    if spread > 0.05 + 2 * spec.noise_c:
        raise ReferenceUnstable(
            f"the readings spread by {spread:.2f} °C, a {spec.variant} alone by {spec.noise_c:g}: "
            "nothing may move before the sensor"
        )
    steep, noise = slope(points(samples)), sqrt(12) * spec.noise_c / (span * sqrt(len(samples)))
    if abs(steep) > STEEPEST + 3 * noise:
        raise ReferenceUnstable(
            f"the readings go by {steep * 60:+.1f} °C a minute: wait until both are steady"
        )
    die = median(sample.ambient_celsius for sample in samples)
    return Look(Celsius(median(seen)), spread, Celsius(die), len(samples))


def two_points(
    one: tuple[Celsius, Celsius], other: tuple[Celsius, Celsius], made_on: str, reference: str
) -> Calibration:
    """Gain and offset from two (seen by a perfect sensor, measured after the supply correction), °C.

    CalibrationError when they lie too near to each other, or when the part is too far off to be corrected.
    """
    (true_one, one_said), (true_other, other_said) = one, other
    if abs(true_other - true_one) < APART - 1e-9:
        raise CalibrationError(
            f"the points lie {abs(true_other - true_one):.1f} °C apart: at least {APART:g}"
        )
    if other_said == one_said:
        raise CalibrationError("the thermometer says the same of both points")
    gain = round((true_other - true_one) / (other_said - one_said), 5)
    offset = Celsius(round((true_one + true_other - gain * (one_said + other_said)) / 2, 3))
    try:
        return Calibration(gain, offset, made_on, reference)
    except ConfigError as error:
        raise CalibrationError(f"this part can't be corrected: {error}") from None


def supplied(raw: Celsius, site: Site) -> Celsius:
    """After the supply correction: what is calibrated."""
    return for_supply(raw, site.supply_volts, site.rated_volts)


def calibrated(raw: Celsius, site: Site) -> Celsius:
    """After supply and calibration: what a check compares."""
    return for_calibration(supplied(raw, site), site.calibration)

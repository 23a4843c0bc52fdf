"""From what the part claims to what the forehead is: supply, then calibration, then emissivity.

Only +, -, *, / and sqrt are used: IEEE 754 rounds these the same on every machine, so that a server
computes the very number that the gate did.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from kiosk.model import Celsius, Corrections, Volts
from kiosk.passage.site import Calibration, Site

SUPPLY_C_PER_V: Final = 0.6
"""MLX90614 data sheet, "temperature reading dependence on VDD": 0.6 °C/V against the rated supply."""
_KELVIN: Final = 273.15


def for_supply(measured: Celsius, supply: Volts, rated: Volts) -> Celsius:
    """A 3 V part on 3.3 V reads .18 °C too high."""
    return Celsius(measured - SUPPLY_C_PER_V * (supply - rated))


def for_calibration(measured: Celsius, calibration: Calibration) -> Celsius:
    """T' = gain * T + offset."""
    return Celsius(calibration.gain * measured + calibration.offset)


def for_emissivity(measured: Celsius, reflected: Celsius, emissivity: float) -> Celsius:
    """Skin temperature behind a reading taken at emissivity 1, by the T^4 law.

    What the sensor sees is emissivity parts of skin and the rest of surroundings at ``reflected``.
    """
    seen = _fourth_power(measured) - (1 - emissivity) * _fourth_power(reflected)
    seen = max(seen, 0.0)  # Words that no forehead gives must not end in an exception.
    return Celsius(sqrt(sqrt(seen / emissivity)) - _KELVIN)


def correct(raw: Celsius, ambient: Celsius, site: Site) -> tuple[Celsius, Corrections]:
    """Corrected forehead, and what each step added, °C. The surroundings are taken to be at ``ambient``."""
    supplied = for_supply(raw, site.supply_volts, site.rated_volts)
    calibrated = for_calibration(supplied, site.calibration)
    skin = for_emissivity(calibrated, ambient, site.emissivity)
    steps = (supplied - raw, calibrated - supplied, skin - calibrated)
    return skin, Corrections(*map(Celsius, steps))


def _fourth_power(celsius: Celsius) -> float:
    squared = (celsius + _KELVIN) * (celsius + _KELVIN)
    return squared * squared

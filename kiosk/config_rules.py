"""What only holds between settings: pins that collide, real beside simulated, a thermometer too far away.

A rule names the settings it looks at and runs when each of them is right by itself, so that one mistake
never hides another. ``broken_rules`` gives settings and reason; the loader adds the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from kiosk.validators import Validator, whole

# -- pins ------------------------------------------------------------------------------------------------

_RESERVED: Final = {
    0: "it reads the ID EEPROM of an add-on board at power-on",
    1: "it reads the ID EEPROM of an add-on board at power-on",
    2: "it is the I2C bus of the thermometer",
    3: "it is the I2C bus of the thermometer",
    14: "it is the serial console, which flickers at every start",
    15: "it is the serial console",
    18: "it is the I2S bus of a speaker",
    19: "it is the I2S bus of a speaker",
    20: "it is the I2S bus of a speaker",
    21: "it is the I2S bus of a speaker",
}
# BCM2835 ARM peripherals, table "Alternative function assignments": 0 to 8 are pulled up at power-on.
_PULLED_UP: Final = range(9)


def pin(*, idles_low: bool = False) -> Validator[int]:
    """A free BCM number; ``idles_low`` for what must not switch before the program runs."""
    number = whole(0, 27, "(BCM number)")

    def check(value: object) -> int:
        pin = number(value)
        if pin in _RESERVED:
            raise ValueError(f"can't be pin {pin}: {_RESERVED[pin]}")
        if idles_low and pin in _PULLED_UP:
            raise ValueError(f"can't be pin {pin}: it is pulled up at power-on, before the program runs")
        return pin

    return Validator(number.wanted, check, number.read)


# -- thermometer -----------------------------------------------------------------------------------------

VARIANTS: Final = ("xAA", "xBA", "xCC", "xCF", "DCH", "DCI", "BCH", "BCI")
"""Melexis ordering codes; x stands for any supply. The last letter is the optics."""

FARTHEST_CM: Final = {"A": 1.5, "C": 5.0, "F": 18.0, "H": 15.0, "I": 30.0}
"""Up to here nine tenths of what the optics see are forehead (design: temperature, "Field of view").

5, 15 and 30 cm are the design's figures for 35, 12 and 5 degrees. Those for 90 degrees (A; at 5 cm only
45 % are forehead) and 10 degrees (F) are ours: the distance at which the spot is as wide as that of 35
degrees at 5 cm, 3.15 cm.
"""

# -- rules -----------------------------------------------------------------------------------------------

Broken = Iterator[tuple[tuple[str, ...], str]]
"""Settings to blame, most likely one first, and the reason."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on several settings: ``check`` gets their values in this order."""

    keys: tuple[str, ...]
    check: Callable[..., Broken]


_RULES: list[Rule] = []


def _rule(*keys: str) -> Callable[[Callable[..., Broken]], Callable[..., Broken]]:
    def remember(check: Callable[..., Broken]) -> Callable[..., Broken]:
        _RULES.append(Rule(keys, check))
        return check

    return remember


def broken_rules(values: Mapping[str, Any]) -> Broken:
    """Every rule that these typed settings break; rules about a missing (wrong) setting are skipped."""
    for rule in _RULES:
        if all(key in values for key in rule.keys):
            yield from rule.check(*(values[key] for key in rule.keys))


_PINS: Final = tuple(f"pins.{name}" for name in ("red", "green", "buzzer", "button", "relay", "illuminator"))


def _apart(one: str, other: str) -> None:
    def check(first: int, second: int) -> Broken:
        if first == second:
            yield (other, one), f"{one} and {other} are both pin {first}"

    _rule(one, other)(check)


for _one, _other in combinations(_PINS, 2):
    _apart(_one, _other)


@_rule("screening.guard", "screening.high")
def _guard_below_high(guard: float, high: float) -> Broken:
    if guard >= high:
        yield (
            ("screening.guard", "screening.high"),
            f"guard ({guard:g}) must lie below high ({high:g}), or GUARD could never be said",
        )


@_rule("gate.simulated", "camera.source")
def _camera_as_the_gate(simulated: bool, source: str) -> Broken:
    if simulated != (source == "simulated"):
        yield ("camera.source", "gate.simulated"), _mixed(simulated, f"the camera {source!r}")


@_rule("gate.simulated", "thermometer.driver")
def _thermometer_as_the_gate(simulated: bool, driver: str) -> Broken:
    if driver != "none" and simulated != (driver == "simulated"):
        yield ("thermometer.driver", "gate.simulated"), _mixed(simulated, f"the thermometer {driver!r}")


def _air_as_the_gate(section: str) -> None:
    def check(simulated: bool, driver: str) -> Broken:
        if driver != "none" and simulated != (driver == "simulated"):
            blamed = (f"{section}.driver", "gate.simulated")
            yield blamed, _mixed(simulated, f"the air thermometer {driver!r}")

    _rule("gate.simulated", f"{section}.driver")(check)


for _section in ("air", "outdoor"):
    _air_as_the_gate(_section)


def _own_address(one: str, other: str) -> None:
    """Two parts on one bus that answer to the same address talk at once: each is read wrong."""

    def check(
        driver: str, bus: int, address: int, other_driver: str, other_bus: int, other_address: int
    ) -> Broken:
        on_a_bus = {"mlx90614", "sht3x"} >= {driver, other_driver}
        if on_a_bus and (bus, address) == (other_bus, other_address):
            place = f"address 0x{address:02X} of bus {bus}"
            yield (f"{other}.address", f"{one}.address"), f"{one} and {other} are both {place}"

    keys = [f"{section}.{name}" for section in (one, other) for name in ("driver", "bus", "address")]
    _rule(*keys)(check)


for _one, _other in combinations(("thermometer", "air", "outdoor"), 2):
    _own_address(_one, _other)


@_rule("gate.simulated", "speaker.driver")
def _speaker_as_the_gate(simulated: bool, driver: str) -> Broken:
    if driver != "none" and simulated != (driver == "simulated"):
        yield ("speaker.driver", "gate.simulated"), _mixed(simulated, f"the speaker {driver!r}")


@_rule("speaker.volume", "speaker.quiet_volume")
def _quieter_in_quiet_hours(volume: int, quiet_volume: int) -> Broken:
    if quiet_volume > volume:
        yield (
            ("speaker.quiet_volume", "speaker.volume"),
            f"quiet hours ({quiet_volume} %) can't be louder than the others ({volume} %)",
        )


def _mixed(simulated: bool, part: str) -> str:
    kind = "simulated" if simulated else "real"
    return f"{part} can't serve a {kind} gate: real and simulated parts are never mixed (gate.simulated)"


@_rule("thermometer.variant", "thermometer.distance_cm")
def _near_enough(variant: str, distance_cm: float) -> Broken:
    farthest = FARTHEST_CM[variant[-1]]
    if distance_cm > farthest:
        yield (
            ("thermometer.distance_cm", "thermometer.variant"),
            f"at {distance_cm:g} cm less than nine tenths of what an {variant} sees are forehead: "
            f"at most {farthest:g} cm, or a part with a narrower view",
        )


@_rule("thermometer.supply_volts", "thermometer.rated_volts")
def _supply_as_rated(supply: float, rated: float) -> Broken:
    if round(abs(supply - rated), 3) > 0.6:
        yield (
            ("thermometer.supply_volts", "thermometer.rated_volts"),
            f"a {rated:g} V part on {supply:g} V is outside its data sheet (at most 0.6 V apart)",
        )


@_rule("thermometer.gain", "thermometer.offset", "thermometer.calibrated_on", "thermometer.reference")
def _calibration_has_a_source(gain: float, offset: float, day: str | None, reference: str | None) -> Broken:
    if (gain, offset) != (1.0, 0.0) and not (day and reference):
        yield (
            ("thermometer.gain", "thermometer.offset"),
            "a calibration needs its day and what it was made against (calibrated_on, reference)",
        )


@_rule("gate.attended", "gate.hours", "gate.elsewhere")
def _somewhere_to_go(attended: str, hours: tuple[object, ...], elsewhere: str) -> Broken:
    if (attended != "always" or hours) and not elsewhere:
        yield (
            ("gate.elsewhere", "gate.attended", "gate.hours"),
            "must say where people go when the gate is closed or nobody is on duty",
        )


@_rule("sync.url", "sync.secret_file")
def _sync_can_prove_itself(url: str, secret_file: object) -> Broken:
    if url and secret_file is None:
        yield ("sync.secret_file", "sync.url"), "must name the file with this device's secret for the server"


@_rule("sync.url", "gate.device")
def _sync_has_a_name(url: str, device: str) -> Broken:
    if url and device == "unnamed":
        yield ("gate.device", "sync.url"), "must be given before this device may report to a server"


@_rule("journal.path", "sync.database", "directory.path")
def _places_of_their_own(journal: object, database: object, directory: object) -> Broken:
    named = {"journal.path": journal, "sync.database": database, "directory.path": directory}
    for one, other in combinations(named, 2):
        if named[one] == named[other]:
            yield (other, one), f"{one} and {other} are the same place"

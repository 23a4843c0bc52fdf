"""What a reading is judged by at this gate: part, calibration, thresholds, and what is normal here.

All of it goes into the journal's context event, so that a reading can be computed again from its words.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

from kiosk.config import Config, ScreeningConfig, ThermometerConfig
from kiosk.errors import ConfigError
from kiosk.model import Celsius, EntryFrom, Volts

FEWEST_PEOPLE: Final = 100
"""Fewer foreheads than this say too little about what is normal at a site."""
_NOTHING: Final = Celsius(0.0)
_RATED: Final = Volts(3.0)
_GUARD: Final = Celsius(0.5)
_HIGH: Final = Celsius(0.8)


def _within(name: str, value: float, low: float, high: float, because: str) -> None:
    # Written so that a value that is not a number is outside.
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{name}: {value:g} is not within {low:g} to {high:g}: {because}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"calibration: {error}") from None


@dataclass(frozen=True, slots=True)
class Commissioning:
    """What healthy foreheads read at this site, found by measuring people here (never from a data set)."""

    site_normal: Celsius
    """Median ambient-corrected forehead, °C at an air temperature of 24.1 °C."""
    people: int
    made_at: str
    """ISO 8601."""
    simulated: bool
    id: str
    measured_with: str = ""
    """:func:`measured_with` of the people's readings; blank where nobody was measured (a scenario's)."""

    def __post_init__(self) -> None:
        _within("site_normal", self.site_normal, 30.0, 37.0, "no healthy forehead reads that")
        if self.people < FEWEST_PEOPLE:
            raise ConfigError(f"commissioning: {self.people} people are too few, {FEWEST_PEOPLE} are needed")

    @classmethod
    def make(
        cls, site_normal: Celsius, people: int, made_at: str, *, simulated: bool, measured_with: str = ""
    ) -> Self:
        """A record whose id is a hash of its content."""
        record = cls(site_normal, people, made_at, simulated, "", measured_with)
        return record.hashed()

    def hashed(self) -> Self:
        """The same with the id that belongs to its content."""
        return replace(self, id=_hash(replace(self, id="").to_map()))

    def fits(self, now: str) -> bool:
        """Found with what is measured with ``now``. Only a simulated one may say nothing of that."""
        return self.measured_with == now or (self.simulated and not self.measured_with)

    @classmethod
    def load(cls, path: Path, *, simulated: bool = False) -> Self:
        """Read a record of ``kiosk calibrate``.

        ConfigError when it can't be read or is not one, when it was changed by hand, and when a real gate
        (``simulated`` False) is given a simulated one: real never rests on simulated.
        """
        try:
            record = cls.from_map(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise ConfigError(f"commissioning record {path}: {error}") from None
        if record.id != record.hashed().id:
            raise ConfigError(f"commissioning record {path} was changed after it was made")
        if record.simulated and not simulated:
            raise ConfigError(f"commissioning record {path} is SIMULATED: this gate is real")
        return record

    def to_map(self) -> dict[str, Any]:
        """Plain data for JSON; a blank ``measured_with`` is left out, as in records that had none."""
        plain = asdict(self)
        if not self.measured_with:
            del plain["measured_with"]
        return plain

    @classmethod
    def from_map(cls, plain: Mapping[str, Any]) -> Self:
        """Strict inverse of :meth:`to_map`; ConfigError on anything else."""
        if isinstance(plain, Mapping):
            plain = {"measured_with": "", **plain}
        _same_fields(cls, plain)
        wanted = {"people": int, "made_at": str, "simulated": bool, "id": str, "measured_with": str}
        if any(type(plain[key]) is not kind for key, kind in wanted.items()):
            raise ConfigError("commissioning: a field has the wrong type")
        return cls(**{**plain, "site_normal": Celsius(_number(plain, "site_normal"))})


@dataclass(frozen=True, slots=True)
class Calibration:
    """Two points against a reference: T' = gain * T + offset. The identity is a part as delivered."""

    gain: float = 1.0
    offset: Celsius = _NOTHING
    made_on: str | None = None
    """YYYY-MM-DD."""
    reference: str | None = None
    """What it was made against."""

    def __post_init__(self) -> None:
        _within("gain", self.gain, 0.97, 1.03, "a part that needs more is faulty")
        _within("offset", self.offset, -0.5, 0.5, "a part that needs more is faulty")
        if self.made_on is not None:
            _day(self.made_on)
        elif not self.as_delivered:
            raise ConfigError("calibration: gain and offset need the day on which they were found")

    @property
    def as_delivered(self) -> bool:
        """Nothing is corrected."""
        return self.gain == 1.0 and self.offset == 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """Everything constant that a reading rests on. Equal sites judge equal words equally."""

    supply_volts: Volts = _RATED
    rated_volts: Volts = _RATED
    calibration: Calibration = Calibration()
    emissivity: float = 0.98
    die_offset: Celsius = _NOTHING
    """Die minus air where no air thermometer is fitted, °C."""
    entry_from: EntryFrom = EntryFrom.INDOORS
    air_fitted: bool = False
    """There is an air thermometer: where it says nothing, a check is missing that should be there."""
    guard: Celsius = _GUARD
    high: Celsius = _HIGH
    commissioning: Commissioning | None = None

    def __post_init__(self) -> None:
        _within(
            "supply_volts", self.supply_volts - self.rated_volts, -1.0, 1.0, "the part is not made for it"
        )
        _within("emissivity", self.emissivity, 0.9, 1.0, "human skin has 0.98")
        _within("die_offset", self.die_offset, -10.0, 10.0, "a die that warm measures its own heat")
        _within("guard", self.guard, 0.3, 0.8, "it could never alarm, or would alarm at everybody")
        _within("high", self.high, 0.5, 1.5, "it could never alarm, or would alarm at everybody")
        if self.guard > self.high:
            raise ConfigError("screening: guard must not lie above high")

    @classmethod
    def of(
        cls,
        thermometer: ThermometerConfig,
        screening: ScreeningConfig,
        entry_from: EntryFrom,
        commissioning: Commissioning | None,
    ) -> Self:
        """The site that a configuration describes."""
        part = thermometer
        return cls(
            supply_volts=part.supply_volts,
            rated_volts=part.rated_volts,
            calibration=Calibration(part.gain, part.offset, part.calibrated_on, part.reference),
            emissivity=part.emissivity,
            die_offset=part.die_offset,
            entry_from=entry_from,
            guard=screening.guard,
            high=screening.high,
            commissioning=commissioning,
        )

    def to_map(self) -> dict[str, Any]:
        """Plain data for the context event."""
        return {**asdict(self), "entry_from": str(self.entry_from)}

    @classmethod
    def from_map(cls, plain: Mapping[str, Any]) -> Self:
        """Strict inverse of :meth:`to_map`; ConfigError on anything else."""
        _same_fields(cls, plain)
        values = {key: _parsed(plain, key) for key in plain}
        return cls(**values)


def as_configured(config: Config) -> Site:
    """What readings rest on at this gate from its next start, but for what is normal here."""
    site = Site.of(config.thermometer, config.screening, config.gate.entry_from, None)
    return replace(site, air_fitted=config.air.driver != "none")


def measured_with(site: Site, variant: str) -> str:
    """Names what a forehead's figure rests on: the kind of part, every correction, and whose air it is in.

    What is normal here was found with one of these and says nothing about another: with a new offset of
    -.5 °C an old normal would call a fever half a degree milder.
    """
    numbers = (
        site.supply_volts,
        site.rated_volts,
        site.calibration.gain,
        site.calibration.offset,
        site.emissivity,
        site.die_offset,
    )
    return _hash([variant, str(site.entry_from), site.air_fitted, *map(float, numbers)])


def corrected_with(site: Site) -> str:
    """Names what stands between a part's words and a temperature: supply and calibration."""
    made = site.calibration
    return _hash([float(value) for value in (site.supply_volts, site.rated_volts, made.gain, made.offset)])


def _hash(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


def _same_fields(kind: type[Any], plain: Mapping[str, Any]) -> None:
    names = {field.name for field in fields(kind)}
    if not isinstance(plain, Mapping) or set(plain) != names:
        raise ConfigError(f"{kind.__name__.lower()}: the fields are not {', '.join(sorted(names))}")


def _number(plain: Mapping[str, Any], key: str) -> float:
    value = plain[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key}: {value!r} is not a number")
    return float(value)


def _air_fitted(site: Mapping[str, Any], key: str) -> bool:
    if not isinstance(site[key], bool):
        raise ConfigError(f"{key}: {site[key]!r} is neither true nor false")
    return bool(site[key])


def _entry_from(site: Mapping[str, Any], key: str) -> EntryFrom:
    try:
        return EntryFrom(site[key])
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None


def _calibration(site: Mapping[str, Any], key: str) -> Calibration:
    plain = site[key]
    _same_fields(Calibration, plain)
    if any(type(plain[name]) not in (str, type(None)) for name in ("made_on", "reference")):
        raise ConfigError("calibration: a field has the wrong type")
    offset = Celsius(_number(plain, "offset"))
    return Calibration(_number(plain, "gain"), offset, plain["made_on"], plain["reference"])


def _commissioning(site: Mapping[str, Any], key: str) -> Commissioning | None:
    return None if site[key] is None else Commissioning.from_map(site[key])


_PARSERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "air_fitted": _air_fitted,
    "entry_from": _entry_from,
    "calibration": _calibration,
    "commissioning": _commissioning,
}
"""Every other field of a site is a number."""


def _parsed(site: Mapping[str, Any], key: str) -> Any:
    return _PARSERS[key](site, key) if key in _PARSERS else _number(site, key)

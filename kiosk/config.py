"""Configuration: typed sections, read from TOML over the commented defaults in ``default.toml``.

Each setting carries its validator in its type, so that what a setting is and what it may be stand in one
line. What only holds between settings is in :mod:`kiosk.config_rules`; docs/configuration.md is for people.
No setting ever holds a secret: secrets stand in files of their own, which settings name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_type_hints

from kiosk.config_rules import VARIANTS, broken_rules, pin
from kiosk.errors import ConfigError
from kiosk.model import (
    Attended,
    Celsius,
    CommunityId,
    DeviceId,
    Direction,
    EntryFrom,
    GateId,
    Seconds,
    Volts,
)
from kiosk.toml_file import Document, Problem, read_document
from kiosk.validators import (
    DAYS,
    Validator,
    choice,
    day,
    flag,
    list_of,
    name,
    number,
    one_of,
    path,
    server_url,
    sound_device,
    text,
    weekly_span,
    whole,
)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """One span of the week in which the gate is open: ``from_minute <= minute of the day < to_minute``."""

    days: int
    """Bit 0 is Monday."""
    from_minute: int
    to_minute: int

    def __str__(self) -> str:
        """As it is written in the file."""
        days = ",".join(word for bit, word in enumerate(DAYS) if self.days >> bit & 1)
        return f"{days} {_clock(self.from_minute)}-{_clock(self.to_minute)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


_SPAN = weekly_span()
_HOURS = list_of(Validator(_SPAN.wanted, lambda value: OpeningHours(*_SPAN(value))))


_FAULTY = "a part that needs more is faulty"
_ALARM = "a threshold outside could never alarm, or would alarm at everybody"
_REFUSED_VARIANTS: Final = {"xCK": "it settles in 3.2 s, longer than a person stands still"}


@dataclass(frozen=True, slots=True)
class GateConfig:
    """Which gate this is."""

    id: Annotated[GateId, name()]
    device: Annotated[DeviceId, name()]
    """Names this device to the server and in every record; no two devices share one."""
    community: Annotated[CommunityId, name()]
    direction: Annotated[Direction, choice(Direction)]
    entry_from: Annotated[EntryFrom, choice(EntryFrom)]
    attended: Annotated[Attended, choice(Attended)]
    hours: Annotated[tuple[OpeningHours, ...], _HOURS]
    """Empty: always open."""
    elsewhere: Annotated[str, text(200)]
    """Where people are sent when nobody is on duty or the gate is closed."""
    simulated: Annotated[bool, flag()]
    """All devices are simulated; every page and record says SIMULATED."""


@dataclass(frozen=True, slots=True)
class PinsConfig:
    """BCM numbers."""

    red: Annotated[int, pin()]
    green: Annotated[int, pin(idles_low=True)]
    buzzer: Annotated[int, pin()]
    button: Annotated[int, pin()]
    relay: Annotated[int, pin(idles_low=True)]
    illuminator: Annotated[int | None, pin()]
    """Lights the code while the camera is open; None: there is no such light."""


@dataclass(frozen=True, slots=True)
class LampConfig:
    """How the answers look."""

    relay_pulse_s: Annotated[Seconds, number(0.1, 3, "s", "a longer pulse lets a second person through")]
    buzzer: Annotated[bool, flag()]


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Where frames come from."""

    source: Annotated[str, one_of("picamera2", "webcam", "simulated")]
    """``picamera2``, ``webcam`` or ``simulated``."""
    number: Annotated[int, whole(0, 7)]
    """Which of several cameras of a Pi."""
    device: Annotated[Path, path()]
    """Of a webcam."""
    distance_mm: Annotated[float, number(60, 1000, "mm")]
    """From the lens to where codes are held: the focus is locked there."""
    field_mm: Annotated[float, number(40, 1000, "mm")]
    """Width of what the camera shall see there."""
    crop: Annotated[float | None, number(0.1, 1)]
    """Share of the sensor's width that is used, instead of field_mm, where the lens is not known."""
    exposure_us: Annotated[int, whole(50, 5000, "µs", "a hand that moves would blur the code")]
    gain: Annotated[float, number(0, 16)]
    """Analogue gain under that exposure; 0: automatic."""
    linear_symbologies: Annotated[tuple[str, ...], list_of(one_of("Code128", "Code39", "EAN13"))]
    """1D codes accepted beside QR: Code128, Code39, EAN13; empty: QR only."""


@dataclass(frozen=True, slots=True)
class ThermometerConfig:
    """The fitted MLX90614."""

    driver: Annotated[str, one_of("mlx90614", "simulated", "none")]
    """``mlx90614``, ``simulated`` or ``none``."""
    bus: Annotated[int, whole(0, 31)]
    address: Annotated[int, whole(0x08, 0x77, because="other addresses are reserved on an I2C bus")]
    variant: Annotated[str, one_of(*VARIANTS, refused=_REFUSED_VARIANTS)]
    """xAA, xBA, xCC, xCF, DCH, DCI, BCH, BCI: decides settling time and noise."""
    distance_cm: Annotated[float, number(1, 30, "cm")]
    supply_volts: Annotated[Volts, number(2.6, 5.5, "V")]
    rated_volts: Annotated[Volts, number(3, 5, "V")]
    emissivity: Annotated[float, number(0.95, 1, because="human skin has 0.98")]
    gain: Annotated[float, number(0.97, 1.03, because=_FAULTY)]
    """Two-point calibration, .97 to 1.03."""
    offset: Annotated[Celsius, number(-0.5, 0.5, "°C", _FAULTY)]
    """Two-point calibration, -.5 to .5 °C."""
    die_offset: Annotated[Celsius, number(-2, 8, "°C")]
    """Die temperature minus air temperature where no air thermometer is fitted."""
    calibrated_on: Annotated[str | None, day()] = None
    """When gain and offset were found, as YYYY-MM-DD."""
    reference: Annotated[str | None, text(80)] = None
    """What they were found against."""


_SHT3X: Final = whole(0x44, 0x45, because="an SHT3x has 0x44, or 0x45 with its pin ADDR high")


@dataclass(frozen=True, slots=True)
class AirConfig:
    """A thermometer for the air: a Sensirion SHT3x, or none."""

    driver: Annotated[str, one_of("sht3x", "simulated", "none")]
    """``sht3x``, ``simulated`` or ``none``."""
    bus: Annotated[int, whole(0, 31)]
    address: Annotated[int, _SHT3X]


@dataclass(frozen=True, slots=True)
class ScreeningConfig:
    """Thresholds of the deviation, °C, and the site's commissioning record."""

    guard: Annotated[Celsius, number(0.3, 0.8, "°C", _ALARM)]
    high: Annotated[Celsius, number(0.5, 1.5, "°C", _ALARM)]
    commissioning: Annotated[Path | None, path()]
    """JSON record of ``kiosk calibrate``; None: UNCOMMISSIONED."""


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where passages are written."""

    path: Annotated[Path, path()]
    reserve_mb: Annotated[int, whole(1, 1024, "MB")]


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """The signed lists, and the root keys this gate was provisioned with."""

    path: Annotated[Path, path()]
    roots: Annotated[tuple[Path, ...], list_of(path(), most=8)]


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """The community server."""

    url: Annotated[str, server_url()]
    """Empty: no server."""
    secret_file: Annotated[Path | None, path()]
    database: Annotated[Path, path()]
    interval_s: Annotated[Seconds, number(0.1, 3600, "s")]
    heartbeat_s: Annotated[Seconds, number(1, 3600, "s")]


@dataclass(frozen=True, slots=True)
class SpeakerConfig:
    """Spoken prompts."""

    driver: Annotated[str, one_of("none", "alsa", "simulated")]
    device: Annotated[str, sound_device()]
    voice: Annotated[str, one_of("speech", "tones")]
    languages: Annotated[tuple[str, ...], list_of(one_of("zh", "en"), fewest=1)]
    volume: Annotated[int, whole(0, 100, "%")]
    quiet_volume: Annotated[int, whole(0, 100, "%")]
    quiet_hours: Annotated[tuple[OpeningHours, ...], _HOURS]
    """Empty: none."""
    announce_every_min: Annotated[int, whole(0, 720, "min")]
    """0: never."""
    prompts: Annotated[Path, path()]
    """Folder of rendered speech; only voice = "speech" needs it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything; relative paths are resolved against the file they stand in."""

    gate: GateConfig
    pins: PinsConfig
    lamp: LampConfig
    camera: CameraConfig
    thermometer: ThermometerConfig
    air: AirConfig
    """Beside the kiosk."""
    outdoor: AirConfig
    """Outside the door."""
    screening: ScreeningConfig
    journal: JournalConfig
    directory: DirectoryConfig
    sync: SyncConfig
    speaker: SpeakerConfig


# -- what a setting is -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the loader, the command and the documentation's test see it."""

    section: str
    name: str
    validator: Validator[Any]
    optional: bool
    """May be left out altogether (None)."""

    @property
    def key(self) -> str:
        """As people write it: ``section.name``."""
        return f"{self.section}.{self.name}"


@cache
def settings() -> Mapping[str, Setting]:
    """Every setting there is by its dotted key, in the order of the file."""
    return {setting.key: setting for setting in _declared()}


@cache
def settings_of_section() -> Mapping[str, tuple[str, ...]]:
    """The names of the settings in each section."""
    return {
        section: tuple(field.name for field in fields(kind))
        for section, kind in get_type_hints(Config).items()
    }


def _declared() -> Iterator[Setting]:
    for section, kind in get_type_hints(Config).items():
        for field, hint in get_type_hints(kind, include_extras=True).items():
            typed, validator = get_args(hint)
            yield Setting(section, field, validator, NoneType in get_args(typed))


# -- loading ---------------------------------------------------------------------------------------------

PATH_VARIABLE: Final = "KIOSK_CONFIG"
USUAL_PATH: Final = Path("/etc/kiosk/kiosk.toml")
DEFAULTS_PATH: Final = Path(__file__).with_name("default.toml")


def find(named: Path | None = None) -> Path | None:
    """The file to use: the one named, else $KIOSK_CONFIG, else /etc/kiosk/kiosk.toml if it is there.

    None means that there is no file and the shipped defaults hold. A file that was named is never
    skipped because it is missing: :func:`load` then says so.
    """
    if named is None and os.environ.get(PATH_VARIABLE):
        return Path(os.environ[PATH_VARIABLE])
    if named is None and USUAL_PATH.exists():
        return USUAL_PATH
    return named


def load(path: Path | None) -> Config:
    """Read a file over the shipped defaults; None: the defaults alone.

    :class:`ConfigError` with every mistake at once, in the order of the file (its ``problems`` are
    :class:`kiosk.toml_file.Problem`), also when the file can't be read at all.
    """
    defaults, problems = _validated(read_document(DEFAULTS_PATH))
    document = read_document(path) if path else Document()
    given, mistakes = _validated(document)
    values = {key: None for key, setting in settings().items() if setting.optional} | defaults | given
    for problem in mistakes:
        values.pop(problem.key, None)
    problems += mistakes
    problems += [document.problem(given, *broken) for broken in broken_rules(values)]
    if problems:
        raise _refused(path or DEFAULTS_PATH, problems)
    return _assembled(values)


def _validated(document: Document) -> tuple[dict[str, Any], list[Problem]]:
    """Typed values of the settings that a file names, and what is wrong with the others."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for section, item, raw, line in document.entries(settings_of_section(), problems):
        setting = settings()[f"{section}.{item}"]
        try:
            values[setting.key] = document.located(setting.validator(raw))
        except ValueError as error:
            problems.append(Problem(line, setting.key, str(error)))
    return values, problems


def _refused(path: Path, problems: list[Problem]) -> ConfigError:
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    count = f"{len(ordered)} mistakes" if len(ordered) > 1 else "a mistake"
    return ConfigError(f"{path} has {count}", tuple(ordered))


def _assembled(values: Mapping[str, Any]) -> Config:
    sections = {
        section: kind(**{field.name: values.get(f"{section}.{field.name}") for field in fields(kind)})
        for section, kind in get_type_hints(Config).items()
    }
    return Config(**sections)

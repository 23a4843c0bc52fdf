"""Configuration: typed sections, read from TOML over the commented defaults in ``default.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """One span of the week in which the gate is open; bit 0 of ``days`` is Monday; minutes of the day."""

    days: int
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class GateConfig:
    """Which gate this is."""

    id: GateId
    device: DeviceId
    community: CommunityId
    direction: Direction
    entry_from: EntryFrom
    attended: Attended
    hours: tuple[OpeningHours, ...]
    """Empty: always open."""
    elsewhere: str
    """Where people are sent when nobody is on duty or the gate is closed."""
    simulated: bool
    """All devices are simulated; every page and record says SIMULATED."""


@dataclass(frozen=True, slots=True)
class PinsConfig:
    """BCM numbers."""

    red: int
    green: int
    buzzer: int
    button: int
    relay: int


@dataclass(frozen=True, slots=True)
class LampConfig:
    """How the answers look."""

    relay_pulse_s: Seconds
    buzzer: bool


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Where frames come from."""

    source: str
    """``picamera2``, ``webcam``, ``pictures`` (a folder) or ``simulated``."""
    pictures: Path | None
    linear_symbologies: tuple[str, ...]
    """1D codes accepted beside QR: Code128, Code39, EAN13; empty: QR only."""


@dataclass(frozen=True, slots=True)
class ThermometerConfig:
    """The fitted MLX90614."""

    driver: str
    """``mlx90614``, ``simulated`` or ``none``."""
    bus: int
    address: int
    variant: str
    """xAA, xBA, xCC, xCF, DCH, DCI, BCH, BCI: decides settling time and noise."""
    distance_cm: float
    supply_volts: Volts
    rated_volts: Volts
    emissivity: float
    gain: float
    """Two-point calibration, .97 to 1.03."""
    offset: Celsius
    """Two-point calibration, -.5 to .5 °C."""
    die_offset: Celsius
    """Die temperature minus air temperature where no air thermometer is fitted."""


@dataclass(frozen=True, slots=True)
class ScreeningConfig:
    """Thresholds of the deviation, °C, and the site's commissioning record."""

    guard: Celsius
    high: Celsius
    commissioning: Path | None
    """JSON record of ``kiosk calibrate``; None: UNCOMMISSIONED."""
    outdoor_celsius: Celsius | None


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """Where passages are written."""

    path: Path
    reserve_mb: int


@dataclass(frozen=True, slots=True)
class DirectoryConfig:
    """The signed lists, and the root keys this gate was provisioned with."""

    path: Path
    roots: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """The community server."""

    url: str
    """Empty: no server."""
    secret_file: Path | None
    database: Path
    interval_s: Seconds
    heartbeat_s: Seconds


@dataclass(frozen=True, slots=True)
class SpeakerConfig:
    """Spoken prompts."""

    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything; relative paths are resolved against the file they stand in."""

    gate: GateConfig
    pins: PinsConfig
    lamp: LampConfig
    camera: CameraConfig
    thermometer: ThermometerConfig
    screening: ScreeningConfig
    journal: JournalConfig
    directory: DirectoryConfig
    sync: SyncConfig
    speaker: SpeakerConfig

"""What a scenario says: pure data, no behaviour beyond looking itself up.

Times are seconds since the scenario's start, temperatures °C. Nothing here knows how a gate works; the
people, the weather and the faults are the world that a simulated gate stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    Direction,
    EntryFrom,
    Mode,
    Reason,
    Seconds,
    UnixTime,
    Verdict,
    WeeklyWindow,
)

VARIANTS: Final = ("xAA", "xBA", "xCC", "xCF", "DCH", "DCI", "BCH", "BCI")
"""MLX90614 variants that a scenario may fit (design: temperature, Bus)."""


class PassKind(StrEnum):
    """What a person holds up. ``kiosk.assembly`` makes the text of each kind but the last four."""

    VALID = "valid"
    """Issued by the demo's issuer, in order."""
    EXPIRED = "expired"
    """In order but for its times (by default over since yesterday)."""
    NOT_YET_VALID = "not_yet_valid"
    """In order but for its times (by default from tomorrow on)."""
    REVOKED = "revoked"
    """In order, and marked as revoked on the issuer's status list."""
    SCREENSHOT = "screenshot"
    """A copy of somebody's short-lived phone pass, minutes after its end."""
    FORGED_SIGNATURE = "forged_signature"
    """A valid pass with bits of its signature flipped."""
    FORGED_CLAIMS = "forged_claims"
    """An expired pass whose end was moved; the signature is the old one."""
    FORGED_KEY = "forged_key"
    """Signed by a stranger's key under the issuer's key id."""
    FORGED_ISSUER = "forged_issuer"
    """Signed by a stranger's key under the stranger's own key id."""
    FORGED_KIND = "forged_kind"
    """The issuer's genuine signature, made for another kind of object (another external_aad)."""
    FORGED_UNSIGNED = "forged_unsigned"
    """A valid pass's claims with an empty signature."""
    FORGED_HEADER = "forged_header"
    """A valid pass with an entry added to the unprotected header."""
    FORGED_CUT = "forged_cut"
    """The first two thirds of a valid pass's text."""
    FORGED_SPACED = "forged_spaced"
    """A valid pass's text with a blank added at its end."""
    UNKNOWN = "unknown"
    """Some other code; its text stands in the scenario."""
    PHOTOGRAPH = "photograph"
    """A real photograph of some code, from a folder that the caller names."""
    SHARED = "shared"
    """The code of another person: one phone for the family, or somebody's copy."""
    NONE = "none"
    """Nothing to show."""

    @property
    def issued(self) -> bool:
        """True when a text must be made for it."""
        return self not in (PassKind.UNKNOWN, PassKind.PHOTOGRAPH, PassKind.SHARED, PassKind.NONE)

    @property
    def forged(self) -> bool:
        """True for what somebody made to deceive."""
        return self.name.startswith("FORGED")


class Carrier(StrEnum):
    """What the code is on."""

    PAPER = "paper"
    PHONE = "phone"


class FaultKind(StrEnum):
    """What can go wrong; also the vocabulary of :meth:`kiosk.devices.Simulator.inject`."""

    CAMERA_GONE = "camera_gone"
    CAMERA_STALLED = "camera_stalled"
    DECODER_FAILING = "decoder_failing"
    """Every attempt of every decoder fails, on every frame."""
    SENSOR_UNPLUGGED = "sensor_unplugged"
    SENSOR_SILENT = "sensor_silent"
    """It opens and is polled well, and never has a word."""
    SENSOR_STUCK = "sensor_stuck"
    BUS_NOISE = "bus_noise"
    DIE_BROKEN = "die_broken"
    """The thermometer's own thermistor is open: its ambient word reads 0 K."""
    AIR_UNPLUGGED = "air_unplugged"
    AIR_BROKEN = "air_broken"
    """The air thermometer says what no air can be."""
    OUTDOOR_UNPLUGGED = "outdoor_unplugged"
    BUTTON_GONE = "button_gone"
    SPEAKER_GONE = "speaker_gone"
    CLOCK_JUMP = "clock_jump"
    DISK_FULL = "disk_full"
    JOURNAL_FAILING = "journal_failing"
    """Every write to the journal's disk fails, as on a card that is dying."""
    SERVER_GONE = "server_gone"


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure that differs from person to person: normal, cut at 2.5 sd and at ``low``."""

    mean: float
    sd: float = 0.0
    low: float = float("-inf")

    def draw(self, rng: Random) -> float:
        """One person's figure."""
        z = max(-2.5, min(2.5, rng.gauss(0.0, 1.0)))
        return max(self.low, self.mean + z * self.sd)


@dataclass(frozen=True, slots=True)
class Site:
    """The gate that the scenario plays at."""

    direction: Direction
    entry_from: EntryFrom
    site_normal: Celsius
    """What a healthy forehead reads here at 24.1 °C air: the commissioning record says so too."""
    healthy_sd: Celsius
    """Spread of healthy foreheads around it."""
    variant: str
    """MLX90614 variant that is fitted."""
    distance_cm: float
    """Between sensor and forehead when a person leans in."""
    sensor_height_cm: float
    die_offset: Celsius
    """How much warmer the sensor's die is than the air."""
    air_thermometer: bool
    outdoor_thermometer: bool
    """Fitted only where people come from outdoors."""
    """Whether a part of its own measures the air."""


@dataclass(frozen=True, slots=True)
class Air:
    """The air at one moment, °C; ``indoor`` is where the kiosk stands."""

    outdoor: Celsius
    indoor: Celsius


@dataclass(frozen=True, slots=True)
class WeatherPoint:
    """The air from ``at`` on; between two points it changes evenly."""

    at: Seconds
    air: Air


@dataclass(frozen=True, slots=True)
class Weather:
    """Air over time; at least one point, ordered."""

    points: tuple[WeatherPoint, ...]

    def at(self, seconds: float) -> Air:
        """The air then; before the first point as at it, after the last one as at it."""
        before = self.points[0]
        for point in self.points:
            if point.at > seconds:
                return _between(before, point, seconds)
            before = point
        return before.air


def _between(before: WeatherPoint, after: WeatherPoint, seconds: float) -> Air:
    if after.at <= before.at or seconds <= before.at:
        return before.air
    share = (seconds - before.at) / (after.at - before.at)
    return Air(
        Celsius(before.air.outdoor + share * (after.air.outdoor - before.air.outdoor)),
        Celsius(before.air.indoor + share * (after.air.indoor - before.air.indoor)),
    )


@dataclass(frozen=True, slots=True)
class Showing:
    """What spoils the picture of a code besides what a hand does anyway. All figures are ours."""

    glare: float = 0.0
    """Strength of a reflection that lies across the carrier wherever it is turned, 0 to 1."""
    drops: int = 0
    """Rain or breath in drops on it, each a small lens."""
    cracked: bool = False
    """The glass is broken."""
    tilt_deg: float = 0.0
    """Held askew by up to that much more than usual, as from a wheelchair."""
    shake: float = 1.0
    """How much more than usual it moves while a picture is taken."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the cast: a kind of person, from which any number of persons are drawn."""

    name: str
    title: str
    """For people: "courier with a phone"."""
    title_zh: str | None
    """The same in Chinese."""
    pass_kind: PassKind
    category: Category
    household: bool
    """The pass names a household; companions share it."""
    valid_from_s: Seconds
    valid_until_s: Seconds
    """Both relative to the scenario's start."""
    window: WeeklyWindow | None
    text: str | None
    photograph: str | None
    """Name of a picture in the caller's folder; None: one by the seed."""
    carrier: Carrier
    brightness: float
    """Of a phone's screen, 0 to 1."""
    dark_mode: bool
    code_mm: Spread
    """Side of the code, without quiet zone."""
    showing: Showing
    skin: Spread | None
    """Deviation of a healthy forehead, °C; None: by the site's spread."""
    fever: Celsius
    """How much fever adds to the forehead."""
    damp: Celsius
    """How much sweat, rain or melting snow takes off it by evaporating."""
    height_cm: Spread
    """Top of the head, also of who sits."""
    lifted: bool
    """When asked to come closer, whose forehead is too low is lifted (a child) or finds a way up; or not."""
    reach_s: Spread
    """From standing before the gate to the code being in view."""
    lean_s: Spread
    """From the pass-read light to the forehead being in place."""
    hat: bool
    """Something hides the forehead until asked to uncover it."""
    hat_share: float
    """Its outside lies this share of the way from the air to the skin."""
    uncover_s: Seconds
    """From the prompt to the forehead being bare."""
    hasty: bool
    """Pulls back before the first measurement is over."""
    indoors_s: Spread
    """How long ago the person came in from outside."""
    companions: int
    companion_kind: str | None
    expect: Verdict | None
    """What this person should get when no fault is on; None: either way is fine."""
    because: Reason | None
    """A reason that belongs to it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One person (with companions, if the kind has any) who comes at a given time."""

    at: Seconds
    who: str
    name: str | None = None
    """Becomes the person's id."""
    code_of: str | None = None
    """Shows the code of the person of this name: a shared phone, or a copy."""
    expect: Verdict | None = None
    because: Reason | None = None
    """Both instead of the kind's: what happens at this time decides, such as a fault."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A bus has arrived: so many people within so many seconds."""

    at: Seconds
    people: int
    within_s: Seconds


@dataclass(frozen=True, slots=True)
class Flow:
    """A stream of people: random arrivals at a mean rate, with bursts on top."""

    start: Seconds
    until: Seconds
    per_hour: float
    mix: Mapping[str, float]
    """Kind to weight."""
    bursts: tuple[Burst, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """Something is broken for a while."""

    kind: FaultKind
    start: Seconds
    until: Seconds
    share: float = 0.5
    """Of bus transfers that fail (bus_noise)."""
    jump_s: float = 0.0
    """By how many seconds the wall clock jumps (clock_jump)."""

    def on(self, seconds: float) -> bool:
        """Whether it lasts at this moment."""
        return self.start <= seconds < self.until


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to run a simulated gate in."""

    id: str
    title: str
    title_zh: str | None
    seed: int
    starts: UnixTime
    """Wall time at the start."""
    clock: ClockState
    mode: Mode
    """Which of the two signed policies is in force."""
    patience_s: Seconds
    """How long a person stands before a gate that does not answer."""
    site: Site
    weather: Weather
    cast: Mapping[str, Kind]
    calls: tuple[Call, ...]
    flows: tuple[Flow, ...]
    faults: tuple[FaultSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """One person, drawn from a kind: every figure that differs between people is settled."""

    id: str
    kind: Kind
    arrives_s: Seconds
    household: str | None
    """Key of the household; the same for head and companions."""
    code_of: str | None
    """Shows the code of the person of this id."""
    companion_of: str | None
    code_mm: float
    skin: Celsius
    """Deviation of this forehead from the site's normal while healthy, °C."""
    chill: float
    """How strongly cold air works on this forehead; 1 is the mean."""
    height_cm: float
    reach_s: Seconds
    lean_s: Seconds
    indoors_s: Seconds
    """How long ago the person had come in when arriving at the gate."""
    seed: int
    expect: Verdict | None = None
    """What should come of it; None: either way is fine."""
    because: Reason | None = None

    @property
    def shows_code(self) -> bool:
        """Whether there is anything to hold up to the camera."""
        return self.kind.pass_kind is not PassKind.NONE

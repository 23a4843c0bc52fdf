"""The product's vocabulary: units, states, and what passes from one step of a passage to the next.

Everything here but :class:`BusCounts` is immutable and free of behaviour beyond its own arithmetic, so it may
be shared between threads. Units are in the types: a bare float never crosses a module boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Celsius = NewType("Celsius", float)
Seconds = NewType("Seconds", float)
Monotonic = NewType("Monotonic", float)
"""Seconds since boot (CLOCK_BOOTTIME); the only clock that intervals are measured with."""
UnixTime = NewType("UnixTime", float)
"""Seconds since 1970-01-01 UTC as some clock claims them."""
RawWord = NewType("RawWord", int)
"""16-bit word as the MLX90614 sends it; bit 15 set means invalid (data sheet 8.7.2)."""
Volts = NewType("Volts", float)

PassId = NewType("PassId", str)
"""8 random bytes in lower-case hex: a pseudonym, never a person's number."""
HouseholdId = NewType("HouseholdId", str)
"""6-byte HMAC keyed per community, in lower-case hex."""
IssuerId = NewType("IssuerId", str)
GateId = NewType("GateId", str)
CommunityId = NewType("CommunityId", str)
DeviceId = NewType("DeviceId", str)
EventSeq = NewType("EventSeq", int)


class Verdict(StrEnum):
    """What the gate answers. Only ADMIT lights green."""

    ADMIT = "ADMIT"
    REFER = "REFER"
    REFUSE = "REFUSE"

    @property
    def severity(self) -> int:
        """0 for ADMIT, 1 for REFER, 2 for REFUSE: the worst one of several wins."""
        return _SEVERITY[self]


_SEVERITY = {Verdict.ADMIT: 0, Verdict.REFER: 1, Verdict.REFUSE: 2}


class Screening(StrEnum):
    """Result of a forehead reading, or why there is none (design: temperature, point 6)."""

    NORMAL = "NORMAL"
    GUARD = "GUARD"
    HIGH = "HIGH"
    ENVIRONMENT = "ENVIRONMENT"
    RETRY = "RETRY"
    UNCOMMISSIONED = "UNCOMMISSIONED"
    DRIFT = "DRIFT"
    SENSOR_FAULT = "SENSOR_FAULT"
    SENSOR_STUCK = "SENSOR_STUCK"
    NOT_REQUIRED = "NOT_REQUIRED"


class Reason(StrEnum):
    """Stable reason codes. A verdict always has at least one."""

    # what speaks for the person
    PASS_VALID = "PASS_VALID"
    COMPANION = "COMPANION"
    TEMPERATURE_NORMAL = "TEMPERATURE_NORMAL"
    TEMPERATURE_GUARD = "TEMPERATURE_GUARD"
    TEMPERATURE_SUSPENDED = "TEMPERATURE_SUSPENDED"
    TEMPERATURE_NOT_REQUIRED = "TEMPERATURE_NOT_REQUIRED"
    # the text of a pass, in the order of the checks
    NO_CODE = "NO_CODE"
    NOT_ASCII = "NOT_ASCII"
    PASS_TOO_LONG = "PASS_TOO_LONG"
    PASS_UNKNOWN = "PASS_UNKNOWN"
    BAD_BASE45 = "BAD_BASE45"
    BAD_CBOR = "BAD_CBOR"
    BAD_COSE = "BAD_COSE"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    ALG_MISMATCH = "ALG_MISMATCH"
    KEY_OUTSIDE_WINDOW = "KEY_OUTSIDE_WINDOW"
    KEY_REVOKED = "KEY_REVOKED"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    BAD_CLAIMS = "BAD_CLAIMS"
    EXTRA_CLAIMS = "EXTRA_CLAIMS"
    ISSUER_MISMATCH = "ISSUER_MISMATCH"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    TIME_UNCERTAIN = "TIME_UNCERTAIN"
    ISSUER_NOT_ALLOWED = "ISSUER_NOT_ALLOWED"
    LIFE_TOO_LONG = "LIFE_TOO_LONG"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    REVOKED = "REVOKED"
    HELD = "HELD"
    WRONG_GATE = "WRONG_GATE"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    ANTI_PASSBACK = "ANTI_PASSBACK"
    # the gate and its lists
    NO_TRUST = "NO_TRUST"
    LISTS_TOO_OLD = "LISTS_TOO_OLD"
    CATEGORY_SHUT_OUT = "CATEGORY_SHUT_OUT"
    GATE_CLOSED = "GATE_CLOSED"
    HOURS_UNCERTAIN = "HOURS_UNCERTAIN"
    JOURNAL_FAULT = "JOURNAL_FAULT"
    CALLED = "CALLED"
    # the forehead
    TEMPERATURE_HIGH = "TEMPERATURE_HIGH"
    MEASURE_BY_HAND = "MEASURE_BY_HAND"
    NO_READING = "NO_READING"
    UNCOMMISSIONED = "UNCOMMISSIONED"
    DRIFT = "DRIFT"
    SENSOR_FAULT = "SENSOR_FAULT"
    SENSOR_STUCK = "SENSOR_STUCK"


class Direction(StrEnum):
    """Which way this gate's people go; BOTH means it can't know."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class EntryFrom(StrEnum):
    """Where a person stands before the gate; it decides whether cold skin is to be expected."""

    INDOORS = "indoors"
    OUTDOORS = "outdoors"


class Category(StrEnum):
    """Who a pass is for; the value on the wire is its position here (see passes.native)."""

    RESIDENT = "resident"
    STAFF = "staff"
    COURIER = "courier"
    VISITOR = "visitor"
    ASSISTED = "assisted"
    HOUSEHOLD = "household"


class Mode(StrEnum):
    """Which of the two root-signed policies is in force."""

    ROUTINE = "routine"
    EMERGENCY = "emergency"


class Attended(StrEnum):
    """Whether a volunteer is there to whom REFER can send a person."""

    ALWAYS = "always"
    NEVER = "never"
    SHIFTS = "shifts"


class ClockState(StrEnum):
    """Why wall time is believed, or that it is not."""

    BATTERY = "battery"
    NTP = "ntp"
    SERVER = "server"
    VOLUNTEER = "volunteer"
    SIMULATED = "simulated"
    GIVEN = "given"
    UNTRUSTED = "untrusted"

    @property
    def trusted(self) -> bool:
        """True for every state but UNTRUSTED."""
        return self is not ClockState.UNTRUSTED


class Light(StrEnum):
    """What the two LEDs say; each pattern is readable without colour by its rhythm."""

    DARK = "dark"
    IDLE = "idle"
    HOLD_STILL = "hold_still"
    ADMIT = "admit"
    REFER = "refer"
    REFUSE = "refuse"
    FAULT = "fault"


class Prompt(StrEnum):
    """What the speaker (and the terminal) says; the words are in kiosk.words."""

    SHOW_PASS = "SHOW_PASS"
    HOLD_STILL = "HOLD_STILL"
    GO_AHEAD = "GO_AHEAD"
    WAIT_FOR_VOLUNTEER = "WAIT_FOR_VOLUNTEER"
    UNCOVER_FOREHEAD = "UNCOVER_FOREHEAD"
    COME_CLOSER = "COME_CLOSER"
    COLD_OUTSIDE = "COLD_OUTSIDE"
    NOT_ADMITTED = "NOT_ADMITTED"
    GO_ELSEWHERE = "GO_ELSEWHERE"
    STEP_BACK = "STEP_BACK"
    KEEP_DISTANCE = "KEEP_DISTANCE"


class EventKind(StrEnum):
    """Kinds of journal events. ``passage`` is one person; the rest is everything around it."""

    GENESIS = "genesis"
    PASSAGE = "passage"
    CONTEXT = "context"
    STARTED = "started"
    STOPPED = "stopped"
    FAULT = "fault"
    RECOVERED = "recovered"
    CLOCK = "clock"
    DIRECTORY = "directory"
    MODE = "mode"
    CALL = "call"
    COUNTED = "counted"
    OUTDOOR = "outdoor"
    BASELINE = "baseline"
    HOURLY = "hourly"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Wall time as far as it is known: somewhere in [lo, hi], Unix seconds. Trusted: lo == hi."""

    lo: UnixTime
    hi: UnixTime
    state: ClockState

    @classmethod
    def exactly(cls, at: UnixTime, state: ClockState = ClockState.GIVEN) -> TimeInterval:
        """A proven time."""
        return cls(at, at, state)

    @property
    def trusted(self) -> bool:
        """True when the time is proven, so that weekly windows may be judged."""
        return self.state.trusted


@dataclass(frozen=True, slots=True)
class CodeRead:
    """One code in one frame. ``text`` is what the decoder delivered; it may hold anything."""

    text: str
    symbology: str
    decoder: str
    at: Monotonic
    """Monotonic time of the frame, not of the decoding."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from the camera: the luma plane only, row by row without padding, one byte a pixel."""

    luma: bytes | bytearray | memoryview
    width: int
    height: int
    at: Monotonic
    label: str = ""
    """Where it came from (a file's name), for people."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One pair of words from the thermometer, already past PEC, error flag and range gate."""

    at: Monotonic
    object_word: RawWord
    ambient_word: RawWord

    @property
    def object_celsius(self) -> Celsius:
        """Object temperature before any correction (data sheet 8.7.2), °C."""
        return word_to_celsius(self.object_word)

    @property
    def ambient_celsius(self) -> Celsius:
        """Die temperature, °C. The die is not the air."""
        return word_to_celsius(self.ambient_word)


def word_to_celsius(word: RawWord) -> Celsius:
    """T = word * 0.02 - 273.15 (MLX90614 data sheet 8.7.2)."""
    return Celsius(word * 0.02 - 273.15)


def celsius_to_word(celsius: Celsius) -> RawWord:
    """The nearest word for a temperature; for simulations and tests."""
    return RawWord(round((celsius + 273.15) / 0.02))


@dataclass(frozen=True, slots=True)
class ThermometerSpec:
    """What the reading's rules need to know of the part that is fitted (data sheet tables)."""

    variant: str
    settling_s: Seconds
    noise_c: Celsius

    @property
    def fast(self) -> bool:
        """Settles quickly enough for five samples in a stable second."""
        return self.settling_s <= 0.2

    @property
    def detection_c(self) -> Celsius:
        """How far above its background a forehead must read to be noticed: max(1.0, 6 x noise), °C."""
        return Celsius(max(1.0, 6 * self.noise_c))


@dataclass(slots=True)
class BusCounts:
    """What the thermometer's bus did since the gate started; for the hourly counts.

    The one thing here that changes: written by the driver alone, in its own thread; whoever reads it may
    see a number that is one transfer old.
    """

    transfers: int = 0
    """Every attempt to read a word, those that failed included."""
    pec_errors: int = 0
    """Answers whose checksum was wrong."""
    retries: int = 0
    """Second and third tries."""
    failures: int = 0
    """Readings given up after the last try."""
    chip: str = ""
    """Number that the thermometer has told of itself; empty until it has."""


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """Valid days and hours of a week in the policy's time zone; bit 0 of ``days`` is Monday."""

    days: int
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class PassFacts:
    """What a verified pass says about its holder: pseudonyms and rights, nothing personal."""

    pass_id: PassId
    issuer: IssuerId
    category: Category
    expires: UnixTime
    not_before: UnixTime | None = None
    issued_at: UnixTime | None = None
    household: HouseholdId | None = None
    gates: tuple[GateId, ...] = ()
    communities: tuple[CommunityId, ...] = ()
    window: WeeklyWindow | None = None
    status_list: int = 0
    status_index: int = 0


@dataclass(frozen=True, slots=True)
class PassCheck:
    """Answer of the pass formats for one text. ``facts`` only once the signature held.

    ``reason`` is PASS_VALID or the first check that failed, in the order of design/passes.
    ``token`` names the code without revealing it: the pass id, or an HMAC of an unknown text.
    """

    format: str
    reason: Reason
    token: str
    facts: PassFacts | None = None

    @property
    def valid(self) -> bool:
        """True when every check held."""
        return self.reason is Reason.PASS_VALID


@dataclass(frozen=True, slots=True)
class Corrections:
    """What each correction added to a reading, °C, in the order in which they are made."""

    supply: Celsius
    calibration: Celsius
    emissivity: Celsius


@dataclass(frozen=True, slots=True)
class Reading:
    """A forehead reading: the words it came from, what was corrected, and what it says.

    ``samples`` are the window's raw words; everything else can be computed again from them and
    the context event (commissioning, calibration, thresholds) that was in force.
    """

    screening: Screening
    samples: tuple[Sample, ...] = ()
    opened_at: Monotonic = Monotonic(0.0)
    raw_celsius: Celsius | None = None
    """Chosen stable second before corrections."""
    forehead_celsius: Celsius | None = None
    """After supply, calibration and emissivity: a forehead, never a body temperature."""
    ambient_celsius: Celsius | None = None
    deviation: Celsius | None = None
    """Against what a healthy forehead reads here and now."""
    uncertainty: Celsius | None = None
    baseline: Celsius = Celsius(0.0)
    background: Celsius | None = None
    """What the sensor saw before the person came, °C."""
    air: Celsius | None = None
    """Air temperature by a part of its own; None: die minus offset stood in."""
    environment: str | None = None
    """Why the surroundings allow no result, if they do not."""
    outdoor: Celsius | None = None
    """Air outside as far as anything told it, °C; looked at where people come from outdoors."""
    settled: bool = True
    """Whatever the surroundings are, they were so before this person came."""
    drift: bool = False
    """The gate was in DRIFT: no result until a check with a reference."""
    corrections: Corrections | None = None
    """From ``raw_celsius`` to ``forehead_celsius``."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and every reason for it, worst first."""

    verdict: Verdict
    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a verdict needs a reason")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a record is durable on disk; only the journal makes one.

    The lamp asks for it before it lights green, so that "recorded first" is a type and not a habit.
    """

    epoch: str
    seq: EventSeq
    head: str
    verdict: Verdict | None
    counted: bool = False
    """The event came too fast to be written by itself: it will be part of a COUNTED record, and seq and
    head are those of the newest record so far."""

"""Whether the surroundings allow a reading at all. A state of the gate, not of a person.

Whether a part works is another question: no ambient temperature at all, or an impossible one, is a fault of
the thermometer, never a reason to suspend readings.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from kiosk.model import Celsius, EntryFrom, Monotonic, TimeInterval
from kiosk.passage.site import Calibration, Site

COLDEST: Final = Celsius(16.0)
WARMEST: Final = Celsius(32.0)
DIE_TO_AIR: Final = Celsius(8.0)
STEEPEST: Final = 0.3
"""°C a minute."""
CALIBRATION_KEEPS: Final = timedelta(days=366)
"""Ours: reference bodies are themselves recalibrated once a year."""


LEAST: Final = Celsius(-30.0)
MOST: Final = Celsius(60.0)
"""What a part beside the gate's board can be at while the board runs: colder than the coldest lane, or hotter
than a black box in the sun, is a broken part. A thermistor that breaks reads far outside, -273 or 120."""


def plausible(celsius: Celsius) -> bool:
    """Whether a die or the air can be that warm; a temperature that can't is a fault, and no weather."""
    return LEAST <= celsius <= MOST


class Surroundings(StrEnum):
    """Why there is no automatic result."""

    AMBIENT_COLD = "AMBIENT_COLD"
    AMBIENT_HOT = "AMBIENT_HOT"
    OUTDOORS_COLD = "OUTDOORS_COLD"
    OUTDOORS_UNKNOWN = "OUTDOORS_UNKNOWN"
    DIE_FAR_FROM_AIR = "DIE_FAR_FROM_AIR"
    AMBIENT_CHANGING = "AMBIENT_CHANGING"
    CALIBRATION_OLD = "CALIBRATION_OLD"


COLD: Final = frozenset({Surroundings.AMBIENT_COLD, Surroundings.OUTDOORS_COLD})


def outdoors(site: Site, outdoor: Celsius | None, margin: float = 0.0) -> Surroundings | None:
    """Cold skin comes in from outdoors, however warm the lobby is; not knowing is no better.

    Written so that a temperature that is no number is not known to be warm.
    """
    if site.entry_from is EntryFrom.INDOORS:
        return None
    if outdoor is None:
        return Surroundings.OUTDOORS_UNKNOWN
    return None if outdoor >= COLDEST + margin else Surroundings.OUTDOORS_COLD


def air_range(ambient: Celsius, margin: float = 0.0) -> Surroundings | None:
    """The air beside the kiosk, with ``margin`` °C to spare at both ends."""
    if ambient < COLDEST + margin:
        return Surroundings.AMBIENT_COLD
    return None if ambient <= WARMEST - margin else Surroundings.AMBIENT_HOT


def measurable(site: Site, die: Celsius) -> bool:
    """A part of that temperature stands in air in which foreheads are judged, as far as it can tell alone."""
    return air_range(Celsius(die - site.die_offset), EnvironmentWatch.MARGIN) is None


def die_to_air(die: Celsius, air: Celsius | None) -> Surroundings | None:
    """A die far from the air (sun on the housing) disturbs the sensor. Without ``air`` it is not checked."""
    if air is None or abs(die - air) <= DIE_TO_AIR:
        return None
    return Surroundings.DIE_FAR_FROM_AIR


def calibration_age(calibration: Calibration, interval: TimeInterval) -> Surroundings | None:
    """Surely too old; a time that is not proven only counts as far as it is certain."""
    if calibration.made_on is None:
        return None
    today = datetime.fromtimestamp(interval.lo, UTC).date()
    old = today - date.fromisoformat(calibration.made_on) > CALIBRATION_KEEPS
    return Surroundings.CALIBRATION_OLD if old else None


class EnvironmentWatch:
    """Follows the air and says what speaks against readings. For the gate thread only.

    A problem that has come goes again only with some room to spare, so that a gate at 16.0 °C does not
    change its mind with every word.
    """

    MARGIN: Final = 0.3
    KEEP_S: Final = 180.0
    EVERY_S: Final = 5.0
    ENOUGH_S: Final = 60.0
    GAP_S: Final = 60.0
    KEEPS_S: Final = 60.0
    """A problem is not known to last longer than this without a word from the air."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._outdoors = outdoors(site, None)
        self._beside: Surroundings | None = None
        """What the air beside the kiosk and the calibration say."""
        self._history: deque[tuple[Monotonic, Celsius]] = deque()
        self._fed: Monotonic | None = None
        self._own_air = False
        self._since: Monotonic | None = None

    @property
    def problem(self) -> Surroundings | None:
        """What speaks against a reading now, or None."""
        return self._outdoors or self._beside

    @property
    def cold(self) -> bool:
        """The problem is the cold: what people may be told."""
        return self.problem in COLD

    def settled(self, then: Monotonic) -> bool:
        """Something spoke against readings already then, and has done so ever since."""
        return self._since is not None and self._since <= then

    def look_outdoors(self, now: Monotonic, outdoor: Celsius | None) -> None:
        """Take the air outside, °C; None: nothing tells it."""
        was_cold = self._outdoors is Surroundings.OUTDOORS_COLD
        self._outdoors = outdoors(self._site, outdoor, self.MARGIN if was_cold else 0.0)
        self._note_since(now)

    def feed(
        self, now: Monotonic, die: Celsius, air: Celsius | None = None, interval: TimeInterval | None = None
    ) -> None:
        """Take the die's temperature and, where there is such a part, the air's.

        ``interval``: what is known of the time, for the age of the calibration; None: not checked.
        """
        ambient = Celsius(die - self._site.die_offset) if air is None else air
        if self._own_air is not (air is not None):
            # Another part tells the air now: what lies between the two is no change of it.
            self._own_air = air is not None
            self._history.clear()
        self._fed = now
        self._remember(now, ambient)
        before = self._beside
        in_range = before in (Surroundings.AMBIENT_COLD, Surroundings.AMBIENT_HOT)
        self._beside = (
            air_range(ambient, self.MARGIN if in_range else 0.0)
            or die_to_air(die, air)
            or self._changing(steep=0.2 if before is Surroundings.AMBIENT_CHANGING else STEEPEST)
            or (calibration_age(self._site.calibration, interval) if interval is not None else None)
        )
        self._note_since(now)

    def age(self, now: Monotonic) -> None:
        """Let go of what the air was too long ago: nobody knows what it is now.

        Whether people can be measured then is for the thermometer to say, which is faulty if it is silent.
        """
        if self._fed is not None and now - self._fed > self.KEEPS_S:
            self._beside, self._fed = None, None
            self._history.clear()
            self._note_since(now)

    def _note_since(self, now: Monotonic) -> None:
        """One problem may give way to another; what counts is since when there has been any."""
        if self.problem is None:
            self._since = None
        elif self._since is None:
            self._since = now

    def _remember(self, now: Monotonic, ambient: Celsius) -> None:
        history = self._history
        if history and now - history[-1][0] > self.GAP_S:
            history.clear()
        if not history or now - history[-1][0] >= self.EVERY_S:
            history.append((now, ambient))
        while now - history[0][0] > self.KEEP_S:
            history.popleft()

    def _changing(self, steep: float) -> Surroundings | None:
        history = self._history
        if history[-1][0] - history[0][0] < self.ENOUGH_S:
            return None
        return Surroundings.AMBIENT_CHANGING if abs(_per_minute(history)) > steep else None


def _per_minute(history: deque[tuple[Monotonic, Celsius]]) -> float:
    """Least-squares slope, °C a minute."""
    middle = sum(at for at, _ in history) / len(history)
    mean = sum(celsius for _, celsius in history) / len(history)
    joint = sum((at - middle) * (celsius - mean) for at, celsius in history)
    spread = sum((at - middle) ** 2 for at, _ in history)
    return 60 * joint / spread

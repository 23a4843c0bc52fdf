"""The air outside the door, where people come from there: a part that measures it, or what somebody entered.

An entry (``kiosk calibrate outdoor``, later the panel and the server) is one small file beside the journal.
It counts for three hours by a time that is proven: otherwise nobody can say how old it is, and a value of
summer would call cold faces normal. The newest of what is fresh wins; where nothing is, the air outside is
not known, and that is no better than cold (:func:`kiosk.passage.environment.outdoors`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from kiosk.errors import ConfigError
from kiosk.files import read_json, write_atomic
from kiosk.model import Celsius, Monotonic, Seconds, TimeInterval, UnixTime

FILE_NAME: Final = "outdoor.json"
"""In the folder of the journal."""
ENTRY_KEEPS_S: Final = Seconds(3 * 3600.0)
PART_KEEPS_S: Final = Seconds(60.0)
"""A value of the part that is older no longer counts."""
EVERY_S: Final = Seconds(1.0)
"""How often the file is looked at."""
AHEAD_S: Final = Seconds(120.0)
"""Two clocks that differ by less agree: an entry may be that much from the future."""
COLDEST: Final = -60.0
HOTTEST: Final = 60.0
_SOURCE: Final = 80


@dataclass(frozen=True, slots=True)
class OutdoorEntry:
    """What somebody says it is outside. Immutable, may be shared between threads."""

    celsius: Celsius
    at: UnixTime
    """By a proven clock."""
    source: str
    """Who or what said so: a volunteer's role, the server, a thermometer on the wall."""

    def __post_init__(self) -> None:
        if not COLDEST <= self.celsius <= HOTTEST:
            raise ConfigError(f"outdoors: {self.celsius:g} °C is not within {COLDEST:g} to {HOTTEST:g}")
        if not math.isfinite(self.at) or self.at < 0:
            raise ConfigError("outdoors: it has no time")
        if not 0 < len(self.source) <= _SOURCE or not self.source.isprintable():
            raise ConfigError(f"outdoors: the source is a text of 1 to {_SOURCE} characters")

    def to_map(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_map(cls, plain: object) -> Self:
        """Strict inverse of :meth:`to_map`; ConfigError on anything else."""
        if not isinstance(plain, Mapping) or set(plain) != {field.name for field in fields(cls)}:
            raise ConfigError("outdoors: it has not the fields celsius, at and source")
        numbers = [plain["celsius"], plain["at"]]
        wrong = any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers)
        if wrong or not isinstance(plain["source"], str):
            raise ConfigError("outdoors: a field has the wrong type")
        return cls(**plain)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What was entered last, None when nothing was; ConfigError when the file is damaged."""
        try:
            plain = read_json(path)
            return None if plain is None else cls.from_map(plain)
        except (OSError, ValueError, OverflowError) as error:
            raise ConfigError(f"{path}: {error}") from None

    def save(self, path: Path) -> None:
        """Replace the file, readable for everybody; OSError when its folder can't be written."""
        write_atomic(path, json.dumps(self.to_map(), indent=1).encode(), 0o644)


class Outdoors:
    """Follows part and entry. For the gate thread only."""

    def __init__(self, path: Path) -> None:
        self.error: ConfigError | None = None
        """Why the file says nothing, if it is damaged."""
        self.entry: OutdoorEntry | None = None
        self._path = path
        self._measured: tuple[Monotonic, Celsius] | None = None
        self._look_at = Monotonic(float("-inf"))

    def look(self, now: Monotonic) -> OutdoorEntry | None:
        """Read the file if it is time; an entry that was not there before."""
        if now < self._look_at:
            return None
        self._look_at = Monotonic(now + EVERY_S)
        before = self.entry
        try:
            self.entry, self.error = OutdoorEntry.load(self._path), None
        except ConfigError as error:
            self.entry, self.error = None, error
        return None if self.entry == before else self.entry

    def measured(self, now: Monotonic, celsius: Celsius) -> None:
        """Take a value of the part; what is no number is none."""
        if math.isfinite(celsius):
            self._measured = (now, celsius)

    def celsius(self, now: Monotonic, interval: TimeInterval) -> Celsius | None:
        """The newest that is fresh, °C; None where nothing is."""
        entered = self._entry_age(interval)
        measured = math.inf if self._measured is None else now - self._measured[0]
        if self._measured is not None and measured <= min(PART_KEEPS_S, entered):
            return self._measured[1]
        return None if entered > ENTRY_KEEPS_S or self.entry is None else self.entry.celsius

    def _entry_age(self, interval: TimeInterval) -> float:
        """Seconds since it was entered; infinite where that can't be proven, or it has not been yet."""
        if self.entry is None or not interval.trusted:
            return math.inf
        age = interval.lo - self.entry.at
        return max(0.0, age) if age >= -AHEAD_S else math.inf

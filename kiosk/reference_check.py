"""What ``kiosk calibrate check`` found: the newest look of the thermometer at something of known temperature.

One small file beside the journal, written whole by the command and looked at by the gate: a newer check that
fits ends DRIFT. Both temperatures are what a sensor set to emissivity 1 sees of the reference, the reading
after supply and two-point calibration, so that only the thermometer is judged and no skin.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from kiosk.errors import CalibrationError
from kiosk.files import read_json, write_atomic
from kiosk.model import Celsius, UnixTime

FILE_NAME: Final = "reference_check.json"
"""In the folder of the journal."""
TOLERANCE: Final = Celsius(0.3)
"""What an infrared thermometer for skin may be wrong by (ASTM E1965, laboratory accuracy)."""
_COLDEST, _HOTTEST = -70.0, 382.0


@dataclass(frozen=True, slots=True)
class ReferenceCheck:
    """One comparison. Immutable, may be shared between threads."""

    at: UnixTime
    """By a proven clock."""
    reference: str
    """What was looked at: certificate or inventory number."""
    measured: Celsius
    true: Celsius
    part: str
    """Which thermometer looked: see :func:`kiosk.commands.calibrate_reference.part_id`."""
    simulated: bool
    corrections: str = ""
    """:func:`kiosk.passage.site.corrected_with` of the look: under another calibration it says nothing."""

    def __post_init__(self) -> None:
        for name in ("measured", "true"):
            value = getattr(self, name)
            if not (math.isfinite(value) and _COLDEST <= value <= _HOTTEST):
                raise CalibrationError(f"reference check: {name} {value:g} is no temperature of a reference")
        if not math.isfinite(self.at):
            raise CalibrationError("reference check: it has no time")

    @property
    def error(self) -> Celsius:
        """How much too high the thermometer reads, °C."""
        return Celsius(self.measured - self.true)

    @property
    def fits(self) -> bool:
        """The thermometer reads what it should, within :data:`TOLERANCE`."""
        return abs(self.error) <= TOLERANCE + 1e-9

    def to_map(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_map(cls, plain: object) -> Self:
        """Strict inverse of :meth:`to_map`; CalibrationError on anything else."""
        if not isinstance(plain, Mapping) or set(plain) != {field.name for field in fields(cls)}:
            raise CalibrationError("reference check: it does not have the fields of one")
        wanted: dict[str, type | tuple[type, ...]] = {
            **dict.fromkeys(("at", "measured", "true"), (int, float)),
            **dict.fromkeys(("reference", "part", "corrections"), str),
            "simulated": bool,
        }
        for name, kind in wanted.items():
            value = plain[name]
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise CalibrationError(f"reference check: {name} is {value!r}")
        return cls(**plain)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The newest check, None when there has been none; CalibrationError when the file is damaged."""
        try:
            plain = read_json(path)
            return None if plain is None else cls.from_map(plain)
        except (OSError, ValueError, OverflowError) as error:
            raise CalibrationError(f"{path}: {error}") from None

    def save(self, path: Path) -> None:
        """Replace the file, readable for everybody; OSError when its folder can't be written."""
        write_atomic(path, json.dumps(self.to_map(), indent=1).encode(), 0o644)

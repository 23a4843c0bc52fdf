"""Policy as data: what a gate does with a result. Two of them, routine and emergency, signed by the root.

The defaults below are the product's; what is in force at a gate is what the root signed and the
directory chose (``kiosk.directory``). Parsing is strict: a field too many or too few is refused, so
that an old gate never half-understands a new policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kiosk.errors import TrustError
from kiosk.model import Category, Direction, Mode, Seconds

DAY = 86_400
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """One mode's rules. Durations in seconds."""

    mode: Mode
    temperature_in: bool
    """A reading is required of people going in (and where the direction is not known)."""
    temperature_out: bool
    guard_admits: bool
    """GUARD admits, flagged; otherwise it refers."""
    environment_admits: bool
    """In ENVIRONMENT the pass alone decides (TEMPERATURE_SUSPENDED); otherwise a volunteer measures."""
    shut_out: tuple[Category, ...]
    companions: int
    """Arrivals that may follow a household pass's ADMIT with a reading but no pass of their own."""
    companions_s: Seconds
    anti_passback_s: Seconds
    lists_max_age_s: Seconds
    unsigned_admits: bool
    """Unsigned codes known to the roster may be admitted; otherwise they refer."""
    max_gap_s: Seconds
    """How far real time may lie beyond the floor while the clock is not trusted."""
    time_zone: str

    def temperature_required(self, direction: Direction) -> bool:
        """Whether this way needs a reading; BOTH is treated as the stricter of the two."""
        if direction is Direction.IN:
            return self.temperature_in
        if direction is Direction.OUT:
            return self.temperature_out
        return self.temperature_in or self.temperature_out

    def to_map(self) -> dict[str, Any]:
        """Plain data for signing: only str, int, bool, list."""
        plain = asdict(self)
        plain["shut_out"] = [str(category) for category in self.shut_out]
        plain["mode"] = str(self.mode)
        return {"v": SCHEMA_VERSION} | {
            key: int(value) if isinstance(value, float) else value for key, value in plain.items()
        }

    @classmethod
    def from_map(cls, plain: Mapping[str, Any]) -> Policy:
        """Strict inverse of :meth:`to_map`; :class:`TrustError` on anything else."""
        names = {field.name for field in fields(cls)}
        if not isinstance(plain, Mapping) or plain.get("v") != SCHEMA_VERSION:
            raise TrustError("policy: unknown version")
        if set(plain) - {"v"} != names:
            raise TrustError(f"policy: fields differ: {sorted(map(str, set(plain) ^ (names | {'v'})))}")
        values = {key: _typed(key, plain[key]) for key in names}
        return cls(**values)


_BOOLS = {"temperature_in", "temperature_out", "guard_admits", "environment_admits", "unsigned_admits"}
_RANGES = {
    "companions": (0, 20),
    "companions_s": (0, 600),
    "anti_passback_s": (0, DAY),
    "lists_max_age_s": (60, 60 * DAY),
    "max_gap_s": (0, 366 * DAY),
}


def _typed(key: str, value: Any) -> Any:
    if key in _BOOLS:
        if not isinstance(value, bool):
            raise TrustError(f"policy: {key} must be true or false")
        return value
    if key in _RANGES:
        return _ranged(key, value)
    try:
        return _PARSERS[key](value)
    except (ValueError, TypeError, ZoneInfoNotFoundError, OSError) as error:
        raise TrustError(f"policy: {key}: {error}") from None


def _ranged(key: str, value: Any) -> int:
    low, high = _RANGES[key]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise TrustError(f"policy: {key} must be a whole number from {low} to {high}")
    return value


def _categories(value: Any) -> tuple[Category, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of categories")
    return tuple(Category(item) for item in value)


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return ZoneInfo(value).key


_PARSERS = {"mode": Mode, "shut_out": _categories, "time_zone": _zone}

ROUTINE = Policy(
    mode=Mode.ROUTINE,
    temperature_in=True,
    temperature_out=False,
    guard_admits=True,
    environment_admits=True,
    shut_out=(),
    companions=4,
    companions_s=Seconds(60),
    anti_passback_s=Seconds(120),
    lists_max_age_s=Seconds(7 * DAY),
    unsigned_admits=False,
    max_gap_s=Seconds(30 * DAY),
    time_zone="Asia/Shanghai",
)
EMERGENCY = replace(
    ROUTINE,
    mode=Mode.EMERGENCY,
    temperature_out=True,
    guard_admits=False,
    environment_admits=False,
    shut_out=(Category.VISITOR,),
    companions=0,
    lists_max_age_s=Seconds(DAY),
)
DEFAULTS: Mapping[Mode, Policy] = {Mode.ROUTINE: ROUTINE, Mode.EMERGENCY: EMERGENCY}

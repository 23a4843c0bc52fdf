"""Is an event what it should be? A rejected one keeps its place in the chain as a stub without a body.

The judge is lenient about what it does not know (kinds, reasons and fields of newer kiosks) and strict
about what it will show and count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kiosk.model import ClockState, EventKind, Verdict
from web.community.wire import Line

MAX_BODY_BYTES: Final = 64 * 1024
MAX_HEADER_BYTES: Final = 2 * 1024
_VERDICTS: Final = tuple(Verdict)  # not a set: what is looked up in it may be anything
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_NAME: Final = re.compile(r"[\w.\- ]{1,64}")


class Rejection(StrEnum):
    """Why an event is kept as a stub only; documented in docs/protocol.md."""

    HEADER_UNREADABLE = "HEADER_UNREADABLE"
    HEADER_MISPLACED = "HEADER_MISPLACED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_UNREADABLE = "BODY_UNREADABLE"
    PASSAGE_INCOMPLETE = "PASSAGE_INCOMPLETE"


@dataclass(frozen=True, slots=True)
class Passage:
    """What the pages show of a passage: no token, no pass, no temperature that could name a person."""

    wall: float | None
    """Unix seconds by the kiosk's clock; None when that clock is not trusted."""
    clock: str
    verdict: Verdict
    reasons: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """What an event says about the passages that follow it in its epoch; None: nothing new."""

    gate: str | None = None
    direction: str | None = None
    simulated: bool = False
    """The event itself comes from a simulated device."""


Judgement = Passage | Setting | Rejection


def judge(device: str, epoch: str, line: Line) -> Judgement:
    """What to show of a passage, what another sound event sets, or why the event is rejected."""
    header = _mapping(line.header, MAX_HEADER_BYTES)
    if header is None:
        return Rejection.HEADER_UNREADABLE
    if (header.get("device"), header.get("epoch"), header.get("seq")) != (device, epoch, line.seq):
        return Rejection.HEADER_MISPLACED
    if len(line.body) > MAX_BODY_BYTES:
        return Rejection.BODY_TOO_LARGE
    body = _mapping(line.body, MAX_BODY_BYTES * 4)
    if body is None:
        return Rejection.BODY_UNREADABLE
    if header.get("kind") == EventKind.PASSAGE:
        return _passage(header, body) or Rejection.PASSAGE_INCOMPLETE
    return _setting(header, body)


def is_simulated(judgement: Judgement) -> bool:
    """Whether this event is marked as one of a simulated device."""
    return not isinstance(judgement, Rejection) and judgement.simulated


def _mapping(text: str, limit: int) -> Mapping[str, Any] | None:
    if len(text) > limit:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _passage(header: Mapping[str, Any], body: Mapping[str, Any]) -> Passage | None:
    verdict, reasons = body.get("verdict"), body.get("reasons")
    if verdict not in _VERDICTS or not isinstance(reasons, list) or not reasons:
        return None
    if not all(isinstance(reason, str) and _CODE.fullmatch(reason) for reason in reasons):
        return None
    clock = _word(header.get("clock"), str(ClockState.UNTRUSTED))
    return Passage(
        wall=_wall(header.get("wall"), clock),
        clock=clock,
        verdict=Verdict(verdict),
        reasons=tuple(reasons),
        simulated=_simulated(header, body, clock),
    )


def _setting(header: Mapping[str, Any], body: Mapping[str, Any]) -> Setting:
    kind = header.get("kind")
    gate = _word(body.get("gate"), "") if kind == EventKind.STARTED else ""
    direction = _word(body.get("direction"), "") if kind == EventKind.CONTEXT else ""
    return Setting(gate or None, direction or None, _simulated(header, body, header.get("clock")))


def _word(value: Any, otherwise: str) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else otherwise


def _wall(value: Any, clock: str) -> float | None:
    if clock == ClockState.UNTRUSTED or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Anything outside is a broken clock whatever its state says: years 2000 to 2100.
    return float(value) if 946_684_800 <= value < 4_102_444_800 else None


def _simulated(header: Mapping[str, Any], body: Mapping[str, Any], clock: Any) -> bool:
    # Rule 3: a doubt is resolved towards saying SIMULATED, so any one mark is enough.
    return bool(header.get("simulated")) or bool(body.get("simulated")) or clock == ClockState.SIMULATED

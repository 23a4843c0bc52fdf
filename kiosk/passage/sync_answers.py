"""What a server's answer proves. Pure, and suspicious: anything may have answered.

A batch is acknowledged by one thing alone: a JSON object with status 200 that repeats epoch, first, last
and the head of the lines, which only somebody can know who has hashed them. A login page with status 200,
a cache, a proxy or half an answer can't (docs/protocol.md, "The answer").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

from kiosk.errors import NotAcknowledged, ServerBusy, ServerRefused, SyncError
from kiosk.model import Seconds

STATUSES: Final = ("accepted", "duplicate", "fork", "rejected")
RETRY_AFTER_LIMIT: Final = Seconds(900)
"""A server, or what stands in its place, can't silence a kiosk for longer than this at a time."""
TOO_LARGE: Final = "BATCH_TOO_LARGE"
BACKOFF_BASE: Final = Seconds(0.5)
BACKOFF_LIMIT: Final = Seconds(60)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_BUSY: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whole, as it came."""

    status: int
    media: str
    body: bytes
    retry_after: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an epoch: number and hash (hex) of an event; number 0 with zeros is the beginning."""

    epoch: str
    seq: int
    head: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What a batch was, for comparison."""

    epoch: str
    first: int
    last: int
    head: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The server has these events. ``rejected``: number and reason of those it kept as stubs only."""

    rejected: Sequence[tuple[int, str]]
    forked: bool
    """Some of them contradict what the server held before."""


class ServerBehind(SyncError):
    """The server does not hold what comes before a batch; ``position`` is what it does hold."""

    code = "SERVER_BEHIND"

    def __init__(self, position: Position) -> None:
        super().__init__(f"the server holds epoch {position.epoch} up to event {position.seq} only")
        self.position = position


def read_ack(reply: Reply, sent: Sent) -> Ack:
    """The acknowledgement of a batch; NotAcknowledged, ServerBehind, ServerBusy or ServerRefused."""
    if reply.status == 409:
        raise _behind(reply, sent.epoch)
    answer = _object(_ok(reply))
    if [answer.get(name) for name in ("epoch", "first", "last", "head")] != _repeated(sent):
        raise NotAcknowledged("the answer does not repeat epoch, first, last and head of what was sent")
    held = _positions(answer)
    if [place.epoch for place in held] != [sent.epoch] or held[0].seq < sent.last:
        raise NotAcknowledged("the answer contradicts itself: accepted, and not held")
    return _statuses(answer.get("statuses"), sent)


def read_positions(reply: Reply) -> Sequence[Position]:
    """How far the server holds each epoch that a heartbeat named; errors as :func:`read_ack`."""
    return _positions(_object(_ok(reply)))


def retry_after(reply: Reply) -> Seconds | None:
    """How long the server asks to be left alone, at most RETRY_AFTER_LIMIT; None when it does not say.

    A date (RFC 9110, 10.2.3) is measured against the answer's own Date: the kiosk's clock may be wrong.
    """
    text = reply.retry_after.strip()
    if text.isascii() and text.isdigit():
        return Seconds(min(float(text[:9]), RETRY_AFTER_LIMIT))
    try:
        span = (parsedate_to_datetime(text) - parsedate_to_datetime(reply.date)).total_seconds()
    except (ValueError, TypeError):
        return None
    return Seconds(min(max(span, 0.0), RETRY_AFTER_LIMIT))


def backoff(failures: int, random: float, asked: Seconds | None = None) -> Seconds:
    """Seconds until the next try: exponential with full jitter, on top of what the server asked for.

    ``random`` in [0, 1). 37 communities that lost the same server must not come back in the same second.
    """
    span = min(BACKOFF_LIMIT, BACKOFF_BASE * 2.0 ** min(failures, 30))
    return Seconds((asked or 0.0) + random * span)


def _repeated(sent: Sent) -> list[object]:
    return [sent.epoch, sent.first, sent.last, sent.head]


def _ok(reply: Reply) -> Reply:
    if reply.status in _BUSY:
        raise ServerBusy(f"the server is busy (status {reply.status})", retry_after(reply))
    if 400 <= reply.status < 500:
        # A proxy in between has its own limit and its own words for it.
        code = TOO_LARGE if reply.status == 413 else _problem_code(reply)
        raise ServerRefused(f"the server refused (status {reply.status} {code})".replace(" )", ")"), code)
    if reply.status != 200:
        raise NotAcknowledged(f"status {reply.status} is not an acknowledgement")
    if reply.media != "application/json":
        raise NotAcknowledged(f"{reply.media[:40]!r} is not an acknowledgement")
    return reply


def _object(reply: Reply) -> Mapping[str, Any]:
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise NotAcknowledged("the answer is torn or no JSON") from None
    if not isinstance(answer, dict):
        raise NotAcknowledged("the answer is no JSON object")
    return answer


def _problem_code(reply: Reply) -> str:
    if reply.media != "application/problem+json":
        return ""
    try:
        code = _object(reply).get("code")
    except NotAcknowledged:
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _behind(reply: Reply, epoch: str) -> SyncError:
    if _problem_code(reply) != "PREV_UNKNOWN":
        return NotAcknowledged("status 409 without saying why")
    held = _positions(_object(reply))
    if [place.epoch for place in held] != [epoch]:
        return NotAcknowledged("status 409 about something else")
    return ServerBehind(held[0])


def _positions(answer: Mapping[str, Any]) -> Sequence[Position]:
    entries = answer.get("positions")
    if not isinstance(entries, list) or not all(_is_position(entry) for entry in entries):
        raise NotAcknowledged("the answer does not say where the server stands")
    return [Position(entry["epoch"], entry["seq"], entry["head"]) for entry in entries]


def _is_position(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("epoch"), str):
        return False
    head = entry.get("head")
    return _is_count(entry.get("seq")) and isinstance(head, str) and _HASH.fullmatch(head) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _statuses(runs: Any, sent: Sent) -> Ack:
    """Every event must have exactly one known status."""
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise NotAcknowledged("the answer has no status for every event")
    expected = sent.first
    rejected: list[tuple[int, str]] = []
    for run in runs:
        last = run.get("last")
        if run.get("first") != expected or not _is_count(last) or not expected <= last <= sent.last:
            raise NotAcknowledged("the statuses leave events out or name them twice")
        if run.get("status") not in STATUSES:
            raise NotAcknowledged("the answer has an unknown status")
        if run["status"] == "rejected":
            rejected += [(seq, _reason(run)) for seq in range(expected, last + 1)]
        expected = last + 1
    if expected != sent.last + 1:
        raise NotAcknowledged("the statuses leave events out")
    return Ack(rejected, forked=any(run["status"] == "fork" for run in runs))


def _reason(run: Mapping[str, Any]) -> str:
    reason = run.get("reason")
    return reason if isinstance(reason, str) and _CODE.fullmatch(reason) else "UNSAID"

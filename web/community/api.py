"""What kiosks call (docs/protocol.md). Answers are small JSON objects; errors are problems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from flask import Blueprint, Response, request

from web.community.context import community
from web.community.ingest import Fate, Position, PrevUnknown
from web.community.listing import counts
from web.community.problems import Problem, ProblemCode
from web.community.roles import Role, role
from web.community.wire import gunzip, read_batch, read_head

blueprint = Blueprint("api", __name__)

MAX_HEARTBEAT_BYTES: Final = 16 * 1024
MAX_EPOCHS: Final = 16
_FIGURE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EPOCH: Final = re.compile(r"[0-9a-f]{8,64}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/healthz")
@role(Role.PUBLIC)
def healthz() -> Response:
    """200 when the database answers."""
    with community().store.reading() as connection:
        connection.execute("SELECT 1 FROM devices LIMIT 1").fetchone()
    return _json({"ok": True})


@blueprint.post("/api/v1/devices/<device_id>/events")
@role(Role.DEVICE)
def events(device_id: str) -> Response:
    """Take a batch of events. The answer repeats what was computed here; nothing else acknowledges."""
    _expect("application/x-ndjson", "gzip")
    head, prev = request.headers.get("Journal-Head", ""), request.headers.get("Journal-Prev", "")
    batch = read_batch(read_head(head, prev), gunzip(request.get_data(cache=False)))
    try:
        outcome = community().store.ingest(device_id, batch)
    except PrevUnknown as error:
        raise Problem(
            ProblemCode.PREV_UNKNOWN,
            "what comes before this batch is not held here: send that first",
            positions=[_position(batch.epoch, error.position)],
        ) from None
    return _json(
        {
            "epoch": batch.epoch,
            "first": batch.first,
            "last": batch.last,
            "head": batch.head.hex(),
            "statuses": _runs(batch.first, outcome.fates),
            "positions": [_position(batch.epoch, outcome.position)],
        }
    )


@blueprint.post("/api/v1/devices/<device_id>/heartbeat")
@role(Role.DEVICE)
def heartbeat(device_id: str) -> Response:
    """Take health figures and say how far each epoch that the kiosk names is held."""
    _expect("application/json", "")
    beat = _read_heartbeat(request.get_data(cache=False))
    named = [_named(entry) for entry in beat["epochs"]]
    store = community().store
    store.heartbeat(device_id, float(beat["sent_at"]), beat["health"])
    return _json(
        {
            "time": community().now(),
            "positions": [
                _position(epoch, store.position(device_id, epoch, place)) for epoch, place in named
            ],
        }
    )


@blueprint.get("/api/v1/devices/<device_id>/counts")
@role(Role.DEVICE)
def device_counts(device_id: str) -> Response:
    """How many events and passages of this device the server holds."""
    with community().store.reading() as connection:
        return _json(counts(connection, device_id))


def _expect(content_type: str, encoding: str) -> None:
    if request.mimetype != content_type:
        raise Problem(ProblemCode.TYPE_WRONG, f"Content-Type must be {content_type}")
    if request.headers.get("Content-Encoding", "") != encoding:
        raise Problem(ProblemCode.ENCODING_WRONG, f"Content-Encoding must be {encoding or 'absent'}")


def _json(value: Mapping[str, Any]) -> Response:
    return Response(json.dumps(value, separators=(",", ":")), content_type="application/json")


def _position(epoch: str, position: Position) -> dict[str, Any]:
    return {"epoch": epoch, "seq": position.seq, "head": position.head.hex()}


def _runs(first: int, fates: Sequence[Fate]) -> list[dict[str, Any]]:
    """A status for every event; neighbours with the same one share an entry."""
    runs: list[dict[str, Any]] = []
    for fate, same in groupby(fates):
        last = first + _length(same) - 1
        reason = {"reason": fate.reason} if fate.reason else {}
        runs.append({"status": fate.status, "first": first, "last": last} | reason)
        first = last + 1
    return runs


def _length(items: Iterable[object]) -> int:
    return sum(1 for _ in items)


def _read_heartbeat(data: bytes) -> dict[str, Any]:
    try:
        if len(data) > MAX_HEARTBEAT_BYTES:
            raise ValueError("too large")
        beat = json.loads(data)
        _check_heartbeat(beat)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Problem(ProblemCode.HEARTBEAT_UNREADABLE, f"heartbeat: {error}") from None
    return dict(beat)


def _check_heartbeat(beat: Any) -> None:
    if not isinstance(beat, dict) or beat["v"] != 1:
        raise ValueError("not version 1")
    if isinstance(beat["sent_at"], bool) or not 0 <= beat["sent_at"] < 1e11:
        raise ValueError("sent_at is not a Unix time")
    if not isinstance(beat["epochs"], list) or len(beat["epochs"]) > MAX_EPOCHS:
        raise ValueError(f"epochs is not a list of at most {MAX_EPOCHS}")
    if not isinstance(beat["health"], dict) or not all(_is_figure(*item) for item in beat["health"].items()):
        raise ValueError("health holds something else than named numbers and short codes")


def _is_figure(name: str, value: Any) -> bool:
    if not _FIGURE.fullmatch(name):
        return False
    return (
        value is None
        or isinstance(value, bool | int | float)
        or (isinstance(value, str) and len(value) <= 64)
    )


def _named(entry: Any) -> tuple[str, Position]:
    try:
        epoch, seq, head = entry["epoch"], entry["seq"], entry["head"]
        if not (
            _EPOCH.fullmatch(epoch) and _HASH.fullmatch(head) and isinstance(seq, int) and 0 <= seq < 10**15
        ):
            raise ValueError("an epoch has hexadecimal digits, a head 64 of them, a number at most 15")
    except (ValueError, TypeError, KeyError) as error:
        raise Problem(ProblemCode.HEARTBEAT_UNREADABLE, f"epochs: {error}") from None
    return epoch, Position(seq, bytes.fromhex(head))

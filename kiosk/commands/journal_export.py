"""Events for other programs: a table for spreadsheets, JSON lines, and the exact lines of the wire."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from kiosk.passage.journal import StoredEvent, wire_line

COLUMNS: Final = (
    "seq", "time", "clock", "simulated", "kind", "verdict", "reasons", "body",
    "device", "epoch", "boot", "monotonic", "hash",
)  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_FORMULA: Final = tuple("=+-@＝＋－＠")
_CONTROL: Final = tuple("\t\r\n")


def plain(event: StoredEvent) -> dict[str, Any]:
    """An event as one JSON object; ``body`` is None after the retention purge. JournalDamaged."""
    return {
        "seq": event.seq,
        "header": event.fields(),
        "body": event.content(),
        "prev": event.prev,
        "hash": event.hash,
    }


def write_json(events: Iterable[StoredEvent], out: IO[str]) -> None:
    """One object a line."""
    for event in events:
        out.write(json.dumps(plain(event)) + "\n")


def write_wire(events: Iterable[StoredEvent], out: IO[str]) -> None:
    """The exact stored texts, from which the chain can be computed again; purged events are left out."""
    for event in events:
        if event.body is not None:
            out.write(wire_line(event) + "\n")


def write_csv(events: Iterable[StoredEvent], out: IO[str]) -> None:
    """RFC 4180 with a line of names; nothing in it is a formula to a spreadsheet."""
    writer = csv.DictWriter(out, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for event in events:
        writer.writerow({name: safe_cell(value) for name, value in _row(event).items()})


FORMATS: Final[Mapping[str, Callable[[Iterable[StoredEvent], IO[str]], None]]] = {
    "csv": write_csv,
    "json": write_json,
    "wire": write_wire,
}


def safe_cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what looks like one, never
    before a number. The characters are OWASP's (CSV injection), full-width forms included."""
    text = json.dumps(value) if isinstance(value, bool) else str(value).encode(errors="replace").decode()
    if _NUMBER.fullmatch(text):
        return text
    if text.startswith(_CONTROL) or text.lstrip().startswith(_FORMULA):
        return "'" + text
    return text


def iso_time(wall: object) -> str:
    """UTC, RFC 3339 to the millisecond; whatever is no time stays as it is."""
    try:
        moment = datetime.fromtimestamp(float(str(wall)), UTC)
    except (ValueError, OverflowError, OSError):
        return str(wall)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(event: StoredEvent) -> dict[str, object]:
    header, body = event.fields(), event.content() or {}
    reasons = body.get("reasons", [])
    return {
        "seq": event.seq,
        "time": iso_time(header.get("wall")),
        "reasons": " ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons),
        "verdict": body.get("verdict", ""),
        "body": "" if event.body is None else event.body,
        "hash": event.hash,
        **{name: header.get(name, "") for name in ("clock", "simulated", "kind", "device", "epoch", "boot")},
        "monotonic": header.get("monotonic", ""),
    }

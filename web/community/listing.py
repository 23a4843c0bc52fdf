"""What the pages and the counts ask of the database. Read only, bounded, and by index."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kiosk.model import ClockState, Verdict

PAGE: Final = 50
_PLACE: Final = re.compile(r"(-?[0-9]{1,15})\.([0-9]{1,15})\.([0-9]{1,15})")


class Place(NamedTuple):
    """Where a page of passages ends: the next one begins with whatever is older than this."""

    listed_at: int
    epoch: int
    seq: int

    def __str__(self) -> str:
        return ".".join(str(part) for part in self)

    @classmethod
    def parse(cls, text: str) -> Place:
        """Inverse of ``str()``; ValueError."""
        parts = _PLACE.fullmatch(text)
        if parts is None:
            raise ValueError("not a place in the list")
        return cls(*map(int, parts.groups()))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which passages; None: all."""

    gate: str | None = None
    verdict: Verdict | None = None
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One passage of the list."""

    place: Place
    at: float
    """Unix seconds."""
    clock_trusted: bool
    """False: ``at`` is when the record arrived."""
    gate: str
    direction: str
    verdict: Verdict
    reasons: Sequence[str]
    simulated: bool


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One device and what is known of it."""

    name: str
    gates: str
    last_seen: float
    clock_skew: float | None
    """Seconds its clock is ahead."""
    pending: int | None
    """Events that it still had to send when it last spoke."""
    events: int
    rejected: int
    forks: int


def passages(
    connection: sqlite3.Connection, wanted: Filter, limit: int = PAGE
) -> tuple[list[Row], Place | None]:
    """Newest first, and where to go on (None: that was all)."""
    conditions, values = _conditions(wanted)
    rows = connection.execute(
        "SELECT listed_at, epoch, seq, clock, gate, direction, verdict, reasons, simulated"  # noqa: S608
        f" FROM passages WHERE {conditions} ORDER BY listed_at DESC, epoch DESC, seq DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    shown = [_row(row) for row in rows[:limit]]
    return shown, shown[-1].place if len(rows) > limit else None


def _conditions(wanted: Filter) -> tuple[str, list[object]]:
    """Only the constant texts below are put together; every value is bound."""
    conditions, values = ["TRUE"], list[object]()
    if wanted.gate is not None:
        conditions.append("gate = ?")
        values.append(wanted.gate)
    if wanted.verdict is not None:
        # The literal lets SQLite see that the index of what was stopped applies.
        conditions.append(
            "verdict = ?" if wanted.verdict is Verdict.ADMIT else "verdict = ? AND verdict <> 'ADMIT'"
        )
        values.append(wanted.verdict)
    if wanted.before is not None:
        conditions.append("(listed_at, epoch, seq) < (?, ?, ?)")
        values.extend(wanted.before)
    return " AND ".join(conditions), values


def _row(row: tuple[Any, ...]) -> Row:
    listed_at, epoch, seq, clock, gate, direction, verdict, reasons, simulated = row
    return Row(
        place=Place(listed_at, epoch, seq),
        at=listed_at / 1000,
        clock_trusted=clock != ClockState.UNTRUSTED,
        gate=gate,
        direction=direction,
        verdict=Verdict(verdict),
        reasons=json.loads(reasons),
        simulated=bool(simulated),
    )


def gates(connection: sqlite3.Connection) -> list[str]:
    """Names that the list can be narrowed to."""
    return [
        name for (name,) in connection.execute("SELECT DISTINCT gate FROM epochs WHERE seq > 0 ORDER BY gate")
    ]


def troubles(connection: sqlite3.Connection) -> Mapping[str, int]:
    """How many events stand on forks and how many are stubs: each is a question to a person."""
    forks, rejected = connection.execute(
        "SELECT (SELECT count(*) FROM forks), (SELECT count(*) FROM events WHERE rejected IS NOT NULL)"
    ).fetchone()
    return {"forks": forks, "rejected": rejected}


def kiosks(connection: sqlite3.Connection) -> list[Kiosk]:
    """Every device that ever spoke, by name."""
    rows = connection.execute(
        """SELECT d.name, d.last_seen, d.clock_skew, d.health,
            (SELECT replace(group_concat(DISTINCT gate), ',', ', ') FROM epochs WHERE device = d.id),
            (SELECT coalesce(sum(seq), 0) FROM epochs WHERE device = d.id),
            (SELECT count(*) FROM events v JOIN epochs e ON e.id = v.epoch
                WHERE e.device = d.id AND v.rejected IS NOT NULL),
            (SELECT count(*) FROM forks f JOIN epochs e ON e.id = f.epoch WHERE e.device = d.id)
        FROM devices d ORDER BY d.name"""
    )
    return [_kiosk(row) for row in rows]


def _kiosk(row: tuple[Any, ...]) -> Kiosk:
    name, last_seen, skew, health, named, events, rejected, forks = row
    pending = json.loads(health or "{}").get("pending")
    return Kiosk(
        name=name,
        gates=named or name,
        last_seen=last_seen,
        clock_skew=skew,
        pending=pending if isinstance(pending, int) else None,
        events=events,
        rejected=rejected,
        forks=forks,
    )


def counts(connection: sqlite3.Connection, device: str) -> dict[str, int]:
    """What the server holds of one device: events on the chain, passages by verdict, what went wrong."""
    of_device = "(SELECT e.id FROM epochs e JOIN devices d ON d.id = e.device WHERE d.name = ?)"
    verdicts: dict[str, int] = dict(
        connection.execute(
            f"SELECT verdict, count(*) FROM passages WHERE epoch IN {of_device} GROUP BY verdict",  # noqa: S608
            (device,),
        )
    )
    shown = {str(verdict).lower(): verdicts.get(verdict, 0) for verdict in Verdict}
    known = [kiosk for kiosk in kiosks(connection) if kiosk.name == device]
    events, rejected, forks = (known[0].events, known[0].rejected, known[0].forks) if known else (0, 0, 0)
    return {"events": events, "passages": sum(shown.values()), **shown, "rejected": rejected, "forks": forks}

"""Where a batch belongs: on the chain that counts, on a fork of it, or nowhere yet."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from web.community.judge import Judgement, Passage, Rejection, Setting
from web.community.wire import ZERO, Batch, Line


class Status(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FORK = "fork"
    """Another event than the one held at this place, or one that follows such an event: stored apart."""
    REJECTED = "rejected"
    """Kept as a stub; the body is for the kiosk's dead letters."""


class Fate(NamedTuple):
    """Status of one event; ``reason`` for a rejected one."""

    status: Status
    reason: str = ""


class Position(NamedTuple):
    """How far the server holds an epoch: last number and hash; (0, zeros) when it holds nothing of it."""

    seq: int
    head: bytes


NOTHING: Final = Position(0, ZERO)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answer to a batch: a fate for every line, in order, and where the server stands now."""

    fates: Sequence[Fate]
    position: Position


class PrevUnknown(Exception):
    """The batch continues something the server does not hold. ``position``: what it does hold."""

    def __init__(self, position: Position) -> None:
        super().__init__(f"held up to event {position.seq}")
        self.position = position


class Held(NamedTuple):
    """An event on the chain that counts."""

    hash: bytes
    rejected: str | None


def ingest(
    connection: sqlite3.Connection, epoch: int, batch: Batch, judged: Sequence[Judgement], now: float
) -> Outcome:
    """Store a batch inside the caller's transaction. PrevUnknown when it has no place to stand."""
    tip = Position(*connection.execute("SELECT seq, head FROM epochs WHERE id = ?", (epoch,)).fetchone())
    held = _held(connection, epoch, batch.first - 1, batch.last) if batch.first <= tip.seq + 1 else {}
    forked = _starts_on_fork(connection, epoch, batch, held, tip)
    fates = list(_fates(batch.lines, judged, held, forked))
    _store_events(connection, epoch, batch, fates, now)
    _store_passages(connection, epoch, batch, fates, judged, now)
    _store_forks(connection, epoch, batch, fates, now)
    if fates[-1].status is Status.FORK:
        return Outcome(fates, Position(batch.last, batch.head))
    if batch.last > tip.seq:
        tip = Position(batch.last, batch.head)
        connection.execute("UPDATE epochs SET seq = ?, head = ? WHERE id = ?", (*tip, epoch))
    return Outcome(fates, tip)


def holds_fork(connection: sqlite3.Connection, epoch: int, position: Position) -> bool:
    """Whether this event is stored as part of a fork."""
    question = "SELECT 1 FROM forks WHERE epoch = ? AND seq = ? AND hash = ?"
    return connection.execute(question, (epoch, *position)).fetchone() is not None


def _held(connection: sqlite3.Connection, epoch: int, first: int, last: int) -> dict[int, Held]:
    rows = connection.execute(
        "SELECT seq, hash, rejected FROM events WHERE epoch = ? AND seq BETWEEN ? AND ?", (epoch, first, last)
    )
    return {seq: Held(digest, rejected) for seq, digest, rejected in rows}


def _starts_on_fork(
    connection: sqlite3.Connection, epoch: int, batch: Batch, held: Mapping[int, Held], tip: Position
) -> bool:
    before = Position(batch.first - 1, batch.prev)
    if before == NOTHING or (before.seq in held and held[before.seq].hash == before.head):
        return False
    if holds_fork(connection, epoch, before):
        return True
    raise PrevUnknown(tip)


def _fates(
    lines: Sequence[Line], judged: Sequence[Judgement], held: Mapping[int, Held], forked: bool
) -> Iterator[Fate]:
    for line, judgement in zip(lines, judged, strict=True):
        there = held.get(line.seq)
        # Once off the chain, always off it: whatever follows another event is another event too.
        forked = forked or (there is not None and there.hash != line.hash)
        if forked:
            yield Fate(Status.FORK)
        elif there is not None:
            # Said again as often as it is sent again: the kiosk may have missed it the first time.
            yield Fate(Status.REJECTED, there.rejected) if there.rejected else Fate(Status.DUPLICATE)
        elif isinstance(judgement, Rejection):
            yield Fate(Status.REJECTED, judgement)
        else:
            yield Fate(Status.ACCEPTED)


def _store_events(
    connection: sqlite3.Connection, epoch: int, batch: Batch, fates: Sequence[Fate], now: float
) -> None:
    rows = [
        (epoch, line.seq, line.hash, line.header, line.salt, line.body, None, None, now)
        if fate.status is Status.ACCEPTED
        else (epoch, line.seq, line.hash, line.header, None, None, line.content, fate.reason, now)
        for line, fate in zip(batch.lines, fates, strict=True)
        if fate.status in (Status.ACCEPTED, Status.REJECTED)
    ]
    # A rejected event that is held already is the only one that may be there.
    connection.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _store_passages(
    connection: sqlite3.Connection,
    epoch: int,
    batch: Batch,
    fates: Sequence[Fate],
    judged: Sequence[Judgement],
    now: float,
) -> None:
    question = "SELECT gate, direction FROM epochs WHERE id = ?"
    before = setting = Setting(*connection.execute(question, (epoch,)).fetchone())
    rows = []
    for line, fate, judgement in zip(batch.lines, fates, judged, strict=True):
        if fate.status is not Status.ACCEPTED:
            continue
        if isinstance(judgement, Setting):
            setting = _updated(setting, judgement)
        elif isinstance(judgement, Passage):
            rows.append((epoch, line.seq, *_columns(judgement, setting, now)))
    connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    if setting != before:
        change = "UPDATE epochs SET gate = ?, direction = ? WHERE id = ?"
        connection.execute(change, (setting.gate, setting.direction, epoch))


def _updated(before: Setting, news: Setting) -> Setting:
    return Setting(news.gate or before.gate, news.direction or before.direction)


def _columns(shown: Passage, setting: Setting, now: float) -> tuple[object, ...]:
    return (
        round((now if shown.wall is None else shown.wall) * 1000),
        shown.clock,
        setting.gate or "",
        setting.direction or "",
        shown.verdict,
        json.dumps(shown.reasons),
        shown.simulated,
    )


def _store_forks(
    connection: sqlite3.Connection, epoch: int, batch: Batch, fates: Sequence[Fate], now: float
) -> None:
    rows = [
        (epoch, line.seq, line.hash, line.header, line.salt, line.body, now)
        for line, fate in zip(batch.lines, fates, strict=True)
        if fate.status is Status.FORK
    ]
    connection.executemany("INSERT OR IGNORE INTO forks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

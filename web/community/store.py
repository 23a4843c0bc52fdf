"""The server's database: every event once, in its chain, a batch in one transaction.

One process, one write connection under one lock; pages read over connections of their own and never
wait for a batch (WAL). ``synchronous=FULL``: an answer says "accepted" only of what survives a power cut.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from web.community.ingest import NOTHING, Outcome, Position, holds_fork, ingest
from web.community.judge import is_simulated, judge
from web.community.schema import migrate
from web.community.wire import ZERO, Batch

BUSY_MS: Final = 5000
READERS_KEPT: Final = 8


class Store:
    """Thread-safe. ``now`` gives Unix seconds for arrival times."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._writing_lock = threading.Lock()
        self._pool_lock = threading.Lock()
        self._pool: list[sqlite3.Connection] = []
        self._writer = self._open()
        try:
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")
            migrate(self._writer)
            marked = self._writer.execute("SELECT name FROM devices WHERE simulated")
            self._simulated = {str(name) for (name,) in marked}
        except BaseException:
            self._writer.close()
            raise

    def close(self) -> None:
        """Close every connection; no request may be under way."""
        with self._writing_lock, self._pool_lock:
            for connection in (*self._pool, self._writer):
                connection.close()
            self._pool.clear()

    @property
    def simulated(self) -> frozenset[str]:
        """Devices of which some event was simulated; known without asking the database."""
        return frozenset(self._simulated)

    def ingest(self, device: str, batch: Batch) -> Outcome:
        """Store a batch whole or not at all. PrevUnknown when it has no place to stand."""
        judged = [judge(device, batch.epoch, line) for line in batch.lines]
        now = self._now()
        marked = any(map(is_simulated, judged)) and device not in self._simulated
        with self._writing() as connection:
            epoch = _epoch(connection, device, batch.epoch, now)
            outcome = ingest(connection, epoch, batch, judged, now)
            if marked:
                connection.execute("UPDATE devices SET simulated = 1 WHERE name = ?", (device,))
        if marked:
            self._simulated.add(device)
        return outcome

    def position(self, device: str, epoch: str, named: Position = NOTHING) -> Position:
        """Where the server stands in an epoch, as far as it concerns a kiosk that stands at ``named``.

        A kiosk on a fork is told its own place when that is held: it has nothing to send again.
        """
        with self.reading() as connection:
            found = connection.execute(
                "SELECT e.id, e.seq, e.head FROM epochs e JOIN devices d ON d.id = e.device"
                " WHERE d.name = ? AND e.epoch = ?",
                (device, epoch),
            ).fetchone()
            if found is None:
                return NOTHING
            return named if holds_fork(connection, found[0], named) else Position(*found[1:])

    def heartbeat(self, device: str, sent_at: float, health: Mapping[str, object]) -> None:
        """Remember when a kiosk last spoke, how far its clock is off and how it says it is."""
        now = self._now()
        with self._writing() as connection:
            connection.execute(
                "UPDATE devices SET clock_skew = ?, health = ? WHERE id = ?",
                (sent_at - now, json.dumps(health), _device(connection, device, now)),
            )

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, one caller at a time."""
        with self._pool_lock:
            connection = self._pool.pop() if self._pool else None
        connection = connection or self._open()
        try:
            yield connection
        finally:
            with self._pool_lock:
                keep = len(self._pool) < READERS_KEPT
                if keep:
                    self._pool.append(connection)
            if not keep:
                connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._writing_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:  # a full disk may have rolled it back already
                    self._writer.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        return connection


def _device(connection: sqlite3.Connection, name: str, now: float) -> int:
    found = connection.execute(
        "INSERT INTO devices (name, first_seen, last_seen) VALUES (?1, ?2, ?2)"
        " ON CONFLICT (name) DO UPDATE SET last_seen = ?2 RETURNING id",
        (name, now),
    ).fetchone()
    return int(found[0])


def _epoch(connection: sqlite3.Connection, device: str, epoch: str, now: float) -> int:
    key = (_device(connection, device, now), epoch)
    found = connection.execute("SELECT id FROM epochs WHERE device = ? AND epoch = ?", key).fetchone()
    if found is None:
        found = connection.execute(
            # Until the gate has said its name the device's stands for it.
            "INSERT INTO epochs (device, epoch, seq, head, begun, gate)"
            " VALUES (?, ?, 0, ?, ?, ?) RETURNING id",
            (*key, ZERO, now, device),
        ).fetchone()
    return int(found[0])

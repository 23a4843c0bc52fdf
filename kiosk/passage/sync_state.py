"""What sync remembers, in a database of its own: how far the server has each epoch, and dead letters.

``synchronous=NORMAL`` on purpose: a power cut may take the last moves of a cursor, never half of one. The
events in question are then sent again and answered as duplicates, and a card's life is not spent on it.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from kiosk.errors import SyncError
from kiosk.passage.chain import ZERO

log = logging.getLogger(__name__)

START: Final = ZERO.hex()
BUSY_MS: Final = 5000
_SCHEMA: Final = """
BEGIN IMMEDIATE;
CREATE TABLE cursors (
    number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, head TEXT NOT NULL,
    forked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE finished (file TEXT PRIMARY KEY, epoch TEXT NOT NULL);
CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
    line TEXT NOT NULL, at REAL NOT NULL, UNIQUE (epoch, seq, reason));
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 1;
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The server has this epoch up to and including event ``seq``, whose hash is ``head`` (hex)."""

    epoch: str
    seq: int
    head: str
    forked: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that the server has no body of."""

    epoch: str
    seq: int
    """The first event concerned."""
    reason: str
    line: str
    """As it was sent; for what could not be sent, the name of the file that holds it."""
    at: float
    """Unix seconds by this device's clock."""


class SyncState:
    """For one thread. Every method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use :meth:`open` or :meth:`look`."""
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> SyncState:
        """For the sync process. A file that is no sound database is set aside, and everything sent again."""
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            return cls(_open(path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise SyncError(f"{path}: {error}") from error
            _set_aside(path, error)
            return cls(_open(path))

    @classmethod
    def look(cls, path: Path) -> SyncState | None:
        """For others: read only; None when there is nothing to look at, SyncError when it can't be read."""
        if not path.exists():
            return None
        # Without a -wal nobody writes, and a reader who may not write into the directory needs this.
        immutable = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
        address = f"{path.absolute().as_uri()}?mode=ro{immutable}"
        connection = sqlite3.connect(address, uri=True, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone() == (1,):
                return cls(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise SyncError(f"{path}: {error}") from error
        connection.close()
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def cursor(self, epoch: str) -> Cursor:
        """How far the server has this epoch; the beginning for one not known yet."""
        found = self._connection.execute(
            "SELECT epoch, seq, head, forked FROM cursors WHERE epoch = ?", (epoch,)
        ).fetchone()
        return Cursor(epoch, 0, START) if found is None else _cursor(found)

    def cursors(self) -> Sequence[Cursor]:
        """All of them, oldest epoch first."""
        rows = self._connection.execute("SELECT epoch, seq, head, forked FROM cursors ORDER BY number")
        return [_cursor(row) for row in rows]

    def acknowledge(self, before: Cursor, after: Cursor, letters: Sequence[DeadLetter] = ()) -> None:
        """Move a cursor on and keep the dead letters of the same answer, both or neither.

        Nothing happens when the cursor is no longer where it was: the answer then came too late.
        """
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO cursors (epoch, seq, head) VALUES (?, 0, ?)", (before.epoch, START)
            )
            moved = connection.execute(
                "UPDATE cursors SET seq = ?, head = ?, forked = forked OR ?"
                " WHERE epoch = ? AND seq = ? AND head = ?",
                (after.seq, after.head, after.forked, before.epoch, before.seq, before.head),
            )
            if moved.rowcount:
                self._keep(connection, letters)

    def rewind(self, to: Cursor) -> None:
        """Begin again after an earlier event: the server, or the journal, is not where it was."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE cursors SET seq = ?, head = ? WHERE epoch = ?", (to.seq, to.head, to.epoch)
            )
            connection.execute("DELETE FROM finished WHERE epoch = ?", (to.epoch,))

    def is_finished(self, file: str) -> bool:
        """Whether nothing more can be sent of a journal that was set aside."""
        found = self._connection.execute("SELECT 1 FROM finished WHERE file = ?", (file,)).fetchone()
        return found is not None

    def finish(self, file: str, epoch: str, letters: Sequence[DeadLetter] = ()) -> None:
        """Be done with a journal that was set aside; what can't be sent of it is a dead letter."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO finished VALUES (?, ?)", (file, epoch))
            self._keep(connection, letters)

    def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        """The newest ones."""
        rows = self._connection.execute(
            "SELECT epoch, seq, reason, line, at FROM dead_letters ORDER BY number DESC LIMIT ?", (limit,)
        )
        return [DeadLetter(*row) for row in rows]

    def dead_letter_count(self) -> int:
        """How many there are."""
        return int(self._connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0])

    def note(self, **facts: Any) -> None:
        """Remember how it goes, for ``kiosk sync status``; plain data."""
        with self._transaction() as connection:
            rows = [(name, json.dumps(value)) for name, value in facts.items()]
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def facts(self) -> Mapping[str, Any]:
        """What was noted."""
        return {name: json.loads(value) for name, value in self._connection.execute("SELECT * FROM facts")}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            # A full disk or a locked file: the cursor stays, the server will see the events again.
            self._roll_back()
            raise SyncError(f"sync's own database: {error}") from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @staticmethod
    def _keep(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
        connection.executemany(
            "INSERT OR IGNORE INTO dead_letters (epoch, seq, reason, line, at)"
            " VALUES (:epoch, :seq, :reason, :line, :at)",
            [asdict(letter) for letter in letters],
        )


def _cursor(row: tuple[Any, ...]) -> Cursor:
    epoch, seq, head, forked = row
    return Cursor(epoch, seq, head, bool(forked))


def _open(path: Path) -> sqlite3.Connection:
    # Readers (the panel, a person) come by group; nobody else needs to know.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > 1:
            raise SyncError(f"{path} has version {version}: it belongs to a newer program")
        if version == 0:
            connection.executescript(_SCHEMA)
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check failed")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_aside(path: Path, error: Exception) -> None:
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    log.error("%s is damaged (%s): set aside as %s, everything is sent again", path, error, target.name)
    path.rename(target)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(target.with_name(target.name + suffix))

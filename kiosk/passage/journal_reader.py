"""Reading the journal while the gate writes it: pages, heads, and whether the chain verifies.

Nothing here can change a journal, and nothing is held between two pages, so that no read transaction
lasts long enough to keep the -wal from being reset.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final, Self

from kiosk.errors import JournalDamaged, JournalError
from kiosk.model import EventKind, EventSeq
from kiosk.passage.chain import SALT_BYTES, ZERO, StoredEvent, content_digest
from kiosk.passage.chain_walk import ChainWalk, Verification
from kiosk.passage.journal_file import look

START: Final = EventSeq(0)
PAGE: Final = 500
_BEFORE_ALL: Final = -(2**63)
_ROWS: Final = "SELECT seq, header, salt, body, digest, hash FROM events WHERE seq >= ? ORDER BY seq LIMIT ?"
_TAIL: Final = "SELECT seq, header, salt, body, digest, hash FROM events ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of an epoch."""

    epoch: str
    seq: EventSeq
    hash: str


class JournalReader:
    """A journal as everybody but its writer sees it. May be shared between threads: it holds no state.

    Every method raises JournalError (no such file, no permission, I/O error) or its leaf JournalDamaged.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet: the file may come later, and may be another one tomorrow."""
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held between calls; here for the sake of ``with``."""

    def head(self) -> Head:
        """Epoch, number and hash of the newest event, unverified."""
        row = look(self.path, lambda connection: connection.execute(_TAIL).fetchone())
        if row is None:
            raise JournalDamaged(f"{self.path} has no events, not even a genesis")
        event = _event(row, prev="")
        return Head(str(event.fields().get("epoch")), event.seq, event.hash)

    def events(
        self, after: EventSeq = START, limit: int = PAGE, kind: EventKind | None = None
    ) -> list[StoredEvent]:
        """At most ``limit`` events with numbers above ``after``, oldest first, of one kind if asked."""
        found: list[StoredEvent] = []
        for event in self.walk(after, page=PAGE if kind else min(limit, PAGE)):
            if kind is None or event.kind == kind:
                found.append(event)
            if len(found) >= limit:
                break
        return found

    def walk(self, after: EventSeq = START, page: int = PAGE) -> Iterator[StoredEvent]:
        """All events above ``after``, page by page; those written meanwhile come too."""
        while True:
            rows = look(self.path, partial(_fetch, after=after, limit=page))
            start = after
            for event in _events(rows, after):
                after = event.seq
                yield event
            if after == start:
                return

    def verify(
        self, last: int | None = None, stop: Event | None = None, pause_s: float = 0.0
    ) -> Verification:
        """Walk the chain, or only its ``last`` links; what does not verify is the answer, not an error.

        ``stop`` ends the walk early (the answer then covers what was walked); ``pause_s`` seconds are left
        to others after each page.
        """
        try:
            start = 0 if last is None else max(0, self.head().seq - last)
        except JournalDamaged as error:
            return Verification(False, problem=str(error))
        walk = ChainWalk(start)
        try:
            for event in self.walk(EventSeq(start)):
                if not walk.take(event) or (stop and event.seq % PAGE == 0 and stop.wait(pause_s)):
                    break
        except JournalDamaged as error:
            walk.broken(str(error))
        return walk.result()

    def quick_check(self, stop: Event | None = None) -> str | None:
        """SQLite's own look at pages and rows: its first complaint, or None.

        It can't be done in pages, so it is the one longer read transaction: it only keeps the -wal from
        being reset meanwhile, and ends at once when ``stop`` is set (then None).
        """
        try:
            return look(self.path, partial(_first_complaint, stop=stop))
        except JournalDamaged as error:
            return str(error)
        except JournalError:
            if stop is not None and stop.is_set():
                return None
            raise


def _fetch(connection: sqlite3.Connection, after: int, limit: int) -> list[tuple[Any, ...]]:
    """Rows from ``after`` on (its hash is the next one's prev); what comes before a damaged page counts."""
    rows: list[tuple[Any, ...]] = []
    try:
        for row in connection.execute(_ROWS, (after if after > 0 else _BEFORE_ALL, limit + (after > 0))):
            rows.append(row)
    except sqlite3.DatabaseError:
        if not rows or rows[-1][0] == after:
            raise
    return rows


def _events(rows: Sequence[tuple[Any, ...]], after: int) -> Iterator[StoredEvent]:
    prev = ZERO.hex() if after <= 0 else ""
    for row in rows:
        if after > 0 and row[0] == after:
            prev = _blob(row[5], row[0], "hash").hex()
            continue
        event = _event(row, prev)
        prev = event.hash
        yield event


def _event(row: tuple[Any, ...], prev: str) -> StoredEvent:
    """A row as an event; JournalDamaged when a column is not what the writer puts there."""
    seq, header, salt, body, digest, own = row
    text = _text(header, seq, "header")
    if salt is None and body is None:
        content = _blob(digest, seq, "digest")
        return StoredEvent(seq, text, None, None, content, prev, _blob(own, seq, "hash").hex())
    if not isinstance(salt, bytes) or len(salt) != SALT_BYTES or digest is not None:
        raise JournalDamaged(f"event {seq} is neither whole nor purged")
    stored = _text(body, seq, "body")
    content = content_digest(salt, stored)
    return StoredEvent(seq, text, salt, stored, content, prev, _blob(own, seq, "hash").hex())


def _text(value: object, seq: int, what: str) -> str:
    try:
        if isinstance(value, str) and value.encode():
            return value
    except UnicodeEncodeError:
        pass
    raise JournalDamaged(f"event {seq}: the {what} is not text")


def _blob(value: object, seq: int, what: str) -> bytes:
    if isinstance(value, bytes) and len(value) == len(ZERO):
        return value
    raise JournalDamaged(f"event {seq}: the {what} does not have {len(ZERO)} bytes")


def _first_complaint(connection: sqlite3.Connection, stop: Event | None) -> str | None:
    if stop is not None:
        connection.set_progress_handler(stop.is_set, 10_000)
    answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if answer == "ok" else answer

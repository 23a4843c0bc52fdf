"""A clock by hand and a journal in one line, for the journal's tests."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kiosk.model import ClockState, DeviceId, EventKind, Monotonic, Receipt, UnixTime, Verdict
from kiosk.passage.journal import Journal

DEVICE = DeviceId("gate-7")
NOW = UnixTime(1_795_262_400.25)
"""2026-11-21 12:00:00.25 UTC"""
ADMIT_BODY: dict[str, object] = {"verdict": "ADMIT", "reasons": ["PASS_VALID", "TEMPERATURE_NORMAL"]}


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = Monotonic(100.0)
        self.time = NOW
        self.trust = ClockState.NTP

    def monotonic(self) -> Monotonic:
        return self.now

    def wall(self) -> UnixTime:
        return self.time

    def state(self) -> ClockState:
        return self.trust

    def advance(self, seconds: float) -> None:
        self.now = Monotonic(self.now + seconds)
        self.time = UnixTime(self.time + seconds)


def open_journal(path: Path, clock: HandClock | None = None, **options: Any) -> Journal:
    """A small reserve, so that a test costs no 16 MB."""
    settings: dict[str, Any] = {"device": DEVICE, "reserve_bytes": 0, "boot_id": "boot-1"} | options
    return Journal.open(path, clock=clock or HandClock(), **settings)


def admit(journal: Journal, number: int = 0) -> Receipt:
    """One passage that was let in."""
    return journal.append(EventKind.PASSAGE, ADMIT_BODY | {"number": number}, verdict=Verdict.ADMIT)


def write_some(path: Path, passages: int = 5) -> list[Receipt]:
    """A journal with a genesis and a few passages, closed again; receipts of the passages."""
    with open_journal(path) as journal:
        return [admit(journal, number) for number in range(passages)]


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody with the file in hands: changes are committed and the file closed."""
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def purge(path: Path, upto: int) -> None:
    """What the retention purge does to acknowledged events (docs/journal.md, "Purge")."""
    with tampering(path) as connection:
        rows = connection.execute("SELECT seq, salt, body FROM events WHERE seq <= ?", (upto,)).fetchall()
        connection.executemany(
            "UPDATE events SET salt = NULL, body = NULL, digest = ? WHERE seq = ?",
            [(hashlib.sha256(salt + body.encode()).digest(), seq) for seq, salt, body in rows],
        )


def flip(path: Path, offset: int, mask: int = 0xFF) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)

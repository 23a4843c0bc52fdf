"""A clock by hand and a journal in one line, for the journal's tests."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kiosk.model import ClockState, DeviceId, EventKind, Monotonic, Receipt, UnixTime, Verdict
from kiosk.passage.journal import Journal

REPOSITORY = Path(__file__).resolve().parents[3]
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


def need_other_users(user: int) -> None:
    """Skips, loudly, where this process can't become ``user`` or that one can't run this Python."""
    if os.geteuid() != 0:
        pytest.skip("NOT CHECKED: several users on one journal need root to become them")
    try:
        command = [sys.executable, "-B", "-c", "import kiosk.passage.journal"]
        subprocess.run(command, user=user, group=user, extra_groups=[], cwd=REPOSITORY, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NOT CHECKED: another user can't run this Python from here: {error}")


def flip(path: Path, offset: int, mask: int = 0xFF) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)

"""The server's tables: numbered migrations, each in one transaction, counted in ``user_version``.

One row an event with the exact text the kiosk stored; a passage has a second row with what the pages
list and filter by. Why SQL by hand and not SQLAlchemy Core yet: see docs/protocol.md, "The store".
"""

from __future__ import annotations

import sqlite3
from typing import Final

from kiosk.errors import ConfigError

MIGRATIONS: Final = (
    (
        """CREATE TABLE devices (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
            first_seen REAL NOT NULL, last_seen REAL NOT NULL, clock_skew REAL, health TEXT)""",
        # seq and head: the end of the one chain that counts; what forks off stands in `forks`.
        # gate and direction: as the events so far have said.
        """CREATE TABLE epochs (
            id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES devices, epoch TEXT NOT NULL,
            seq INTEGER NOT NULL, head BLOB NOT NULL, begun REAL NOT NULL, gate TEXT, direction TEXT,
            UNIQUE (device, epoch))""",
        # With a rowid: rows of a kilobyte in a table without one take an overflow page each.
        # salt and body are NULL in a stub (a rejected event); content is NULL where both are there.
        """CREATE TABLE events (
            epoch INTEGER NOT NULL REFERENCES epochs, seq INTEGER NOT NULL, hash BLOB NOT NULL,
            header TEXT NOT NULL, salt BLOB, body TEXT, content BLOB, rejected TEXT, received REAL NOT NULL,
            PRIMARY KEY (epoch, seq))""",
        """CREATE TABLE forks (
            epoch INTEGER NOT NULL REFERENCES epochs, seq INTEGER NOT NULL, hash BLOB NOT NULL,
            header TEXT NOT NULL, salt BLOB NOT NULL, body TEXT NOT NULL, received REAL NOT NULL,
            PRIMARY KEY (epoch, seq, hash))""",
        # A page about trouble must not read every event to find none.
        "CREATE INDEX events_rejected ON events (epoch) WHERE rejected IS NOT NULL",
        # listed_at: the kiosk's time if its clock was trusted, else when it arrived; Unix milliseconds.
        """CREATE TABLE passages (
            epoch INTEGER NOT NULL REFERENCES epochs, seq INTEGER NOT NULL, listed_at INTEGER NOT NULL,
            clock TEXT NOT NULL, gate TEXT NOT NULL, direction TEXT NOT NULL, verdict TEXT NOT NULL,
            reasons TEXT NOT NULL, simulated INTEGER NOT NULL,
            PRIMARY KEY (epoch, seq)) WITHOUT ROWID""",
        "CREATE INDEX passages_newest ON passages (listed_at, epoch, seq)",
        "CREATE INDEX passages_of_gate ON passages (gate, listed_at, epoch, seq)",
        # ADMIT is nearly all of them: found as quickly through the index above.
        """CREATE INDEX passages_stopped ON passages (verdict, listed_at, epoch, seq)
            WHERE verdict <> 'ADMIT'""",
    ),
    (
        # Once an event of a device was marked, all its pages say SIMULATED.
        "ALTER TABLE devices ADD COLUMN simulated INTEGER NOT NULL DEFAULT 0",
        """UPDATE devices SET simulated = 1 WHERE id IN
            (SELECT e.device FROM epochs e JOIN passages p ON p.epoch = e.id WHERE p.simulated)""",
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the newest schema; ConfigError when it is newer than this program."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise ConfigError(f"the server's database has schema {version}, this program knows {len(MIGRATIONS)}")
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

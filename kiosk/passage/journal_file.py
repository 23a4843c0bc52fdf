"""The SQLite file behind the journal: how it is made, opened, and set aside when it is damaged.

WAL with ``synchronous=FULL``: one flush a commit, and an acknowledged row survives a power cut
(https://www.sqlite.org/pragma.html#pragma_synchronous). A file under the journal's name always holds a
genesis event, because a new one gets its name only when that event is durable.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from kiosk.errors import JournalDamaged, JournalError, JournalLocked
from kiosk.files import fsync_directory
from kiosk.model import UnixTime
from kiosk.passage.journal_errors import denied, from_os, from_sqlite

APPLICATION_ID: Final = 0x4B4A4C31
"""``KJL1`` in the SQLite header: whose file this is."""
SCHEMA_VERSION: Final = 1
FILE_MODE: Final = 0o640
DIRECTORY_MODE: Final = 0o2750
"""Readers share the group; they must not be able to create a -wal or -shm that locks the writer out."""
WRITER_WAIT_S: Final = 0.5
"""For another process that holds the file: meanwhile nobody is answered, and the next try comes anyway."""
READER_WAIT_S: Final = 1.0
LOOKS: Final = 10
SCHEMA: Final = """CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  header TEXT NOT NULL,
  salt BLOB,
  body TEXT,
  digest BLOB,
  hash BLOB NOT NULL
) STRICT"""


Answer = TypeVar("Answer")

INSERT: Final = "INSERT INTO events (seq, header, salt, body, hash) VALUES (?, ?, ?, ?, ?)"
Row = tuple[int, str, bytes, str, bytes]
"""seq, header, salt, body, hash."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How durable a commit is. Only the bench ever uses another one than :data:`DURABLE`."""

    journal_mode: str
    synchronous: str


DURABLE: Final = Settings("wal", "full")
BEGINNING: Final = Settings("delete", "extra")
"""For making the file: leaves no side files, and hides no error until the close."""


def side_files(path: Path) -> tuple[Path, Path]:
    """SQLite's -wal and -shm: they belong to the journal as much as the file itself."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def prepare_place(path: Path) -> None:
    """Make the directory if there is none; JournalError when something else than a file is in the way."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(DIRECTORY_MODE)
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise from_os(error, path) from error
    if stat.S_ISLNK(mode):
        raise JournalError(f"{path} is a symbolic link, not a journal of its own", errno.ELOOP)
    if stat.S_ISDIR(mode):
        raise JournalError(f"{path} is a directory, not a journal", errno.EISDIR)
    if not stat.S_ISREG(mode):
        raise JournalError(f"{path} is no regular file, so no journal", errno.EINVAL)


def open_writer(path: Path, settings: Settings = DURABLE) -> sqlite3.Connection:
    """The writer's connection: each statement is a commit of its own. Raises JournalError and its leaves."""
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        # SQLite would open it for reading instead, and say so only at the first event.
        raise denied(path, "no write permission")
    with translated(path):
        connection = sqlite3.connect(
            path, timeout=WRITER_WAIT_S, isolation_level=None, check_same_thread=False
        )
        try:
            _configure(connection, settings)
        except BaseException:
            connection.close()
            raise
    connection.text_factory = text_as_stored
    return connection


def _configure(connection: sqlite3.Connection, settings: Settings) -> None:
    mode = connection.execute(f"PRAGMA journal_mode={settings.journal_mode}").fetchone()[0]
    if mode != settings.journal_mode:
        raise JournalError(f"no journal_mode {settings.journal_mode} on this file system, only {mode}")
    connection.execute(f"PRAGMA synchronous={settings.synchronous}")
    # Small steps: no single append pays for a long checkpoint, and the -wal stays under half a megabyte.
    connection.execute("PRAGMA wal_autocheckpoint=100")
    connection.execute("PRAGMA journal_size_limit=1048576")
    connection.execute("PRAGMA secure_delete=ON")


def look(path: Path, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
    """Ask the journal one short question on a connection that can change nothing, not even by recovery.

    Without a -wal (after a clean close) a reader who may not write into the directory can't open the file
    in WAL mode at all; nobody writes then, so ``immutable`` is right. Should a writer come or go
    meanwhile, the question is asked again. Raises JournalError and its leaves.
    """
    for _ in range(LOOKS):
        before = _footprint(path)
        try:
            answer = _look_once(path, question, immutable=before[0])
        except JournalError:
            if _footprint(path) == before:
                raise
        else:
            if _footprint(path) == before:
                return answer
    raise JournalLocked(f"{path}: writers come and go faster than it can be read", errno.EAGAIN)


def _look_once(path: Path, question: Callable[[sqlite3.Connection], Answer], *, immutable: bool) -> Answer:
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
    with translated(path):
        connection = sqlite3.connect(address, uri=True, timeout=READER_WAIT_S, check_same_thread=False)
        with closing(connection):
            connection.text_factory = text_as_stored
            check_schema(connection, path)
            return question(connection)


def _footprint(path: Path) -> tuple[bool, int, int]:
    """Whether nobody writes, which file it is, and when it last changed (of interest if nobody writes)."""
    with translated(path):
        idle = not side_files(path)[0].exists()
        state = path.stat()
    return idle, state.st_ino, state.st_mtime_ns if idle else 0


def text_as_stored(raw: bytes) -> str:
    """Text of a row even where damage made it no UTF-8: it then can't be encoded again, and is noticed."""
    return raw.decode(errors="surrogateescape")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and the system into the product's, naming the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise from_sqlite(error, path) from error
    except UnicodeDecodeError as error:
        # Python can't even pass on SQLite's complaint when that quotes a damaged schema.
        raise JournalDamaged(f"{path}: its schema is no text ({error.reason})") from error
    except OSError as error:
        raise from_os(error, path) from error


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """JournalDamaged when this is some other database, or one of another version. May raise sqlite3.Error."""
    names = ("application_id", "user_version")
    marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    tables = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    if marks != [APPLICATION_ID, SCHEMA_VERSION] or tables != [("events", SCHEMA)]:
        raise JournalDamaged(f"{path} is not a journal of version {SCHEMA_VERSION}")


def create_schema(connection: sqlite3.Connection) -> None:
    """Make an empty file a journal; sqlite3.Error when it can't be written."""
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute(SCHEMA)


def touch_private(path: Path) -> None:
    """An empty file with the journal's mode; SQLite gives -wal and -shm the same one."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    try:
        os.fchmod(handle, FILE_MODE)
    finally:
        os.close(handle)


def set_aside(path: Path, now: UnixTime) -> Path:
    """Give the journal and its side files a dated name in the same directory; the new name of the journal.

    The journal first: should the power fail in between, its -wal is found alone and follows, whereas a
    journal without its -wal would pass for a shorter one. OSError becomes JournalError.
    """
    target = _free_name(path, now)
    with translated(path):
        for old, new in zip((path, *side_files(path)), (target, *side_files(target)), strict=True):
            if os.path.lexists(old):
                old.rename(new)
        fsync_directory(path.parent)
    return target


def set_asides(path: Path) -> list[Path]:
    """Journals set aside earlier, oldest name first."""
    return sorted(path.parent.glob(f"{path.stem}.set-aside-*{path.suffix}"))


def _free_name(path: Path, now: UnixTime) -> Path:
    date = datetime.fromtimestamp(max(now, 0), UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 1
    while True:
        tail = "" if number == 1 else f"-{number}"
        target = path.with_name(f"{path.stem}.set-aside-{date}{tail}{path.suffix}")
        if not any(os.path.lexists(name) for name in (target, *side_files(target))):
            return target
        number += 1

"""From SQLite's result codes and the system's numbers to the product's errors, with what to do about it.

SQLite keeps the system's errno to itself, so the file system is asked again: read-only, full or not ours.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from kiosk.errors import JournalDamaged, JournalError, JournalFull, JournalLocked

_SCRAP_BYTES: Final = 65_536
"""With less than this free SQLite can't even make its -shm."""
_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DENIED: Final = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def from_sqlite(error: sqlite3.Error, path: Path) -> JournalError:
    """The JournalError (or leaf) that an error of SQLite stands for."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code in {*_DENIED, sqlite3.SQLITE_IOERR} and is_full(path)):
        return _full(path)
    if code in _DAMAGE:
        return JournalDamaged(f"{path}: {error}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalLocked(f"{path}: another process holds the file: {error}", errno.EAGAIN)
    if code in _DENIED:
        return denied(path, str(error))
    if code == sqlite3.SQLITE_IOERR:
        name = error.sqlite_errorname
        return JournalError(f"{path}: the disk does not read or write: {error} ({name})", errno.EIO)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return JournalError(f"{path}: the next number is taken: somebody wrote past the lock ({error})")
    return JournalError(f"{path}: {error}")


def from_os(error: OSError, path: Path) -> JournalError:
    """The JournalError (or leaf) that an error of the system stands for."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path)
    return JournalError(f"{error.filename or path}: {error.strerror}", error.errno)


def denied(path: Path, detail: str) -> JournalError:
    """Somebody may not open or write ``path``: because of the file system, or because of who they are."""
    if _read_only(path):
        return JournalError(f"{path}: the file system is read-only", errno.EROFS)
    return JournalError(f"{path}: this process may not open or write it ({detail})", errno.EACCES)


def free_bytes(path: Path) -> int:
    """What an unprivileged process may still write beside ``path``; 0 when that can't be asked."""
    try:
        room = os.statvfs(path.parent)
    except OSError:
        return 0
    return room.f_bavail * room.f_frsize


def is_full(path: Path) -> bool:
    """True when the file system of ``path`` has next to nothing left."""
    try:
        room = os.statvfs(path.parent)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _SCRAP_BYTES or (room.f_files > 0 and room.f_favail == 0)


def _full(path: Path) -> JournalFull:
    return JournalFull(f"{path}: no space left on the disk", errno.ENOSPC)


def _read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False

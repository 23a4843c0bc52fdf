"""What lies beside the journal: the lock that makes one writer the only one, and the reserve.

The lock has a file of its own: closing any handle of the journal itself would drop SQLite's POSIX locks
(https://www.sqlite.org/howtocorrupt.html, section 2.2).
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

from kiosk.errors import JournalError, JournalLocked
from kiosk.passage.journal_errors import free_bytes, from_os
from kiosk.passage.journal_file import FILE_MODE

RESERVE_BYTES: Final = 16 * 1024 * 1024
STEP_BYTES: Final = 1024 * 1024
"""Released at a time: what else fills the disk gets at most this much of the reserve with each."""


class WriterLock:
    """An advisory lock of the system: it ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock of the journal at ``path``; JournalLocked when another writer has it."""
        name = path.with_name(path.name + ".lock")
        try:
            self._handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            raise from_os(error, name) from error
        try:
            self._take(path)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give the lock up. The file stays: removing it would let two writers hold two locks."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def _take(self, path: Path) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._handle, 20, 0).decode(errors="replace").strip() or "unknown"
            raise JournalLocked(f"{path}: process {holder} is writing this journal", error.errno) from error
        except OSError as error:
            raise from_os(error, path) from error
        self._sign()

    def _sign(self) -> None:
        """Say who holds it, for the message above; on a full disk the lock holds without."""
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return


def is_being_written(path: Path) -> bool:
    """A gate runs on the journal at ``path``. Leaves no file behind, which could be of the wrong owner."""
    try:
        handle = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class Reserve:
    """Space on the disk that is ours before it is full, given up step by step so that the journal goes on.

    Not for more than one thread at a time.
    """

    def __init__(self, path: Path, size: int) -> None:
        """The reserve of the journal at ``path``, ``size`` bytes; JournalError when it can't be opened."""
        self.name = path.with_name(path.name + ".reserve")
        self.size = size
        try:
            self._handle = os.open(self.name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            raise from_os(error, self.name) from error

    @property
    def held(self) -> int:
        """Bytes reserved now."""
        return os.fstat(self._handle).st_size

    def fill(self, margin: int = 0) -> bool:
        """Preallocate what is missing if ``margin`` bytes stay free beside it; True when it is whole.

        A full disk is the answer False; JournalError for anything else (read-only, I/O error).
        """
        missing = self.size - self.held
        if missing > 0 and margin and free_bytes(self.name) < missing + margin:
            return False
        try:
            if self.size > 0:
                os.posix_fallocate(self._handle, 0, self.size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                return False
            raise from_os(error, self.name) from error
        return True

    def release(self) -> bool:
        """Give one step back to the disk; False when there is nothing left to give."""
        held = self.held
        if held <= 0:
            return False
        try:
            os.ftruncate(self._handle, max(0, held - STEP_BYTES))
            # Freed blocks of ext4 may be used again only when its own journal has committed.
            os.fsync(self._handle)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of the file; what is reserved stays reserved."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def open_beside(path: Path, reserve_bytes: int) -> tuple[WriterLock, Reserve]:
    """Lock, then reserve; neither stays open when the other can't be had."""
    lock = WriterLock(path)
    try:
        return lock, Reserve(path, reserve_bytes)
    except JournalError:
        lock.release()
        raise

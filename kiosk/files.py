"""Files that survive a power cut: written whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.errors import ConfigError, UnsafePermissions


def write_atomic(path: Path, data: bytes, mode: int = 0o640) -> None:
    """Replace ``path`` with ``data``: temporary file beside it, fsync, rename, fsync of the directory.

    OSError when the directory can't be written; the old file then stands untouched.
    """
    with _written_beside(path, data, mode) as temporary:
        temporary.replace(path)
    fsync_directory(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o640) -> None:
    """As :func:`write_atomic` for a file that is not there yet: FileExistsError rather than overwrite."""
    with _written_beside(path, data, mode) as temporary:
        # A link, unlike a rename, never takes the place of what is there.
        os.link(temporary, path)
    fsync_directory(path.parent)


@contextmanager
def _written_beside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A durable file of another name in the same directory; gone afterwards, unless renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def fsync_directory(directory: Path) -> None:
    """Make a rename or a new name in ``directory`` durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path, limit: int = 4096) -> object | None:
    """What a small file says, None where there is none; OSError, or ValueError for what is no JSON."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        return None
    if len(data) > limit:
        raise ValueError(f"it has more than {limit} bytes")
    try:
        found: object = json.loads(data)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    if found is None:
        raise ValueError("it says nothing")
    return found


def read_private(path: Path, limit: int = 65_536) -> bytes:
    """Contents of a secret file that nobody but its owner may read; at most ``limit`` bytes.

    UnsafePermissions when others may read or write it, ConfigError when it is too large, OSError when it
    can't be read. The open file itself is asked, so that it can't be swapped between the question and the
    reading.
    """
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise UnsafePermissions(
                f"{path} may be used by others than its owner (mode {mode:04o}): chmod 600"
            )
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ConfigError(f"{path} is too large for a secret")
    return data

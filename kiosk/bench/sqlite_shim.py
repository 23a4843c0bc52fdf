"""Sees what SQLite gives to the system to write and to flush: a shim around its own VFS.

No package and no tracer is needed: ctypes reaches the SQLite library that Python's own ``sqlite3`` module
is linked against. While :func:`observing` runs, a copy of the default VFS is the default; the files it
opens get a copy of their method table in which xWrite, xTruncate and xSync tell the observer and then do
what they always do. https://www.sqlite.org/c3ref/vfs.html and https://www.sqlite.org/c3ref/io_methods.html
give the layouts.

A flush of a *directory* (a rollback journal made or deleted) does not go through xSync: it is seen at
the replaceable system call ``openDirectory``, which the Unix VFS makes for nothing else. Pages of the
-shm are mapped memory that SQLite never flushes; they are not seen.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from kiosk.errors import KioskError

_POINTER: Final = ctypes.c_void_p
_INT: Final = ctypes.c_int


class ShimImpossible(KioskError, RuntimeError):
    """This Python hides the SQLite it uses (built in without its symbols), or that is another kind."""

    code = "SHIM_IMPOSSIBLE"


class Observer(Protocol):
    """Told of every call that succeeds, in order, by the thread that makes it."""

    def wrote(self, file: str, offset: int, data: bytes) -> None:
        """Bytes were handed to the system."""

    def truncated(self, file: str, size: int) -> None:
        """A file was cut to ``size`` bytes."""

    def flushed(self, file: str) -> None:
        """fsync or fdatasync of a file, or of a directory."""


class _Vfs(ctypes.Structure):
    """``struct sqlite3_vfs``, version 3."""

    _fields_ = [
        ("version", _INT),
        ("file_size", _INT),
        ("max_path", _INT),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("app_data", _POINTER),
        *((name, _POINTER) for name in ("open", "delete", "access", "full_pathname")),
        *((name, _POINTER) for name in ("dl_open", "dl_error", "dl_sym", "dl_close")),
        *((name, _POINTER) for name in ("randomness", "sleep", "current_time", "last_error")),
        *((name, _POINTER) for name in ("current_time_64", "set_call", "get_call", "next_call")),
    ]


class _Methods(ctypes.Structure):
    """``struct sqlite3_io_methods``, version 3."""

    _fields_ = [
        ("version", _INT),
        *((name, _POINTER) for name in ("close", "read", "write", "truncate", "sync", "file_size")),
        *((name, _POINTER) for name in ("lock", "unlock", "check_lock", "file_control", "sector_size")),
        *((name, _POINTER) for name in ("characteristics", "shm_map", "shm_lock", "shm_barrier")),
        *((name, _POINTER) for name in ("shm_unmap", "fetch", "unfetch")),
    ]


class _File(ctypes.Structure):
    """``struct sqlite3_file``: what every file begins with."""

    _fields_ = [("methods", ctypes.POINTER(_Methods))]


_OPEN: Final = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, ctypes.POINTER(_File), _INT, _POINTER)
_WRITE: Final = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, ctypes.c_int64)
_TRUNCATE: Final = ctypes.CFUNCTYPE(_INT, _POINTER, ctypes.c_int64)
_SYNC: Final = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)
_SET_CALL: Final = ctypes.CFUNCTYPE(_INT, _POINTER, ctypes.c_char_p, _POINTER)
_GET_CALL: Final = ctypes.CFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)
_OPEN_DIRECTORY: Final = ctypes.CFUNCTYPE(_INT, ctypes.c_char_p, ctypes.POINTER(_INT))
_LAYOUT_VERSION: Final = 3


class _Shim:
    """One set of replaced methods. Never freed: SQLite may hold its addresses until the process ends."""

    def __init__(self, library: Any, observer: Observer) -> None:
        self._library = library
        self._observer = observer
        self._original = library.sqlite3_vfs_find(None).contents
        if self._original.version < _LAYOUT_VERSION:
            raise ShimImpossible(f"this SQLite has a VFS of version {self._original.version}")
        self._vfs = _Vfs.from_buffer_copy(self._original)
        self._vfs.name = b"observed"
        self._open = _OPEN(self._original.open)
        self._names: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._kept: list[Any] = []
        self._vfs.open = self._keep(_OPEN(self._opened))
        get_call = _GET_CALL(self._original.get_call)
        self._directory = get_call(ctypes.addressof(self._original), b"openDirectory")

    def start(self) -> None:
        self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)
        replacement = _OPEN_DIRECTORY(self._opening_directory(_OPEN_DIRECTORY(self._directory)))
        self._set_open_directory(self._keep(replacement))

    def stop(self) -> None:
        self._set_open_directory(self._directory)
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))
        self._library.sqlite3_vfs_register(ctypes.byref(self._original), 1)

    def _opened(self, _vfs: int, name: int | None, file: Any, flags: int, out: int | None) -> int:
        result = int(self._open(ctypes.addressof(self._vfs), name, file, flags, out))
        if result == sqlite3.SQLITE_OK and file.contents.methods:
            text = b"" if name is None else ctypes.string_at(name)
            self._names[ctypes.addressof(file.contents)] = text.decode(errors="surrogateescape")
            file.contents.methods = ctypes.pointer(self._observed(file.contents.methods))
        return result

    def _observed(self, methods: Any) -> _Methods:
        """The table with the three methods replaced; one for each kind of file SQLite has."""
        address = ctypes.addressof(methods.contents)
        if address not in self._tables:
            table = _Methods.from_buffer_copy(methods.contents)
            table.write = self._keep(_WRITE(self._writing(_WRITE(table.write))))
            table.truncate = self._keep(_TRUNCATE(self._truncating(_TRUNCATE(table.truncate))))
            table.sync = self._keep(_SYNC(self._syncing(_SYNC(table.sync))))
            self._tables[address] = table
        return self._tables[address]

    def _writing(self, original: Any) -> Callable[[int, int, int, int], int]:
        def write(file: int, data: int, amount: int, offset: int) -> int:
            result = int(original(file, data, amount, offset))
            if result == sqlite3.SQLITE_OK:
                self._observer.wrote(self._names[file], offset, ctypes.string_at(data, amount))
            return result

        return write

    def _truncating(self, original: Any) -> Callable[[int, int], int]:
        def truncate(file: int, size: int) -> int:
            result = int(original(file, size))
            if result == sqlite3.SQLITE_OK:
                self._observer.truncated(self._names[file], size)
            return result

        return truncate

    def _syncing(self, original: Any) -> Callable[[int, int], int]:
        def sync(file: int, flags: int) -> int:
            result = int(original(file, flags))
            if result == sqlite3.SQLITE_OK:
                self._observer.flushed(self._names[file])
            return result

        return sync

    def _opening_directory(self, original: Any) -> Callable[[bytes, Any], int]:
        def open_directory(name: bytes, handle: Any) -> int:
            result = int(original(name, handle))
            if result == sqlite3.SQLITE_OK:
                self._observer.flushed(name.decode(errors="surrogateescape"))
            return result

        return open_directory

    def _set_open_directory(self, address: int | None) -> None:
        set_call = _SET_CALL(self._original.set_call)
        set_call(ctypes.addressof(self._original), b"openDirectory", address)

    def _keep(self, callback: Any) -> int | None:
        self._kept.append(callback)
        return ctypes.cast(callback, _POINTER).value


_shims: Final[list[_Shim]] = []


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Tell ``observer`` about every database opened inside. One thread at a time; ShimImpossible."""
    shim = _Shim(_library(), observer)
    _shims.append(shim)
    shim.start()
    try:
        yield
    finally:
        shim.stop()


def _library() -> Any:
    """The SQLite that Python's ``sqlite3`` uses, be it a shared library or built in."""
    try:
        import _sqlite3

        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
        library.sqlite3_vfs_register.argtypes = [_POINTER, _INT]
        library.sqlite3_vfs_unregister.argtypes = [_POINTER]
    except (AttributeError, ImportError, OSError) as error:
        raise ShimImpossible(f"SQLite's own interface can't be reached from here: {error}") from error
    return library

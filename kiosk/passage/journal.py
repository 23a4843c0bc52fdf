"""The journal: everything that happened at this gate, one durable commit an event, chained.

The gate's process is its only writer. ``append`` returns when the event is on the disk and not before,
with the Receipt that the lamp asks for. A journal that does not verify is set aside whole and a new epoch
begins; a full disk is met with space that was reserved for it (docs/journal.md).
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self, TypeVar

from kiosk.devices import Clock
from kiosk.errors import JournalDamaged, JournalError, JournalFull
from kiosk.model import DeviceId, EventKind, EventSeq, Receipt, Verdict
from kiosk.passage.chain import (
    SALT_BYTES,
    ZERO,
    Origin,
    Stamp,
    StoredEvent,
    chain_hash,
    exact_json,
    header_kind,
    header_text,
    read_wire_line,
    verifies,
    wire_line,
)
from kiosk.passage.chain_walk import Verification
from kiosk.passage.event_limit import EventLimit
from kiosk.passage.journal_beside import RESERVE_BYTES, STEP_BYTES, open_beside
from kiosk.passage.journal_check import BackgroundCheck, check_whole
from kiosk.passage.journal_errors import free_bytes
from kiosk.passage.journal_file import (
    DURABLE,
    INSERT,
    Row,
    Settings,
    open_writer,
    prepare_place,
    set_asides,
    side_files,
    translated,
)
from kiosk.passage.journal_file import set_aside as move_aside
from kiosk.passage.journal_reader import Head, JournalReader
from kiosk.passage.journal_start import begin, examine, genesis

__all__ = [
    "BackgroundCheck",
    "Head",
    "Journal",
    "JournalReader",
    "StoredEvent",
    "Verification",
    "chain_hash",
    "check_whole",
    "read_wire_line",
    "set_asides",
    "verifies",
    "wire_line",
]

log = logging.getLogger(__name__)
Done = TypeVar("Done")

BODY_BYTES: Final = 65_536
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TAIL: Final = "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1"
_SAME: Final = "SELECT seq, header FROM events WHERE seq > ? AND body = ? ORDER BY seq"
_DISK: Final = {"part": "disk", "code": JournalFull.code}


class Journal:
    """The writer. For one thread at a time; made by :meth:`open`, closed by :meth:`close` or ``with``."""

    def __init__(self, path: Path, clock: Clock, reserve_bytes: int, settings: Settings) -> None:
        """Take the lock and the reserve; :meth:`open` does the rest."""
        self.path = path
        self.set_aside: Path | None = None
        """The journal that was found damaged when this one was opened, under its new name."""
        self._clock = clock
        self._settings = settings
        self._limit = EventLimit()
        self._disk_full = False
        self._fault_told = False
        self._connection: sqlite3.Connection | None = None
        self._files = [path, side_files(path)[0]] if settings == DURABLE else [path]
        self._place: list[int] = []
        self._seq, self._hash = 0, ZERO
        self._in_doubt = True
        self._lock, self._reserve = open_beside(path, reserve_bytes)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        device: DeviceId,
        clock: Clock,
        reserve_bytes: int = RESERVE_BYTES,
        boot_id: str | None = None,
        simulated: bool = False,
        settings: Settings = DURABLE,
    ) -> Journal:
        """Go on with the journal at ``path``, or begin one.

        The last 1,000 links are verified. A journal that does not verify, or is another device's, or mixes
        real and simulated, is set aside (see ``set_aside``) and a new epoch begins. ``settings`` is for
        the bench. JournalLocked when another process writes it, JournalFull when there is no space even to
        begin, JournalError for whatever else is wrong with the place.
        """
        prepare_place(path)
        journal = cls(path, clock, reserve_bytes, settings)
        try:
            journal._start(device, boot_id or _boot_id(), simulated)
        except BaseException:
            journal._let_go()
            raise
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def epoch(self) -> str:
        """Name of this run of numbers, random, 16 hex digits."""
        return self._origin.epoch

    @property
    def seq(self) -> EventSeq:
        """Number of the newest event."""
        return EventSeq(self._seq)

    @property
    def head(self) -> str:
        """Hash of the newest event, hex."""
        return self._hash.hex()

    @property
    def disk_full(self) -> bool:
        """The disk is full and (part of) the reserve given up; :meth:`reclaim` ends it."""
        return self._disk_full

    def append(
        self, kind: EventKind, body: Mapping[str, object], *, verdict: Verdict | None = None
    ) -> Receipt:
        """Write one event and return when it is durable.

        An event that comes too fast (``kiosk.passage.event_limit``) is counted instead: its receipt says
        so. ``verdict`` belongs to a passage and stands in its body. JournalFull when there is no
        space even after the reserve was released, JournalError for any other failure: the event is then not
        acknowledged, and on record only if the disk took it before it failed. ValueError or TypeError for a
        body that is no plain data or longer than 64 KiB.
        """
        text = _body_text(kind, body, verdict)
        now = self._clock.monotonic()
        self.write_counted()
        if not self._limit.admits(kind, now):
            self._limit.hold(kind, text, now)
            return Receipt(self.epoch, self.seq, self.head, None, counted=True)
        return self._record(kind, text, verdict)

    def written(
        self, kind: EventKind, body: Mapping[str, object], after: EventSeq, verdict: Verdict | None = None
    ) -> EventSeq | None:
        """Number of the first event above ``after`` that is exactly this one, None when there is none.

        An append that failed may have been durable all the same. Errors as :meth:`append`.
        """
        if self._connection is None:
            raise JournalError(f"{self.path}: the journal is closed")
        text = _body_text(kind, body, verdict)
        with translated(self.path):
            rows = self._connection.execute(_SAME, (after, text)).fetchall()
        return next((EventSeq(seq) for seq, header in rows if header_kind(header, seq) == kind), None)

    def write_counted(self) -> Receipt | None:
        """Record what came too fast, once the budget allows; cheap without any. Errors as :meth:`append`."""
        if not self._limit.due(self._clock.monotonic()):
            return None
        return self._write_counted()

    def reclaim(self) -> bool:
        """Try to have the whole reserve again; True when the disk is not full (any more).

        Success leaves a RECOVERED event. Raises nothing: whatever else is wrong, the next append says.
        """
        if not self._disk_full or self._connection is None:
            return not self._disk_full
        try:
            if not self._reserve.fill(margin=STEP_BYTES):
                return False
            self._tell_disk_full()
            self._commit(EventKind.RECOVERED, exact_json({**_DISK, "message": ""}), None)
        except JournalFull:
            self._give_room()
            return False
        except JournalError as error:
            log.warning("journal: the reserve can't be had again: %s", error)
            return False
        self._disk_full = self._fault_told = False
        return True

    def close(self) -> None:
        """Record what was counted, checkpoint, release the lock. Any number of times; raises nothing."""
        if self._connection is not None and self._limit.holds():
            with suppress(JournalError):
                self._write_counted()
        self._let_go()

    # -- opening ------------------------------------------------------------------------------------

    def _start(self, device: DeviceId, boot: str, simulated: bool) -> None:
        self._origin = Origin(device, secrets.token_hex(8), boot, simulated)
        found = self._with_room(lambda: examine(self.path, device, simulated))
        if found is not None and found.ok and found.epoch is not None:
            self._origin = Origin(device, found.epoch, boot, simulated)
        else:
            self._begin_epoch(found)
        self._with_room(self._connect)
        if not self._reserve.fill():
            self._disk_full = True
            with suppress(JournalFull):
                self._with_room(self._tell_disk_full)

    def _begin_epoch(self, found: Verification | None) -> None:
        if found is not None:
            self.set_aside = move_aside(self.path, self._clock.wall())
            log.error("journal: %s; set aside as %s", found.problem, self.set_aside)
        body = exact_json(genesis(found, self.set_aside))
        self._with_room(lambda: begin(self.path, self._row(EventKind.GENESIS, body)))

    def _connect(self) -> None:
        self._connection = open_writer(self.path, self._settings)
        self._read_tail()
        with translated(self.path):
            self._place = self._footprint()

    # -- writing ------------------------------------------------------------------------------------

    def _record(self, kind: EventKind, text: str, verdict: Verdict | None) -> Receipt:
        def attempt() -> Receipt:
            # The fault itself is the first thing that gets the space it releases.
            self._tell_disk_full()
            return self._commit(kind, text, verdict)

        return self._with_room(attempt)

    def _commit(self, kind: EventKind, text: str, verdict: Verdict | None) -> Receipt:
        if self._connection is None:
            raise JournalError(f"{self.path}: the journal is closed")
        with translated(self.path):
            if self._footprint() != self._place:
                raise JournalError(f"{self.path} was moved or removed while it was being written")
        if self._in_doubt:
            self._read_tail()
        row = self._row(kind, text)
        self._in_doubt = True
        with translated(self.path):
            self._connection.execute(INSERT, row)
        self._in_doubt = False
        self._seq, self._hash = row[0], row[4]
        return Receipt(self.epoch, self.seq, self.head, verdict)

    def _row(self, kind: EventKind, text: str) -> Row:
        clock = self._clock
        stamp = Stamp(clock.monotonic(), clock.wall(), clock.state())
        header = header_text(self._origin, stamp, self._seq + 1, kind)
        salt = os.urandom(SALT_BYTES)
        return self._seq + 1, header, salt, text, chain_hash(self._hash, header, salt, text)

    def _write_counted(self) -> Receipt:
        receipt = self._record(EventKind.COUNTED, exact_json(self._limit.body()), None)
        self._limit.written()
        return receipt

    def _read_tail(self) -> None:
        """Number and hash of the newest event, as the file has it."""
        if self._connection is None:
            raise JournalError(f"{self.path}: the journal is closed")
        with translated(self.path):
            row = self._connection.execute(_TAIL).fetchone()
        if row is None:
            raise JournalDamaged(f"{self.path} has lost its events")
        self._seq, self._hash = row
        self._in_doubt = False

    def _footprint(self) -> list[int]:
        """Which files we write to: SQLite would go on writing into deleted ones."""
        return [file.stat().st_ino for file in self._files]

    # -- a full disk ----------------------------------------------------------------------------------

    def _with_room(self, action: Callable[[], Done]) -> Done:
        """Do it; on a full disk release the reserve step by step and try again."""
        while True:
            try:
                return action()
            except JournalFull:
                if not self._give_room():
                    raise

    def _give_room(self) -> bool:
        self._disk_full = True
        return self._reserve.release()

    def _tell_disk_full(self) -> None:
        """One FAULT event when the disk turned out to be full."""
        if not self._disk_full or self._fault_told:
            return
        reserve = f"{self._reserve.held} of {self._reserve.size} bytes in reserve"
        message = f"{free_bytes(self.path)} bytes free, {reserve}"
        self._commit(EventKind.FAULT, exact_json({**_DISK, "message": message}), None)
        self._fault_told = True

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._reserve.close()
        self._lock.release()


def _body_text(kind: EventKind, body: Mapping[str, object], verdict: Verdict | None) -> str:
    if verdict is not None:
        if kind is not EventKind.PASSAGE:
            raise ValueError(f"only a passage has a verdict, not {kind}")
        body = {"verdict": str(verdict), **body}
        if body["verdict"] != verdict:
            raise ValueError(f"the body says {body['verdict']!r} and the verdict is {verdict}")
    text = exact_json(body)
    if len(text) > BODY_BYTES:
        raise ValueError(f"a body of {len(text)} bytes is too long: at most {BODY_BYTES}")
    return text


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return "unknown"

"""Pull the plug anywhere: what was acknowledged is there afterwards, and the chain verifies.

kill -9 can't show this, because the system keeps a killed process's writes. Here every write and flush
that SQLite makes is recorded; a power cut at any point then leaves what had been flushed plus any part
of what had not, sector by sector in any mixture, as a disk with a volatile cache may.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from kiosk.bench.journal import typical_passages
from kiosk.bench.sqlite_shim import observing
from kiosk.model import EventKind, Receipt, Verdict
from kiosk.passage.journal import JournalReader
from kiosk.passage.journal_file import DURABLE, Settings
from tests.unit.passage.journal_tools import open_journal

CUTS = int(os.environ.get("KIOSK_POWER_CUTS_N", "60"))
EVENTS = 250
SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes handed to the system; ``data`` None: the file was cut to ``offset`` bytes."""

    file: str
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Flush:
    file: str


@dataclass(slots=True)
class Recorder:
    """Everything that happened to the disk, and every acknowledgement, in order."""

    log: list[Write | Flush | Receipt] = field(default_factory=list)

    def wrote(self, file: str, offset: int, data: bytes) -> None:
        self.log.append(Write(Path(file).name, offset, data))

    def truncated(self, file: str, size: int) -> None:
        self.log.append(Write(Path(file).name, size, None))

    def flushed(self, file: str) -> None:
        self.log.append(Flush(Path(file).name))


def record(path: Path, settings: Settings) -> tuple[bytes, list[Write | Flush | Receipt]]:
    """The journal as it was before, and the log of many appends to it, without the close."""
    open_journal(path).close()
    before = path.read_bytes()
    recorder = Recorder()
    with observing(recorder), open_journal(path, settings=settings) as journal:
        for body in typical_passages(EVENTS):
            recorder.log.append(journal.append(EventKind.PASSAGE, body, verdict=Verdict.ADMIT))
        log = list(recorder.log)
    return before, log


def apply(files: dict[str, bytearray], write: Write, random: Random | None = None) -> None:
    """Do a write; with ``random`` only some of its sectors arrive."""
    content = files.setdefault(write.file, bytearray())
    if write.data is None:
        del content[write.offset :]
        return
    if len(content) < write.offset + len(write.data):
        content.extend(bytes(write.offset + len(write.data) - len(content)))
    for start in range(0, len(write.data), SECTOR):
        if random is None or random.random() < 0.5:
            part = write.data[start : start + SECTOR]
            content[write.offset + start : write.offset + start + len(part)] = part


def after_the_cut(
    before: bytes, log: list[Write | Flush | Receipt], random: Random
) -> tuple[dict[str, bytearray], list[Receipt]]:
    """What the disk holds, and what had been acknowledged."""
    durable = {"journal.db": bytearray(before)}
    volatile: list[Write] = []
    receipts: list[Receipt] = []
    for entry in log:
        if isinstance(entry, Receipt):
            receipts.append(entry)
        elif isinstance(entry, Write):
            volatile.append(entry)
        else:
            for write in volatile:
                if write.file == entry.file:
                    apply(durable, write)
            volatile = [write for write in volatile if write.file != entry.file]
    arrives = random.random()
    for write in volatile:
        if random.random() < arrives:
            apply(durable, write, random)
    return durable, receipts


def lost(path: Path, settings: Settings, cuts: int) -> int:
    """How many of ``cuts`` power cuts lost an acknowledged event, or left no journal that verifies."""
    before, log = record(path / "journal.db", settings)
    random = Random(7)
    losses = 0
    for cut in range(cuts):
        files, receipts = after_the_cut(before, log[: random.randrange(len(log))], random)
        folder = path / f"cut{cut}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        losses += not survived(folder / "journal.db", receipts)
    return losses


def survived(path: Path, receipts: list[Receipt]) -> bool:
    """The gate starts again: same epoch, every acknowledged event, and it goes on."""
    with open_journal(path) as journal:
        if journal.set_aside is not None:
            return False
        journal.append(EventKind.STARTED, {})
    stored = {event.seq: event.hash for event in JournalReader(path).walk()}
    return all(stored.get(receipt.seq) == receipt.head for receipt in receipts)


@pytest.mark.slow
def test_no_power_cut_loses_an_acknowledged_event(tmp_path: Path) -> None:
    assert lost(tmp_path, DURABLE, CUTS) == 0


def test_this_test_can_tell_durable_from_hopeful(tmp_path: Path) -> None:
    assert lost(tmp_path, Settings("wal", "normal"), 15) > 0

"""What the gate relies on: an acknowledged event is on disk, in order, chained, by one writer."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.bench.sqlite_shim import observing
from kiosk.errors import JournalError, JournalLocked
from kiosk.model import ClockState, EventKind, EventSeq, Verdict
from kiosk.passage.journal import JournalReader, read_wire_line, wire_line
from tests.unit.passage.journal_tools import (
    ADMIT_BODY,
    NOW,
    HandClock,
    admit,
    open_journal,
    tampering,
    write_some,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


# -- what is on record ----------------------------------------------------------------------------------


def test_a_receipt_names_the_event_that_stands_on_disk(path: Path) -> None:
    with open_journal(path) as journal:
        receipt = admit(journal)
    [event] = JournalReader(path).events(after=EventSeq(1))
    assert (receipt.epoch, receipt.seq, receipt.head) == (event.fields()["epoch"], event.seq, event.hash)
    assert receipt.verdict is Verdict.ADMIT
    assert not receipt.counted
    assert event.content() == ADMIT_BODY | {"number": 0}


def test_the_header_says_who_when_and_by_which_clock(path: Path) -> None:
    clock = HandClock()
    clock.trust = ClockState.UNTRUSTED
    with open_journal(path, clock, simulated=True) as journal:
        clock.advance(7.1234)
        journal.append(EventKind.CALL, {})
    event = JournalReader(path).events()[-1]
    assert event.fields() == {
        "v": 1,
        "device": "gate-7",
        "epoch": journal.epoch,
        "seq": 2,
        "boot": "boot-1",
        "monotonic": 107.123,
        "wall": round(NOW + 7.1234, 3),
        "clock": "untrusted",
        "kind": "call",
        "simulated": True,
    }


def test_the_first_journal_says_that_nothing_came_before(path: Path) -> None:
    open_journal(path).close()
    [genesis] = JournalReader(path).events()
    assert (genesis.seq, genesis.kind, genesis.prev) == (1, EventKind.GENESIS, "0" * 64)
    assert genesis.content() == {"previous": "none", "why": "no journal was there", "set_aside": None}


def test_the_kernel_names_the_boot_unless_told(path: Path) -> None:
    open_journal(path, boot_id=None).close()
    [genesis] = JournalReader(path).events()
    assert genesis.fields()["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_restart_goes_on_where_the_last_run_ended(path: Path) -> None:
    with open_journal(path) as first:
        last = admit(first)
    with open_journal(path) as second:
        assert (second.epoch, second.seq, second.head) == (last.epoch, last.seq, last.head)
        assert admit(second).seq == last.seq + 1
    assert JournalReader(path).verify().ok


def test_lines_on_the_wire_lead_to_the_head_by_the_documented_formula(path: Path) -> None:
    receipts = write_some(path, 30)
    head = bytes(32)
    for event in JournalReader(path).walk():
        header, salt, body = read_wire_line(wire_line(event))
        text = header.encode()
        content = hashlib.sha256(salt + body.encode()).digest()
        head = hashlib.sha256(head + len(text).to_bytes(4, "big") + text + content).digest()
        assert event.hash == head.hex()
    assert head.hex() == receipts[-1].head


def test_every_body_has_a_salt_of_its_own(path: Path) -> None:
    with open_journal(path) as journal:
        for _ in range(20):
            journal.append(EventKind.PASSAGE, {"same": True}, verdict=Verdict.REFER)
    salts = {event.salt for event in JournalReader(path).events()}
    assert len(salts) == 21
    assert {len(salt or b"") for salt in salts} == {16}


# -- what a body may be ---------------------------------------------------------------------------------


def test_a_verdict_that_the_body_leaves_out_is_written_into_it(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(EventKind.PASSAGE, {"reasons": ["EXPIRED"]}, verdict=Verdict.REFUSE)
    assert JournalReader(path).events()[-1].content() == {"verdict": "REFUSE", "reasons": ["EXPIRED"]}


def test_no_receipt_for_another_verdict_than_the_record_has(path: Path) -> None:
    with open_journal(path) as journal:
        with pytest.raises(ValueError, match="REFUSE"):
            journal.append(EventKind.PASSAGE, {"verdict": "REFUSE"}, verdict=Verdict.ADMIT)
        with pytest.raises(ValueError, match="only a passage"):
            journal.append(EventKind.CONTEXT, {}, verdict=Verdict.ADMIT)
        assert journal.seq == 1


@pytest.mark.parametrize(
    "body", [{"t": float("nan")}, {"t": float("inf")}, {"t": b"raw"}, {"t": "x" * 70_000}]
)
def test_a_body_that_is_no_plain_data_is_refused_and_the_journal_goes_on(
    path: Path, body: dict[str, object]
) -> None:
    with open_journal(path) as journal:
        with pytest.raises((ValueError, TypeError)):
            journal.append(EventKind.PASSAGE, body)
        assert admit(journal).seq == 2
    assert JournalReader(path).verify().ok


def test_hostile_text_comes_back_as_it_was(path: Path) -> None:
    text = "=cmd|'/c'!A1\x00\x1b[2J\ud800</script>行'\""
    with open_journal(path) as journal:
        journal.append(EventKind.PASSAGE, {"message": text})
    assert JournalReader(path).events()[-1].content() == {"message": text}
    assert JournalReader(path).verify().ok


# -- on disk before it is acknowledged ------------------------------------------------------------------


class LastCall:
    """What SQLite did last to each file."""

    def __init__(self) -> None:
        self.last: dict[str, str] = {}
        self.writes = 0

    def wrote(self, file: str, offset: int, data: bytes) -> None:
        self.last[Path(file).name] = "written"
        self.writes += 1

    def truncated(self, file: str, size: int) -> None:
        self.last[Path(file).name] = "truncated"

    def flushed(self, file: str) -> None:
        self.last[Path(file).name] = "flushed"


def test_nothing_is_unflushed_when_append_returns(path: Path) -> None:
    # 300 events: several checkpoints fall into it.
    seen = LastCall()
    with observing(seen), open_journal(path) as journal:
        for number in range(300):
            before = seen.writes
            admit(journal, number)
            assert seen.writes > before
            assert seen.last["journal.db-wal"] == "flushed"
            assert seen.last["journal.db"] == "flushed"


def test_the_wal_stays_small_and_nothing_but_the_table_is_written(path: Path) -> None:
    with open_journal(path) as journal:
        for number in range(2000):
            journal.append(EventKind.PASSAGE, {"number": number, "words": list(range(100))})
        assert (path.parent / "journal.db-wal").stat().st_size < 1024 * 1024
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT type, name FROM sqlite_master").fetchall() == [("table", "events")]
    connection.close()


# -- one writer -----------------------------------------------------------------------------------------


def test_a_second_writer_is_turned_away_and_told_who_writes(path: Path) -> None:
    with open_journal(path) as journal:
        with pytest.raises(JournalLocked, match=str(os.getpid())):
            open_journal(path)
        admit(journal)
    with open_journal(path) as after:
        admit(after)
    assert JournalReader(path).verify().checked == 3


def test_a_writer_in_another_process_holds_the_lock_until_it_dies(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.unit.passage.journal_tools import open_journal\n"
        "journal = open_journal(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(JournalLocked, match=str(writer.pid)):
            open_journal(path)
        writer.kill()
    open_journal(path).close()


def test_somebody_who_writes_past_the_lock_is_noticed_not_overwritten(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal)
        with tampering(path) as connection:
            connection.execute("INSERT INTO events (seq, header, hash) VALUES (3, '{}', zeroblob(32))")
        with pytest.raises(JournalError, match="somebody wrote past the lock"):
            admit(journal)
    assert not JournalReader(path).verify().ok


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
def test_a_journal_that_is_taken_away_while_open_takes_no_more_events(path: Path, name: str) -> None:
    with open_journal(path) as journal:
        admit(journal)
        (path.parent / name).rename(path.parent / "elsewhere")
        with pytest.raises(JournalError, match=r"No such file|moved or removed"):
            admit(journal)


def test_after_close_nothing_is_written_and_closing_again_is_fine(path: Path) -> None:
    journal = open_journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        admit(journal)
    assert not (path.parent / "journal.db-wal").exists()


# -- files ----------------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_group_may_read_and_nobody_else_may_write(path: Path) -> None:
    old = os.umask(0)
    try:
        with open_journal(path) as journal:
            admit(journal)
            modes = {file.name: mode(file) for file in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert mode(path.parent) == 0o2750
    assert set(modes) == {f"journal.db{tail}" for tail in ("", "-wal", "-shm", ".lock", ".reserve")}
    assert set(modes.values()) == {0o640}


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    open_journal(tmp_path / "journal.db").close()
    assert mode(tmp_path) == 0o755


def test_the_reserve_stands_preallocated_beside_it(path: Path) -> None:
    with open_journal(path, reserve_bytes=3 << 20) as journal:
        assert not journal.disk_full
    state = (path.parent / "journal.db.reserve").stat()
    assert state.st_size == 3 << 20
    assert state.st_blocks * 512 >= 3 << 20


def test_a_leftover_of_an_interrupted_beginning_is_in_nobodys_way(path: Path) -> None:
    path.parent.mkdir()
    (path.parent / "journal.db.new").write_bytes(b"half a file")
    with open_journal(path) as journal:
        assert journal.set_aside is None
        admit(journal)
    assert not (path.parent / "journal.db.new").exists()


def test_bodies_are_ascii_so_that_nothing_on_the_way_can_normalise_them(path: Path) -> None:
    with open_journal(path) as journal:
        journal.append(EventKind.PASSAGE, {"名": "é\u0301"})
    event = JournalReader(path).events()[-1]
    assert event.body is not None
    assert (event.header + event.body).isascii()
    assert json.loads(event.body) == {"名": "é\u0301"}

"""Readers never disturb the writer, see what is committed, and can change nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.bench.journal import make_journal
from kiosk.errors import JournalDamaged, JournalError
from kiosk.model import EventKind, EventSeq
from kiosk.passage.journal import Journal, JournalReader
from kiosk.passage.journal_file import look
from kiosk.passage.journal_reader import PAGE
from tests.unit.passage.journal_tools import (
    DEVICE,
    REPOSITORY,
    HandClock,
    admit,
    need_other_users,
    open_journal,
    write_some,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_a_reader_sees_each_event_as_soon_as_it_is_acknowledged(path: Path) -> None:
    reader = JournalReader(path)
    with open_journal(path) as journal:
        for number in range(5):
            receipt = admit(journal, number)
            head = reader.head()
            assert (head.epoch, head.seq, head.hash) == (receipt.epoch, receipt.seq, receipt.head)
    assert reader.head() == head


def test_pages_follow_each_other_without_gap_or_repeat(path: Path) -> None:
    make_journal(path, 1234)
    reader = JournalReader(path)
    seen: list[int] = []
    while page := reader.events(after=EventSeq(seen[-1] if seen else 0)):
        assert len(page) <= PAGE
        seen += [event.seq for event in page]
    assert seen == list(range(1, 1236))
    assert [event.seq for event in reader.events(EventSeq(700), limit=3)] == [701, 702, 703]
    assert [event.seq for event in reader.walk(EventSeq(1230))] == [1231, 1232, 1233, 1234, 1235]


def test_each_event_carries_the_hash_before_it_also_at_the_start_of_a_page(path: Path) -> None:
    write_some(path, 30)
    reader = JournalReader(path)
    whole = reader.events()
    for event in whole[1:]:
        assert reader.events(EventSeq(event.seq - 1), limit=1) == [event]
        assert event.prev == whole[event.seq - 2].hash


def test_one_kind_is_found_across_pages(path: Path) -> None:
    for number in range(3):
        make_journal(path, PAGE, DEVICE)
        with open_journal(path, simulated=True) as journal:
            journal.append(EventKind.STARTED, {"number": number})
    found = JournalReader(path).events(kind=EventKind.STARTED)
    assert [(event.content() or {})["number"] for event in found] == [0, 1, 2]
    assert JournalReader(path).verify().checked == 3 * PAGE + 4
    assert len(JournalReader(path).events(kind=EventKind.STARTED, limit=2)) == 2


def test_a_slow_reader_of_pages_never_keeps_the_wal_from_being_reset(path: Path) -> None:
    make_journal(path, 2 * PAGE, DEVICE)
    with open_journal(path, simulated=True) as journal:
        admit(journal)
        events = JournalReader(path).walk()
        for _ in range(PAGE // 2):
            next(events)
        # In the middle of a page: a transaction held by the reader would make this busy.
        with closing(sqlite3.connect(path)) as other:
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        admit(journal)
        assert sum(1 for _ in events) == 2 * PAGE + 3 - PAGE // 2


def test_a_reader_that_hangs_in_a_transaction_does_not_stop_the_writer(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as stuck:
            stuck.execute("BEGIN")
            stuck.execute("SELECT count(*) FROM events").fetchone()
            for number in range(300):
                admit(journal, number)
    assert JournalReader(path).verify().checked == 302


def test_a_question_is_asked_again_when_a_writer_comes_meanwhile(path: Path) -> None:
    write_some(path)
    journals: list[Journal] = []

    def question(connection: sqlite3.Connection) -> int:
        if not journals:
            # Nobody wrote when this connection was opened: it took the file for unchanging.
            journals.append(open_journal(path))
            admit(journals[0])
        return int(connection.execute("SELECT max(seq) FROM events").fetchone()[0])

    try:
        assert look(path, question) == 7
    finally:
        journals[0].close()


def test_a_reader_can_not_write(path: Path) -> None:
    write_some(path)
    for tail in ("", "-wal"):
        path.with_name(path.name + tail).touch()
        with pytest.raises(JournalError, match=r"may not open or write|readonly"):
            look(path, lambda connection: connection.execute("DELETE FROM events"))


def test_no_journal_and_no_directory_are_clear_errors(tmp_path: Path) -> None:
    for missing in (tmp_path / "none.db", tmp_path / "no" / "none.db"):
        with pytest.raises(JournalError, match="No such file") as raised:
            JournalReader(missing).head()
        assert raised.value.errno == 2


def test_what_is_no_journal_is_damage(path: Path) -> None:
    path.write_text("not a database, not at all, but long enough to be looked at by somebody" * 20)
    with pytest.raises(JournalDamaged, match=r"journal\.db"):
        JournalReader(path).head()
    assert JournalReader(path).verify().problem


def test_a_reader_follows_the_journal_into_its_next_epoch(path: Path) -> None:
    write_some(path)
    reader = JournalReader(path)
    first = reader.head()
    path.write_bytes(b"")
    with open_journal(path) as journal:
        assert reader.head().epoch == journal.epoch != first.epoch


def test_a_relative_path_with_odd_characters_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("odd ?#% dir") / "j#1?.db"
    write_some(path)
    assert JournalReader(path).verify().ok


# -- three users --------------------------------------------------------------------------------------------

GATE, SYNC, PANEL, GROUP = 61_001, 61_002, 61_003, 61_000

READ = "reader = JournalReader(path); print(json.dumps([reader.verify().checked, reader.head().seq]))"
WRITE_AND_DIE = "journal = open_journal(path); [admit(journal) for _ in range(10)]; os.kill(os.getpid(), 9)"
CHANGE = "sqlite3.connect(path).execute('DELETE FROM events')"
SIT_ON_IT = (
    "connection = sqlite3.connect(path); connection.execute('BEGIN IMMEDIATE')\n"
    "print(connection.execute('SELECT count(*) FROM events').fetchone()[0], flush=True); sys.stdin.read()"
)
LEAVE_A_FILE = "(path.parent / 'journal.db-wal').write_text('') or (path.parent / 'x').write_text('')"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """The directory as systemd's tmpfiles make it: gate:kiosk 2750, in a place that others reach."""
    need_other_users(PANEL)
    folder = Path(tempfile.mkdtemp(prefix="kiosk-three-users-"))
    folder.chmod(0o755)
    state = folder / "state"
    state.mkdir()
    os.chown(state, GATE, GROUP)
    state.chmod(0o2750)
    yield state / "journal.db"
    shutil.rmtree(folder)


def as_user(user: int, path: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python as a user of the group, to its end."""
    with started(user, path, program) as process:
        out, complaints = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, complaints)


def started(user: int, path: Path, program: str) -> subprocess.Popen[str]:
    """The same, left running until its standard input ends."""
    header = (
        "import json, os, sqlite3, sys; from pathlib import Path\n"
        "from kiosk.passage.journal import JournalReader\n"
        "from tests.unit.passage.journal_tools import open_journal, admit\n"
        "path = Path(sys.argv[1])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-B", "-c", header + program, str(path)],
        user=user, group=GROUP, extra_groups=[], cwd=REPOSITORY, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


WRITE_AND_CLOSE = "\nwith open_journal(path) as journal:\n    [admit(journal) for _ in range(10)]"


def test_sync_and_panel_read_and_can_not_get_in_the_gates_way(shared: Path) -> None:
    gate = as_user(GATE, shared, WRITE_AND_CLOSE)
    assert gate.returncode == 0, gate.stderr
    assert sorted(file.name for file in shared.parent.iterdir()) == [
        "journal.db",
        "journal.db.lock",
        "journal.db.reserve",
    ]
    # After a clean close there is no -wal and they may not make one.
    for user in (SYNC, PANEL):
        assert json.loads(as_user(user, shared, READ).stdout) == [11, 11]
    # After a kill -9 the -wal stays, with events that only it has.
    assert as_user(GATE, shared, WRITE_AND_DIE).returncode == -9
    assert shared.with_name("journal.db-wal").exists()
    for user in (SYNC, PANEL):
        assert json.loads(as_user(user, shared, READ).stdout) == [21, 21]
    for program, complaint in ((CHANGE, "readonly"), (LEAVE_A_FILE, "Permission denied")):
        assert complaint in as_user(PANEL, shared, program).stderr
    second = as_user(PANEL, shared, "open_journal(path)")
    assert "Permission denied" in second.stderr
    assert as_user(GATE, shared, WRITE_AND_CLOSE).returncode == 0
    assert json.loads(as_user(SYNC, shared, READ).stdout) == [31, 31]


def test_they_read_while_the_gate_has_it_open_and_a_stuck_panel_stops_nobody(shared: Path) -> None:
    program = WRITE_AND_CLOSE + "\n    print('open', flush=True); sys.stdin.readline()"
    program += "\n    [admit(journal) for _ in range(300)]; print('went on', flush=True); sys.stdin.read()"
    with (
        started(GATE, shared, program) as gate,
        started(PANEL, shared, "sys.stdin.readline();" + SIT_ON_IT) as panel,
    ):
        assert next_line(gate) == "open\n"
        for user in (SYNC, PANEL):
            answer = as_user(user, shared, READ)
            assert answer.stdout, answer.stderr
            assert json.loads(answer.stdout) == [11, 11]
            assert "readonly" in as_user(user, shared, CHANGE).stderr
        tell(panel)
        assert next_line(panel) == "11\n"
        tell(gate)
        assert next_line(gate) == "went on\n"
        assert json.loads(as_user(SYNC, shared, READ).stdout) == [311, 311]
        panel.communicate("")
        gate.communicate("")
    assert (gate.returncode, panel.returncode) == (0, 0)
    assert JournalReader(shared).verify().checked == 311


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_an_untrusted_clock_does_not_matter_to_readers(path: Path) -> None:
    clock = HandClock()
    clock.time = type(clock.time)(-1e9)
    with open_journal(path, clock) as journal:
        admit(journal)
    assert JournalReader(path).verify().ok

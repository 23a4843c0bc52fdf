"""Nothing is lost while the disk is full or the file damaged: it waits, in order, and says it came late."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import SystemClock
from kiosk import journal_keeper
from kiosk.errors import JournalError, JournalFull, JournalLocked
from kiosk.journal_keeper import AT_ONCE, RECLAIM, RETRY, WAITING_LIMIT, JournalKeeper, Writer
from kiosk.model import EventKind, EventSeq, Monotonic, Receipt, Verdict
from kiosk.passage.journal import Journal, JournalReader, set_asides
from tests.street import memory_folder
from tests.unit.passage.journal_tools import HandClock, flip, open_journal

NOTE, CONTEXT = EventKind.COUNTED, EventKind.CONTEXT
"""COUNTED is never rate limited, so every one of them stands in the journal by itself."""


class Disk:
    """The journal's place: real, but it can be made to refuse."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        self.clock = HandClock()
        self.error: JournalError | None = None
        self.room: int | None = None
        self.opened = 0
        self.open_error: JournalError | None = None
        self.late_error: JournalError | None = None
        """Raised after the disk has taken the event: it is durable, and nobody acknowledges it."""

    def open(self) -> Writer:
        self.opened += 1
        if self.open_error is not None:
            raise self.open_error
        return Refusing(open_journal(self.path, self.clock, reserve_bytes=0), self)

    def numbers(self) -> list[int]:
        """The ``number`` of every event that has one, in the order of the journal."""
        return [body["number"] for body in self.bodies() if "number" in body]

    def bodies(self, kind: EventKind | None = None) -> list[dict[str, Any]]:
        events = JournalReader(self.path).events(limit=10_000, kind=kind)
        return [event.content() or {} for event in events]


class Refusing:
    """A journal that raises the disk's error, or writes only so many events more."""

    def __init__(self, journal: Journal, disk: Disk) -> None:
        self._journal = journal
        self._disk = disk
        self.disk_full = False

    @property
    def epoch(self) -> str:
        return self._journal.epoch

    @property
    def seq(self) -> EventSeq:
        return self._journal.seq

    def append(
        self, kind: EventKind, body: Mapping[str, object], *, verdict: Verdict | None = None
    ) -> Receipt:
        if self._disk.error is not None:
            raise self._disk.error
        if self._disk.room is not None:
            if self._disk.room <= 0:
                raise JournalFull("no space left")
            self._disk.room -= 1
        receipt = self._journal.append(kind, body, verdict=verdict)
        if self._disk.late_error is not None:
            raise self._disk.late_error
        return receipt

    def written(
        self, kind: EventKind, body: Mapping[str, object], after: EventSeq, verdict: Verdict | None = None
    ) -> EventSeq | None:
        return self._journal.written(kind, body, after, verdict)

    def write_counted(self) -> Receipt | None:
        return self._journal.write_counted()

    def reclaim(self) -> bool:
        self.disk_full = False
        return True

    def close(self) -> None:
        self._journal.close()


@pytest.fixture
def disk() -> Iterator[Disk]:
    with memory_folder() as folder:
        yield Disk(folder)


@pytest.fixture
def keeper(disk: Disk) -> Iterator[JournalKeeper]:
    made = JournalKeeper(disk.open)
    yield made
    disk.error = disk.room = disk.open_error = disk.late_error = None
    made.close()


def note(keeper: JournalKeeper, number: int, now: float) -> None:
    keeper.write_or_hold(NOTE, {"number": number}, Monotonic(now))


# -- a disk that refuses ------------------------------------------------------------------------------------


def test_what_the_disk_refuses_waits_and_keeps_its_order(keeper: JournalKeeper, disk: Disk) -> None:
    note(keeper, 1, 0.0)
    disk.error = JournalFull("no space left")
    for number in (2, 3, 4):
        note(keeper, number, 0.1 * number)
    assert (keeper.ok, keeper.waiting) == (False, 3)
    assert keeper.fault is not None
    assert keeper.fault.code == "DISK_FULL"
    disk.error = None
    note(keeper, 5, 0.5)
    assert disk.numbers() == [1], "nothing is tried within a second of a failure, and nothing overtakes"
    note(keeper, 6, 0.2 + RETRY)
    assert (keeper.ok, keeper.waiting) == (True, 0)
    assert disk.numbers() == [1, 2, 3, 4, 5, 6]
    late = [body["late"]["happened"] for body in disk.bodies(NOTE) if "late" in body]
    assert late == [0.2, 0.3, 0.4, 0.5]


def test_no_receipt_is_given_for_what_waits(keeper: JournalKeeper, disk: Disk) -> None:
    disk.error = JournalFull("no space left")
    body = {"verdict": "ADMIT"}
    assert keeper.append(EventKind.PASSAGE, body, Monotonic(0.0), Verdict.ADMIT) is None
    assert keeper.waiting == 0, "append keeps nothing: the caller decides anew what is true without a record"


def test_a_disk_that_takes_some_and_refuses_again_loses_and_repeats_nothing(
    keeper: JournalKeeper, disk: Disk
) -> None:
    note(keeper, 0, 0.0)
    disk.room = 0
    for number in range(1, 8):
        note(keeper, number, 0.0)
    disk.room = 3
    keeper.turn(Monotonic(2.0))
    assert keeper.waiting == 4
    disk.room = None
    keeper.turn(Monotonic(4.0))
    assert disk.numbers() == list(range(8))


def test_a_long_queue_is_written_in_portions_so_that_a_slow_card_does_not_hold_up_the_gate(
    keeper: JournalKeeper, disk: Disk
) -> None:
    note(keeper, 0, 0.0)
    disk.error = JournalFull("no space left")
    for number in range(1, 3 * AT_ONCE + 1):
        note(keeper, number, 0.0)
    disk.error = None
    keeper.turn(Monotonic(2.0))
    assert keeper.waiting == 2 * AT_ONCE
    assert not keeper.ok, "nobody is admitted before the older records are on the disk"
    keeper.turn(Monotonic(2.01))
    keeper.turn(Monotonic(2.02))
    assert keeper.ok
    assert disk.numbers() == list(range(3 * AT_ONCE + 1))


def test_beyond_what_can_be_held_events_are_counted_and_the_number_is_recorded(
    keeper: JournalKeeper, disk: Disk
) -> None:
    disk.error = JournalFull("no space left")
    for number in range(WAITING_LIMIT + 7):
        note(keeper, number, 0.0)
    assert (keeper.waiting, keeper.lost) == (WAITING_LIMIT, 7)
    keeper.write_or_hold(CONTEXT, {"id": "new"}, Monotonic(0.0))
    assert keeper.waiting == WAITING_LIMIT + 1, "settings are kept: later records would say nothing without"
    disk.error = None
    for turn in range(WAITING_LIMIT):
        keeper.turn(Monotonic(2.0 + turn))
    assert keeper.ok
    assert disk.numbers() == list(range(WAITING_LIMIT))
    assert disk.bodies(NOTE)[-1] == {"what": "unrecorded", "count": 7}


def test_the_reserve_is_asked_for_now_and_then_while_the_disk_is_full(
    keeper: JournalKeeper, disk: Disk
) -> None:
    note(keeper, 0, 0.0)
    assert isinstance(keeper.writer, Refusing)
    keeper.writer.disk_full = True
    keeper.turn(Monotonic(1.0))
    assert not keeper.writer.disk_full
    keeper.writer.disk_full = True
    keeper.turn(Monotonic(1.0 + RECLAIM / 2))
    assert keeper.writer.disk_full
    keeper.turn(Monotonic(1.0 + RECLAIM))
    assert not keeper.writer.disk_full


# -- a file that is damaged, gone or somebody else's ---------------------------------------------------------


def test_a_journal_damaged_while_it_is_written_is_set_aside_and_a_new_one_goes_on(
    keeper: JournalKeeper, disk: Disk
) -> None:
    keeper.write_or_hold(CONTEXT, {"id": "one"}, Monotonic(0.0))
    for number in range(300):
        note(keeper, number, 0.0)
    for offset in range(4096, disk.path.stat().st_size, 4096):
        flip(disk.path, offset)
    disk.error = JournalError("the disk does not read or write")
    note(keeper, 300, 1.0)
    disk.error = None
    note(keeper, 301, 3.0)
    assert disk.numbers() == [300, 301]
    [aside] = set_asides(disk.path)
    assert aside.exists()
    kinds = [event.kind for event in JournalReader(disk.path).walk()]
    assert kinds[:3] == ["genesis", "context", "counted"], "the settings come before what refers to them"
    assert disk.bodies(CONTEXT) == [{"id": "one"}]
    assert JournalReader(disk.path).verify().ok


def test_a_journal_that_was_moved_away_is_begun_anew(keeper: JournalKeeper, disk: Disk) -> None:
    note(keeper, 1, 0.0)
    disk.path.rename(disk.path.with_name("elsewhere.db"))
    note(keeper, 2, 1.0)
    assert keeper.fault is not None
    note(keeper, 3, 3.0)
    assert disk.numbers() == [2, 3]


def test_the_settings_are_not_repeated_where_the_epoch_goes_on(keeper: JournalKeeper, disk: Disk) -> None:
    keeper.write_or_hold(CONTEXT, {"id": "one"}, Monotonic(0.0))
    disk.error = JournalError("the disk does not read or write")
    note(keeper, 1, 1.0)
    disk.error = None
    note(keeper, 2, 3.0)
    assert disk.opened == 2
    assert disk.bodies(CONTEXT) == [{"id": "one"}]
    assert disk.numbers() == [1, 2]


def test_a_journal_that_another_process_writes_is_waited_for(keeper: JournalKeeper, disk: Disk) -> None:
    disk.open_error = JournalLocked("process 1234 is writing this journal")
    note(keeper, 1, 0.0)
    assert keeper.fault is not None
    assert keeper.fault.code == "JOURNAL_LOCKED"
    disk.open_error = None
    keeper.turn(Monotonic(2.0))
    assert disk.numbers() == [1]


def test_a_failing_journal_is_opened_once_a_second_and_not_with_every_event(
    keeper: JournalKeeper, disk: Disk
) -> None:
    disk.open_error = JournalError("read-only file system")
    for turn in range(1000):
        note(keeper, turn, turn * 0.01)
    assert disk.opened == 10


def test_the_second_between_two_tries_begins_when_the_failed_one_has_ended(disk: Disk) -> None:
    """A try that waits for somebody's lock must not be followed by the next one in the same turn."""

    def wait_and_fail() -> Writer:
        disk.opened += 1
        disk.clock.advance(2.0)
        raise JournalLocked("another process holds the file")

    keeper = JournalKeeper(wait_and_fail, disk.clock)
    began = disk.clock.monotonic()
    for number in range(5):
        note(keeper, number, began)
    keeper.turn(disk.clock.monotonic())
    assert disk.opened == 1
    keeper.turn(Monotonic(began + 2.0 + RETRY))
    assert disk.opened == 2


def test_a_process_that_locks_the_file_holds_the_gate_up_for_less_than_a_second_at_a_time(
    disk: Disk,
) -> None:
    clock = SystemClock()
    keeper = JournalKeeper(disk.open, clock)
    note(keeper, 1, clock.monotonic())
    with locked_by_another_process(disk.path):
        for number in (2, 3, 4):
            began = clock.monotonic()
            # As if the second between two tries had passed each time.
            note(keeper, number, Monotonic(began + number * 10))
            keeper.turn(began)
            keeper.turn(clock.monotonic())
            assert clock.monotonic() - began < 1.5
        assert keeper.fault is not None
        assert keeper.fault.code == "JOURNAL_LOCKED"
    keeper.turn(Monotonic(began + 50))
    assert disk.numbers() == [1, 2, 3, 4]
    keeper.close()


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[None]:
    """As a program would that was meant to read only, and hangs in the middle of a transaction."""
    script = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]); "
        "connection.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield


# -- taken, and then an error -----------------------------------------------------------------------------

TORN = [JournalError("the disk does not write"), JournalFull("no space left")]
ADMIT_BODY = {"verdict": "ADMIT", "reasons": ["PASS_VALID"]}
REFER_BODY = {"verdict": "REFER", "reasons": ["JOURNAL_FAULT"]}


def answer_without_receipt(keeper: JournalKeeper, now: float) -> None:
    """As the judge does: an ADMIT that has no receipt becomes a REFER, which waits."""
    assert keeper.append(EventKind.PASSAGE, ADMIT_BODY, Monotonic(now), Verdict.ADMIT) is None
    keeper.hold(EventKind.PASSAGE, REFER_BODY, Monotonic(now))


@pytest.mark.parametrize("error", TORN)
def test_a_late_record_names_the_one_that_was_durable_but_never_shown(
    keeper: JournalKeeper, disk: Disk, error: JournalError
) -> None:
    note(keeper, 1, 0.0)
    disk.late_error = error
    answer_without_receipt(keeper, 1.0)
    disk.late_error = None
    keeper.turn(Monotonic(3.0))
    events = [event for event in JournalReader(disk.path).walk() if event.kind == "passage"]
    first, second = (event.content() or {} for event in events)
    assert (first["verdict"], "late" in first) == ("ADMIT", False)
    assert second == REFER_BODY | {"late": {"happened": 1.0, "instead_of": events[0].seq}}


def test_a_record_that_the_disk_did_not_take_stands_for_none(keeper: JournalKeeper, disk: Disk) -> None:
    note(keeper, 1, 0.0)
    disk.error = JournalFull("no space left")
    answer_without_receipt(keeper, 1.0)
    disk.error = None
    keeper.turn(Monotonic(3.0))
    assert disk.bodies(EventKind.PASSAGE) == [REFER_BODY | {"late": {"happened": 1.0}}]


def test_somebody_who_passed_before_with_the_same_words_is_not_taken_for_this_one(
    keeper: JournalKeeper, disk: Disk
) -> None:
    assert keeper.append(EventKind.PASSAGE, ADMIT_BODY, Monotonic(0.0), Verdict.ADMIT) is not None
    disk.error = JournalError("the disk does not write")
    answer_without_receipt(keeper, 1.0)
    disk.error = None
    keeper.turn(Monotonic(3.0))
    assert disk.bodies(EventKind.PASSAGE)[1] == REFER_BODY | {"late": {"happened": 1.0}}


@pytest.mark.parametrize("error", TORN)
def test_what_the_disk_took_before_it_failed_is_not_written_again(
    keeper: JournalKeeper, disk: Disk, error: JournalError
) -> None:
    note(keeper, 1, 0.0)
    disk.late_error = error
    note(keeper, 2, 1.0)
    note(keeper, 3, 1.0)
    keeper.turn(Monotonic(3.0))
    keeper.turn(Monotonic(5.0))
    disk.late_error = None
    keeper.turn(Monotonic(7.0))
    note(keeper, 4, 8.0)
    assert disk.numbers() == [1, 2, 3, 4]


def test_what_was_only_counted_is_counted_once(keeper: JournalKeeper, disk: Disk) -> None:
    disk.error = JournalFull("no space left")
    for number in range(WAITING_LIMIT + 7):
        note(keeper, number, 0.0)
    disk.error = None
    for turn in range(WAITING_LIMIT // AT_ONCE - 1):
        keeper.turn(Monotonic(2.0 + turn))
    assert keeper.waiting == AT_ONCE
    disk.late_error = JournalError("the disk does not write")
    for turn in range(AT_ONCE + 1):
        keeper.turn(Monotonic(1000.0 + 2 * turn))
    disk.late_error = None
    keeper.turn(Monotonic(2000.0))
    assert keeper.ok
    assert [body for body in disk.bodies(NOTE) if "what" in body] == [{"what": "unrecorded", "count": 7}]


def test_a_record_tried_in_a_journal_that_was_then_lost_says_where(keeper: JournalKeeper, disk: Disk) -> None:
    note(keeper, 1, 0.0)
    assert keeper.writer is not None
    before = keeper.writer.epoch
    disk.late_error = JournalError("the disk does not write")
    answer_without_receipt(keeper, 1.0)
    disk.path.rename(disk.path.with_name("elsewhere.db"))
    disk.late_error = None
    keeper.turn(Monotonic(3.0))
    [late] = disk.bodies(EventKind.PASSAGE)
    assert late["late"] == {"happened": 1.0, "tried": {"epoch": before, "after": 2}}


def test_a_disk_that_refuses_for_days_fills_no_memory(keeper: JournalKeeper, disk: Disk) -> None:
    note(keeper, 1, 0.0)
    disk.error = JournalFull("no space left")
    note(keeper, 2, 1.0)
    for turn in range(200):
        keeper.turn(Monotonic(10.0 + 2 * turn))
    [held] = keeper._waiting
    assert len(held.tries) <= 2


# -- the end ------------------------------------------------------------------------------------------------


def test_what_waits_is_written_at_the_end_if_the_disk_takes_it_then(
    keeper: JournalKeeper, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.error = JournalFull("no space left")
    for number in range(3 * AT_ONCE):
        note(keeper, number, 0.0)
    disk.error = None
    keeper.close()
    assert disk.numbers() == list(range(3 * AT_ONCE))
    assert "could not be written" not in caplog.text


def test_what_could_not_be_written_at_the_end_is_said(
    keeper: JournalKeeper, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.error = JournalFull("no space left")
    note(keeper, 1, 0.0)
    note(keeper, 2, 0.0)
    with caplog.at_level(logging.ERROR, journal_keeper.__name__):
        keeper.close()
    assert "2 events could not be written" in caplog.text


def test_a_failure_is_logged_when_it_begins_and_not_with_every_try(
    keeper: JournalKeeper, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.error = JournalFull("no space left")
    for turn in range(20):
        keeper.turn(Monotonic(turn * 2.0))
        note(keeper, turn, turn * 2.0)
    assert len(caplog.records) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["write", "write", "write", "full", "broken", "torn", "locked", "well", "few"]),
            st.floats(0.0, 3.0),
        ),
        max_size=60,
    )
)
def test_whatever_the_disk_does_every_event_is_written_once_and_in_order(
    script: list[tuple[str, float]],
) -> None:
    now, number = 0.0, 0
    with memory_folder() as folder:
        disk = Disk(folder)
        keeper = JournalKeeper(disk.open)
        for what, wait in script:
            now += wait
            disk.clock.advance(wait)
            if what == "write":
                note(keeper, number, now)
                number += 1
            else:
                disk.error = {"full": JournalFull("full"), "broken": JournalError("I/O error")}.get(what)
                disk.open_error = JournalLocked("somebody else") if what == "locked" else None
                disk.room = 2 if what == "few" else None
                disk.late_error = JournalError("I/O error") if what == "torn" else None
            keeper.turn(Monotonic(now))
        disk.error = disk.open_error = disk.room = disk.late_error = None
        keeper.close()
        written = disk.numbers() if disk.path.exists() else []
    assert written == list(range(number))

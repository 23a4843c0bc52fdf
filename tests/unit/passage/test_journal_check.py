"""The whole journal is verified behind the running gate, and its result can be asked for."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from kiosk.bench.journal import DEVICE, BenchClock, make_journal
from kiosk.passage.journal import BackgroundCheck, Journal, check_whole
from tests.unit.passage.journal_tools import admit, open_journal, tampering, write_some

ROWS = int(os.environ.get("KIOSK_JOURNAL_ROWS_N", "20000"))
READY_S = 0.5


def checked(path: Path) -> BackgroundCheck:
    check = BackgroundCheck(path, pause_s=0.0)
    assert check.result is None
    check.start()
    check.join(60)
    return check


def test_a_sound_journal_is_reported_sound_while_it_is_written(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal.db") as journal:
        for number in range(700):
            admit(journal, number)
        result = checked(journal.path).result
        assert result is not None
        assert (result.ok, result.checked, result.head) == (True, 701, journal.head)
        admit(journal)


def test_old_damage_is_reported_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_journal(path, 700)
    with tampering(path) as connection:
        connection.execute("UPDATE events SET body = '{}' WHERE seq = 333")
    result = checked(path).result
    assert result is not None
    assert (result.ok, result.at) == (False, 333)


def test_a_page_that_no_event_uses_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    write_some(path)
    # A page nobody refers to: the chain can't see it, quick_check does.
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.write(bytes(4096))
        file.seek(28)
        file.write((size // 4096 + 1).to_bytes(4, "big"))
    result = check_whole(path)
    assert not result.ok
    assert "quick_check" in str(result.problem)


def test_a_journal_that_can_not_be_read_is_a_result_not_a_crash(tmp_path: Path) -> None:
    result = checked(tmp_path / "none.db").result
    assert result is not None
    assert not result.ok
    assert "No such file" in str(result.problem)


def test_stopping_ends_it_at_once_and_leaves_no_result(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_journal(path, 1200)
    check = BackgroundCheck(path, pause_s=3600.0)
    check.start()
    check.stop()
    check.stop()
    assert check.result is None


def test_stopping_before_the_start_is_fine(tmp_path: Path) -> None:
    check = BackgroundCheck(tmp_path / "none.db")
    check.stop()
    assert check.result is None, "nothing was looked at, so nothing is called broken"
    assert "journal-check" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.slow
def test_a_long_journal_opens_in_half_a_second_and_verifies(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    make_journal(path, ROWS)
    started = time.perf_counter()
    with Journal.open(path, device=DEVICE, clock=BenchClock(), simulated=True) as journal:
        took = time.perf_counter() - started
        assert journal.set_aside is None
        assert journal.seq == ROWS + 1
    assert took < READY_S
    found = check_whole(path)
    assert (found.ok, found.checked) == (True, ROWS + 1)

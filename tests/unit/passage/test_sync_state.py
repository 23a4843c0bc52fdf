"""What sync remembers survives it, moves whole or not at all, and is never worth losing an event for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.errors import SyncError
from kiosk.passage.sync_state import START, Cursor, DeadLetter, SyncState

EPOCH = "00112233aabbccdd"
BEGIN, FIVE, NINE = Cursor(EPOCH, 0, START), Cursor(EPOCH, 5, "ab" * 32), Cursor(EPOCH, 9, "cd" * 32)
LETTER = DeadLetter(EPOCH, 3, "BODY_UNREADABLE", '["h","s","b"]', 12.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sync" / "sync.db"


@pytest.fixture
def state(path: Path) -> Iterator[SyncState]:
    with SyncState.open(path) as state:
        yield state


def test_a_cursor_begins_at_the_beginning_and_is_there_after_a_restart(state: SyncState, path: Path) -> None:
    assert state.cursor(EPOCH) == BEGIN
    state.acknowledge(BEGIN, FIVE)
    state.close()
    with SyncState.open(path) as again:
        assert again.cursor(EPOCH) == FIVE
        assert again.cursors() == [FIVE]


def test_cursor_and_dead_letters_move_together(state: SyncState) -> None:
    state.acknowledge(BEGIN, FIVE, [LETTER])
    assert (state.cursor(EPOCH), state.dead_letters()) == (FIVE, [LETTER])


def test_an_answer_that_comes_too_late_moves_nothing(state: SyncState) -> None:
    state.acknowledge(BEGIN, NINE)
    state.acknowledge(BEGIN, FIVE, [LETTER])
    assert state.cursor(EPOCH) == NINE
    assert state.dead_letter_count() == 0


def test_the_same_letter_is_kept_once(state: SyncState) -> None:
    state.acknowledge(BEGIN, FIVE, [LETTER])
    state.rewind(BEGIN)
    state.acknowledge(BEGIN, FIVE, [LETTER])
    assert state.dead_letter_count() == 1


def test_a_fork_once_seen_is_not_forgotten(state: SyncState) -> None:
    state.acknowledge(BEGIN, Cursor(EPOCH, 5, "ab" * 32, forked=True))
    state.acknowledge(state.cursor(EPOCH), NINE)
    assert state.cursor(EPOCH).forked


def test_rewinding_an_epoch_reopens_its_file(state: SyncState) -> None:
    state.acknowledge(BEGIN, NINE)
    state.finish("journal.set-aside-1.db", EPOCH)
    assert state.is_finished("journal.set-aside-1.db")
    state.rewind(FIVE)
    assert state.cursor(EPOCH) == FIVE
    assert not state.is_finished("journal.set-aside-1.db")


def test_a_full_disk_leaves_the_cursor_where_it_was(state: SyncState) -> None:
    state.acknowledge(BEGIN, FIVE)
    pages = state._connection.execute("PRAGMA page_count").fetchone()[0]
    state._connection.execute(f"PRAGMA max_page_count = {pages}")
    letters = [DeadLetter(EPOCH, seq, "BODY_UNREADABLE", "x" * 4000, 0.0) for seq in range(6, 10)]
    with pytest.raises(SyncError, match="full"):
        state.acknowledge(FIVE, NINE, letters)
    assert state.cursor(EPOCH) == FIVE
    assert state.dead_letter_count() == 0


@pytest.mark.parametrize(
    "damage", [b"this is no database at all, whatever its name says", b"SQLite format 3\0" * 300]
)
def test_a_damaged_database_is_set_aside_and_everything_sent_again(path: Path, damage: bytes) -> None:
    with SyncState.open(path) as state:
        state.acknowledge(BEGIN, FIVE)
    path.write_bytes(damage)
    with SyncState.open(path) as state:
        assert state.cursor(EPOCH) == BEGIN
        state.acknowledge(BEGIN, FIVE)
    assert (path.parent / "sync.db.damaged-1").read_bytes() == damage


def test_others_may_look_but_find_nothing_where_nothing_is(path: Path) -> None:
    assert SyncState.look(path) is None
    with SyncState.open(path) as state:
        state.acknowledge(BEGIN, FIVE)
        with SyncState.look(path) or pytest.fail("nothing to look at") as seen:
            assert seen.cursor(EPOCH) == FIVE
            with pytest.raises(SyncError, match="readonly"):
                seen.note(online=True)
    with SyncState.look(path) or pytest.fail("nothing to look at") as seen:
        assert seen.cursors() == [FIVE]
    path.write_bytes(b"no database")
    with pytest.raises(SyncError, match="not a database"):
        SyncState.look(path)


def test_the_file_is_no_business_of_everybody(state: SyncState, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o640


def test_facts_are_plain_data(state: SyncState) -> None:
    state.note(online=False, error={"code": "SYNC"})
    state.note(online=True)
    assert state.facts() == {"online": True, "error": {"code": "SYNC"}}


def test_a_database_of_a_later_version_is_not_touched(path: Path) -> None:
    with SyncState.open(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(SyncError, match="version 9"):
        SyncState.open(path)

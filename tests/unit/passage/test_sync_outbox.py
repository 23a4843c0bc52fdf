"""Everything that verifies is sent, in order, from every journal there is; the rest is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.model import EventKind, UnixTime
from kiosk.passage.journal_file import set_aside
from kiosk.passage.sync_outbox import DAMAGED, MAX_TEXT, Outbox, Parcel
from kiosk.passage.sync_state import START, Cursor, SyncState
from tests.journals import Gate, events_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "journal.db"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SyncState]:
    with SyncState.open(tmp_path / "sync.db") as state:
        yield state


@pytest.fixture
def outbox(path: Path, state: SyncState) -> Outbox:
    return Outbox(path, state, lambda: 99.0)


def written(path: Path, people: int = 5, seed: int = 1) -> None:
    gate = Gate.open(path, seed=seed)
    gate.pass_by(people)
    gate.close()


def drain(outbox: Outbox, state: SyncState) -> list[Parcel]:
    """Send everything to a server that takes it."""
    parcels = []
    while (parcel := outbox.next()) is not None:
        state.acknowledge(parcel.cursor, parcel.after)
        parcels.append(parcel)
    return parcels


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_without_a_journal_there_is_nothing_to_send_and_no_fault(outbox: Outbox) -> None:
    assert outbox.next() is None
    assert outbox.pending() is None


def test_the_whole_journal_goes_in_parcels_that_join(outbox: Outbox, state: SyncState, path: Path) -> None:
    written(path, 7)
    outbox.limit = 4
    assert outbox.pending() == 10
    parcels = drain(outbox, state)
    assert [[event.seq for event in parcel.events] for parcel in parcels] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 10],
    ]
    assert [event.hash for parcel in parcels for event in parcel.events] == [
        event.hash for event in events_of(path)
    ]
    assert parcels[1].cursor == parcels[0].after
    assert parcels[0].cursor.head == START
    assert outbox.pending() == 0


def test_what_is_written_later_comes_later(outbox: Outbox, state: SyncState, path: Path) -> None:
    gate = Gate.open(path)
    assert [event.seq for parcel in drain(outbox, state) for event in parcel.events] == [1, 2, 3]
    gate.pass_by(1)
    assert [event.seq for parcel in drain(outbox, state) for event in parcel.events] == [4]
    gate.close()


def test_a_parcel_is_bounded_in_bytes_too(outbox: Outbox, state: SyncState, path: Path) -> None:
    gate = Gate.open(path)
    for _ in range(40):
        gate.journal.append(EventKind.DIRECTORY, {"filler": "x" * 60_000})
    gate.close()
    sizes = [sum(len(event.body or "") for event in parcel.events) for parcel in drain(outbox, state)]
    assert len(sizes) == 3
    assert max(sizes) < MAX_TEXT + 65_536


def test_a_journal_set_aside_goes_first_and_is_done_with(
    outbox: Outbox, state: SyncState, path: Path
) -> None:
    written(path, 2)
    old = events_of(path)
    state.acknowledge(Cursor(epoch_of(path), 0, START), Cursor(epoch_of(path), 3, old[2].hash))
    aside = set_aside(path, UnixTime(1.7e9))
    written(path, 1, seed=2)
    sent = [event.hash for parcel in drain(outbox, state) for event in parcel.events]
    assert sent == [event.hash for event in (*old[3:], *events_of(path))]
    assert state.is_finished(aside.name)
    assert state.dead_letter_count() == 0


def test_of_a_damaged_journal_the_sound_part_is_sent_and_the_rest_named(
    outbox: Outbox, state: SyncState, path: Path
) -> None:
    written(path, 7)
    change(path, "UPDATE events SET body = replace(body, 'ADMIT', 'REFER') WHERE seq = 8")
    aside = set_aside(path, UnixTime(1.7e9))
    written(path, 1, seed=2)
    sent = [event.seq for parcel in drain(outbox, state) for event in parcel.events]
    assert sent == [1, 2, 3, 4, 5, 6, 7, *(event.seq for event in events_of(path))]
    (letter,) = state.dead_letters()
    assert (letter.seq, letter.reason, letter.line, letter.at) == (8, DAMAGED, aside.name, 99.0)
    assert drain(outbox, state) == []
    assert state.dead_letter_count() == 1


@pytest.mark.parametrize("content", [b"", b"no journal", b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_journal_any_more_is_one_dead_letter_and_holds_nothing_up(
    outbox: Outbox, state: SyncState, path: Path, content: bytes
) -> None:
    written(path, 1)
    aside = set_aside(path, UnixTime(1.7e9))
    aside.write_bytes(content)
    for side in path.parent.glob("*set-aside*-*m"):
        side.unlink()
    written(path, 2, seed=2)
    assert [event.hash for parcel in drain(outbox, state) for event in parcel.events] == [
        event.hash for event in events_of(path)
    ]
    assert [letter.line for letter in state.dead_letters()] == [aside.name]


def test_damage_in_the_gates_own_journal_stops_before_it_and_says_so(
    outbox: Outbox, state: SyncState, path: Path
) -> None:
    written(path, 5)
    change(path, "UPDATE events SET header = replace(header, 'passage', 'Passage') WHERE seq = 6")
    assert [event.seq for parcel in drain(outbox, state) for event in parcel.events] == [1, 2, 3, 4, 5]
    assert outbox.problem is not None
    assert "6" in outbox.problem
    assert state.dead_letter_count() == 0  # the gate sets it aside at its next start


def test_a_missing_event_is_not_jumped_over(outbox: Outbox, state: SyncState, path: Path) -> None:
    written(path, 5)
    change(path, "DELETE FROM events WHERE seq = 4")
    assert [event.seq for parcel in drain(outbox, state) for event in parcel.events] == [1, 2, 3]


def test_a_purged_body_can_not_be_sent_and_is_not_made_up(
    outbox: Outbox, state: SyncState, path: Path
) -> None:
    written(path, 3)
    event = events_of(path)[4]
    change(
        path, f"UPDATE events SET salt = NULL, body = NULL, digest = x'{event.digest.hex()}' WHERE seq = 5"
    )
    assert [event.seq for parcel in drain(outbox, state) for event in parcel.events] == [1, 2, 3, 4]
    assert outbox.problem == "the body of event 5 has been purged"


def test_a_journal_put_back_from_a_copy_is_sent_again_from_the_start(
    outbox: Outbox, state: SyncState, path: Path
) -> None:
    """The same epoch, shorter than what the server was sent: only the server can tell what is what."""
    written(path, 2)
    copy = path.read_bytes()
    gate = Gate.open(path, seed=3)
    gate.pass_by(4)
    gate.close()
    drain(outbox, state)
    for side in path.parent.glob("journal.db-*"):
        side.unlink()
    path.write_bytes(copy)
    parcel = outbox.next()
    assert parcel is not None
    assert parcel.cursor.seq == 0
    assert [event.seq for event in parcel.events] == [1, 2, 3, 4, 5]


def test_a_cursor_that_is_not_this_chains_is_not_continued(
    outbox: Outbox, state: SyncState, path: Path
) -> None:
    written(path, 3)
    epoch = epoch_of(path)
    state.acknowledge(Cursor(epoch, 0, START), Cursor(epoch, 3, "ee" * 32))
    parcel = outbox.next()
    assert parcel is not None
    assert parcel.cursor == Cursor(epoch, 0, START)


def epoch_of(path: Path) -> str:
    return str(events_of(path)[0].fields()["epoch"])

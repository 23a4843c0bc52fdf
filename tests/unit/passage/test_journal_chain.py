"""The chain notices every change: of any byte of any column, of the order, of what is missing."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import JournalDamaged, JournalError
from kiosk.model import EventSeq
from kiosk.passage.chain import chain_hash, exact_json, read_wire_line, wire_line
from kiosk.passage.journal import JournalReader, StoredEvent, check_whole, verifies
from tests.unit.passage.journal_tools import flip, purge, tampering, write_some

EVENTS = 8
PURGED = 2
COLUMNS = ("header", "salt", "body", "digest", "hash")
texts = st.text(st.characters(codec="utf-8"), max_size=200)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of eight events, the first two already purged."""
    path = tmp_path_factory.mktemp("sound") / "journal.db"
    write_some(path, EVENTS - 1)
    purge(path, PURGED)
    assert check_whole(path).ok
    return path


def copy_of(path: Path) -> Path:
    folder = path.parent / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return Path(shutil.copy(path, folder))


def by_the_document(prev: bytes, header: str, content: bytes) -> bytes:
    """Written from docs/journal.md, not from the code."""
    text = header.encode()
    return hashlib.sha256(prev + len(text).to_bytes(4, "big") + text + content).digest()


# -- the formula ----------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32), texts, st.binary(min_size=16, max_size=16), texts)
def test_the_hash_is_what_the_document_says(prev: bytes, header: str, salt: bytes, body: str) -> None:
    content = hashlib.sha256(salt + body.encode()).digest()
    assert chain_hash(prev, header, salt, body) == by_the_document(prev, header, content)


@given(texts, st.binary(min_size=16, max_size=16), texts)
def test_a_line_comes_back_exactly(header: str, salt: bytes, body: str) -> None:
    event = StoredEvent(EventSeq(1), header, salt, body, b"", "", "")
    line = wire_line(event)
    assert "\n" not in line
    assert read_wire_line(line) == (header, salt, body)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        '["a","b"]',
        '["a",1,"b"]',
        '["a","%%","b"]',
        '["a","QUJD","b"]',
        '["a","","b","c"]',
        "nul",
    ],
)
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every way of being wrong has its own words
        read_wire_line(line)


@given(st.text(max_size=100))
def test_any_text_becomes_ascii(text: str) -> None:
    assert exact_json({"text": text}).isascii()


# -- tampering ------------------------------------------------------------------------------------------


@given(
    seq=st.integers(1, EVENTS),
    column=st.sampled_from(COLUMNS),
    place=st.integers(0, 10_000),
    mask=st.integers(1, 255),
)
def test_any_byte_flipped_in_any_column_is_noticed(
    sound: Path, seq: int, column: str, place: int, mask: int
) -> None:
    path = copy_of(sound)
    with tampering(path) as connection:
        question = f"SELECT typeof({column}), CAST({column} AS BLOB) FROM events WHERE seq = ?"
        kind, value = connection.execute(question, (seq,)).fetchone()
        if value is None:
            return
        changed = bytearray(value)
        changed[place % len(changed)] ^= mask
        connection.execute(
            f"UPDATE events SET {column} = CAST(? AS {kind}) WHERE seq = ?", (bytes(changed), seq)
        )
    found = JournalReader(path).verify()
    assert not found.ok
    assert found.at == seq
    assert (found.last or 0) == seq - 1


@given(offset=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_any_byte_flipped_in_the_file_is_noticed_or_changes_no_event(
    sound: Path, offset: int, mask: int
) -> None:
    path = copy_of(sound)
    flip(path, offset % path.stat().st_size, mask)
    before = JournalReader(sound).events()
    assert not checked(path) or JournalReader(path).events() == before


def checked(path: Path) -> bool:
    """An error in words is as good as an answer."""
    try:
        return check_whole(path).ok
    except JournalError:
        return False


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ("DELETE FROM events WHERE seq = 5", 5),
        ("DELETE FROM events WHERE seq = 1", 1),
        ("UPDATE events SET seq = 0 WHERE seq = 1", 1),
        ("UPDATE events SET seq = 99 WHERE seq = 8", 8),
        ("INSERT INTO events SELECT 9, header, salt, body, digest, hash FROM events WHERE seq = 8", 9),
        ("INSERT INTO events SELECT -5, header, salt, body, digest, hash FROM events WHERE seq = 8", 1),
        ("UPDATE events SET body = (SELECT body FROM events WHERE seq = 7) WHERE seq = 6", 6),
        ("UPDATE events SET salt = NULL WHERE seq = 6", 6),
        ("UPDATE events SET salt = NULL, body = NULL WHERE seq = 6", 6),
        ("UPDATE events SET digest = zeroblob(32) WHERE seq = 6", 6),
        ("UPDATE events SET hash = x'00' WHERE seq = 6", 6),
        ("DELETE FROM events", 1),
    ],
)
def test_missing_moved_doubled_and_hollowed_events_are_noticed(sound: Path, change: str, at: int) -> None:
    path = copy_of(sound)
    with tampering(path) as connection:
        connection.execute(change)
    found = JournalReader(path).verify()
    assert not found.ok
    assert found.problem
    assert found.at in (None, at)


def rewrite(path: Path, seq: int, old: str, new: str) -> None:
    """A forger who knows the formula: change a header and make every later hash fit."""
    events = JournalReader(path).events()
    prev = bytes.fromhex(events[seq - 1].prev)
    with tampering(path) as connection:
        for event in events[seq - 1 :]:
            header = event.header.replace(old, new) if event.seq == seq else event.header
            prev = by_the_document(prev, header, event.digest)
            connection.execute(
                "UPDATE events SET header = ?, hash = ? WHERE seq = ?", (header, prev, event.seq)
            )


@pytest.mark.parametrize(
    ("seq", "old", "new", "problem"),
    [
        (5, '"seq":5', '"seq":6', "says it is event 6"),
        (5, '"v":1', '"v":2', "unknown version"),
        (5, '"device":"gate-7"', '"device":"gate-8"', "another epoch or device"),
        (5, '"simulated":false', '"simulated":true', "another epoch or device"),
        (1, '"kind":"genesis"', '"kind":"passage"', "not a genesis"),
        (5, '{"v"', '["v"', "not JSON"),
    ],
)
def test_a_link_that_holds_but_does_not_belong_here_is_noticed(
    sound: Path, seq: int, old: str, new: str, problem: str
) -> None:
    path = copy_of(sound)
    rewrite(path, seq, old, new)
    found = JournalReader(path).verify()
    assert not found.ok
    assert found.at == seq
    assert problem in str(found.problem)


def test_a_purged_event_still_verifies_and_has_nothing_to_send(sound: Path) -> None:
    found = JournalReader(sound).verify()
    assert (found.ok, found.checked, found.purged) == (True, EVENTS, PURGED)
    event = JournalReader(sound).events()[0]
    assert event.content() is None
    assert verifies(event)
    with pytest.raises(ValueError, match="purged"):
        wire_line(event)
    page = sound.read_bytes()
    assert b"no journal was there" not in page, "secure_delete: the bytes are gone from the file"


def test_a_single_event_can_be_checked_against_the_one_before(sound: Path) -> None:
    event = JournalReader(sound).events(after=EventSeq(4), limit=1)[0]
    assert verifies(event)
    assert not verifies(replace(event, header=event.header + " "))


def test_texts_that_are_no_json_say_which_event(sound: Path) -> None:
    event = JournalReader(sound).events()[-1]
    for text in ("", "[1]", "{", "1"):
        with pytest.raises(JournalDamaged, match="event 8"):
            replace(event, header=text).fields()


def test_the_table_refuses_what_is_not_of_its_type(sound: Path) -> None:
    path = copy_of(sound)
    with tampering(path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE events SET hash = 'text' WHERE seq = 3")

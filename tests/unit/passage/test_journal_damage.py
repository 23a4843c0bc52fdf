"""A journal that does not verify is set aside whole, the next epoch says so, and the gate goes on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kiosk.bench.journal import make_journal
from kiosk.errors import JournalError
from kiosk.model import DeviceId, EventKind
from kiosk.passage.journal import JournalReader, set_asides
from tests.unit.passage.journal_tools import (
    DEVICE,
    HandClock,
    admit,
    flip,
    open_journal,
    purge,
    tampering,
    write_some,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def contents(path: Path) -> dict[str, bytes]:
    """The journal and its side files, by what follows the name."""
    return {
        tail: file.read_bytes()
        for tail in ("", "-wal")
        if (file := path.with_name(path.name + tail)).exists()
    }


def flip_schema(path: Path) -> None:
    """SQLite's complaint then quotes bytes that are no UTF-8, which Python can't pass on."""
    flip(path, path.read_bytes().index(b"INTEGER PRIMARY"), 0x80)


def flip_newest_body(path: Path) -> None:
    flip(path, path.read_bytes().index(b'"number":29'), 0x01)


def cut_a_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def zero_a_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(data)


def another_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def a_newer_version(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute("PRAGMA user_version=2")


def an_extra_trigger(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END")


def no_events(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute("DELETE FROM events")


def a_missing_event(path: Path) -> None:
    with tampering(path) as connection:
        connection.execute("DELETE FROM events WHERE seq = 4")


DAMAGES = [
    flip_newest_body,
    flip_schema,
    cut_a_page,
    empty,
    garbage,
    zero_a_page,
    another_database,
    a_newer_version,
    an_extra_trigger,
    no_events,
    a_missing_event,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_is_kept_whole_and_a_new_epoch_begins(
    path: Path, damage: Callable[[Path], None]
) -> None:
    write_some(path, 30)
    damage(path)
    as_found = contents(path)
    with open_journal(path) as journal:
        aside = journal.set_aside
        assert aside == path.with_name("journal.set-aside-20261121T120000Z.db")
        assert contents(aside) == as_found
        assert admit(journal).seq == 2
    genesis = JournalReader(path).events()[0]
    content = genesis.content() or {}
    assert genesis.kind == EventKind.GENESIS
    assert content["set_aside"] == aside.name
    assert content["why"]
    assert JournalReader(path).verify().ok
    assert set_asides(path) == [aside]


def test_the_new_epoch_names_the_last_event_that_still_verified(path: Path) -> None:
    receipts = write_some(path, 30)
    flip_newest_body(path)
    with open_journal(path) as journal:
        assert journal.epoch != receipts[0].epoch
    content = JournalReader(path).events()[0].content() or {}
    good = receipts[-2]
    assert content["previous"] == {"epoch": good.epoch, "seq": good.seq, "head": good.head}
    assert f"event {receipts[-1].seq} was changed" in content["why"]


def test_what_still_verifies_can_be_read_from_the_set_aside_file(path: Path) -> None:
    receipts = write_some(path, 30)
    flip_newest_body(path)
    with open_journal(path) as journal:
        pass
    assert journal.set_aside is not None
    found = JournalReader(journal.set_aside).verify()
    assert (found.ok, found.last, found.head) == (False, receipts[-2].seq, receipts[-2].head)


def test_the_wal_of_a_killed_writer_is_set_aside_with_its_journal(path: Path, tmp_path: Path) -> None:
    live = tmp_path / "live" / "journal.db"
    with open_journal(live) as journal:
        admit(journal)
        for tail in ("", "-wal"):
            shutil.copy(live.with_name(live.name + tail), path.with_name(path.name + tail))
    flip(path, 100)
    as_found = contents(path)
    assert set(as_found) == {"", "-wal"}
    with open_journal(path) as after:
        assert after.set_aside is not None
        assert contents(after.set_aside) == as_found


def test_a_wal_without_its_journal_is_never_mixed_into_a_new_one(path: Path, tmp_path: Path) -> None:
    live = tmp_path / "live" / "journal.db"
    with open_journal(live) as journal:
        for number in range(20):
            admit(journal, number)
        shutil.copy(live.with_name("journal.db-wal"), path.with_name("journal.db-wal"))
    orphan = path.with_name("journal.db-wal").read_bytes()
    with open_journal(path) as after:
        assert after.seq == 1
        assert after.set_aside is not None
        assert after.set_aside.with_name(after.set_aside.name + "-wal").read_bytes() == orphan
    content = JournalReader(path).events()[0].content() or {}
    assert content["previous"] == "none"
    assert "only its side files" in content["why"]


def test_two_set_asides_of_one_second_keep_two_names(path: Path) -> None:
    for _ in range(3):
        write_some(path)
        garbage(path)
    open_journal(path).close()
    names = [file.name for file in set_asides(path)]
    assert len(names) == len(set(names)) == 3


def test_a_clock_before_1970_still_gives_a_name(path: Path) -> None:
    clock = HandClock()
    clock.time = type(clock.time)(-5.0)
    path.write_bytes(b"")
    with open_journal(path, clock) as journal:
        assert journal.set_aside == path.with_name("journal.set-aside-19700101T000000Z.db")


@pytest.mark.parametrize("options", [{"device": DeviceId("gate-8")}, {"simulated": True}])
def test_a_sound_journal_of_another_device_or_of_a_simulation_is_not_continued(
    path: Path, options: dict[str, Any]
) -> None:
    receipts = write_some(path)
    with open_journal(path, **options) as journal:
        assert journal.set_aside is not None
        assert JournalReader(journal.set_aside).verify().ok
    content = JournalReader(path).events()[0].content() or {}
    assert content["previous"]["head"] == receipts[-1].head
    assert "device" in content["why"] or "simulated" in content["why"]


def test_old_damage_is_found_by_the_whole_walk_not_by_the_start(path: Path) -> None:
    # Verifying 240,000 events would keep people waiting: the background check does that.
    make_journal(path, 1100, DEVICE)
    with tampering(path) as connection:
        connection.execute("UPDATE events SET body = '{}' WHERE seq = 50")
    with open_journal(path, simulated=True) as journal:
        assert journal.set_aside is None
        admit(journal)
    found = JournalReader(path).verify()
    assert (found.ok, found.at, found.last) == (False, 50, 49)


def test_a_purged_journal_is_sound(path: Path) -> None:
    write_some(path, 20)
    purge(path, 15)
    with open_journal(path) as journal:
        assert journal.set_aside is None
        assert admit(journal).seq == 22


# -- something else in its place --------------------------------------------------------------------------


def link_to_elsewhere(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere.db"))


@pytest.mark.parametrize(
    ("occupy", "message"),
    [(Path.mkdir, "is a directory"), (link_to_elsewhere, "symbolic link"), (os.mkfifo, "no regular file")],
)
def test_what_is_no_file_of_its_own_is_an_error_and_stays_untouched(
    path: Path, occupy: Callable[[Path], None], message: str
) -> None:
    occupy(path)
    with pytest.raises(JournalError, match=message) as raised:
        open_journal(path)
    assert raised.value.errno
    assert [file.name for file in path.parent.iterdir()] == ["journal.db"]


@pytest.mark.parametrize("tail", [".lock", ".reserve"])
def test_a_link_in_place_of_a_side_file_is_an_error(path: Path, tail: str) -> None:
    target = path.with_name("precious")
    target.write_text("keep me")
    path.with_name(path.name + tail).symlink_to(target)
    with pytest.raises(JournalError, match="symbolic links"):
        open_journal(path)
    assert target.read_text() == "keep me"


def test_a_file_in_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file"):
        open_journal(tmp_path / "file" / "journal.db")

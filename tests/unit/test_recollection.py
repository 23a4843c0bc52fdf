"""What a gate that is started anew in the same boot still knows, and what knowing it costs."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from drivers.simulated.clock import VirtualClock
from kiosk.model import EventKind, Monotonic, Verdict
from kiosk.passage.journal import Journal
from kiosk.recollection import NEWEST, remembered
from tests.journals import DEVICE, passage_body
from tests.street import memory_folder

BOOT = "this boot"
LATER = Monotonic(1e9)


@pytest.fixture
def file() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder / "journal.db"


def write(file: Path, people: int, boot: str = BOOT) -> list[str]:
    """So many ADMITs; the passes' names."""
    random, clock = Random(7), VirtualClock()
    names = []
    with Journal.open(file, device=DEVICE, clock=clock, reserve_bytes=0, boot_id=boot) as journal:
        for _ in range(people):
            clock.advance(4.0)
            body = passage_body(random)
            journal.append(EventKind.PASSAGE, body, verdict=Verdict.ADMIT)
            names.append(body["pass"]["token"])
    return names


def test_the_newest_of_this_boot_are_remembered_in_order(file: Path) -> None:
    names = write(file, NEWEST + 50)
    found = remembered(file, BOOT, LATER)
    assert [passage.pass_id for passage in found] == names[-len(found) :]
    assert NEWEST - 10 <= len(found) <= NEWEST
    assert all(passage.admitted and not passage.doubted for passage in found)
    assert remembered(file, "another boot", LATER) == []
    assert remembered(file.with_name("none.db"), BOOT, LATER) == []


def test_remembering_takes_little_memory(file: Path) -> None:
    """A gate that is killed at noon must not come back twice its size."""
    write(file, NEWEST)
    tracemalloc.start()
    try:
        assert len(remembered(file, BOOT, LATER)) > NEWEST - 10
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 << 20


def test_a_record_that_can_not_be_read_keeps_nobody_from_starting(file: Path) -> None:
    write(file, 3)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE events SET body = 'no JSON' WHERE seq = 3")
    assert remembered(file, BOOT, LATER) == []

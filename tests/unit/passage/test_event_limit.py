"""At most two events a second besides passages, and nothing that was said is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import EventKind, Monotonic
from kiosk.passage.event_limit import BODIES, BURST, FAULT_BURST, EventLimit
from kiosk.passage.journal import JournalReader
from tests.unit.passage.journal_tools import HandClock, admit, open_journal

ALWAYS = [
    EventKind.PASSAGE,
    EventKind.CONTEXT,
    EventKind.STARTED,
    EventKind.STOPPED,
    EventKind.MODE,
    EventKind.DIRECTORY,
    EventKind.RESOLUTION,
    EventKind.COUNTED,
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def kinds(path: Path) -> Counter[str]:
    return Counter(event.kind for event in JournalReader(path).walk())


def counted(path: Path) -> list[dict[str, Any]]:
    return [event.content() or {} for event in JournalReader(path).events(kind=EventKind.COUNTED)]


def test_a_stuck_call_button_leaves_two_records_and_a_count(path: Path) -> None:
    clock = HandClock()
    with open_journal(path, clock) as journal:
        receipts = [journal.append(EventKind.CALL, {}) for _ in range(100)]
        assert [receipt.counted for receipt in receipts] == [False] * 2 + [True] * 98
        clock.advance(1.0)
        admit(journal)
    assert kinds(path) == {"genesis": 1, "call": 2, "counted": 1, "passage": 1}
    [body] = counted(path)
    assert body["events"] == [{"kind": "call", "count": 98, "first": 100.0, "last": 100.0, "body": {}}]
    assert body["what"] == "too fast"


def test_a_counted_event_has_no_receipt_that_could_light_green(path: Path) -> None:
    with open_journal(path) as journal:
        last = admit(journal)
        for _ in range(3):
            receipt = journal.append(EventKind.CALL, {})
        assert receipt.counted
        assert receipt.verdict is None
        assert receipt.seq == last.seq + 2


def test_what_was_counted_is_on_record_after_close(path: Path) -> None:
    with open_journal(path) as journal:
        for _ in range(5):
            journal.append(EventKind.CALL, {})
    assert counted(path)[0]["events"][0]["count"] == 3


def test_the_gate_can_have_the_count_written_while_nobody_passes(path: Path) -> None:
    clock = HandClock()
    with open_journal(path, clock) as journal:
        for _ in range(5):
            journal.append(EventKind.CALL, {})
        assert journal.write_counted() is None
        clock.advance(0.5)
        receipt = journal.write_counted()
        assert receipt is not None
        assert receipt.seq == journal.seq
        assert journal.write_counted() is None


def test_every_part_failing_at_once_is_written_in_full(path: Path) -> None:
    with open_journal(path) as journal:
        for part in range(20):
            assert not journal.append(EventKind.FAULT, {"part": str(part)}).counted
    assert kinds(path)["fault"] == 20


def test_the_last_state_of_a_flapping_part_is_on_record(path: Path) -> None:
    clock = HandClock()
    with open_journal(path, clock) as journal:
        for _ in range(100):
            journal.append(EventKind.FAULT, {"part": "camera"})
            journal.append(EventKind.RECOVERED, {"part": "camera"})
            clock.advance(0.01)
    entries = {entry["kind"]: entry for body in counted(path) for entry in body["events"]}
    assert entries["fault"]["body"] == {"part": "camera"}
    written = kinds(path)
    assert written["fault"] + entries["fault"]["count"] == 100
    assert written["recovered"] + entries["recovered"]["count"] == 100
    assert entries["recovered"]["last"] == 100.99


def test_bodies_beyond_a_handful_are_counted_by_kind(path: Path) -> None:
    with open_journal(path) as journal:
        for number in range(50):
            journal.append(EventKind.CALL, {"number": number})
        journal.append(EventKind.CLOCK, {"long": "x" * 5000})
    [body] = counted(path)
    assert len(body["events"]) == BODIES
    assert body["others"] == {"call": 50 - 2 - BODIES, "clock": 1}


@pytest.mark.parametrize("kind", ALWAYS)
def test_what_explains_others_or_follows_from_a_person_is_always_written(kind: EventKind) -> None:
    limit = EventLimit()
    assert all(limit.admits(kind, Monotonic(0.0)) for _ in range(1000))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([EventKind.CALL, EventKind.CLOCK, EventKind.FAULT, EventKind.RECOVERED]),
            st.floats(0, 3),
        ),
        max_size=300,
    )
)
def test_never_more_than_two_a_second_beyond_the_burst_and_every_event_accounted_for(
    events: list[tuple[EventKind, float]],
) -> None:
    limit, now = EventLimit(), Monotonic(0.0)
    written = records = reported = 0
    for kind, pause in events:
        now = Monotonic(now + pause)
        if limit.due(now):
            reported += total(limit.body())
            limit.written()
            records += 1
        if limit.admits(kind, now):
            written += 1
        else:
            limit.hold(kind, "{}", now)
    assert written + records <= FAULT_BURST + BURST + 2 * now
    assert written + reported + total(limit.body()) == len(events)


def total(body: dict[str, Any]) -> int:
    return int(sum(entry["count"] for entry in body["events"]) + sum(body["others"].values()))

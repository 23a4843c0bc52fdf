"""DRIFT that only the journal knows of: the file is gone, is older, or belongs to other settings by now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.simulated.clock import VirtualClock
from kiosk.baseline_file import FILE_NAME, last_told, read
from kiosk.model import ClockState, EventKind, Monotonic, UnixTime
from kiosk.passage.baseline import Drift
from kiosk.passage.journal import Journal
from tests.journals import DEVICE, RESERVE
from tests.unit.test_baseline_keeper import NOON, SITE, Gate, again


def journal_of(gate: Gate, *, state: ClockState = ClockState.NTP, wall: float | None = None) -> None:
    """What this gate has told, in a journal beside its file, dated as its clock claims."""
    clock = VirtualClock(UnixTime(gate.wall + gate.now if wall is None else wall), state=state)
    path = gate.folder / "journal.db"
    with Journal.open(path, device=DEVICE, clock=clock, reserve_bytes=RESERVE) as journal:
        for event in gate.events:
            journal.append(EventKind.BASELINE, event)
    gate.events.clear()


@pytest.fixture
def drifting(tmp_path: Path) -> Gate:
    """DRIFT that is on record, and in no file: the disk refused that one."""
    made = Gate(tmp_path).load()
    made.people(40, 0.28)
    made.stop()
    older = (tmp_path / FILE_NAME).read_bytes()
    made.people(100, 1.0)
    assert made.keeper.drift is Drift.CLAMP
    journal_of(made)
    (tmp_path / FILE_NAME).write_bytes(older)
    return made


def test_a_file_from_before_the_drift_does_not_end_it(drifting: Gate) -> None:
    assert Gate(drifting.folder).load(drifting.now).keeper.drift is Drift.CLAMP
    assert Gate(drifting.folder, boot="two").load(30.0).keeper.drift is Drift.CLAMP


def test_other_settings_for_a_while_do_not_end_it(drifting: Gate) -> None:
    other = Gate(drifting.folder, replace(SITE, emissivity=0.97)).load(drifting.now)
    assert other.keeper.drift is None, "that is another baseline"
    other.people(2, 0.0)
    other.stop()
    assert Gate(drifting.folder).load(other.now).keeper.drift is Drift.CLAMP


def test_a_check_that_the_file_knows_of_has_ended_it(drifting: Gate) -> None:
    """The journal could not be told of the end; the file was."""
    after = Gate(drifting.folder).load(drifting.now)
    after.wait(60.0)
    after.check()
    ended: Drift | None = after.keeper.drift
    assert ended is None
    assert again(after).keeper.drift is None


@pytest.mark.parametrize("claimed", [0.0, NOON - 1e6, NOON + 1e6])
def test_a_clock_that_nobody_vouches_for_puts_no_check_after_the_drift(
    tmp_path: Path, claimed: float
) -> None:
    gate = Gate(tmp_path).load()
    gate.check()
    gate.stop()
    before = (tmp_path / FILE_NAME).read_bytes()
    gate.people(40, 1.0)
    journal_of(gate, state=ClockState.UNTRUSTED, wall=claimed)
    (tmp_path / FILE_NAME).write_bytes(before)
    assert Gate(tmp_path).load(gate.now).keeper.drift is Drift.CLAMP


@pytest.mark.parametrize("cause", ["A_LATER_ONE", 7, ["CLAMP"], {}])
def test_a_cause_that_this_version_does_not_know_is_drift_all_the_same(tmp_path: Path, cause: object) -> None:
    gate = Gate(tmp_path).load()
    gate.events.append({"drift": cause, "bound": gate.keeper.summary(Monotonic(gate.now))["bound"]})
    journal_of(gate)
    assert Gate(tmp_path).load(gate.now).keeper.drift is Drift.CHECK


def test_nothing_is_told_where_nothing_is(tmp_path: Path) -> None:
    assert last_told(tmp_path / "journal.db", "any") is None
    assert read(tmp_path / FILE_NAME) is None

"""What a restart must still know of the baseline, what it must not believe, and how DRIFT ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.baseline_file import FILE_NAME
from kiosk.baseline_keeper import SAVE_EVERY, BaselineKeeper, Bound
from kiosk.model import (
    Celsius,
    ClockState,
    EventKind,
    Monotonic,
    Reading,
    Screening,
    TimeInterval,
    UnixTime,
)
from kiosk.passage.baseline import DECAY, FEWEST, WINDOW, Drift
from kiosk.passage.site import Calibration, Commissioning, Site, corrected_with
from kiosk.reference_check import FILE_NAME as CHECK_FILE
from kiosk.reference_check import ReferenceCheck

PART: Final = "mlx90614 xAA"
HERE: Final = Commissioning.make(Celsius(34.0), 120, "2027-01-01", simulated=False)
SITE: Final = Site(commissioning=HERE)
NOON: Final = 1_798_779_600.0
"""Wall time at monotonic 0 of the first boot."""
HOUR: Final = 3600.0


class Gate:
    """A keeper in a folder, with a clock of its own; journal events are gathered."""

    def __init__(self, folder: Path, site: Site = SITE, *, boot: str = "one", wall: float = NOON) -> None:
        self.events: list[dict[str, Any]] = []
        self.now = 1000.0
        self.chip = ""
        self.wall = wall
        self.trusted = True
        self.folder = folder
        self.keeper = BaselineKeeper(folder, Bound.to(site, PART, simulated=False), boot, self._tell)

    def _tell(self, kind: EventKind, body: Mapping[str, object], now: Monotonic) -> None:
        assert kind is EventKind.BASELINE
        assert now == self.now
        self.events.append(dict(body))

    @property
    def interval(self) -> TimeInterval:
        at = UnixTime(self.wall + self.now)
        if self.trusted:
            return TimeInterval.exactly(at)
        return TimeInterval(at, UnixTime(at + 30 * 86_400), ClockState.UNTRUSTED)

    def load(self, now: float = 1000.0) -> Gate:
        self.now = now
        self.keeper.load(Monotonic(now), self.folder / "journal.db")
        self.keeper.turn(Monotonic(now), self.interval)
        return self

    def people(self, count: int, above: float, *, every: float = 30.0) -> None:
        for number in range(count):
            self.now += every
            self.keeper.turn(Monotonic(self.now), self.interval, self.chip)
            self.person(above, f"{self.now}-{number}")
            self.keeper.turn(Monotonic(self.now), self.interval, self.chip)

    def person(self, above: float, token: str) -> None:
        value = self.keeper.value(Monotonic(self.now))
        reading = Reading(Screening.NORMAL, deviation=Celsius(above - value), baseline=value)
        self.keeper.take(reading, token, Monotonic(self.now))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += min(60.0, end - self.now)
            self.keeper.turn(Monotonic(self.now), self.interval, self.chip)

    def stop(self) -> None:
        self.keeper.close(Monotonic(self.now), self.interval)

    @property
    def value(self) -> float:
        return self.keeper.value(Monotonic(self.now))

    def check(self, error: float = 0.0, **changes: Any) -> None:
        """Somebody looks at a black body with it now."""
        made = ReferenceCheck(
            UnixTime(self.wall + self.now),
            "BB-7",
            Celsius(35 + error),
            Celsius(35),
            PART,
            False,
            corrected_with(SITE),
        )
        replace(made, **changes).save(self.folder / CHECK_FILE)
        self.wait(2.0)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    made = Gate(tmp_path).load()
    made.people(40, 0.28)
    assert made.value == 0.28
    return made


def again(gate: Gate, later: float = 10.0, **changes: Any) -> Gate:
    """The process ends and another one begins in the same boot."""
    gate.stop()
    made = Gate(gate.folder, **changes)
    made.trusted = gate.trusted
    return made.load(gate.now + later)


def rebooted(gate: Gate, off: float, *, trusted: bool = True) -> Gate:
    """The machine was off for a while; monotonic time begins anew."""
    gate.stop()
    made = Gate(gate.folder, boot="two", wall=gate.wall + gate.now + off - 20.0)
    made.trusted = trusted
    return made.load(20.0)


# -- changes are told ---------------------------------------------------------------------------------------


def test_a_change_is_told_once_with_what_it_came_from(gate: Gate) -> None:
    [event] = gate.events
    assert (event["was"], event["baseline"], event["shift"], event["fresh"]) == (0.0, 0.28, 0.28, FEWEST)
    assert event["drift"] is None


def test_letting_go_is_told_in_steps_down_to_nothing(gate: Gate) -> None:
    gate.wait(WINDOW + DECAY + 60)
    values = [event["baseline"] for event in gate.events]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0.0
    assert 4 <= len(values) <= 8


def test_the_same_pass_counts_once_in_two_hours(tmp_path: Path) -> None:
    gate = Gate(tmp_path).load()
    for number in range(60):
        gate.now += 100.0
        gate.person(0.5, f"friend {number % 2}")
    assert gate.value == 0.0
    assert gate.keeper.summary(Monotonic(gate.now))["baseline"] == 0.0


def test_what_is_no_result_moves_nothing(tmp_path: Path) -> None:
    gate = Gate(tmp_path).load()
    for number in range(60):
        gate.now += 10.0
        reading = Reading(Screening.RETRY, deviation=Celsius(-2.5))
        gate.keeper.take(reading, str(number), Monotonic(gate.now))
        gate.keeper.take(Reading(Screening.UNCOMMISSIONED), str(number), Monotonic(gate.now))
    assert gate.value == 0.0


# -- restarts ------------------------------------------------------------------------------------------


def test_a_restart_forgets_nothing(gate: Gate) -> None:
    after = again(gate)
    assert after.value == 0.28
    assert after.events == []
    after.people(5, 0.28)
    assert after.value == 0.28


def test_a_restart_after_hours_lets_go_as_if_there_had_been_none(gate: Gate) -> None:
    assert again(gate, later=WINDOW + DECAY).value == 0.0
    assert 0.0 < again(gate, later=WINDOW - 270 + DECAY / 2).value < 0.28


def test_a_killed_process_forgets_a_minute_of_people_at_most(gate: Gate) -> None:
    gate.people(100, 0.28, every=SAVE_EVERY / 4)
    made = Gate(gate.folder).load(gate.now)
    assert made.value == 0.28
    assert made.keeper._baseline.readings[-1].at >= gate.now - 1.25 * SAVE_EVERY


@pytest.mark.parametrize(("off", "value"), [(600.0, 0.28), (8 * HOUR, 0.0)])
def test_over_a_reboot_a_proven_time_says_how_old_it_is(gate: Gate, off: float, value: float) -> None:
    assert rebooted(gate, off).value == value


def test_over_a_reboot_nothing_counts_until_the_time_is_proven(gate: Gate) -> None:
    after = rebooted(gate, 600.0, trusted=False)
    assert after.value == 0.0
    after.people(3, 0.28)
    assert after.value == 0.0
    after.trusted = True
    after.wait(1.0)
    assert after.value == 0.28
    assert [event["baseline"] for event in after.events] == [0.28]
    assert len(after.keeper._baseline.readings) == 43, "who came meanwhile counts as well"


def test_what_was_saved_without_a_proven_time_does_not_survive_a_reboot(gate: Gate) -> None:
    gate.trusted = False
    gate.people(1, 0.28)
    gate.wait(100.0)
    assert rebooted(gate, 600.0).value == 0.0


def test_a_time_that_runs_backwards_proves_nothing(gate: Gate) -> None:
    assert rebooted(gate, -600.0).value == 0.0


@pytest.mark.parametrize(("says", "value"), [(950.0, 0.28), (800.0, 0.0)])
def test_what_was_saved_before_a_boot_is_at_least_as_old_as_the_boot(
    gate: Gate, says: float, value: float
) -> None:
    """1000 s after the boot a clock says less since then: it is a little behind, or proves nothing."""
    gate.stop()
    after = Gate(gate.folder, boot="two", wall=gate.wall + gate.now - 1000 + says)
    after.trusted = False
    after.load(5.0)
    after.people(3, 0.28, every=2.0)
    after.now, after.trusted = 1000.0, True
    after.wait(1.0)
    assert after.value == value
    times = [reading.at for reading in after.keeper._baseline.readings]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "other",
    [
        replace(SITE, commissioning=Commissioning.make(Celsius(34.1), 120, "2027-01-01", simulated=False)),
        replace(SITE, calibration=Calibration(1.01, made_on="2027-01-01")),
        replace(SITE, emissivity=0.97),
    ],
)
def test_another_site_part_or_calibration_begins_at_nothing(gate: Gate, other: Site) -> None:
    assert again(gate, site=other).value == 0.0


def test_another_threshold_is_the_same_site(gate: Gate) -> None:
    assert again(gate, site=replace(SITE, guard=Celsius(0.4))).value == 0.28


def test_a_damaged_file_begins_at_nothing_and_says_so(gate: Gate) -> None:
    gate.stop()
    (gate.folder / FILE_NAME).write_bytes(b"\0" * 400)
    after = Gate(gate.folder).load(gate.now)
    assert FILE_NAME in after.keeper.damage
    assert after.value == 0.0
    after.people(40, 0.28)
    assert again(after).value == 0.28


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ).map(lambda plain: json.dumps(plain).encode())
)
def test_whatever_stands_in_the_file_the_gate_starts(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / FILE_NAME).write_bytes(data)
    assert Gate(folder).load().value == 0.0


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float]:
    """Text of a good file, and when it was saved."""
    gate = Gate(tmp_path_factory.mktemp("state")).load()
    gate.people(32, 0.28)
    gate.stop()
    return (gate.folder / FILE_NAME).read_text(), gate.now


@given(st.data())
def test_one_wrong_value_in_the_file_is_damage_or_means_nothing(
    tmp_path_factory: pytest.TempPathFactory, saved: tuple[str, float], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("state")
    plain = json.loads(saved[0])
    target = plain if data.draw(st.booleans()) else plain["baseline"]
    key = data.draw(st.sampled_from(sorted(target)))
    target[key] = data.draw(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=3)
        | st.lists(st.integers())
    )
    (folder / FILE_NAME).write_text(json.dumps(plain))
    assert abs(Gate(folder).load(saved[1]).value) <= 0.6


def test_a_disk_that_refuses_is_told_and_tried_again(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes, mode: int = 0o640) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kiosk.baseline_keeper.write_atomic", refuse)
    gate.people(4, 0.28)
    assert gate.keeper.save_error is not None
    assert gate.value == 0.28
    monkeypatch.undo()
    gate.wait(61.0)
    assert gate.keeper.save_error is None


# -- drift ------------------------------------------------------------------------------------------


@pytest.fixture
def drifting(tmp_path: Path) -> Gate:
    made = Gate(tmp_path).load()
    made.people(40, 1.0)
    assert made.keeper.drift is Drift.CLAMP
    assert made.events[-1]["drift"] == "CLAMP"
    return made


def test_drift_outlives_restarts_reboots_and_unknown_times(drifting: Gate) -> None:
    assert again(drifting).keeper.drift is Drift.CLAMP
    for trusted in (True, False):
        assert rebooted(drifting, 900 * HOUR, trusted=trusted).keeper.drift is Drift.CLAMP


def test_a_check_that_fits_ends_it_and_the_baseline_begins_at_nothing(drifting: Gate) -> None:
    drifting.check(error=0.1)
    assert drifting.keeper.drift is None
    assert drifting.value == 0.0
    assert drifting.events[-1]["drift"] is None
    assert drifting.events[-1]["check"] is not None
    assert again(drifting).keeper.drift is None


@pytest.mark.parametrize(
    "changes",
    [
        {"error": 0.4},
        {"error": -0.4},
        {"part": "mlx90614 xBA"},
        {"part": "mlx90614 xA"},
        {"simulated": True},
        {"at": UnixTime(NOON)},
        {"at": UnixTime(NOON + 10 * HOUR)},
    ],
)
def test_a_check_that_does_not_fit_ends_nothing(drifting: Gate, changes: dict[str, Any]) -> None:
    drifting.check(**changes)
    assert drifting.keeper.drift is not None


def test_a_check_that_fits_under_a_changed_configuration_ends_nothing_here(drifting: Gate) -> None:
    """The calibration was mended until the check fitted, and the gate still runs with the old one."""
    mended = replace(SITE, calibration=Calibration(1.0, Celsius(-0.4), "2026-11-22", "BB-7"))
    drifting.check(corrections=corrected_with(mended))
    assert drifting.keeper.drift is not None
    drifting.check()
    assert drifting.keeper.drift is None


def test_a_check_by_the_part_of_that_number_is_one_by_this_part(drifting: Gate) -> None:
    drifting.check(part=f"{PART} 1F2E-77")
    assert drifting.keeper.drift is None


def test_a_check_by_another_chip_of_the_same_kind_ends_nothing(drifting: Gate) -> None:
    drifting.chip = "1F2E-77"
    drifting.check(part=f"{PART} AAAA-01")
    assert drifting.keeper.drift is not None
    drifting.check(part=f"{PART} 1F2E-77")
    assert drifting.keeper.drift is None


def test_another_chip_begins_at_nothing_and_the_same_one_does_not(gate: Gate) -> None:
    gate.chip = "1F2E-77"
    gate.wait(1.0)
    assert gate.value == 0.28, "it has only told its number now"
    after = again(gate)
    after.chip = "1F2E-77"
    after.wait(1.0)
    assert after.value == 0.28
    other = again(after)
    other.chip = "AAAA-01"
    other.wait(1.0)
    assert other.value == 0.0
    assert [event["baseline"] for event in other.events] == [0.0]


def test_the_check_of_last_week_does_not_end_the_drift_of_today(tmp_path: Path) -> None:
    gate = Gate(tmp_path).load()
    gate.check()
    gate.people(40, 1.0)
    gate.wait(60.0)
    assert again(gate).keeper.drift is Drift.CLAMP


def test_a_damaged_check_ends_nothing(drifting: Gate) -> None:
    (drifting.folder / CHECK_FILE).write_text("{")
    drifting.wait(3.0)
    assert drifting.keeper.drift is Drift.CLAMP


def test_a_check_that_finds_the_part_wrong_stops_automatic_results(gate: Gate) -> None:
    gate.check(error=0.5)
    assert gate.keeper.drift is Drift.CHECK
    after = again(gate)
    assert after.keeper.drift is Drift.CHECK
    after.check()
    ended: Drift | None = after.keeper.drift
    assert ended is None
    assert after.value == 0.0


def test_a_check_that_finds_the_part_well_changes_nothing(gate: Gate) -> None:
    gate.check()
    assert gate.value == 0.28


def test_a_part_that_was_found_wrong_is_wrong_when_it_is_put_back(gate: Gate) -> None:
    gate.chip = "1F2E-77"
    gate.check(error=0.5, part=f"{PART} 1F2E-77")
    assert gate.keeper.drift is Drift.CHECK
    gate.chip = "AAAA-01"
    gate.wait(2.0)
    spare: Drift | None = gate.keeper.drift
    assert spare is None, "another part begins anew"
    gate.chip = "1F2E-77"
    gate.wait(2.0)
    assert gate.keeper.drift is Drift.CHECK

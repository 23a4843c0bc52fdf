"""A whole gate, from foreheads to lights: baseline, DRIFT, a new gate, the air outside, hourly counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kiosk.model import (
    BusCounts,
    Category,
    Celsius,
    ClockState,
    EntryFrom,
    EventKind,
    Light,
    Monotonic,
    Reason,
    UnixTime,
    Verdict,
)
from kiosk.outdoor import FILE_NAME as OUTDOOR_FILE
from kiosk.outdoor import OutdoorEntry
from kiosk.passage.baseline import FEWEST
from kiosk.passage.site import corrected_with
from kiosk.person import Passage
from kiosk.reference_check import FILE_NAME as CHECK_FILE
from kiosk.reference_check import ReferenceCheck
from tests.street import WALL, Street, assert_sound


def state(street: Street) -> Path:
    return street.config.journal.path.parent


def everybody(street: Street, above: float, count: int = FEWEST) -> None:
    """That many people, each with a pass of their own."""
    for _ in range(count):
        quickly(street, street.issue(Category.RESIDENT).text, above)


def quickly(street: Street, text: str, above: float) -> Passage:
    passage = street.pass_by(text, above=above, stays=1.6)
    assert passage is not None
    return passage


def last_reading(street: Street) -> dict[str, Any]:
    reading: dict[str, Any] = street.events(EventKind.PASSAGE)[-1]["reading"]
    return reading


# -- the baseline ---------------------------------------------------------------------------------------


def test_what_all_of_a_day_share_is_taken_out_and_a_fever_still_stands_out(folder: Path) -> None:
    with Street(folder) as street:
        street.run(2.0)
        everybody(street, 0.28)
        passage = quickly(street, street.issue().text, 0.7)
        assert passage.decision.reasons[-1] is Reason.TEMPERATURE_NORMAL
        assert last_reading(street)["baseline"] == pytest.approx(0.28, abs=0.03)
        assert quickly(street, street.issue().text, 1.3).decision.verdict is Verdict.REFER
        [told] = street.events(EventKind.BASELINE)
        assert told["baseline"] == last_reading(street)["baseline"]
        street.restart()
        street.run(1.0)
        quickly(street, street.issue().text, 0.3)
        assert last_reading(street)["baseline"] == told["baseline"], "it outlives the process"
        street.kiosk.close()
        assert_sound(street.config.journal.path)


def test_one_person_who_comes_back_moves_nothing(folder: Path) -> None:
    with Street(folder) as street:
        street.run(2.0)
        text = street.issue().text
        for _ in range(FEWEST + 5):
            quickly(street, text, 0.45)
            street.leap(125.0)
            street.run(0.5)
        assert street.events(EventKind.BASELINE) == []


# -- drift ----------------------------------------------------------------------------------------------


def test_drift_refers_everybody_until_a_check_fits_and_all_of_it_is_on_record(folder: Path) -> None:
    with Street(folder) as street:
        street.run(2.0)
        everybody(street, 0.65)
        street.run(5.0)
        assert street.faults() == {"screening": "DRIFT"}
        assert street.light_now() is Light.FAULT
        for above in (0.0, 2.5):
            passage = quickly(street, street.issue().text, above)
            assert passage.decision.reasons[0] is Reason.DRIFT
        street.restart()
        street.run(2.0)
        assert street.faults() == {"screening": "DRIFT"}, "a restart does not end it"
        assert quickly(street, street.issue().text, 0.0).decision.verdict is Verdict.REFER
        check = ReferenceCheck(
            UnixTime(street.clock.wall()),
            "BB-7",
            Celsius(35.1),
            Celsius(35.0),
            f"{street.config.thermometer.driver} xAA",
            simulated=True,
            corrections=corrected_with(street.gate.surroundings.site),
        )
        check.save(state(street) / CHECK_FILE)
        street.run(8.0)
        assert street.faults() == {}
        assert street.light_now() is Light.IDLE
        assert quickly(street, street.issue().text, 0.0).decision.verdict is Verdict.ADMIT
        assert last_reading(street)["baseline"] == 0.0
        told = [(event["baseline"], event["drift"]) for event in street.events(EventKind.BASELINE)]
        assert [drift for _, drift in told] == ["CLAMP", None]
        assert told[-1][0] == 0.0
        street.kiosk.close()
        assert_sound(street.config.journal.path)


def test_drift_outlives_the_loss_of_its_file(folder: Path) -> None:
    with Street(folder) as street:
        street.run(2.0)
        everybody(street, 0.65)
        street.run(2.0)
        street.kiosk.close()
        (state(street) / "baseline.json").unlink()
        street.restart()
        street.run(2.0)
        assert street.faults() == {"screening": "DRIFT"}
        street.kiosk.close()
        (state(street) / "baseline.json").write_text("?")
        street.restart()
        street.run(2.0)
        assert street.faults() == {"screening": "DRIFT"}
        assert ("fault", "baseline", "BASELINE_DAMAGED") in street.told()


# -- a gate that nobody has commissioned ----------------------------------------------------------------


def test_a_gate_without_a_commissioning_refers_everybody_and_says_so(folder: Path) -> None:
    with Street(folder, commissioned=False) as street:
        street.run(6.0)
        assert street.faults() == {"screening": "UNCOMMISSIONED"}
        assert street.light_now() is Light.FAULT
        for above in (0.0, 0.6, 3.0):
            passage = quickly(street, street.issue().text, above)
            assert passage.decision.verdict is Verdict.REFER
            assert passage.decision.reasons[0] is Reason.UNCOMMISSIONED
            reading = last_reading(street)
            assert reading["forehead"] == pytest.approx(34.0 + above, abs=0.03)
            assert (reading["screening"], reading["deviation"]) == ("UNCOMMISSIONED", None)
        assert street.green_seconds() == 0
        street.kiosk.close()
        assert_sound(street.config.journal.path)


# -- the air outside ------------------------------------------------------------------------------------


class Wall:
    """An outdoor thermometer, one value a poll."""

    name = "outdoor"
    fault = None

    def __init__(self) -> None:
        self.celsius: float | None = 20.0

    def poll(self, now: Monotonic) -> Sequence[Celsius]:
        return () if self.celsius is None else (Celsius(self.celsius),)

    def close(self) -> None:
        """Nothing."""


@pytest.fixture
def lobby(folder: Path) -> Iterator[tuple[Street, Wall]]:
    """A heated lobby that people enter from the street."""
    with Street(folder, entry_from=EntryFrom.OUTDOORS) as street:
        wall = Wall()
        street.outdoor = wall
        street.restart()
        street.run(2.0)
        yield street, wall


def test_a_heated_lobby_measures_while_the_street_is_warm(lobby: tuple[Street, Wall]) -> None:
    street, wall = lobby
    assert street.faults() == {}
    passage = quickly(street, street.issue().text, 0.0)
    assert passage.decision.reasons == (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL)
    assert last_reading(street)["outdoor"] == 20.0
    contexts = len(street.events(EventKind.CONTEXT))
    wall.celsius = 17.3
    street.run(1.0)
    quickly(street, street.issue().text, 0.0)
    assert last_reading(street)["outdoor"] == 17.3
    assert len(street.events(EventKind.CONTEXT)) == contexts, "the weather is no setting"
    street.kiosk.close()
    assert_sound(street.config.journal.path)


@pytest.mark.parametrize("above", [0.0, -1.0, 2.0])
def test_a_cold_street_is_told_whatever_the_lobby_reads(lobby: tuple[Street, Wall], above: float) -> None:
    street, wall = lobby
    wall.celsius = -5.0
    street.run(6.0)
    assert street.faults() == {"environment": "OUTDOORS_COLD"}
    passage = quickly(street, street.issue().text, above)
    assert passage.decision.reasons == (Reason.PASS_VALID, Reason.TEMPERATURE_SUSPENDED)


def test_a_thermometer_that_falls_silent_is_not_believed_for_more_than_a_minute(
    lobby: tuple[Street, Wall],
) -> None:
    street, wall = lobby
    wall.celsius = None
    street.run(55.0)
    assert street.faults() == {}
    street.run(10.0)
    assert street.faults() == {"environment": "OUTDOORS_UNKNOWN"}


def test_an_entry_counts_for_three_hours_and_is_on_record(folder: Path) -> None:
    with Street(folder, entry_from=EntryFrom.OUTDOORS) as street:
        street.run(2.0)
        assert street.faults() == {"environment": "OUTDOORS_UNKNOWN"}
        entry = OutdoorEntry(Celsius(18.0), UnixTime(street.clock.wall()), "a volunteer")
        entry.save(state(street) / OUTDOOR_FILE)
        street.run(8.0)
        assert street.faults() == {}
        quickly(street, street.issue().text, 0.0)
        assert last_reading(street)["outdoor"] == 18.0
        assert street.events(EventKind.OUTDOOR) == [entry.to_map()]
        street.clock.set_state(ClockState.UNTRUSTED)
        street.run(2.0)
        assert street.faults()["environment"] == "OUTDOORS_UNKNOWN", "nobody knows how old it is"
        street.clock.set_state(ClockState.SIMULATED)
        street.leap(3 * 3600)
        street.run(2.0)
        assert street.faults() == {"environment": "OUTDOORS_UNKNOWN"}


# -- hourly counts --------------------------------------------------------------------------------------


def test_every_hour_and_at_the_end_it_is_told_what_the_readings_were(folder: Path) -> None:
    with Street(folder) as street:
        street.bus = BusCounts()
        street.restart()
        street.run(2.0)
        quickly(street, street.issue().text, 0.0)
        quickly(street, street.issue().text, 2.0)
        street.bus.transfers, street.bus.pec_errors = 900, 2
        street.warmth = WALL
        street.leap(3600)
        street.run(1.0)
        quickly(street, street.issue().text, 0.0)
        street.gate.stop()
        first, last = street.events(EventKind.HOURLY)
        assert first["seconds"] == pytest.approx(3612, abs=10)
        assert {name: count for name, count in first["screening"].items() if count} == {
            "NORMAL": 1,
            "HIGH": 1,
        }
        assert first["bus"]["pec_errors"] == 2
        assert (first["baseline"], first["drift"]) == (0.0, None)
        assert last["screening"]["NORMAL"] == 1
        assert last["bus"]["transfers"] == 0

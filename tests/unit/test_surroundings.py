"""What a verdict rests on besides the person: it is looked at every turn, and what changes is told once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from kiosk.config import OpeningHours
from kiosk.gate import State
from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    Direction,
    EntryFrom,
    EventKind,
    Light,
    Mode,
    Monotonic,
    Reason,
    Seconds,
    UnixTime,
    Verdict,
)
from kiosk.passage.journal import BackgroundCheck
from kiosk.surroundings import SAVE_AGAIN_S
from kiosk.weather import AIR_KEEPS_S
from tests.street import START, Street, assert_sound

DAY = 86_400


def wait(street: Street, seconds: float) -> None:
    """A long time in which nobody comes, without thousands of turns."""
    street.leap(seconds)
    street.run(2.0)


def reasons(street: Street) -> tuple[Reason, ...]:
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    return passage.decision.reasons


# -- signed lists ---------------------------------------------------------------------------------------


def test_a_gate_without_lists_refers_everybody_and_recovers_when_they_come(folder: Path) -> None:
    with Street(folder) as street:
        manifest = street.trust.lists / "manifest"
        kept = manifest.read_bytes()
        manifest.unlink()
        street.run(2.0)
        assert street.faults()["directory"] == "DIRECTORY_MISSING"
        assert street.light_now() is Light.FAULT
        assert reasons(street)[0] is Reason.NO_TRUST
        manifest.write_bytes(kept)
        street.run(6.0)
        assert "directory" not in street.faults()
        assert street.light_now() is Light.IDLE
        assert reasons(street)[0] is Reason.PASS_VALID
        assert ("recovered", "directory", "DIRECTORY_MISSING") in street.told()


def test_lists_that_do_not_verify_leave_the_old_ones_in_force(street: Street) -> None:
    manifest = street.trust.lists / "manifest"
    kept = manifest.read_bytes()
    manifest.write_bytes(kept[:-3] + bytes([kept[-3] ^ 1]) + kept[-2:])
    street.run(2.0)
    assert street.faults()["directory"] == "TRUST"
    assert street.light_now() is Light.IDLE, "people can still be admitted"
    assert reasons(street) == (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL)
    street.trust.folder.joinpath("lists/manifest").write_bytes(kept)
    street.run(3.0)
    assert "directory" not in street.faults()


def test_lists_that_nobody_renews_grow_too_old_and_new_ones_mend_that(street: Street) -> None:
    wait(street, 8 * DAY)
    assert street.faults()["directory"] == "LISTS_TOO_OLD"
    assert street.state() is State.FAULT
    assert reasons(street)[0] is Reason.LISTS_TOO_OLD
    street.trust.publish(street.trust_time(0))
    street.run(6.0)
    assert street.state() is State.IDLE
    assert reasons(street)[0] is Reason.PASS_VALID


def test_an_expired_trust_list_ends_everything_it_vouches_for(street: Street) -> None:
    wait(street, 400 * DAY)
    assert street.faults()["directory"] == "TRUST_EXPIRED"
    assert street.state() is State.FAULT
    assert Reason.NO_TRUST in reasons(street)
    assert street.green_seconds() == 0


def test_another_mode_is_another_policy_and_stands_in_the_journal(street: Street) -> None:
    street.trust.publish(street.trust_time(0), mode=Mode.EMERGENCY)
    street.run(2.0)
    assert street.gate.surroundings.policy.mode is Mode.EMERGENCY
    assert [event["mode"] for event in street.events(EventKind.DIRECTORY)] == ["routine", "emergency"]
    street.pass_by(street.issue().text)
    first, second = street.events(EventKind.CONTEXT)
    assert (first["policy"]["mode"], second["policy"]["mode"]) == ("routine", "emergency")
    assert street.events(EventKind.PASSAGE)[-1]["context"] == second["id"]


# -- the clock --------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_ahead_is_doubted_until_it_has_run_on_steadily(street: Street) -> None:
    pass_of_a_month = street.issue().text
    street.clock.jump(40 * DAY)
    street.run(0.5)
    assert street.faults()["clock"] == "CLOCK_UNTRUSTED"
    assert street.light_now() is Light.IDLE
    passage = street.pass_by(pass_of_a_month)
    assert passage is not None
    assert passage.decision.verdict is Verdict.REFER
    assert Reason.TIME_UNCERTAIN in passage.decision.reasons
    wait(street, 700)
    assert "clock" not in street.faults()
    kinds = {event["event"] for event in street.events(EventKind.CLOCK)}
    assert {"jumped", "disagrees", "settled"} <= kinds


@pytest.mark.parametrize("back", [3600, 30 * DAY])
def test_a_clock_set_back_before_the_newest_lists_is_proven_wrong_until_it_is_set_right(
    street: Street, back: float
) -> None:
    street.clock.jump(-back)
    street.run(0.5)
    assert street.faults() == {"clock": "CLOCK_UNTRUSTED"}
    assert street.light_now() is Light.IDLE
    assert "behind_lists" in {event["event"] for event in street.events(EventKind.CLOCK)}
    for days, verdict in ((60, Verdict.ADMIT), (10, Verdict.REFER)):
        shown = street.trust.issuer.issue(
            Category.RESIDENT, now=UnixTime(START - DAY), life=Seconds(days * DAY)
        )
        passage = street.pass_by(shown.text)
        assert passage is not None
        assert passage.decision.verdict is verdict
    street.clock.jump(back)
    street.run(0.5)
    assert street.faults() == {}


def test_an_untrusted_clock_is_said_and_passes_still_work(street: Street) -> None:
    street.clock.set_state(ClockState.UNTRUSTED)
    street.run(0.5)
    assert street.faults() == {"clock": "CLOCK_UNTRUSTED"}
    assert street.state() is State.IDLE
    assert reasons(street)[0] is Reason.PASS_VALID, "it is good now and in 30 days, however late it is"
    short = street.trust.issuer.issue(Category.RESIDENT, now=street.trust_time(0), life=Seconds(29 * DAY))
    passage = street.pass_by(short.text)
    assert passage is not None
    assert passage.decision.reasons == (Reason.TIME_UNCERTAIN,)
    street.clock.set_state(ClockState.SIMULATED)
    street.run(0.5)
    assert street.faults() == {}
    assert street.told() == [("fault", "clock", "CLOCK_UNTRUSTED"), ("recovered", "clock", "CLOCK_UNTRUSTED")]


def test_a_proven_time_outlives_a_restart(street: Street) -> None:
    wait(street, 5 * DAY)
    street.trust.publish(street.trust_time(0))
    wait(street, 700)
    street.clock.set_state(ClockState.UNTRUSTED)
    street.clock.jump(-300 * DAY)
    street.restart()
    street.run(1.0)
    assert street.gate.surroundings.interval.lo >= START + 5 * DAY


def start_with_floor(street: Street, floor: str) -> None:
    street.kiosk.close()
    file = street.config.journal.path.with_name("clock.json")
    file.write_text(f'{{"floor": {floor}, "monotonic": 0, "boot_id": "another"}}')
    street.restart()
    street.run(2.0)


@pytest.mark.parametrize("state", [ClockState.SIMULATED, ClockState.UNTRUSTED])
@pytest.mark.parametrize("floor", ["1e300", "Infinity", "NaN", '"5e9"', "5e9"])
def test_a_damaged_proven_time_refuses_nobody(folder: Path, floor: str, state: ClockState) -> None:
    with Street(folder) as street:
        street.clock.set_state(state)
        start_with_floor(street, floor)
        assert reasons(street)[0] is Reason.PASS_VALID


def test_a_proven_time_that_is_years_wrong_is_dropped_when_somebody_vouches_for_the_clock(
    folder: Path,
) -> None:
    with Street(folder) as street:
        street.clock.set_state(ClockState.UNTRUSTED)
        start_with_floor(street, str(START + 900 * DAY))
        assert street.light_now() is Light.FAULT
        street.clock.set_state(ClockState.SIMULATED)
        street.run(90.0)
        assert street.faults() == {}
        assert reasons(street)[0] is Reason.PASS_VALID
        assert "floor_refuted" in {event["event"] for event in street.events(EventKind.CLOCK)}


def test_a_floor_that_can_not_be_saved_is_said_and_tried_once_a_minute(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(path: Path, data: bytes, mode: int = 0o640) -> None:
        tries.append(path.name)
        raise OSError(28, "No space left on device")

    with Street(folder) as street:
        monkeypatch.setattr("kiosk.timekeeping.write_atomic", refuse)
        street.run(SAVE_AGAIN_S + 5.0)
        assert tries == ["clock.json"] * 2
        assert street.faults() == {"floor": "FLOOR_NOT_SAVED"}
        assert street.light_now() is Light.IDLE
        monkeypatch.undo()
        street.run(SAVE_AGAIN_S)
        assert street.faults() == {}
        assert json.loads((folder / "journal" / "clock.json").read_text())["floor"] > 0


# -- opening hours ----------------------------------------------------------------------------------------

NIGHT = OpeningHours(0b1111111, 0, 60)
"""From midnight to one in the policy's time zone; the street begins at eight in the morning there."""
BY_DAY = OpeningHours(0b1111111, 6 * 60, 22 * 60)


@pytest.mark.parametrize("hours", [(NIGHT,), (BY_DAY,)])
def test_a_clock_that_fails_opens_no_gate_and_closes_none(
    folder: Path, hours: tuple[OpeningHours, ...]
) -> None:
    surely = Reason.PASS_VALID if hours == (BY_DAY,) else Reason.GATE_CLOSED
    with Street(folder, hours=hours) as street:
        street.run(2.0)
        assert reasons(street)[0] is surely
        street.clock.set_state(ClockState.UNTRUSTED)
        street.run(1.0)
        passage = street.pass_by(street.issue(Category.STAFF).text)
        assert passage is not None
        assert passage.decision.verdict is Verdict.REFER
        assert passage.decision.reasons[0] is Reason.HOURS_UNCERTAIN
        assert street.light_now() is Light.FAULT, "nobody can be admitted now"
        assert street.faults() == {"clock": "CLOCK_UNTRUSTED"}
        assert street.events(EventKind.PASSAGE)[-1]["gate"]["open"] is None
        street.clock.set_state(ClockState.SIMULATED)
        street.run(6.0)
        assert street.light_now() is Light.IDLE
        assert reasons(street)[0] is surely
        assert_sound(street.config.journal.path)


# -- the air ------------------------------------------------------------------------------------------------


class Vane:
    """An air thermometer that says what the test wants."""

    name = "air"
    fault = None

    def __init__(self) -> None:
        self.values: list[Celsius] = []

    def poll(self, now: Monotonic) -> Sequence[Celsius]:
        values, self.values = self.values, []
        return values

    def close(self) -> None:
        """Nothing."""


@pytest.fixture
def vane(street: Street) -> Vane:
    made = Vane()
    street.air = made
    street.restart()
    return made


def test_the_newest_air_counts_for_a_minute(street: Street, vane: Vane) -> None:
    vane.values = [Celsius(21.0), Celsius(21.5)]
    street.run(0.1)
    weather = street.gate.surroundings.weather
    assert weather.air(street.clock.monotonic()) == 21.5
    street.clock.advance(AIR_KEEPS_S + 1)
    assert weather.air(street.clock.monotonic()) is None


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -float("inf")])
def test_air_that_is_no_temperature_is_none(street: Street, vane: Vane, nonsense: float) -> None:
    vane.values = [Celsius(nonsense)]
    street.run(0.1)
    assert street.gate.surroundings.weather.air(street.clock.monotonic()) is None
    assert reasons(street)[0] is Reason.PASS_VALID


def test_a_cold_lobby_suspends_readings_and_is_told_once(street: Street, vane: Vane) -> None:
    for _ in range(20):
        vane.values = [Celsius(12.0)]
        street.run(0.2)
    assert street.faults() == {"environment": "AMBIENT_COLD"}
    assert street.light_now() is Light.IDLE
    assert reasons(street) == (Reason.PASS_VALID, Reason.TEMPERATURE_SUSPENDED)
    for _ in range(200):
        vane.values = [Celsius(20.0)]
        street.run(1.0)
    assert street.faults() == {}
    assert [event for event in street.told() if event[2] == "AMBIENT_COLD"] == [
        ("fault", "environment", "AMBIENT_COLD"),
        ("recovered", "environment", "AMBIENT_COLD"),
    ]


def test_where_no_reading_is_needed_the_weather_is_no_fault(folder: Path) -> None:
    with Street(folder, direction=Direction.OUT, entry_from=EntryFrom.OUTDOORS) as street:
        street.run(2.0)
        assert street.faults() == {}


# -- the journal's past ---------------------------------------------------------------------------------


def test_an_old_part_of_the_journal_that_was_changed_is_said_while_the_gate_goes_on(folder: Path) -> None:
    with Street(folder) as street:
        street.run(1.0)
        for number in range(1100):
            street.gate.surroundings.journal.write_or_hold(
                EventKind.COUNTED, {"number": number}, street.clock.monotonic()
            )
        street.change_event(5)
        check = BackgroundCheck(street.config.journal.path, pause_s=0)
        street.restart(check)
        street.run(0.2)
        assert check.join(10.0) is not None
        street.run(0.2)
        assert street.faults() == {"chain": "JOURNAL_DAMAGED"}
        assert street.state() is State.IDLE
        assert reasons(street)[0] is Reason.PASS_VALID

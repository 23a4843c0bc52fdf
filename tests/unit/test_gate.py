"""What people at the gate see, from one arrival to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.gate import State
from kiosk.model import Category, Direction, EventKind, Light, Prompt, Reason, Verdict
from tests.street import Street, forehead, unplugged


def test_a_resident_with_a_normal_forehead_gets_two_seconds_of_green(street: Street) -> None:
    passage = street.pass_by(street.issue().text)
    street.run(3.0)
    assert passage is not None
    assert passage.decision.verdict is Verdict.ADMIT
    assert passage.decision.reasons == (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL)
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)
    assert street.state() is State.IDLE


def test_the_record_is_on_disk_before_green(street: Street) -> None:
    passage = street.pass_by(street.issue().text)
    [event] = street.events(EventKind.PASSAGE)
    assert passage is not None
    assert passage.receipt is not None
    assert event["verdict"] == "ADMIT"
    assert event["simulated"] is True
    assert event["reading"]["words"]["object"]


def test_a_hot_forehead_is_referred_and_never_green(street: Street) -> None:
    passage = street.pass_by(street.issue().text, above=1.5)
    assert passage is not None
    assert passage.decision.verdict is Verdict.REFER
    assert Reason.TEMPERATURE_HIGH in passage.decision.reasons
    assert street.green_seconds() == 0.0
    assert street.lit(Light.REFER)


def test_a_code_that_is_no_pass_is_answered_at_once_without_a_reading(street: Street) -> None:
    street.shown = ["https://example.org/menu"]
    street.run(0.2)
    assert street.gate.light is Light.REFER
    assert street.answers[-1].decision.reasons == (Reason.PASS_UNKNOWN,)


def test_nobody_leaning_in_is_asked_twice_and_then_referred(street: Street) -> None:
    passage = street.pass_by(street.issue().text, above=None, stays=16.0)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.NO_READING
    assert len([said for said in street.speaker.history if said.prompt is not Prompt.HOLD_STILL]) >= 3
    assert len(street.events(EventKind.PASSAGE)) == 1


def test_the_same_code_held_up_for_long_is_one_passage(street: Street) -> None:
    street.pass_by(street.issue().text, stays=12.0)
    assert len(street.answers) == 1


def test_the_same_pass_a_minute_later_is_referred(street: Street) -> None:
    text = street.issue().text
    street.pass_by(text)
    street.run(60.0)
    again = street.pass_by(text)
    assert again is not None
    assert again.decision.verdict is Verdict.REFER
    assert Reason.ANTI_PASSBACK in again.decision.reasons


def test_the_next_pass_ends_the_previous_light_at_once(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.2)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.shown = [street.issue().text]
    street.run(0.1)
    assert street.state() is State.READING
    assert street.gate.light is Light.HOLD_STILL


def test_a_forehead_that_already_served_one_person_serves_no_second(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.2)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.shown = [street.issue().text]
    street.run(4.0)
    assert len(street.answers) == 1, "the first person still stands before the sensor"
    street.warmth, street.shown = street.warmth, street.shown
    street.run(14.0)
    assert street.answers[-1].decision.reasons[0] is Reason.NO_READING


def test_children_follow_the_household_pass_with_readings_of_their_own(street: Street) -> None:
    street.pass_by(street.issue(Category.HOUSEHOLD).text)
    children = [street.pass_by(None) for _ in range(5)]
    admitted = [child for child in children if child is not None]
    assert len(admitted) == 4
    assert all(child.decision.reasons[0] is Reason.COMPANION for child in admitted)
    assert len(street.events(EventKind.PASSAGE)) == 5


def test_a_feverish_child_is_referred(street: Street) -> None:
    street.pass_by(street.issue(Category.HOUSEHOLD).text)
    child = street.pass_by(None, above=1.6)
    assert child is not None
    assert child.decision.verdict is Verdict.REFER


def test_a_forehead_without_a_pass_is_asked_for_one_and_not_recorded_as_a_person(street: Street) -> None:
    assert street.pass_by(None, stays=7.0) is None
    assert street.speaker.history[-1].prompt is Prompt.SHOW_PASS
    assert [event["what"] for event in street.events(EventKind.COUNTED)] == ["forehead without a pass"]


def test_forehead_first_and_pass_after_is_quick(street: Street) -> None:
    street.warmth = forehead(0.0)
    street.run(1.8)
    street.shown = [street.issue().text]
    street.run(0.2)
    assert street.answers[-1].decision.verdict is Verdict.ADMIT


def test_who_walks_away_is_recorded_when_the_next_one_is_there(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(1.0)
    street.shown = [street.issue().text]
    street.run(6.0)
    first, *_ = street.events(EventKind.PASSAGE)
    assert first["reasons"] == ["NO_READING", "PASS_VALID"]
    assert not street.answers
    assert street.state() is State.READING


def test_the_call_button_refers(street: Street) -> None:
    street.button.press()
    street.run(0.1)
    assert street.answers[-1].decision.reasons == (Reason.CALLED,)
    assert street.gate.light is Light.REFER


# -- faults: a light, a record, and recovery by itself ------------------------------------------------------


def test_without_a_camera_the_lamp_is_steady_red_until_it_is_back(street: Street) -> None:
    street.camera_gone = True
    street.run(1.0)
    assert street.state() is State.FAULT
    assert street.lamp.outputs.red
    street.camera_gone = False
    street.run(9.0)
    assert street.state() is State.IDLE
    parts = [(event["part"], event["code"]) for event in street.events(EventKind.FAULT)]
    assert parts == [("camera", "DEVICE_ABSENT")]
    assert [event["part"] for event in street.events(EventKind.RECOVERED)] == ["camera"]


def test_without_a_thermometer_a_valid_pass_is_referred(street: Street) -> None:
    street.sensor_fault = unplugged()
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.SENSOR_FAULT
    assert street.state() is State.FAULT
    street.sensor_fault = None
    street.run(31.0)
    assert street.state() is State.IDLE
    again = street.pass_by(street.issue().text)
    assert again is not None
    assert again.decision.verdict is Verdict.ADMIT


def test_a_thermometer_lost_while_reading_is_referred_at_once(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.5)
    street.sensor_fault = unplugged()
    street.run(0.2)
    assert street.answers[-1].decision.reasons[0] is Reason.SENSOR_FAULT


def test_an_uncommissioned_gate_admits_nobody(folder: Path) -> None:
    with Street(folder, commissioned=False) as street:
        street.run(2.0)
        passage = street.pass_by(street.issue().text)
        assert passage is not None
        assert passage.decision.reasons[0] is Reason.UNCOMMISSIONED


def test_going_out_in_routine_needs_no_reading(folder: Path) -> None:
    with Street(folder, direction=Direction.OUT) as street:
        street.run(2.0)
        street.shown = [street.issue().text]
        street.run(0.2)
        reasons = street.answers[-1].decision.reasons
        assert reasons == (Reason.PASS_VALID, Reason.TEMPERATURE_NOT_REQUIRED)


def test_stopping_while_green_goes_dark_and_says_so_in_the_journal(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.2)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.gate.stop()
    assert not street.lamp.outputs.green
    assert street.state() is State.STOPPED
    assert street.events(EventKind.STOPPED) == [{}]

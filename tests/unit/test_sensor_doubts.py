"""What the thermometer says is doubted before anybody is let through by it, or without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from kiosk.model import Celsius, EventKind, Light, Monotonic, Reason, Verdict
from tests.street import WALL, Street, assert_sound, forehead, memory_folder

WARM_WALL = Celsius(33.6)


@pytest.fixture
def street() -> Iterator[Street]:
    with memory_folder() as folder, Street(folder) as made:
        made.run(2.0)
        yield made


# -- a wall as warm as skin -----------------------------------------------------------------------------


def test_a_sleeve_before_a_warm_wall_brings_nobody_in(street: Street) -> None:
    street.warmth = WARM_WALL
    street.run(120.0)
    street.shown = [street.issue().text]
    while not street.answers:
        street.run(0.7)
        street.warmth = Celsius(28.0)
        street.run(0.2)
        street.warmth = WARM_WALL
        street.run(2.3)
    passage = street.answers[-1]
    assert passage.decision.verdict is Verdict.REFER
    assert passage.decision.reasons[0] is Reason.NO_READING
    assert street.green_seconds() == 0


def test_a_warm_wall_is_nobody_when_the_thermometer_has_just_come_back(street: Street) -> None:
    street.warmth = WARM_WALL
    street.run(70.0)
    street.sensor_silent = True
    street.run(8.0)
    street.sensor_silent = False
    while street.faults():
        street.run(0.05)
    street.shown = [street.issue().text]
    street.run(15.0)
    assert street.answers[-1].decision.reasons[0] is Reason.NO_READING
    assert street.green_seconds() == 0


def test_who_comes_in_the_first_moments_of_a_gate_is_let_in_by_the_second_look(street: Street) -> None:
    """Their first window began before anybody knew the wall."""
    street.restart()
    street.run(0.05)
    street.shown = [street.issue().text]
    street.run(1.0)
    street.warmth = forehead(0.0)
    street.run(6.0)
    assert street.answers[-1].decision.verdict is Verdict.ADMIT


# -- a thermistor that breaks ---------------------------------------------------------------------------


class Vane:
    """An air thermometer that says the same again and again."""

    name = "air"
    fault = None

    def __init__(self, air: float) -> None:
        self.air = Celsius(air)

    def poll(self, now: Monotonic) -> Sequence[Celsius]:
        return (self.air,)

    def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("air", [None, 22.0])
@pytest.mark.parametrize("die", [-273.15, -60.0, 120.0])
def test_a_broken_die_lets_no_fevered_person_in(street: Street, die: float, air: float | None) -> None:
    if air is not None:
        street.air = Vane(air)
        street.restart()
        street.run(2.0)
    street.die = Celsius(die)
    street.run(6.0)
    assert street.faults() == {"thermometer": "SENSOR_FAULT"}
    assert street.light_now() is Light.FAULT
    passage = street.pass_by(street.issue().text, above=2.5)
    assert passage is not None
    assert passage.decision.verdict is Verdict.REFER
    assert passage.decision.reasons[0] is Reason.SENSOR_FAULT
    assert street.green_seconds() == 0
    assert {code for _, _, code in street.told()} == {"SENSOR_FAULT"}


def test_a_die_that_breaks_while_somebody_is_measured_refers_them(street: Street) -> None:
    street.shown = [street.issue().text]
    street.warmth = forehead(2.5)
    street.run(0.5)
    street.die = Celsius(120.0)
    street.run(1.0)
    assert street.answers[-1].decision.reasons[0] is Reason.SENSOR_FAULT
    assert street.events(EventKind.PASSAGE)[-1]["screening"] == "SENSOR_FAULT"


def test_a_thermistor_that_flickers_is_believed_after_five_good_seconds(street: Street) -> None:
    good = street.die
    for _ in range(20):
        street.die = Celsius(-273.15)
        street.run(0.1)
        street.die = good
        street.run(0.9)
        assert street.faults() == {"thermometer": "SENSOR_FAULT"}
    assert len(street.told()) == 1, "one fault, however often it flickers"
    street.run(5.0)
    assert street.faults() == {}
    street.warmth = WALL
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    assert passage.decision.verdict is Verdict.ADMIT


@pytest.mark.parametrize("nonsense", [-60.0, 120.0, float("nan"), float("inf")])
def test_a_broken_air_thermometer_is_a_fault_and_the_die_stands_in(street: Street, nonsense: float) -> None:
    street.air = Vane(nonsense)
    street.restart()
    street.run(2.0)
    assert street.faults() == {"air": "SENSOR_FAULT"}
    assert street.light_now() is Light.IDLE
    for above, reason in ((2.5, Reason.TEMPERATURE_HIGH), (0.0, Reason.PASS_VALID)):
        passage = street.pass_by(street.issue().text, above=above)
        assert passage is not None
        assert passage.decision.reasons[0] is reason


# -- a thermometer that says nothing --------------------------------------------------------------------


def test_a_silent_thermometer_is_a_fault_within_seconds_and_lets_nobody_in(street: Street) -> None:
    street.sensor_silent = True
    street.run(4.0)
    assert street.faults() == {"thermometer": "DEVICE_STALLED"}
    assert street.light_now() is Light.FAULT
    passage = street.pass_by(street.issue().text, above=2.5)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.SENSOR_FAULT
    assert street.green_seconds() == 0
    street.sensor_silent = False
    street.run(45.0)
    assert street.faults() == {}


def test_the_last_words_of_a_cold_day_suspend_no_reading_for_ever(street: Street) -> None:
    """It was cold when the thermometer fell silent: that is no reason to let people pass unmeasured."""
    street.die = Celsius(10.0)
    street.restart()
    street.run(3.0)
    assert street.faults() == {"environment": "AMBIENT_COLD"}
    street.sensor_silent = True
    street.run(4.0)
    passage = street.pass_by(street.issue().text, above=2.5)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.SENSOR_FAULT
    street.run(60.0)
    assert street.faults() == {"thermometer": "DEVICE_STALLED"}
    assert street.green_seconds() == 0


# -- a thermistor that breaks to what could well be, and weather that begins under a forehead --------------


@pytest.mark.parametrize("air", [None, 24.1])
@pytest.mark.parametrize("die", [10.0, 15.0, 35.0])
def test_a_die_that_leaps_is_no_weather(street: Street, die: float, air: float | None) -> None:
    if air is not None:
        street.air = Vane(air)
        street.restart()
        street.run(2.0)
    street.die = Celsius(die)
    street.run(600.0)
    assert street.faults() == {"thermometer": "SENSOR_FAULT"}
    passage = street.pass_by(street.issue().text, above=2.5)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.SENSOR_FAULT
    assert street.green_seconds() == 0
    assert "environment" not in {part for _, part, _ in street.told()}
    street.die = Celsius(24.5)
    street.run(6.0)
    assert street.faults() == {}


def test_a_morning_that_grows_cold_is_weather(street: Street) -> None:
    while street.die > 15.0:
        street.die = Celsius(street.die - 0.1)
        street.run(1.0)
    assert street.faults() == {"environment": "AMBIENT_COLD"}


@pytest.mark.parametrize("above", [0.0, 2.5])
def test_ice_held_to_the_sensor_admits_nobody_who_is_being_measured(street: Street, above: float) -> None:
    """Slowly enough to be no leap: the air seems to grow cold while the person stands there."""
    street.die = Celsius(16.5)
    street.restart()
    street.run(2.0)
    street.shown = [street.issue().text]
    street.run(0.5)
    for _ in range(400):
        street.die = Celsius(max(10.0, street.die - 0.09))
        street.warmth = forehead(above)
        street.run(0.05)
        if street.answers:
            break
    passage = street.answers[-1]
    assert passage.decision.verdict is Verdict.REFER
    assert passage.decision.reasons[0] is Reason.NO_READING
    assert street.green_seconds() == 0
    reading = street.events(EventKind.PASSAGE)[-1]["reading"]
    assert (reading["screening"], reading["settled"]) == ("RETRY", False)
    assert "SURROUNDINGS_CHANGED" in reading["note"]
    street.kiosk.close()
    assert_sound(street.config.journal.path)


def test_who_comes_when_it_is_cold_already_passes_as_the_policy_says(street: Street) -> None:
    street.die = Celsius(10.0)
    street.restart()
    street.run(2.0)
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    assert passage.decision.reasons == (Reason.PASS_VALID, Reason.TEMPERATURE_SUSPENDED)


def test_an_air_thermometer_that_falls_silent_suspends_nothing_and_is_on_record(street: Street) -> None:
    """The die stands in, 1.9 degrees warmer: that is no change of the air."""
    vane = Vane(22.2)
    street.air = vane
    street.restart()
    street.run(70.0)
    street.air.poll = lambda now: ()  # type: ignore[method-assign]
    street.run(120.0)
    assert street.faults() == {}
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    assert passage.decision.verdict is Verdict.ADMIT
    reading = street.events(EventKind.PASSAGE)[-1]["reading"]
    assert reading["note"] == "AIR_FROM_DIE AIR_SILENT"

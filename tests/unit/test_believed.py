"""A part that says what can't be is faulty for a while; everything else about it is passed on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.believed import Believed, SteadyDie, doubt_air, doubt_sample
from kiosk.errors import DeviceAbsent, DeviceError
from kiosk.model import Celsius, Monotonic
from kiosk.supervision import SOUND_S
from tests.unit.passage.foreheads import sample


class Scripted:
    """A part that delivers what it is told to."""

    name = "air"

    def __init__(self) -> None:
        self.fault: DeviceError | None = None
        self.items: list[Celsius] = []
        self.closed = False

    def poll(self, now: Monotonic) -> Sequence[Celsius]:
        items, self.items = self.items, []
        return items

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def part() -> Scripted:
    return Scripted()


@pytest.fixture
def believed(part: Scripted) -> Believed[Celsius]:
    return Believed(part, doubt_air)


def says(believed: Believed[Celsius], part: Scripted, at: float, *values: float) -> Sequence[Celsius]:
    part.items = [Celsius(value) for value in values]
    return believed.poll(Monotonic(at))


def test_what_can_be_is_passed_on(believed: Believed[Celsius], part: Scripted) -> None:
    assert says(believed, part, 0.0, -30.0, 21.5, 60.0) == [-30.0, 21.5, 60.0]
    assert believed.fault is None
    assert believed.name == "air"


def test_what_can_not_be_takes_the_rest_with_it_until_it_has_been_well_for_a_while(
    believed: Believed[Celsius], part: Scripted
) -> None:
    assert says(believed, part, 10.0, 21.5, 61.0, 21.5) == ()
    assert believed.fault is not None
    assert believed.fault.code == "SENSOR_FAULT"
    assert "61.0" in str(believed.fault)
    assert says(believed, part, 10.0 + SOUND_S - 0.1, 21.5) == ()
    assert says(believed, part, 10.0 + SOUND_S) == (), "silence proves nothing"
    assert believed.fault is not None
    assert says(believed, part, 10.0 + SOUND_S + 0.1, 21.5) == [21.5]
    assert believed.fault is None


def test_the_parts_own_fault_goes_first(believed: Believed[Celsius], part: Scripted) -> None:
    says(believed, part, 0.0, 900.0)
    part.fault = DeviceAbsent("air thermometer: unplugged")
    assert believed.fault is part.fault
    part.fault = None
    assert believed.fault is not None
    believed.close()
    assert part.closed


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.lists(st.floats(), max_size=3))))
def test_nothing_impossible_ever_comes_through(script: list[tuple[float, list[float]]]) -> None:
    part = Scripted()
    believed, now = Believed(part, doubt_air), 0.0
    for wait, values in script:
        now += wait
        handed = says(believed, part, now, *values)
        assert all(-30.0 <= value <= 60.0 for value in handed)
        assert not handed or believed.fault is None


@pytest.mark.parametrize("die", [-273.15, -60.0, 61.0, 120.0])
def test_a_thermometer_is_doubted_for_its_die(die: float) -> None:
    assert doubt_sample(sample(1.0, 36.0, die)) is not None
    assert doubt_sample(sample(1.0, 36.0, 24.0)) is None


# -- a die that leaps ----------------------------------------------------------------------------------------


def warm(die: Celsius) -> bool:
    """As a gate has it: outside of this nobody is measured."""
    return 16.3 <= die <= 31.7


def lasting(celsius: float, since: float, until: float) -> list[tuple[float, float]]:
    """A die that stays there, word by word."""
    return [(since + 0.5 * number, celsius) for number in range(round((until - since) / 0.5))]


def doubted_s(*levels: list[tuple[float, float]]) -> float:
    """For how many seconds of the last level it was doubted; inf: to its end."""
    wrong = doubts(*(word for level in levels for word in level))[-len(levels[-1]) :]
    assert wrong == sorted(wrong, reverse=True), "once believed, it stays so"
    return float("inf") if wrong[-1] else 0.5 * sum(wrong)


def doubts(*dies: tuple[float, float]) -> list[bool]:
    """Whether each of these (second, °C) is doubted."""
    doubt = SteadyDie(warm)
    return [doubt(sample(at, 34.0, die)) is not None for at, die in dies]


def test_a_die_that_leaps_is_doubted_until_it_is_back() -> None:
    assert doubts((0.0, 24.0), (0.1, 21.9), (0.2, 10.0), (30.0, 15.0), (40.0, 22.1), (40.1, 24.0)) == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


@given(st.floats(-1.0, 1.0), st.floats(0.05, 1.4))
def test_air_that_changes_by_a_degree_in_a_second_is_believed(slope: float, every: float) -> None:
    assert not any(doubts(*((number * every, 24.0 + slope * number * every) for number in range(20))))


@pytest.mark.parametrize("every", [0.1, 0.65, 0.9])
def test_a_fall_in_small_steps_is_a_fall(every: float) -> None:
    assert any(doubts(*((number * every, 24.0 - 3.5 * number * every) for number in range(20))))


def test_a_part_that_was_away_begins_anew() -> None:
    assert doubts((0.0, 24.0), (59.0, 10.0), (118.0, 10.0)) == [False, True, True]
    assert doubts((0.0, 24.0), (61.0, 10.0), (61.1, 10.1)) == [False, False, False]


def test_a_die_that_can_not_be_is_never_where_it_was() -> None:
    assert doubts((0.0, -273.15), (0.1, 24.0), (0.2, 24.1)) == [True, False, False]


def test_a_part_that_was_broken_at_the_start_and_is_mended_comes_back_by_itself() -> None:
    """Nobody was measured at 15.9 °C: any level that can be measured at is better, after a minute."""
    for broken, lasted in ((15.9, 1.0), (15.9, 4000.0), (33.0, 500.0)):
        assert doubted_s(lasting(broken, 0.0, lasted), lasting(24.1, lasted, lasted + 90.0)) == 60.0


def test_a_part_broken_at_the_start_in_the_measuring_range_comes_back_after_as_long() -> None:
    assert doubted_s(lasting(20.0, 0.0, 10.0), lasting(24.1, 10.0, 100.0)) == 60.0
    assert doubted_s(lasting(20.0, 0.0, 300.0), lasting(24.1, 300.0, 700.0)) == pytest.approx(299.5)


def test_a_part_that_breaks_is_doubted_for_as_long_as_it_was_well() -> None:
    day, later = lasting(24.1, 0.0, 9000.0), lasting(29.0, 9000.0, 17_900.0)
    assert doubted_s(day, later) == float("inf")


@pytest.mark.parametrize("cold", [15.9, -10.0, 33.0, 16.2])
def test_a_leap_to_where_readings_are_suspended_is_never_believed(cold: float) -> None:
    assert doubted_s(lasting(24.1, 0.0, 5.0), lasting(cold, 5.0, 4000.0)) == float("inf")


def test_a_part_that_flickers_is_never_believed_at_its_new_level() -> None:
    flicker = [(at, 21.0 if number % 100 else 27.0) for number, (at, _) in enumerate(lasting(0, 5.0, 1000.0))]
    assert all(doubts(*lasting(24.1, 0.0, 5.0), *flicker)[10:])
    torn = [(at, 21.0 if number % 100 else 900.0) for number, (at, _) in enumerate(lasting(0, 5.0, 1000.0))]
    assert all(doubts(*lasting(24.1, 0.0, 5.0), *torn)[10:])


def test_what_is_believed_anew_may_move_and_leap_back() -> None:
    back = [*lasting(15.9, 0.0, 5.0), *lasting(24.1, 5.0, 70.0)]
    assert doubts(*back, (70.0, 25.0), (70.5, 15.9), (71.0, 25.2))[-3:] == [False, True, False]

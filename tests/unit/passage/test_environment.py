"""When the air allows no reading, the gate says so, says it once, and takes it back only when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import Celsius, ClockState, EntryFrom, Monotonic, TimeInterval, UnixTime
from kiosk.passage.environment import EnvironmentWatch, Surroundings
from kiosk.passage.site import Calibration, Site

S = Surroundings
OUTDOORS = replace(Site(), entry_from=EntryFrom.OUTDOORS)
NOVEMBER = UnixTime(1_795_219_200.0)
"""2026-11-21."""


def after(
    site: Site,
    dies: Iterable[float],
    air: float | None = None,
    every: float = 10.0,
    outdoor: float | None = None,
) -> list[Surroundings | None]:
    """The problem after each of these die temperatures."""
    watch = EnvironmentWatch(site)
    watch.look_outdoors(Monotonic(0.0), None if outdoor is None else Celsius(outdoor))
    found = []
    for number, die in enumerate(dies):
        watch.feed(Monotonic(number * every), Celsius(die), None if air is None else Celsius(air))
        found.append(watch.problem)
    return found


@pytest.mark.parametrize(
    ("celsius", "problem"),
    [
        (15.99, S.AMBIENT_COLD),
        (16.0, None),
        (24.0, None),
        (32.0, None),
        (32.01, S.AMBIENT_HOT),
        (-20.0, S.AMBIENT_COLD),
        (45.0, S.AMBIENT_HOT),
    ],
)
def test_the_range_in_which_foreheads_can_be_judged(celsius: float, problem: Surroundings | None) -> None:
    assert after(Site(), [celsius]) == [problem]
    assert after(Site(), [celsius + 5], air=celsius) == [problem]


def test_where_no_air_is_measured_the_offset_of_the_die_counts() -> None:
    assert after(replace(Site(), die_offset=Celsius(2.0)), [17.9]) == [S.AMBIENT_COLD]
    assert after(replace(Site(), die_offset=Celsius(2.0)), [18.1]) == [None]


def test_a_gate_at_the_edge_does_not_change_its_mind_with_every_word() -> None:
    around = [16.1, 15.9, 16.1, 15.9, 16.2, 16.31, 16.1]
    assert after(Site(), around) == [None, *[S.AMBIENT_COLD] * 4, None, None]
    around = [31.9, 32.1, 31.8, 31.69, 31.9]
    assert after(Site(), around) == [None, S.AMBIENT_HOT, S.AMBIENT_HOT, None, None]


@pytest.mark.parametrize(
    ("outdoor", "problem"),
    [
        (None, S.OUTDOORS_UNKNOWN),
        (float("nan"), S.OUTDOORS_COLD),
        (-5.0, S.OUTDOORS_COLD),
        (15.9, S.OUTDOORS_COLD),
        (16.0, None),
        (35.0, None),
    ],
)
def test_a_heated_lobby_does_not_hide_the_street(outdoor: float | None, problem: Surroundings | None) -> None:
    assert EnvironmentWatch(OUTDOORS).problem is S.OUTDOORS_UNKNOWN, "before anybody has said anything"
    assert after(OUTDOORS, [24.0], outdoor=outdoor) == [problem]


def test_who_comes_from_indoors_is_not_asked_about_the_street() -> None:
    for outdoor in (None, -20.0):
        assert after(replace(OUTDOORS, entry_from=EntryFrom.INDOORS), [24.0], outdoor=outdoor) == [None]


def test_a_street_at_the_edge_does_not_change_its_mind_with_every_word() -> None:
    watch = EnvironmentWatch(OUTDOORS)
    found = []
    for number, outdoor in enumerate((16.1, 15.9, 16.1, 16.29, 16.3, 16.1, None, 16.1)):
        watch.look_outdoors(Monotonic(number), None if outdoor is None else Celsius(outdoor))
        found.append(watch.problem)
    assert found == [None, *[S.OUTDOORS_COLD] * 3, None, None, S.OUTDOORS_UNKNOWN, None]


def test_only_the_cold_may_be_called_cold() -> None:
    watch = EnvironmentWatch(Site())
    for celsius, cold in ((10.0, True), (40.0, False), (24.0, False)):
        watch.feed(Monotonic(0), Celsius(celsius))
        assert watch.cold is cold


def test_the_sun_on_the_housing_shows_only_beside_an_air_thermometer() -> None:
    assert after(Site(), [32.0], air=24.0) == [None]
    assert after(Site(), [32.02], air=24.0) == [S.DIE_FAR_FROM_AIR]
    assert after(Site(), [15.9], air=24.0) == [S.DIE_FAR_FROM_AIR]
    assert after(Site(), [32.0]) == [None]


def test_air_that_changes_fast_is_noticed_within_a_minute_and_calm_air_clears_it() -> None:
    rising = [20 + minute / 6 * 0.5 for minute in range(13)]
    found = after(Site(), rising)
    assert found[:6] == [None] * 6
    assert set(found[6:]) == {S.AMBIENT_CHANGING}
    calm = after(Site(), rising + [rising[-1]] * 30)
    assert calm[-1] is None
    assert calm.count(S.AMBIENT_CHANGING) > 7
    # Once there, once gone: it does not flicker.
    changes = sum(one != other for one, other in pairwise(calm))
    assert changes == 2


@pytest.mark.parametrize(
    ("per_minute", "problem"), [(0.25, None), (-0.25, None), (-0.35, S.AMBIENT_CHANGING)]
)
def test_a_slow_morning_is_no_problem(per_minute: float, problem: Surroundings | None) -> None:
    assert after(Site(), [24 + per_minute * number / 6 for number in range(30)])[-1] == problem


def test_a_pause_does_not_make_a_slope() -> None:
    watch = EnvironmentWatch(Site())
    for at, celsius in ((0.0, 18.0), (5.0, 18.0), (600.0, 28.0), (605.0, 28.0), (670.0, 28.0)):
        watch.feed(Monotonic(at), Celsius(celsius))
        assert watch.problem is None


@given(st.lists(st.floats(-0.06, 0.06), min_size=30, max_size=60))
def test_the_dies_own_noise_is_no_change_of_the_air(noise: list[float]) -> None:
    assert set(after(Site(), [24 + one for one in noise], every=5.0)) == {None}


# -- the age of the calibration ------------------------------------------------------------------------------


def _made_on(day: str | None) -> Site:
    gain = 1.0 if day is None else 1.01
    return replace(Site(), calibration=Calibration(gain, Celsius(0.0), day, "BB-7"))


def _at(site: Site, interval: TimeInterval | None) -> Surroundings | None:
    watch = EnvironmentWatch(site)
    watch.feed(Monotonic(0), Celsius(24.0), interval=interval)
    return watch.problem


def test_a_calibration_of_last_year_no_longer_counts() -> None:
    now = TimeInterval.exactly(NOVEMBER)
    assert _at(_made_on("2025-11-20"), now) is None
    assert _at(_made_on("2025-11-19"), now) is S.CALIBRATION_OLD
    assert _at(_made_on(None), now) is None


def test_a_time_that_is_not_proven_only_counts_as_far_as_it_is_certain() -> None:
    long_ago = UnixTime(NOVEMBER - 300 * 86_400)
    unsure = TimeInterval(long_ago, UnixTime(NOVEMBER), ClockState.UNTRUSTED)
    assert _at(_made_on("2025-11-19"), unsure) is None
    assert _at(_made_on("2025-11-19"), None) is None


def test_the_worst_problem_is_the_one_that_is_told() -> None:
    site = replace(_made_on("2020-01-01"), entry_from=EntryFrom.OUTDOORS)
    assert _at(site, TimeInterval.exactly(NOVEMBER)) is S.OUTDOORS_UNKNOWN


# -- nothing is known for ever ----------------------------------------------------------------------------


def test_a_problem_is_forgotten_a_minute_after_the_last_word() -> None:
    watch = EnvironmentWatch(Site())
    watch.feed(Monotonic(100.0), Celsius(10.0))
    watch.age(Monotonic(160.0))
    assert watch.problem is S.AMBIENT_COLD
    watch.age(Monotonic(160.1))
    assert watch.problem is None
    watch.feed(Monotonic(161.0), Celsius(10.0))
    assert watch.problem is S.AMBIENT_COLD


def test_what_does_not_come_from_words_outlives_them() -> None:
    watch = EnvironmentWatch(OUTDOORS)
    watch.look_outdoors(Monotonic(0.0), Celsius(-5.0))
    watch.feed(Monotonic(0.0), Celsius(24.0))
    watch.age(Monotonic(1000.0))
    assert watch.problem is S.OUTDOORS_COLD


def test_a_slope_is_not_computed_across_a_silence() -> None:
    watch = EnvironmentWatch(Site())
    for second in range(0, 70, 5):
        watch.feed(Monotonic(second), Celsius(24.0 + second * 0.02))
    assert watch.problem is S.AMBIENT_CHANGING
    watch.age(Monotonic(126.0))
    watch.feed(Monotonic(127.0), Celsius(26.0))
    assert watch.problem is None


def test_what_lies_between_two_thermometers_is_no_change_of_the_air() -> None:
    """The air thermometer falls silent and the die stands in, two degrees warmer: that is no weather."""
    watch = EnvironmentWatch(Site())
    for second in range(0, 400, 5):
        air = Celsius(22.0) if second < 200 else None
        watch.feed(Monotonic(second), Celsius(24.5), air)
        assert watch.problem is None


# -- since when -------------------------------------------------------------------------------------------


def test_a_problem_is_settled_for_those_who_came_after_it_began() -> None:
    watch = EnvironmentWatch(Site())
    watch.feed(Monotonic(100.0), Celsius(24.0))
    assert not watch.settled(Monotonic(100.0)), "there is none"
    for second in (110.0, 120.0):
        watch.feed(Monotonic(second), Celsius(10.0))
    assert [watch.settled(Monotonic(then)) for then in (100.0, 109.9, 110.0, 120.0)] == [
        False,
        False,
        True,
        True,
    ]
    watch.feed(Monotonic(130.0), Celsius(24.0))
    watch.feed(Monotonic(140.0), Celsius(40.0))
    assert not watch.settled(Monotonic(130.0)), "it was well in between"


def test_one_problem_after_another_is_one_time_without_readings() -> None:
    watch = EnvironmentWatch(OUTDOORS)
    watch.look_outdoors(Monotonic(5.0), None)
    watch.feed(Monotonic(6.0), Celsius(10.0))
    watch.look_outdoors(Monotonic(7.0), Celsius(20.0))
    assert watch.problem is S.AMBIENT_COLD
    assert watch.settled(Monotonic(5.0))

"""What everybody shares is taken out, slowly and within bounds; what nobody can share is DRIFT."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.model import Celsius, Monotonic, Reading, Screening, Seconds
from kiosk.passage.baseline import (
    CLAMP,
    DEADBAND,
    DECAY,
    ENOUGH_FOR_STEP,
    FEWEST,
    LAST,
    STEP,
    WINDOW,
    Baseline,
    Drift,
    before_baseline,
    counts,
)

EVERY_S = 30.0
"""A person every half minute: more than 30 in two hours."""


def after(
    shifts: list[float], *, every: float = EVERY_S, start: float = 1000.0, window: Seconds | None = WINDOW
) -> Baseline:
    """The baseline after these deviations, one person after the other."""
    made = Baseline(window)
    for number, shift in enumerate(shifts):
        made.feed(Monotonic(start + number * every), Celsius(shift))
    return made


def last_at(count: int, *, every: float = EVERY_S, start: float = 1000.0) -> Monotonic:
    return Monotonic(start + (count - 1) * every)


def people(count: int, shift: float = 0.0, *, spread: float = 0.4, seed: int = 1) -> list[float]:
    """Healthy people of one day, as they are spread in the public data."""
    dice = random.Random(seed)
    return [shift + dice.gauss(0.0, spread) for _ in range(count)]


# -- where it begins and what moves it ---------------------------------------------------------------------


@pytest.mark.parametrize("first", [-6.0, -0.3, 0.3, 2.0, 6.0])
def test_the_first_people_of_a_gate_move_nothing(first: float) -> None:
    for count in range(FEWEST):
        made = after([first] * count)
        assert made.value(last_at(count)) == 0.0
        assert not made.drift


def test_the_thirtieth_person_settles_what_all_of_them_share() -> None:
    assert after([0.28] * FEWEST).value(last_at(FEWEST)) == 0.28
    assert after([-0.28] * FEWEST).value(last_at(FEWEST)) == -0.28


@pytest.mark.parametrize("shift", [-0.25, -0.1, 0.0, 0.2, 0.25])
def test_a_shift_within_the_deadband_is_nothing(shift: float) -> None:
    assert after([shift] * 200).value(last_at(200)) == 0.0


def test_a_baseline_that_has_moved_stays_until_the_median_has_left_it_by_as_much() -> None:
    made = after([0.28] * 40 + [0.1] * 100)
    assert made.value(last_at(140)) == 0.28
    assert after([0.28] * 40 + [0.02] * 100).value(last_at(140)) == 0.02


def test_readings_older_than_the_last_hundred_say_nothing() -> None:
    assert after([-0.28] * 40 + [0.0] * LAST).value(last_at(40 + LAST)) == 0.0


@pytest.mark.parametrize("ill", [1, 5, 15, 24])
def test_a_wave_of_fever_is_not_called_normal(ill: int) -> None:
    """A quarter of all people with three degrees more, and still nothing is subtracted from them."""
    for seed in range(20):
        sick = [
            value + (3.0 if number % 4 == 0 else 0.0) for number, value in enumerate(people(96, seed=seed))
        ]
        made = after([*people(4, seed=99), *sick[: 4 * ill]])
        assert made.value(last_at(4 + 4 * ill)) <= DEADBAND + 0.15
        assert not made.drift


@pytest.mark.parametrize("seed", range(20))
def test_ordinary_people_leave_it_alone_and_are_no_drift(seed: int) -> None:
    made = after(people(600, seed=seed), every=18.0)
    assert abs(made.value(last_at(600, every=18.0))) <= 0.35
    assert not made.drift


# -- letting go ----------------------------------------------------------------------------------------------


def test_with_too_few_fresh_readings_it_is_gone_in_half_an_hour() -> None:
    made = after([0.28] * FEWEST, every=1.0, start=0.0)
    fresh_until = WINDOW
    seen = [made.value(Monotonic(fresh_until + minutes * 60)) for minutes in range(-10, 40, 5)]
    assert seen[:3] == [0.28, 0.28, 0.28]
    assert seen == sorted(seen, reverse=True)
    assert made.value(Monotonic(fresh_until + DECAY / 2)) == pytest.approx(0.14, abs=0.001)
    assert made.value(Monotonic(fresh_until + DECAY)) == 0.0


def test_letting_go_is_no_drift_and_coming_back_is_none() -> None:
    made = after([0.28] * 60, every=10.0, start=0.0)
    silent = 600 + WINDOW + DECAY / 2
    for number in range(60):
        made.feed(Monotonic(silent + number), Celsius(0.28))
    assert made.value(Monotonic(silent + 60)) == 0.28
    assert not made.drift


def test_after_a_night_the_thirtieth_person_counts_as_on_the_first_day() -> None:
    made = after([0.28] * 100, start=0.0)
    morning = 100_000.0
    for number in range(FEWEST - 1):
        made.feed(Monotonic(morning + number), Celsius(0.28))
        assert made.value(Monotonic(morning + number)) == 0.0
    made.feed(Monotonic(morning + FEWEST), Celsius(0.28))
    assert made.value(Monotonic(morning + FEWEST)) == 0.28


def test_a_study_of_months_has_no_limit_of_time() -> None:
    made = after([0.28] * 40, every=86_400.0, window=None)
    assert made.value(Monotonic(1e9)) == 0.28
    assert after([0.28] * 40, every=86_400.0).value(last_at(40, every=86_400.0)) == 0.0


# -- drift ---------------------------------------------------------------------------------------------------


def slowly(to: float, *, steps: int = 300) -> list[float]:
    return [to * number / steps for number in range(steps)] + [to] * LAST


@pytest.mark.parametrize("to", [0.65, -0.65, 2.0])
def test_what_no_day_does_to_people_is_drift(to: float) -> None:
    made = after(slowly(to), every=60.0)
    assert made.drift
    assert made.cause is Drift.CLAMP
    assert abs(made.value(last_at(400, every=60.0))) <= CLAMP


@pytest.mark.parametrize("to", [0.5, -0.5])
def test_a_slow_day_is_none(to: float) -> None:
    made = after(slowly(to), every=60.0)
    assert not made.drift
    assert made.value(last_at(400, every=60.0)) == pytest.approx(to, abs=DEADBAND)


@pytest.mark.parametrize("leap", [0.55, -0.55])
def test_what_comes_within_minutes_is_drift(leap: float) -> None:
    made = after(people(100, spread=0.05) + people(100, leap, spread=0.05), every=3.0)
    assert made.drift
    assert made.cause is Drift.STEP


def test_the_first_sixty_of_a_day_move_it_slowly_and_prove_no_step() -> None:
    """The median of thirty is off by .3 on some mornings of nearly every week, with nothing wrong."""
    for count in (FEWEST, ENOUGH_FOR_STEP - 1):
        for shift in (0.31, 0.55, -0.55):
            made = after([shift] * count, every=5.0)
            assert made.cause is None
            assert made.value(last_at(count, every=5.0)) == pytest.approx(math.copysign(0.29, shift))
    assert after([0.55] * ENOUGH_FOR_STEP, every=5.0).cause is Drift.STEP


@pytest.mark.parametrize("above", [0.61, 1.0, -1.0])
def test_what_no_day_does_is_drift_with_the_thirtieth_person(above: float) -> None:
    assert after([above] * FEWEST).cause is Drift.CLAMP


def test_healthy_mornings_ask_for_no_reference() -> None:
    """.6 °C is what the people of the study are spread by; a false DRIFT refers everybody."""
    mornings = [after(people(90, spread=0.6, seed=seed), every=18.0) for seed in range(200)]
    assert sum(made.drift for made in mornings) <= 1


def test_last_evening_is_nothing_to_leap_back_to() -> None:
    """A slow warm evening is no DRIFT; nor is the morning after it, whose people read as always."""
    evening = [0.5 * number / 300 for number in range(300)] + [0.5] * LAST
    made = after(evening, every=60.0)
    assert made.value(last_at(400, every=60.0)) == pytest.approx(0.5, abs=DEADBAND)
    morning = last_at(400, every=60.0) + 10 * 3600
    for number in range(2 * LAST):
        made.feed(Monotonic(morning + number * 20), Celsius(0.0))
        assert made.value(Monotonic(morning + number * 20)) == 0.0
    assert not made.drift


def test_drift_ends_with_a_check_alone_and_then_it_begins_at_nothing() -> None:
    made = after(slowly(1.0), every=60.0)
    now = last_at(400, every=60.0)
    for number in range(300):
        made.feed(Monotonic(now + number * 60), Celsius(0.0))
    assert made.drift
    made.checked()
    end = Monotonic(now + 20_000)
    assert (made.drift, made.value(end), made.fresh(end)) == (False, 0.0, 0)
    for number in range(FEWEST - 1):
        made.feed(Monotonic(end + number), Celsius(0.28))
        assert made.value(Monotonic(end + number)) == 0.0


# -- what holds for anybody -----------------------------------------------------------------------------

deviations = st.floats(-1.6, 7.0)
crowds = st.lists(st.tuples(st.floats(0.0, 900.0), deviations), max_size=150)


def played(crowd: list[tuple[float, float]]) -> tuple[Baseline, list[tuple[float, float]]]:
    """The baseline afterwards, and what it was for each person."""
    made, now = Baseline(), 0.0
    seen: list[tuple[float, float]] = []
    for pause, shift in crowd:
        now += pause
        seen.append((now, made.value(Monotonic(now))))
        made.feed(Monotonic(now), Celsius(shift))
    return made, seen


@given(crowds)
def test_it_never_leaves_its_clamp_and_never_moves_for_the_first_thirty(
    crowd: list[tuple[float, float]],
) -> None:
    _, seen = played(crowd)
    assert all(abs(value) <= CLAMP for _, value in seen)
    assert all(value == 0.0 for _, value in seen[:FEWEST])


@given(crowds, st.floats(0.0, 20_000.0))
def test_without_people_it_only_ever_lets_go(crowd: list[tuple[float, float]], later: float) -> None:
    made, seen = played(crowd)
    end = seen[-1][0] if seen else 0.0
    values = [abs(made.value(Monotonic(end + share * later))) for share in (0.0, 0.3, 0.6, 1.0)]
    assert values == sorted(values, reverse=True)
    assert made.value(Monotonic(end + WINDOW + DECAY)) == 0.0


@given(crowds)
def test_what_moved_as_far_as_a_step_at_once_is_drift(crowd: list[tuple[float, float]]) -> None:
    made, now = Baseline(), 0.0
    for pause, shift in crowd:
        now += pause
        before, enough = made.value(Monotonic(now)), made.fresh(Monotonic(now)) >= FEWEST
        made.feed(Monotonic(now), Celsius(shift))
        moved = abs(made.value(Monotonic(now)) - before)
        assert made.drift or not enough or moved < STEP + 0.001


@given(
    st.lists(deviations, min_size=FEWEST, max_size=150),
    st.floats(0.0, 3.0),
    st.floats(1.0, 60.0),
)
def test_warmer_people_never_make_a_lower_median(shifts: list[float], more: float, every: float) -> None:
    cool, warm = after(shifts, every=every), after([shift + more for shift in shifts], every=every)
    now = last_at(len(shifts), every=every)
    one, other = cool.shift(now), warm.shift(now)
    assert one is not None
    assert other is not None
    assert other - one == pytest.approx(more)


@given(crowds)
def test_a_file_brings_it_back_as_it_was(crowd: list[tuple[float, float]]) -> None:
    made, seen = played(crowd)
    again = Baseline.from_map(json.loads(json.dumps(made.to_map())))
    end = seen[-1][0] if seen else 0.0
    for later in (0.0, 3000.0, 8000.0):
        assert again.value(Monotonic(end + later)) == pytest.approx(
            made.value(Monotonic(end + later)), abs=0.002
        )
    assert again.cause is made.cause
    assert again.to_map() == made.to_map()


@given(crowds, st.floats(-1e6, 1e6))
def test_a_clock_that_began_anew_changes_no_age(crowd: list[tuple[float, float]], later: float) -> None:
    made, seen = played(crowd)
    again = Baseline.from_map(made.to_map(), later=later)
    end = seen[-1][0] if seen else 0.0
    for more in (10.0, 8000.0):
        # A reading exactly two hours old may fall on either side when it is moved by a rounding error.
        ages = [end + more - at for at, _ in seen]
        assume(all(abs(age - WINDOW) > 0.01 for age in ages))
        assert again.value(Monotonic(end + more + later)) == pytest.approx(
            made.value(Monotonic(end + more)), abs=0.002
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"drift": True},
        {"drift": "MAYBE"},
        {"value": 0.7},
        {"value": float("nan")},
        {"value": None},
        {"value": True},
        {"readings": None},
        {"readings": [[1.0, 0.0]] * (LAST + 1)},
        {"readings": [[1.0]]},
        {"readings": [[1.0, 99.0]]},
        {"readings": [[1.0, float("nan")]]},
        {"readings": [[float("inf"), 0.1]]},
        {"readings": [[10**400, 0.1]]},
        {"readings": [["now", 0.1]]},
        {"readings": [[5.0, 0.1], [4.0, 0.1]]},
        {"readings": [5]},
        {"moves": {"a": 1}},
        {"moves": [[1.0, 0.7]]},
    ],
)
def test_a_damaged_file_is_no_baseline(changes: dict[str, Any]) -> None:
    plain = after([0.28] * 40).to_map() | changes
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        Baseline.from_map(plain)


@pytest.mark.parametrize("missing", ["drift", "value", "readings", "moves"])
def test_half_a_file_is_no_baseline(missing: str) -> None:
    plain = after([0.28] * 40).to_map()
    del plain[missing]
    with pytest.raises(ValueError, match="no baseline"):
        Baseline.from_map(plain)


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), 40.0])
def test_what_is_no_deviation_is_refused(nonsense: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        Baseline().feed(Monotonic(0.0), Celsius(nonsense))


# -- which readings count -------------------------------------------------------------------------------


@pytest.mark.parametrize("screening", Screening)
def test_what_was_judged_counts_and_nothing_else(screening: Screening) -> None:
    judged = screening in (Screening.NORMAL, Screening.GUARD, Screening.HIGH)
    reading = Reading(screening, deviation=Celsius(0.4), baseline=Celsius(0.3))
    assert counts(reading) is judged
    assert before_baseline(reading) == (pytest.approx(0.7) if judged else None)
    assert before_baseline(Reading(screening)) is None

"""What is normal at a site: the median of a crowd, and what speaks against resting anything on it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import Celsius
from kiosk.passage.body_temperature import Commissioning, normal_here
from kiosk.passage.commissioning import Doubt, Forehead, are_foreheads, bimodality, crowd, site_normal

celsius = st.floats(16.0, 32.0)


def foreheads(*values: float, ambient: float = 24.1) -> list[Forehead]:
    return [Forehead(Celsius(value), Celsius(ambient)) for value in values]


def healthy(count: int, *, sd: float = 0.45, seed: int = 1) -> list[float]:
    random = Random(seed)
    return [random.gauss(34.0, sd) for _ in range(count)]


@given(st.floats(30.5, 36.5), celsius)
def test_the_correction_for_air_is_the_gates_own_backwards(normal: float, air: float) -> None:
    made = Commissioning.make(Celsius(normal), 100, "now", simulated=True)
    here = normal_here(made, Celsius(air))
    assert Forehead(here, Celsius(air)).at_reference == pytest.approx(normal)


def test_people_in_colder_air_say_the_same_of_the_site() -> None:
    mixed = foreheads(34.0, 34.2) + foreheads(33.83, ambient=23.1)
    assert site_normal(mixed) == pytest.approx(34.0)


@given(st.lists(st.floats(33.0, 35.0), min_size=1), st.floats(-1.0, 1.0))
def test_a_site_that_reads_higher_has_a_higher_normal_by_as_much(values: list[float], more: float) -> None:
    shifted = foreheads(*(value + more for value in values))
    assert site_normal(shifted) == pytest.approx(site_normal(foreheads(*values)) + more)


@pytest.mark.parametrize(("ill", "at_most"), [(5, 0.06), (10, 0.1), (20, 0.2)])
def test_people_with_a_fever_hardly_move_it(ill: int, at_most: float) -> None:
    people = healthy(100)
    feverish = [value + 1.5 for value in people[:ill]] + people[ill:]
    moved = site_normal(foreheads(*feverish)) - site_normal(foreheads(*people))
    assert 0 <= moved < at_most


def test_a_hat_is_no_forehead_and_a_fever_is_one() -> None:
    seen = foreheads(*[34.0] * 8, 32.3, 32.5, 37.0)
    assert are_foreheads(seen) == [True] * 8 + [False, True, True]
    assert are_foreheads([]) == []


def test_nobody_has_no_normal() -> None:
    with pytest.raises(ValueError, match="nobody"):
        site_normal([])


def test_the_figures_of_a_crowd_can_be_checked_by_hand() -> None:
    found = crowd(foreheads(*(33.0 + 0.1 * index for index in range(21))), missed=2)
    assert (found.people, found.missed) == (21, 2)
    assert found.normal == pytest.approx(34.0)
    assert found.sd == pytest.approx(0.6055, abs=1e-4)  # .1 * sqrt((21² - 1) / 12)
    assert (found.p5, found.p95) == pytest.approx((33.1, 34.9))
    assert found.high == pytest.approx(3)  # 34.8, 34.9 and 35.0
    assert found.standard_error == pytest.approx(1.2533 * 0.6055 / 21**0.5, abs=1e-3)
    assert (found.coldest, found.warmest) == (24.1, 24.1)


def test_a_healthy_crowd_raises_no_doubt() -> None:
    for seed in range(20):
        people = healthy(100, seed=seed)
        feverish = [value + 1.5 for value in people[:5]] + people[5:]
        assert crowd(foreheads(*feverish)).doubts == ()


def test_each_doubt_has_its_crowd() -> None:
    half = [34.0 + 0.01 * (index % 10) for index in range(50)]
    two = foreheads(*half, *(value + 1.2 for value in half))
    assert Doubt.TWO_CROWDS in crowd(two).doubts
    assert Doubt.MANY_HIGH in crowd(foreheads(*half, *half, *(value + 0.9 for value in half[:30]))).doubts
    assert crowd(foreheads(*healthy(100, sd=1.1))).doubts[0] is Doubt.WIDE_SPREAD
    assert crowd(foreheads(*healthy(100, sd=0.12))).doubts == (Doubt.NARROW_SPREAD,), "one person's"
    assert crowd(foreheads(*healthy(100)), missed=26).doubts == (Doubt.MANY_MISSED,)


def test_one_hump_and_two_are_told_apart() -> None:
    assert bimodality([0.0, 1.0] * 50) == pytest.approx(1.0, abs=0.05)
    assert bimodality([index / 200 for index in range(201)]) == pytest.approx(5 / 9, abs=0.02)
    assert bimodality(healthy(400)) == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], [34.0] * 100])
def test_where_it_says_nothing_it_says_so(values: list[float]) -> None:
    if values:
        assert bimodality(values) == 0.0
        assert Doubt.TWO_CROWDS not in crowd(foreheads(*values)).doubts

"""The thermal model against the design's figures and the data sheet's vectors."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mlx90614 import SPECS
from drivers.simulated.thermal import (
    FOREHEAD_CM,
    PARTS,
    SKIN_EMISSIVITY,
    Filter,
    Pose,
    apparent,
    cold_drop,
    seen,
    share_in_view,
    skin_celsius,
)
from drivers.simulated.visitor import BESIDE_CM, STANDING_CM
from kiosk.model import Celsius
from kiosk.scenario import Air, Person, people
from kiosk.scenario_data import VARIANTS
from tests.data import conformance_data
from tests.unit.drivers.simulated.street import play

WARM = Air(Celsius(20), Celsius(24.1))


def somebody(**figures: float) -> Person:
    person = people(play("anna: skin = 0.0", "0 anna"))[0]
    return replace(person, **{"chill": 1.0, **figures})  # type: ignore[arg-type]


# -- the person ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "reads"), [(0, 33.2), (1, 34.9), (5, 36.1), (60, 36.6)])
def test_a_forehead_warms_up_as_measured(minutes: float, reads: float) -> None:
    """Design (temperature): coming in from -5 °C."""
    assert 36.6 - cold_drop(Celsius(-5), minutes * 60) == pytest.approx(reads, abs=0.05)


def test_a_mild_day_leaves_foreheads_alone() -> None:
    assert cold_drop(Celsius(20), 0) == Celsius(0)
    assert cold_drop(Celsius(35), 0) == Celsius(0)
    assert 0 < cold_drop(Celsius(10), 0) < cold_drop(Celsius(-5), 0)


def test_foreheads_on_entry_differ_by_one_and_a_half_degrees() -> None:
    crowd = people(
        play("anna: skin = 0.0", rest="[[arrivals]]\nuntil = 3600\nper_hour = 900\nmix = { anna = 1 }\n")
    )
    site, street = play().site, Air(Celsius(-5), Celsius(22))
    on_entry = [skin_celsius(person, site, street, 0.0) for person in crowd]
    mean = sum(on_entry) / len(on_entry)
    spread = (sum((value - mean) ** 2 for value in on_entry) / len(on_entry)) ** 0.5
    assert spread == pytest.approx(1.5, abs=0.35)


def test_a_fever_hides_behind_a_cold_forehead_in_a_heated_lobby() -> None:
    """Design: such a person with +2 °C of fever still reads below today's normal."""
    site, lobby = play().site, Air(Celsius(-5), Celsius(24.1))
    person = people(play("anna: skin = 0.0; fever = 2.0", "0 anna"))[0]
    assert skin_celsius(replace(person, chill=1.0), site, lobby, 0.0) < site.site_normal - 1
    assert skin_celsius(replace(person, chill=1.0), site, lobby, 3600.0) > site.site_normal + 1.9


def test_nobody_warms_up_by_standing_in_the_street() -> None:
    street = Air(Celsius(-5), Celsius(-5))
    site = play().site
    assert skin_celsius(somebody(), site, street, 3600.0) == skin_celsius(somebody(), site, street, 0.0)


def test_a_wet_forehead_hides_as_much_of_a_fever_as_it_evaporates() -> None:
    site = play().site
    dry, wet = (
        skin_celsius(
            people(play(f"anna: skin = 0.0; fever = 1.5; damp = {damp}", "0 anna"))[0], site, WARM, 3600
        )
        for damp in (0.0, 0.8)
    )
    assert dry - wet == pytest.approx(0.8)


@pytest.mark.parametrize("beside", [6.0, 8.0, 10.0])
def test_over_a_low_forehead_the_sensor_sees_hair_and_then_nobody(beside: float) -> None:
    """Hair reads so low that no fever makes it a forehead; a cheek there is 2.5 °C low only."""
    hair, cheek = (
        seen(PARTS["xCC"], Pose(5.0, beside, too_low=low), Celsius(36.9), WARM) for low in (True, False)
    )
    assert hair < 34.4 - 1.6 < cheek
    assert beside < 10 or hair == pytest.approx(WARM.indoor, abs=0.1)


def test_a_helmet_shows_less_of_the_skin_than_a_hat() -> None:
    hat, helmet = (seen(PARTS["xCC"], Pose(5.0, 0.2, share), Celsius(34.4), WARM) for share in (0.45, 0.15))
    assert hat - helmet > 2


def test_warmer_air_makes_warmer_foreheads() -> None:
    site = play().site
    cool, warm = (
        skin_celsius(somebody(), site, Air(Celsius(22), Celsius(indoor)), 3600.0) for indoor in (20.0, 28.0)
    )
    assert warm - cool == pytest.approx(8 * 0.17)


# -- optics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "distance", "least", "most"),
    [
        ("xAA", 5.0, 0.44, 0.46),
        ("xAA", 1.5, 0.99, 1.0),
        ("xCC", 5.0, 0.99, 1.0),
        ("DCH", 15.0, 0.99, 1.0),
        ("DCI", 30.0, 0.99, 1.0),
        ("xCC", 30.0, 0.0, 0.2),
    ],
)
def test_the_share_of_forehead_is_what_the_field_of_view_allows(
    variant: str, distance: float, least: float, most: float
) -> None:
    """Design (temperature, Bus): 90° sees 45 % at 5 cm; 35° holds to 5, 12° to 15, 5° to 30 cm."""
    share = share_in_view(FOREHEAD_CM, PARTS[variant].view_deg, distance, 0.0)
    assert least <= share <= most


@given(st.floats(0.1, 20), st.floats(3, 90), st.floats(0.5, 80), st.floats(0, 60))
def test_a_share_is_a_share_and_shrinks_beside_the_axis(
    r: float, deg: float, cm: float, beside: float
) -> None:
    share = share_in_view(r, deg, cm, beside)
    assert 0 <= share <= share_in_view(r, deg, cm, 0.0) <= 1


def test_somebody_with_a_code_up_does_not_look_like_a_forehead() -> None:
    """The watch for foreheads reacts at one degree above the background."""
    standing = Pose(STANDING_CM, BESIDE_CM)
    for part in PARTS.values():
        empty = seen(part, None, Celsius(0), WARM)
        assert seen(part, standing, Celsius(34.4), WARM) - empty < 0.6, part.spec.variant


def test_a_hat_reads_degrees_too_low() -> None:
    part = PARTS["xCC"]
    bare, covered = (seen(part, Pose(5.0, 0.2, cover), Celsius(34.4), WARM) for cover in (None, 0.45))
    assert bare - covered > 3


# -- radiation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("around", "error"), [(20.0, 0.27), (-20.0, 0.84)])
def test_emissivity_costs_what_the_design_says(around: float, error: float) -> None:
    true = 34.0 + error
    assert apparent([(1.0, SKIN_EMISSIVITY, true)], around) == pytest.approx(34.0, abs=0.01)


@pytest.mark.conformance
def test_every_emissivity_vector() -> None:
    vectors = json.loads((conformance_data() / "temperature/vectors.json").read_text())
    checked = 0
    for vector in vectors["emissivity_correction"]:
        seen_then = apparent([(1.0, vector["eps"], vector["t_true"])], vector["t_reflected"])
        assert seen_then == pytest.approx(vector["t_meas_eps1"], abs=0.002)
        checked += 1
    assert checked > 20


@given(st.floats(-20, 45), st.floats(-20, 45))
def test_a_black_body_is_seen_as_it_is(celsius: float, around: float) -> None:
    assert apparent([(1.0, 1.0, celsius)], around) == pytest.approx(celsius, abs=1e-6)


# -- the filter ------------------------------------------------------------------------------------------


def test_every_variant_of_a_scenario_is_known() -> None:
    assert set(PARTS) == set(VARIANTS) == set(SPECS)


@pytest.mark.parametrize("variant", sorted(PARTS))
def test_a_step_has_settled_after_the_settling_time(variant: str) -> None:
    """Data sheet 6.1: within .5 % of a step; much earlier it has not."""
    part = PARTS[variant]
    filtered = Filter(part.share)
    filtered.feed(20.0)
    elapsed, outputs = 0.0, []
    while elapsed + part.conversion_s <= part.spec.settling_s + 1e-9:
        elapsed += part.conversion_s
        outputs.append(filtered.feed(30.0))
    assert outputs[-1] == pytest.approx(30.0, abs=0.05)
    if part.share < 1:
        assert outputs[0] < 28.0

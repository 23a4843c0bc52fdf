"""The thermometer before a reference: what it is compared with, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import CalibrationError, ReferenceUnstable
from kiosk.model import Celsius, ThermometerSpec, Volts
from kiosk.passage.corrections import for_calibration, for_emissivity
from kiosk.passage.reference_body import Reference, calibrated, steady_look, two_points
from kiosk.passage.site import Calibration, Site
from tests.unit.passage.foreheads import ALL, XAA, XCF, sample, steps, stream


def pair(true: float, measured: float) -> tuple[Celsius, Celsius]:
    return Celsius(true), Celsius(measured)


# -- the reference ---------------------------------------------------------------------------------------


def test_a_black_body_is_seen_as_it_is() -> None:
    assert Reference(Celsius(40.0)).seen == 40.0
    assert Reference(Celsius(40.0), 1.0, Celsius(20.0)).seen == pytest.approx(40.0)


@given(st.floats(25.0, 45.0), st.floats(0.9, 1.0), st.floats(16.0, 32.0))
def test_the_room_in_a_plate_is_skins_correction_backwards(true: float, e: float, room: float) -> None:
    seen = Reference(Celsius(true), e, Celsius(room)).seen
    assert for_emissivity(seen, Celsius(room), e) == pytest.approx(true, abs=1e-6)


def test_a_plate_of_98_hundredths_is_seen_a_third_of_a_degree_low() -> None:
    assert Reference(Celsius(40.0), 0.98, Celsius(24.0)).seen == pytest.approx(39.70, abs=0.01)


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ((19.9,), "too far from foreheads"),
        ((50.1,), "too far from foreheads"),
        ((float("nan"),), "too far from foreheads"),
        ((40.0, 0.5, 24.0), "none of a reference"),
        ((40.0, 1.01, 24.0), "none of a reference"),
        ((40.0, 0.95), "the room is needed too"),
    ],
)
def test_what_is_no_reference_is_refused(reference: tuple[float, ...], sentence: str) -> None:
    true, *more = reference
    with pytest.raises(CalibrationError, match=sentence):
        Reference(Celsius(true), *(Celsius(value) for value in more))


# -- a look ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.variant)
@pytest.mark.parametrize("seed", range(5))
def test_every_variant_settles_on_a_steady_body(spec: ThermometerSpec, seed: int) -> None:
    look = steady_look(list(stream(spec, steps((0.0, 37.0)), 20.0, seed=seed)), spec)
    assert look.raw == pytest.approx(37.0, abs=0.13)
    assert look.die == pytest.approx(24.1, abs=0.011)


def test_a_body_that_warms_up_is_no_reference() -> None:
    rising = list(stream(XAA, lambda at: 36.9 + 0.015 * at, 20.0))
    with pytest.raises(ReferenceUnstable, match="°C a minute"):
        steady_look(rising, XAA)


def test_a_hand_before_the_sensor_is_noticed() -> None:
    with pytest.raises(ReferenceUnstable, match="spread"):
        steady_look(list(stream(XAA, steps((0.0, 40.0), (9.0, 35.0), (11.0, 40.0)), 20.0)), XAA)


def test_a_few_readings_are_no_look() -> None:
    with pytest.raises(ReferenceUnstable, match="only 0 readings"):
        steady_look([], XAA)
    with pytest.raises(ReferenceUnstable, match="10 are needed"):
        steady_look([sample(0.1 * at, 37.0) for at in range(60)], XAA)
    with pytest.raises(ReferenceUnstable, match="10 are needed"):
        steady_look(list(stream(XCF, steps((0.0, 37.0)), 11.0)), XCF)


# -- two points ------------------------------------------------------------------------------------------


@given(st.floats(0.975, 1.025), st.floats(-0.45, 0.45), st.floats(30.0, 36.0), st.floats(4.0, 10.0))
def test_the_calibration_undoes_the_parts_error(gain: float, offset: float, low: float, apart: float) -> None:
    said = [(true - offset) / gain for true in (low, low + apart)]
    found = two_points(pair(low, said[0]), pair(low + apart, said[1]), "2026-11-22", "BB-7")
    for true, measured in zip((low, low + apart), said, strict=True):
        assert for_calibration(Celsius(measured), found) == pytest.approx(true, abs=0.002)
    assert (found.made_on, found.reference) == ("2026-11-22", "BB-7")


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        ((34.0, 34.0), (37.9, 37.9), "3.9 °C apart: at least 4"),
        ((40.0, 37.0), (34.0, 37.0), "says the same of both"),
        ((34.0, 34.0), (40.0, 40.3), "can't be corrected: gain"),
        ((34.0, 33.4), (40.0, 39.4), "can't be corrected: offset"),
        ((34.0, 40.0), (40.0, 34.0), "can't be corrected: gain"),
    ],
)
def test_what_is_no_calibration_is_refused(
    one: tuple[float, float], other: tuple[float, float], sentence: str
) -> None:
    with pytest.raises(CalibrationError, match=sentence):
        two_points(pair(*one), pair(*other), "2026-11-22", "BB-7")


def test_a_check_compares_after_supply_and_calibration() -> None:
    site = Site(supply_volts=Volts(3.3), calibration=Calibration(1.01, Celsius(-0.2), "2026-11-22", "BB-7"))
    assert calibrated(Celsius(38.18), site) == pytest.approx(1.01 * 38.0 - 0.2)

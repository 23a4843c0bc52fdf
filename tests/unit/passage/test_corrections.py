"""The arithmetic between a word and a forehead, against the data sheet's figures and the shared vectors."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import Celsius, RawWord, Volts, celsius_to_word, word_to_celsius
from kiosk.passage.corrections import correct, for_calibration, for_emissivity, for_supply
from kiosk.passage.site import Calibration, Site
from tests.data import conformance_data

pytestmark = pytest.mark.conformance


def vectors(name: str) -> list[dict[str, Any]]:
    text = (conformance_data() / "temperature" / "vectors.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)[name]
    assert found
    return found


RATED = {"B/D 3V": Volts(3.0), "A 5V": Volts(5.0)}


def test_every_supply_vector() -> None:
    for vector in vectors("vdd_compensation"):
        got = for_supply(Celsius(vector["t_raw"]), Volts(vector["vdd"]), RATED[vector["variant"]])
        assert got == pytest.approx(vector["t_comp"], abs=1e-9), vector


def test_every_emissivity_vector() -> None:
    for vector in vectors("emissivity_correction"):
        got = for_emissivity(Celsius(vector["t_meas_eps1"]), Celsius(vector["t_reflected"]), vector["eps"])
        # The vectors carry three digits.
        assert got == pytest.approx(vector["t_true"], abs=0.0005), vector


@pytest.mark.parametrize("name", ["conversion_printed", "read_vectors"])
def test_every_word_becomes_the_temperature_it_stands_for(name: str) -> None:
    for vector in vectors(name):
        # The data sheet's own text rounds two of them by a hundredth.
        assert word_to_celsius(RawWord(int(vector["word"], 16))) == pytest.approx(
            vector["celsius"], abs=0.0101
        ), vector


def test_the_figures_the_design_quotes() -> None:
    assert for_emissivity(Celsius(34), Celsius(20), 0.98) - 34 == pytest.approx(0.27, abs=0.005)
    assert for_emissivity(Celsius(34), Celsius(-20), 0.98) - 34 == pytest.approx(0.84, abs=0.005)
    assert for_supply(Celsius(34), Volts(3.3), Volts(3.0)) - 34 == pytest.approx(-0.18)


def test_two_points_of_a_reference_come_out_as_the_reference() -> None:
    """A black body of 35.0 °C was read as 34.82, one of 38.0 as 37.80."""
    gain = (38.0 - 35.0) / (37.80 - 34.82)
    calibration = Calibration(gain, Celsius(35.0 - gain * 34.82), "2026-11-01", "BB-7")
    assert for_calibration(Celsius(34.82), calibration) == pytest.approx(35.0)
    assert for_calibration(Celsius(37.80), calibration) == pytest.approx(38.0)


def test_the_order_is_supply_then_calibration_then_emissivity() -> None:
    site = Site(
        supply_volts=Volts(3.3),
        calibration=Calibration(1.01, Celsius(-0.2), "2026-11-01", "BB-7"),
        emissivity=0.98,
    )
    supplied = 34.0 - 0.18
    calibrated = 1.01 * supplied - 0.2
    skin = for_emissivity(Celsius(calibrated), Celsius(20.0), 0.98)
    got, steps = correct(Celsius(34.0), Celsius(20.0), site)
    assert got == pytest.approx(skin, abs=1e-9)
    assert steps.supply == pytest.approx(-0.18)
    assert steps.calibration == pytest.approx(calibrated - supplied)
    assert steps.emissivity == pytest.approx(skin - calibrated)
    assert 34.0 + steps.supply + steps.calibration + steps.emissivity == pytest.approx(got)


@given(st.floats(-70, 382), st.floats(-70, 382), st.floats(-40, 85))
def test_a_warmer_word_is_never_a_cooler_forehead(one: float, other: float, air: float) -> None:
    cooler, warmer = sorted((one, other))
    low, _ = correct(Celsius(cooler), Celsius(air), Site())
    high, _ = correct(Celsius(warmer), Celsius(air), Site())
    assert low <= high


@pytest.mark.parametrize("air", [16.0, 24.1, 32.0])
def test_one_degree_of_skin_is_one_degree_of_reading(air: float) -> None:
    """Known skins as a sensor set to emissivity 1 sees them, from 35 to 40 °C in steps of .25."""
    skins = [35 + step * 0.25 for step in range(21)]
    readings = []
    for skin in skins:
        radiated = 0.98 * (skin + 273.15) ** 4 + 0.02 * (air + 273.15) ** 4
        word = celsius_to_word(Celsius(radiated**0.25 - 273.15))
        readings.append(correct(word_to_celsius(word), Celsius(air), Site())[0])
    slope = (readings[-1] - readings[0]) / (skins[-1] - skins[0])
    assert slope == pytest.approx(1.0, abs=0.005)
    assert all(
        reading == pytest.approx(skin, abs=0.011) for reading, skin in zip(readings, skins, strict=True)
    )


@pytest.mark.parametrize("word", [0, 1, 0x7FFF])
def test_words_that_no_forehead_gives_never_become_one(word: int) -> None:
    reading, parts = correct(word_to_celsius(RawWord(word)), Celsius(85.0), Site())
    assert all(map(math.isfinite, [reading, parts.supply, parts.calibration, parts.emissivity]))
    assert not 20 < reading < 60

"""A site that could never alarm, a faulty part, a simulated record on a real gate: all are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import config
from kiosk.errors import ConfigError
from kiosk.model import Celsius, EntryFrom, Volts
from kiosk.passage.site import Calibration, Commissioning, Site

HERE = Commissioning.make(Celsius(34.2), 140, "2026-11-02T09:00:00Z", simulated=False)

calibrations = st.builds(
    Calibration,
    st.floats(0.97, 1.03),
    st.floats(-0.5, 0.5),
    st.dates().map(str),
    st.none() | st.text(),
)
commissionings = st.builds(
    Commissioning.make,
    st.floats(30, 37),
    st.integers(100, 10_000),
    st.text(),
    simulated=st.booleans(),
)
sites = st.builds(
    Site,
    supply_volts=st.floats(2.6, 3.6),
    calibration=calibrations,
    emissivity=st.floats(0.9, 1.0),
    die_offset=st.floats(-10, 10),
    entry_from=st.sampled_from(EntryFrom),
    air_fitted=st.booleans(),
    guard=st.floats(0.3, 0.5),
    high=st.floats(0.5, 1.5),
    commissioning=st.none() | commissionings,
)


@given(sites)
def test_a_site_survives_the_journal(site: Site) -> None:
    assert Site.from_map(json.loads(json.dumps(site.to_map()))) == site


@pytest.mark.parametrize(
    "changes",
    [
        {"guard": 0.2},
        {"guard": 0.9, "high": 1.0},
        {"high": 0.4},
        {"high": 1.6},
        {"high": 45.0},
        {"guard": 0.7, "high": 0.6},
        {"guard": float("nan")},
        {"high": float("inf")},
        {"emissivity": 0.5},
        {"emissivity": 1.01},
        {"supply_volts": 5.0},
        {"die_offset": 11.0},
    ],
)
def test_a_site_that_can_not_judge_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(Site(), **changes)


@pytest.mark.parametrize(
    ("gain", "offset", "made_on"),
    [
        (0.969, 0.0, "2026-11-01"),
        (1.031, 0.0, "2026-11-01"),
        (1.0, 0.51, "2026-11-01"),
        (1.0, -0.51, "2026-11-01"),
        (float("nan"), 0.0, "2026-11-01"),
        (1.01, 0.1, None),
        (1.01, 0.1, "soon"),
        (1.0, 0.0, "2026-13-01"),
    ],
)
def test_a_calibration_that_hides_a_faulty_part_or_its_age_is_refused(
    gain: float, offset: float, made_on: str | None
) -> None:
    with pytest.raises(ConfigError):
        Calibration(gain, Celsius(offset), made_on)


def test_a_part_as_delivered_needs_no_date() -> None:
    assert Calibration().as_delivered
    assert not Calibration(1.01, made_on="2026-11-01").as_delivered


def _broken(plain: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**plain, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    "changes",
    [
        {"guard": ...},
        {"more": 1},
        {"guard": "0.5"},
        {"guard": True},
        {"air_fitted": 1},
        {"air_fitted": None},
        {"outdoor": None},
        {"entry_from": "everywhere"},
        {"calibration": None},
        {"calibration": {"gain": 1.0}},
        {"calibration": {"gain": 1.0, "offset": 0.0, "made_on": 5, "reference": None}},
        {"commissioning": {}},
        {"commissioning": {**HERE.to_map(), "people": 140.5}},
        {"commissioning": {**HERE.to_map(), "people": 99}},
        {"commissioning": {**HERE.to_map(), "simulated": 0}},
        {"commissioning": {**HERE.to_map(), "site_normal": 38.0}},
        {"commissioning": {**HERE.to_map(), "site_normal": float("nan")}},
    ],
)
def test_a_record_that_is_not_a_site_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Site.from_map(_broken(Site().to_map(), changes))


def test_something_else_than_a_record_is_refused() -> None:
    others: list[Any] = [[], "site", None, 5]
    for plain in others:
        with pytest.raises(ConfigError):
            Site.from_map(plain)


# -- commissioning ---------------------------------------------------------------------------------------


def _written(folder: Path, plain: object) -> Path:
    path = folder / "commissioning.json"
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain), encoding="utf-8")
    return path


def test_a_record_is_read_back(tmp_path: Path) -> None:
    assert Commissioning.load(_written(tmp_path, HERE.to_map())) == HERE


def test_records_with_other_content_have_other_ids() -> None:
    other = Commissioning.make(Celsius(34.3), 140, "2026-11-02T09:00:00Z", simulated=False)
    assert HERE.id != other.id
    assert HERE.id == Commissioning.make(Celsius(34.2), 140, "2026-11-02T09:00:00Z", simulated=False).id


def test_a_real_gate_never_rests_on_a_simulated_record(tmp_path: Path) -> None:
    made_up = Commissioning.make(Celsius(34.2), 100, "2026-11-02T09:00:00Z", simulated=True)
    path = _written(tmp_path, made_up.to_map())
    with pytest.raises(ConfigError, match="SIMULATED"):
        Commissioning.load(path)
    assert Commissioning.load(path, simulated=True) == made_up


def test_a_record_that_was_made_milder_by_hand_is_refused(tmp_path: Path) -> None:
    warmer = HERE.to_map() | {"site_normal": 35.2}
    with pytest.raises(ConfigError, match="changed"):
        Commissioning.load(_written(tmp_path, warmer))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"site_normal": 34}'])
def test_a_damaged_record_is_one_sentence_that_names_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"commissioning\.json"):
        Commissioning.load(_written(tmp_path, text))


def test_a_missing_record_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json"):
        Commissioning.load(tmp_path / "nowhere.json")


def test_a_site_is_what_the_configuration_says() -> None:
    shipped = config.load(None)
    thermometer = replace(
        shipped.thermometer,
        supply_volts=Volts(3.3),
        gain=1.01,
        offset=Celsius(-0.1),
        calibrated_on="2026-11-01",
        reference="BB-7",
        die_offset=Celsius(1.5),
    )
    screening = replace(shipped.screening, guard=Celsius(0.4), high=Celsius(0.7))
    site = Site.of(thermometer, screening, EntryFrom.OUTDOORS, HERE)
    assert site == Site(
        supply_volts=Volts(3.3),
        rated_volts=thermometer.rated_volts,
        calibration=Calibration(1.01, Celsius(-0.1), "2026-11-01", "BB-7"),
        emissivity=thermometer.emissivity,
        die_offset=Celsius(1.5),
        entry_from=EntryFrom.OUTDOORS,
        guard=Celsius(0.4),
        high=Celsius(0.7),
        commissioning=HERE,
    )

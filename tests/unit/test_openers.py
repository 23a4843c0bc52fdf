"""Which devices a configuration opens on this machine, and what it says where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.config import Config, load
from kiosk.errors import DeviceAbsent
from kiosk.fitted import Openers
from kiosk.model import BusCounts
from kiosk.simulation import Place, Simulation
from tests.contract.thermometers import scenario
from tests.street import memory_folder

NO_BUS = 31


def configured(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "kiosk.toml"
    file.write_text(text)
    return load(file)


def test_the_configured_bus_is_opened_and_missed_by_its_number(tmp_path: Path) -> None:
    openers = Openers.of(
        configured(
            tmp_path,
            f"[thermometer]\nbus = {NO_BUS}\n[air]\ndriver = 'sht3x'\nbus = {NO_BUS}\n"
            f"[outdoor]\ndriver = 'sht3x'\nbus = {NO_BUS}\n",
        )
    )
    assert openers.air is not None
    assert openers.outdoor is not None
    for opener in (openers.thermometer, openers.air, openers.outdoor):
        with pytest.raises(DeviceAbsent, match=f"/dev/i2c-{NO_BUS}.*enable I2C"):
            opener()
    assert openers.bus == BusCounts()


def test_without_air_thermometers_there_is_nothing_to_open(tmp_path: Path) -> None:
    openers = Openers.of(configured(tmp_path, ""))
    assert openers.air is None
    assert openers.outdoor is None


def test_a_gate_without_thermometer_says_that_it_was_configured_so(tmp_path: Path) -> None:
    openers = Openers.of(configured(tmp_path, "[thermometer]\ndriver = 'none'\n"))
    with pytest.raises(DeviceAbsent, match=r"none is fitted \(thermometer.driver\).*referred"):
        openers.thermometer()
    assert openers.bus is None


def test_a_simulated_gate_without_thermometer_has_none_either() -> None:
    with memory_folder() as folder:
        place = Place.lay_out(folder / "gate", scenario("xAA"))
        config = load(place.config_file)
        config = replace(config, thermometer=replace(config.thermometer, driver="none"))
        with Simulation(place, config) as simulation:
            for _ in range(60):
                simulation.clock.advance(0.05)
                simulation.gate.turn()
            assert simulation.gate.surroundings.health.snapshot()["thermometer"] == "DEVICE_ABSENT"

"""``kiosk gate`` runs real devices only, and says where the simulated ones run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kiosk.commands import gate
from kiosk.commands.__main__ import main
from kiosk.health import CAMERA, THERMOMETER, Health

SIMULATED = """
[gate]
id = "east"
device = "kiosk-7"
community = "c1"
simulated = true
[camera]
source = "simulated"
[thermometer]
driver = "simulated"
"""


def test_a_simulated_configuration_is_refused_and_the_help_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(SIMULATED)
    assert main(["gate", "--config", str(file)]) != 0
    assert "kiosk demo" in capsys.readouterr().err
    assert "simulated devices is refused" in " ".join((gate.__doc__ or "").split())


def test_the_log_says_what_begins_to_fail_and_what_works_again_once_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A gate without a panel has nothing else to say it by: the journal has to be asked."""
    health, lines = Health(), gate.FaultLines()
    caplog.set_level(logging.INFO)
    health.note(THERMOMETER, "DEVICE_ABSENT", "I2C bus 1 is not there: enable I2C")
    for _ in range(3):
        lines.look(health.faults)
    health.note(THERMOMETER, "SENSOR_STUCK")
    health.note(CAMERA, "DEVICE_STALLED", "no frame for 2 s")
    lines.look(health.faults)
    health.note(CAMERA, None)
    health.note(THERMOMETER, None)
    lines.look(health.faults)
    assert [record.getMessage() for record in caplog.records][:3] == [
        "thermometer: DEVICE_ABSENT: I2C bus 1 is not there: enable I2C",
        "thermometer: SENSOR_STUCK",
        "camera: DEVICE_STALLED: no frame for 2 s",
    ]
    assert {record.getMessage() for record in caplog.records[3:]} == {
        "camera works again",
        "thermometer works again",
    }

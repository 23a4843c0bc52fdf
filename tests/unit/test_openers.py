"""From the configuration to the camera: every setting arrives, and what can't be opened says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.webcam import Webcam
from kiosk.assembly import Openers
from kiosk.config import Config, load
from kiosk.errors import DeviceAbsent
from tests.contract.picamera2_stand_in import Bench


def config(folder: Path, text: str) -> Config:
    file = folder / "kiosk.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_every_setting_of_the_camera_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(found=[{"Model": "imx219", "Num": 1}, {"Model": "imx708", "Num": 0}])
    monkeypatch.setitem(sys.modules, "picamera2", bench.module())
    settings = "number = 1\ndistance_mm = 250\ncrop = 0.5\nexposure_us = 1234\ngain = 2.0\n"
    camera = Openers.of(config(tmp_path, f"[camera]\n{settings}")).frames()
    camera.close()
    assert bench.cameras[0].camera_idx == 0
    assert bench.set["LensPosition"] == 4.0
    assert bench.set["ExposureTime"] == 1234
    assert bench.set["AnalogueGain"] == 2.0
    assert bench.set["ScalerCrop"][2] == 2304


def test_the_field_is_a_setting_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setitem(sys.modules, "picamera2", bench.module())
    Openers.of(config(tmp_path, "[camera]\nfield_mm = 80\n")).frames().close()
    assert bench.set["ScalerCrop"][2] == 1386


def test_by_default_it_is_the_pis_own_without_a_light(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    shipped = config(tmp_path, "")
    assert shipped.pins.illuminator is None
    with pytest.raises(DeviceAbsent, match="apt install python3-picamera2"):
        Openers.of(shipped, MockFactory()).frames()


def test_a_webcam_is_opened_where_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def remember(self: Webcam, device: str) -> None:
        opened.append(device)

    monkeypatch.setattr(Webcam, "__init__", remember)
    Openers.of(config(tmp_path, '[camera]\nsource = "webcam"\ndevice = "/dev/video2"\n')).frames()
    assert opened == ["/dev/video2"]

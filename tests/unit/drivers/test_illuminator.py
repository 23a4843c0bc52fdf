"""The light on the code: lit while the camera is open, dark however it ends."""

from __future__ import annotations

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.illuminator import Illuminated
from drivers.qr_camera import QrCamera
from kiosk.config import load
from kiosk.devices import FrameSource
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceStalled
from kiosk.fitted import Openers
from kiosk.model import Monotonic
from kiosk.supervision import Supervised
from tests.contract.picamera2_stand_in import Bench

PIN = 25


@pytest.fixture
def pins() -> MockFactory:
    return MockFactory()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def opened(bench: Bench, pins: MockFactory) -> Illuminated:
    return Illuminated(lambda: QrCamera(library=bench.module()), PIN, pin_factory=pins)


def lit(pins: MockFactory) -> bool:
    pin = pins.pin(PIN)
    return bool(pin.function == "output" and pin.state)


def test_it_shines_while_the_camera_is_open(bench: Bench, pins: MockFactory) -> None:
    camera = opened(bench, pins)
    assert lit(pins)
    camera.close()
    assert not lit(pins)
    assert bench.open == []
    camera.close()


def test_a_camera_that_is_not_there_lights_nothing(bench: Bench, pins: MockFactory) -> None:
    bench.found = []
    with pytest.raises(DeviceAbsent):
        opened(bench, pins)
    assert not lit(pins)


def test_a_pin_that_is_taken_is_named_and_the_camera_is_let_go(bench: Bench, pins: MockFactory) -> None:
    first = opened(bench, pins)
    with pytest.raises(DeviceBusy, match="illuminator on GPIO25"):
        opened(bench, pins)
    assert len(bench.open) == 1
    first.close()


def test_a_camera_that_fails_is_dark_until_it_is_back(bench: Bench, pins: MockFactory) -> None:
    class Reader:
        def __init__(self, source: FrameSource) -> None:
            self._source = source
            self.close = source.close

        def poll(self, now: Monotonic) -> list[int]:
            frame = self._source.poll(now)
            return [] if frame is None else [frame.luma[0]]

    part = Supervised("camera", lambda: Reader(opened(bench, pins)))
    part.poll(Monotonic(0.0))
    assert lit(pins)
    for tenth in range(1, 22):
        part.poll(Monotonic(tenth / 10))
    assert isinstance(part.fault, DeviceStalled)
    assert not lit(pins)
    part.poll(Monotonic(5.0))
    assert lit(pins)
    part.close()
    assert not lit(pins)


def test_the_configuration_names_the_pin(tmp_path_factory: pytest.TempPathFactory, pins: MockFactory) -> None:
    file = tmp_path_factory.mktemp("gate") / "kiosk.toml"
    file.write_text('[camera]\nsource = "webcam"\ndevice = "video9"\n[pins]\nilluminator = 25\n')
    config = load(file)
    assert config.pins.illuminator == PIN
    with pytest.raises(DeviceAbsent, match=f"camera {file.parent}/video9: No such file"):
        Openers.of(config, pins).frames()
    assert not lit(pins)

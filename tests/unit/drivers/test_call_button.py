"""The call button on a mock pin and the simulated one: each press counts once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from drivers.call_button import GpioCallButton
from drivers.simulated.call_button import SimulatedCallButton
from kiosk.devices import CallButton
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError
from kiosk.model import Monotonic
from tests.mock_pins import MockPins

PIN = 22
NOW = Monotonic(0.0)
Pressed = tuple[CallButton, Callable[[], None]]


def _gpio() -> Iterator[Pressed]:
    pins = MockPins()

    def press() -> None:
        pins.pin(PIN).drive_low()  # a switch to ground
        pins.pin(PIN).drive_high()

    with GpioCallButton(PIN, pin_factory=pins) as button:
        yield button, press


def _simulated() -> Iterator[Pressed]:
    with closing(SimulatedCallButton()) as button:
        yield button, button.press


@pytest.fixture(params=[_gpio, _simulated], ids=["gpio", "simulated"])
def pressed(request: pytest.FixtureRequest) -> Iterator[Pressed]:
    yield from request.param()


def test_nobody_pressed(pressed: Pressed) -> None:
    button, _ = pressed
    assert not button.poll(NOW)


def test_each_press_counts_once(pressed: Pressed) -> None:
    button, press = pressed
    press()
    press()
    assert [button.poll(NOW) for _ in range(3)] == [True, True, False]
    press()
    assert button.poll(NOW)


def test_hammering_does_not_call_fifty_times(pressed: Pressed) -> None:
    button, press = pressed
    for _ in range(50):
        press()
    assert sum(button.poll(NOW) for _ in range(60)) == 3


def test_closed_forgets_and_hears_nothing(pressed: Pressed) -> None:
    button, press = pressed
    press()
    button.close()
    button.close()
    assert not button.poll(NOW)


def test_holding_it_down_is_one_press() -> None:
    pins = MockPins()
    with GpioCallButton(PIN, pin_factory=pins) as button:
        pins.pin(PIN).drive_low()
        assert [button.poll(NOW) for _ in range(100)].count(True) == 1


def test_the_kernel_is_asked_to_debounce_and_to_pull_up() -> None:
    pins = MockPins()
    with GpioCallButton(PIN, pin_factory=pins):
        assert pins.pin(PIN).bounce == 0.05
        assert pins.pin(PIN).pull == "up"


def test_a_taken_pin_is_named_and_can_be_had_later() -> None:
    pins = MockPins()
    with (
        GpioCallButton(PIN, pin_factory=pins),
        pytest.raises(DeviceBusy, match="call button on GPIO22") as kept,
    ):
        GpioCallButton(PIN, pin_factory=pins)
    GpioCallButton(PIN, pin_factory=pins).close()
    assert kept.value.code == "DEVICE_BUSY"


def test_a_pin_that_does_not_exist_is_named() -> None:
    with pytest.raises(DeviceError, match="GPIO99"):
        GpioCallButton(99, pin_factory=MockPins())


def test_without_a_factory_only_this_machines_own_pins_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> object:
        raise DeviceAbsent("GPIO: none here")

    monkeypatch.setattr("drivers.call_button.device_pins", none)
    with pytest.raises(DeviceAbsent):
        GpioCallButton(PIN)

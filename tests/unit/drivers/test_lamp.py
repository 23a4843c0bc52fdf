"""The lamp on pins: its thread holds the lease, its failures end in the dark, its errors name the pin."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import gpiozero
import pytest

import drivers.lamp
from drivers.clock import WakeUp
from drivers.lamp import GpioLamp
from drivers.light_patterns import OFF, LightEngine, Outputs
from drivers.pins import device_pins
from drivers.simulated.clock import VirtualClock
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission, DeviceStalled
from kiosk.model import ClockState, Light, Monotonic, UnixTime
from tests.contract.lamps import ADMITTED, gpio_rig
from tests.mock_pins import NAMES, PINS, Edge, MockPins, RecordingPin, spans, stamped_by


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    clock = VirtualClock()
    with stamped_by(clock.monotonic):
        yield clock


# -- the lease ---------------------------------------------------------------------------------------------


def test_green_is_out_at_two_seconds_while_the_gate_hangs_for_ten() -> None:
    with gpio_rig() as rig:
        hangs = threading.Event()

        def gate() -> None:
            rig.lamp.admit(ADMITTED)
            hangs.wait(30)

        thread = threading.Thread(target=gate)
        thread.start()
        while not rig.on("green"):
            rig.clock.advance(0)
        rig.clock.advance(10)
        assert thread.is_alive()
        assert rig.pins.history() == [
            (0.0, Outputs(green=True, relay=True)),
            (0.8, Outputs(green=True)),
            (2.0, OFF),
        ]
        hangs.set()
        thread.join()


def test_gpiozero_itself_saw_these_states_at_these_times() -> None:
    with gpio_rig() as rig:
        rig.admit()
        rig.clock.advance(10)
        green = rig.pins.pin(PINS["green"])
        green.assert_states_and_times([(0.0, False), (0.0, True), (2.0, False)])


def test_a_command_that_was_left_lying_is_not_lit_late(clock: VirtualClock) -> None:
    pins = MockPins()
    with GpioLamp(**PINS, clock=clock, pin_factory=pins) as lamp:
        lamp.admit(ADMITTED)  # nobody steps: the thread is busy
        clock.advance(2.0)
        lamp.step(clock.monotonic())
    assert pins.edges == []


def test_a_late_thread_gives_only_what_is_left_of_the_lease(clock: VirtualClock) -> None:
    pins = MockPins()
    with GpioLamp(**PINS, clock=clock, pin_factory=pins) as lamp:
        lamp.admit(ADMITTED)
        clock.advance(1.5)
        assert lamp.step(clock.monotonic()) == 2.0
        clock.advance(0.5)
        lamp.step(clock.monotonic())
    assert spans(pins.history(), "green") == [(1.5, 2.0)]
    assert spans(pins.history(), "relay") == []


def test_what_goes_off_goes_off_before_what_comes_on() -> None:
    with gpio_rig() as rig:
        rig.show(Light.HOLD_STILL)
        rig.admit()  # from lit red straight to green
        rig.show(Light.FAULT)
        rig.clock.advance(0.15)
        changes = [(edge.name, edge.on) for edge in rig.pins.edges]
    assert changes[:6] == [
        ("red", True), ("red", False), ("relay", True), ("green", True), ("relay", False), ("green", False),
    ]  # fmt: skip


def test_many_threads_may_command_it() -> None:
    with gpio_rig() as rig:

        def refer() -> None:
            for _ in range(50):
                rig.lamp.show(Light.REFER)

        threads = [threading.Thread(target=refer) for _ in range(4)]
        for thread in threads:
            thread.start()
        rig.lamp.admit(ADMITTED)
        for thread in threads:
            thread.join()
        rig.clock.advance(20)
        assert rig.lamp.failure is None
        assert rig.outputs() == OFF
        rig.pins.every_state()  # raises if red and green were ever lit together


# -- failures ----------------------------------------------------------------------------------------------


class BrokenGreen(RecordingPin):
    """Green lights but does not go out by command, as a pin whose line was taken away."""

    broken = True

    def _set_state(self, value: bool) -> None:
        if self.info.name == "GPIO27" and self.state and not value and BrokenGreen.broken:
            raise OSError(5, "Input/output error")
        super()._set_state(value)


def test_a_pin_that_fails_is_named_and_everything_else_goes_dark() -> None:
    with gpio_rig(pins=MockPins(BrokenGreen)) as rig:
        rig.admit()
        assert rig.lamp.alive
        rig.clock.advance(0.5)
        rig.show(Light.REFUSE)
        assert not rig.lamp.alive
        assert isinstance(rig.lamp.failure, DeviceError)
        assert "lamp green on GPIO27" in str(rig.lamp.failure)
        assert rig.outputs() == Outputs(green=True)  # all that could be put out is out
        with pytest.raises(DeviceError, match="GPIO27"):
            rig.lamp.admit(ADMITTED)
        with pytest.raises(DeviceError, match="GPIO27"):
            rig.lamp.show(Light.IDLE)


def test_a_defect_in_the_thread_darkens_everything_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with gpio_rig() as rig:
        rig.admit()
        assert rig.outputs() == Outputs(green=True, relay=True)

        def defect(self: LightEngine, now: Monotonic) -> Outputs:
            raise ZeroDivisionError("a defect")

        monkeypatch.setattr(LightEngine, "outputs", defect)
        rig.clock.advance(0.8)
        assert rig.outputs() == OFF
        assert not rig.lamp.alive
        assert rig.lamp.light is Light.DARK
        with pytest.raises(ZeroDivisionError, match="a defect"):
            rig.lamp.show(Light.IDLE)
        rig.clock.advance(60)
        assert rig.outputs() == OFF


class HandClock:
    """Real events, a time that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> Monotonic:
        return Monotonic(self.now)

    def wall(self) -> UnixTime:
        return UnixTime(self.now)

    def state(self) -> ClockState:
        return ClockState.SIMULATED

    def event(self) -> WakeUp:
        return threading.Event()


class HangingPin(RecordingPin):
    """A write that does not return, as of a driver stuck in the kernel."""

    entered = threading.Event()
    released = threading.Event()

    def _set_state(self, value: bool) -> None:
        if value:
            self.entered.set()
            self.released.wait(30)
        super()._set_state(value)


def test_a_thread_that_hangs_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers.lamp, "JOIN_S", 0.01)
    clock, pins = HandClock(), MockPins(HangingPin)
    lamp = GpioLamp(**PINS, clock=clock, pin_factory=pins)
    lamp.start()
    lamp.admit(ADMITTED)
    HangingPin.entered.wait(30)
    lamp.show(Light.FAULT)
    clock.now = 1.9
    assert lamp.alive
    clock.now = 2.1
    assert isinstance(lamp.failure, DeviceStalled)
    with pytest.raises(DeviceStalled):
        lamp.admit(ADMITTED)
    lamp.close()
    HangingPin.released.set()
    assert lamp._thread is not None
    lamp._thread.join(30)
    assert not any(pins.pin(number).state for number in NAMES)


def test_a_failing_pin_can_be_opened_again_while_somebody_keeps_the_error(clock: VirtualClock) -> None:
    class Flaky(RecordingPin):
        failing = True

        def _set_function(self, value: str) -> None:
            if value == "output" and self.info.name == "GPIO24" and Flaky.failing:
                raise OSError(16, "Device or resource busy")
            super()._set_function(value)

    pins = MockPins(Flaky)
    with pytest.raises(DeviceBusy, match="lamp buzzer on GPIO24") as kept:
        GpioLamp(**PINS, clock=clock, pin_factory=pins)
    Flaky.failing = False
    GpioLamp(**PINS, clock=clock, pin_factory=pins).close()
    assert kept.value.code == "DEVICE_BUSY"


def test_two_outputs_on_one_pin_are_refused_and_leave_nothing_open(clock: VirtualClock) -> None:
    pins = MockPins()
    with pytest.raises(DeviceBusy, match="on GPIO27"):
        GpioLamp(red=27, green=27, buzzer=24, relay=23, clock=clock, pin_factory=pins)
    GpioLamp(**PINS, clock=clock, pin_factory=pins).close()


def test_a_pin_that_does_not_exist_is_named(clock: VirtualClock) -> None:
    with pytest.raises(DeviceError, match="lamp relay on GPIO77"):
        GpioLamp(red=17, green=27, buzzer=24, relay=77, clock=clock, pin_factory=MockPins())


def test_the_relay_is_open_from_the_moment_its_pin_is(clock: VirtualClock) -> None:
    pins = MockPins()
    with GpioLamp(**PINS, clock=clock, pin_factory=pins):
        assert pins.pin(PINS["relay"]).function == "output"
        assert pins.edges == []


def test_pins_are_released_by_close_and_the_factory_of_others_stays_open(clock: VirtualClock) -> None:
    pins = MockPins()
    for _ in range(2):
        with GpioLamp(**PINS, clock=clock, pin_factory=pins) as lamp:
            lamp.start()
            lamp.start()
    assert pins.pin(PINS["red"]).function == "input"
    assert [edge for edge in pins.edges if isinstance(edge, Edge) and edge.on] == []


# -- the machine's own pins -------------------------------------------------------------------------------


def test_no_gpio_is_said_and_nothing_else_is_tried(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsent, match="gpiochip"):
        device_pins(tmp_path)
    assert gpiozero.Device.pin_factory is None


def test_a_chip_that_may_not_be_opened_is_said(folder_without_root: Path) -> None:
    (folder_without_root / "gpiochip0").touch(0o000)
    with pytest.raises(DevicePermission, match="group gpio"):
        device_pins(folder_without_root)


@pytest.mark.skipif(Path("/proc/device-tree/model").exists(), reason="this may be a Raspberry Pi")
@pytest.mark.parametrize("lgpio", [True, False], ids=["installed", "missing"])
def test_a_machine_that_is_no_pi_is_said(tmp_path: Path, lgpio: bool) -> None:
    (tmp_path / "gpiochip0").touch()
    hide = "" if lgpio else "sys.modules['lgpio'] = None\n"
    script = (
        f"import sys, pathlib\n{hide}from drivers.pins import device_pins\n"
        "try:\n    device_pins(pathlib.Path('.'))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.startswith("DeviceAbsent GPIO")


def test_without_a_factory_this_machines_own_is_opened_and_closed_again(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins, closed = MockPins(), []
    monkeypatch.setattr(drivers.lamp, "device_pins", lambda: pins)
    monkeypatch.setattr(pins, "close", lambda: closed.append(True))
    lamp = GpioLamp(**PINS, clock=clock)
    assert closed == []
    lamp.close()
    lamp.close()
    assert closed == [True]


def test_a_pin_that_can_not_be_released_keeps_no_process_from_stopping(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(RecordingPin):
        gone = True

        def close(self) -> None:
            if Stuck.gone:
                raise OSError(19, "No such device")
            super().close()

    lamp = GpioLamp(**PINS, clock=clock, pin_factory=MockPins(Stuck))
    lamp.close()
    Stuck.gone = False  # gpiozero closes once more when it forgets the device
    assert "No such device" in caplog.text

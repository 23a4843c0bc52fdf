"""What goes wrong on a bus is told with bus, address and remedy, by the real smbus2 over simulated wires."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from drivers import i2c
from drivers.i2c import NumberedBus, Place, open_bus, refuse_if_taken, transfer_error
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import SimulatedI2cBus
from drivers.simulated.i2c_parts import Steady, WiredMlx90614
from kiosk.errors import (
    DeviceAbsent,
    DeviceBusy,
    DeviceError,
    DevicePermission,
    DeviceStalled,
    SensorError,
)

PLACE = Place("thermometer MLX90614", 1, 0x5A)


def wired(bus: SimulatedI2cBus) -> SimulatedI2cBus:
    bus.attach(WiredMlx90614(Steady(), clock=VirtualClock()))
    return bus


# -- opening -----------------------------------------------------------------------------------------------


def test_a_bus_that_is_not_there_is_absent_and_told_how_to_enable_it() -> None:
    with pytest.raises(
        DeviceAbsent, match=r"I2C bus 31 \(/dev/i2c-31\) is not there: enable I2C .*raspi-config"
    ):
        open_bus(31)


@pytest.mark.parametrize("refusal", [errno.EACCES, errno.EPERM])
def test_a_bus_that_may_not_be_opened_names_the_group(refusal: int) -> None:
    bus = SimulatedI2cBus(2)
    bus.refuses = refusal
    with pytest.raises(DevicePermission, match=r"I2C bus 2 .*group i2c"):
        bus.opener(2)
    assert bus.handles == 0


def test_another_reason_is_told_as_it_is() -> None:
    bus = SimulatedI2cBus()
    bus.refuses = errno.EMFILE
    with pytest.raises(DeviceError, match=r"/dev/i2c-1.*EMFILE"):
        bus.opener(1)


def test_a_bus_knows_its_number_and_what_it_can_and_closes_any_number_of_times() -> None:
    simulated = SimulatedI2cBus(3)
    bus = simulated.opener(3)
    assert isinstance(bus, NumberedBus)
    assert bus.number == 3
    assert bus.funcs & i2c.PLAIN
    assert simulated.handles == 1
    bus.close()
    bus.close()
    assert simulated.handles == 0


# -- transfers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nack", [errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ENODEV])
def test_silence_is_absence_whatever_the_adapter_calls_it(nack: int) -> None:
    simulated = SimulatedI2cBus(nack=nack)
    with pytest.raises(DeviceAbsent) as told:
        i2c.write_then_read(simulated.opener(1), PLACE, (0x07,), 3)
    said = str(told.value)
    assert said.startswith("thermometer MLX90614 at address 0x5A of I2C bus 1: nothing answers")
    assert errno.errorcode[nack] in said
    assert "wires" in said
    assert "i2cdetect -y 1" in said


def test_a_stuck_bus_is_told_with_what_frees_it() -> None:
    simulated = wired(SimulatedI2cBus())
    simulated.stuck = True
    with pytest.raises(
        DeviceStalled, match=r"0x5A of I2C bus 1: the bus is stuck \(ETIMEDOUT.*SDA or SCL low"
    ):
        i2c.write_then_read(simulated.opener(1), PLACE, (0x07,), 3)


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.EACCES, DevicePermission, "group i2c"),
        (errno.EBUSY, DeviceBusy, "1-005a"),
        (errno.EBADF, DeviceAbsent, "closed"),
        (errno.EAGAIN, SensorError, "EAGAIN"),
        (errno.EBADMSG, SensorError, "EBADMSG"),
        (errno.EOPNOTSUPP, SensorError, "EOPNOTSUPP|ENOTSUP"),
        (0, SensorError, "failed"),
    ],
)
def test_every_other_errno_names_part_bus_and_address(
    number: int, kind: type[DeviceError], said: str
) -> None:
    error = transfer_error(OSError(number, "why") if number else OSError("why"), PLACE)
    assert type(error) is kind
    assert str(error).startswith(str(PLACE))

    assert re.search(said, str(error))


def test_a_closed_bus_answers_nobody() -> None:
    bus = wired(SimulatedI2cBus()).opener(1)
    bus.close()
    with pytest.raises(DeviceAbsent, match="closed"):
        i2c.write_then_read(bus, PLACE, (0x07,), 3)


# -- the kernel's own driver ---------------------------------------------------------------------------------


def taken(folder: Path, device: str, driver: str) -> Path:
    """/sys/bus/i2c/devices with one device bound to a kernel driver."""
    driver_folder = folder / "drivers" / driver
    driver_folder.mkdir(parents=True)
    link = folder / "devices" / device / "driver"
    link.parent.mkdir(parents=True)
    link.symlink_to(driver_folder)
    return folder / "devices"


def test_a_kernel_driver_in_the_way_is_named_with_the_line_that_takes_it_away(tmp_path: Path) -> None:
    devices = taken(tmp_path, "1-005a", "mlx90614")
    with pytest.raises(DeviceBusy) as told:
        refuse_if_taken(PLACE, devices)
    said = str(told.value)
    assert said.startswith(str(PLACE))
    assert "echo 1-005a | sudo tee /sys/bus/i2c/drivers/mlx90614/unbind" in said
    assert "dtoverlay" in said


def test_other_devices_and_unbound_ones_are_nobodys_business(tmp_path: Path) -> None:
    devices = taken(tmp_path, "3-005a", "mlx90614")
    (devices / "1-005a").mkdir()
    refuse_if_taken(PLACE, devices)
    refuse_if_taken(PLACE, tmp_path / "no such folder")


def test_words_of_an_address_that_the_kernel_holds_are_refused() -> None:
    simulated = wired(SimulatedI2cBus())
    simulated.bound.add(0x5A)
    with pytest.raises(DeviceBusy, match="unbind"):
        i2c.read_word(simulated.opener(1), PLACE, 0x07)

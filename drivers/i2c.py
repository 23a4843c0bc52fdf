"""The I2C bus (/dev/i2c-N, by smbus2), and what its errors mean: each names bus, address and remedy.

Several parts share the wires; each opens the bus for itself, and the kernel lets one transfer through at a
time. A transfer blocks: usually for a millisecond, on a stuck bus for about a second.

What an adapter answers where nobody acknowledges differs: i2c-bcm2835 and i2c-designware (Raspberry Pi) say
EREMOTEIO, others ENXIO or EIO. (Documentation/i2c/fault-codes.rst of the kernel.)
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from smbus2 import I2cFunc, SMBus, i2c_msg

from kiosk.errors import (
    DeviceAbsent,
    DeviceBusy,
    DeviceError,
    DevicePermission,
    DeviceStalled,
    SensorError,
)

DEVICES: Final = Path("/sys/bus/i2c/devices")
"""Where the kernel lists what its own drivers have taken."""
PLAIN: Final = int(I2cFunc.I2C)
"""``funcs`` of an adapter that passes bytes as they are; without it there are SMBus words only."""


class I2cBus(Protocol):
    """What a driver needs of a bus: :class:`smbus2.SMBus` and its number. For one thread."""

    @property
    def number(self) -> int:
        """N of /dev/i2c-N."""

    @property
    def funcs(self) -> int:
        """What the adapter can do (I2C_FUNC_*)."""

    def i2c_rdwr(self, *i2c_msgs: Any) -> None:
        """Messages in one transaction, with repeated starts between them; OSError."""

    def read_word_data(self, i2c_addr: int, register: int) -> int:
        """An SMBus word, low byte first; OSError. Its checksum is not asked for."""

    def close(self) -> None:
        """Release it; any number of times."""


class NumberedBus(SMBus):
    """An :class:`smbus2.SMBus` that knows its number."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@dataclass(frozen=True, slots=True)
class Place:
    """Which part, and where it is wired."""

    part: str
    bus: int
    address: int

    def __str__(self) -> str:
        """As every error begins."""
        return f"{self.part} at address 0x{self.address:02X} of I2C bus {self.bus}"


def open_bus(number: int, kind: Callable[[int], Any] = NumberedBus) -> I2cBus:
    """Open /dev/i2c-N. DeviceAbsent or DevicePermission that says what to do."""
    try:
        return cast(I2cBus, kind(number))
    except OSError as error:
        raise _not_opened(error, number) from error


def _not_opened(error: OSError, number: int) -> DeviceError:
    file = f"I2C bus {number} (/dev/i2c-{number})"
    if error.errno in (errno.EACCES, errno.EPERM):
        return DevicePermission(
            f"{file} may not be opened: add the user to group i2c (sudo usermod -aG i2c USER; in a systemd "
            "unit SupplementaryGroups=i2c)"
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceAbsent(
            f"{file} is not there: enable I2C (sudo raspi-config nonint do_i2c 0, or dtparam=i2c_arm=on in "
            "config.txt) and load the module i2c-dev"
        )
    return DeviceError(f"{file} can't be opened: {_said(error)}")


# -- the kernel's own drivers ------------------------------------------------------------------------------


def kernel_driver(bus: int, address: int, devices: Path = DEVICES) -> str | None:
    """Name of the kernel driver bound to this address; None: there is none, or nobody can tell."""
    try:
        return (devices / f"{bus}-{address:04x}" / "driver").readlink().name
    except OSError:
        return None


def refuse_if_taken(place: Place, devices: Path = DEVICES) -> None:
    """DeviceBusy when a kernel driver is bound there.

    The kernel would let both talk (I2C_RDWR does not ask), and its driver for the MLX90614 writes emissivity
    and puts the part to sleep.
    """
    driver = kernel_driver(place.bus, place.address, devices)
    if driver is not None:
        raise DeviceBusy(_taken(place, driver))


def _taken(place: Place, driver: str | None) -> str:
    device = f"{place.bus}-{place.address:04x}"
    name = driver or "DRIVER"
    return (
        f"{place}: the kernel's driver {driver or 'for it'} holds it. Take it away: echo {device} | "
        f"sudo tee /sys/bus/i2c/drivers/{name}/unbind; and remove its dtoverlay from config.txt, or it is "
        "back after the next start"
    )


# -- transfers -------------------------------------------------------------------------------------------


def write_then_read(bus: I2cBus, place: Place, out: Sequence[int], count: int) -> bytes:
    """Write, repeated start, read, in one transaction. DeviceError by :func:`transfer_error`."""
    back = i2c_msg.read(place.address, count)
    with _errors(place):
        bus.i2c_rdwr(i2c_msg.write(place.address, out), back)
    return bytes(cast(Any, back))


def write(bus: I2cBus, place: Place, out: Sequence[int]) -> None:
    """Write bytes. DeviceError by :func:`transfer_error`."""
    with _errors(place):
        bus.i2c_rdwr(i2c_msg.write(place.address, out))


def read(bus: I2cBus, place: Place, count: int) -> bytes:
    """Read bytes. DeviceError by :func:`transfer_error`."""
    back = i2c_msg.read(place.address, count)
    with _errors(place):
        bus.i2c_rdwr(back)
    return bytes(cast(Any, back))


def read_word(bus: I2cBus, place: Place, command: int) -> int:
    """An SMBus word without its checksum. DeviceError by :func:`transfer_error`."""
    with _errors(place):
        return bus.read_word_data(place.address, command)


def demand_plain(bus: I2cBus, place: Place) -> None:
    """SensorError for an adapter that can't hand over the checksum: nothing it reads may be believed."""
    if not bus.funcs & PLAIN:
        raise SensorError(
            f"{place}: this adapter does SMBus words only (no I2C_FUNC_I2C), so the checksum of a word can't "
            "be read: it is not for a gate"
        )


@contextmanager
def _errors(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise transfer_error(error, place) from error


_SILENT: Final = (errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ENODEV)
_CLOSED: Final = (errno.EBADF,)


def transfer_error(error: OSError, place: Place) -> DeviceError:
    """What a failed transfer means for people.

    DeviceAbsent: nobody answers; DeviceStalled: the bus is stuck; DeviceBusy: a kernel driver has it;
    DevicePermission; SensorError for everything else that went wrong under way.
    """
    said = _said(error)
    if error.errno in _SILENT:
        return DeviceAbsent(
            f"{place}: nothing answers ({said}). Look at its wires (3.3 V, ground, SDA pin 3, SCL pin 5) and "
            f"for its address: i2cdetect -y {place.bus}"
        )
    if error.errno == errno.ETIMEDOUT:
        return DeviceStalled(
            f"{place}: the bus is stuck ({said}). A part or a wire holds SDA or SCL low: take the parts off "
            "one by one, then switch the power off and on"
        )
    if error.errno == errno.EBUSY:
        return DeviceBusy(_taken(place, kernel_driver(place.bus, place.address)))
    if error.errno in (errno.EACCES, errno.EPERM):
        return DevicePermission(f"{place}: not allowed ({said}): add the user to group i2c")
    if error.errno in _CLOSED:
        return DeviceAbsent(f"{place}: the bus is closed")
    return SensorError(f"{place}: the transfer failed ({said})")


def _said(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "no errno") + f", {error.strerror or error}"

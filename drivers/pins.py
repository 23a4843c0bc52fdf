"""GPIO pins by gpiozero: one way to open them, one way their errors read.

The pin factory is chosen here and never falls back: gpiozero itself would try four libraries in turn and
drive whatever it finds. A device uses lgpio (the character device /dev/gpiochip*); tests pass gpiozero's
mock factory. ``import lgpio`` makes a FIFO in the working directory, so the unit needs one it may write to
(or LG_WD).
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpiozero.exc import GPIOPinInUse, GPIOZeroError, PinUnknownPi
from gpiozero.pins import Factory

from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission

CHIPS = "gpiochip*"
Pins = Factory
"""A pin factory, as those call it who know nothing of gpiozero."""


def device_pins(dev: Path = Path("/dev")) -> Factory:
    """The pins of this machine through lgpio; DeviceError when there are none to be had.

    Close what is returned after the devices that use it.
    """
    chips = sorted(dev.glob(CHIPS))
    if not chips:
        raise DeviceAbsent(f"GPIO: no {dev / CHIPS}: not a Raspberry Pi, or its kernel driver is missing")
    if not any(os.access(chip, os.R_OK | os.W_OK, effective_ids=True) for chip in chips):
        raise DevicePermission(f"GPIO: may not open {chips[0]}: the user must be in the group gpio")
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        raise DeviceAbsent(f"GPIO: lgpio is not installed: {error}") from error
    except OSError as error:
        raise DeviceError(
            f"GPIO: lgpio needs a working directory it may write to (LG_WD): {error}"
        ) from error
    with pin_errors("GPIO chip"):
        return LGPIOFactory()


@contextmanager
def pin_errors(what: str) -> Iterator[None]:
    """Turn what gpiozero, lgpio and the kernel raise into a DeviceError that names the pin."""
    try:
        yield
    except pin_error_types() as error:
        # A half-made gpiozero device keeps its pin reserved for as long as a traceback remembers it:
        # whoever kept this error could never open the pin again.
        traceback.clear_frames(error.__traceback__)
        raise _domain_error(error)(f"{what}: {error}") from error


def pin_error_types() -> tuple[type[Exception], ...]:
    """All that a pin operation raises when the pin, and not the program, is at fault."""
    lgpio = sys.modules.get("lgpio")
    return (GPIOZeroError, OSError) if lgpio is None else (GPIOZeroError, OSError, lgpio.error)


def _domain_error(error: Exception) -> type[DeviceError]:
    if isinstance(error, GPIOPinInUse) or "busy" in str(error).lower():
        return DeviceBusy
    if isinstance(error, PinUnknownPi):
        return DeviceAbsent
    if isinstance(error, PermissionError):
        return DevicePermission
    return DeviceError

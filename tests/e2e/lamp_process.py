"""A process with a lamp on mock pins, for test_lamp_signals: ``python -m tests.e2e.lamp_process CASE LOG``.

Every edge of every pin is written to LOG at once (time since boot, pin, state), so that what the pins were
left at is known however the process ends.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from gpiozero.pins.mock import MockPin

from drivers.clock import SystemClock
from drivers.lamp import GpioLamp
from kiosk.model import EventSeq, Receipt, Verdict
from kiosk.signals import StopSignals
from tests.mock_pins import NAMES, PINS, MockPins

RECEIPT = Receipt("epoch", EventSeq(1), "00", Verdict.ADMIT)
LOG = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(os.devnull)
LINES = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class LoggedPin(MockPin):  # type: ignore[misc]
    """Writes each edge down before anything else can happen."""

    def _change_state(self, value: bool) -> bool:
        changed = bool(super()._change_state(value))
        if changed:
            name = NAMES.get(int(str(self.info.name).removeprefix("GPIO")), str(self.info.name))
            os.write(LINES, f"{time.clock_gettime(time.CLOCK_BOOTTIME):.4f} {name} {int(value)}\n".encode())
        return changed


def green_lamp() -> GpioLamp:
    """A running lamp that has just been told to admit, and is green."""
    lamp = GpioLamp(**PINS, clock=SystemClock(), pin_factory=MockPins(LoggedPin))
    lamp.start()
    lamp.admit(RECEIPT)
    while "green 1" not in LOG.read_text():
        time.sleep(0.001)
    sys.stdout.write("green\n")
    sys.stdout.flush()
    return lamp


def sigterm() -> None:
    """As the gate does it: a loop that looks at the stop, everything closed behind it."""
    with StopSignals() as stop, green_lamp():
        while not stop.wait(0.05):
            pass


def blocked() -> None:
    """The loop hangs while green, with nobody to close anything, until it is killed."""
    green_lamp()
    time.sleep(30)


def exception() -> None:
    """Nobody catches it, no with statement."""
    green_lamp()
    raise RuntimeError("nobody catches this")


def sys_exit() -> None:
    """Leaves from far below, without closing."""
    green_lamp()
    sys.exit(5)


def interrupt() -> None:
    """Ctrl-C by hand, without a handler."""
    green_lamp()
    time.sleep(30)


def inside_with() -> None:
    """An exception on the way out of a with statement."""
    with green_lamp():
        raise RuntimeError("within")


if __name__ == "__main__":
    globals()[sys.argv[1]]()

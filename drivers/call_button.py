"""The call button: a switch to ground on a GPIO pin (default BCM 22) with the Pi's own pull-up.

A press is the falling edge. The kernel debounces (GPIO character device, 50 ms); edges come on lgpio's
thread, and ``poll()`` takes them over to the gate's.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from gpiozero import DigitalInputDevice
from gpiozero.pins import Factory

from drivers.pins import device_pins, pin_errors
from kiosk.model import Monotonic, Seconds

BOUNCE_S: Final = Seconds(0.05)
MOST_WAITING: Final = 3
"""Somebody who hammers on the button calls once or a few times, not fifty."""


class GpioCallButton:
    """Counts presses. ``poll()`` and ``close()`` may be called from any thread."""

    def __init__(self, pin: int, *, pin_factory: Factory | None = None) -> None:
        """Opens the pin; without a pin factory this machine's own. DeviceError that names the pin."""
        self._presses: deque[None] = deque(maxlen=MOST_WAITING)
        with ExitStack() as opened:
            factory = device_pins() if pin_factory is None else pin_factory
            if pin_factory is None:
                opened.callback(factory.close)
            with pin_errors(f"call button on GPIO{pin}"):
                button = opened.enter_context(
                    DigitalInputDevice(pin, pull_up=True, bounce_time=BOUNCE_S, pin_factory=factory)
                )
            button.when_activated = self._pressed
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def poll(self, now: Monotonic) -> bool:  # noqa: ARG002 the same signature as every device
        """True once for each press since the last poll (at most 3 are kept)."""
        try:
            self._presses.pop()
        except IndexError:
            return False
        return True

    def close(self) -> None:
        """Release the pin; presses not polled yet are forgotten."""
        with pin_errors("call button"):
            self._opened.close()
        self._presses.clear()

    def _pressed(self) -> None:
        self._presses.append(None)

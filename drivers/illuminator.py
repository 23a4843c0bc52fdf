"""A light that shines on the code while the camera is open: an output pin, on when it is high.

A paper pass at night has no light of its own. A few milliamperes can hang on the pin itself; more light needs
a transistor or a driver board with an input of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from gpiozero import OutputDevice
from gpiozero.pins import Factory

from drivers.pins import device_pins, pin_errors
from kiosk.devices import FrameSource
from kiosk.model import Frame, Monotonic


class Illuminated:
    """A camera with its light: lit when it has opened, dark when it is closed. For one thread.

    A camera that fails is closed by whoever polls it, and its light with it. Opening raises what the camera
    raises, and DeviceError naming the pin that can't be had.
    """

    def __init__(
        self, opener: Callable[[], FrameSource], pin: int, *, pin_factory: Factory | None = None
    ) -> None:
        """``pin``: BCM number. Without a pin factory this machine's own is used, and closed again."""
        with ExitStack() as opening:
            self._source = opener()
            opening.callback(self._source.close)
            factory = device_pins() if pin_factory is None else pin_factory
            if pin_factory is None:
                opening.callback(factory.close)
            with pin_errors(f"illuminator on GPIO{pin}"):
                # Closing the pin darkens it.
                light = opening.enter_context(OutputDevice(pin, pin_factory=factory))
                light.on()
            self._opened = opening.pop_all()

    def poll(self, now: Monotonic) -> Frame | None:
        """The camera's newest frame."""
        return self._source.poll(now)

    def close(self) -> None:
        """Dark, then the camera; any number of times."""
        self._opened.close()

"""What a gate needs of its devices, as Protocols. Real drivers, fakes and simulations all satisfy these.

None of them starts a thread by being polled: ``poll(now)`` returns what has come since the last call
and never blocks for longer than one transfer. ``kiosk.assembly`` puts slow devices behind a thread that
hands results over; tests and the demo poll them directly on a virtual clock.

A device that fails raises :class:`kiosk.errors.DeviceError`; the gate closes it and opens it again with
back-off (``kiosk.supervision``). ``close()`` may be called any number of times, from any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from kiosk.errors import DeviceError
from kiosk.model import (
    Celsius,
    ClockState,
    CodeRead,
    Frame,
    Light,
    Monotonic,
    Prompt,
    Receipt,
    Sample,
    ThermometerSpec,
    UnixTime,
)


class Clock(Protocol):
    """The only source of time in the product."""

    def monotonic(self) -> Monotonic:
        """Seconds since boot, never stepping back."""

    def wall(self) -> UnixTime:
        """What the system clock claims, Unix seconds."""

    def state(self) -> ClockState:
        """Why the wall time may be believed, or UNTRUSTED."""


class FrameSource(Protocol):
    """A camera as the decoders see it: the newest frame wins, older ones are dropped."""

    def poll(self, now: Monotonic) -> Frame | None:
        """The newest frame not handed out yet, or None."""

    def close(self) -> None:
        """Release the device."""


@runtime_checkable
class EndingSource(FrameSource, Protocol):
    """A frame source that comes to an end, such as a folder of pictures: no frame is then no failure."""

    @property
    def ended(self) -> bool:
        """There are no more frames."""


class PassReader(Protocol):
    """A camera with decoders behind it (or a folder of pictures, or a simulated street)."""

    def poll(self, now: Monotonic) -> Sequence[CodeRead]:
        """Codes in the newest frame not looked at yet; empty when there is none."""

    def close(self) -> None:
        """Release the device."""


class Thermometer(Protocol):
    """An infrared thermometer aimed at foreheads."""

    @property
    def spec(self) -> ThermometerSpec:
        """Settling time and noise of the fitted variant."""

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        """Samples since the last poll, oldest first (a bounded few, so that a slow turn loses none)."""

    def close(self) -> None:
        """Release the device."""


class AirThermometer(Protocol):
    """The air beside the kiosk, °C; without one the die minus a configured offset stands in."""

    def poll(self, now: Monotonic) -> Celsius | None:
        """Newest air temperature, or None when there has been none lately."""

    def close(self) -> None:
        """Release the device."""


class Lamp(Protocol):
    """Two LEDs, the relay and the buzzer: everything that answers a person without words."""

    @property
    def failure(self) -> BaseException | None:
        """What killed the lamp's own thread, if something did; the gate then goes down with it."""

    def show(self, light: Light) -> None:
        """Start a pattern other than ADMIT (that one raises ValueError: see :meth:`admit`)."""

    def admit(self, receipt: Receipt) -> None:
        """Green for 2 s as a lease and one relay pulse; ValueError unless the receipt says ADMIT."""

    def close(self) -> None:
        """Everything dark, relay open."""


class CallButton(Protocol):
    """The button beside the gate."""

    def poll(self, now: Monotonic) -> bool:
        """True once for each press since the last poll."""

    def close(self) -> None:
        """Release the device."""


class Speaker(Protocol):
    """Spoken prompts; the next one cuts the last one off."""

    @property
    def fault(self) -> DeviceError | None:
        """Why nothing is heard, or tones in the place of speech; it comes and goes by itself."""

    def say(self, prompt: Prompt, *, quiet: bool = False) -> None:
        """Start a prompt and return at once; ``quiet``: at the volume of quiet hours. Never raises."""

    def close(self) -> None:
        """Silence."""


class Simulator(Protocol):
    """What a simulated gate lets a trainer do; a real gate has none and refuses (rule 3)."""

    def send(self, person: str) -> None:
        """Put a person of this kind (a key of the scenario's cast) at the end of the queue."""

    def inject(self, fault: str, on: bool) -> None:
        """Switch a fault of the scenario vocabulary on or off."""

    def weather(self, outdoor: Celsius, indoor: Celsius) -> None:
        """Change the air, °C."""

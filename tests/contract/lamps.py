"""The two lamps of the contract, each with a virtual clock and a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from drivers.lamp import GpioLamp
from drivers.light_patterns import RELAY_PULSE_S, Outputs
from drivers.simulated.clock import VirtualClock
from drivers.simulated.lamp import SimulatedLamp
from kiosk.devices import Lamp
from kiosk.model import EventSeq, Light, Receipt, Seconds, Verdict
from tests.mock_pins import PINS, MockPins, settled, spans, stamped_by

ADMITTED = Receipt("epoch", EventSeq(1), "00", Verdict.ADMIT)


class AnyLamp(Lamp, Protocol):
    """What both of them offer to who composes and watches the gate, beside what the gate asks for."""

    @property
    def light(self) -> Light: ...

    @property
    def alive(self) -> bool: ...

    def start(self) -> None: ...


class Rig:
    """A lamp, its clock, and what its outputs did."""

    def __init__(self, lamp: AnyLamp, clock: VirtualClock) -> None:
        self.lamp = lamp
        self.clock = clock

    def show(self, light: Light) -> None:
        self.lamp.show(light)
        self.clock.advance(0)

    def admit(self, receipt: Receipt = ADMITTED) -> None:
        self.lamp.admit(receipt)
        self.clock.advance(0)

    def history(self) -> list[tuple[float, Outputs]]:
        raise NotImplementedError

    def on(self, name: str) -> list[tuple[float, float | None]]:
        """From when to when an output was on."""
        return spans(self.history(), name)

    def outputs(self) -> Outputs:
        """What is on now."""
        history = self.history()
        return history[-1][1] if history else Outputs()


class GpioRig(Rig):
    """The real driver, its real thread, mock pins."""

    def __init__(self, lamp: GpioLamp, clock: VirtualClock, pins: MockPins) -> None:
        super().__init__(lamp, clock)
        self.pins = pins

    def history(self) -> list[tuple[float, Outputs]]:
        return self.pins.history()


class SimulatedRig(Rig):
    """The simulated lamp."""

    def __init__(self, lamp: SimulatedLamp, clock: VirtualClock) -> None:
        super().__init__(lamp, clock)
        self._changes = lamp.history

    def history(self) -> list[tuple[float, Outputs]]:
        return settled([(change.at, change.outputs) for change in self._changes])


@contextmanager
def gpio_rig(
    relay_pulse_s: Seconds = RELAY_PULSE_S, buzzer_on: bool = True, pins: MockPins | None = None
) -> Iterator[GpioRig]:
    clock = VirtualClock()
    factory = MockPins() if pins is None else pins
    with (
        stamped_by(clock.monotonic),
        GpioLamp(
            **PINS, clock=clock, relay_pulse_s=relay_pulse_s, buzzer_on=buzzer_on, pin_factory=factory
        ) as lamp,
    ):
        lamp.start()
        clock.wait_for_threads(1)
        yield GpioRig(lamp, clock, factory)


@contextmanager
def simulated_rig(relay_pulse_s: Seconds = RELAY_PULSE_S, buzzer_on: bool = True) -> Iterator[SimulatedRig]:
    clock = VirtualClock()
    with SimulatedLamp(clock=clock, relay_pulse_s=relay_pulse_s, buzzer_on=buzzer_on) as lamp:
        lamp.start()
        yield SimulatedRig(lamp, clock)


Opener = Callable[..., AbstractContextManager[Rig]]
RIGS: dict[str, Opener] = {"gpio": gpio_rig, "simulated": simulated_rig}

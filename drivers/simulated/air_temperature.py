"""Simulated air thermometers: one beside the kiosk, one outside the door."""

from __future__ import annotations

from random import Random
from typing import ClassVar, Final

from drivers.simulated.world import World
from kiosk.errors import DeviceAbsent
from kiosk.model import Celsius, Monotonic, Seconds
from kiosk.scenario import FaultKind

PERIOD_S: Final = Seconds(2.0)
NOISE: Final = 0.05
BROKEN: Final = Celsius(130.0)
"""What an SHT3x makes of a word of ones: -45 + 175 x 1 (data sheet, 4.13). No gate stands in such air."""
STEP: Final = 0.01
"""°C a digit, as common I2C parts have it."""


class SimulatedAirThermometer:
    """Air of the scenario every 2 s. For one thread; opening raises DeviceAbsent while unplugged."""

    name: ClassVar[str] = "air"
    unplugged: ClassVar[FaultKind] = FaultKind.AIR_UNPLUGGED

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = Random(f"{world.scenario.seed}/{self.name}")  # noqa: S311 - a simulation
        self._next = world.now
        self._closed = False
        self._check_plugged()

    def poll(self, now: Monotonic) -> Celsius | None:
        """The air where the part hangs, °C, or None when there is no new value yet."""
        if self._closed:
            raise DeviceAbsent(f"simulated {self.name} thermometer: closed")
        self._world.step(now)
        self._check_plugged()
        if now < self._next:
            return None
        self._next = Monotonic(now + PERIOD_S)
        air = self._air(now) + self._rng.gauss(0.0, NOISE)
        return Celsius(round(air / STEP) * STEP)

    def close(self) -> None:
        """Let go of it; any number of times."""
        self._closed = True

    def _air(self, now: Monotonic) -> Celsius:
        broken = self._world.fault(FaultKind.AIR_BROKEN) is not None
        return BROKEN if broken else self._world.air(now).indoor

    def _check_plugged(self) -> None:
        if self._world.fault(self.unplugged) is not None:
            raise DeviceAbsent(f"simulated {self.name} thermometer: nothing answers on the bus")


class SimulatedOutdoorThermometer(SimulatedAirThermometer):
    """The same in the street, where the people of the scenario come from."""

    name = "outdoor"
    unplugged = FaultKind.OUTDOOR_UNPLUGGED

    def _air(self, now: Monotonic) -> Celsius:
        return self._world.air(now).outdoor

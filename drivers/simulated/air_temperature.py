"""A simulated air thermometer beside the kiosk."""

from __future__ import annotations

from random import Random
from typing import Final

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

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = Random(f"{world.scenario.seed}/air")  # noqa: S311 - a simulation
        self._next = world.now
        self._closed = False
        self._check_plugged()

    def poll(self, now: Monotonic) -> Celsius | None:
        """The air where the kiosk stands, °C, or None when there is no new value yet."""
        if self._closed:
            raise DeviceAbsent("simulated air thermometer: closed")
        self._world.step(now)
        self._check_plugged()
        if now < self._next:
            return None
        self._next = Monotonic(now + PERIOD_S)
        if self._world.fault(FaultKind.AIR_BROKEN) is not None:
            return BROKEN
        air = self._world.air(now).indoor + self._rng.gauss(0.0, NOISE)
        return Celsius(round(air / STEP) * STEP)

    def close(self) -> None:
        """Let go of it; any number of times."""
        self._closed = True

    def _check_plugged(self) -> None:
        if self._world.fault(FaultKind.AIR_UNPLUGGED) is not None:
            raise DeviceAbsent("simulated air thermometer: nothing answers on the bus")

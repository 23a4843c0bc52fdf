"""The thermometers of the contract: real drivers on simulated wires, and simulated ones in a world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from drivers.air_temperature import Sht3x
from drivers.mlx90614 import SPECS, Mlx90614
from drivers.simulated.air_temperature import SimulatedAirThermometer
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import SimulatedI2cBus, flipped_bits, now_and_then
from drivers.simulated.i2c_parts import WiredMlx90614, WiredSht3x
from drivers.simulated.mlx90614 import SimulatedMlx90614
from drivers.simulated.world import World
from kiosk.devices import AirThermometer, Thermometer
from kiosk.model import Celsius, Light, Monotonic, RawWord, Sample
from kiosk.scenario import FaultKind, Scenario
from kiosk.scenario_file import read

STARTED: Final = Monotonic(50.0)
INDOOR: Final = 24.1
NOWHERE: Final = Path("/nowhere")
_TEXT: Final = f"""
title = "nobody comes"
seed = 1
starts = 2026-11-23T08:00:00+08:00
[site]
site_normal = 34.4
healthy_sd = 0.28
variant = "VARIANT"
distance_cm = 1.5
[[weather]]
outdoor = 20.0
indoor = {INDOOR}
[people]
reach_s = 0.5
lean_s = 0.6
height_cm = 165
skin = 0.0
"""


class Dark:
    """A lamp that is off."""

    light = Light.DARK
    since = STARTED


def scenario(variant: str) -> Scenario:
    """A wall at room temperature, all day."""
    return read(_TEXT.replace("VARIANT", variant), "test")


class Rig:
    """A part in a room, opened and polled by the test; what can happen to it."""

    def __init__(self, variant: str = "xAA") -> None:
        self.variant = variant
        self.spec = SPECS[variant]
        self.clock = VirtualClock(start=STARTED)
        self.world = World(scenario(variant), Dark(), started=STARTED)

    def now(self) -> Monotonic:
        return self.clock.monotonic()

    def open(self) -> Thermometer:
        """The thermometer; DeviceError at once or with one of the first polls."""
        raise NotImplementedError

    def open_air(self) -> AirThermometer:
        """The air thermometer, likewise."""
        raise NotImplementedError

    def unplug(self, yes: bool) -> None:
        raise NotImplementedError

    def stick(self, yes: bool) -> None:
        raise NotImplementedError

    def noise(self) -> None:
        """Half of all words arrive wrong."""
        raise NotImplementedError

    def warm(self, indoor: float) -> None:
        """The room, wall and air, from now on."""
        self.world.weather(Celsius(20.0), Celsius(indoor))

    # -- polled as a gate does -------------------------------------------------------------------------

    def run(self, device: Thermometer, seconds: float, turn: float = 0.05) -> list[Sample]:
        found: list[Sample] = []
        for _ in range(round(seconds / turn)):
            self.clock.advance(turn)
            found += device.poll(self.now())
        return found

    def run_air(self, device: AirThermometer, seconds: float, turn: float = 0.05) -> Sequence[Celsius]:
        found = []
        for _ in range(round(seconds / turn)):
            self.clock.advance(turn)
            celsius = device.poll(self.now())
            found += [] if celsius is None else [celsius]
        return found


class WiredRig(Rig):
    """The real drivers, the real smbus2, simulated wires; the words are those of the simulated part."""

    def __init__(self, variant: str = "xAA") -> None:
        super().__init__(variant)
        self.bus = SimulatedI2cBus(pass_time=self.clock.advance)
        physics = SimulatedMlx90614(self.world)

        def words(at: Monotonic) -> tuple[RawWord, RawWord]:
            self.world.step(at)
            return physics.words(at)

        settling = self.spec.settling_s
        self.part = WiredMlx90614(words, clock=self.clock, variant=variant, settling_s=settling)
        self.air_part = WiredSht3x(self._air, clock=self.clock)
        self.unplug(False)

    def open(self) -> Thermometer:
        return Mlx90614.on(1, variant=self.variant, clock=self.clock, devices=NOWHERE, opener=self.bus.opener)

    def open_air(self) -> AirThermometer:
        return Sht3x.on(1, clock=self.clock, devices=NOWHERE, opener=self.bus.opener)

    def unplug(self, yes: bool) -> None:
        for part in (self.part, self.air_part):
            if yes:
                self.bus.detach(part.address)
            else:
                self.bus.attach(part)

    def stick(self, yes: bool) -> None:
        self.part.stuck = yes

    def noise(self) -> None:
        self.bus.mask = now_and_then(Random(5), 0.5, flipped_bits(Random(6)))

    def _air(self, at: Monotonic) -> float:
        self.world.step(at)
        return self.world.air(at).indoor


class SimulatedRig(Rig):
    """The simulated drivers."""

    def open(self) -> Thermometer:
        return SimulatedMlx90614(self.world)

    def open_air(self) -> AirThermometer:
        return SimulatedAirThermometer(self.world)

    def unplug(self, yes: bool) -> None:
        self.world.inject(FaultKind.SENSOR_UNPLUGGED, yes)
        self.world.inject(FaultKind.AIR_UNPLUGGED, yes)

    def stick(self, yes: bool) -> None:
        self.world.inject(FaultKind.SENSOR_STUCK, yes)

    def noise(self) -> None:
        self.world.inject(FaultKind.BUS_NOISE, True)


Opener = Callable[..., Rig]
RIGS: dict[str, Opener] = {"wired": WiredRig, "simulated": SimulatedRig}

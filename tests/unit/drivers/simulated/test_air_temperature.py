"""The simulated air thermometer."""

from __future__ import annotations

import pytest

from drivers.simulated.air_temperature import SimulatedAirThermometer, SimulatedOutdoorThermometer
from kiosk.believed import doubt_air
from kiosk.errors import DeviceAbsent
from kiosk.model import Celsius, Monotonic
from tests.unit.drivers.simulated.street import STARTED, play
from tests.unit.drivers.simulated.test_mlx90614 import world_of


def test_it_gives_the_air_where_the_kiosk_stands_every_two_seconds() -> None:
    world = world_of(play(outdoor=-5, indoor=21))
    air = SimulatedAirThermometer(world)
    values = [air.poll(Monotonic(STARTED + turn * 0.5)) for turn in range(40)]
    given = [value for value in values if value is not None]
    assert len(given) == 10
    assert all(abs(value - 21) < 0.25 for value in given)
    world.weather(Celsius(-5), Celsius(26))
    assert air.poll(Monotonic(STARTED + 30)) == pytest.approx(26, abs=0.25)


def test_unplugged_and_closed_it_is_absent() -> None:
    fault = '[[faults]]\nkind = "air_unplugged"\nfrom = 2\nuntil = 4\n'
    world = world_of(play(rest=fault))
    air = SimulatedAirThermometer(world)
    assert air.poll(STARTED) is not None
    with pytest.raises(DeviceAbsent):
        air.poll(Monotonic(STARTED + 3))
    with pytest.raises(DeviceAbsent):
        SimulatedAirThermometer(world)
    assert air.poll(Monotonic(STARTED + 5)) is not None
    air.close()
    air.close()
    with pytest.raises(DeviceAbsent, match="closed"):
        air.poll(Monotonic(STARTED + 6))


def test_the_one_in_the_street_gives_the_air_there_and_is_unplugged_by_itself() -> None:
    fault = '[[faults]]\nkind = "outdoor_unplugged"\nfrom = 2\nuntil = 4\n'
    world = world_of(play(outdoor=-5, indoor=21, rest=fault))
    beside, outdoors = SimulatedAirThermometer(world), SimulatedOutdoorThermometer(world)
    assert outdoors.poll(STARTED) == pytest.approx(-5, abs=0.25)
    with pytest.raises(DeviceAbsent, match="outdoor"):
        outdoors.poll(Monotonic(STARTED + 3))
    assert beside.poll(Monotonic(STARTED + 3)) == pytest.approx(21, abs=0.25)
    assert outdoors.poll(Monotonic(STARTED + 5)) == pytest.approx(-5, abs=0.25)


def test_broken_it_says_what_no_air_can_be() -> None:
    fault = '[[faults]]\nkind = "air_broken"\nfrom = 2\nuntil = 4\n'
    air = SimulatedAirThermometer(world_of(play(rest=fault)))
    values = [air.poll(Monotonic(STARTED + at)) for at in (0.0, 3.0, 6.0)]
    assert [value is not None and doubt_air(value) is not None for value in values] == [False, True, False]

"""What the simulated lamp has beyond the contract: who watches it, and how it breaks."""

from __future__ import annotations

import pytest

from drivers.light_patterns import OFF, Outputs
from drivers.simulated.clock import VirtualClock
from drivers.simulated.lamp import Change, SimulatedLamp
from kiosk.errors import DeviceError
from kiosk.model import Light
from tests.contract.lamps import ADMITTED


def test_an_observer_is_told_every_change_as_it_happens() -> None:
    clock = VirtualClock()
    seen: list[Change] = []
    lamp = SimulatedLamp(clock=clock, observer=seen.append)
    lamp.admit(ADMITTED)
    clock.advance(10)
    assert seen == list(lamp.history)
    assert seen[:4] == [
        (0.0, OFF, Light.DARK),
        (0.0, Outputs(green=True, relay=True), Light.ADMIT),
        (0.8, Outputs(green=True), Light.ADMIT),
        (2.0, OFF, Light.DARK),
    ]


def test_a_scenario_may_break_it() -> None:
    clock = VirtualClock()
    lamp = SimulatedLamp(clock=clock)
    lamp.admit(ADMITTED)
    broken = DeviceError("lamp: unplugged by the scenario")
    lamp.break_down(broken)
    assert (lamp.outputs, lamp.light, lamp.alive, lamp.failure) == (OFF, Light.DARK, False, broken)
    with pytest.raises(DeviceError, match="unplugged"):
        lamp.show(Light.IDLE)
    clock.advance(60)
    assert lamp.step(clock.monotonic()) is None
    assert lamp.outputs == OFF


def test_a_long_demo_keeps_a_bounded_history() -> None:
    clock = VirtualClock()
    lamp = SimulatedLamp(clock=clock)
    lamp.show(Light.IDLE)
    clock.advance(24 * 3600)
    assert len(lamp.history) == 10_000


def test_a_second_answer_of_the_same_kind_begins_anew() -> None:
    clock = VirtualClock()
    lamp = SimulatedLamp(clock=clock)
    lamp.show(Light.REFER)
    assert (lamp.light, lamp.since) == (Light.REFER, 0.0)
    clock.advance(2.0)
    lamp.show(Light.REFER)
    assert (lamp.light, lamp.since) == (Light.REFER, 2.15), "after the dark gap"
    lamp.show(Light.IDLE)
    assert (lamp.light, lamp.since) == (Light.REFER, 2.15), "a rest told ahead cuts no answer short"
    clock.advance(5.0)
    assert (lamp.light, lamp.since) == (Light.IDLE, 6.15)

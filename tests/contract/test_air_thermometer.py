"""One suite for the real air thermometer's driver on simulated wires and for the simulated one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kiosk.errors import DeviceAbsent
from kiosk.fitted import Temperatures
from kiosk.model import Celsius
from kiosk.supervision import Supervised
from kiosk.weather import AIR_KEEPS_S
from tests.contract.thermometers import INDOOR, RIGS, Opener, Rig


@pytest.fixture(params=sorted(RIGS))
def opener(request: pytest.FixtureRequest) -> Opener:
    return RIGS[request.param]


@pytest.fixture
def rig(opener: Opener) -> Rig:
    return opener()


def test_it_says_every_two_seconds_what_the_air_is(rig: Rig) -> None:
    device = rig.open_air()
    found = rig.run_air(device, 60)
    assert 27 <= len(found) <= 31
    assert all(abs(celsius - INDOOR) < 0.25 for celsius in found)
    rig.warm(29.0)
    assert rig.run_air(device, 4.0)[-1] == pytest.approx(29.0, abs=0.25)


def test_however_often_it_is_polled_it_says_no_more(rig: Rig) -> None:
    assert len(rig.run_air(rig.open_air(), 20, turn=0.01)) in (10, 11)


def test_polled_seldom_it_still_says_something(rig: Rig) -> None:
    """A gate's turn is shorter; a machine under load is not."""
    assert len(rig.run_air(rig.open_air(), 60, turn=1.0)) >= 15


def test_unplugged_it_is_absent_and_comes_back_by_itself(rig: Rig) -> None:
    part = Supervised[Celsius]("air", lambda: Temperatures(rig.open_air()), AIR_KEEPS_S)

    def run(seconds: float) -> Sequence[Celsius]:
        found: list[Celsius] = []
        for _ in range(round(seconds / 0.1)):
            rig.clock.advance(0.1)
            found += part.poll(rig.now())
        return found

    assert run(3.0)
    rig.unplug(True)
    assert run(10.0) == []
    assert isinstance(part.fault, DeviceAbsent)
    assert "air thermometer" in str(part.fault)
    rig.unplug(False)
    assert run(35.0)
    assert part.fault is None


def test_closed_is_closed_any_number_of_times(rig: Rig) -> None:
    device = rig.open_air()
    rig.run_air(device, 3.0)
    device.close()
    device.close()
    with pytest.raises(DeviceAbsent, match="closed"):
        device.poll(rig.now())

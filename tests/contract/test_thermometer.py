"""One suite for the real thermometer driver on simulated wires and for the simulated thermometer."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from drivers.mlx90614 import SPECS
from kiosk.devices import Thermometer
from kiosk.errors import DeviceAbsent, DeviceError, SensorError, SensorStuck
from kiosk.model import Monotonic, Sample, Seconds
from kiosk.supervision import Supervised, Worker, longest_silence
from tests.contract.thermometers import INDOOR, RIGS, Opener, Rig

MOST = 64
REAL_S = 10.0


@pytest.fixture(params=sorted(RIGS))
def opener(request: pytest.FixtureRequest) -> Opener:
    return RIGS[request.param]


@pytest.fixture
def rig(opener: Opener) -> Rig:
    return opener()


class Watched:
    """A thermometer as the gate has it, and every fault that it has ever had."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.part = Supervised[Sample]("thermometer", rig.open, longest_silence(rig.spec))
        self.faults: list[DeviceError | None] = []

    def run(self, seconds: float) -> list[Sample]:
        found: list[Sample] = []
        for _ in range(round(seconds / 0.05)):
            self.rig.clock.advance(0.05)
            found += self.part.poll(self.rig.now())
            if not self.faults or type(self.part.fault) is not type(self.faults[-1]):
                self.faults.append(self.part.fault)
        return found

    @property
    def kinds(self) -> list[type[object]]:
        return [type(fault) for fault in self.faults]


# -- samples -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", sorted(SPECS))
def test_samples_come_in_order_as_fast_as_the_variant_settles_and_no_faster(
    opener: Opener, variant: str
) -> None:
    rig = opener(variant)
    device = rig.open()
    assert device.spec == SPECS[variant]
    settling = device.spec.settling_s
    seconds = 60 * settling + 1
    samples = rig.run(device, seconds)
    gaps = [later.at - one.at for one, later in pairwise(samples)]
    assert min(gaps) >= settling - 1e-6
    assert (seconds - 0.5) / (settling + 0.05) - 1 <= len(samples) <= seconds / settling + 1


def test_a_sample_is_from_between_the_polls_and_never_from_the_future(rig: Rig) -> None:
    device = rig.open()
    before = rig.now()
    for _ in range(200):
        rig.clock.advance(0.05)
        now = rig.now()
        for sample in device.poll(now):
            assert before - 1e-6 <= sample.at <= now + 1e-6
        before = now


def test_polled_again_at_once_it_has_nothing_new(rig: Rig) -> None:
    device = rig.open()
    for _ in range(100):
        rig.clock.advance(0.05)
        device.poll(rig.now())
        assert not device.poll(rig.now())


def test_after_a_long_absence_it_hands_over_a_bounded_few_of_the_newest(rig: Rig) -> None:
    device = rig.open()
    rig.run(device, 2.0)
    rig.clock.advance(500)
    found = device.poll(rig.now())
    assert 1 <= len(found) <= MOST
    assert found[-1].at > rig.now() - 2 * device.spec.settling_s
    assert rig.run(device, 1.0)


def test_words_are_those_of_the_wall_with_the_variants_noise(rig: Rig) -> None:
    samples = rig.run(rig.open(), 120)
    seen = [sample.object_celsius for sample in samples]
    assert statistics.mean(seen) == pytest.approx(INDOOR, abs=0.05)
    assert statistics.pstdev(seen) == pytest.approx(rig.spec.noise_c, rel=0.15)
    assert all(24 < sample.ambient_celsius < 26 for sample in samples)
    assert all(0x27AD <= sample.object_word <= 0x7FFF for sample in samples)


def test_a_warmer_room_is_seen_by_the_next_sample(rig: Rig) -> None:
    device = rig.open()
    rig.run(device, 2.0)
    rig.warm(31.0)
    rig.run(device, 2 * rig.spec.settling_s + 0.1)
    assert rig.run(device, 1.0)[0].object_celsius == pytest.approx(31.0, abs=0.3)


# -- what happens to it --------------------------------------------------------------------------------------


def test_unplugged_it_is_absent_and_comes_back_by_itself(rig: Rig) -> None:
    watched = Watched(rig)
    assert watched.run(2.0)
    rig.unplug(True)
    watched.run(0.5)
    assert isinstance(watched.part.fault, DeviceAbsent)
    assert "address 0x5A" in str(watched.part.fault)
    assert watched.run(20.0) == []
    rig.unplug(False)
    assert watched.run(40.0)
    assert watched.kinds == [type(None), DeviceAbsent, type(None)]


def test_plugged_in_late_it_is_found(rig: Rig) -> None:
    rig.unplug(True)
    watched = Watched(rig)
    assert watched.run(1.0) == []
    assert isinstance(watched.part.fault, DeviceAbsent)
    rig.unplug(False)
    assert watched.run(10.0)
    assert watched.part.fault is None


def test_on_a_noisy_bus_it_fails_or_tells_the_truth(rig: Rig) -> None:
    device = rig.open()
    rig.run(device, 1.0)
    rig.noise()
    good, failed = list[Sample](), 0
    for _ in range(4000):
        rig.clock.advance(0.05)
        try:
            good += device.poll(rig.now())
        except (SensorError, DeviceAbsent):
            failed += 1
    assert failed > 20
    assert len(good) > 100
    assert all(abs(sample.object_celsius - INDOOR) < 0.4 for sample in good)
    assert all(24 < sample.ambient_celsius < 26 for sample in good)


def test_a_word_that_does_not_change_for_a_minute_is_stuck_until_it_does(rig: Rig) -> None:
    watched = Watched(rig)
    last = watched.run(2.0)[-1]
    rig.stick(True)
    held = watched.run(59.0)
    assert {sample.object_word for sample in held} == {last.object_word}
    watched.run(2.0)
    assert isinstance(watched.part.fault, SensorStuck)
    assert watched.run(120.0) == []
    rig.stick(False)
    assert watched.run(0.5)
    assert watched.kinds == [type(None), SensorStuck, type(None)], "it never became silence"


# -- closing, and whose it is --------------------------------------------------------------------------------


def test_closed_is_closed_any_number_of_times(rig: Rig) -> None:
    device = rig.open()
    rig.run(device, 1.0)
    device.close()
    device.close()
    with pytest.raises(DeviceAbsent, match="closed"):
        device.poll(rig.now())
    again = rig.open()
    assert rig.run(again, 1.0), "and can be opened anew"


class _Noting:
    """A thermometer that notes which threads use it."""

    def __init__(self, device: Thermometer, users: set[str]) -> None:
        self._device = device
        self._users = users
        users.add(threading.current_thread().name)

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        self._users.add(threading.current_thread().name)
        return self._device.poll(now)

    def close(self) -> None:
        self._users.add(threading.current_thread().name)
        self._device.close()


def test_behind_a_worker_one_thread_opens_polls_and_closes_it(rig: Rig) -> None:
    users: set[str] = set()
    part = Supervised[Sample]("thermometer", lambda: _Noting(rig.open(), users))
    worker = Worker(part, rig.clock, Seconds(0.0005))
    samples: list[Sample] = []
    until = time.monotonic() + REAL_S
    while len(samples) < 5 and time.monotonic() < until:
        rig.clock.advance(0.05)
        samples += worker.poll(rig.now())
        time.sleep(0.001)  # real time: the worker's thread must get its turn
    worker.close()
    assert len(samples) >= 5
    assert samples == sorted(samples, key=lambda sample: sample.at)
    assert users == {"thermometer"}

"""The real SHT3x driver over the real smbus2 on simulated wires."""

from __future__ import annotations

import errno
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from drivers.air_temperature import HEATER, PERIOD_S, Sht3x
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import SimulatedI2cBus, flipped_bits
from drivers.simulated.i2c_parts import MEASURES_S, WiredSht3x
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DeviceStalled, SensorError, WrongChecksum
from tests.unit.drivers.test_i2c import taken

TURN = 0.1
NOWHERE = Path("/nowhere")


class Bench:
    """One part in some air."""

    def __init__(self, address: int = 0x44) -> None:
        self.clock = VirtualClock()
        self.bus = SimulatedI2cBus(pass_time=self.clock.advance)
        self.air = 21.5
        self.part = WiredSht3x(lambda _: self.air, clock=self.clock, address=address)
        self.bus.attach(self.part)

    def open(self, address: int = 0x44, devices: Path = NOWHERE) -> Sht3x:
        return Sht3x.on(1, address, clock=self.clock, devices=devices, opener=self.bus.opener)

    def run(self, device: Sht3x, seconds: float, turn: float = TURN) -> list[float]:
        """Temperatures of so many seconds; raises what the driver raises."""
        found: list[float] = []
        for _ in range(round(seconds / turn)):
            self.clock.advance(turn)
            celsius = device.poll(self.clock.monotonic())
            found += [] if celsius is None else [celsius]
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("air", [-40.0, -5.0, 0.0, 16.0, 24.1, 32.0, 60.0, 124.9])
def test_it_reads_the_air_to_a_hundredth(bench: Bench, air: float) -> None:
    bench.air = air
    (celsius, *_) = bench.run(bench.open(), 1.0)
    assert celsius == pytest.approx(air, abs=0.002)


def test_it_measures_every_two_seconds_and_fetches_when_the_part_is_ready(bench: Bench) -> None:
    found = bench.run(bench.open(), 20.0, turn=0.005)
    assert len(found) == 10
    starts = bench.part.measured
    assert all(later - one >= PERIOD_S for one, later in pairwise(starts))


def test_no_poll_waits_for_the_measurement(bench: Bench) -> None:
    device = bench.open()
    for _ in range(1000):
        bench.clock.advance(0.001)
        before = bench.bus.transfers, bench.clock.monotonic()
        device.poll(before[1])
        assert bench.bus.transfers - before[0] <= 1
        assert bench.clock.monotonic() == before[1]
    assert bench.part.measured
    assert MEASURES_S > 0.0125, "longer than the part usually takes"


def test_a_bus_that_is_slow_delays_and_loses_nothing(bench: Bench) -> None:
    bench.bus.takes_s = 0.3
    assert len(bench.run(bench.open(), 10.0)) >= 3


def test_the_second_address_is_another_part() -> None:
    bench = Bench(0x45)
    assert bench.run(bench.open(0x45), 1.0)
    with pytest.raises(DeviceAbsent, match=r"air thermometer SHT3x at address 0x44 of I2C bus 1.*i2cdetect"):
        bench.run(bench.open(0x44), 1.0)


# -- what goes wrong ---------------------------------------------------------------------------------------


def test_two_failures_are_tried_again_and_nobody_notices(bench: Bench) -> None:
    device = bench.open()
    bench.run(device, 1.0)
    bench.bus.fail_next(2)
    assert len(bench.run(device, 4.0)) == 2
    assert (device.counts.retries, device.counts.failures) == (2, 0)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EREMOTEIO, DeviceAbsent), (errno.EIO, DeviceAbsent), (errno.ETIMEDOUT, DeviceStalled)],
)
def test_three_failures_are_a_fault_that_names_bus_and_address(
    bench: Bench, number: int, kind: type[DeviceError]
) -> None:
    device = bench.open()
    bench.run(device, 1.0)
    bench.bus.fail_next(3, number)
    with pytest.raises(kind, match=r"0x44 of I2C bus 1.*tried 3 times"):
        bench.run(device, 4.0)
    assert device.counts.failures == 1


def test_a_measurement_that_the_part_forgot_is_begun_anew(bench: Bench) -> None:
    device = bench.open()
    bench.run(device, 0.3)
    bench.part.lost = True
    begun = len(bench.part.measured)
    bench.run(device, 2.15)
    bench.part.lost = False
    assert bench.run(device, 0.5)
    assert len(bench.part.measured) == begun + 2


def test_a_wrong_checksum_is_counted_and_never_a_temperature(bench: Bench) -> None:
    device = bench.open()
    bench.run(device, 1.0)
    bench.bus.garbage = Random(1)
    with pytest.raises(WrongChecksum, match=r"0x44 of I2C bus 1: CRC 0x.. is wrong for word 0x"):
        bench.run(device, 4.0)
    assert device.counts.pec_errors == 3


def test_ones_and_zeroes_are_no_air(bench: Bench) -> None:
    device = bench.open()
    bench.run(device, 1.0)
    bench.bus.pulled_up = True
    with pytest.raises(WrongChecksum, match="0xFFFF"):
        bench.run(device, 4.0)


def test_flipped_bits_never_change_a_temperature(bench: Bench) -> None:
    device = bench.open()
    bench.run(device, 1.0)
    mask = flipped_bits(Random(2))
    bench.bus.mask = lambda count: mask(count) if count == 7 else bytes(count)
    found, failed = [], 0
    for _ in range(2000):
        try:
            found += bench.run(device, 0.1)
        except DeviceError:
            failed += 1
    assert failed > 20
    assert found == []


def test_a_part_that_warms_itself_is_refused(bench: Bench) -> None:
    bench.part.status = HEATER
    with pytest.raises(SensorError, match="heater is on"):
        bench.run(bench.open(), 1.0)


def test_a_kernel_driver_in_the_way_is_told_before_anything_is_sent(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DeviceBusy, match="echo 1-0044"):
        bench.open(devices=taken(tmp_path, "1-0044", "sht3x"))
    assert bench.bus.transfers == 0
    assert bench.bus.handles == 0


def test_closing_releases_the_bus_any_number_of_times(bench: Bench) -> None:
    with bench.open() as device:
        assert bench.bus.handles == 1
    device.close()
    assert bench.bus.handles == 0
    with pytest.raises(DeviceAbsent, match="closed"):
        device.poll(bench.clock.monotonic())


def test_a_bus_that_somebody_else_opened_stays_open(bench: Bench) -> None:
    bus = bench.bus.opener(1)
    Sht3x(bus, clock=bench.clock, devices=NOWHERE).close()
    assert bench.bus.handles == 1


def test_an_adapter_without_plain_transfers_is_refused(bench: Bench) -> None:
    stub = SimulatedI2cBus(plain=False)
    with pytest.raises(SensorError, match="not for a gate"):
        Sht3x.on(1, clock=bench.clock, devices=NOWHERE, opener=stub.opener)
    assert stub.handles == 0

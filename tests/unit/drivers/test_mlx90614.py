"""The real driver over the real smbus2 on simulated wires: what it asks, when, and what it makes of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.mlx90614 import SPECS, Mlx90614, StuckWatch, examine
from drivers.mlx90614_registers import AMBIENT, CONFIG_1, EMISSIVITY, ID, OBJECT_1
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import SimulatedI2cBus
from drivers.simulated.i2c_parts import CONFIGS, Steady, WiredMlx90614
from kiosk.errors import (
    DeviceAbsent,
    DeviceBusy,
    DeviceError,
    DeviceStalled,
    SensorError,
    SensorStuck,
    WrongChecksum,
)
from kiosk.model import BusCounts, Monotonic, RawWord, Sample, Seconds
from kiosk.supervision import Supervised, longest_silence
from tests.unit.drivers.test_i2c import taken

TURN = 0.02
NOWHERE = Path("/nowhere")


class Bench:
    """One part on one bus, and a driver that is polled as a worker would."""

    def __init__(self, variant: str = "xCC") -> None:
        self.clock = VirtualClock()
        self.bus = SimulatedI2cBus(pass_time=self.clock.advance)
        self.warmth = Steady(34.5, 25.6)
        self.variant = variant
        settling = SPECS[variant].settling_s if variant in SPECS else 3.23
        self.part = WiredMlx90614(self.warmth, clock=self.clock, variant=variant, settling_s=settling)
        self.bus.attach(self.part)
        self.counts = BusCounts()
        self.polls: list[float] = []

    def open(self, variant: str | None = None, devices: Path = NOWHERE) -> Mlx90614:
        return Mlx90614.on(
            1,
            variant=variant or self.variant,
            clock=self.clock,
            counts=self.counts,
            devices=devices,
            opener=self.bus.opener,
        )

    def run(self, device: Mlx90614, seconds: float) -> list[Sample]:
        """Samples of so many seconds; raises what the driver raises."""
        found: list[Sample] = []
        for _ in range(round(seconds / TURN)):
            self.clock.advance(TURN)
            found += device.poll(self.clock.monotonic())
        return found

    def asked(self, command: int) -> list[float]:
        return [at for at, what in self.part.asked if what == command]


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- a healthy part -----------------------------------------------------------------------------------------


def test_it_delivers_the_parts_own_words(bench: Bench) -> None:
    bench.part.forced = {OBJECT_1: 0x3C10, AMBIENT: 0x3A7E}
    (first, *_) = bench.run(bench.open(), 1.0)
    assert (first.object_word, first.ambient_word) == (0x3C10, 0x3A7E)
    assert first.object_celsius == pytest.approx(34.37)


def test_nothing_is_asked_in_the_first_quarter_of_a_second(bench: Bench) -> None:
    """It may have been switched on just now, and its data is not valid before."""
    device = bench.open()
    bench.run(device, 0.24)
    assert bench.bus.transfers == 0
    assert bench.run(device, 0.04)


@pytest.mark.parametrize("variant", sorted(SPECS))
def test_it_reads_no_faster_than_the_part_settles(variant: str) -> None:
    bench = Bench(variant)
    settling = SPECS[variant].settling_s
    samples = bench.run(bench.open(), 40 * settling + 0.3)
    gaps = [later.at - one.at for one, later in pairwise(samples)]
    assert min(gaps) >= settling - 1e-6
    assert max(gaps) <= settling + TURN + 1e-6
    assert len(samples) >= 40 * settling / (settling + TURN)
    assert len(bench.asked(OBJECT_1)) == len(bench.asked(AMBIENT)) - 1 == len(samples)


def test_a_slow_bus_does_not_make_the_next_reading_come_too_soon(bench: Bench) -> None:
    device = bench.open()
    bench.run(device, 0.5)
    bench.bus.takes_s = 0.4
    before = bench.clock.monotonic()
    bench.run(device, 0.2)
    bench.bus.takes_s = 0.0
    samples = bench.run(device, 2.0)
    asked = [at for at in bench.asked(OBJECT_1) if at >= before]
    assert min(later - one for one, later in pairwise(asked)) >= 0.14 - 1e-6
    assert [sample.at for sample in samples] == sorted({sample.at for sample in samples})


def test_a_sample_is_dated_when_it_was_asked_for(bench: Bench) -> None:
    """Dated later, a forehead could fall into the window of whoever comes next."""
    device = bench.open()
    bench.run(device, 0.4)
    bench.bus.takes_s = 0.8
    started = bench.clock.monotonic()
    samples: list[Sample] = []
    while not samples:
        bench.clock.advance(TURN)
        now = bench.clock.monotonic()
        samples += device.poll(now)
    assert samples[0].at == now
    assert samples[0].at - started <= 0.14 + TURN
    assert bench.clock.monotonic() - now == pytest.approx(1.6)


def test_the_driver_never_writes_to_the_part(bench: Bench) -> None:
    bench.run(bench.open(), 10.0)
    bench.part.eeprom[EMISSIVITY] = 0xF332
    with pytest.raises(SensorError):
        bench.run(bench.open(), 1.0)
    assert bench.part.writes == []


# -- the part itself is looked at ---------------------------------------------------------------------------


def test_at_the_start_it_looks_at_id_emissivity_config1_and_die_and_then_measures(bench: Bench) -> None:
    device = bench.open()
    assert device.identity is None
    bench.run(device, 0.3)
    assert [command for _, command in bench.part.asked] == [
        *ID,
        EMISSIVITY,
        CONFIG_1,
        AMBIENT,
        OBJECT_1,
        AMBIENT,
    ]
    assert device.identity is not None
    assert device.identity.id == "123456789abcdef0"
    assert device.counts.chip == "123456789abcdef0", "so that the gate knows which part its baseline is of"
    assert device.identity.config1.word == CONFIGS["xCC"]


def refused(bench: Bench, variant: str | None = None) -> str:
    """Why no gate may measure with this part; it is asked three times."""
    with pytest.raises(SensorError) as told:
        bench.run(bench.open(variant), 2.0)
    assert "at address 0x5A of I2C bus 1" in str(told.value)
    assert OBJECT_1 not in [command for _, command in bench.part.asked], "no forehead was looked at"
    assert len(bench.asked(ID[0])) == 3
    return str(told.value)


def test_another_emissivity_is_refused_and_told_with_its_value(bench: Bench) -> None:
    bench.part.eeprom[EMISSIVITY] = 0xF332
    said = refused(bench)
    assert "emissivity is 0.950 (0xF332), not 1 (0xFFFF)" in said
    assert "never writes" in said


def test_a_contradiction_between_part_and_configuration_says_both(bench: Bench) -> None:
    bench.part.eeprom[CONFIG_1] = CONFIGS["xCF"]
    said = refused(bench)
    assert "0x9FB0" in said
    assert "xCF" in said
    assert "thermometer.variant says xCC" in said


@pytest.mark.parametrize("blank", [0x0000, 0xFFFF])
def test_a_part_without_an_id_is_no_part_of_the_makers(bench: Bench, blank: int) -> None:
    bench.part.eeprom |= dict.fromkeys(ID, blank)
    assert "ID is blank" in refused(bench)


@pytest.mark.parametrize("die", [-38.0, 61.0, 125.0])
def test_a_die_that_can_not_be_is_refused(bench: Bench, die: float) -> None:
    bench.warmth.die_celsius = type(bench.warmth.die_celsius)(die)
    assert f"own temperature reads {die:.1f} °C" in refused(bench)


def test_an_xck_is_refused_whatever_is_configured() -> None:
    with pytest.raises(SensorError, match=r"0x5A of I2C bus 1: variant xCK is not for a gate.*xAA"):
        Bench("xCK").open()
    assert "an xCK, which settles too slowly" in refused(Bench("xCK"), "xCF")


def test_a_kernel_driver_in_the_way_is_told_before_anything_is_sent(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DeviceBusy, match="1-005a"):
        bench.open(devices=taken(tmp_path, "1-005a", "mlx90614"))
    assert bench.bus.transfers == 0
    assert bench.bus.handles == 0, "what was opened is closed again"


def test_an_adapter_that_can_not_hand_over_the_checksum_is_refused(bench: Bench) -> None:
    """So no word without one ever becomes a sample, and no gate says NORMAL on it."""
    bench.bus = SimulatedI2cBus(plain=False)
    bench.bus.attach(bench.part)
    with pytest.raises(SensorError, match=r"0x5A of I2C bus 1: .*SMBus words only.*not for a gate"):
        bench.open()
    assert bench.bus.handles == 0
    assert bench.bus.transfers == 0


# -- answers that are none ----------------------------------------------------------------------------------


@pytest.fixture
def running(bench: Bench) -> Iterator[Mlx90614]:
    with bench.open() as device:
        bench.run(device, 1.0)
        yield device


def test_two_failures_are_tried_again_after_20_ms_and_nobody_notices(bench: Bench, running: Mlx90614) -> None:
    before = bench.counts.transfers
    bench.bus.fail_next(2)
    assert bench.run(running, 0.3)
    assert (bench.counts.retries, bench.counts.failures, bench.counts.pec_errors) == (2, 0, 0)
    assert bench.counts.transfers - before >= 4


def test_tries_are_20_ms_apart_however_often_it_is_polled(bench: Bench, running: Mlx90614) -> None:
    bench.bus.fail_next(2)
    tried: list[float] = []
    for _ in range(400):
        bench.clock.advance(0.001)
        before = bench.bus.transfers
        running.poll(bench.clock.monotonic())
        tried += [bench.clock.monotonic()] * (bench.bus.transfers > before)
    first, second, third = tried[:3]
    assert second - first == pytest.approx(0.02)
    assert third - second == pytest.approx(0.02)


def test_a_poll_never_makes_more_than_one_transfer_that_fails(bench: Bench, running: Mlx90614) -> None:
    bench.bus.stuck, bench.bus.takes_s = True, 1.0
    for _ in range(2):
        while bench.clock.monotonic() < 1000:
            bench.clock.advance(TURN)
            before = bench.bus.transfers, bench.clock.monotonic()
            running.poll(before[1])
            if bench.bus.transfers > before[0]:
                break
        assert bench.bus.transfers - before[0] == 1
        assert bench.clock.monotonic() - before[1] == pytest.approx(1.0)
    with pytest.raises(DeviceStalled, match=r"0x5A of I2C bus 1.*tried 3 times"):
        bench.run(running, 0.1)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EIO, DeviceAbsent), (errno.EREMOTEIO, DeviceAbsent), (errno.ETIMEDOUT, DeviceStalled)],
)
def test_three_failures_are_a_fault_that_names_bus_and_address(
    bench: Bench, running: Mlx90614, number: int, kind: type[DeviceError]
) -> None:
    bench.bus.fail_next(3, number)
    with pytest.raises(kind, match=r"0x5A of I2C bus 1.*tried 3 times"):
        bench.run(running, 0.3)
    assert (bench.counts.retries, bench.counts.failures) == (2, 1)


def test_who_answered_wrongly_once_is_there(bench: Bench, running: Mlx90614) -> None:
    bench.bus.fail_next(1)
    bench.part.flagged = True
    with pytest.raises(SensorError, match="error flag"):
        bench.run(running, 0.4)


def test_a_word_with_the_error_flag_is_no_temperature(bench: Bench, running: Mlx90614) -> None:
    bench.part.flagged = True
    with pytest.raises(SensorError, match=r"word 0x[8-F]... has the error flag set"):
        bench.run(running, 0.4)


@pytest.mark.parametrize("command", [OBJECT_1, AMBIENT])
@pytest.mark.parametrize("word", [0x0000, 0x27AC, 0xFFFF, 0x8000])
def test_a_word_out_of_range_is_refused_in_spite_of_its_checksum(
    bench: Bench, running: Mlx90614, word: int, command: int
) -> None:
    bench.part.forced[command] = word
    with pytest.raises(SensorError, match=r"out of range|error flag"):
        bench.run(running, 0.4)


def test_a_bus_pulled_up_is_no_1037_degrees(bench: Bench, running: Mlx90614) -> None:
    bench.bus.pulled_up = True
    with pytest.raises(WrongChecksum, match="PEC 0xFF is wrong for word 0xFFFF"):
        bench.run(running, 0.4)
    assert bench.counts.pec_errors == 3


def test_one_flipped_bit_of_the_high_byte_is_no_fever(bench: Bench, running: Mlx90614) -> None:
    """34.37 would be 39.49 °C."""
    bench.part.forced[OBJECT_1] = 0x3C10
    bench.bus.mask = lambda count: bytes([0, 0, 0, 0, 1, 0][:count])
    with pytest.raises(WrongChecksum, match="word 0x3D10"):
        bench.run(running, 0.4)


def test_counts_go_on_over_a_reopening(bench: Bench, running: Mlx90614) -> None:
    before = bench.counts.transfers
    running.close()
    bench.run(bench.open(), 0.5)
    assert bench.counts.transfers > before


# -- a word that never changes ------------------------------------------------------------------------------


def test_stuck_for_a_minute_is_a_fault_of_its_own_and_over_with_the_next_word(bench: Bench) -> None:
    device = Supervised("thermometer", bench.open, longest_silence(SPECS["xCC"]))

    def run(seconds: float) -> list[Sample]:
        found: list[Sample] = []
        for _ in range(round(seconds / TURN)):
            bench.clock.advance(TURN)
            found += device.poll(bench.clock.monotonic())
        return found

    run(2.0)
    bench.part.stuck = True
    assert run(59.0)
    assert device.fault is None
    run(2.0)
    assert isinstance(device.fault, SensorStuck)
    assert "0x5A of I2C bus 1: the same word 0x" in str(device.fault)
    opened = len(bench.asked(ID[0]))
    assert run(300.0) == []
    assert isinstance(device.fault, SensorStuck), "it has not become silence"
    assert len(bench.asked(ID[0])) == opened, "it stays open: opening it would forget"
    bench.part.stuck = False
    assert run(0.4)
    assert device.fault is None


def test_the_same_word_after_a_gap_is_a_coincidence() -> None:
    watch = StuckWatch("thermometer")
    for at in (0.0, 61.0, 122.0):
        watch.feed(Monotonic(at), RawWord(0x3A00))
        watch.check()


def test_exactly_a_minute_is_not_yet_stuck() -> None:
    watch = StuckWatch("thermometer")
    for tick in range(601):
        watch.feed(Monotonic(tick / 10), RawWord(0x3A00))
        watch.check()
    watch.feed(Monotonic(60.1), RawWord(0x3A00))
    with pytest.raises(SensorStuck, match="more than 60 s"):
        watch.check()


# -- closing ------------------------------------------------------------------------------------------------


def test_closing_releases_the_bus_any_number_of_times(bench: Bench) -> None:
    device = bench.open()
    assert bench.bus.handles == 1
    device.close()
    device.close()
    assert bench.bus.handles == 0
    with pytest.raises(DeviceAbsent, match="closed"):
        device.poll(Monotonic(bench.clock.monotonic() + Seconds(1)))


def test_a_bus_that_somebody_else_opened_stays_open(bench: Bench) -> None:
    bus = bench.bus.opener(1)
    Mlx90614(bus, variant="xCC", clock=bench.clock, devices=NOWHERE).close()
    assert bench.bus.handles == 1


# -- what a check of the installation asks ------------------------------------------------------------------


def test_a_check_finds_everything_there_is_to_know(bench: Bench) -> None:
    found = examine(bench.bus.opener(1), address=0x5A, variant="xCC", devices=NOWHERE)
    assert found == {
        "pec": True,
        "kernel_driver": None,
        "id": "123456789abcdef0",
        "emissivity": "0xFFFF",
        "config1": "0x9FB4 (IIR 100 %, FIR 1024, one sensor)",
        "variants": "xAA xCC",
        "die": "25.6 °C",
        "problem": None,
    }


def test_a_check_without_checksums_reads_the_words_and_says_that_it_is_not_for_a_gate(bench: Bench) -> None:
    stub = SimulatedI2cBus(plain=False)
    stub.attach(bench.part)
    found = examine(stub.opener(1), address=0x5A, variant="xCC", devices=NOWHERE)
    assert found["pec"] is False
    assert found["id"] == "123456789abcdef0"
    assert "not for a gate" in str(found["problem"])


def test_a_check_names_what_is_in_the_way_and_never_raises(bench: Bench, tmp_path: Path) -> None:
    devices = taken(tmp_path, "1-005a", "mlx90614")
    found = examine(bench.bus.opener(1), address=0x5A, variant="xCC", devices=devices)
    assert found["kernel_driver"] == "mlx90614"
    assert "unbind" in str(found["problem"])
    bench.bus.detach(0x5A)
    found = examine(bench.bus.opener(1), address=0x5A, variant="xCC", devices=NOWHERE)
    assert "nothing answers" in str(found["problem"])
    bench.bus.attach(bench.part)
    found = examine(bench.bus.opener(1), address=0x5A, variant="xBA", devices=NOWHERE)
    assert "thermometer.variant says xBA" in str(found["problem"])

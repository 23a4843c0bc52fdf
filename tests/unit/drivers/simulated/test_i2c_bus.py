"""The simulated wires answer smbus2 as i2c-dev would; faults of the wire are what they say they are."""

from __future__ import annotations

import errno
from random import Random
from typing import Any, cast

import pytest
import smbus2
from hypothesis import given
from hypothesis import strategies as st

from drivers.mlx90614_registers import EEPROM, FLAGS, OBJECT_1, pec_of_read, pec_of_write
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import (
    SimulatedI2cBus,
    burst,
    flipped_bits,
    now_and_then,
)
from drivers.simulated.i2c_parts import Steady, WiredMlx90614

ADDRESS = 0x5A


class Bench:
    """A part and the raw smbus2 object above it."""

    def __init__(self, *, plain: bool = True) -> None:
        self.clock = VirtualClock()
        self.simulated = SimulatedI2cBus(plain=plain, pass_time=self.clock.advance)
        self.warmth = Steady(34.5, noise_c=0.0)
        self.part = WiredMlx90614(self.warmth, clock=self.clock)
        self.simulated.attach(self.part)
        self.bus = cast(Any, self.simulated.opener(1))

    def read(self, command: int, count: int = 3) -> bytes:
        back = smbus2.i2c_msg.read(ADDRESS, count)
        self.bus.i2c_rdwr(smbus2.i2c_msg.write(ADDRESS, [command]), back)
        return bytes(cast(Any, back))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def failed(number: int) -> Any:
    return pytest.raises(OSError, match=rf"\[Errno {number}\]")


# -- as i2c-dev ----------------------------------------------------------------------------------------------


def test_it_is_the_real_smbus2_whose_system_calls_end_here(bench: Bench) -> None:
    assert isinstance(bench.bus, smbus2.SMBus)
    assert bench.bus.funcs & smbus2.I2cFunc.I2C
    with failed(errno.ENOENT):
        smbus2.SMBus(31)


def test_the_part_makes_its_own_checksum(bench: Bench) -> None:
    low, high, pec = bench.read(OBJECT_1)
    assert (low | high << 8) * 0.02 - 273.15 == pytest.approx(34.5, abs=0.011)
    assert pec == pec_of_read(ADDRESS, OBJECT_1, low, high)
    assert bench.read(OBJECT_1, 5)[3:] == b"\xff\xff", "nobody drives the bus any more"


def test_words_and_smbus2s_own_checksum_work_as_the_kernels(bench: Bench) -> None:
    word = bench.bus.read_word_data(ADDRESS, OBJECT_1)
    assert word == int.from_bytes(bench.read(OBJECT_1)[:2], "little")
    bench.bus.pec = 1
    assert bench.bus.read_word_data(ADDRESS, OBJECT_1) == word
    bench.simulated.pulled_up = True
    with failed(errno.EBADMSG):
        bench.bus.read_word_data(ADDRESS, OBJECT_1)


def test_an_adapter_like_i2c_stub_has_words_and_nothing_else() -> None:
    bench = Bench(plain=False)
    assert bench.bus.read_word_data(ADDRESS, OBJECT_1)
    with failed(errno.EOPNOTSUPP):
        bench.read(OBJECT_1)
    with pytest.raises(OSError, match="not a feature"):
        bench.bus.pec = 1


def test_what_no_driver_here_asks_is_not_supported(bench: Bench) -> None:
    with failed(errno.EOPNOTSUPP):
        bench.bus.write_word_data(ADDRESS, OBJECT_1, 1)
    with failed(errno.ENOTTY):
        bench.simulated.ioctl(bench.bus.fd, 0x0701, 0)
    with failed(errno.EBADF):
        bench.simulated.ioctl(7, 0x0705, None)
    with failed(errno.EBADF):
        bench.simulated.close(7)


def test_a_command_that_the_part_does_not_have_is_not_acknowledged(bench: Bench) -> None:
    with failed(errno.EREMOTEIO):
        bench.read(0x60)
    assert bench.read(FLAGS)[:2] == b"\x10\x00"


def test_its_eeprom_takes_a_word_with_the_right_checksum_into_an_erased_cell(bench: Bench) -> None:
    cell = EEPROM | 0x04

    def write(word: int, *, wrong: int = 0) -> int:
        low, high = word & 0xFF, word >> 8
        pec = pec_of_write(ADDRESS, cell, (low, high)) ^ wrong
        bench.bus.i2c_rdwr(smbus2.i2c_msg.write(ADDRESS, [cell, low, high, pec]))
        return int.from_bytes(bench.read(cell)[:2], "little")

    assert write(0xF332) == 0xFFFF, "not erased"
    assert write(0x0000, wrong=1) == 0xFFFF
    assert write(0x0000) == 0
    assert write(0xF332) == 0xF332
    assert len(bench.part.writes) == 4


def test_a_conversion_is_there_every_settling_time(bench: Bench) -> None:
    first = bench.read(OBJECT_1)
    bench.warmth.object_celsius = type(bench.warmth.object_celsius)(20.0)
    bench.clock.advance(0.05)
    assert bench.read(OBJECT_1) == first
    bench.clock.advance(0.05)
    assert bench.read(OBJECT_1) != first


# -- faults of the wire --------------------------------------------------------------------------------------


def test_unplugged_and_back(bench: Bench) -> None:
    bench.simulated.detach(ADDRESS)
    with failed(errno.EREMOTEIO):
        bench.read(OBJECT_1)
    bench.simulated.attach(bench.part)
    assert bench.read(OBJECT_1)


def test_a_burst_of_errors_ends(bench: Bench) -> None:
    bench.simulated.fail_next(2)
    for _ in range(2):
        with failed(errno.EIO):
            bench.read(OBJECT_1)
    assert bench.read(OBJECT_1)


def test_a_slow_bus_takes_virtual_time_and_a_stuck_one_times_out(bench: Bench) -> None:
    bench.simulated.takes_s = 1.5
    bench.read(OBJECT_1)
    assert bench.clock.monotonic() == 1.5
    bench.simulated.stuck = True
    with failed(errno.ETIMEDOUT):
        bench.read(OBJECT_1)
    assert bench.clock.monotonic() == 3.0


def bits(mask: bytes) -> list[int]:
    return [at for at in range(8 * len(mask)) if mask[at // 8] >> (7 - at % 8) & 1]


@given(st.integers(0, 2**32), st.integers(3, 12))
def test_flipped_bits_are_one_to_three(seed: int, count: int) -> None:
    mask = flipped_bits(Random(seed))(count)
    assert len(mask) == count
    assert 1 <= len(bits(mask)) <= 3


@given(st.integers(0, 2**32), st.integers(3, 12))
def test_a_burst_spans_two_to_eight_bits(seed: int, count: int) -> None:
    wrong = bits(burst(Random(seed))(count))
    assert 2 <= wrong[-1] - wrong[0] + 1 <= 8


def test_now_and_then_is_this_share(bench: Bench) -> None:
    mask = now_and_then(Random(3), 0.25, flipped_bits(Random(4)))
    hit = sum(any(mask(6)) for _ in range(4000))
    assert hit == pytest.approx(1000, rel=0.15)


def test_bits_flip_where_the_mask_says(bench: Bench) -> None:
    right = bench.read(OBJECT_1)
    bench.simulated.mask = lambda count: bytes([0, 0, 0, 0x01, 0, 0x80])
    wrong = bench.read(OBJECT_1)
    assert bytes(a ^ b for a, b in zip(right, wrong, strict=True)) == b"\x01\x00\x80"
    bench.simulated.mask = lambda count: bytes([2] + [0] * (count - 1))
    with failed(errno.EREMOTEIO):
        bench.read(OBJECT_1)


def flip_address(bench: Bench, written: int, read: int) -> None:
    bench.simulated.mask = lambda count: bytes([written, 0, read, *[0] * (count - 3)])


def test_a_flipped_address_calls_whoever_has_that_one(bench: Bench) -> None:
    other = WiredMlx90614(Steady(20.0, noise_c=0.0), clock=bench.clock, address=ADDRESS ^ 0x01)
    bench.simulated.attach(other)
    flip_address(bench, 0x02, 0x02)
    low, high, pec = bench.read(OBJECT_1)
    assert pec == pec_of_read(ADDRESS ^ 0x01, OBJECT_1, low, high), "the other one's word and checksum"
    flip_address(bench, 0x00, 0x02)
    with failed(errno.EREMOTEIO):
        bench.read(OBJECT_1)


def test_a_flipped_direction_leaves_the_wire_to_the_pull_up_or_loses_the_command(bench: Bench) -> None:
    flip_address(bench, 0x00, 0x01)
    assert bench.read(OBJECT_1) == b"\xff\xff\xff"
    flip_address(bench, 0x01, 0x00)
    with failed(errno.EREMOTEIO):
        bench.read(OBJECT_1)


def test_a_command_is_forgotten_with_its_transaction(bench: Bench) -> None:
    bench.bus.i2c_rdwr(smbus2.i2c_msg.write(ADDRESS, [OBJECT_1]))
    with failed(errno.EREMOTEIO):
        bench.bus.i2c_rdwr(smbus2.i2c_msg.read(ADDRESS, 3))

"""A bus that lies: bits flip, bursts come, every byte is random. No word of it is believed, nobody is NORMAL.

The real smbus2 builds every transaction, the real driver judges it. ``KIOSK_BUS_N`` transactions, 1,000,000
in the full proof (``-s`` shows its figures).
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import pytest

from drivers.i2c import Place
from drivers.mlx90614 import SPECS, Mlx90614
from drivers.mlx90614_registers import (
    AMBIENT,
    COLDEST,
    CONFIG_1,
    EMISSIVITY,
    ID,
    OBJECT_1,
    measured,
    pec_of_read,
    word_of,
)
from drivers.mlx90614_words import Words
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import Mask, SimulatedI2cBus, burst, flipped_bits
from drivers.simulated.i2c_parts import Steady, WiredMlx90614, WiredSht3x
from kiosk.errors import DeviceAbsent, DeviceError, SensorError, WrongChecksum
from kiosk.model import (
    BusCounts,
    Celsius,
    Monotonic,
    RawWord,
    Reading,
    Sample,
    Screening,
    ThermometerSpec,
    celsius_to_word,
)
from kiosk.passage.body_temperature import Commissioning, Site, screen
from tests.unit.passage.foreheads import ALL, stream

N: Final = int(os.environ.get("KIOSK_BUS_N", "30000"))
WALL: Final = Celsius(22.0)
SITE: Final = Site(commissioning=Commissioning.make(Celsius(34.0), 100, "test", simulated=True))
PLACE: Final = Place("thermometer MLX90614", 1, 0x5A)

ONES_BUT_TWO: Final = 0x7FFB
"""The only temperature that pull-ups and three flipped bits can make (test below): 382.11 °C."""


def figure(text: str) -> None:
    """For whoever runs the full proof."""
    sys.stdout.write(f"{text}\n")


def past_the_address(mask: Mask) -> Mask:
    """Only flips that leave both addresses right: with most others nobody answers, which proves less."""

    def spared(count: int) -> bytes:
        while (drawn := mask(count))[0] or drawn[2]:
            pass
        return drawn

    return spared


class Bench:
    """One part, one bus, and what reads words of it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.bus = SimulatedI2cBus()
        self.part = WiredMlx90614(Steady(34.5), clock=self.clock)
        self.bus.attach(self.part)
        self.bus.attach(WiredSht3x(lambda _: 22.0, clock=self.clock))
        self.bus.attach(WiredMlx90614(Steady(20.0), clock=self.clock, address=0x5A ^ 0x01))
        self.counts = BusCounts()
        self.words = Words(self.bus.opener(1), PLACE, self.counts)

    def outcomes(self, count: int) -> Counter[str]:
        """How so many reads of any temperature end."""
        dice, ends = Random(11), Counter[str]()
        for _ in range(count):
            word = dice.randrange(COLDEST, 0x8000)
            command = dice.choice((OBJECT_1, AMBIENT))
            self.part.forced[command] = word
            ends[self._outcome(command)] += 1
        return ends

    def _outcome(self, command: int) -> str:
        try:
            word = self.words.temperature(command)
        except WrongChecksum:
            return "checksum"
        except DeviceAbsent:
            return "nobody"
        except SensorError:
            return "flagged"
        return "382 °C" if word == ONES_BUT_TWO else "accepted"


# -- bits that flip --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mask", "come_back"),
    [
        ("1 to 3 bits, anywhere", flipped_bits(Random(1)), 0.4),
        ("a burst of up to 8 bits, anywhere", burst(Random(2)), 0.4),
        ("1 to 3 bits, addresses right", past_the_address(flipped_bits(Random(3))), 0.8),
        ("a burst of up to 8 bits, addresses right", past_the_address(burst(Random(4))), 0.8),
    ],
)
def test_no_transaction_with_flipped_bits_is_accepted(name: str, mask: Mask, come_back: float) -> None:
    """In addresses and their direction bits too: there another part may answer, or only the pull-ups.

    What the pull-ups answer is no codeword, so bits that flip in it may give it the right checksum: the word
    is then flagged, or the one below that no forehead has.
    """
    bench = Bench()
    bench.bus.mask = mask
    ends = bench.outcomes(N // 2)
    figure(f"{name}: {dict(ends)}")
    assert ends["accepted"] == 0
    assert ends["382 °C"] + ends["flagged"] <= (N // 2) / 2000
    assert ends["checksum"] > come_back * (N // 2), "so many of them reach a part and come back"
    assert bench.counts.pec_errors == ends["checksum"]
    if "right" in name:
        assert set(ends) == {"checksum", "nobody"}


@pytest.mark.parametrize("command", [OBJECT_1, AMBIENT])
def test_all_that_three_bits_can_make_of_a_part_that_hears_a_write_is_382_degrees(command: int) -> None:
    """The direction bit of SA_R flips, the pull-ups answer, and two more bits: every case there is."""
    words = [*ones_with_flips(2, command)]
    believed = {word for word in words if COLDEST <= word < 0x8000}
    assert believed <= {ONES_BUT_TWO}
    samples = [Sample(Monotonic(0.1 * at), RawWord(ONES_BUT_TWO), RawWord(14_862)) for at in range(30)]
    assert judged(samples, SPECS["xAA"]).screening is Screening.RETRY


def ones_with_flips(most: int, command: int) -> Iterator[int]:
    """Words with the right checksum, of three bytes of ones with so many bits flipped."""
    for bits in itertools.chain(*(itertools.combinations(range(24), count) for count in range(most + 1))):
        low, high, pec = (0xFFFFFF ^ sum(1 << bit for bit in bits)).to_bytes(3, "big")
        if pec == pec_of_read(PLACE.address, command, low, high):
            yield high << 8 | low


@pytest.mark.parametrize("silence", [0x00, 0xFF])
def test_a_wire_held_low_or_let_go_never_has_the_right_checksum(silence: int) -> None:
    """Whatever is asked: the parts' IDs, emissivity and config1 as well as temperatures."""
    for command in (*ID, EMISSIVITY, CONFIG_1, OBJECT_1, AMBIENT):
        with pytest.raises(WrongChecksum):
            word_of(bytes([silence] * 3), PLACE.address, command)


def test_the_same_transactions_without_flips_are_all_accepted() -> None:
    assert Bench().outcomes(2000) == {"accepted": 2000}


def test_four_flipped_bits_may_pass_so_the_checksum_alone_is_not_all() -> None:
    """The proof could fail: an error that is a multiple of the polynomial gets through."""
    bench = Bench()
    bench.bus.mask = lambda count: bytes(count - 2) + b"\x01\x07"
    assert bench.outcomes(50)["checksum"] == 0


# -- random bytes ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_of_random_bytes_at_most_half_a_percent_pass_the_checksum() -> None:
    bench = Bench()
    bench.bus.garbage = Random(3)
    passed = temperatures = 0
    for _ in range(N):
        try:
            word = bench.words.read(OBJECT_1)
        except WrongChecksum:
            continue
        passed += 1
        temperatures += COLDEST <= word < 0x8000
    figure(f"random bytes: {passed / N:.3%} pass, {temperatures / N:.3%} are a temperature")
    assert 0.002 < passed / N <= 0.005
    assert temperatures < 0.5 * passed


def judged(samples: Sequence[Sample], spec: ThermometerSpec) -> Reading:
    """What the gate makes of them, with everything else in the person's favour."""
    return screen(
        samples,
        spec,
        SITE,
        opened_at=samples[0].at,
        background=WALL,
        ambient=Celsius(24.1),
        environment=None,
    )


def windows(samples: Sequence[Sample], seconds: float) -> Iterator[Sequence[Sample]]:
    """One after the other, as for one person after the other."""
    for _, group in itertools.groupby(samples, key=lambda sample: int(sample.at // seconds)):
        yield list(group)


@pytest.mark.slow
@pytest.mark.parametrize("variant", sorted(SPECS))
def test_a_driver_on_a_bus_of_random_bytes_never_gets_anybody_to_normal(variant: str) -> None:
    """As it is: a sample needs two good words in a row, and after three tries it is a fault."""
    bench = Bench()
    spec = SPECS[variant]
    bench.part = WiredMlx90614(Steady(22.0), clock=bench.clock, variant=variant)
    bench.bus.attach(bench.part)
    nowhere = Path("/nowhere")
    device = Mlx90614.on(1, variant=variant, clock=bench.clock, devices=nowhere, opener=bench.bus.opener)
    bench.clock.advance(0.3)
    assert device.poll(bench.clock.monotonic())
    bench.bus.garbage = Random(f"garbage {variant}")
    samples, faults = list[Sample](), 0
    for _ in range(N // 10):
        bench.clock.advance(max(0.02, spec.settling_s))
        try:
            samples += device.poll(bench.clock.monotonic())
        except (SensorError, DeviceError):
            faults += 1
    assert faults > N // 40
    assert len(samples) <= 2
    assert all(judged(part, spec).screening is not Screening.NORMAL for part in windows(samples, 3.0))


@pytest.mark.slow
@pytest.mark.parametrize("spec", [spec for spec in ALL if spec.fast], ids=lambda spec: spec.variant)
def test_nothing_but_random_words_that_passed_the_checksum_is_nobodys_forehead(spec: ThermometerSpec) -> None:
    """Far worse than any bus: the few of them that pass, one after the other, and the die always right."""
    dice = Random(f"words {spec.variant}")
    die = celsius_to_word(Celsius(24.1))
    count = N // 3
    words = (RawWord(dice.randrange(COLDEST, 0x8000)) for _ in range(count))
    samples = [Sample(Monotonic(at * spec.settling_s), measured(word), die) for at, word in enumerate(words)]
    results = Counter(judged(part, spec).screening for part in windows(samples, 3.0))
    figure(f"{spec.variant}: {dict(results)}")
    assert results[Screening.NORMAL] == results[Screening.GUARD] == 0
    assert results[Screening.RETRY] == results.total()


@pytest.mark.slow
@pytest.mark.parametrize("spec", [spec for spec in ALL if not spec.fast], ids=lambda spec: spec.variant)
def test_a_slow_part_takes_two_words_and_two_random_ones_agree_on_health_once_in_ten_thousand_times(
    spec: ThermometerSpec,
) -> None:
    """Why that is enough: four random words (two of the die) must pass the checksum first, 1 in 256 each.

    Then two dies must be alike as well. Less than one NORMAL in 4e13 people on a bus of nothing but random
    bytes, and long before that the gate has said SENSOR_FAULT.
    """
    dice = Random(f"slow words {spec.variant}")
    die, count = celsius_to_word(Celsius(24.1)), 2 * N
    healthy = 0
    for turn in range(0, count, 2):
        words = [RawWord(dice.randrange(COLDEST, 0x8000)) for _ in range(2)]
        pair = [Sample(Monotonic((turn + at) * spec.settling_s), word, die) for at, word in enumerate(words)]
        healthy += judged(pair, spec).screening in (Screening.NORMAL, Screening.GUARD)
    figure(f"{spec.variant}: {healthy} of {count // 2} pairs of random words read as healthy")
    assert healthy <= max(2, N * 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.variant)
def test_a_wrong_word_among_right_ones_makes_nobody_normal(spec: ThermometerSpec) -> None:
    """Even when it is the very word of a healthy forehead: one word is no steady second."""
    dice = Random(f"one {spec.variant}")
    for turn in range(max(50, N // 500)):
        wall = list(stream(spec, lambda _: WALL, 5.0, seed=turn))
        at = dice.randrange(len(wall))
        forehead = celsius_to_word(Celsius(33.9 + dice.uniform(-0.5, 0.5)))
        wall[at] = replace(wall[at], object_word=forehead)
        assert judged(wall, spec).screening is Screening.RETRY


def test_two_steady_seconds_of_a_forehead_would_be_normal() -> None:
    """What the proofs above rest on: they could fail."""
    for spec in ALL:
        seen = list(stream(spec, lambda _: 33.7, 5.0))
        assert judged(seen, spec).screening is Screening.NORMAL, spec.variant

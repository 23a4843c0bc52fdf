"""A whole gate with the real thermometer driver, down to the bytes on the bus: no fault of it is green."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random

import pytest

from drivers.mlx90614 import Mlx90614
from drivers.mlx90614_registers import CONFIG_1, EMISSIVITY, OBJECT_1
from drivers.simulated.i2c_bus import SimulatedI2cBus, flipped_bits, now_and_then
from drivers.simulated.i2c_parts import WiredMlx90614
from kiosk.fitted import no_thermometer
from kiosk.model import (
    BusCounts,
    Celsius,
    EventKind,
    Light,
    Monotonic,
    RawWord,
    Reason,
    Sample,
    Verdict,
    celsius_to_word,
)
from kiosk.supervision import Pollable
from tests.street import Street, memory_folder
from tests.unit.drivers.test_i2c import taken


class Wires(Street):
    """A street whose thermometer is the real driver, the real smbus2, and simulated wires."""

    def __init__(self, folder: Path) -> None:
        self.wires = SimulatedI2cBus(pass_time=lambda seconds: self.clock.advance(seconds))
        self.devices = folder / "sys" / "devices"
        self._noise = Random(7)
        super().__init__(folder)
        self.bus = BusCounts()
        self.restart()
        self.part = WiredMlx90614(self._words, clock=self.clock)
        self.wires.attach(self.part)

    def _words(self, at: Monotonic) -> tuple[RawWord, RawWord]:
        seen = celsius_to_word(Celsius(self.warmth + self._noise.gauss(0.0, 0.05)))
        return seen, celsius_to_word(self.die)

    def _thermometer(self) -> Pollable[Sample]:
        return Mlx90614.on(
            1,
            variant="xAA",
            clock=self.clock,
            devices=self.devices,
            counts=self.bus,
            opener=self.wires.opener,
        )


@pytest.fixture
def street() -> Iterator[Wires]:
    with memory_folder() as folder, Wires(folder) as made:
        made.run(3.0)
        yield made


def answer(street: Street, above: float = 0.0) -> tuple[Verdict, Reason]:
    passage = street.pass_by(street.issue().text, above=above)
    assert passage is not None
    return passage.decision.verdict, passage.decision.reasons[0]


def test_people_are_measured_through_the_real_driver(street: Wires) -> None:
    assert street.faults() == {}
    assert answer(street) == (Verdict.ADMIT, Reason.PASS_VALID)
    assert answer(street, above=1.5) == (Verdict.REFER, Reason.TEMPERATURE_HIGH)


# -- what can be wrong with the wires, and what makes it well ------------------------------------------------

Provoked = AbstractContextManager[None]


@contextmanager
def unplugged(street: Wires) -> Iterator[None]:
    street.wires.detach(0x5A)
    yield
    street.wires.attach(street.part)


def wire(name: str, value: object) -> Callable[[Wires], Provoked]:
    """Something of the bus itself."""

    @contextmanager
    def provoke(street: Wires) -> Iterator[None]:
        before = getattr(street.wires, name)
        setattr(street.wires, name, value)
        yield
        setattr(street.wires, name, before)

    return provoke


@contextmanager
def flagged(street: Wires) -> Iterator[None]:
    street.part.flagged = True
    yield
    street.part.flagged = False


@contextmanager
def zero_word(street: Wires) -> Iterator[None]:
    street.part.forced[OBJECT_1] = 0x0000
    yield
    del street.part.forced[OBJECT_1]


def register(command: int, word: int) -> Callable[[Wires], Provoked]:
    """Another word in the EEPROM: the part was changed while the gate was off."""

    @contextmanager
    def provoke(street: Wires) -> Iterator[None]:
        before, street.part.eeprom[command] = street.part.eeprom[command], word
        street.restart()
        yield
        street.part.eeprom[command] = before

    return provoke


def refused(number: int) -> Callable[[Wires], Provoked]:
    """The bus can't be opened."""

    @contextmanager
    def provoke(street: Wires) -> Iterator[None]:
        street.wires.refuses = number
        street.restart()
        yield
        street.wires.refuses = None

    return provoke


@contextmanager
def kernel_driver(street: Wires) -> Iterator[None]:
    taken(street.devices.parent, "1-005a", "mlx90614")
    street.restart()
    yield
    (street.devices / "1-005a" / "driver").unlink()


@contextmanager
def words_only(street: Wires) -> Iterator[None]:
    """Another adapter, which can't hand over checksums."""
    plain, street.wires = street.wires, SimulatedI2cBus(plain=False)
    street.wires.attach(street.part)
    street.restart()
    yield
    street.wires = plain


FAULTS: dict[str, tuple[Callable[[Wires], Provoked], str]] = {
    "unplugged": (unplugged, "DEVICE_ABSENT"),
    "no bus": (refused(errno.ENOENT), "DEVICE_ABSENT"),
    "no permission": (refused(errno.EACCES), "DEVICE_PERMISSION"),
    "kernel driver": (kernel_driver, "DEVICE_BUSY"),
    "bus stuck": (wire("stuck", True), "DEVICE_STALLED"),
    "pulled up": (wire("pulled_up", True), "SENSOR_FAULT"),
    "one bit always flips": (wire("mask", lambda count: bytes(count - 1) + b"\x01"), "SENSOR_FAULT"),
    "random bytes": (wire("garbage", Random(9)), "SENSOR_FAULT"),
    "error flag": (flagged, "SENSOR_FAULT"),
    "zero word": (zero_word, "SENSOR_FAULT"),
    "emissivity changed": (register(EMISSIVITY, 0xF332), "SENSOR_FAULT"),
    "another part": (register(CONFIG_1, 0x9F74), "SENSOR_FAULT"),
    "no checksums": (words_only, "SENSOR_FAULT"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_wires_lets_nobody_in_and_ends_with_its_cause(street: Wires, fault: str) -> None:
    provoke, code = FAULTS[fault]
    with provoke(street):
        street.run(4.0)
        assert street.faults() == {"thermometer": code}
        assert street.light_now() is Light.FAULT
        assert answer(street) == (Verdict.REFER, Reason.SENSOR_FAULT)
        assert answer(street, above=2.5) == (Verdict.REFER, Reason.SENSOR_FAULT)
        assert street.green_seconds() == 0
    street.run(40.0)
    assert street.faults() == {}
    assert answer(street) == (Verdict.ADMIT, Reason.PASS_VALID)


def test_a_stuck_word_is_told_apart_and_ends_with_the_next(street: Wires) -> None:
    street.part.stuck = True
    street.run(62.0)
    assert street.faults() == {"thermometer": "SENSOR_STUCK"}
    assert answer(street) == (Verdict.REFER, Reason.SENSOR_STUCK)
    street.run(60.0)
    assert street.faults() == {"thermometer": "SENSOR_STUCK"}, "and does not become silence"
    street.part.stuck = False
    street.run(8.0)
    assert street.faults() == {}
    assert answer(street) == (Verdict.ADMIT, Reason.PASS_VALID)


def test_a_bus_that_loses_one_word_in_fifty_measures_everybody_right(street: Wires) -> None:
    street.wires.mask = now_and_then(Random(8), 0.02, flipped_bits(Random(9)))
    for above, expected in ((0.0, Verdict.ADMIT), (1.5, Verdict.REFER)) * 5:
        assert answer(street, above)[0] is expected
        street.run(5.0)


def test_a_gate_without_thermometer_refers_whoever_needs_a_reading_even_in_the_cold(street: Wires) -> None:
    """The cold suspends readings of a gate that could make some, never of one that can't."""
    street.die = Celsius(10.0)
    street.restart()
    street.run(6.0)
    assert street.faults() == {"environment": "AMBIENT_COLD"}
    street._thermometer = no_thermometer  # type: ignore[method-assign]
    street.restart()
    street.run(3.0)
    assert street.faults() == {"thermometer": "DEVICE_ABSENT"}
    assert answer(street) == (Verdict.REFER, Reason.SENSOR_FAULT)
    assert street.green_seconds() == 0


def test_the_hourly_counts_say_what_the_bus_did(street: Wires) -> None:
    street.wires.mask = now_and_then(Random(8), 0.02, flipped_bits(Random(9)))
    street.run(20.0)
    street.wires.mask = None
    assert street.bus is not None
    wrong = street.bus.pec_errors
    street.leap(3600)
    street.run(1.0)
    (hour,) = street.events(EventKind.HOURLY)
    assert hour["bus"]["pec_errors"] == wrong > 0
    assert hour["bus"]["transfers"] > 300
    assert hour["bus"]["retries"] >= wrong
    assert hour["bus"]["failures"] == 0

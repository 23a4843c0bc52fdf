"""Parts for the simulated I2C bus that speak bytes: an MLX90614 and an SHT3x, each with checksums of its own.

They are what the real drivers are tested against, and what they can be run over in a simulated gate: the
temperatures come from outside, as from :meth:`drivers.simulated.mlx90614.SimulatedMlx90614.words`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Final

from drivers.crc8 import crc8
from drivers.mlx90614_registers import (
    ADDRESS,
    AMBIENT,
    CONFIG_1,
    EEPROM,
    EMISSIVITY,
    EMISSIVITY_ONE,
    ERROR_BIT,
    FLAGS,
    ID,
    OBJECT_1,
    OWN_ADDRESS,
    RAW_IR_1,
    pec_of_read,
    pec_of_write,
)
from drivers.simulated.i2c_bus import Nack
from kiosk.devices import Clock
from kiosk.model import Celsius, Monotonic, RawWord, celsius_to_word

Words = Callable[[Monotonic], tuple[RawWord, RawWord]]
"""Object word and die word of a conversion that ends then."""

CONFIGS: Final = {"xAA": 0x9FB4, "xBA": 0x9F74, "xCC": 0x9FB4, "xCF": 0x9FB0, "xCK": 0x9FB1} | dict.fromkeys(
    ("DCH", "DCI", "BCH", "BCI"), 0x9EB6
)
"""A config1 by variant: filter bits as the data sheet has them, the others ours."""
NOT_BUSY: Final = 0x0010
"""Flags: no EEPROM access under way, and the power-on routine is over (data sheet 8.4.7)."""


class Steady:
    """Words of an object and a die whose temperatures somebody sets, with seeded noise."""

    def __init__(self, object_c: float = 24.0, die_c: float = 25.0, *, noise_c: float = 0.05) -> None:
        self.object_celsius = Celsius(object_c)
        self.die_celsius = Celsius(die_c)
        self._noise_c = noise_c
        self._rng = Random("steady")  # noqa: S311 - a simulation

    def __call__(self, at: Monotonic) -> tuple[RawWord, RawWord]:  # noqa: ARG002 - it is always the same
        """The words of a conversion."""
        seen = Celsius(self.object_celsius + self._rng.gauss(0.0, self._noise_c))
        return celsius_to_word(seen), celsius_to_word(self.die_celsius)


class WiredMlx90614:
    """RAM, EEPROM and flags of an MLX90614 behind its SMBus commands. For one thread."""

    def __init__(
        self,
        words: Words,
        *,
        clock: Clock,
        variant: str = "xAA",
        settling_s: float = 0.1,
        address: int = ADDRESS,
        serial: int = 0x1234_5678_9ABC_DEF0,
    ) -> None:
        """``settling_s``: a new conversion is in RAM so often."""
        self.address = address
        self.stuck = False
        """Its words stay what they are."""
        self.flagged = False
        """Its words carry the error bit."""
        self.forced: dict[int, int] = {}
        """Words by command that it answers instead of its own, with their right checksum."""
        self.asked: list[tuple[Monotonic, int]] = []
        """Every command to read, and when."""
        self.eeprom = {EEPROM | cell: 0 for cell in range(0x20)} | {
            EMISSIVITY: EMISSIVITY_ONE,
            CONFIG_1: CONFIGS[variant],
            OWN_ADDRESS: address,
        }
        self.eeprom |= {command: serial >> 16 * (3 - at) & 0xFFFF for at, command in enumerate(ID)}
        self.writes: list[bytes] = []
        """Everything that was written beyond a command."""
        self._words = words
        self._clock = clock
        self._settling_s = settling_s
        self._converted = Monotonic(-math.inf)
        self._object, self._die = RawWord(0), RawWord(0)
        self._command: int | None = None

    def write(self, data: bytes) -> None:
        """A command to read, or a command with low byte, high byte and PEC to write."""
        if not self._knows(data[0]):
            raise Nack
        self._command = data[0]
        if len(data) > 1:
            self.writes.append(data)
            self._store(data)

    def read(self, count: int) -> bytes:
        """Low byte, high byte, PEC of the command before; ones after that."""
        if self._command is None:
            raise Nack
        command, self._command = self._command, None
        self.asked.append((self._clock.monotonic(), command))
        word = self._word(command)
        low, high = word & 0xFF, word >> 8
        answer = bytes((low, high, pec_of_read(self.address, command, low, high)))
        return answer.ljust(count, b"\xff")[:count]

    def stop(self) -> None:
        """A command holds for one transaction: word and command come with a repeated start between them."""
        self._command = None

    def _knows(self, command: int) -> bool:
        return command < 2 * EEPROM or command == FLAGS

    def _word(self, command: int) -> int:
        if command in self.forced:
            return self.forced[command]
        if command == FLAGS:
            return NOT_BUSY
        return self.eeprom[command] if command & EEPROM else self._ram(command)

    def _ram(self, command: int) -> int:
        self._convert()
        if command == AMBIENT:
            return self._die
        if command == OBJECT_1:
            return self._object | (ERROR_BIT if self.flagged else 0)
        # Raw data of the sensor: sign and magnitude; nobody reads it.
        return abs(self._object - self._die) if command == RAW_IR_1 else 0

    def _convert(self) -> None:
        now = self._clock.monotonic()
        if self.stuck and self._object:
            return
        if now - self._converted >= self._settling_s - 1e-9:
            self._object, self._die = self._words(now)
            self._converted = now

    def _store(self, data: bytes) -> None:
        """The EEPROM takes a word with the right PEC into a cell that was erased, or erases one (8.3.3)."""
        command, *rest = data
        right = len(rest) == 3 and pec_of_write(self.address, command, rest[:2]) == rest[2]
        word = rest[0] | rest[1] << 8 if right else 0
        if right and command in self.eeprom and (word == 0 or self.eeprom[command] == 0):
            self.eeprom[command] = word


# -- the air -------------------------------------------------------------------------------------------

_MEASURE: Final = bytes((0x24, 0x00))
_STATUS: Final = bytes((0xF3, 0x2D))
_OTHERS: Final = frozenset({bytes((0x30, 0x93)), bytes((0x30, 0x41)), bytes((0x30, 0xA2))})
"""Break, clear status, soft reset."""
MEASURES_S: Final = 0.0155
"""High repeatability at the lowest supply (data sheet, table 4)."""


class WiredSht3x:
    """Single measurements of an SHT3x-DIS, high repeatability, no clock stretching. For one thread."""

    def __init__(self, air: Callable[[Monotonic], float], *, clock: Clock, address: int = 0x44) -> None:
        """``air``: °C at a moment."""
        self.address = address
        self.air = air
        self.status = 0x0000
        self.lost = False
        """It forgets every measurement that it is asked for."""
        self.measured: list[Monotonic] = []
        """When each measurement began."""
        self._clock = clock
        self._ready: Monotonic | None = None
        self._answer: bytes | None = None

    def write(self, data: bytes) -> None:
        """A command of two bytes; others are not acknowledged."""
        now = self._clock.monotonic()
        if data == _MEASURE:
            self.measured.append(now)
            self._ready = None if self.lost else Monotonic(now + MEASURES_S)
            raw = round((self.air(now) + 45) / 175 * 0xFFFF)
            self._answer = _with_crc(min(max(raw, 0), 0xFFFF)) + _with_crc(0x8000)
        elif data == _STATUS:
            self._ready, self._answer = now, _with_crc(self.status)
        elif data not in _OTHERS:
            raise Nack

    def read(self, count: int) -> bytes:
        """What was asked for, once it is ready; before that nothing is acknowledged."""
        if self._ready is None or self._answer is None or self._clock.monotonic() < self._ready - 1e-9:
            raise Nack
        answer, self._answer = self._answer, None
        return answer.ljust(count, b"\xff")[:count]

    def stop(self) -> None:
        """A measurement goes on, and is fetched by another transaction."""


def _with_crc(word: int) -> bytes:
    pair = word.to_bytes(2, "big")
    return pair + bytes((crc8(pair, 0x31, 0xFF),))

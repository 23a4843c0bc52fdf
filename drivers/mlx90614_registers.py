"""Registers of the MLX90614 and what their words say (Melexis data sheet 3901090614, revision 13).

Read Word is SA_W, command, SA_R, low byte, high byte, PEC: the checksum covers the five bytes before it. RAM
words with bit 15 set are invalid (8.7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drivers.crc8 import crc8
from kiosk.errors import SensorError, WrongChecksum
from kiosk.model import RawWord

ADDRESS: Final = 0x5A
"""As the maker ships it."""

# -- commands --------------------------------------------------------------------------------------

RAW_IR_1: Final = 0x04
RAW_IR_2: Final = 0x05
AMBIENT: Final = 0x06
"""RAM: temperature of the die, .02 K a digit."""
OBJECT_1: Final = 0x07
"""RAM: object temperature, the same."""
OBJECT_2: Final = 0x08
EEPROM: Final = 0x20
"""EEPROM = 0x20 | address."""
EMISSIVITY: Final = EEPROM | 0x04
CONFIG_1: Final = EEPROM | 0x05
OWN_ADDRESS: Final = EEPROM | 0x0E
ID: Final = (EEPROM | 0x1C, EEPROM | 0x1D, EEPROM | 0x1E, EEPROM | 0x1F)
FLAGS: Final = 0xF0

EMISSIVITY_ONE: Final = 0xFFFF
ERROR_BIT: Final = 0x8000
COLDEST: Final = RawWord(0x27AD)
"""-70.01 °C, the coldest object there is a word for (8.7.2); the hottest, 382.19 °C, is 0x7FFF."""

_PEC: Final = 0x07


def pec_of_read(address: int, command: int, low: int, high: int) -> int:
    """Checksum of a Read Word (8.4.2)."""
    return crc8((address << 1, command, address << 1 | 1, low, high), _PEC)


def pec_of_write(address: int, command: int, data: Sequence[int] = ()) -> int:
    """Checksum of a Write Word; for the simulated part and tests: the driver writes nothing."""
    return crc8((address << 1, command, *data), _PEC)


def word_of(answer: bytes, address: int, command: int) -> RawWord:
    """The word in the three bytes of a Read Word; WrongChecksum, since one bit turns 34.37 into 39.49 °C."""
    low, high, pec = answer
    wanted = pec_of_read(address, command, low, high)
    if pec != wanted:
        raise WrongChecksum(f"PEC 0x{pec:02X} is wrong for word 0x{high:02X}{low:02X} (0x{wanted:02X})")
    return RawWord(high << 8 | low)


def measured(word: RawWord) -> RawWord:
    """A RAM temperature that can be one; SensorError for the error flag and for what no object has."""
    if word & ERROR_BIT:
        raise SensorError(f"word 0x{word:04X} has the error flag set")
    if word < COLDEST:
        raise SensorError(f"word 0x{word:04X} is out of range, below -70 °C")
    return word


# -- config1 ---------------------------------------------------------------------------------------

_IIR_PERCENT: Final = {4: 100, 5: 80, 6: 67, 7: 57, 0: 50, 1: 25, 2: 17, 3: 13}


@dataclass(frozen=True, slots=True)
class Config1:
    """The word that says how the part filters (8.3.3.1)."""

    word: int

    @property
    def iir(self) -> int:
        """Bits 2..0: which share of a conversion enters the output."""
        return self.word & 0x7

    @property
    def fir(self) -> int:
        """Bits 10..8: how many samples make a conversion; below 4 the maker advises against."""
        return self.word >> 8 & 0x7

    @property
    def gain(self) -> int:
        """Bits 13..11, the maker's."""
        return self.word >> 11 & 0x7

    @property
    def mode(self) -> int:
        """Bits 5..4: what the PWM pin would show."""
        return self.word >> 4 & 0x3

    @property
    def dual(self) -> bool:
        """Bit 6: two sensors in one part."""
        return bool(self.word & 0x40)

    @property
    def iir_percent(self) -> int:
        """The share, %."""
        return _IIR_PERCENT[self.iir]

    @property
    def fir_samples(self) -> int:
        """The samples."""
        return 8 << self.fir

    def __str__(self) -> str:
        """For people: 0x9FB4 (IIR 100 %, FIR 1024, one sensor)."""
        sensors = "two sensors" if self.dual else "one sensor"
        return f"0x{self.word:04X} (IIR {self.iir_percent} %, FIR {self.fir_samples}, {sensors})"

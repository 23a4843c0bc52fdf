"""Reads words of an MLX90614, each with its checksum, and what the part says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers import i2c
from drivers.i2c import DEVICES, I2cBus, Place
from drivers.mlx90614_registers import (
    AMBIENT,
    CONFIG_1,
    EMISSIVITY,
    EMISSIVITY_ONE,
    ID,
    Config1,
    measured,
    word_of,
)
from drivers.mlx90614_variants import objection, variants_of
from kiosk.errors import DeviceError, SensorError, WrongChecksum
from kiosk.model import BusCounts, Celsius, RawWord, word_to_celsius

COLDEST_DIE: Final = Celsius(-30.0)
HOTTEST_DIE: Final = Celsius(60.0)
"""What a board beside the gate's can be at; a thermistor that breaks reads far outside."""
_BLANK: Final = ({0x0000}, {0xFFFF})


class Words:
    """Words of one part. For one thread; the bus stays the caller's.

    ``pec``: read and check the checksum, by one plain I2C transaction. Without it (an adapter that does SMBus
    words only) a word proves nothing: that is for the doctor, never for a gate.
    """

    def __init__(self, bus: I2cBus, place: Place, counts: BusCounts, *, pec: bool = True) -> None:
        self.place = place
        self.counts = counts
        self.pec = pec
        self._bus = bus
        if pec:
            i2c.demand_plain(bus, place)

    def read(self, command: int) -> RawWord:
        """One transfer, one word. DeviceError that names part, bus and address; SensorError: wrong PEC."""
        self.counts.transfers += 1
        if not self.pec:
            return RawWord(i2c.read_word(self._bus, self.place, command))
        answer = i2c.write_then_read(self._bus, self.place, (command,), 3)
        try:
            return word_of(answer, self.place.address, command)
        except WrongChecksum as error:
            self.counts.pec_errors += 1
            raise WrongChecksum(f"{self.place}: {error}") from None

    def temperature(self, command: int) -> RawWord:
        """A RAM temperature; SensorError when the part has flagged it, or when no object can have it."""
        word = self.read(command)
        try:
            return measured(word)
        except SensorError as error:
            raise SensorError(f"{self.place}: {error}") from None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a part says of itself."""

    id: str
    """64 bits of the maker's, in hex: no two parts share it."""
    emissivity: RawWord
    config1: Config1
    die: Celsius

    @classmethod
    def read(cls, words: Words) -> Identity:
        """Seven words. DeviceError with the first that can't be read."""
        number = "".join(f"{words.read(command):04x}" for command in ID)
        emissivity = words.read(EMISSIVITY)
        config1 = Config1(words.read(CONFIG_1))
        return cls(number, emissivity, config1, word_to_celsius(words.temperature(AMBIENT)))

    def objection(self, variant: str) -> str | None:
        """Why this part can't measure foreheads as ``variant``; None: it can."""
        if {int(self.id[at : at + 4], 16) for at in range(0, 16, 4)} in _BLANK:
            return f"its ID is blank ({self.id}): it is no part of Melexis'"
        if self.emissivity != EMISSIVITY_ONE:
            return (
                f"its emissivity is {self.emissivity / 0xFFFF:.3f} (0x{self.emissivity:04X}), not 1 (0xFFFF)."
                " The kiosk corrects for skin itself and never writes to the part: fit another, or write "
                "0xFFFF back to its EEPROM cell 0x04 (after 0x0000) with a programmer"
            )
        if not COLDEST_DIE <= self.die <= HOTTEST_DIE:
            return f"its own temperature reads {self.die:.1f} °C"
        return objection(self.config1, variant)


def examine(
    bus: I2cBus, *, address: int, variant: str, devices: Path = DEVICES
) -> Mapping[str, str | bool | None]:
    """What a check of the installation wants to know, in plain data. Never raises a DeviceError.

    ``problem`` is None when a gate could measure with this part. On an adapter without plain I2C transfers
    the words are read without their checksum, and that is the problem.
    """
    place = Place("thermometer MLX90614", bus.number, address)
    taken = i2c.kernel_driver(bus.number, address, devices)
    found: dict[str, str | bool | None] = {"pec": bool(bus.funcs & i2c.PLAIN), "kernel_driver": taken}
    try:
        i2c.refuse_if_taken(place, devices)
        part = Identity.read(Words(bus, place, BusCounts(), pec=bool(found["pec"])))
        found |= {
            "id": part.id,
            "emissivity": f"0x{part.emissivity:04X}",
            "config1": str(part.config1),
            "variants": " ".join(sorted(variants_of(part.config1))),
            "die": f"{part.die:.1f} °C",
        }
        i2c.demand_plain(bus, place)
        problem = part.objection(variant)
    except DeviceError as error:
        return found | {"problem": str(error)}
    return found | {"problem": problem and f"{place}: {problem}"}

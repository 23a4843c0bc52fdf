"""Sensirion SHT30, SHT31, SHT35: the temperature of the air (data sheet SHT3x-DIS, version 7).

Address 0x44, or 0x45 with pin ADDR high. Single measurements of high repeatability without clock stretching
(command 0x2400): begun by one poll, fetched by a later one, every 2 s. So often the part warms itself by less
than its noise. Each word has a CRC-8 (polynomial 0x31, initial 0xFF); T = -45 + 175 * raw / 65535 °C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers import i2c
from drivers.crc8 import crc8
from drivers.i2c import DEVICES, I2cBus, Place, open_bus
from drivers.tries import Tries
from kiosk.devices import Clock
from kiosk.errors import DeviceAbsent, DeviceError, SensorError, WrongChecksum
from kiosk.model import BusCounts, Celsius, Monotonic, Seconds

ADDRESS: Final = 0x44
MEASURE: Final = (0x24, 0x00)
BREAK: Final = (0x30, 0x93)
"""Ends periodic measurements that another program has begun; without them it does nothing."""
STATUS: Final = (0xF3, 0x2D)
HEATER: Final = 0x2000
"""Status: the part's heater is on, and what it measures is not the air."""
MEASURES_S: Final = Seconds(0.0155)
"""Longest measurement of high repeatability (table 4)."""
AWAKE_S: Final = Seconds(0.0015)
"""From power-on, or from a break, to the next command (table 4: 1 ms)."""
PERIOD_S: Final = Seconds(2.0)

_POLYNOMIAL: Final = 0x31
_INITIAL: Final = 0xFF


class Sht3x:
    """One air thermometer on a bus. For one thread; ``poll`` blocks for one transfer.

    The humidity that comes with each temperature is checked and not used.
    """

    def __init__(
        self,
        bus: I2cBus,
        address: int = ADDRESS,
        *,
        clock: Clock,
        counts: BusCounts | None = None,
        name: str = "air",
        devices: Path = DEVICES,
    ) -> None:
        """The bus stays the caller's. ``name`` is how errors call it, ``devices`` where the kernel lists its
        drivers. DeviceBusy when one of those has the address.
        """
        self.counts = BusCounts() if counts is None else counts
        self._place = Place(f"{name} thermometer SHT3x", bus.number, address)
        i2c.demand_plain(bus, self._place)
        i2c.refuse_if_taken(self._place, devices)
        self._bus = bus
        self._clock = clock
        self._tries = Tries(str(self._place), self.counts)
        self._step: Callable[[], Celsius | None] = self._calm
        self._due = clock.monotonic()
        self._next_measurement = self._due
        self._closing = ExitStack()
        self._closed = False

    @classmethod
    def on(
        cls,
        number: int,
        address: int = ADDRESS,
        *,
        clock: Clock,
        name: str = "air",
        devices: Path = DEVICES,
        opener: Callable[[int], I2cBus] = open_bus,
    ) -> Self:
        """Open bus ``number`` for this part alone; it is closed with it. DeviceError as of both."""
        with ExitStack() as opened:
            bus = opener(number)
            opened.callback(bus.close)
            made = cls(bus, address, clock=clock, name=name, devices=devices)
            made._closing = opened.pop_all()
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def poll(self, now: Monotonic) -> Celsius | None:
        """A new temperature, °C, or None when none is due.

        After three tries: DeviceAbsent (nobody answers), DeviceStalled (the bus is stuck), SensorError
        (checksum, or its heater is on).
        """
        if self._closed:
            raise DeviceAbsent(f"{self._place}: closed")
        if now < self._due:
            return None
        try:
            return self._step()
        except DeviceError as error:
            self._due = self._tries.failed(error, now)
            if self._step == self._fetch:
                # What was not fetched may be lost: the next try measures anew.
                self._step = self._measure
            return None

    def close(self) -> None:
        """Let go of it; any number of times."""
        self._closed = True
        self._closing.close()

    # -- one step a poll: calm and look once, then measure and fetch for ever -------------------------------

    def _calm(self) -> None:
        self._write(BREAK)
        self._go_on(self._look, AWAKE_S)

    def _look(self) -> None:
        self.counts.transfers += 1
        (status,) = self._checked(i2c.write_then_read(self._bus, self._place, STATUS, 3))
        if status & HEATER:
            raise SensorError(
                f"{self._place}: its heater is on (0x{status:04X}): switch its power off and on"
            )
        self._go_on(self._measure, Seconds(0.0))

    def _measure(self) -> None:
        self._write(MEASURE)
        self._next_measurement = Monotonic(self._clock.monotonic() + PERIOD_S)
        self._go_on(self._fetch, MEASURES_S)

    def _fetch(self) -> Celsius:
        self.counts.transfers += 1
        raw, _humidity = self._checked(i2c.read(self._bus, self._place, 6))
        self._tries.worked()
        self._step, self._due = self._measure, self._next_measurement
        return Celsius(-45 + 175 * raw / 0xFFFF)

    def _go_on(self, step: Callable[[], Celsius | None], after: Seconds) -> None:
        self._step, self._due = step, Monotonic(self._clock.monotonic() + after)

    def _write(self, command: Sequence[int]) -> None:
        self.counts.transfers += 1
        i2c.write(self._bus, self._place, command)

    def _checked(self, answer: bytes) -> list[int]:
        """The words of an answer, each followed by its checksum."""
        words = []
        for high, low, given in zip(*[iter(answer)] * 3, strict=True):
            wanted = crc8((high, low), _POLYNOMIAL, _INITIAL)
            if given != wanted:
                self.counts.pec_errors += 1
                said = f"CRC 0x{given:02X} is wrong for word 0x{high:02X}{low:02X} (0x{wanted:02X})"
                raise WrongChecksum(f"{self._place}: {said}")
            words.append(high << 8 | low)
        return words

"""MLX90614 infrared thermometer: forehead and die, word by word (Melexis data sheet 3901090614, rev. 13).

SMBus Read Word only, 10 to 100 kHz, never faster: SCL is an input, the part can't stretch the clock. Every
word is read with its checksum (PEC) in one ``i2c_rdwr``, and checked here: smbus2's own ``pec`` does not
cover that call, and not every adapter has it. This driver has no way to write to the part's EEPROM.

It reads no faster than the part settles, since reading disturbs it. A reading that fails is tried three
times, 20 ms apart; then it is a fault that names part, address and bus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.i2c import DEVICES, I2cBus, Place, open_bus, refuse_if_taken
from drivers.mlx90614_registers import ADDRESS, AMBIENT, OBJECT_1
from drivers.mlx90614_variants import SPECS
from drivers.mlx90614_words import Identity, Words, examine
from drivers.tries import Tries
from kiosk.devices import Clock
from kiosk.errors import DeviceAbsent, DeviceError, SensorError, SensorStuck
from kiosk.model import BusCounts, Monotonic, RawWord, Sample, Seconds, ThermometerSpec

__all__ = ["ADDRESS", "SPECS", "Mlx90614", "StuckWatch", "examine"]

POWER_ON_S: Final = Seconds(0.25)
"""Valid data comes so long after power-on (data sheet 7, POR); it may have been switched on just now."""
STUCK_AFTER_S: Final = Seconds(60.0)
"""The same word for longer than this is SENSOR_STUCK: no variant is that quiet."""
A_HAIR: Final = Seconds(1e-6)
"""Sums of times are rounded; a reading must not wait a whole turn longer for that."""
GAP_S: Final = Seconds(5.0)
"""Nobody knows what the word was in between when this much lies between two readings."""


class Mlx90614:
    """One thermometer on a bus. For one thread.

    ``poll`` blocks for the few transfers of one reading (2 ms), and on a stuck bus for one that fails.
    """

    def __init__(
        self,
        bus: I2cBus,
        *,
        address: int = ADDRESS,
        variant: str,
        clock: Clock,
        counts: BusCounts | None = None,
        devices: Path = DEVICES,
    ) -> None:
        """The bus stays the caller's. ``devices``: where the kernel lists its own drivers.

        DeviceBusy when one of those has the address; SensorError for a variant that is not for a gate and for
        an adapter that can't hand over the checksum. The part itself is looked at by the first polls: it may
        have been switched on just now.
        """
        self.counts = BusCounts() if counts is None else counts
        """What the bus did; goes on over a reopening when the same one is handed in again."""
        self.identity: Identity | None = None
        """What the part says of itself, once it has been looked at."""
        place = Place("thermometer MLX90614", bus.number, address)
        if variant not in SPECS:
            raise SensorError(f"{place}: variant {variant} is not for a gate: choose from {', '.join(SPECS)}")
        refuse_if_taken(place, devices)
        self._spec = SPECS[variant]
        self._place = place
        self._words = Words(bus, place, self.counts)
        self._tries = Tries(str(place), self.counts)
        self._clock = clock
        self._due = Monotonic(clock.monotonic() + POWER_ON_S)
        self._stuck = StuckWatch(str(place))
        self._closing = ExitStack()
        self._closed = False

    @classmethod
    def on(
        cls,
        number: int,
        *,
        address: int = ADDRESS,
        variant: str,
        clock: Clock,
        counts: BusCounts | None = None,
        devices: Path = DEVICES,
        opener: Callable[[int], I2cBus] = open_bus,
    ) -> Self:
        """Open bus ``number`` for this part alone; it is closed with it. DeviceError as of both."""
        with ExitStack() as opened:
            bus = opener(number)
            opened.callback(bus.close)
            made = cls(bus, address=address, variant=variant, clock=clock, counts=counts, devices=devices)
            made._closing = opened.pop_all()
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def spec(self) -> ThermometerSpec:
        """Settling time and noise of the variant."""
        return self._spec

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        """The sample that is due, if one is and could be read.

        After three tries: DeviceAbsent (nobody answers), DeviceStalled (the bus is stuck), SensorError
        (checksum, error flag, range, or a part that must not measure here). SensorStuck while the word does
        not change.
        """
        if self._closed:
            raise DeviceAbsent(f"{self._place}: closed")
        if now < self._due - A_HAIR:
            return self._nothing()
        try:
            sample = self._sample(now)
        except DeviceError as error:
            self._due = self._tries.failed(error, now)
            return self._nothing()
        self._tries.worked()
        # From after the transfers: a slow bus must not make the next reading come too soon.
        self._due = Monotonic(max(now, self._clock.monotonic()) + self._spec.settling_s)
        self._stuck.feed(sample.at, sample.object_word)
        return self._nothing() or (sample,)

    def close(self) -> None:
        """Let go of it; any number of times."""
        self._closed = True
        self._closing.close()

    def _nothing(self) -> tuple[()]:
        """No sample. Raises SensorStuck at every poll while that lasts: anything else counts as silence."""
        self._stuck.check()
        return ()

    def _sample(self, now: Monotonic) -> Sample:
        # The time is that of asking: a slow bus must not date a forehead into the next person's window.
        if self.identity is None:
            self.identity = self._looked_at()
        object_word = self._words.temperature(OBJECT_1)
        return Sample(now, object_word, self._words.temperature(AMBIENT))

    def _looked_at(self) -> Identity:
        identity = Identity.read(self._words)
        objection = identity.objection(self._spec.variant)
        if objection is not None:
            raise SensorError(f"{self._place}: {objection}")
        self.counts.chip = identity.id
        return identity


class StuckWatch:
    """Notices a word that never changes: a living sensor is never so quiet. For one thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._word: RawWord | None = None
        self._since = self._newest = Monotonic(-math.inf)

    def feed(self, at: Monotonic, word: RawWord) -> None:
        """Take the object word of a sample."""
        if word != self._word or at - self._newest > GAP_S:
            self._word, self._since = word, at
        self._newest = at

    def check(self) -> None:
        """SensorStuck while the newest word has been the same for more than 60 s."""
        if self._newest - self._since > STUCK_AFTER_S:
            raise SensorStuck(
                f"{self._name}: the same word 0x{self._word or 0:04X} for more than {STUCK_AFTER_S:.0f} s"
            )

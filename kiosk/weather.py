"""The air at a gate, inside and out: who tells it, how long that counts, and what speaks against readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Final

from kiosk.model import Celsius, EventKind, Monotonic, Sample, Seconds, TimeInterval
from kiosk.outdoor import Outdoors
from kiosk.passage.body_temperature import EnvironmentWatch, Site
from kiosk.supervision import Part

AIR_KEEPS_S: Final = Seconds(60.0)
"""An air temperature older than this no longer counts."""

Tell = Callable[[EventKind, Mapping[str, object], Monotonic], None]
"""``JournalKeeper.write_or_hold``."""


class Weather:
    """Polled once a turn. For the gate thread only."""

    def __init__(
        self,
        site: Site,
        air: Part[Celsius] | None,
        outdoor: Part[Celsius] | None,
        outdoors: Outdoors,
        tell: Tell,
    ) -> None:
        """``air``, ``outdoor``: thermometers of the air, where they are fitted."""
        self._watch = EnvironmentWatch(site)
        self._air_part = air
        self._outdoor_part = outdoor
        self._outdoors = outdoors
        self._tell = tell
        self._air: tuple[Monotonic, Celsius] | None = None

    # -- what holds now --------------------------------------------------------------------------------

    @property
    def problem(self) -> str | None:
        """Why the surroundings allow no reading, if they do not."""
        return self._watch.problem

    def settled(self, then: Monotonic) -> bool:
        """What speaks against a reading now did so then already."""
        return self._watch.settled(then)

    @property
    def cold(self) -> bool:
        """The cold is what speaks against a reading: people may be told."""
        return self._watch.cold

    @property
    def entry_damage(self) -> str | None:
        """Why the entry of the air outside says nothing, in words; None: it is not damaged."""
        return None if self._outdoors.error is None else str(self._outdoors.error)

    def air(self, now: Monotonic) -> Celsius | None:
        """Air temperature by a part of its own, if there is a fresh one."""
        if self._air is None or now - self._air[0] > AIR_KEEPS_S:
            return None
        return self._air[1]

    def outdoor(self, now: Monotonic, interval: TimeInterval) -> Celsius | None:
        """Air outside, °C, if anything fresh tells it."""
        return self._outdoors.celsius(now, interval)

    # -- once a turn -----------------------------------------------------------------------------------

    def turn(self, now: Monotonic, interval: TimeInterval, samples: Sequence[Sample]) -> None:
        """Look at everything that tells the air; ``samples`` bring the temperature of the die."""
        self._look_inside(now)
        self._look_outside(now, interval)
        air = self.air(now)
        for sample in samples:
            self._watch.feed(sample.at, sample.ambient_celsius, air, interval)
        self._watch.age(now)

    def _look_inside(self, now: Monotonic) -> None:
        for celsius in _told(self._air_part, now):
            if isfinite(celsius):
                self._air = (now, celsius)

    def _look_outside(self, now: Monotonic, interval: TimeInterval) -> None:
        for celsius in _told(self._outdoor_part, now):
            self._outdoors.measured(now, celsius)
        entry = self._outdoors.look(now)
        if entry is not None:
            self._tell(EventKind.OUTDOOR, entry.to_map(), now)
        self._watch.look_outdoors(now, self.outdoor(now, interval))


def _told(part: Part[Celsius] | None, now: Monotonic) -> Sequence[Celsius]:
    return () if part is None else part.poll(now)

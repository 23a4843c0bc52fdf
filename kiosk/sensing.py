"""Whose forehead the thermometer sees: arrivals, the window of the person being read, and used-up looks.

A forehead serves one person. After an answer the same head still before the sensor is *spent*: nothing it
gives counts for the next pass until it has clearly gone or somebody new has come.
"""

from __future__ import annotations

from typing import Final

from kiosk.model import Celsius, Monotonic, Reading, Sample, Seconds, ThermometerSpec
from kiosk.passage.arrival import ForeheadWatch
from kiosk.passage.body_temperature import Window

LONG_AGO: Final = Monotonic(float("-inf"))


class Sensing:
    """Fed with every sample. For the gate thread only."""

    def __init__(self, spec: ThermometerSpec) -> None:
        self.window: Window | None = None
        self.arrived_at = LONG_AGO
        """When the newest forehead came that may be somebody new."""
        self._spec = spec
        self._watch = ForeheadWatch(spec)
        self._spent: Celsius | None = None
        self._newest = Celsius(0.0)
        self._owed_until = LONG_AGO

    @property
    def present(self) -> bool:
        """A warm body is before the sensor."""
        return self._watch.present

    @property
    def spent(self) -> bool:
        """The one before the sensor has had an answer."""
        return self._spent is not None

    @property
    def in_the_way(self) -> bool:
        """One that has had an answer is still there, or somebody has taken its place too quickly to tell."""
        return self.present and self.spent

    def lost(self) -> None:
        """The thermometer has failed: what it saw before says nothing about who is there afterwards."""
        self._watch.forget()

    def feed(self, sample: Sample) -> bool:
        """Take a sample; True exactly when a forehead arrives."""
        arrived = self._watch.feed(sample)
        self._newest = sample.object_celsius
        # Not when the presence ends: a head that stays for a minute is taken for background, and is the same.
        if arrived or self._dipped(sample):
            self._spent = None
        if self.window is not None and not arrived:
            self._into_window(sample)
        return arrived

    def arrive(self, sample: Sample, *, reading: bool) -> bool:
        """Take in an arrival; False when it is only the lean-in of who was answered by the pass alone."""
        owed, self._owed_until = self._owed_until, LONG_AGO
        if not reading and sample.at < owed:
            self._into_window(sample)
            return False
        self.arrived_at = sample.at
        if not reading:
            self.open(sample.at)
        self._into_window(sample)
        return True

    def open(self, now: Monotonic) -> None:
        """Begin a window."""
        self.window = Window(self._spec, now, self._watch.background)

    def begin(self, now: Monotonic) -> None:
        """Begin reading a person; a window that their own forehead has opened goes on."""
        if self.window is None or not self.present or self.spent:
            self.open(now)

    def close(self) -> None:
        """Nobody is being read."""
        self.window = None

    def answered(self, now: Monotonic, reading: Reading | None, *, called: bool, owes: Seconds) -> None:
        """Somebody was answered; ``owes``: how long their lean-in may still follow an answer without it."""
        self.window = None
        # Not reset here: a look that has served stays spent whatever is shown to the camera meanwhile.
        if reading is not None or called:
            self.spend(reading)
        self._owed_until = Monotonic(now + owes) if reading is None and not self.present else LONG_AGO

    def spend(self, reading: Reading | None) -> None:
        """Whoever is before the sensor now gives nothing to the next pass."""
        if self.present:
            raw = reading.raw_celsius if reading is not None else None
            self._spent = self._newest if raw is None else raw

    def _dipped(self, sample: Sample) -> bool:
        """A gap between two heads that is too short to end the presence, but too deep for one that moves."""
        return self._spent is not None and sample.object_celsius < self._spent - self._spec.detection_c

    def _into_window(self, sample: Sample) -> None:
        if self.window is not None and not self.spent:
            self.window.feed(sample)

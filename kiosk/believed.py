"""A part whose values are looked at before anybody rests on them: what can't be is a fault of the part.

A broken thermistor must neither measure foreheads nor pass for weather in which nobody is measured.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from kiosk.errors import DeviceError, SensorError
from kiosk.model import Celsius, Monotonic, Sample, Seconds
from kiosk.passage.environment import plausible
from kiosk.supervision import SOUND_S, Part

Item = TypeVar("Item")


class Believed(Generic[Item]):
    """Passes a part's items on while all of them can be true. For the gate thread only.

    ``doubt`` says in words what is wrong with an item, None when nothing is. After one such item the part
    is faulty until it has delivered others for :data:`SOUND_S`: a thermistor that breaks flickers.
    """

    def __init__(self, part: Part[Item], doubt: Callable[[Item], str | None]) -> None:
        self.name = part.name
        self._part = part
        self._doubt = doubt
        self._error: SensorError | None = None
        self._since = Monotonic(0.0)

    @property
    def fault(self) -> DeviceError | None:
        """Fault of the part itself, or that it says what can't be."""
        return self._part.fault or self._error

    def poll(self, now: Monotonic) -> Sequence[Item]:
        """Items since the last poll; none while there is a fault. Raises what the part's own poll raises."""
        items = self._part.poll(now)
        wrong = next((words for words in map(self._doubt, items) if words is not None), None)
        if wrong is not None:
            self._error, self._since = SensorError(f"{self.name}: {wrong}"), now
        elif items and now - self._since >= SOUND_S:
            self._error = None
        return () if self._error is not None else items

    def close(self) -> None:
        """Release the part."""
        self._part.close()


def doubt_sample(sample: Sample) -> str | None:
    """A thermometer that does not know its own temperature knows no other."""
    die = sample.ambient_celsius
    return None if plausible(die) else f"its own temperature reads {die:.1f} °C"


class _Level:
    """Where a temperature is, followed while it moves without a leap."""

    STEP: Final = 2.0
    """°C. Ours; no lobby's air changes by more than a degree a minute."""
    WITHIN: Final = Seconds(1.0)

    def __init__(self, sample: Sample) -> None:
        self.since = sample.at
        self._recent = deque([sample])

    @property
    def celsius(self) -> Celsius:
        """Where it was last."""
        return self._recent[-1].ambient_celsius

    def left_by(self, sample: Sample) -> bool:
        """The sample is a leap away, from some word of the last second."""
        # The last word stays, however long ago it was.
        while len(self._recent) > 1 and sample.at - self._recent[0].at > self.WITHIN:
            self._recent.popleft()
        return any(abs(sample.ambient_celsius - one.ambient_celsius) > self.STEP for one in self._recent)

    def follow(self, sample: Sample) -> None:
        """The sample belongs to it."""
        self._recent.append(sample)


class SteadyDie:
    """Doubts a thermometer whose own temperature leaps: no air and no sun warms a part by 2 °C in a second.

    A thermistor may break to a value that could well be, and an air that seems cold would suspend readings.
    So the part is doubted until it is back near where it was. Which of the two was the broken one nobody
    knows (it may have been so at the start): so a new level is believed as well, once it has lasted a minute
    without a leap, and no shorter than the old one was believed. But never one that would suspend readings:
    that takes a minute without any word (it was unplugged, or changed) or a start. The minute is also longer
    than the watch over the air remembers, so no leap is ever taken for weather. For one thread.
    """

    LASTS: Final = Seconds(60.0)
    FORGET: Final = Seconds(60.0)

    def __init__(self, measurable: Callable[[Celsius], bool]) -> None:
        """``measurable``: readings are not suspended at such a temperature of the part."""
        self._measurable = measurable
        self._believed: _Level | None = None
        self._other: _Level | None = None
        """Where it leapt to."""
        self._left = self._heard = Monotonic(0.0)
        """When it was last where it is believed to be; when it last said anything."""

    def __call__(self, sample: Sample) -> str | None:
        """What is wrong with it, None when nothing is. To be asked of every sample in order."""
        if sample.at - self._heard > self.FORGET:
            self._believed = self._other = None
        self._heard = sample.at
        words = doubt_sample(sample)
        if words is not None:
            self._other = None
            return words
        if self._believed is None:
            self._believed = _Level(sample)
        if self._believed.left_by(sample):
            return self._weigh(self._believed, sample)
        self._believed.follow(sample)
        self._left, self._other = sample.at, None
        return None

    def _weigh(self, old: _Level, sample: Sample) -> str | None:
        """Whether the new level has more to say for itself by now than the old one."""
        new = self._other
        if new is None or new.left_by(sample):
            new = _Level(sample)
        new.follow(sample)
        self._other = new if self._measurable(sample.ambient_celsius) else None
        # Nobody was measured by a level that suspends readings: any other is better.
        believed_s = self._left - old.since if self._measurable(old.celsius) else 0.0
        if self._other is not None and sample.at - new.since >= max(self.LASTS, believed_s):
            self._believed, self._other, self._left = new, None, sample.at
            return None
        return f"its own temperature leapt from {old.celsius:.1f} to {sample.ambient_celsius:.1f} °C"


def doubt_air(air: Celsius) -> str | None:
    """Air that no gate stands in, or no number at all."""
    return None if plausible(air) else f"it reads {air:.1f} °C"

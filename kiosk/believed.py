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


class SteadyDie:
    """Doubts a thermometer whose own temperature leaps: no air and no sun warms a part by 2 °C in a second.

    A thermistor may break to a value that could well be, and an air that seems cold would suspend readings.
    So the part is doubted until it is back near where it was; only after a minute without any word (it was
    unplugged, or changed) is what it says then the beginning. For one thread.
    """

    STEP: Final = 2.0
    """°C. Ours; no lobby's air changes by more than a degree a minute."""
    WITHIN: Final = Seconds(1.0)
    FORGET: Final = Seconds(60.0)

    def __init__(self) -> None:
        self._believed: deque[Sample] = deque()
        self._heard = Monotonic(0.0)

    def __call__(self, sample: Sample) -> str | None:
        """What is wrong with it, None when nothing is. To be asked of every sample in order."""
        words = doubt_sample(sample) or self._leap(sample)
        self._heard = sample.at
        if words is None:
            self._believed.append(sample)
        return words

    def _leap(self, sample: Sample) -> str | None:
        if sample.at - self._heard > self.FORGET:
            self._believed.clear()
        # The last one believed stays, however long ago it was.
        while len(self._believed) > 1 and sample.at - self._believed[0].at > self.WITHIN:
            self._believed.popleft()
        dies = [before.ambient_celsius for before in self._believed]
        far = [die for die in dies if abs(sample.ambient_celsius - die) > self.STEP]
        return (
            f"its own temperature leapt from {far[0]:.1f} to {sample.ambient_celsius:.1f} °C" if far else None
        )


def doubt_air(air: Celsius) -> str | None:
    """Air that no gate stands in, or no number at all."""
    return None if plausible(air) else f"it reads {air:.1f} °C"

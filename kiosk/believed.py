"""A part whose values are looked at before anybody rests on them: what can't be is a fault of the part.

A broken thermistor must neither measure foreheads nor pass for weather in which nobody is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from kiosk.errors import DeviceError, SensorError
from kiosk.model import Celsius, Monotonic, Sample
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


def doubt_air(air: Celsius) -> str | None:
    """Air that no gate stands in, or no number at all."""
    return None if plausible(air) else f"it reads {air:.1f} °C"

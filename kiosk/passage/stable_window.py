"""The seconds in which a person stands before the sensor, and which of them are steady enough to count.

Times are whole milliseconds and temperatures whole words (.02 °C) until a median is taken. So the same
stored words give the same answer anywhere, and warming every word by the same amount changes nothing
but the answer's height: nothing can be drawn toward a normal value here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile
from statistics import median
from typing import Final, NamedTuple

from kiosk.model import Celsius, Monotonic, Sample, Seconds, ThermometerSpec

AT_MOST: Final = Seconds(3.0)
"""Longest measuring of a person who is in view."""
DEADLINE: Final = Seconds(5.0)
"""Longest wait from opening; then the person is asked again."""
NEAR_SKIN: Final = Celsius(33.0)
"""A background above this can't be told from skin by its temperature."""

_WORD: Final = 0.02
_CONFIRM_MS: Final = 300
_LENGTH_MS: Final = 1000
_COVER: Final = 0.95
"""Part of a second that is taken for all of it: seven samples of a part that settles in .14 s."""
_TINY: Final = 1e-9
"""Words are multiples of .02: a limit that is one too must not fail by a rounding error."""


class Point(NamedTuple):
    """One sample: milliseconds since boot, raw object word."""

    ms: int
    word: int


class StableSecond(NamedTuple):
    """A steady stretch of samples; ``median`` in words, ``ms`` that of its last sample."""

    ms: int
    median: float
    samples: int

    @property
    def celsius(self) -> Celsius:
        """Before any correction, °C (MLX90614 data sheet 8.7.2)."""
        return Celsius(self.median * _WORD - 273.15)


def points(samples: Sequence[Sample]) -> list[Point]:
    """Samples as whole numbers, the way a record keeps them."""
    return [Point(round(sample.at * 1000), int(sample.object_word)) for sample in samples]


def detection_floor(background: Celsius | None, spec: ThermometerSpec) -> Celsius | None:
    """Above what a reading is taken to be a person, not the background; None where that can't be told."""
    if background is None or background > NEAR_SKIN:
        return None
    return Celsius(background + spec.detection_c)


def stable_seconds(
    seen: Sequence[Point], spec: ThermometerSpec, background: Celsius | None
) -> Iterator[StableSecond]:
    """Every steady second of a person in time order; they overlap, one for each sample that ends one."""
    floor = detection_floor(background, spec)
    for end in range(1, len(seen) + 1):
        second = last_second(seen[:end], spec, floor)
        if second is not None:
            yield second


def last_second(seen: Sequence[Point], spec: ThermometerSpec, floor: Celsius | None) -> StableSecond | None:
    """The second that the newest sample ends, if it is steady and warm enough for a person."""
    stretch = _last_stretch(seen, spec)
    if not stretch or not _steady(stretch, spec):
        return None
    second = StableSecond(stretch[-1].ms, median(point.word for point in stretch), len(stretch))
    return second if floor is None or second.celsius >= floor else None


def _last_stretch(seen: Sequence[Point], spec: ThermometerSpec) -> Sequence[Point]:
    """The shortest run of newest samples that stands for a second; empty when gaps leave none.

    Each sample stands for the mean time between them. A part slower than a second needs longer for two.
    """
    fewest = 5 if spec.fast else 2
    longest = max(_LENGTH_MS, round(1500 * spec.settling_s))
    for start in range(len(seen) - fewest, -1, -1):
        span, count = seen[-1].ms - seen[start].ms, len(seen) - start
        if span >= longest:
            return ()
        if span * count >= _COVER * _LENGTH_MS * (count - 1):
            return seen[start:]
    return ()


def narrow(spec: ThermometerSpec) -> Celsius:
    """How far the words of one steady look may lie apart, °C."""
    return Celsius(0.25 + 5 * spec.noise_c)


def _steady(stretch: Sequence[Point], spec: ThermometerSpec) -> bool:
    words = [point.word for point in stretch]
    spread = (max(words) - min(words)) * _WORD
    level = abs(slope(stretch)) <= 0.15 + 3 * spec.noise_c + _TINY
    return level and spread <= narrow(spec) + _TINY


def slope(stretch: Sequence[Point]) -> float:
    """Least-squares slope, °C/s; infinite when no time passes. Whole numbers up to the last division."""
    first = stretch[0]
    times = [point.ms - first.ms for point in stretch]
    words = [point.word - first.word for point in stretch]
    count = len(stretch)
    spread = count * sum(t * t for t in times) - sum(times) ** 2
    if spread == 0:
        return float("inf")
    joint = count * sum(t * w for t, w in zip(times, words, strict=True)) - sum(times) * sum(words)
    return joint / spread * _WORD * 1000


def holds(second: StableSecond, seen: Sequence[Point], spec: ThermometerSpec, now_ms: int) -> bool:
    """True once the time after a stable second has passed and showed no rise above noise.

    A slow part needs at least one more sample for that, however long it takes.
    """
    confirm = _CONFIRM_MS if spec.fast else max(_CONFIRM_MS, round(1250 * spec.settling_s))
    later = dropwhile(lambda point: point.ms <= second.ms, seen)
    after = [point.word for point in later if point.ms <= second.ms + confirm]
    passed = bool(after) and (now_ms >= second.ms + confirm or not spec.fast)
    return passed and (median(after) - second.median) * _WORD <= 3 * spec.noise_c


class Window:
    """Collects one person's samples and says when there are enough. For the gate thread only.

    It ends at the first stable second that is not followed by a rise, at most 3 s after a person came
    into view, and 5 s after opening in any case. Near a background as warm as skin nobody can say when
    the person came into view: then it lasts its 3 s.
    """

    def __init__(self, spec: ThermometerSpec, opened_at: Monotonic, background: Celsius | None) -> None:
        self.spec = spec
        self.opened_at = opened_at
        self.background = background
        self._samples: list[Sample] = []
        self._points: list[Point] = []
        self._seconds: list[StableSecond] = []
        self._in_view: Monotonic | None = None
        self._floor = detection_floor(background, spec)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What was fed since it opened."""
        return tuple(self._samples)

    def feed(self, sample: Sample) -> None:
        """Take a sample; one from before the opening saw somebody else and is dropped."""
        if sample.at < self.opened_at or sample.at > self.opened_at + DEADLINE:
            return
        self._samples.append(sample)
        self._points += points([sample])
        second = last_second(self._points, self.spec, self._floor)
        if second is not None:
            self._seconds.append(second)
        if self._in_view is None and (self._floor is None or sample.object_celsius >= self._floor):
            self._in_view = sample.at

    def finished(self, now: Monotonic) -> bool:
        """True when waiting longer gains nothing; ``screen`` then says what it was worth."""
        if now - self.opened_at >= DEADLINE:
            return True
        if self._in_view is None:
            return False
        return now - self._in_view >= AT_MOST or self._settled(round(now * 1000))

    def _settled(self, now_ms: int) -> bool:
        if self.background is not None and self.background > NEAR_SKIN:
            return False
        return any(holds(second, self._points, self.spec, now_ms) for second in self._seconds)

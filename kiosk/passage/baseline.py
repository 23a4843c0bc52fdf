"""How far today's foreheads lie from what is normal at this site: what everybody shares is no fever.

A warm afternoon moves all foreheads together, and so does a part that ages. The *baseline* is that shift, and
is subtracted from every deviation (design: temperature, point 5). It can hide a fever of its own size. So it
is small and slow, every change of it is told, and where it can't be people it says so: that is ``DRIFT``.

*What counts* (:func:`counts`): NORMAL, GUARD and HIGH alike. Nobody is left out for having been warm, or the
shift would be measured by those alone who fit it; a median does not follow a few, and where a quarter of the
people are ill it still moves by less than the deadband. RETRY is no forehead; in ENVIRONMENT, UNCOMMISSIONED
and DRIFT nothing is judged, and so nothing counts.

*Step*: .3 within ten minutes is DRIFT where 60 people say it. With fewer the baseline only goes toward their
median, by less than a step. Of any 30 people who follow each other in the public data, one camera's median is
.3 away from its site's normal in 6 of 100 cases, of any 60 in .2: a gate would begin every other week asking
for a reference, with nothing wrong. The clamp holds for 30 as well.

*Deadband*: the baseline stays where it is until the median is more than .25 away from it, then goes to the
median. Read as "a median within .25 is none", one person more or less at the edge would move everybody by
.25; read as "only what exceeds .25", a quarter of a degree would stay for ever. The public data set can't
tell them apart: its medians stay within .25 of 0 (FLIR AUC .967, ICI .964 with each reading). With misses
left out, as a gate does, one camera's median leaves it late: AUC, sensitivity and specificity are .966, .947,
.961 here against .964, .947, .961 with either of the others.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple, Self

from kiosk.model import Celsius, Monotonic, Reading, Screening, Seconds

LAST: Final = 100
FEWEST: Final = 30
"""Of the last readings so many must be fresh; the baseline of fewer people is nobody's."""
WINDOW: Final = Seconds(7200.0)
DECAY: Final = Seconds(1800.0)
ENOUGH_FOR_STEP: Final = 60
"""Fewer people prove no step: their median alone is uncertain by a tenth of a degree and more. Ours."""
DEADBAND: Final = Celsius(0.25)
CLAMP: Final = Celsius(0.6)
STEP: Final = Celsius(0.3)
STEP_WITHIN: Final = Seconds(600.0)
NOTHING: Final = Celsius(0.0)
_LEAP: Final = STEP - 0.01
"""The longest way that is no step."""
_WIDEST: Final = 20.0
"""°C: no reading that is judged deviates by more."""
_TINY: Final = 1e-9


def counts(reading: Reading) -> bool:
    """This reading says something about what foreheads are like today."""
    return reading.deviation is not None and reading.screening in _JUDGED


def before_baseline(reading: Reading) -> Celsius | None:
    """The deviation of a reading from what is normal at the site, °C; None where none was judged."""
    if reading.deviation is None or not counts(reading):
        return None
    return Celsius(reading.deviation + reading.baseline)


_JUDGED: Final = frozenset({Screening.NORMAL, Screening.GUARD, Screening.HIGH})


class Drift(StrEnum):
    """Why the baseline can't be people."""

    CLAMP = "CLAMP"
    """The shift is larger than any day's."""
    STEP = "STEP"
    """It came faster than people change."""
    CHECK = "CHECK"
    """A check with a reference found the thermometer wrong."""


class Counted(NamedTuple):
    """One reading that counts; ``deviation`` before the baseline."""

    at: Monotonic
    deviation: Celsius


class Baseline:
    """The running baseline of one site and part. Times are handed in; for one thread.

    ``window_s``: how long a reading is fresh; None: for ever, as for a study that took months.
    """

    def __init__(self, window_s: Seconds | None = WINDOW) -> None:
        self.cause: Drift | None = None
        self._window = math.inf if window_s is None else float(window_s)
        self._readings: deque[Counted] = deque(maxlen=LAST)
        self._held = NOTHING
        self._moves: deque[tuple[Monotonic, Celsius]] = deque()
        """When the baseline left which value, for the last ten minutes."""

    # -- what it says ----------------------------------------------------------------------------------

    @property
    def drift(self) -> bool:
        """The shift is no people's: no result until a check with a reference (:meth:`checked`)."""
        return self.cause is not None

    def value(self, now: Monotonic) -> Celsius:
        """What is subtracted now, °C, in thousandths: a record keeps no more."""
        return Celsius(round(self._held * self._strength(now), 3))

    @property
    def readings(self) -> tuple[Counted, ...]:
        """The last that counted, oldest first."""
        return tuple(self._readings)

    def fresh(self, now: Monotonic) -> int:
        """How many of the last readings are fresh."""
        return sum(now - reading.at <= self._window for reading in self._readings)

    def shift(self, now: Monotonic) -> Celsius | None:
        """The median that a value would be taken from now, °C; None where too few readings are fresh."""
        if self.fresh(now) < FEWEST:
            return None
        return Celsius(median(reading.deviation for reading in self._readings))

    # -- what it is told -------------------------------------------------------------------------------

    def feed(self, at: Monotonic, deviation_before_baseline: Celsius) -> None:
        """Take a reading that counts, in the order of time. ValueError for what is no deviation."""
        self._forget_decayed(at)
        self._readings.append(Counted(at, _deviation(deviation_before_baseline)))
        found = self.shift(at)
        if found is None or self.drift:
            return
        if abs(found) >= CLAMP - _TINY:
            self.cause = Drift.CLAMP
        aim = Celsius(round(min(max(found, -CLAMP), CLAMP), 3))
        if abs(aim - self._held) > DEADBAND + _TINY:
            self._move(at, aim if len(self._readings) >= ENOUGH_FOR_STEP else self._slowly(at, aim))

    def checked(self) -> None:
        """A check with a reference has told what the part does: begin again, at nothing."""
        self.cause = None
        self._held = NOTHING
        self._readings.clear()
        self._moves.clear()

    def _move(self, at: Monotonic, aim: Celsius) -> None:
        lately = self._lately(at)
        self._moves.append((at, self._held))
        if any(abs(aim - before) >= STEP - _TINY for before in lately):
            self.cause = self.cause or Drift.STEP
        self._held = aim

    def _slowly(self, at: Monotonic, aim: Celsius) -> Celsius:
        """As far toward ``aim`` as is no step from any value of the last ten minutes."""
        lately = self._lately(at)
        return Celsius(round(min(max(aim, max(lately) - _LEAP), min(lately) + _LEAP), 3))

    def _lately(self, at: Monotonic) -> list[Celsius]:
        """Every value of the last ten minutes, the one that is held last."""
        while self._moves and at - self._moves[0][0] > STEP_WITHIN:
            self._moves.popleft()
        return [*(before for _, before in self._moves), self._held]

    # -- letting go ------------------------------------------------------------------------------------

    def _strength(self, now: Monotonic) -> float:
        """1 while enough readings are fresh; then down to 0 within half an hour. A decay is no step."""
        if len(self._readings) < FEWEST:
            return 0.0
        too_few_since = self._readings[-FEWEST].at + self._window
        return min(1.0, max(0.0, 1.0 - (now - too_few_since) / DECAY))

    def _forget_decayed(self, now: Monotonic) -> None:
        """Begin with today's people: with last evening's it would leap back at the thirtieth."""
        if self._strength(now) > 0.0:
            return
        self._held = NOTHING
        while self._readings and now - self._readings[0].at > self._window:
            self._readings.popleft()

    # -- on disk ---------------------------------------------------------------------------------------

    def to_map(self) -> dict[str, Any]:
        """Plain data for JSON; times are those that were handed in."""
        return {
            "drift": None if self.cause is None else str(self.cause),
            "value": self._held,
            "readings": [[round(reading.at, 3), round(reading.deviation, 3)] for reading in self._readings],
            "moves": [[round(at, 3), before] for at, before in self._moves],
        }

    @classmethod
    def from_map(
        cls, plain: Mapping[str, Any], window_s: Seconds | None = WINDOW, *, later: float = 0.0
    ) -> Self:
        """Strict inverse of :meth:`to_map`; ValueError on anything else.

        ``later``: seconds to add to every time, where the clock they were taken by has been started anew.
        """
        try:
            made = cls(window_s)
            made.cause = None if plain["drift"] is None else Drift(plain["drift"])
            made._held = _within_clamp(plain["value"])
            made._readings.extend(
                Counted(at, _deviation(value)) for at, value in _rows(plain["readings"], later)
            )
            made._moves.extend((at, _within_clamp(value)) for at, value in _rows(plain["moves"], later))
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"no baseline: {error!r}") from None
        return made


# -- what may stand in a file ---------------------------------------------------------------------------


def _number(value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    # Written so that NaN is outside; a whole number is compared before it may be too large for a float.
    if not -most <= value <= most:
        raise ValueError(f"{value} is outside {most:g}")
    return float(value)


def _deviation(value: object) -> Celsius:
    return Celsius(_number(value, _WIDEST))


def _within_clamp(value: object) -> Celsius:
    return Celsius(_number(value, CLAMP))


def _rows(rows: object, later: float) -> list[tuple[Monotonic, object]]:
    """Pairs in the order of time, no more than are kept."""
    if not isinstance(rows, list) or len(rows) > LAST:
        raise TypeError("no list of readings")
    pairs = [(Monotonic(_number(at, 1e12) + later), value) for at, value in rows]
    if any(later[0] < earlier[0] for earlier, later in pairwise(pairs)):
        raise ValueError("the times are not in order")
    return pairs

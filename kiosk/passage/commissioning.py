"""What is normal at a site, from the foreheads of many people measured there. Pure arithmetic.

The median, because some of any hundred have a fever and some wear a hat: five people 1.5 °C hotter among a
hundred move it by some .03 °C. Only what the gate would later ask again for (so far below the others that it
is no forehead) is left out; nobody is left out for being warm, or the normal would be drawn toward a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, sqrt
from statistics import fmean, median, pstdev
from typing import Final, NamedTuple

from kiosk.model import Celsius
from kiosk.passage.body_temperature import AMBIENT_REFERENCE, AMBIENT_SLOPE, LOW

HIGH: Final = Celsius(0.8)
"""What the design calls high; a site's own threshold may differ, and says nothing about a crowd."""
MOST_SPREAD: Final = Celsius(0.8)
"""Ours: the study has .44 to .76 °C in every hundred of its people, one healthy crowd at one place."""
LEAST_SPREAD: Final = Celsius(0.2)
"""Ours, by the same study: people who differ less are one person with many passes, or a wall."""
MOST_HIGH: Final = 0.2
"""Share of people .8 °C above the median. Ours: the study has at most .15."""
MOST_MISSED: Final = 0.2
"""Share of readings that were no forehead. Ours: the study has at most .05; a badly aimed part has many."""
SAYS_SOMETHING: Final = 20
"""So few people may well be alike."""
MOST_BIMODAL: Final = 5 / 9
"""Sarle's coefficient of an even distribution; one hump has less, two humps have more."""


class Doubt(StrEnum):
    """What speaks against resting a site's normal on these people."""

    WIDE_SPREAD = "WIDE_SPREAD"
    NARROW_SPREAD = "NARROW_SPREAD"
    TWO_CROWDS = "TWO_CROWDS"
    MANY_HIGH = "MANY_HIGH"
    MANY_MISSED = "MANY_MISSED"


class Forehead(NamedTuple):
    """One person's forehead after all corrections, and the air it was measured in, °C."""

    celsius: Celsius
    ambient: Celsius

    @property
    def at_reference(self) -> Celsius:
        """What it would read in air of 24.1 °C: :func:`kiosk.passage.body_temperature.normal_here` undone."""
        return Celsius(self.celsius - AMBIENT_SLOPE * (self.ambient - AMBIENT_REFERENCE))


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a number of people have in common. All temperatures in °C at an air temperature of 24.1 °C."""

    people: int
    missed: int
    """Readings left out because they were no forehead."""
    normal: Celsius
    """The median."""
    sd: float
    p5: Celsius
    p95: Celsius
    coldest: Celsius
    """Air, °C."""
    warmest: Celsius
    """Air, °C."""
    high: int
    """People .8 °C or more above the median."""
    bimodality: float
    """Sarle's coefficient."""

    @property
    def standard_error(self) -> float:
        """Of the median, °C, for a bell curve."""
        return 1.2533 * self.sd / sqrt(self.people)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Why not to rest anything on these people; empty: no reason seen."""
        found = {
            Doubt.WIDE_SPREAD: self.sd > MOST_SPREAD,
            Doubt.NARROW_SPREAD: self.people >= SAYS_SOMETHING and self.sd < LEAST_SPREAD,
            Doubt.TWO_CROWDS: self.bimodality > MOST_BIMODAL,
            Doubt.MANY_HIGH: self.high > MOST_HIGH * self.people,
            Doubt.MANY_MISSED: self.missed > MOST_MISSED * (self.people + self.missed),
        }
        return tuple(doubt for doubt, there in found.items() if there)


def site_normal(foreheads: Sequence[Forehead]) -> Celsius:
    """Median ambient-corrected forehead, °C; ValueError without any."""
    if not foreheads:
        raise ValueError("nobody was measured")
    return Celsius(median(forehead.at_reference for forehead in foreheads))


def are_foreheads(foreheads: Sequence[Forehead]) -> list[bool]:
    """Which of them are foreheads: not so far below the others that the gate would ask again."""
    if not foreheads:
        return []
    floor = site_normal(foreheads) + LOW
    return [forehead.at_reference >= floor for forehead in foreheads]


def crowd(foreheads: Sequence[Forehead], missed: int = 0) -> Crowd:
    """Figures of these people; ValueError without any. ``missed`` readings were left out before."""
    normal = site_normal(foreheads)
    corrected = sorted(forehead.at_reference for forehead in foreheads)
    return Crowd(
        people=len(corrected),
        missed=missed,
        normal=normal,
        sd=pstdev(corrected),
        p5=_share(corrected, 0.05),
        p95=_share(corrected, 0.95),
        coldest=min(forehead.ambient for forehead in foreheads),
        warmest=max(forehead.ambient for forehead in foreheads),
        high=sum(value >= normal + HIGH for value in corrected),
        bimodality=bimodality(corrected),
    )


def _share(ordered: Sequence[Celsius], share: float) -> Celsius:
    """Nearest rank."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def bimodality(values: Sequence[float]) -> float:
    """Sarle's coefficient, corrected for small numbers: (skewness² + 1) / kurtosis; 0 where it says nothing.

    A normal curve has 1/3, an even distribution 5/9, two equal humps far apart 1.
    """
    count, mean, sd = len(values), fmean(values), pstdev(values)
    if count < 4 or sd < 1e-6:
        return 0.0
    third = fmean(((value - mean) / sd) ** 3 for value in values)
    fourth = fmean(((value - mean) / sd) ** 4 for value in values)
    skewness = third * sqrt(count * (count - 1)) / (count - 2)
    room = (count - 2) * (count - 3)
    excess = (count - 1) / room * ((count + 1) * (fourth - 3) + 6)
    return (skewness**2 + 1) / (excess + 3 * (count - 1) ** 2 / room)

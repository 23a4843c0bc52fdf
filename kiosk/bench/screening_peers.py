"""What a rule that judges people gets right, and the two peers: a fixed limit, and a fitted oral temperature.

Both peers are given what they ask for: the regression is fitted to the very people it is then judged by.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, NamedTuple

from kiosk.bench.screening_data import Volunteer
from kiosk.model import Celsius

FEVER: Final = Celsius(38.0)
"""Oral: who has it should be found."""
HEALTHY: Final = Celsius(37.5)
"""Oral: who is below should be left alone; between the two nobody is right or wrong."""
NAIVE_LIMIT: Final = Celsius(37.3)
INPUTS: Final = tuple(Celsius(35.0 + 0.25 * step) for step in range(21))
"""35 to 40 °C: what goes in for the slope."""


class Judged(NamedTuple):
    """One person as a rule sees them."""

    oral: Celsius
    score: float | None
    """The higher the more suspicious; None: the rule has no answer."""
    positive: bool


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """0..1; None of nothing."""
        return round(self.hits / self.of, 4) if self.of else None

    def interval(self) -> tuple[float, float]:
        """95 % confidence interval by Wilson's score; (0, 1) of nothing."""
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.96, self.of, self.hits / self.of
        middle = p + z * z / (2 * n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def sensitivity(people: Sequence[Judged]) -> Share:
    """Of those with an oral temperature of 38 °C or more, who was found."""
    ill = [person.positive for person in people if person.oral >= FEVER]
    return Share(sum(ill), len(ill))


def specificity(people: Sequence[Judged]) -> Share:
    """Of those below 37.5 °C, who was left alone."""
    well = [not person.positive for person in people if person.oral < HEALTHY]
    return Share(sum(well), len(well))


def auc(people: Sequence[Judged]) -> float | None:
    """Chance that somebody with 38 °C or more scores above somebody with less, ties counted half.

    None where there is nobody of a kind. Who has no score is in neither.
    """
    scored = [(person.oral, person.score) for person in people if person.score is not None]
    ill = [score for oral, score in scored if oral >= FEVER]
    rest = sorted(score for oral, score in scored if oral < FEVER)
    if not ill or not rest:
        return None
    wins = sum(bisect_left(rest, score) + bisect_right(rest, score) for score in ill)
    return round(wins / (2 * len(ill) * len(rest)), 4)


def slope(inputs: Sequence[float], outputs: Sequence[float]) -> float:
    """Least-squares slope of output against input: below 1 something is drawn toward normal."""
    middle, mean = sum(inputs) / len(inputs), sum(outputs) / len(outputs)
    joint = sum((x - middle) * (y - mean) for x, y in zip(inputs, outputs, strict=True))
    return round(joint / sum((x - middle) ** 2 for x in inputs), 4)


# -- the peers ---------------------------------------------------------------------------------------------


def naive(people: Sequence[Volunteer]) -> list[Judged]:
    """A forehead of 37.3 °C or more is a fever."""
    return [Judged(who.oral, who.forehead, who.forehead >= NAIVE_LIMIT) for who in people]


class Regression(NamedTuple):
    """Predicted oral temperature = constant + forehead * a + ambient * b."""

    constant: float
    forehead: float
    ambient: float

    @classmethod
    def fit(cls, people: Sequence[Volunteer]) -> Regression:
        """Least squares over these people; an ambient temperature that tells nothing new is left out."""
        count = len(people)
        means = [sum(column) / count for column in zip(*map(_columns, people), strict=True)]
        away = [[value - mean for value, mean in zip(_columns(who), means, strict=True)] for who in people]

        def joint(one: int, other: int) -> float:
            return float(sum(row[one] * row[other] for row in away))

        determinant = joint(0, 0) * joint(1, 1) - joint(0, 1) ** 2
        if determinant > 1e-6:
            forehead = (joint(0, 2) * joint(1, 1) - joint(1, 2) * joint(0, 1)) / determinant
            ambient = (joint(1, 2) * joint(0, 0) - joint(0, 2) * joint(0, 1)) / determinant
        else:
            forehead, ambient = joint(0, 2) / joint(0, 0) if joint(0, 0) > 0 else 0.0, 0.0
        return cls(means[2] - forehead * means[0] - ambient * means[1], forehead, ambient)

    def predicted(self, forehead: float, ambient: float) -> float:
        """Oral temperature, °C, as it would be shown."""
        return self.constant + self.forehead * forehead + self.ambient * ambient

    def judged(self, people: Sequence[Volunteer]) -> list[Judged]:
        """38 °C predicted is a fever."""
        scores = [self.predicted(who.forehead, who.ambient) for who in people]
        return [Judged(who.oral, score, score >= FEVER) for who, score in zip(people, scores, strict=True)]


def _columns(who: Volunteer) -> tuple[float, float, float]:
    return who.forehead, who.ambient, who.oral

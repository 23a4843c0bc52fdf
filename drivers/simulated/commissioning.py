"""The foreheads that a simulated gate is commissioned with: healthy people before the fitted part.

A site's normal is what *this* part reads *here* of healthy people, best look, noise, hair and all; what their
skin truly is nobody knows. So a simulated gate is not simply told the figure that its people are made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from statistics import NormalDist
from typing import Final

from drivers.simulated.thermal import AIR_REFERENCE, PARTS, Filter, Part, Pose, seen
from drivers.simulated.visitor import spot
from kiosk.model import Celsius, Monotonic, RawWord, Sample, celsius_to_word
from kiosk.scenario import Air, Scenario

STANDS_S: Final = 6.0
"""Longer than any window."""
_AIR: Final = Air(Celsius(AIR_REFERENCE), Celsius(AIR_REFERENCE))


def background(scenario: Scenario) -> Celsius:
    """What the part sees while nobody is there, °C."""
    return seen(PARTS[scenario.site.variant], None, Celsius(0.0), _AIR)


def foreheads(scenario: Scenario, people: int) -> Iterator[list[Sample]]:
    """Each person's words, six seconds of standing still in air of 24.1 °C; the same ones every time.

    Their skins are spread as the scenario's healthy people are, evenly over the distribution.
    """
    site = scenario.site
    skins = NormalDist(site.site_normal, max(1e-9, site.healthy_sd))
    for number in range(people):
        rng = Random(f"{scenario.seed}/commissioning/{number}")  # noqa: S311 - a simulation
        place = spot(rng.getrandbits(32), site)
        skin = Celsius(skins.inv_cdf((number + 0.5) / people))
        yield _words(PARTS[site.variant], Pose(*place), skin, site.die_offset, rng)


def _words(part: Part, pose: Pose, skin: Celsius, die_offset: Celsius, rng: Random) -> list[Sample]:
    output = Filter(part.share).feed(seen(part, pose, skin, _AIR))
    die = celsius_to_word(Celsius(_AIR.indoor + die_offset))
    step = part.spec.settling_s
    times = (Monotonic(number * step) for number in range(1, int(STANDS_S / step) + 1))
    return [Sample(at, _word(output + rng.gauss(0.0, part.spec.noise_c)), die) for at in times]


def _word(celsius: float) -> RawWord:
    return celsius_to_word(Celsius(celsius))

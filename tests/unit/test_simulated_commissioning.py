"""A simulated gate is commissioned as a real one is: by what its own part reads of healthy people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk import scenario
from kiosk.scenario import Scenario
from kiosk.simulation import commissioned


def _with(variant: str, distance_cm: float) -> Scenario:
    story = scenario.load("rush")
    return replace(story, site=replace(story.site, variant=variant, distance_cm=distance_cm))


@pytest.mark.parametrize(("variant", "distance_cm"), [("xAA", 1.5), ("xBA", 1.5), ("xCC", 5.0), ("DCI", 5.0)])
def test_the_normal_is_near_what_people_are_made_from(variant: str, distance_cm: float) -> None:
    story = _with(variant, distance_cm)
    assert commissioned(story).site_normal == pytest.approx(story.site.site_normal, abs=0.06)


def test_a_part_that_sees_hair_and_wall_has_a_lower_normal_of_its_own() -> None:
    near, far = commissioned(_with("xAA", 1.5)), commissioned(_with("xAA", 4.0))
    assert far.site_normal < near.site_normal - 0.3


def test_the_same_site_finds_the_same_normal() -> None:
    assert commissioned(_with("xCC", 5.0)) == commissioned(_with("xCC", 5.0))
    assert commissioned(_with("xCC", 5.0)).simulated

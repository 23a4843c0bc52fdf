"""The morning rush at a simulated gate: nobody is lost, nobody waits for long, hardly anybody healthy is sent
to a volunteer, and the gate's memory stays as it is.

``KIOSK_GATE_N`` is the number of people (45 by default, with half a bus among them; a long proof takes
hundreds or thousands). Times are those of a virtual clock on which the processor's work takes none.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from drivers.simulated.visitor import WALK_S, Visit
from kiosk.bench import measured_gate
from kiosk.bench.crowd import FILE, Texts, crowd, healthy, rounds, story_of, write_texts
from kiosk.bench.gate_figures import RUSH
from kiosk.bench.measured_gate import CostClock, MeasuredGate
from kiosk.commands.__main__ import main
from kiosk.config import load
from kiosk.model import EventKind, Reason, Verdict
from kiosk.passage.journal import JournalReader
from kiosk.person import Passage
from kiosk.scenario import Scenario
from kiosk.simulation import STARTED, Crowd, Place

PEOPLE = int(os.environ.get("KIOSK_GATE_N", "45"))
WARM = 0.5
"""Nobody is taken for feverish who is less than that above the normal, °C, whatever the noise."""
NOISE_MB = 1.0


class FreeClock(CostClock):
    """Virtual time on which work takes none: the same rush on every machine."""

    @contextmanager
    def working(self) -> Iterator[None]:
        yield

    def charge(self, seconds: float) -> None:
        """Nothing has a cost."""


@dataclass
class Rush:
    """One played rush."""

    story: Scenario
    answers: list[tuple[Visit, Passage]]
    journal: Path

    @property
    def smooth(self) -> list[Visit]:
        """Who showed a code and was not asked again."""
        return [
            visit
            for visit, passage in self.answers
            if visit.code_visible_at is not None and not passage.person.tries and not passage.person.called
        ]


@pytest.fixture(scope="module")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rush]:
    patched = pytest.MonkeyPatch()
    patched.setattr(measured_gate, "say", lambda line: None)
    story = story_of("rush", "xCC")
    times = rounds(story, PEOPLE)
    place = Place.lay_out(tmp_path_factory.mktemp("rush") / "gate", story)
    write_texts(place, times)
    config = load(place.config_file)
    clock = FreeClock(story.starts, start=STARTED, state=story.clock)
    answers: list[tuple[Visit, Passage]] = []
    with (
        closing(Texts(place.folder / FILE)) as texts,
        MeasuredGate(place, config, clock, Crowd(crowd(story, times), texts), quick=True) as gate,
    ):

        def answered(passage: Passage) -> None:
            assert gate.world.current is not None, "somebody was answered who is not there"
            answers.append((gate.world.current, passage))

        gate.gate.observers.insert(0, answered)
        gate.play(PEOPLE)
        gate.gate.stop()
    yield Rush(story, answers, config.journal.path)
    patched.undo()


def share(values: list[float], part: float) -> float:
    return sorted(values)[math.ceil(part * len(values)) - 1]


def test_everybody_is_answered_once_and_in_order(rush: Rush) -> None:
    expected = [person.id for person in islice(crowd(rush.story, 10**9), len(rush.answers))]
    assert [visit.person.id for visit, _ in rush.answers] == expected
    assert len(rush.answers) == PEOPLE


def test_everybody_answered_is_on_record(rush: Rush) -> None:
    with JournalReader(rush.journal) as reader:
        assert reader.verify().ok
        recorded = [event.hash for event in reader.walk() if event.kind == EventKind.PASSAGE]
    receipts = [passage.receipt.head for _, passage in rush.answers if passage.receipt is not None]
    assert receipts == recorded
    assert len(recorded) == PEOPLE


def test_healthy_people_are_referred_for_nothing_but_a_warm_forehead(rush: Rush) -> None:
    """Or because the sensor is out of their reach, or who they came with was."""
    well = [(visit, passage) for visit, passage in rush.answers if healthy(visit.person)]
    bothered = [each for each in well if each[1].decision.verdict is not Verdict.ADMIT]
    chance = 2 * math.sqrt(0.05 * 0.95 * len(well))
    assert len(bothered) <= 0.05 * len(well) + chance
    for visit, passage in bothered:
        if Reason.TEMPERATURE_HIGH in passage.decision.reasons:
            assert visit.person.skin > WARM
        else:
            assert not visit.person.kind.lifted or visit.person.companion_of is not None


def test_the_feverish_and_the_invalid_are_found_in_the_crowd(rush: Rush) -> None:
    for visit, passage in rush.answers:
        if not healthy(visit.person):
            assert passage.decision.verdict is not Verdict.ADMIT, visit.person.id


def test_the_light_comes_soon_after_the_code(rush: Rush) -> None:
    took = [
        visit.answered_at - visit.code_visible_at
        for visit in rush.smooth
        if visit.answered_at is not None and visit.code_visible_at is not None
    ]
    most = {target.share: target.most for target in RUSH if target.name == "cycle_s"}
    assert len(took) > PEOPLE * 0.7
    assert share(took, 0.5) <= most["p50"]
    assert share(took, 0.95) <= most["p95"]


def test_a_bus_of_twenty_does_not_wait_as_long_as_before_a_slow_kiosk(rush: Rush) -> None:
    """At 8 s a person the last of 20 within a minute waits 96 s (design)."""
    waited = [
        visit.stepped_up_at - WALK_S - visit.came_at
        for visit, _ in rush.answers
        if visit.stepped_up_at is not None
    ]
    assert max(waited) < 96


@pytest.mark.slow
def test_memory_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """5 MB for 10,000 passages, and what one reading of it differs from the next."""
    words = ["--scenario", "rush", "--variants", "xCC", "--passages", str(PEOPLE), "--rows", "0"]
    assert main(["bench", "gate", *words, "--quick", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["passages"] == PEOPLE
    assert figures["rss_growth_mb"] < NOISE_MB + 5.0 * PEOPLE / 10_000

"""Plays a whole scenario as fast as the machine can; keeps what its people and its journal have to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any, Final

from kiosk.breakable import BreakableDecoder
from kiosk.config import load
from kiosk.model import CodeRead, EventKind, Frame, Light, Reason, Screening, Verdict
from kiosk.passage.journal import JournalReader
from kiosk.person import Passage
from kiosk.scenario import FaultKind, Person, Scenario
from kiosk.simulation import Place, Simulation
from tests.street import assert_sound, memory_folder

FAST: Final = 1e6
"""Every step is the longest one (kiosk.simulation.COARSEST), on any machine: the same story each time."""
VIEWS: Final = 4
"""After so many looks every view of the decoders has had its turn."""
_LIGHTS: Final = {Light.ADMIT: Verdict.ADMIT, Light.REFER: Verdict.REFER, Light.REFUSE: Verdict.REFUSE}


@dataclass
class Story:
    """A scenario that has been played to its end."""

    people: list[Person] = field(default_factory=list)
    seen: dict[str, Verdict | None] = field(default_factory=dict)
    """What each person saw; None: left without an answer."""
    answers: dict[str, list[Passage]] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Kind and body of everything in the journal."""
    faults_at_the_end: dict[str, str] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    lit: list[tuple[float, Light]] = field(default_factory=list)
    minutes: float = 0.0

    def passages(self) -> list[dict[str, Any]]:
        """Bodies of the passages on record."""
        return [body for kind, body in self.events if kind == EventKind.PASSAGE]

    def told(self) -> list[tuple[str, str, str]]:
        """Every fault that began or ended: kind, part, code."""
        named = (EventKind.FAULT, EventKind.RECOVERED)
        return [(kind, body["part"], body["code"]) for kind, body in self.events if kind in named]

    def screenings(self, person: Person) -> set[Screening]:
        """Every result that this person's foreheads have had."""
        readings = [passage.person.reading for passage in self.answers.get(person.id, [])]
        return {reading.screening for reading in readings if reading is not None}

    def reasons(self, person: Person) -> set[Reason]:
        """Every reason that this person was answered with."""
        return {reason for passage in self.answers.get(person.id, []) for reason in passage.decision.reasons}

    def surprises(self) -> list[str]:
        """Everybody who saw something else than the scenario expects, in words."""
        return [words for person in self.people for words in self._surprise(person)]

    def _surprise(self, person: Person) -> Iterator[str]:
        seen, reasons = self.seen[person.id], self.reasons(person)
        who = f"{person.id} ({person.kind.title}) at {person.arrives_s:.0f} s"
        if person.expect is not None and seen is not person.expect:
            yield f"{who}: {seen}, not {person.expect}: {', '.join(sorted(reasons))}"
        if person.because is not None and person.because not in reasons:
            yield f"{who}: {', '.join(sorted(reasons))} lacks {person.because}"


class Remembering(BreakableDecoder):
    """The real decoders, but a picture that they know is not looked at again: that is most of the time."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__((), simulation.world.fault)
        self._fault = simulation.world.fault
        self._known: dict[str, list[CodeRead]] = {}
        self._looks: Counter[str] = Counter()

    def decode(self, frame: Frame) -> list[CodeRead]:
        """As the real one, from memory once all is known."""
        if self._fault(FaultKind.DECODER_FAILING):
            return super().decode(frame)
        self.blind_frames = 0
        if frame.label not in self._known:
            reads = super().decode(frame)
            self._looks[frame.label] += 1
            if not reads and self._looks[frame.label] < VIEWS:
                return reads
            self._known[frame.label] = reads
        return [replace(read, at=frame.at) for read in self._known[frame.label]]


@contextmanager
def played(scenario: Scenario) -> Iterator[tuple[Story, Simulation]]:
    """Lay out a gate, play the scenario on it to its end, and see that journal and records add up."""
    with memory_folder() as folder:
        place = Place.lay_out(folder / "gate", scenario)
        config = load(place.config_file)
        with Simulation(place, config) as simulation:
            simulation.decoder = Remembering(simulation)
            story = Story()
            simulation.gate.observers.append(lambda passage: _note(story, simulation, passage))
            simulation.run(FAST, Event())
            _look_back(story, simulation)
            yield story, simulation
        assert_sound(config.journal.path)


def play(scenario: Scenario) -> Story:
    """The story alone."""
    with played(scenario) as (story, _):
        return story


def _note(story: Story, simulation: Simulation, passage: Passage) -> None:
    visit = simulation.world.current
    if visit is not None:
        story.answers.setdefault(visit.person.id, []).append(passage)


def _look_back(story: Story, simulation: Simulation) -> None:
    for visit in simulation.world.visits:
        story.people.append(visit.person)
        story.seen[visit.person.id] = None if visit.answer is None else _LIGHTS[visit.answer]
    reader = JournalReader(simulation.kiosk.config.journal.path)
    try:
        story.events = [(event.kind, event.content() or {}) for event in reader.walk()]
    finally:
        reader.close()
    story.faults_at_the_end = simulation.gate.surroundings.health.snapshot()
    story.prompts = [str(spoken.prompt) for spoken in simulation.speaker.history]
    story.lit = [(change.at, change.light) for change in simulation.lamp.history]
    story.minutes = (simulation.clock.monotonic() - simulation.world.started) / 60

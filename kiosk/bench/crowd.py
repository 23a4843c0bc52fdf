"""Who comes to a measured gate: a scenario's people again and again, as many as are asked for.

Nobody is held who is not there: the people are drawn as they come, and what their codes say was written to
a file by the process that measures, so that the memory of the measured one is that of its gate.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from kiosk import scenario
from kiosk.config_rules import FARTHEST_CM
from kiosk.errors import Usage
from kiosk.model import Seconds, Verdict, WeeklyWindow
from kiosk.passes.keys import SigningKey
from kiosk.scenario import FaultSpan, Kind, PassKind, Person, Scenario
from kiosk.simulation import Crowd, Place, issue
from kiosk.specimens import Specimens

APART_S: Final = Seconds(20.0)
"""Between the last person of a scenario and its first one again."""
UNANSWERED: Final = 1.05
"""Some more come than are asked for: who leaves without an answer is no passage."""
ALWAYS: Final = WeeklyWindow(0b111_1111, 0, 24 * 60)
FILE: Final = "texts.db"
_OTHERS: Final = (PassKind.NONE, PassKind.SHARED)


def story_of(name: str, variant: str, times: int = 1) -> Scenario:
    """The scenario with this thermometer, and its faults so often one after the other.

    A part with a wide view is mounted closer: as far away as its configuration allows.
    """
    story = scenario.load(name)
    distance = min(story.site.distance_cm, FARTHEST_CM[variant[-1]])
    site = replace(story.site, variant=variant, distance_cm=distance)
    again = [number * period(story) for number in range(times)]
    faults = tuple(_once_more(span, later) for later in again for span in story.faults)
    return replace(story, site=site, faults=faults)


def rounds(story: Scenario, passages: int) -> int:
    """How often its people have to come for so many passages; Usage where nobody comes."""
    if passages and not scenario.people(story):
        raise Usage(f"nobody comes in the scenario {story.id!r}")
    wanted, number = math.ceil(UNANSWERED * passages), 0
    while wanted > 0:
        wanted -= len(_round(story, number))
        number += 1
    return number


def period(story: Scenario) -> Seconds:
    """From the start of a scenario to its start once more, s."""
    ends = [call.at for call in story.calls] + [flow.until for flow in story.flows]
    return Seconds(max(ends, default=0.0) + APART_S)


def crowd(story: Scenario, times: int) -> Iterator[Person]:
    """Its people, ``times`` times one after the other: others of the same kinds, with passes of their own."""
    for number in range(times):
        later = number * period(story)
        for person in _round(story, number):
            yield _again(person, number, later) if number else person


def _round(story: Scenario, number: int) -> tuple[Person, ...]:
    return scenario.people(replace(story, seed=story.seed + number))


def _again(person: Person, number: int, later: float) -> Person:
    names = (person.id, person.household, person.code_of, person.companion_of)
    own, household, code_of, head = (None if name is None else f"{name}@{number}" for name in names)
    return replace(
        person,
        id=own or person.id,
        kind=_good_then(person.kind, later),
        household=household,
        code_of=code_of,
        companion_of=head,
        arrives_s=Seconds(person.arrives_s + later),
    )


def _good_then(kind: Kind, later: float) -> Kind:
    """As good a pass as in the first round, though that was yesterday and it may be night now."""
    return replace(
        kind,
        valid_from_s=Seconds(kind.valid_from_s + later),
        valid_until_s=Seconds(kind.valid_until_s + later),
        window=None if kind.window is None else ALWAYS,
    )


def _once_more(span: FaultSpan, later: float) -> FaultSpan:
    return replace(span, start=Seconds(span.start + later), until=Seconds(span.until + later))


def healthy(person: Person) -> bool:
    """No fever, and a valid pass or a family that has one: who should be admitted.

    Whether somebody can be measured does not count: a child that does not reach the sensor is healthy, too.
    """
    kind = person.kind
    family = kind.pass_kind in _OTHERS and person.expect is Verdict.ADMIT
    return kind.fever <= 0 and (kind.pass_kind is PassKind.VALID or family)


# -- what their codes say --------------------------------------------------------------------------------


class Texts(Mapping[str, str]):
    """What people's codes say, by person id, read from a file. For one thread."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        self._connection.execute("PRAGMA cache_size = -64")

    def __getitem__(self, person: str) -> str:
        found = self._connection.execute("SELECT text FROM texts WHERE person = ?", (person,)).fetchone()
        if found is None:
            raise KeyError(person)
        return str(found[0])

    def __iter__(self) -> Iterator[str]:
        return (row[0] for row in self._connection.execute("SELECT person FROM texts"))

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM texts").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def write_texts(place: Place, times: int) -> None:
    """Issue passes to the whole crowd of a laid-out gate."""
    story = place.scenario
    specimens = Specimens(place.trust.issuer, SigningKey.generate(), story.starts)
    with closing(sqlite3.connect(place.folder / FILE)) as connection, connection:
        connection.execute("CREATE TABLE texts (person TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")
        passes = issue(place, crowd(story, times), specimens)
        connection.executemany("INSERT INTO texts VALUES (?, ?)", passes)


def crowd_of(place: Place, times: int) -> Crowd:
    """The crowd whose passes :func:`write_texts` has issued."""
    return Crowd(crowd(place.scenario, times), Texts(place.folder / FILE))

"""Who is still to come: everybody once, in order, and no more of a crowd drawn than was looked at."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.simulated.arrivals import Arrivals
from kiosk import scenario
from kiosk.scenario import Person

EVERYBODY = scenario.people(scenario.load("ordinary"))


def test_everybody_comes_once_and_in_order() -> None:
    arrivals = Arrivals(EVERYBODY)
    came = [person for moment in range(0, 300, 7) for person in arrivals.due(float(moment))]
    assert came == list(EVERYBODY)
    assert not arrivals


def test_nobody_comes_before_their_time() -> None:
    arrivals = Arrivals(EVERYBODY)
    assert list(arrivals.due(EVERYBODY[0].arrives_s - 0.1)) == []
    assert list(arrivals.due(EVERYBODY[0].arrives_s)) == [EVERYBODY[0]]


def test_who_was_looked_at_still_comes() -> None:
    arrivals = Arrivals(EVERYBODY)
    assert arrivals.next(3) == list(EVERYBODY[:3])
    assert arrivals.next(2) == list(EVERYBODY[:2])
    assert list(arrivals.due(1e6)) == list(EVERYBODY)
    assert arrivals.next(3) == []


def test_of_a_crowd_only_those_are_drawn_who_are_looked_at() -> None:
    drawn = []

    def crowd() -> Iterator[Person]:
        for person in EVERYBODY:
            drawn.append(person.id)
            yield person

    arrivals = Arrivals(crowd())
    assert drawn == []
    assert arrivals
    assert len(arrivals.next(4)) == len(drawn) == 4

"""Who is still to come to a simulated gate, drawn only as far ahead as somebody looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from kiosk.scenario import Person


class Arrivals:
    """People in order of arrival; however many come, only those looked at take memory. For one thread."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._later: Iterator[Person] = iter(people)
        self._ahead: deque[Person] = deque()

    def __bool__(self) -> bool:
        """Somebody is still to come."""
        return bool(self.next(1))

    def due(self, elapsed: float) -> Iterator[Person]:
        """Those who have come by this time, scenario seconds; each of them once."""
        while self and self._ahead[0].arrives_s <= elapsed:
            yield self._ahead.popleft()

    def next(self, most: int) -> list[Person]:
        """The next ones, at most so many; they are still to come."""
        self._ahead.extend(islice(self._later, max(0, most - len(self._ahead))))
        return list(islice(self._ahead, most))

"""gpiozero's mock pins under a given clock, with one history for all pins in the order things happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypedDict

import gpiozero.pins.mock
from gpiozero.pins.mock import MockFactory, MockPin

from drivers.light_patterns import OFF, Outputs


class Wiring(TypedDict):
    """BCM numbers, as the lamp's keywords."""

    red: int
    green: int
    buzzer: int
    relay: int


PINS: Wiring = {"red": 17, "green": 27, "buzzer": 24, "relay": 23}
NAMES = {17: "red", 27: "green", 24: "buzzer", 23: "relay"}


class Edge(NamedTuple):
    """One pin changed; the time is the one gpiozero stamped."""

    at: float
    name: str
    on: bool


class RecordingPin(MockPin):  # type: ignore[misc]
    """A mock pin that also tells its factory, so that the order among pins is known."""

    def _change_state(self, value: bool) -> bool:
        changed = bool(super()._change_state(value))
        if changed and isinstance(self.factory, MockPins):
            name = NAMES.get(int(str(self.info.name).removeprefix("GPIO")), str(self.info.name))
            self.factory.edges.append(Edge(self._last_change, name, bool(value)))
        return changed


class MockPins(MockFactory):  # type: ignore[misc]
    """A pin factory that remembers every edge."""

    def __init__(self, pin_class: type[MockPin] = RecordingPin) -> None:
        self.edges: list[Edge] = []
        super().__init__(revision="a02082", pin_class=pin_class)

    def every_state(self) -> list[tuple[float, Outputs]]:
        """Outputs after each single edge; fails if red and green were ever lit together."""
        states, now = [], OFF
        for edge in self.edges:
            if edge.name in PINS:
                now = Outputs(**{name: edge.on if name == edge.name else getattr(now, name) for name in PINS})
                states.append((edge.at, now))
        return states

    def history(self) -> list[tuple[float, Outputs]]:
        """Outputs at each time at which they changed."""
        return settled(self.every_state())


def settled(states: Sequence[tuple[float, Outputs]]) -> list[tuple[float, Outputs]]:
    """The last of several states at the same time, and no two equal ones in a row."""
    history: list[tuple[float, Outputs]] = [(float("-inf"), OFF)]
    for at, outputs in states:
        if history[-1][0] == at:
            history.pop()
        if history and history[-1][1] == outputs:
            continue
        history.append((at, outputs))
    return history[1:] if history[0][0] == float("-inf") else history


def spans(history: Sequence[tuple[float, Outputs]], name: str) -> list[tuple[float, float | None]]:
    """From when to when an output was on; None while it still is."""
    found: list[tuple[float, float | None]] = []
    for at, outputs in history:
        on = getattr(outputs, name)
        if on and (not found or found[-1][1] is not None):
            found.append((round(at, 6), None))
        elif not on and found and found[-1][1] is None:
            found[-1] = (found[-1][0], round(at, 6))
    return found


@contextmanager
def stamped_by(monotonic: Callable[[], float]) -> Iterator[None]:
    """Let gpiozero's mock pins stamp their states with this clock instead of their own."""
    own = gpiozero.pins.mock.monotonic
    gpiozero.pins.mock.monotonic = monotonic
    try:
        yield
    finally:
        gpiozero.pins.mock.monotonic = own

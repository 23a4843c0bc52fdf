"""At most two events a second besides passages: what comes faster is counted, with what it said.

A loose plug or a stuck button must neither wear out the card nor drown the passages. The rule:

- Written always: passages and whatever explains them, follows from a person's act or a start, or is rare by
  itself (GENESIS, CONTEXT, STARTED, STOPPED, MODE, DIRECTORY, RESOLUTION, COUNTED, OUTDOOR, BASELINE,
  HOURLY).
- CALL and CLOCK: two at once, then two a second.
- FAULT and RECOVERED: twenty at once (everything fails together when a cable is cut), then two a second.
- What is beyond that stands in one COUNTED event as soon as the budget allows, at the latest at the next
  append after that or at close: kind, how often, first and last time, and the body, one entry for each
  different body. So the last state of every part is on record even when it flaps a hundred times a second.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from kiosk.model import EventKind, Monotonic

PER_SECOND: Final = 2.0
BURST: Final = 2.0
FAULT_BURST: Final = 20.0
BODIES: Final = 16
BODY_BYTES: Final = 2048
"""Different bodies kept, and how long one may be; beyond that only kinds are counted."""
_FAULTS: Final = frozenset({EventKind.FAULT, EventKind.RECOVERED})
_LIMITED: Final = _FAULTS | {EventKind.CALL, EventKind.CLOCK}


@dataclass(slots=True)
class Held:
    """Events of one kind and body that were not written by themselves."""

    kind: EventKind
    body: str
    count: int
    first: Monotonic
    last: Monotonic


class EventLimit:
    """A budget of events, refilled with time. Pure; for one thread."""

    def __init__(self) -> None:
        self._budget = BURST
        self._at: Monotonic | None = None
        self._held: dict[tuple[EventKind, str], Held] = {}
        self._uncounted: dict[EventKind, int] = {}

    def admits(self, kind: EventKind, now: Monotonic) -> bool:
        """Whether an event may be written by itself now; if so it is taken from the budget."""
        if kind not in _LIMITED:
            return True
        self._refill(now)
        least = BURST - FAULT_BURST if kind in _FAULTS else 0.0
        if self._budget < least + 1:
            return False
        self._budget -= 1
        return True

    def hold(self, kind: EventKind, body: str, now: Monotonic) -> None:
        """Count an event that may not be written by itself."""
        held = self._held.get((kind, body))
        if held is not None:
            held.count += 1
            held.last = now
        elif len(self._held) < BODIES and len(body) <= BODY_BYTES:
            self._held[kind, body] = Held(kind, body, 1, now, now)
        else:
            self._uncounted[kind] = self._uncounted.get(kind, 0) + 1

    def due(self, now: Monotonic) -> bool:
        """Something is held and the budget allows a record of it."""
        if not self.holds():
            return False
        self._refill(now)
        return self._budget >= 1

    def holds(self) -> bool:
        """Something waits to be recorded."""
        return bool(self._held or self._uncounted)

    def body(self) -> dict[str, Any]:
        """Body of the COUNTED event for what is held."""
        entries = [
            {
                "kind": str(held.kind),
                "count": held.count,
                "first": round(held.first, 3),
                "last": round(held.last, 3),
                "body": json.loads(held.body),
            }
            for held in self._held.values()
        ]
        others = {str(kind): count for kind, count in self._uncounted.items()}
        return {"what": "too fast", "events": entries, "others": others}

    def written(self) -> None:
        """The record of what was held is durable."""
        self._budget -= 1
        self._held.clear()
        self._uncounted.clear()

    def _refill(self, now: Monotonic) -> None:
        if self._at is not None:
            self._budget = min(BURST, self._budget + max(0.0, now - self._at) * PER_SECOND)
        self._at = now

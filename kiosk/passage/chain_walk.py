"""Walking along a chain, link by link, until the end or the first thing that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kiosk.errors import JournalDamaged
from kiosk.model import EventKind, EventSeq
from kiosk.passage.chain import HEADER_VERSION, ZERO, StoredEvent, verifies

_CONSTANT: Final = ("v", "device", "epoch", "simulated")
"""What all headers of one epoch agree on."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk found. ``ok`` False: ``problem`` in words, ``at`` the number of the first bad event."""

    ok: bool
    epoch: str | None = None
    device: str | None = None
    simulated: bool | None = None
    checked: int = 0
    """Events that verified."""
    last: EventSeq | None = None
    """The last one of them, with its hash in ``head``; None when not even one verified."""
    head: str | None = None
    purged: int = 0
    """Events among them whose bodies the retention purge has dropped."""
    problem: str | None = None
    at: EventSeq | None = None


class ChainWalk:
    """Takes events in order. For one thread."""

    def __init__(self, start: int = 0) -> None:
        """Begin after event ``start``; its hash, as the first event's ``prev``, is then taken on trust."""
        self._next = start + 1
        self._prev = ZERO.hex() if start == 0 else None
        self._constant: dict[str, Any] | None = None
        self._checked = 0
        self._purged = 0
        self._head: str | None = None
        self._problem: str | None = None

    def take(self, event: StoredEvent) -> bool:
        """Add one event; False when it does not fit (nothing is taken after that)."""
        if self._problem is not None:
            return False
        try:
            self._problem = self._complaint(event)
        except JournalDamaged as error:
            self._problem = str(error)
        if self._problem is not None:
            return False
        self._next = event.seq + 1
        self._prev = self._head = event.hash
        self._checked += 1
        self._purged += event.body is None
        return True

    def broken(self, problem: str) -> None:
        """The next event can't even be read."""
        self._problem = self._problem or problem

    def result(self) -> Verification:
        """What the walk has found so far. A journal without a single event does not verify."""
        problem = self._problem or (None if self._checked else "there is no event")
        constant = self._constant or {}
        return Verification(
            ok=problem is None,
            epoch=constant.get("epoch"),
            device=constant.get("device"),
            simulated=constant.get("simulated"),
            checked=self._checked,
            last=EventSeq(self._next - 1) if self._checked else None,
            head=self._head,
            purged=self._purged,
            problem=problem,
            at=None if problem is None else EventSeq(self._next),
        )

    def _complaint(self, event: StoredEvent) -> str | None:
        if event.seq != self._next:
            return f"event {self._next} is missing: {event.seq} is in its place"
        if not event.prev or (self._prev is not None and event.prev != self._prev):
            return f"event {event.seq - 1} is missing or another one than before"
        if not verifies(event):
            return f"event {event.seq} was changed, or the hash of event {event.seq - 1} was"
        return self._misplaced(event)

    def _misplaced(self, event: StoredEvent) -> str | None:
        """A link that holds but does not belong here: written by somebody who knows the hash."""
        fields = event.fields()
        if fields.get("v") != HEADER_VERSION:
            return f"event {event.seq}: unknown version {fields.get('v')!r}"
        if fields.get("seq") != event.seq:
            return f"event {event.seq} says it is event {fields.get('seq')!r}"
        if event.seq == 1 and fields.get("kind") != EventKind.GENESIS:
            return "the first event is not a genesis"
        constant = {name: fields.get(name) for name in _CONSTANT}
        if self._constant is None:
            self._constant = constant
        if constant != self._constant:
            return f"event {event.seq} belongs to another epoch or device"
        return None

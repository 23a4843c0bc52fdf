"""Keeps a journal open through full disks and damage, and holds what could not be written yet.

Rule 8: nothing is lost. A record that the disk refuses waits here, in order, until the disk takes it;
its passage has been answered REFER or REFUSE meanwhile, because green needs a durable record first.

A disk may take a record and fail afterwards. So before anything late is written the journal is asked whether
the try that failed stands there after all: nothing is written twice, and a late record that says something
else names the one it stands for (``late.instead_of``, docs/journal.md).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kiosk.devices import Clock
from kiosk.errors import JournalError, JournalFull
from kiosk.model import EventKind, EventSeq, Monotonic, Receipt, Seconds, Verdict

log = logging.getLogger(__name__)

RETRY: Final = Seconds(1.0)
RECLAIM: Final = Seconds(10.0)
WAITING_LIMIT: Final = 1000
AT_ONCE: Final = 10
"""Held records written in one go: on a slow card each takes long, and the gate must go on turning."""


class Writer(Protocol):
    """The part of ``kiosk.passage.journal.Journal`` that is needed here."""

    @property
    def epoch(self) -> str:
        """Name of the run of numbers that is being written."""

    @property
    def seq(self) -> EventSeq:
        """Number of the newest event that is surely there."""

    @property
    def disk_full(self) -> bool:
        """The reserve was given up: the disk is full."""

    def append(
        self, kind: EventKind, body: Mapping[str, object], *, verdict: Verdict | None = None
    ) -> Receipt:
        """Durable append."""

    def written(
        self, kind: EventKind, body: Mapping[str, object], after: EventSeq, verdict: Verdict | None = None
    ) -> EventSeq | None:
        """Number of exactly this event above ``after``, if it stands there."""

    def write_counted(self) -> Receipt | None:
        """Record events that came too fast, when their time has come."""

    def reclaim(self) -> bool:
        """Try to have the reserve again."""

    def close(self) -> None:
        """Release the file."""


@dataclass(frozen=True, slots=True)
class _Try:
    """An append that failed, and where it would stand if it did not."""

    kind: EventKind
    body: Mapping[str, object]
    verdict: Verdict | None
    epoch: str
    after: EventSeq
    now: Monotonic | None
    """When it was the first try of its event."""


@dataclass(slots=True)
class _Held:
    """An event that waits, with the tries to write it so far."""

    kind: EventKind
    body: Mapping[str, object]
    late: dict[str, object]
    tries: list[_Try] = field(default_factory=list)

    @property
    def whole(self) -> dict[str, Any]:
        """As it will be written."""
        return {**self.body, "late": self.late} if self.late else dict(self.body)


class JournalKeeper:
    """The gate's way to its journal. For the gate thread only."""

    def __init__(self, opener: Callable[[], Writer], clock: Clock | None = None) -> None:
        """``clock``: asked how late it is when a try has failed; None: as late as it was before it."""
        self.fault: JournalError | None = None
        self.lost = 0
        """Events beyond what could be held; their number is journaled when writing works again."""
        self.writer: Writer | None = None
        self._opener = opener
        self._clock = clock
        self._waiting: deque[_Held] = deque()
        self._failed_try: _Try | None = None
        self._settings: Mapping[str, object] | None = None
        self._settings_in = ""
        self._next_try = Monotonic(float("-inf"))
        self._next_reclaim = Monotonic(float("-inf"))

    @property
    def ok(self) -> bool:
        """The last write worked and nothing waits."""
        return self.fault is None and not self._waiting

    @property
    def waiting(self) -> int:
        """Records held in memory."""
        return len(self._waiting)

    def append(
        self, kind: EventKind, body: Mapping[str, object], now: Monotonic, verdict: Verdict | None = None
    ) -> Receipt | None:
        """Write an event now; None when that is not possible (nothing is then kept: see ``hold``)."""
        if not self._ready(now):
            return None
        tried = self._try(kind, body, verdict, now)
        try:
            return self._write(kind, body, verdict)
        except JournalError as error:
            self._failed(error, now)
            self._failed_try = tried
            return None

    def write_or_hold(self, kind: EventKind, body: Mapping[str, object], now: Monotonic) -> None:
        """Write an event, or keep it in order until writing works again."""
        if self.append(kind, body, now) is None:
            self.hold(kind, body, now)

    def hold(self, kind: EventKind, body: Mapping[str, object], now: Monotonic) -> None:
        """Keep an event in memory, with the monotonic time it happened at; beyond the limit only count.

        Held right after an ``append`` of the same event has failed, it may say what is true without a
        record. Settings are always kept: they are rare, and without them later records say nothing.
        """
        tried, self._failed_try = self._failed_try, None
        if len(self._waiting) >= WAITING_LIMIT and kind is not EventKind.CONTEXT:
            self.lost += 1
            return
        held = _Held(kind, body, {"happened": round(now, 3)})
        if tried is not None and (tried.kind, tried.now) == (kind, now):
            held.tries.append(tried)
        self._waiting.append(held)

    def turn(self, now: Monotonic) -> None:
        """Write what waits, and take the disk reserve back once there is room."""
        if not self._ready(now) or self.writer is None:
            return
        try:
            self.writer.write_counted()
            if self.writer.disk_full and now >= self._next_reclaim:
                self._next_reclaim = Monotonic(now + RECLAIM)
                self.writer.reclaim()
        except JournalError as error:
            self._failed(error, now)

    def close(self) -> None:
        """Release the journal, after a last try to write what waits."""
        before = None
        while self._waiting and len(self._waiting) != before:
            before = len(self._waiting)
            self._ready(Monotonic(float("inf")))
        if self._waiting or self.lost:
            log.error("journal: %d events could not be written", len(self._waiting) + self.lost)
        self._release()

    def _release(self) -> None:
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.close()

    def _ready(self, now: Monotonic) -> bool:
        if self.fault is None and not self._waiting and self.writer is not None:
            return True
        if now < self._next_try:
            return False
        try:
            if self.writer is None:
                self.writer = self._opener()
            self._drain()
        except JournalError as error:
            self._failed(error, now)
            return False
        if self._waiting:
            return False
        self.fault = None
        return True

    def _drain(self) -> None:
        self._repeat_settings()
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self._write_held(self._waiting[0])
            self._waiting.popleft()
        if self.lost and not self._waiting:
            self._waiting.append(_Held(EventKind.COUNTED, {"what": "unrecorded", "count": self.lost}, {}))
            self.lost = 0
            self._write_held(self._waiting[0])
            self._waiting.popleft()

    def _write_held(self, held: _Held) -> None:
        """Write what waits, unless an earlier try has; raises JournalError."""
        for tried in held.tries:
            found = self._found(tried)
            if found is not None and tried.body in (held.body, held.whole):
                return
            if found is not None:
                held.late["instead_of"] = found
            elif self.writer is not None and self.writer.epoch != tried.epoch:
                held.late["tried"] = {"epoch": tried.epoch, "after": tried.after}
        tried = self._try(held.kind, held.whole)
        if not any((old.epoch, old.body) == (tried.epoch, tried.body) for old in held.tries):
            held.tries.append(tried)
        self._write(held.kind, held.whole, None)

    def _try(
        self,
        kind: EventKind,
        body: Mapping[str, object],
        verdict: Verdict | None = None,
        now: Monotonic | None = None,
    ) -> _Try:
        """What will have been tried if the write fails; raises JournalError."""
        if self.writer is None:
            raise JournalError("the journal is not open")
        return _Try(kind, dict(body), verdict, self.writer.epoch, self.writer.seq, now)

    def _found(self, tried: _Try) -> EventSeq | None:
        """Where a try that failed stands after all; None where it does not, or in another epoch."""
        if self.writer is None or self.writer.epoch != tried.epoch:
            return None
        return self.writer.written(tried.kind, tried.body, tried.after, tried.verdict)

    def _repeat_settings(self) -> None:
        """A new epoch stands alone: what its records refer to by name comes first in it."""
        begun = self.writer is not None and self.writer.epoch != self._settings_in
        if begun and self._settings is not None:
            self._write(EventKind.CONTEXT, self._settings, None)

    def _write(self, kind: EventKind, body: Mapping[str, object], verdict: Verdict | None) -> Receipt:
        if self.writer is None:
            raise JournalError("the journal is not open")
        receipt = self.writer.append(kind, body, verdict=verdict)
        if kind is EventKind.CONTEXT:
            self._settings, self._settings_in = body, receipt.epoch
        return receipt

    def _failed(self, error: JournalError, now: Monotonic) -> None:
        if self.fault is None:
            log.error("journal: %s: %s", error.code, error)
        self.fault = error
        # The try itself may have waited for a lock or a slow disk: people must get a turn in between.
        late = now if self._clock is None else max(now, self._clock.monotonic())
        self._next_try = Monotonic(late + RETRY)
        if not isinstance(error, JournalFull):
            # Whatever else happened to the file, opening it anew verifies it and sets it aside if need be.
            self._release()

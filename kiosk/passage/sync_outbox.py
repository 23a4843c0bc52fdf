"""What is to be sent next: journals in the order they were written, each along its verified chain.

A journal that was set aside is drained before the one that came after it, as far as its chain holds; what
lies behind the break stays in its file, whole, and one dead letter says where (rule 8: nothing is lost).
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.errors import JournalDamaged, JournalError
from kiosk.model import EventSeq
from kiosk.passage.chain import StoredEvent
from kiosk.passage.chain_walk import ChainWalk
from kiosk.passage.journal_file import set_asides
from kiosk.passage.journal_reader import JournalReader
from kiosk.passage.sync_state import START, Cursor, DeadLetter, SyncState

log = logging.getLogger(__name__)

MAX_EVENTS: Final = 500
MAX_TEXT: Final = 1_000_000
"""Characters of a batch before compression; the server takes four times as much."""
DAMAGED: Final = "JOURNAL_DAMAGED"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Consecutive events of one epoch that follow ``cursor``; at least one."""

    cursor: Cursor
    events: Sequence[StoredEvent]

    @property
    def after(self) -> Cursor:
        """Where the cursor stands once the server has these."""
        return Cursor(self.cursor.epoch, self.events[-1].seq, self.events[-1].hash)


class Outbox:
    """Reads journals, never writes them. For one thread."""

    def __init__(self, journal: Path, state: SyncState, wall: Callable[[], float]) -> None:
        self.limit = MAX_EVENTS
        """Events in a parcel at most; a server that finds them too large is met with fewer."""
        self.problem: str | None = None
        """Why nothing more of the gate's own journal can be sent, if that is so."""
        self._journal = journal
        self._state = state
        self._wall = wall

    def next(self) -> Parcel | None:
        """The next events to send, or None when the server has everything that can be sent.

        JournalError when the gate's journal can't be read now. One that does not exist yet is no error.
        """
        for path in set_asides(self._journal):
            if not self._state.is_finished(path.name):
                parcel = self._from_set_aside(path)
                if parcel is not None:
                    return parcel
        try:
            return self._from_current()
        except JournalError as error:
            if error.errno == errno.ENOENT:
                return None
            raise

    def pending(self) -> int | None:
        """Events of the gate's journal that the server does not have; None when it can't be read."""
        try:
            head = JournalReader(self._journal).head()
        except JournalError:
            return None
        return max(0, head.seq - self._state.cursor(head.epoch).seq)

    def _from_current(self) -> Parcel | None:
        reader = JournalReader(self._journal)
        events, problem, cursor = self._collect(reader, _epoch(reader))
        if problem != self.problem:
            log.log(logging.ERROR if problem else logging.INFO, "journal: %s", problem or "sound again")
            self.problem = problem
        return Parcel(cursor, events) if events else None

    def _from_set_aside(self, path: Path) -> Parcel | None:
        reader = JournalReader(path)
        try:
            epoch = _epoch(reader)
            events, problem, cursor = self._collect(reader, epoch)
        except JournalDamaged as error:
            epoch, events, problem, cursor = "", [], str(error), Cursor("", 0, START)
        except JournalError as error:
            # Not readable just now (permissions, I/O): the gate's own journal must not wait for it.
            log.error("%s: %s", path.name, error)
            return None
        if events:
            return Parcel(cursor, events)
        self._finish(path, epoch, cursor.seq + 1, problem)
        return None

    def _finish(self, path: Path, epoch: str, seq: int, problem: str | None) -> None:
        letters = []
        if problem is not None:
            log.error("%s can't be sent from event %s on: %s", path.name, seq, problem)
            letters.append(DeadLetter(epoch or path.name, seq, DAMAGED, path.name, self._wall()))
        self._state.finish(path.name, epoch, letters)

    def _collect(self, reader: JournalReader, epoch: str) -> tuple[list[StoredEvent], str | None, Cursor]:
        """Events after the cursor as far as they verify, what stopped them, and that cursor."""
        cursor = self._state.cursor(epoch)
        events, problem, joined = self._follow(reader, cursor)
        if not joined:
            log.warning("epoch %s is not what the server was sent up to %s: all again", epoch, cursor.seq)
            cursor = Cursor(epoch, 0, START)
            self._state.rewind(cursor)
            events, problem, _ = self._follow(reader, cursor)
        return events, problem, cursor

    def _follow(self, reader: JournalReader, cursor: Cursor) -> tuple[list[StoredEvent], str | None, bool]:
        """The same for one cursor; and whether the journal still has the cursor's own event."""
        start = max(0, cursor.seq - 1)
        walk, events, size = ChainWalk(start), list[StoredEvent](), 0
        joined = cursor.seq == 0
        try:
            for event in reader.walk(EventSeq(start), page=self.limit + 1):
                if not walk.take(event):
                    return events, walk.result().problem, True
                if not joined:
                    if event.hash != cursor.head:
                        return [], None, False
                    joined = True
                    continue
                if event.body is None:
                    return events, f"the body of event {event.seq} has been purged", True
                events.append(event)
                size += len(event.header) + len(event.body)
                if len(events) >= self.limit or size >= MAX_TEXT:
                    break
        except JournalDamaged as error:
            return events, str(error), True
        return events, None, joined


def _epoch(reader: JournalReader) -> str:
    """By the first event: it can be read even where the end is damaged."""
    first = reader.events(EventSeq(0), limit=1)
    if not first:
        raise JournalDamaged(f"{reader.path} has no events, not even a genesis")
    epoch = first[0].fields().get("epoch")
    if not isinstance(epoch, str) or not epoch:
        raise JournalDamaged(f"{reader.path} does not name its epoch")
    return epoch

"""The courier's round: heartbeat, next parcel, answer, and how long to wait after it.

Nothing here opens a socket, sleeps or reads a clock of its own: time, chance, server and journal are
given, so a test can live through a bad week in a second.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

from kiosk.errors import JournalError, NotAcknowledged, ServerBusy, ServerRefused, SyncError
from kiosk.model import Seconds
from kiosk.passage.chain import wire_line
from kiosk.passage.sync_answers import (
    TOO_LARGE,
    Position,
    Reply,
    Sent,
    ServerBehind,
    backoff,
    read_ack,
    read_positions,
)
from kiosk.passage.sync_outbox import Outbox, Parcel
from kiosk.passage.sync_state import START, Cursor, DeadLetter, SyncState

log = logging.getLogger(__name__)

EPOCHS_NAMED: Final = 16


class Server(Protocol):
    """The community server, as far as bytes go."""

    def post(self, what: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST to this device's ``what``; the whole answer, whatever it is. SyncError when there is none."""


class Sync:
    """Carries one device's journals to the server. For one thread; :meth:`turn` again and again."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        state: SyncState,
        server: Server,
        health: Callable[[], Mapping[str, Any]],
        idle_s: Seconds,
        heartbeat_s: Seconds,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """``clock`` is monotonic, ``wall`` Unix seconds, ``random`` uniform in [0, 1)."""
        self.failures = 0
        """Turns that failed in a row."""
        self._outbox = outbox
        self._state = state
        self._server = server
        self._health = health
        self._idle_s = idle_s
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._wall = wall
        self._random = random
        self._not_before = float("-inf")
        self._next_beat = float("-inf")
        self._online: bool | None = None

    def turn(self) -> Seconds:
        """Send what is due. Returns the seconds after which there may be something to do again; 0: at once.

        New work ends an idle wait, because the journal is looked at every ``idle_s``. It never shortens
        the wait after a failure: a server in trouble would otherwise be asked once a passage.
        """
        if self._clock() < self._not_before:
            return Seconds(self._not_before - self._clock())
        try:
            return Seconds(0) if self.step() else self._idle()
        except SyncError as error:
            return self._failed(error)
        except JournalError as error:
            log.error("journal: %s", error)
            return self._idle()

    def step(self) -> bool:
        """Heartbeat if one is due, then one parcel; False when there was nothing to send.

        SyncError when it could not be delivered, JournalError when the journal can't be read now.
        """
        beat_due = self._clock() >= self._next_beat
        if beat_due:
            self._beat()
        parcel = self._outbox.next()
        if parcel is not None:
            self._send(parcel)
        if beat_due or parcel is not None:
            self._succeeded()
        return parcel is not None

    # -- events ----------------------------------------------------------------------------------------

    def _send(self, parcel: Parcel) -> None:
        after = parcel.after
        sent = Sent(after.epoch, parcel.cursor.seq + 1, after.seq, after.head)
        lines = [wire_line(event) for event in parcel.events]
        try:
            ack = read_ack(self._server.post("events", _packed(lines), _headers(sent, parcel.cursor)), sent)
        except ServerBehind as error:
            self._step_back(parcel.cursor, error.position)
            raise
        except ServerRefused as error:
            if error.problem == TOO_LARGE:
                self._outbox.limit = max(1, len(lines) // 2)
            raise
        letters = [
            DeadLetter(sent.epoch, seq, reason, lines[seq - sent.first], self._wall())
            for seq, reason in ack.rejected
        ]
        if letters:
            log.error("the server rejected %d events, the first: %s", len(letters), letters[0].reason)
        if ack.forked and not parcel.cursor.forked:
            log.error("epoch %s contradicts what the server holds: cloned or restored?", sent.epoch)
        self._state.acknowledge(
            parcel.cursor, Cursor(after.epoch, after.seq, after.head, ack.forked), letters
        )

    def _step_back(self, cursor: Cursor, position: Position) -> None:
        """Send again what the server has lost. Never forward: only an acknowledgement moves that way.

        The journal is compared with the position before anything is sent after it (``Outbox``).
        """
        log.warning("the server holds epoch %s up to %d, not %d", cursor.epoch, position.seq, cursor.seq)
        if not 0 < position.seq < cursor.seq:
            position = Position(cursor.epoch, 0, START)
        self._state.rewind(Cursor(cursor.epoch, position.seq, position.head))
        self._state.note(rewinds=int(self._state.facts().get("rewinds", 0)) + 1)

    # -- heartbeat -------------------------------------------------------------------------------------

    def _beat(self) -> None:
        cursors = self._state.cursors()[-EPOCHS_NAMED:]
        named = [{"epoch": cursor.epoch, "seq": cursor.seq, "head": cursor.head} for cursor in cursors]
        beat = {"v": 1, "sent_at": self._wall(), "epochs": named, "health": dict(self._health())}
        reply = self._server.post(
            "heartbeat", json.dumps(beat).encode(), {"Content-Type": "application/json"}
        )
        held = read_positions(reply)
        if [place.epoch for place in held] != [cursor.epoch for cursor in cursors]:
            raise NotAcknowledged("the answer to a heartbeat is about other epochs")
        self._next_beat = self._clock() + self._heartbeat_s
        for cursor, position in zip(cursors, held, strict=True):
            if position.seq < cursor.seq:
                self._step_back(cursor, position)

    # -- waiting ---------------------------------------------------------------------------------------

    def _idle(self) -> Seconds:
        return Seconds(max(0.0, min(self._idle_s, self._next_beat - self._clock())))

    def _failed(self, error: SyncError) -> Seconds:
        self.failures += 1
        asked = error.retry_after if isinstance(error, ServerBusy) else None
        delay = backoff(self.failures, self._random(), None if asked is None else Seconds(asked))
        self._not_before = self._clock() + delay
        if self._online is not False:
            log.warning("offline: %s", error)
            self._note(online=False, since=self._wall(), error={"code": error.code, "message": str(error)})
        self._online = False
        return delay

    def _succeeded(self) -> None:
        self.failures = 0
        if self._online is not True:
            log.info("the server answers")
            self._note(online=True, since=self._wall(), error=None)
        self._online = True

    def _note(self, **facts: Any) -> None:
        # Said for people; a full disk must not stop the deliveries that would empty it.
        with suppress(SyncError):
            self._state.note(**facts)


def _packed(lines: list[str]) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0)


def _headers(sent: Sent, before: Cursor) -> dict[str, str]:
    return {
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Journal-Head": f"{sent.epoch};{sent.first};{sent.last};{sent.head}",
        "Journal-Prev": before.head,
    }

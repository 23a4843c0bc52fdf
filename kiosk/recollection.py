"""What a gate that was started anew in the same boot must still know: who has just passed.

Anti-passback is of this boot (monotonic times of another one mean nothing here), but a process may be
killed and started again within it, and must not let the same pass through a second time for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kiosk.errors import JournalError
from kiosk.model import EventKind, EventSeq, Monotonic, PassId, Verdict
from kiosk.passage.journal import JournalReader, StoredEvent

NEWEST: Final = 500
"""Events looked at: more than a gate writes within any useful anti-passback span."""


def lately_admitted(journal: Path, boot: str, now: Monotonic) -> Iterator[tuple[PassId, Monotonic]]:
    """Passes admitted before ``now`` in this boot, and when; none where there is no readable journal."""
    if not journal.exists():
        return
    try:
        with JournalReader(journal) as reader:
            after = EventSeq(max(0, reader.head().seq - NEWEST))
            events = reader.events(after=after, limit=NEWEST, kind=EventKind.PASSAGE)
    except JournalError:
        # Damage is for the writer to find and to set aside; here nothing is remembered.
        return
    for event in events:
        found = _admitted(event, boot)
        if found is not None and found[1] <= now:
            yield found


def _admitted(event: StoredEvent, boot: str) -> tuple[PassId, Monotonic] | None:
    header, body = event.fields(), event.content()
    if header.get("boot") != boot or body is None or body.get("verdict") != Verdict.ADMIT:
        return None
    shown, gate = body.get("pass"), body.get("gate")
    if not isinstance(shown, dict) or not isinstance(gate, dict) or gate.get("companion"):
        return None
    return PassId(str(shown.get("token"))), Monotonic(float(header["monotonic"]))

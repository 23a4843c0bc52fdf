"""What a gate that was started anew in the same boot must still know: who has just passed, who was too warm.

Both are of this boot (monotonic times of another one mean nothing here), but a process may be killed and
started again within it, and must not let the same pass through a second time, or a HIGH be measured away,
for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from kiosk.errors import JournalError
from kiosk.model import EventKind, EventSeq, Monotonic, PassId, Screening, Verdict
from kiosk.passage.journal import JournalReader, StoredEvent

NEWEST: Final = 2000
"""Events looked at: more than a gate writes in the half hour for which a HIGH stands."""


class Remembered(NamedTuple):
    """One passage of this boot that still has consequences."""

    pass_id: PassId
    at: Monotonic
    admitted: bool
    high: bool


def remembered(journal: Path, boot: str, now: Monotonic) -> Iterator[Remembered]:
    """Passages of this boot before ``now``, oldest first; none where there is no readable journal."""
    if not journal.exists():
        return
    try:
        with JournalReader(journal) as reader:
            events = reader.events(after=EventSeq(max(0, reader.head().seq - NEWEST)), limit=NEWEST)
    except JournalError:
        # Damage is for the writer to find and to set aside; here nothing is remembered.
        return
    bodies = [(event, event.content() or {}) for event in events if event.fields().get("boot") == boot]
    # An ADMIT whose record took too long was never lit: that person has not passed.
    unlit = {body.get("seq") for event, body in bodies if event.kind == EventKind.FAULT}
    for event, body in bodies:
        found = _passage(event, body, event.seq not in unlit)
        if found is not None and found.at <= now:
            yield found


def _passage(event: StoredEvent, body: dict[str, Any], lit: bool) -> Remembered | None:
    shown, gate, reading = body.get("pass"), body.get("gate"), body.get("reading")
    if event.kind != EventKind.PASSAGE or not isinstance(shown, dict) or not isinstance(gate, dict):
        return None
    if gate.get("companion"):
        return None
    return Remembered(
        PassId(str(shown.get("token"))),
        Monotonic(float(event.fields()["monotonic"])),
        admitted=lit and body.get("verdict") == Verdict.ADMIT,
        high=isinstance(reading, dict) and reading.get("screening") == Screening.HIGH,
    )

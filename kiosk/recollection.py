"""What a gate that was started anew in the same boot must still know: who has just passed, who was too warm.

Both are of this boot (monotonic times of another one mean nothing here), but a process may be killed and
started again within it, and must not let the same pass through a second time, or a HIGH be measured away,
for that.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, NamedTuple

from kiosk.errors import JournalError
from kiosk.model import EventKind, EventSeq, Monotonic, PassId, Reason, Screening, Verdict
from kiosk.passage.journal import JournalReader, StoredEvent

NEWEST: Final = 2000
"""Events looked at: more than a gate writes in the half hour for which a HIGH stands."""
PAGE: Final = 100
"""Events in memory at a time."""


class Remembered(NamedTuple):
    """One passage of this boot that still has consequences."""

    pass_id: PassId
    at: Monotonic
    admitted: bool
    doubted: bool


def doubted(screening: object, verdict: object, reasons: Collection[object]) -> bool:
    """This forehead refers its pass for a while, as the same sensor is no second opinion of it.

    HIGH, and GUARD where that is referred: leaning in once more, a little worse, would measure it away.
    """
    return screening == Screening.HIGH or (
        verdict == Verdict.REFER and screening == Screening.GUARD and Reason.TEMPERATURE_GUARD in reasons
    )


def remembered(journal: Path, boot: str, now: Monotonic) -> list[Remembered]:
    """Passages of this boot before ``now``, oldest first; none where there is no readable journal."""
    if not journal.exists():
        return []
    try:
        with JournalReader(journal) as reader:
            return _remembered(reader, boot, now)
    except JournalError:
        # Damage is for the writer to find and to set aside; here nothing is remembered.
        return []


def _remembered(reader: JournalReader, boot: str, now: Monotonic) -> list[Remembered]:
    passages: dict[EventSeq, Remembered] = {}
    # Page by page, and of each record only what counts: all of them at once would be half the gate's memory.
    for event in reader.walk(EventSeq(max(0, reader.head().seq - NEWEST)), page=PAGE):
        if event.fields().get("boot") != boot:
            continue
        body = event.content() or {}
        if event.kind == EventKind.FAULT and body.get("seq") in passages:
            # An ADMIT whose record took too long was never lit: that person has not passed.
            seq = EventSeq(body["seq"])
            passages[seq] = passages[seq]._replace(admitted=False)
        found = _passage(event, body)
        if found is not None and found.at <= now:
            passages[event.seq] = found
    return list(passages.values())


def _passage(event: StoredEvent, body: dict[str, Any]) -> Remembered | None:
    shown, gate, reading = body.get("pass"), body.get("gate"), body.get("reading")
    if event.kind != EventKind.PASSAGE or not isinstance(shown, dict) or not isinstance(gate, dict):
        return None
    screening = reading.get("screening") if isinstance(reading, dict) else None
    verdict = body.get("verdict")
    return Remembered(
        PassId(str(shown.get("token"))),
        Monotonic(float(event.fields()["monotonic"])),
        admitted=verdict == Verdict.ADMIT and not gate.get("companion"),
        doubted=doubted(screening, verdict, body.get("reasons") or ()),
    )

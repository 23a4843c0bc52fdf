"""``kiosk journal recheck``: does every result and verdict follow from the words that are on record?

Each passage is computed again from its raw words and the settings that its context event holds, by the
code that runs now. What differs was changed afterwards, or this version judges otherwise than the one that
wrote it: either is worth knowing. Whether the chain holds is another question: ``kiosk journal verify``.

Exit codes: 0 everything follows, 1 something does not (or can't be computed), 3 the journal can't be read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kiosk import record
from kiosk.commands.arguments import journal_path
from kiosk.errors import JournalDamaged
from kiosk.model import EventKind, EventSeq
from kiosk.passage.journal import JournalReader, StoredEvent

Settings = Mapping[str, record.Body]


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments beside those that name the journal."""
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a finding, the sum as the last line"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print each finding as it is found, then the sum."""
    total = Total()
    for finding in findings(JournalReader(journal_path(arguments)), total):
        print(json.dumps(finding.to_map()) if arguments.json else finding)
    print(json.dumps(asdict(total)) if arguments.json else total)
    return 0 if total.sound else 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One event that is not what its own words say."""

    seq: EventSeq
    problem: str = ""
    """Why it can't be computed again; empty when it was, and differs."""
    differs: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Name of a value: as recorded, as computed now."""

    def to_map(self) -> dict[str, Any]:
        """Keys are stable."""
        pairs = {name: {"recorded": old, "computed": new} for name, (old, new) in self.differs.items()}
        return {"seq": self.seq, "problem": self.problem or None, "differs": pairs}

    def __str__(self) -> str:
        if self.problem:
            return f"event {self.seq}: {self.problem}"
        return "\n".join(
            f"event {self.seq}: {name} is {json.dumps(old)} on record, computed now {json.dumps(new)}"
            for name, (old, new) in self.differs.items()
        )


@dataclass(slots=True)
class Total:
    """What became of the passages of a journal. Fields are the keys of the last JSON line."""

    passages: int = 0
    same: int = 0
    differ: int = 0
    unreadable: int = 0
    """Something is missing or is not what it should be."""
    without_settings: int = 0
    """Their context event is not in this journal, or was changed."""
    purged: int = 0
    """Without bodies since the retention time: nothing can be computed, and nothing is wrong."""
    late: int = 0
    """Answered while the journal could not be written, and recorded afterwards."""
    settings_changed: int = 0
    """Context events whose content is not what their name says."""

    @property
    def sound(self) -> bool:
        """Nothing speaks against this journal."""
        return self.passages == self.same + self.purged and not self.settings_changed

    def __str__(self) -> str:
        more = {
            "differ": self.differ,
            "can't be read": self.unreadable,
            "without their settings": self.without_settings,
            "without bodies (retention)": self.purged,
            "recorded late": self.late,
        }
        counted = "".join(f", {count} {what}" for what, count in more.items() if count)
        return f"{self.passages} passages: {self.same} follow from their words{counted}"


def findings(reader: JournalReader, total: Total) -> Iterator[Finding]:
    """Everything that is wrong. Settings are gathered first: a late passage may stand before its own."""
    settings: dict[str, record.Body] = {}
    for event in reader.walk():
        if event.kind == EventKind.CONTEXT:
            yield from _take_settings(event, settings, total)
    for event in reader.walk():
        if event.kind == EventKind.PASSAGE:
            yield from _recheck(event, settings, total)


def _take_settings(event: StoredEvent, settings: dict[str, record.Body], total: Total) -> Iterator[Finding]:
    content = event.content()
    if content is None:
        return
    name = str(content.get("id"))
    if name == record.context_id(content):
        settings[name] = content
        return
    total.settings_changed += 1
    yield Finding(event.seq, f"the settings are not what their name {name} says: somebody changed them")


def _recheck(event: StoredEvent, settings: Settings, total: Total) -> Iterator[Finding]:
    total.passages += 1
    body = event.content()
    if body is None:
        total.purged += 1
        return
    total.late += "late" in body
    context = settings.get(str(body.get("context")))
    if context is None:
        total.without_settings += 1
        yield Finding(event.seq, f"its settings {body.get('context')} are not in this journal")
        return
    try:
        differs = record.differences(body, context)
    except JournalDamaged as error:
        total.unreadable += 1
        yield Finding(event.seq, str(error))
        return
    if differs:
        total.differ += 1
        yield Finding(event.seq, differs=differs)
    else:
        total.same += 1

"""How a demo went: counted from the journal itself, and told in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.simulated.frames import NO_PHOTOGRAPHS
from kiosk.commands.demo_faults import FaultLog, listed
from kiosk.commands.demo_words import answer, counted, said
from kiosk.model import EventKind, Verdict
from kiosk.passage.journal import JournalReader, StoredEvent
from kiosk.person import Passage
from kiosk.simulation import Simulation


@dataclass(slots=True)
class Summary:
    """How it went; the JSON line of ``--json``."""

    passages: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=dict)
    faults: int = 0
    lost: int = 0
    on_server: int | None = None
    journal_ok: bool = False

    @property
    def sound(self) -> bool:
        """Nobody was forgotten, here or on the server."""
        return self.journal_ok and not self.lost and self.on_server == self.passages

    def to_map(self) -> dict[str, Any]:
        """Keys are stable."""
        return {
            "passages": self.passages,
            **{str(verdict).lower(): self.verdicts.get(verdict, 0) for verdict in Verdict},
            "faults": self.faults,
            "lost": self.lost,
            "on_server": self.on_server or 0,
            "journal_ok": self.journal_ok,
            "simulated": True,
        }


def sum_up(journal: Path, answered: Sequence[Passage]) -> Summary:
    """What the journal holds of those who were answered."""
    reader = JournalReader(journal)
    try:
        summary = Summary(journal_ok=reader.verify().ok)
        recorded = set()
        for event in _every_event(reader):
            kind = event.fields()["kind"]
            summary.faults += kind == EventKind.FAULT
            if kind == EventKind.PASSAGE:
                recorded.add(event.hash)
                verdict = Verdict((event.content() or {})["verdict"])
                summary.verdicts[verdict] = summary.verdicts.get(verdict, 0) + 1
    finally:
        reader.close()
    summary.passages = len(recorded)
    late = sum(passage.receipt is None for passage in answered)
    on_time = [passage.receipt.head for passage in answered if passage.receipt is not None]
    missing = sum(head not in recorded for head in on_time)
    # Answers without a receipt were REFER or REFUSE on a journal that failed; they are written later.
    summary.lost = missing + max(0, late - (len(recorded) - (len(on_time) - missing)))
    return summary


def _every_event(reader: JournalReader) -> Iterator[StoredEvent]:
    after, page = 0, reader.events()
    while page:
        yield from page
        after = page[-1].seq
        page = reader.events(after=after)


def in_words(
    summary: Summary, simulation: Simulation, log: FaultLog, language: str, *, drawn: bool = True
) -> list[str]:
    """The lines of the closing box; ``drawn``: the people are simulated, so that they can be counted."""
    return [
        *(_people(summary, simulation, language) if drawn else [_passages(summary, simulation, language)]),
        _journal(summary, language),
        _server(summary, language),
        _faults(log, language),
        *(_note(note, language) for note in simulation.renderer.notes),
    ]


def _people(summary: Summary, simulation: Simulation, language: str) -> Iterator[str]:
    tally = simulation.world.tally()
    people = counted("people", tally.came, language)
    yield said("came", language, people=people, **_figures(summary, simulation, language))
    for name, number in (("gave up", tally.gave_up), ("waiting", tally.waiting)):
        if number:
            yield said(name, language, people=counted("people", number, language))


def _passages(summary: Summary, simulation: Simulation, language: str) -> str:
    return said("judged", language, **_figures(summary, simulation, language))


def _figures(summary: Summary, simulation: Simulation, language: str) -> dict[str, object]:
    return {
        "minutes": math.ceil((simulation.clock.monotonic() - simulation.world.started) / 60),
        "passages": counted("passages", summary.passages, language),
        "verdicts": ", ".join(
            f"{answer(verdict, language)} {summary.verdicts.get(verdict, 0)}" for verdict in Verdict
        ),
    }


def _journal(summary: Summary, language: str) -> str:
    lost = counted("answers", summary.lost, language)
    return said("chain" if summary.journal_ok else "chain broken", language, lost=lost)


def _server(summary: Summary, language: str) -> str:
    if summary.on_server is None:
        return said("silent", language)
    return said("held", language, count=summary.on_server)


def _faults(log: FaultLog, language: str) -> str:
    if not log.all:
        return said("no faults", language)
    count = counted("faults", len(log.all), language)
    return said("faults", language, faults=count, what=listed(log.all, language))


def _note(note: str, language: str) -> str:
    if note == NO_PHOTOGRAPHS:
        note = said("no photographs", language)
    return said("note", language, note=note)

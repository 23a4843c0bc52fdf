"""Puts together what a verdict rests on, has it decided, and has it written down before anybody sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kiosk import record
from kiosk.config import GateConfig
from kiosk.errors import SensorStuck
from kiosk.health import JOURNAL
from kiosk.model import (
    Attended,
    Decision,
    Direction,
    EventKind,
    Monotonic,
    PassFacts,
    Reason,
    Receipt,
    Screening,
    Seconds,
    Verdict,
)
from kiosk.passage.arrival import AntiPassback
from kiosk.passage.decision import Circumstances, decide, needs_reading
from kiosk.person import Person
from kiosk.recollection import Remembered, doubted
from kiosk.surroundings import Parts, Surroundings

DOUBT_STANDS_S: Final = Seconds(1800.0)
"""How long a forehead in doubt refers its pass, until a volunteer's measurement can settle it. Ours."""


class Judge:
    """Decides and records; the only way to a receipt. For the gate thread only."""

    def __init__(self, config: GateConfig, parts: Parts, surroundings: Surroundings) -> None:
        self.on_duty = False
        """An open shift, where ``attended`` asks for one."""
        self._config = config
        self._parts = parts
        self._around = surroundings
        self._passback = AntiPassback()
        self._doubted = AntiPassback()

    @property
    def attended(self) -> bool:
        """A volunteer is there to whom people can be sent."""
        if self._config.attended is Attended.SHIFTS:
            return self.on_duty
        return self._config.attended is Attended.ALWAYS

    def needs_reading(self, person: Person) -> bool:
        """The pass alone does not settle it, and a reading is required and possible."""
        return needs_reading(self._circumstances(person))

    def record(self, person: Person, now: Monotonic) -> tuple[Decision, Receipt | None]:
        """Decide and make it durable. Without a receipt the decision is never ADMIT (rule 1).

        The pass is checked again first: lists and time may have moved on while the forehead was read.
        """
        if person.text is not None:
            person.check = self._around.check(person.text)
        facts = self._circumstances(person)
        self._around.hourly.count(facts.screening)
        decision = decide(facts)
        details = self._details(person, now)
        journal = self._around.journal
        body = record.passage(facts, decision, person.reading, details)
        receipt = journal.append(EventKind.PASSAGE, body, now, decision.verdict)
        if receipt is None:
            unwritten = replace(facts, journal_ok=False)
            decision = decide(unwritten)
            body = record.passage(unwritten, decision, person.reading, details)
            journal.hold(EventKind.PASSAGE, body, now)
        return decision, receipt

    def take_back(self, receipt: Receipt | None, now: Monotonic) -> Decision:
        """An ADMIT that took too long to write is not lit: REFER instead, and the journal says so."""
        body = {
            "part": JOURNAL,
            "code": "JOURNAL_SLOW",
            "message": "an ADMIT was not lit: its record took too long to write",
            "seq": None if receipt is None else receipt.seq,
        }
        self._around.journal.write_or_hold(EventKind.FAULT, body, now)
        return Decision(Verdict.REFER, (Reason.JOURNAL_FAULT,))

    def remember(self, person: Person, decision: Decision, now: Monotonic) -> None:
        """Remember an ADMIT, so that the same pass brings no second person through, and a forehead that is in
        doubt: the same sensor is no second opinion, however often somebody leans in.
        """
        facts = person.check.facts if person.check is not None else None
        if facts is None:
            return
        if person.reading is not None and doubted(
            person.reading.screening, decision.verdict, decision.reasons
        ):
            # A companion's too, for the household's pass: nobody can say who of a family comes with it next.
            self._doubted.admitted(facts.pass_id, Direction.IN, now)
        if person.companion:
            return
        if decision.verdict is Verdict.ADMIT:
            self._passback.admitted(facts.pass_id, self._config.direction, now)
        if person.reading is not None:
            self._around.baseline.take(person.reading, facts.pass_id, now)

    def recall(self, passage: Remembered) -> None:
        """Take in what the journal knows of this boot from before the process was started anew."""
        if passage.admitted:
            self._passback.admitted(passage.pass_id, self._config.direction, passage.at)
        if passage.doubted:
            self._doubted.admitted(passage.pass_id, Direction.IN, passage.at)

    def _circumstances(self, person: Person) -> Circumstances:
        around = self._around
        facts = person.check.facts if person.check is not None else None
        return Circumstances(
            policy=around.policy,
            direction=self._config.direction,
            check=person.check,
            screening=self._screening(person),
            companion=person.companion,
            passback=not person.companion and self._seen_lately(facts, person.since),
            gate_open=around.gate_open,
            trust=around.trusted,
            lists_age_s=around.lists_age_s(),
            called=person.called,
            high_before=not person.companion and self._was_doubted(facts, person.since),
            left=person.left,
        )

    def _was_doubted(self, facts: PassFacts | None, now: Monotonic) -> bool:
        return facts is not None and self._doubted.blocks(facts.pass_id, Direction.IN, now, DOUBT_STANDS_S)

    def _seen_lately(self, facts: PassFacts | None, now: Monotonic) -> bool:
        if facts is None:
            return False
        span = self._around.policy.anti_passback_s
        return self._passback.blocks(facts.pass_id, self._config.direction, now, span)

    def _screening(self, person: Person) -> Screening | None:
        if person.reading is not None:
            return person.reading.screening
        if not self._around.temperature_required:
            return Screening.NOT_REQUIRED
        fault = self._parts.thermometer.fault
        if fault is not None:
            return Screening.SENSOR_STUCK if isinstance(fault, SensorStuck) else Screening.SENSOR_FAULT
        return Screening.ENVIRONMENT if self._around.environment else None

    def _details(self, person: Person, now: Monotonic) -> dict[str, object]:
        details: dict[str, object] = {
            "context": self._around.context_id(now),
            "tries": person.tries,
            "took_ms": round((now - person.since) * 1000),
        }
        return details | ({"simulated": True} if self._config.simulated else {})

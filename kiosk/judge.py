"""Puts together what a verdict rests on, has it decided, and has it written down before anybody sees it."""

from __future__ import annotations

from dataclasses import replace

from kiosk import record
from kiosk.config import GateConfig
from kiosk.errors import SensorStuck
from kiosk.model import (
    Attended,
    Decision,
    EventKind,
    Monotonic,
    PassFacts,
    Receipt,
    Screening,
)
from kiosk.passage.arrival import AntiPassback
from kiosk.passage.decision import Circumstances, decide, needs_reading
from kiosk.person import Person
from kiosk.surroundings import Parts, Surroundings


class Judge:
    """Decides and records; the only way to a receipt. For the gate thread only."""

    def __init__(self, config: GateConfig, parts: Parts, surroundings: Surroundings) -> None:
        self.on_duty = False
        """An open shift, where ``attended`` asks for one."""
        self._config = config
        self._parts = parts
        self._around = surroundings
        self._passback = AntiPassback()

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
        """Decide and make it durable. Without a receipt the decision is never ADMIT (rule 1)."""
        facts = self._circumstances(person)
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

    def admitted(self, person: Person, now: Monotonic) -> None:
        """Remember an ADMIT, so that the same pass does not bring a second person through."""
        if person.check is not None and person.check.facts is not None and not person.companion:
            self._passback.admitted(person.check.facts.pass_id, self._config.direction, now)

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
        )

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

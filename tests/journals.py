"""Journals with passages as a gate writes them, for tests of what carries and keeps them."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from drivers.simulated.clock import VirtualClock
from kiosk import record
from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    Decision,
    DeviceId,
    Direction,
    EventKind,
    EventSeq,
    IssuerId,
    Monotonic,
    PassCheck,
    PassFacts,
    PassId,
    Reading,
    Reason,
    Sample,
    Screening,
    Seconds,
    UnixTime,
    Verdict,
    celsius_to_word,
)
from kiosk.passage.chain import StoredEvent, chain_hash, exact_json, wire_line
from kiosk.passage.decision import Circumstances
from kiosk.passage.journal import Journal, JournalReader
from kiosk.policy import ROUTINE

DEVICE = DeviceId("kiosk-7")
RESERVE = 64 * 1024
ADMIT = Decision(Verdict.ADMIT, (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL))
REFER = Decision(Verdict.REFER, (Reason.TEMPERATURE_HIGH,))
REFUSE = Decision(Verdict.REFUSE, (Reason.BAD_SIGNATURE,))


def passage_body(random: Random, decision: Decision = ADMIT) -> dict[str, Any]:
    """The body of a passage with a pass, a household and ten pairs of raw words."""
    skin, die = 33.6 + random.gauss(0, 0.6), 24.0 + random.gauss(0, 1)
    at = random.uniform(10, 1e6)
    samples = tuple(
        Sample(
            Monotonic(at + index * 0.1 + random.uniform(-0.002, 0.002)),
            celsius_to_word(Celsius(skin + random.gauss(0, 0.05))),
            celsius_to_word(Celsius(die + random.gauss(0, 0.01))),
        )
        for index in range(10)
    )
    facts = PassFacts(
        PassId(random.randbytes(8).hex()),
        IssuerId("office-3"),
        Category.HOUSEHOLD if random.random() < 0.1 else Category.RESIDENT,
        UnixTime(1.83e9),
    )
    check = PassCheck("native", Reason.PASS_VALID, facts.pass_id, facts)
    reading = Reading(
        Screening.NORMAL,
        samples,
        Monotonic(round(at, 3)),
        raw_celsius=Celsius(skin),
        forehead_celsius=Celsius(skin + 0.21),
        ambient_celsius=Celsius(die),
        deviation=Celsius(random.gauss(0, 0.2)),
        uncertainty=Celsius(0.31),
    )
    facts_of_gate = Circumstances(
        ROUTINE, Direction.IN, check, Screening.NORMAL, lists_age_s=random.randrange(9999)
    )
    details = {"context": "0123456789ab", "tries": 0, "took_ms": random.randrange(900, 2500)}
    return record.passage(facts_of_gate, decision, reading, details)


@dataclass
class Gate:
    """A gate as far as its journal goes; ``close`` it."""

    journal: Journal
    clock: VirtualClock
    random: Random

    @classmethod
    def open(cls, path: Path, *, device: DeviceId = DEVICE, simulated: bool = True, seed: int = 1) -> Gate:
        clock = VirtualClock(state=ClockState.SIMULATED if simulated else ClockState.NTP)
        journal = Journal.open(path, device=device, clock=clock, reserve_bytes=RESERVE, simulated=simulated)
        gate = cls(journal, clock, Random(seed))
        journal.append(EventKind.STARTED, {"gate": "east", "simulated": simulated})
        journal.append(EventKind.CONTEXT, {"id": "0123456789ab", "direction": "in"})
        return gate

    def pass_by(self, count: int = 1, decision: Decision = ADMIT) -> None:
        """People pass, one every 4.25 seconds."""
        for _ in range(count):
            self.clock.advance(Seconds(4.25))
            body = passage_body(self.random, decision)
            self.journal.append(EventKind.PASSAGE, body, verdict=decision.verdict)

    def close(self) -> None:
        self.journal.close()


def events_of(path: Path) -> list[StoredEvent]:
    return JournalReader(path).events(EventSeq(0), limit=100_000)


def chained(
    epoch: str, bodies: Sequence[Any], /, *, start: int = 1, prev: str = "00" * 32, **header: Any
) -> list[StoredEvent]:
    """Events of any content, with a chain that holds: what a broken or a hostile kiosk might send."""
    events = []
    for seq, body in enumerate(bodies, start):
        fields = {
            "v": 1,
            "device": DEVICE,
            "epoch": epoch,
            "seq": seq,
            "kind": "passage",
            "clock": "ntp",
        } | header
        text = body if isinstance(body, str) else exact_json(body)
        salt = Random(seq).randbytes(16)
        digest = chain_hash(bytes.fromhex(prev), exact_json(fields), salt, text)
        events.append(StoredEvent(EventSeq(seq), exact_json(fields), salt, text, b"", prev, digest.hex()))
        prev = digest.hex()
    return events


def request_of(events: Sequence[StoredEvent], epoch: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a batch, written from docs/protocol.md without the client's help."""
    body = gzip.compress("".join(wire_line(event) + "\n" for event in events).encode())
    return body, {
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Journal-Head": f"{epoch};{events[0].seq};{events[-1].seq};{events[-1].hash}",
        "Journal-Prev": events[0].prev,
    }

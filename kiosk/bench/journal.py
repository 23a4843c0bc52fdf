"""``kiosk bench journal``: what a durable event costs, in four ways of being durable.

Speed is measured without the shim, bytes and flushes are counted with it, in two runs of the same
events. Only WAL with FULL and a rollback journal with EXTRA keep every acknowledged event through a
power cut; the other two are here to show what that costs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from kiosk import record
from kiosk.bench.machine import machine_line
from kiosk.bench.sqlite_shim import observing
from kiosk.errors import Usage
from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    Decision,
    DeviceId,
    Direction,
    EventKind,
    EventSeq,
    HouseholdId,
    IssuerId,
    Monotonic,
    PassCheck,
    PassFacts,
    PassId,
    RawWord,
    Reading,
    Reason,
    Sample,
    Screening,
    UnixTime,
    Verdict,
)
from kiosk.passage.chain import SALT_BYTES, ZERO, Origin, Stamp, chain_hash, exact_json, header_text
from kiosk.passage.decision import Circumstances
from kiosk.passage.journal import Journal
from kiosk.passage.journal_file import BEGINNING, DURABLE, INSERT, Settings, open_writer
from kiosk.policy import ROUTINE

WAYS: Final = {
    "wal_full": DURABLE,
    "wal_normal": Settings("wal", "normal"),
    "rollback_full": Settings("delete", "full"),
    "rollback_extra": Settings("delete", "extra"),
}
EVENTS: Final = 2000
DEVICE: Final = DeviceId("bench")


@dataclass(slots=True)
class Counts:
    """Bytes written and flushes made: an :class:`kiosk.bench.sqlite_shim.Observer`."""

    written: int = 0
    flushes: int = 0

    def wrote(self, file: str, offset: int, data: bytes) -> None:  # noqa: ARG002 - only the size counts
        """Count bytes."""
        self.written += len(data)

    def truncated(self, file: str, size: int) -> None:
        """Writes nothing that counts."""

    def flushed(self, file: str) -> None:  # noqa: ARG002 - files and directories alike
        """Count a flush."""
        self.flushes += 1


@dataclass(frozen=True, slots=True)
class Figures:
    """One way's cost."""

    appends_per_s: float
    bytes_per_event: float
    flushes_per_event: float


class BenchClock:
    """Time as the machine has it. Drivers are not a bench's business here."""

    def monotonic(self) -> Monotonic:
        """Seconds of the process clock."""
        return Monotonic(time.monotonic())

    def wall(self) -> UnixTime:
        """The system's clock."""
        return UnixTime(time.time())

    def state(self) -> ClockState:
        """Nobody vouches for it here."""
        return ClockState.UNTRUSTED


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the bench."""
    parser.add_argument("--json", action="store_true", help="one JSON object (the machine goes to stderr)")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"passages in each run ({EVENTS})")
    parser.add_argument(
        "--directory", type=Path, help="a directory on the disk to measure (default: temporary)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure all four and print them."""
    if arguments.events < 1:
        raise Usage("--events: at least 1")
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-", dir=arguments.directory) as name:
        figures = {
            way: measure(settings, Path(name) / way, arguments.events) for way, settings in WAYS.items()
        }
        machine = machine_line(Path(name))
    if arguments.json:
        print(json.dumps({way: asdict(figure) for way, figure in figures.items()}))
        print(machine, file=sys.stderr)
    else:
        print("\n".join(_table(figures, arguments.events)), machine, sep="\n")
    return 0


def measure(settings: Settings, directory: Path, events: int) -> Figures:
    """One way: speed in a first journal, bytes and flushes in a second one (opening and closing excluded,
    checkpoints that fall due meanwhile included)."""
    bodies = list(typical_passages(events))
    took = _timed(settings, directory / "timed" / "journal.db", bodies)
    counts = Counts()
    with observing(counts), _journal(settings, directory / "counted" / "journal.db") as journal:
        counts.written = counts.flushes = 0
        _append(journal, bodies)
        written, flushes = counts.written, counts.flushes
    return Figures(round(events / took, 1), round(written / events, 1), round(flushes / events, 3))


def typical_passages(count: int) -> Iterator[dict[str, Any]]:
    """Bodies of ``count`` passages as the gate writes them: random ids, a reading of 20 samples."""
    random = Random(1)
    for number in range(count):
        yield _typical_passage(random, number)


def make_journal(path: Path, events: int, device: DeviceId = DEVICE) -> None:
    """A sound journal of many passages, written in one transaction: for measuring what comes after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Journal.open(path, device=device, clock=BenchClock(), reserve_bytes=0, simulated=True) as journal:
        origin = Origin(device, journal.epoch, "bench", simulated=True)
        head, first = bytes.fromhex(journal.head), journal.seq + 1
    with closing(open_writer(path, BEGINNING)) as connection:
        connection.execute("BEGIN")
        connection.executemany(INSERT, _rows(origin, head, first, events))
        connection.execute("COMMIT")


def _rows(origin: Origin, head: bytes, first: int, events: int) -> Iterator[tuple[Any, ...]]:
    random = Random(2)
    for number, body in enumerate(typical_passages(events)):
        stamp = Stamp(Monotonic(number * 18.0), UnixTime(1.7e9 + number * 18.0), ClockState.SIMULATED)
        header = header_text(origin, stamp, EventSeq(first + number), EventKind.PASSAGE)
        text, salt = exact_json(body), random.randbytes(SALT_BYTES)
        head = chain_hash(head or ZERO, header, salt, text)
        yield first + number, header, salt, text, head


def _typical_passage(random: Random, number: int) -> dict[str, Any]:
    facts = PassFacts(
        pass_id=PassId(random.randbytes(8).hex()),
        issuer=IssuerId("GA-07"),
        category=Category.RESIDENT,
        expires=UnixTime(1.8e9),
        household=HouseholdId(random.randbytes(6).hex()),
    )
    circumstances = Circumstances(
        policy=ROUTINE,
        direction=Direction.IN,
        check=PassCheck("native", Reason.PASS_VALID, facts.pass_id, facts),
        screening=Screening.NORMAL,
        lists_age_s=round(random.uniform(0, 60), 1),
    )
    decision = Decision(Verdict.ADMIT, (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL))
    details = {"context": "5f0c2a9be113", "tries": 1, "took_ms": random.randint(900, 2500)}
    return record.passage(circumstances, decision, _typical_reading(random, number * 18.0), details)


def _typical_reading(random: Random, at: float) -> Reading:
    samples = [
        Sample(
            Monotonic(at + 0.1 * turn),
            RawWord(round(15_380 + random.gauss(0, 3))),
            RawWord(round(14_730 + random.gauss(0, 0.7))),
        )
        for turn in range(20)
    ]
    return Reading(
        screening=Screening.NORMAL,
        samples=tuple(samples),
        opened_at=samples[0].at,
        raw_celsius=Celsius(34.45),
        forehead_celsius=Celsius(34.72),
        ambient_celsius=Celsius(21.43),
        deviation=Celsius(round(random.gauss(0, 0.25), 3)),
        uncertainty=Celsius(0.21),
    )


def _timed(settings: Settings, path: Path, bodies: list[dict[str, Any]]) -> float:
    with _journal(settings, path) as journal:
        started = time.perf_counter()
        _append(journal, bodies)
        return time.perf_counter() - started


def _journal(settings: Settings, path: Path) -> Journal:
    return Journal.open(
        path, device=DEVICE, clock=BenchClock(), reserve_bytes=0, simulated=True, settings=settings
    )


def _append(journal: Journal, bodies: list[dict[str, Any]]) -> None:
    for body in bodies:
        journal.append(EventKind.PASSAGE, body, verdict=Verdict.ADMIT)


def _table(figures: dict[str, Figures], events: int) -> Iterator[str]:
    yield f"{events} passages each"
    yield f"{'':<16}{'appends/s':>12}{'bytes/event':>14}{'flushes/event':>16}"
    for way, figure in figures.items():
        numbers = (
            f"{figure.appends_per_s:>12.0f}{figure.bytes_per_event:>14.0f}{figure.flushes_per_event:>16.2f}"
        )
        yield f"{way:<16}{numbers}"

"""A process that appends to a journal and says what was acknowledged, until somebody kills it."""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from pathlib import Path

from kiosk.model import ClockState, DeviceId, EventKind, Monotonic, UnixTime, Verdict
from kiosk.passage.journal import Journal


class ProcessClock:
    """The time of this process."""

    def monotonic(self) -> Monotonic:
        return Monotonic(time.monotonic())

    def wall(self) -> UnixTime:
        return UnixTime(time.time())

    def state(self) -> ClockState:
        return ClockState.UNTRUSTED


def main(path: Path) -> None:
    """Write straight to the pipe: what stands in a buffer of ours would die with us."""
    os.write(1, b"opening\n")
    journal = Journal.open(path, device=DeviceId("gate-7"), clock=ProcessClock(), reserve_bytes=1 << 20)
    for number in count():
        body = {"reasons": ["PASS_VALID"], "number": number, "words": list(range(number % 400))}
        receipt = journal.append(EventKind.PASSAGE, body, verdict=Verdict.ADMIT)
        os.write(1, f"{receipt.epoch} {receipt.seq} {receipt.head}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A real gate on mock pins, for test_gate_process: ``python -m tests.e2e.gate_process FOLDER LOG CASE``.

The product's own assembly, threads, loop and signals in real time; only the camera's pictures and the
sensor's words are played, at the seams where drivers stand. Every edge of every pin is logged at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from drivers.clock import SystemClock
from kiosk.assembly import real
from kiosk.commands.gate import loop
from kiosk.config import load
from kiosk.devices import CallButton, FrameSource
from kiosk.errors import DeviceAbsent
from kiosk.fitted import Openers
from kiosk.model import Frame, Monotonic, Sample, celsius_to_word
from kiosk.notify import Notifier
from kiosk.person import Passage
from kiosk.signals import StopSignals
from tests.e2e.lamp_process import LoggedPin
from tests.mock_pins import MockPins
from tests.street import AIR, WALL, forehead

FOLDER, CASE = Path(sys.argv[1]), sys.argv[3]
WIDTH = HEIGHT = 480


class Picture:
    """A pass held up from half a second after the start on."""

    def __init__(self) -> None:
        self._luma = (FOLDER / "pass.luma").read_bytes()
        self._from = SystemClock().monotonic() + 1.0
        self._last = Monotonic(0.0)

    def poll(self, now: Monotonic) -> Frame | None:
        if now < self._from or now - self._last < 0.06:
            return None
        self._last = now
        if CASE == "decoder dies":
            raise RuntimeError("a defect in the camera thread")
        return Frame(self._luma, WIDTH, HEIGHT, now)

    def close(self) -> None:
        """Nothing to release."""


class Sensor:
    """A wall, and a healthy forehead from 1.5 s after the start on."""

    def __init__(self) -> None:
        self._from = SystemClock().monotonic() + 1.5
        self._last = Monotonic(0.0)

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        if now - self._last < 0.1:
            return ()
        self._last = now
        seen = forehead(0.0) if now >= self._from else WALL
        return [Sample(now, celsius_to_word(seen), celsius_to_word(AIR))]

    def close(self) -> None:
        """Nothing to release."""


def _no_button() -> CallButton:
    raise DeviceAbsent("call button: not fitted here")


def _frames() -> FrameSource:
    return Picture()


def _tell(passage: Passage) -> None:
    os.write(1, f"{passage.decision.verdict} {passage.decision.reasons[0]}\n".encode())


def main() -> int:
    config = load(FOLDER / "kiosk.toml")
    pins = MockPins(LoggedPin)
    openers = Openers.of(config, pins) if CASE == "nothing there" else Openers(_frames, Sensor, _no_button)
    with StopSignals() as stop, Notifier() as notifier, real(config, pins=pins, openers=openers) as kiosk:
        kiosk.gate.observers.append(_tell)
        return loop(kiosk.gate, config, stop, notifier)


if __name__ == "__main__":
    sys.exit(main())

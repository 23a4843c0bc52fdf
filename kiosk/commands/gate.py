"""``kiosk gate``: the gate on this machine's devices, until it is told to stop.

systemd starts it with WatchdogSec; the watchdog is fed after each full turn and from nowhere else, so a gate
that hangs is killed, darkened and started anew. A configuration with simulated devices is refused: ``kiosk
demo`` runs those, so that nobody takes a simulated gate for a real one.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kiosk.assembly import real
from kiosk.config import Config, find, load
from kiosk.errors import RefusedRoot, Usage
from kiosk.gate import Gate, State
from kiosk.health import Change
from kiosk.model import Seconds
from kiosk.notify import Notifier
from kiosk.signals import StopSignals

TURN_S: Final = Seconds(0.01)

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: $KIOSK_CONFIG, then /etc/kiosk")


def run(arguments: argparse.Namespace) -> int:
    """0 after a clean stop; an unexpected error goes up and ends the process, dark and non-zero."""
    config = load(find(arguments.config))
    logging.basicConfig(level=logging.INFO, format="gate: %(message)s")
    if config.gate.simulated:
        raise Usage("this configuration is simulated: run `kiosk demo`, a real gate has real devices")
    _refuse_root()
    with StopSignals() as stop, Notifier() as notifier, real(config) as kiosk:
        return loop(kiosk.gate, config, stop, notifier)


def _refuse_root() -> None:
    if os.geteuid() == 0:
        raise RefusedRoot(
            "the gate must not run as root: start the unit kiosk-gate, or use a user of its own"
        )


class FaultLines:
    """What begins and ends to be wrong, a line each in the log, where whoever has no panel looks.

    For one thread.
    """

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def look(self, faults: Mapping[str, Change]) -> None:
        """Log what is new since the last look."""
        for part, change in faults.items():
            if self._told.get(part) != change.code:
                log.warning("%s", ": ".join(filter(None, (part, change.code, change.message))))
        for part in self._told.keys() - faults.keys():
            log.info("%s works again", part)
        self._told = {part: change.code for part, change in faults.items()}


def loop(gate: Gate, config: Config, stop: StopSignals, notifier: Notifier) -> int:
    """Turn until told to stop; the watchdog lives on full turns alone."""
    told, lines = State.STARTING, FaultLines()
    while not stop.is_set():
        gate.turn()
        if told is State.STARTING:
            notifier.ready(f"gate {config.gate.id}")
            log.info("gate %s is running", config.gate.id)
        if gate.state is not told:
            told = gate.state
            notifier.status(f"{gate.state}")
        lines.look(gate.surroundings.health.faults)
        notifier.watchdog(gate.monotonic())
        stop.wait(TURN_S)
    notifier.stopping()
    gate.stop()
    return 0

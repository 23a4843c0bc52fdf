"""Configurations and journals of gates, for the tests of ``kiosk calibrate``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drivers.mlx90614 import SPECS
from drivers.simulated.clock import VirtualClock
from kiosk import record
from kiosk.assembly import site_of
from kiosk.commands.__main__ import main
from kiosk.config import ThermometerConfig, load
from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    Direction,
    EventKind,
    IssuerId,
    Monotonic,
    PassCheck,
    PassFacts,
    PassId,
    Reason,
    Sample,
    UnixTime,
    celsius_to_word,
)
from kiosk.passage.body_temperature import screen
from kiosk.passage.decision import Circumstances, decide
from kiosk.passage.journal import Journal
from kiosk.passage.reference_body import Reference
from kiosk.policy import ROUTINE

AIR = Celsius(24.1)


def simulated(folder: Path, *more: str, name: str = "kiosk.toml") -> Path:
    file = folder / name
    lines = [
        '[gate]\nid = "east"\nsimulated = true\nentry_from = "indoors"',
        '[camera]\nsource = "simulated"',
        '[thermometer]\ndriver = "simulated"\nvariant = "xAA"\ndistance_cm = 1.0\nsupply_volts = 3.0',
        '[journal]\npath = "journal.db"',
        *more,
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def real(folder: Path) -> Path:
    file = folder / "real.toml"
    file.write_text(
        '[gate]\nentry_from = "indoors"\n[thermometer]\nvariant = "xCC"\n[journal]\npath = "journal.db"\n',
        encoding="utf-8",
    )
    return file


def asked(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> dict[str, Any]:
    assert main(["calibrate", *map(str, words), "--json"]) == code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def measured(
    config_file: Path, foreheads: Sequence[float], *, simulated: bool = True, companions: int = 0
) -> Path:
    """A journal in which people with these foreheads (true skin, °C) came by, one a minute.

    The last ``companions`` of them came with somebody else's pass.
    """
    config = load(config_file)
    spec, site = SPECS[config.thermometer.variant], site_of(config)
    clock = VirtualClock(state=ClockState.SIMULATED if simulated else ClockState.NTP)
    path = config.journal.path
    journal = Journal.open(
        path, device=config.gate.device, clock=clock, reserve_bytes=65536, simulated=simulated
    )
    with closing(journal):
        context = record.context(ROUTINE, site, spec, Direction.IN)
        journal.append(EventKind.CONTEXT, context)
        for number, skin in enumerate(foreheads):
            clock.advance(60.0)
            words = _words(clock.monotonic(), skin, config.thermometer)
            reading = screen(
                words,
                spec,
                site,
                opened_at=words[0].at,
                background=Celsius(22.0),
                ambient=None,
                environment=None,
            )
            token = f"{number:016x}"
            facts = PassFacts(PassId(token), IssuerId("office"), Category.RESIDENT, UnixTime(2e9))
            shown = PassCheck("native", Reason.PASS_VALID, token, facts)
            with_another = number >= len(foreheads) - companions
            seen = Circumstances(ROUTINE, Direction.IN, shown, reading.screening, with_another, lists_age_s=1)
            decision = decide(seen)
            details = {"context": context["id"], "tries": 0, "took_ms": 1000}
            body = record.passage(seen, decision, reading, details)
            journal.append(EventKind.PASSAGE, body, verdict=decision.verdict)
    return path


def _words(at: Monotonic, skin: float, part: ThermometerConfig) -> list[Sample]:
    # Skin of emissivity .98 is seen as a plate of it would be, in air of 24.1 °C.
    seen = Reference(Celsius(skin), 0.98, AIR).seen + 0.6 * (part.supply_volts - part.rated_volts)
    word, die = celsius_to_word(Celsius(seen)), celsius_to_word(Celsius(AIR + part.die_offset))
    return [Sample(Monotonic(round(at + 0.14 * step, 3)), word, die) for step in range(12)]

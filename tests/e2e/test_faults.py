"""Faults as they happen: a disk that really is full, cables pulled among people, a killed process, a typo.

What each failure does by itself is in tests/unit/test_gate_faults.py; here whole gates live through them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest

from drivers.light_patterns import LEASE_S
from kiosk import scenario
from kiosk.commands.__main__ import main
from kiosk.config import load
from kiosk.errors import ConfigError
from kiosk.model import Light, Reason, Seconds, Verdict
from kiosk.scenario import Call, FaultKind, FaultSpan, Scenario
from kiosk.simulation import Place, Simulation
from tests.data import REPOSITORY
from tests.street import Street, assert_sound, memory_folder
from tests.unit.passage.test_journal_faults import namespace

DAY: Final = 86_400


# -- a disk that really is full -------------------------------------------------------------------------


def test_a_gate_on_a_full_disk_goes_on_with_the_reserve_then_refers_and_then_catches_up(
    tmp_path: Path,
) -> None:
    command = [*namespace(), sys.executable, "-B", "-m", "tests.e2e.full_disk_gate", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    admitted = {"verdict": "ADMIT", "reason": "PASS_VALID", "light": "idle"}
    assert seen["before"] == {**admitted, "faults": {}}
    assert seen["reserve in use"] == {**admitted, "faults": {"disk": "DISK_FULL"}}
    assert seen["people on the reserve"] == 22, "everybody so far"
    assert seen["reserve used up"] == {
        "verdict": "REFER",
        "reason": "JOURNAL_FAULT",
        "light": "fault",
        "faults": {"disk": "DISK_FULL", "journal": "DISK_FULL"},
    }
    assert seen["green without a record"] == 0
    assert seen["afterwards"] == {**admitted, "faults": {}}
    assert seen["recorded"] == seen["answered"], "nobody is lost and nobody is there twice"
    assert (seen["late"], seen["late admits"]) == (6, 0)
    assert (seen["verifies"], seen["differences"]) == (True, 0)
    assert [(kind, part) for kind, part, _ in seen["told"]] == [
        ("fault", "disk"),
        ("fault", "journal"),
        ("recovered", "disk"),
        ("recovered", "journal"),
    ]


# -- a bad day among people ------------------------------------------------------------------------------


def span(kind: FaultKind, start: float, until: float, **more: float) -> FaultSpan:
    return FaultSpan(kind, Seconds(start), Seconds(until), **more)


BAD_DAY: Final = (
    span(FaultKind.CAMERA_GONE, 20, 30),
    span(FaultKind.CAMERA_STALLED, 44, 56),
    span(FaultKind.SENSOR_UNPLUGGED, 70, 83),
    span(FaultKind.BUS_NOISE, 95, 110, share=0.97),
    span(FaultKind.AIR_UNPLUGGED, 130, 142),
    span(FaultKind.CLOCK_JUMP, 150, 151, jump_s=40 * DAY),
    span(FaultKind.CLOCK_JUMP, 165, 166, jump_s=-40 * DAY),
    span(FaultKind.DISK_FULL, 180, 196),
    span(FaultKind.SENSOR_STUCK, 210, 300),
)
PEOPLE: Final[Mapping[str, tuple[float, Verdict, Reason]]] = {
    "early": (2, Verdict.ADMIT, Reason.PASS_VALID),
    "before-a-dead-camera": (22, Verdict.ADMIT, Reason.PASS_VALID),
    "before-a-frozen-camera": (46, Verdict.ADMIT, Reason.PASS_VALID),
    "without-sensor": (73, Verdict.REFER, Reason.SENSOR_FAULT),
    "with-noise": (97, Verdict.REFER, Reason.SENSOR_FAULT),
    "without-air": (133, Verdict.ADMIT, Reason.PASS_VALID),
    "in-another-year": (154, Verdict.REFER, Reason.TIME_UNCERTAIN),
    "without-disk": (183, Verdict.REFER, Reason.JOURNAL_FAULT),
    "with-a-stuck-sensor": (285, Verdict.REFER, Reason.SENSOR_STUCK),
    "late": (312, Verdict.ADMIT, Reason.PASS_VALID),
    "after-the-kill": (330, Verdict.ADMIT, Reason.PASS_VALID),
}
KILL_AT: Final = 324.0


def bad_day() -> Scenario:
    ordinary = scenario.load("ordinary")
    kinds = {"resident": replace(ordinary.cast["resident"], skin=scenario.Spread(0.0))}
    calls = tuple(Call(Seconds(at), "resident", name) for name, (at, *_) in PEOPLE.items())
    return replace(ordinary, cast=kinds, calls=calls, flows=(), faults=BAD_DAY)


@dataclass
class Watch:
    """Looks at the gate after each turn, and kills the renderer when its time has come."""

    simulation: Simulation
    faults: dict[str, set[str]] = field(default_factory=dict)
    answers: dict[str, tuple[Verdict, Reason]] = field(default_factory=dict)
    admitted_at: list[float] = field(default_factory=list)
    killed: int | None = None

    def __post_init__(self) -> None:
        self.simulation.gate.observers.append(self._answered)

    def _answered(self, passage: Any) -> None:
        visit = self.simulation.world.current
        assert visit is not None
        self.answers[visit.person.id] = (passage.decision.verdict, passage.decision.reasons[0])
        if passage.decision.verdict is Verdict.ADMIT:
            assert passage.receipt is not None
            self.admitted_at.append(self.simulation.clock.monotonic())

    def turn(self) -> None:
        simulation = self.simulation
        for part, code in simulation.gate.surroundings.health.snapshot().items():
            self.faults.setdefault(part, set()).add(code)
        if self.killed is None and simulation.world.elapsed(simulation.clock.monotonic()) >= KILL_AT:
            self.killed = simulation.renderer.pid
            os.kill(self.killed, signal.SIGKILL)
            # What was drawn ahead would hide it.
            simulation.renderer.want(())


@pytest.fixture(scope="module")
def day() -> Iterator[Watch]:
    with memory_folder() as folder:
        place = Place.lay_out(folder / "gate", bad_day())
        config = load(place.config_file)
        with Simulation(place, config) as simulation:
            watch = Watch(simulation)
            simulation.run(1000.0, Event(), watch.turn)
        assert_sound(config.journal.path)
        yield watch


def test_everybody_gets_the_answer_that_the_fault_of_the_moment_allows(day: Watch) -> None:
    assert day.answers == {name: (verdict, reason) for name, (_, verdict, reason) in PEOPLE.items()}


def test_each_fault_is_named_while_it_lasts_and_none_is_left(day: Watch) -> None:
    assert day.faults == {
        "camera": {"DEVICE_ABSENT", "DEVICE_STALLED"},
        "thermometer": {"DEVICE_ABSENT", "SENSOR_FAULT", "SENSOR_STUCK"},
        "air": {"DEVICE_ABSENT"},
        "clock": {"CLOCK_UNTRUSTED"},
        "journal": {"DISK_FULL"},
        "disk": {"DISK_FULL"},
    }
    assert day.simulation.gate.surroundings.health.snapshot() == {}


def test_green_was_lit_for_who_was_admitted_and_for_nobody_else(day: Watch) -> None:
    lit = [change for change in day.simulation.lamp.history if change.outputs.green]
    assert lit
    for change in lit:
        assert change.light is Light.ADMIT
        assert any(at <= change.at <= at + LEASE_S for at in day.admitted_at)


def test_a_renderer_that_was_killed_is_started_anew(day: Watch) -> None:
    assert day.killed is not None
    assert day.simulation.renderer.pid != day.killed


# -- mistakes in what the gate is given --------------------------------------------------------------------


def test_a_configuration_with_typos_is_refused_with_every_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(
        """
        [gate]
        id = "north"
        directoin = "in"
        [thermomter]
        variant = "xCC"
        [screening]
        high = 9.0
        [pins]
        red = 27
        green = 27
        relay = 2
        [lamp]
        relay_pulse_s = 30
        """
    )
    assert main(["gate", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    for expected in ("directoin", "direction", "thermomter", "thermometer", "high", "relay_pulse_s", "pins"):
        assert expected in said
    assert len(said.splitlines()) >= 6, said


@pytest.mark.parametrize("content", ["", "{", "[]", '{"site_normal": 20.0}'])
def test_a_commissioning_record_that_is_none_stops_the_start_with_a_sentence(content: str) -> None:
    with memory_folder() as folder:
        (folder / "bad").mkdir()
        street = Street(folder)
        street.kiosk.close()
        record = street.config.screening.commissioning
        assert record is not None
        record.write_text(content)
        with pytest.raises(ConfigError, match="commissioning"):
            street.restart()

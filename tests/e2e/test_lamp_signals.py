"""Real processes end while green, each in its own way; their pins must be left dark.

``kill -9`` is not here: nothing in a process survives it. There the unit darkens (docs/lights.md).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest


class Edge(NamedTuple):
    at: float
    name: str
    on: bool


class LampProcess:
    """One process and what its pins did."""

    def __init__(self, case: str, log: Path) -> None:
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.lamp_process", case, str(log)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def wait_until_green(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "green\n"

    def edges(self) -> list[Edge]:
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [Edge(float(at), name, state == "1") for at, name, state in lines]

    def at(self, name: str, on: bool) -> float:
        return next(edge.at for edge in self.edges() if (edge.name, edge.on) == (name, on))

    def left_on(self) -> set[str]:
        last = {edge.name: edge.on for edge in self.edges()}
        return {name for name, on in last.items() if on}


@contextmanager
def lamp_process(case: str, directory: Path) -> Iterator[LampProcess]:
    running = LampProcess(case, directory / "pins.log")
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        if running.process.stdout is not None:
            running.process.stdout.close()


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _went_dark_early(lamp: LampProcess) -> None:
    """Green was out well before its lease would have put it out, and nothing was left on."""
    assert lamp.left_on() == set()
    assert lamp.at("green", False) - lamp.at("green", True) < 1.9
    assert lamp.at("relay", False) - lamp.at("relay", True) <= 1.0


@pytest.mark.parametrize(
    ("case", "end", "code"),
    [
        ("sigterm", signal.SIGTERM, 0),
        ("sigterm", signal.SIGINT, 0),
        ("interrupt", signal.SIGINT, -signal.SIGINT),
        ("exception", None, 1),
        ("inside_with", None, 1),
        ("sys_exit", None, 5),
    ],
)
def test_a_process_that_ends_while_green_leaves_it_dark(
    tmp_path: Path, case: str, end: signal.Signals | None, code: int
) -> None:
    with lamp_process(case, tmp_path) as lamp:
        lamp.wait_until_green()
        if end is not None:
            lamp.process.send_signal(end)
        assert lamp.process.wait(20) == code
        _went_dark_early(lamp)


def test_a_loop_that_hangs_while_green_is_dark_after_two_seconds(tmp_path: Path) -> None:
    with lamp_process("blocked", tmp_path) as lamp:
        lamp.wait_until_green()
        _until(lambda: not lamp.left_on(), 10)
        assert lamp.process.poll() is None  # it still hangs
        assert 1.9 < lamp.at("green", False) - lamp.at("green", True) < 2.5
        assert 0.7 < lamp.at("relay", False) - lamp.at("relay", True) < 1.3


def test_kill_9_leaves_green_on_and_that_is_why_the_unit_darkens(tmp_path: Path) -> None:
    """Not a wish but a fact the unit must answer for; if this ever fails, the docs are wrong."""
    with lamp_process("blocked", tmp_path) as lamp:
        lamp.wait_until_green()
        lamp.process.kill()
        lamp.process.wait()
        assert "green" in lamp.left_on()


def _until(condition: Callable[[], bool], seconds: float) -> None:
    limit = _now() + seconds
    while not condition():
        assert _now() < limit, "did not happen in time"
        time.sleep(0.02)

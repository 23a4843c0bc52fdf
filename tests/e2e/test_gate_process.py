"""The gate as systemd runs it: threads, signals, watchdog, in real time, on mock pins."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import segno
from PIL import Image

from kiosk.config import load
from kiosk.model import Category, EventKind, Seconds, UnixTime
from kiosk.passage.body_temperature import Commissioning
from kiosk.passage.journal import JournalReader
from kiosk.passage.site import as_configured, measured_with
from kiosk.passes.trust import init_demo
from tests.street import SITE_NORMAL

LIMIT_S = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installed gate's files, with lists of today and the picture of a valid pass."""
    # No NTP is sure to have run here: the clock is not trusted, and an ordinary pass must work all the same.
    now = UnixTime(time.time())
    trust = init_demo(tmp_path / "trust", now)
    text = trust.issuer.issue(Category.RESIDENT, now=now, life=Seconds(60 * 86_400)).text
    segno.make_qr(text, error="m").save(str(tmp_path / "pass.png"), scale=8, border=4)
    picture = Image.new("L", (480, 480), 160)
    picture.paste(Image.open(tmp_path / "pass.png").convert("L").resize((456, 456)), (12, 12))
    (tmp_path / "pass.luma").write_bytes(picture.tobytes())
    (tmp_path / "kiosk.toml").write_text(
        f"""
        [gate]
        id = "north"
        device = "kiosk-1"
        community = "{trust.community}"
        entry_from = "indoors"
        [thermometer]
        variant = "xCC"
        supply_volts = 3.0
        die_offset = 0.0
        [screening]
        commissioning = "commissioning.json"
        [journal]
        path = "journal/journal.db"
        reserve_mb = 1
        [directory]
        path = "trust/lists"
        roots = ["trust/root.pub"]
        """
    )
    config = load(tmp_path / "kiosk.toml")
    record = Commissioning.make(
        SITE_NORMAL,
        120,
        "2026-11-21T00:00:00+08:00",
        simulated=False,
        measured_with=measured_with(as_configured(config), config.thermometer.variant),
    )
    (tmp_path / "commissioning.json").write_text(json.dumps(record.to_map()))
    return tmp_path


class Process:
    """The gate's process and what it tells systemd."""

    def __init__(self, folder: Path, case: str) -> None:
        self.log = folder / "pins.log"
        self.folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(LIMIT_S)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.gate_process", str(folder), str(self.log), case],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "400000", "PATH": "/usr/bin:/bin"},
            cwd=Path(__file__).parents[2],
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self._socket.close()

    def told(self, what: str) -> None:
        """Wait until systemd has been told this."""
        while what not in self._socket.recv(4096).decode():
            pass

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, out + err

    def lit(self) -> dict[str, int]:
        """The last state of every pin that ever changed."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return {name: int(state) for _, name, state in lines}

    def events(self, kind: EventKind) -> list[dict[str, object]]:
        reader = JournalReader(self.folder / "journal" / "journal.db")
        try:
            return [event.content() or {} for event in reader.events(kind=kind)]
        finally:
            reader.close()


Start = Callable[[str], Process]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    started: list[Process] = []

    def run(case: str) -> Process:
        started.append(Process(folder, case))
        return started[-1]

    yield run
    for process in started:
        process.close()


def test_from_the_picture_of_a_pass_to_the_green_pin_and_the_journal(start: Start) -> None:
    gate = start("person")
    gate.told("READY=1")
    assert gate.process.stdout is not None
    assert gate.process.stdout.readline() == "ADMIT PASS_VALID\n"
    gate.told("WATCHDOG=1")
    # The lamp's own thread lights green a moment after the answer, and opens the relay with it.
    deadline = time.monotonic() + LIMIT_S
    while gate.lit().get("green") != 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    gate.process.send_signal(signal.SIGTERM)
    code, output = gate.end()
    assert code == 0, output
    assert not any(gate.lit().values())
    assert {"green", "relay"} <= gate.lit().keys()
    [passage] = gate.events(EventKind.PASSAGE)
    assert passage["verdict"] == "ADMIT"
    assert "simulated" not in passage
    assert len(gate.events(EventKind.STOPPED)) == 1


def test_without_any_device_it_is_ready_and_steadily_red(start: Start) -> None:
    gate = start("nothing there")
    gate.told("READY=1")
    deadline = time.monotonic() + LIMIT_S
    while gate.lit().get("red") != 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    gate.told("WATCHDOG=1")
    gate.process.send_signal(signal.SIGTERM)
    code, output = gate.end()
    assert code == 0, output
    parts = {str(event["part"]) for event in gate.events(EventKind.FAULT)}
    assert {"camera", "thermometer"} <= parts
    assert gate.lit()["red"] == 0


def test_a_defect_in_a_device_thread_takes_the_process_down_dark(start: Start) -> None:
    gate = start("decoder dies")
    code, output = gate.end()
    assert code != 0
    assert "a defect in the camera thread" in output
    assert not any(gate.lit().values())

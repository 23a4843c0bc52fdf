"""The whole product as a newcomer runs it: one command, real processes, real sockets, real files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kiosk.passage.journal import JournalReader
from kiosk.scenario import load, people

LIMIT_S = 120


def demo(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.commands", "demo", "--headless", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.splitlines()


def summary(*arguments: str) -> dict[str, Any]:
    found = json.loads(demo("--json", *arguments)[-1])
    assert isinstance(found, dict)
    return found


def test_an_ordinary_morning_is_answered_recorded_and_on_the_server(tmp_path: Path) -> None:
    found = summary("--speed", "40", "--keep", str(tmp_path / "kept"))
    assert 20 <= found["passages"] <= 30
    assert found["passages"] == found["admit"] + found["refer"] + found["refuse"] == found["on_server"]
    assert found["lost"] == 0
    assert found["journal_ok"] is True
    assert found["simulated"] is True
    assert found["admit"] > found["refer"] > 0
    assert found["refuse"] > 0
    reader = JournalReader(tmp_path / "kept" / "gate" / "journal" / "journal.db")
    try:
        assert reader.verify().ok
        assert all(event.fields()["simulated"] for event in reader.events())
    finally:
        reader.close()


def test_no_forgery_opens_the_gate() -> None:
    found = summary("--speed", "40", "--scenario", "forged")
    assert found["admit"] == 0
    assert found["passages"] == len(people(load("forged")))


def test_people_may_hold_up_pictures_of_my_own(tmp_path: Path) -> None:
    import segno

    segno.make_qr("no pass at all").save(str(tmp_path / "menu.png"), scale=6)
    Image.new("L", (640, 480), 120).save(tmp_path / "wall.png")
    lines = demo("--speed", "40", "--frames", str(tmp_path))
    assert any("menu.png: no pass at all  ->  REFER  PASS_UNKNOWN" in line for line in lines)
    assert any("wall.png: no code read" in line for line in lines)


def test_a_picture_that_can_not_be_read_takes_nobody_elses_answer(tmp_path: Path) -> None:
    """The first two have no code: who shows one presses the button, and the next is answered by the code."""
    import segno

    for name in ("a.png", "b.png"):
        Image.new("L", (640, 480), 120).save(tmp_path / name)
    for name in ("c.png", "d.png", "e.png"):
        segno.make_qr("the same for all").save(str(tmp_path / name), scale=6)
    lines = demo("--speed", "100", "--frames", str(tmp_path))
    assert [line.split("  ->  ")[1] for line in lines if line.startswith(("a.png", "b.png"))] == [
        "REFER  CALLED",
        "REFER  CALLED",
    ]
    for name in ("c.png", "d.png", "e.png"):
        assert f"{name}: the same for all  ->  REFER  PASS_UNKNOWN" in lines
    assert "3 of 5 pictures read" in "".join(lines)
    assert "5 people came" in "".join(lines)
    assert "; 5 passages:" in "".join(lines)


@pytest.mark.parametrize(
    "arguments", [["--speed", "0"], ["--scenario", "ordinry"], ["--frames", "/dev/null"]]
)
def test_a_wrong_word_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.commands", "demo", "--headless", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("kiosk: ")
    assert "Traceback" not in done.stderr


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "kiosk.commands", "demo", "--headless", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_control_c_ends_it_in_order(tmp_path: Path) -> None:
    with running("--keep", str(tmp_path / "kept")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(LIMIT_S) == 0
    assert "the chain verifies; 0 answers lost" in rest

"""``kiosk demo`` on a film, and its answers to wrong cameras: one command, real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.commands.__main__ import main
from tests.data import conformance_data
from tests.videos import numbered

LIMIT_S = 120


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kiosk.commands", "demo", "--headless", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.conformance
def test_a_hand_held_film_is_read_and_answered() -> None:
    done = demo("--frames", str(conformance_data() / "qr" / "movie.mp4"), "--json", "--speed", "60")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["simulated"] is True
    assert found["admit"] == found["lost"] == found["faults"] == 0
    assert found["refer"] == found["passages"] == found["on_server"] >= 2
    video = found["video"]
    assert video["frames"] >= 50
    assert video["read"] >= 0.95 * video["frames"]
    assert "http://www.lonelyplanet.com/" in video["texts"]
    assert all(len(text) <= 48 for text in video["texts"])
    assert video["answers"][0]["reasons"] == ["PASS_UNKNOWN"]


def test_what_was_read_is_told_in_the_language_asked_for(tmp_path: Path) -> None:
    """In English by tests/unit/commands/test_demo_camera.py."""
    film = numbered(tmp_path / "film.mp4", 10)
    chinese = demo("--frames", str(film), "--language", "zh").stdout
    assert "film.mp4:" in chinese
    assert "读出 0 帧" in chinese
    assert "分钟内来了" not in chinese, "nobody is drawn, so nobody came"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--camera", "/dev/video99"], 3, "DEVICE_ABSENT: camera /dev/video99: No such file"),
        (["--camera", "/dev/null"], 3, "DEVICE_ABSENT: camera /dev/null: Inappropriate ioctl"),
        (["--camera", "/dev/video99", "--speed", "5"], 2, "real time"),
        (["--frames", "/dev/null"], 2, "not an ordinary file"),
        (["--frames", "no/such.mp4"], 2, "no such file"),
        (["--frames", __file__], 2, "not a video"),
    ],
)
def test_a_wrong_camera_or_film_is_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--headless", *arguments]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""

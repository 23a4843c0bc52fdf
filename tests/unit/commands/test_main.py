"""``kiosk``: whatever goes wrong is one line and an exit code; no user ever sees a traceback."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from kiosk.commands.__main__ import COMMANDS, main
from kiosk.passes.trust import init_demo
from tests.codes import qr
from tests.unit.passes.kit import NOW

KIOSK = [sys.executable, "-m", "kiosk.commands"]
NOWHERE = "/proc/nowhere"
"""Where nobody may make a folder, root neither."""


def kiosk(*words: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own; ``shell``: what follows the command on a shell's line."""
    command = [*KIOSK, *words]
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "-", *command]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, env=os.environ | environment)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["demo", "--headless", "--keep", f"{NOWHERE}/kept"], 3, NOWHERE),
        (["demo", "--headless", "--keep", "/dev/null"], 2, "--keep"),
        (["trust", "init", "--to", NOWHERE], 3, NOWHERE),
        (["trust", "init", "--to", "/dev/null/x"], 3, "/dev/null/x"),
        (["trust", "show", "n" * 300], 3, "File name too long"),
        (["community", "run", "--data", NOWHERE], 3, NOWHERE),
        (["community", "run", "--data", "/dev/null"], 3, "/dev/null"),
        (["community", "add-device", "--data", NOWHERE, "--id", "a", "--secret-file", "s"], 3, NOWHERE),
        (["journal", "verify", "--journal", "n" * 300], 3, "File name too long"),
        (["config", "check", "--config", "/dev"], 2, "Is a directory"),
        (["check", "n" * 300], 3, "File name too long"),
        (["comunity"], 2, "did you mean 'community'?"),
    ],
)
def test_what_the_system_refuses_is_one_line(words: list[str], code: int, said: str) -> None:
    done = kiosk(*words)
    told = done.stderr.decode().splitlines()
    assert (done.returncode, "Traceback" in done.stderr.decode()) == (code, False), done.stderr.decode()
    assert any(line.startswith("kiosk: ") and said in line for line in told)


def test_where_it_happened_is_told_on_request() -> None:
    done = kiosk("trust", "init", "--to", NOWHERE, KIOSK_TRACEBACK="1")
    assert done.returncode == 1
    assert b"Traceback" in done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["config", "show"], ["config", "--help"]])
def test_output_onto_a_full_disk_is_a_fault(words: list[str]) -> None:
    done = kiosk(*words, shell="> /dev/full")
    assert done.returncode == 3
    assert done.stderr == b"kiosk: SYSTEM: No space left on device\n"


@pytest.mark.parametrize("words", [["--help"], ["config", "show"]])
def test_a_reader_that_goes_away_is_no_fault(words: list[str]) -> None:
    done = kiosk(*words, shell="| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_that_lacks_letters_still_gets_its_lines(tmp_path: Path) -> None:
    trust = init_demo(tmp_path / "trust", NOW)
    picture = tmp_path / "code.png"
    qr("x", 4).save(picture)
    words = [
        "check",
        str(picture),
        "--directory",
        str(trust.folder),
        "--at",
        str(int(NOW)),
        "--language",
        "zh",
    ]
    done = kiosk(*words, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"REFER (??????)" in done.stdout


def test_control_c_is_130_and_no_traceback() -> None:
    command = [*KIOSK, "pass", "show", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"half a pass")
        process.stdin.flush()
        while _unread(process.stdin.fileno()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (130, b"")


def _unread(pipe: int) -> int:
    """Bytes that nobody has read from it yet (ioctl_fionread)."""
    count = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "kiosk 0.1.0\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in COMMANDS)
    assert main([]) == 2
    assert capsys.readouterr().err == told

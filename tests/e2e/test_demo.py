"""The whole product as a newcomer runs it: one command, real processes, real sockets, real files."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kiosk.passage.journal import JournalReader
from kiosk.scenario import load, people

LIMIT_S = 120
WITHOUT_PHOTOGRAPHS = {key: value for key, value in os.environ.items() if key != "KIOSK_CONFORMANCE_DATA"}


def demo(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.commands", "demo", "--headless", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=WITHOUT_PHOTOGRAPHS,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.splitlines()


def summary(*arguments: str) -> dict[str, Any]:
    found = json.loads(demo("--json", *arguments)[-1])
    assert isinstance(found, dict)
    return found


def test_an_ordinary_morning_is_answered_recorded_and_on_the_server(tmp_path: Path) -> None:
    found = summary("--speed", "200", "--keep", str(tmp_path / "kept"))
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
    found = summary("--speed", "200", "--scenario", "forged")
    assert found["admit"] == 0
    assert found["passages"] == len(people(load("forged")))


SCENARIOS = os.environ.get("KIOSK_DEMO_SCENARIOS", "").split()
"""Played whole, such as "winter fever faults rush"; none of them: the first minutes of a bad day."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS or ["a bad day"])
def test_whatever_happens_nothing_is_lost_on_the_way_to_the_server(name: str, tmp_path: Path) -> None:
    """Through real processes: gate, renderer, sync and server."""
    file = tmp_path / "short.toml"
    source = (resources.files("kiosk") / "scenarios" / "faults.toml").read_text(encoding="utf-8")
    file.write_text(source.partition("# The decoders fail")[0], encoding="utf-8")
    asked = name if name in SCENARIOS else str(file)
    found = summary("--speed", "200", "--scenario", asked)
    assert found["lost"] == 0
    assert found["journal_ok"] is True
    coming = people(load(name if name in SCENARIOS else file))
    assert found["passages"] == found["on_server"] >= len(coming) > 5
    assert found["admit"] > 0


def test_people_may_hold_up_pictures_of_my_own(tmp_path: Path) -> None:
    import segno

    segno.make_qr("no pass at all").save(str(tmp_path / "menu.png"), scale=6)
    Image.new("L", (640, 480), 120).save(tmp_path / "wall.png")
    lines = demo("--speed", "200", "--frames", str(tmp_path))
    assert any("menu.png: no pass at all  ->  REFER  PASS_UNKNOWN" in line for line in lines)
    assert any("wall.png: no code read" in line for line in lines)


def test_a_picture_that_can_not_be_read_takes_nobody_elses_answer(tmp_path: Path) -> None:
    """The first two have no code: who shows one presses the button, and the next is answered by the code."""
    import segno

    for name in ("a.png", "b.png"):
        Image.new("L", (640, 480), 120).save(tmp_path / name)
    for name in ("c.png", "d.png", "e.png"):
        segno.make_qr("the same for all").save(str(tmp_path / name), scale=6)
    lines = demo("--speed", "200", "--frames", str(tmp_path))
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


def children_of(pid: int) -> list[int]:
    """Processes that it has started itself."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_a_demo_that_is_killed_outright_leaves_nobody_behind(tmp_path: Path) -> None:
    with running("--keep", str(tmp_path / "kept"), "--speed", "4") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()  # somebody was answered: server, sync and renderer are all there
        children = {pid: os.pidfd_open(pid) for pid in children_of(process.pid)}
        try:
            assert len(children) == 3
            process.kill()
            for pid, handle in children.items():
                # Readable once the process has ended (pidfd_open(2)).
                assert select.select([handle], [], [], 10.0)[0], f"process {pid} is still there"
        finally:
            for handle in children.values():
                os.close(handle)


def short_morning(folder: Path, *arrivals: str, rest: str = "") -> list[str]:
    """Arguments for a scenario of one's own: the ordinary cast, but only these come."""
    source = (resources.files("kiosk") / "scenarios" / "ordinary.toml").read_text(encoding="utf-8")
    text = source.split("[[arrivals]]")[0]
    for place, who in enumerate(arrivals):
        text += f'[[arrivals]]\nat = {2 + 12 * place}\nwho = "{who}"\n'
    (folder / "short.toml").write_text(text + rest, encoding="utf-8")
    return ["--speed", "200", "--scenario", str(folder / "short.toml")]


@pytest.mark.parametrize("until", [12, 4000])
def test_a_server_that_is_gone_for_a_while_gets_everything_afterwards(until: int, tmp_path: Path) -> None:
    """The second span outlasts the morning: the server is back when everybody has gone."""
    rest = f'[[faults]]\nkind = "server_gone"\nfrom = 1\nuntil = {until}\n'
    lines = demo(*short_morning(tmp_path, "courier", "resident", rest=rest))
    told = [line[10:] for line in lines if "community server" in line and "!" in line]
    assert told[0] == "! community server: does not answer"
    assert len(told) == (2 if until == 12 else 1)
    text = "\n".join(lines)
    assert "community server holds 2 of them" in text
    assert "1 fault: community server: does not answer" in text


def test_people_show_photographs_where_there_are_some(tmp_path: Path) -> None:
    import segno

    segno.make_qr("a bicycle").save(str(tmp_path / "bicycle.png"), scale=6)
    asked = short_morning(tmp_path, "poster")
    drawn = "\n".join(demo(*asked))
    assert "shows somebody else's code: Unknown pass" in drawn
    assert "photograph: " not in drawn
    assert "no photographs: a drawn code was shown" in drawn
    shown = "\n".join(demo(*asked, "--photographs", str(tmp_path)))
    assert "shows a real photograph of some code: Unknown pass" in shown
    assert "note:" not in shown


def test_everything_fixed_is_said_in_chinese_too(tmp_path: Path) -> None:
    rest = '[[faults]]\nkind = "air_unplugged"\nfrom = 3\nuntil = 5\n'
    lines = demo(*short_morning(tmp_path, "resident", "poster", rest=rest), "--language", "zh")
    for line in lines:
        said = "people|passage|verif|fault|server:|lost|works|drawn|resident|shows|ADMIT|REF"
        assert not re.search(said, line), line
    assert "社区服务器收到其中" in "\n".join(lines)


def test_what_the_gate_logs_goes_into_a_file_and_not_into_the_picture(tmp_path: Path) -> None:
    rest = '[[faults]]\nkind = "journal_failing"\nfrom = 2\nuntil = 5\n'
    asked = [*short_morning(tmp_path, "resident", rest=rest), "--keep", str(tmp_path / "kept")]
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.commands", "demo", "--headless", *asked],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
        env=WITHOUT_PHOTOGRAPHS,
    )
    assert "journal: can't be written" in done.stdout
    assert done.stderr == ""
    assert "journal: JOURNAL: simulated" in (tmp_path / "kept" / "gate.log").read_text()


def test_what_was_kept_can_be_listed_as_it_says(tmp_path: Path) -> None:
    lines = demo(*short_morning(tmp_path, "resident"), "--keep", str(tmp_path / "a folder"))
    (hint,) = [line for line in lines if "kiosk journal list" in line]
    command = shlex.split(hint.partition("kiosk ")[2])
    done = subprocess.run([sys.executable, "-m", "kiosk.commands", *command], capture_output=True, check=True)
    assert b"stopped SIMULATED" in done.stdout

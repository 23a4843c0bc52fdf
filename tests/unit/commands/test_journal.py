"""``kiosk journal``: what a volunteer reads, what a spreadsheet gets, and what a script can rely on."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.commands.__main__ import main
from kiosk.commands.journal_export import COLUMNS, iso_time, safe_cell
from kiosk.commands.journal_view import printable
from kiosk.model import ClockState, EventKind, Verdict
from kiosk.passage.chain import ZERO, chain_hash, read_wire_line
from kiosk.passage.journal import JournalReader
from tests.unit.passage.journal_tools import HandClock, admit, flip, open_journal, purge

ESCAPES = "\x1b[2J\x07 [red]x[/red]"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A morning at a gate: passages, a fault, an untrusted clock, hostile text; the first two purged."""
    path = tmp_path / "journal.db"
    clock = HandClock()
    with open_journal(path, clock, simulated=True) as journal:
        admit(journal)
        journal.append(EventKind.PASSAGE, {"reasons": ["TEMPERATURE_HIGH"]}, verdict=Verdict.REFER)
        clock.trust = ClockState.UNTRUSTED
        fault = {"part": "camera", "code": "DEVICE_ABSENT", "message": ESCAPES}
        journal.append(EventKind.FAULT, fault)
        journal.append(EventKind.PASSAGE, {"reasons": ["FROM_THE_FUTURE"]}, verdict=Verdict.REFUSE)
    purge(path, 2)
    return path


def out(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> str:
    assert main(["journal", *map(str, words)]) == code
    return capsys.readouterr().out


# -- list and show ----------------------------------------------------------------------------------------


def test_the_list_says_in_words_what_happened(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = out(capsys, "list", "--journal", path).splitlines()
    rows = [line.split("\t") for line in lines]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row[2] for row in rows] == [
        "genesis SIMULATED",
        "passage SIMULATED",
        "passage SIMULATED",
        "fault SIMULATED",
        "passage SIMULATED",
    ]
    assert rows[1][4] == "(removed after the retention time)"
    assert rows[2][3].startswith("REFER ")
    assert "fever" not in rows[2][4].lower()
    assert rows[3][4].startswith("camera: not connected (\\x1b[2J")
    assert rows[4][4] == "FROM_THE_FUTURE"
    assert rows[4][1].endswith(" ?"), "nobody vouched for that time"
    assert not rows[2][1].endswith("?")


def test_a_fault_and_its_end_are_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_journal(tmp_path / "journal.db") as journal:
        for body in (
            {"part": "thermometer", "code": "SENSOR_STUCK", "message": "the same word for 10 s"},
            {"part": "flux", "code": "FLUX_LOST", "message": ""},
        ):
            journal.append(EventKind.FAULT, body)
        journal.append(EventKind.RECOVERED, {"part": "thermometer", "code": "SENSOR_STUCK", "message": ""})
    place = ("--journal", tmp_path / "journal.db")
    lines = out(capsys, "list", *place, "--after", 1).splitlines()
    assert [line.split("\t")[4] for line in lines] == [
        "thermometer: always delivers the same (the same word for 10 s)",
        "flux: FLUX_LOST",
        "thermometer: works again (always delivers the same)",
    ]
    assert "测温探头: 已恢复 (读数不变)" in out(capsys, "list", *place, "--language", "zh")
    assert "\n  thermometer: always delivers" in out(capsys, "show", "2", *place)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/St_Johns"])
def test_times_say_how_far_they_are_from_utc(path: Path, zone: str) -> None:
    command = [sys.executable, "-m", "kiosk.commands", "journal", "list", "--journal", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"TZ": zone})
    shown = lines.stdout.splitlines()[0].split("\t")[1]
    assert datetime.fromisoformat(shown) == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", shown)


def test_nothing_stored_reaches_the_terminal_as_a_command(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in (("list",), ("show", "4")):
        text = out(capsys, *action, "--journal", path)
        assert "\x1b" not in text
        assert "\\x1b[2J" in text


def test_a_terminal_gets_a_table(path: Path) -> None:
    command = [sys.executable, "-m", "kiosk.commands", "journal", "list", "--journal", str(path)]
    screen = on_a_terminal(command)
    assert "Verdict" in screen
    assert "TEMPERATURE_HIGH" not in screen
    assert "\x1b[2J" not in screen
    assert "[red]x[/red]" in screen


def on_a_terminal(command: list[str]) -> str:
    """What a command shows on a terminal of 160 columns."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "160", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=theirs, env=environment):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:
            pass  # Linux reports the end of a terminal as EIO.
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--limit", "2"), [4, 5]),
        (("--after", "1", "--limit", "2"), [2, 3]),
        (("--kind", "passage"), [2, 3, 5]),
        (("--kind", "passage", "--limit", "1"), [5]),
        (("--kind", "passage", "--after", "2", "--limit", "1"), [3]),
        (("--kind", "mode"), []),
    ],
)
def test_the_list_can_be_narrowed(
    path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], numbers: list[int]
) -> None:
    lines = out(capsys, "list", "--journal", path, "--json", *words).splitlines()
    assert [json.loads(line)["seq"] for line in lines] == numbers


def test_the_list_speaks_chinese(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "额温" in out(capsys, "list", "--journal", path, "--language", "zh")


def test_one_event_is_shown_with_everything(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "show", "3", "--journal", path)
    for part in (
        "event 3",
        "SIMULATED",
        "device: gate-7",
        "clock: ntp",
        "verdict: REFER",
        "fits the event before",
    ):
        assert part in text
    purged = out(capsys, "show", "2", "--journal", path)
    assert "(removed after the retention time)" in purged
    whole = json.loads(out(capsys, "show", "3", "--journal", path, "--json"))
    assert (whole["seq"], whole["verifies"], whole["body"]["verdict"]) == (3, True, "REFER")


def test_an_event_that_is_not_there_is_wrong_usage(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "show", "6", "--journal", str(path)]) == 2
    assert "no event 6" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "0"], "'0' must be a whole number, at least 1"),
        (["show", "x"], "'x' must be a whole number, at least 1"),
        (["show", "9" * 5000], "must be a whole number"),
        (["list", "--limit", "x"], "argument --limit: 'x' must be a whole number, at least 1"),
        (["list", "--after", "-1"], "argument --after"),
        (["list", "--kind", "pasage"], "(did you mean 'passage'?)"),
        (["export", "--kind", "foo"], "argument --kind: 'foo' must be one of genesis, passage"),
        (["verify", "--last", "1.5"], "'1.5' must be a whole number, at least 1"),
    ],
)
def test_a_wrong_word_is_answered_with_what_is_right(
    path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["journal", *words, "--journal", str(path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert told in said
    assert "_count" not in said


@pytest.mark.parametrize("action", ["list", "verify", "export", "recheck"])
def test_a_folder_is_no_journal(tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", action, "--journal", str(tmp_path)]) == 2
    assert f"--journal {tmp_path}: a folder; name the journal's file" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--language", "--lang"])
def test_the_language_has_one_name_and_a_short_one(
    path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "额温" in out(capsys, "list", "--journal", path, option, "zh")


# -- verify -----------------------------------------------------------------------------------------------


def test_verify_answers_with_its_exit_code_and_the_head(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = out(capsys, "verify", "--journal", path)
    assert "5 events verify" in text
    assert "2 of them without their bodies" in text
    assert JournalReader(path).head().hash in text
    assert "3 events verify" in out(capsys, "verify", "--journal", path, "--last", 3)


def test_verify_says_where_the_chain_breaks(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(path, path.read_bytes().index(b"TEMPERATURE_HIGH"), 0x01)
    text = out(capsys, "verify", "--journal", path, code=1)
    assert "BROKEN" in text
    assert "event 3 was changed" in text
    assert "2 events verify" in text
    found = json.loads(out(capsys, "verify", "--journal", path, "--json", code=1))
    assert (found["ok"], found["at"], found["last"]) == (False, 3, 2)
    assert "DOES NOT FIT" in out(capsys, "show", "3", "--journal", path)


def test_no_journal_is_a_fault_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in (("list",), ("verify",), ("export",), ("show", "1")):
        assert main(["journal", *action, "--journal", str(tmp_path / "none.db")]) == 3
        assert "No such file" in capsys.readouterr().err


def test_the_configuration_names_the_journal(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "kiosk.toml"
    config.write_text('[journal]\npath = "journal.db"\n')
    assert "5 events verify" in out(capsys, "verify", "--config", config)
    with pytest.raises(SystemExit):
        main(["journal", "verify", "--config", str(config), "--journal", str(path)])


# -- export -----------------------------------------------------------------------------------------------


def test_csv_has_a_row_for_each_event(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(out(capsys, "export", "--journal", path))))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[2]["time"] == "2026-11-21T12:00:00.250Z"
    assert (rows[2]["verdict"], rows[2]["reasons"]) == ("REFER", "TEMPERATURE_HIGH")
    assert {row["simulated"] for row in rows} == {"true"}
    assert rows[1]["body"] == ""
    assert json.loads(rows[3]["body"])["message"] == ESCAPES


def test_json_lines_can_be_narrowed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "export", "--journal", path, "--format", "json", "--kind", "passage", "--after", 2)
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["seq"] for event in events] == [3, 5]
    assert events[0]["header"]["device"] == "gate-7"


def test_wire_lines_lead_to_the_head(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(20):
            admit(journal, number)
    head = ZERO
    for line in out(capsys, "export", "--journal", path, "--format", "wire").splitlines():
        head = chain_hash(head, *read_wire_line(line))
    assert head.hex() == journal.head


def test_an_export_that_nobody_reads_to_its_end_ends_quietly(path: Path) -> None:
    command = [sys.executable, "-m", "kiosk.commands", "journal", "export", "--journal", str(path)]
    pipe = f"{' '.join(command)} | head -1"
    answer = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith('"seq","time"')


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1+1",
        "＠x",
        "-",
        "+",
        "=",
        "-2+cmd|'!A0",
    ],
)
def test_what_looks_like_a_formula_is_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize(
    "value", [-0.5, 36.6, "-12", "+3", "-1.5e-3", 0, "", "PASS_VALID", "{}", "2026-11-21", "a=1"]
)
def test_numbers_and_plain_words_stay_as_they_are(value: object) -> None:
    assert safe_cell(value) == str(value)


@given(st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers()))
def test_no_cell_is_ever_a_formula_and_no_number_is_changed(value: object) -> None:
    cell = safe_cell(value)
    if isinstance(value, str):
        number = cell == value and not cell[1:].strip("0123456789.eE+-")
        assert number or not cell.lstrip().startswith(tuple("=+-@＝＋－＠"))
        assert not cell.startswith(("\t", "\r", "\n"))
    else:
        assert float(cell) == value


@given(st.text())
def test_whatever_is_printed_can_be_printed(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


@pytest.mark.parametrize("wall", [None, "x", 1e40, float("inf"), {}, "", -1e15])
def test_a_time_that_is_none_is_shown_as_it_is(wall: object) -> None:
    assert iso_time(wall) == str(wall)

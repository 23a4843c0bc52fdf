"""``kiosk pass``: a pass is made, shown in words, and judged as a gate would judge it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kiosk.commands.__main__ import main
from kiosk.model import Category, Seconds, UnixTime
from kiosk.passes.status import Status
from kiosk.passes.trust import DemoTrust, init_demo
from tests.unit.passes import kit
from tests.unit.passes.kit import NOW

AT = ["--at", str(int(NOW))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoTrust:
    return init_demo(tmp_path_factory.mktemp("commands") / "trust", NOW)


@pytest.fixture
def trust(made: DemoTrust) -> list[str]:
    return ["--trust", str(made.folder)]


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def exit_code(arguments: list[str]) -> int:
    """Of a command line that argparse itself may refuse."""
    try:
        return main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


# -- issue ----------------------------------------------------------------------------------------


def test_a_pass_is_issued_and_good_at_the_gate(
    tmp_path: Path, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pass", "issue", *trust, "--to", str(tmp_path), *AT]) == 0
    text, png, svg = capsys.readouterr().out.splitlines()
    assert Path(png).is_file()
    assert Path(svg).is_file()
    assert main(["pass", "verify", text, *trust, *AT]) == 0
    assert "VALID: PASS_VALID" in capsys.readouterr().out


def test_everything_that_was_asked_for_is_in_it(
    tmp_path: Path, made: DemoTrust, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["--category", "courier", "--life", "12h", "--household", "12-3-401", "--gate", "east"]
    wanted += ["--gate", "west", "--community", "demo", "--window", "Mon-Sat 07:00-20:00"]
    begins = ["--from", "2026-11-22T00:00Z"]
    assert main(["pass", "issue", *trust, *wanted, *begins, "--to", str(tmp_path), "--json", *AT]) == 0
    issued = told(capsys)
    facts = issued["facts"]
    assert facts["category"] == "courier"
    assert facts["not_before"] == NOW + kit.DAY
    assert facts["expires"] == NOW + kit.DAY + 12 * 3600
    assert facts["gates"] == ["east", "west"]
    assert facts["communities"] == ["demo"]
    assert facts["window"] == "Mon,Tue,Wed,Thu,Fri,Sat 07:00-20:00"
    assert len(facts["household"]) == 12
    assert issued["characters"] == len(issued["text"])
    assert issued["qr_version"] <= 9


def test_the_label_of_a_household_is_written_nowhere(
    tmp_path: Path, made: DemoTrust, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    label = "a very recognisable address"
    assert main(["pass", "issue", *trust, "--household", label, "--to", str(tmp_path), *AT]) == 0
    assert label not in capsys.readouterr().out
    for folder in (tmp_path, made.folder):
        for path in folder.rglob("*"):
            assert path.is_dir() or label.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--category", "king"],
        ["--life", "forever"],
        ["--life", "0d"],
        ["--life", "401d"],
        ["--gate", "Gate 1"],
        ["--window", "always"],
        ["--window", "Mon 20:00-07:00"],
        ["--at", "yesterday"],
        ["--from", "2026-11-22"],
        ["--to", "/proc/nowhere"],
    ],
    ids=str,
)
def test_issue_refuses_what_makes_no_sense(
    made: DemoTrust, trust: list[str], wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = made.folder / "issued.jsonl"
    before = log.read_text() if log.exists() else ""
    assert exit_code(["pass", "issue", *trust, *wrong]) == 2
    assert capsys.readouterr().err
    assert (log.read_text() if log.exists() else "") == before


def test_issue_without_a_chain_of_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["pass", "issue", "--trust", str(folder)]) == 2
        told = capsys.readouterr().err
        assert f"--trust {folder}: no issuer's keys there" in told
        assert "kiosk trust init" in told
        assert "Errno" not in told


def test_issue_names_the_option_that_is_wrong(trust: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pass", "issue", *trust, "--from", "yesterday"]) == 2
    assert capsys.readouterr().err.startswith("kiosk: USAGE: --from yesterday: ")


def test_issue_makes_the_folder_for_the_pictures(
    tmp_path: Path, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pass", "issue", *trust, "--to", str(tmp_path / "new" / "folder"), *AT]) == 0
    assert all(Path(line).is_file() for line in capsys.readouterr().out.splitlines()[1:])


# -- show -----------------------------------------------------------------------------------------


def test_show_needs_neither_lists_nor_decoders(made: DemoTrust) -> None:
    """On a machine without the decoders' libraries a text is still explained."""
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('pyzbar', 'zxingcpp', 'PIL', 'drivers')))\n"
        "from kiosk.commands.__main__ import main\n"
        "sys.exit(main(['pass', 'show', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, kit.issue(made)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "category    resident" in done.stdout


@pytest.mark.parametrize("action", ["show", "verify"])
@pytest.mark.parametrize("name", ["nosuch.png", "no such.JPG", "no/such.webp", "/tmp"])
def test_what_can_only_be_meant_as_a_picture_must_be_one(
    action: str, name: str, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pass", action, name, *(trust if action == "verify" else [])]) == 2
    assert capsys.readouterr().err.startswith(f"kiosk: USAGE: {name}: ")


@pytest.mark.parametrize(
    "text",
    [
        "HC1:X",
        "hello",
        "GP1:_",
        "健康码",
        "",
        "x" * 5000,
        "a\0b",
        "https://example.org/a.png",
        "GP1:X.PNG",
    ],
)
def test_show_explains_any_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pass", "show", text]) == 0
    assert capsys.readouterr().out.startswith("This ")


def test_show_reads_a_picture(tmp_path: Path, trust: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["pass", "issue", *trust, "--to", str(tmp_path), "--json", *AT])
    issued = told(capsys)
    assert main(["pass", "show", issued["png"], "--json"]) == 0
    assert told(capsys)["text"] == issued["text"]


def test_a_picture_without_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "grey.pgm"
    picture.write_bytes(b"P5 64 64 255\n" + b"\x80" * 4096)
    assert main(["pass", "show", str(picture)]) == 1
    assert "no code found" in capsys.readouterr().err


def test_a_file_that_is_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.png"
    file.write_text("not a picture")
    assert main(["pass", "show", str(file)]) == 2
    assert "notes.png" in capsys.readouterr().err


# -- verify ---------------------------------------------------------------------------------------


def test_verify_answers_with_its_exit_code_and_a_reason(
    made: DemoTrust, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = kit.issue(made, expires=UnixTime(NOW + 100))
    assert main(["pass", "verify", text, *trust, "--json", *AT]) == 0
    answer = told(capsys)
    assert (answer["valid"], answer["reason"], answer["format"]) == (True, "PASS_VALID", "native")
    assert answer["facts"]["pass_id"] == answer["token"] == kit.facts().pass_id
    assert main(["pass", "verify", text, *trust, "--json", "--at", str(int(NOW) + 200)]) == 1
    answer = told(capsys)
    assert (answer["valid"], answer["reason"]) == (False, "EXPIRED")
    assert main(["pass", "verify", text[:-3], *trust, "--json", *AT]) == 1
    answer = told(capsys)
    assert (answer["reason"], answer["facts"]) == ("BAD_CBOR", None)


def test_verify_says_in_words_why_not(
    made: DemoTrust, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pass", "verify", "some other code", *trust, *AT]) == 1
    assert capsys.readouterr().out.startswith("NOT VALID: PASS_UNKNOWN: ")


def test_verify_judges_as_the_gate_that_is_named(
    made: DemoTrust, trust: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = kit.issue(made, gates=(kit.GATE,))
    assert main(["pass", "verify", text, *trust, *AT, "--gate", "east"]) == 0
    assert main(["pass", "verify", text, *trust, *AT, "--gate", "west"]) == 1
    assert "WRONG_GATE" in capsys.readouterr().out
    assert main(["pass", "verify", kit.issue(made), *trust, *AT, "--community", "far"]) == 1
    assert "ISSUER_NOT_ALLOWED" in capsys.readouterr().out


def test_verify_knows_what_was_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = init_demo(tmp_path / "own", NOW)
    issued = own.issuer.issue(Category.RESIDENT, now=NOW, life=Seconds(60))
    own.publish(NOW, marked={issued.facts.status_index: Status.REVOKED})
    assert main(["pass", "verify", issued.text, "--trust", str(own.folder), *AT]) == 1
    assert "REVOKED" in capsys.readouterr().out


def test_verify_with_the_lists_of_a_gates_configuration(
    made: DemoTrust, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gate.toml"
    config.write_text(
        f'[gate]\nid = "east"\ncommunity = "demo"\n[directory]\npath = "{made.lists}"\n'
        f'roots = ["{made.root_file}"]\n'
    )
    text = kit.issue(made, gates=(kit.GATE,))
    assert main(["pass", "verify", text, "--config", str(config), *AT]) == 0


def test_verify_reads_standard_input_and_strips_nothing_but_the_line_end(
    made: DemoTrust,
    trust: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = kit.issue(made)
    for typed, code in (
        (text, 0),
        (text + "\n", 0),
        (text + "\r\n", 0),
        (text + " \n", 1),
        (text + "\n\n", 1),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert main(["pass", "verify", "-", *trust, *AT]) == code


def test_verify_with_lists_that_do_not_verify_is_a_fault_not_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = init_demo(tmp_path / "own", NOW)
    (own.lists / "manifest").write_bytes(b"damaged")
    assert main(["pass", "verify", "x", "--trust", str(own.folder), *AT]) == 3
    assert "TRUST" in capsys.readouterr().err


def test_verify_without_any_lists_says_where_to_name_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gate.toml"
    config.write_text(f'[directory]\npath = "{tmp_path}"\n')
    assert main(["pass", "verify", "x", "--config", str(config)]) == 2
    assert "no signed lists there; `kiosk trust init --to DIR` makes" in capsys.readouterr().err

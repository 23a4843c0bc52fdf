"""What an admin sees of ``kiosk config``, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.commands.__main__ import main
from kiosk.config import load


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "kiosk.toml"
    file.write_text('[gate]\nid = "east-1"\n[lamp]\nbuzzer = false\n')
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.toml"
    file.write_text("[lamp]\nbuzer = false\n[screening]\nhigh = 45\n")
    return file


@pytest.fixture(autouse=True)
def _no_file_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIOSK_CONFIG", raising=False)
    monkeypatch.setattr("kiosk.config.USUAL_PATH", Path("/nowhere/kiosk.toml"))


def test_check_says_yes_for_a_file_that_can_be_used(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--config", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: can be used\n"


def test_check_lists_every_mistake_and_answers_no(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--config", str(bad)]) == 1
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"{bad}: 2 to mend"
    assert lines[0] == "line 2: lamp.buzer: there is no such setting (did you mean 'buzzer'?)"
    assert lines[1].startswith("line 4: screening.high: must be a number from 0.5 to 1.5 °C")


def test_check_in_json_names_line_key_and_reason(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--json", "--config", str(bad)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["file"] == str(bad)
    assert [(item["line"], item["key"]) for item in answer["problems"]] == [
        (2, "lamp.buzer"),
        (4, "screening.high"),
    ]


@pytest.mark.parametrize("what", ["check", "diff", "show"])
def test_the_file_may_be_named_without_an_option(
    what: str, good: Path, bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["config", what, "--config", str(good)])
    told = capsys.readouterr().out
    assert main(["config", what, str(good)]) == code
    assert capsys.readouterr().out == told
    assert main(["config", what, str(good), "--config", str(bad)]) == 2
    assert "once" in capsys.readouterr().err


def test_check_without_any_file_speaks_of_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": None, "ok": True, "problems": []}


@pytest.mark.parametrize("what", ["show", "diff", "check"])
def test_a_missing_file_is_wrong_usage(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", what, "--config", str(tmp_path / "absent.toml")]) == 2
    assert "absent.toml can't be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["show", "diff"])
def test_a_wrong_file_is_neither_shown_nor_compared(
    what: str, bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", what, "--config", str(bad)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "line 2: lamp.buzer" in err
    assert "line 4: screening.high" in err


def test_show_prints_a_file_that_gives_the_same_again(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show", "--config", str(good)]) == 0
    again = tmp_path / "again.toml"
    again.write_text(capsys.readouterr().out, encoding="utf-8")
    assert load(again) == load(good)


def test_show_in_json_has_every_section(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--json", "--config", str(good)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["gate"]["id"] == "east-1"
    assert shown["screening"]["commissioning"] is None
    assert set(shown) >= {"gate", "pins", "lamp", "camera", "thermometer", "screening", "journal", "sync"}


def test_diff_prints_only_what_the_file_changes(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "diff", "--config", str(good)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        'gate.id = "east-1"    (default: "unnamed")',
        "lamp.buzzer = false    (default: true)",
    ]


def test_diff_in_json(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "diff", "--json", "--config", str(good)]) == 1
    assert json.loads(capsys.readouterr().out)["lamp.buzzer"] == {"default": True, "value": False}


def test_diff_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "diff"]) == 0
    assert capsys.readouterr().out == "Nothing differs from the defaults.\n"


def test_the_variable_names_the_file(
    good: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIOSK_CONFIG", str(good))
    assert main(["config", "diff"]) == 1
    assert "gate.id" in capsys.readouterr().out


def test_an_address_is_written_as_the_part_and_its_tools_have_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text("[thermometer]\naddress = 0x5B\n")
    assert main(["config", "diff", str(file)]) == 1
    assert capsys.readouterr().out == "thermometer.address = 0x5B    (default: 0x5A)\n"
    assert main(["config", "show", str(file)]) == 0
    assert "\naddress = 0x5B\n" in capsys.readouterr().out

"""``python -m kiosk.commands.speech``, as set-up calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.commands.speech import main
from kiosk.model import Prompt
from tests.unit.drivers.test_speech import real_engine

PROMPTS = len(Prompt)


def config(folder: Path, text: str) -> str:
    path = folder / "kiosk.toml"
    path.write_text(text)
    return str(path)


def test_it_renders_what_the_configuration_names_and_then_nothing_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real_engine()
    file = config(tmp_path, "[speaker]\nlanguages = ['en']\nprompts = 'spoken'\n")
    assert main(["--config", file]) == 0
    assert f"{PROMPTS} prompts rendered, 0 unchanged" in capsys.readouterr().out
    assert len(list((tmp_path / "spoken").glob("*.en.wav"))) == PROMPTS
    assert main(["--config", file]) == 0
    assert f"0 prompts rendered, {PROMPTS} unchanged" in capsys.readouterr().out


def test_a_missing_engine_is_a_fault_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(tmp_path), "--config", config(tmp_path, "")]) == 3
    assert "espeak-ng is not installed" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real_engine()
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file"), "--config", config(tmp_path, "")]) == 3
    assert "file" in capsys.readouterr().err


def test_a_wrong_configuration_says_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = config(tmp_path, "[speaker]\nvolume = 101\nlanguages = ['de']\n")
    assert main(["--config", file]) == 2
    told = capsys.readouterr().err
    assert "speaker.volume" in told
    assert "speaker.languages" in told

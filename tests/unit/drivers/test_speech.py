"""Rendering at set-up: once, and again only for what has changed; really, where the engine is there."""

from __future__ import annotations

import json
import os
import shutil
from array import array
from pathlib import Path

import pytest

from drivers import sound
from drivers.prompt_sounds import PromptSounds, file_name
from drivers.speech import LIST, VOICES, Espeak, Voice, render
from kiosk import words
from kiosk.errors import SpeechError
from kiosk.model import Prompt

BOTH = ("zh", "en")
ALL = len(Prompt) * 2


class Engine:
    """Says every text as so many samples as it has letters."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fails_at = ""

    def __call__(self, text: str, voice: Voice) -> array[int]:
        if text == self.fails_at:
            raise SpeechError(f"no {voice.name}")
        self.said.append(text)
        return array("h", [20_000] * len(text) * 100)


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_every_prompt_is_rendered_once_and_not_again(tmp_path: Path, engine: Engine) -> None:
    first = render(tmp_path / "new", words.prompt, BOTH, engine, "1")
    assert len(first.made) == ALL
    again = render(tmp_path / "new", words.prompt, BOTH, engine, "1")
    assert again.made == ()
    assert len(again.kept) == ALL
    assert len(engine.said) == ALL


def test_what_was_rendered_is_what_the_speaker_loads(tmp_path: Path, engine: Engine) -> None:
    render(tmp_path, words.prompt, BOTH, engine, "1")
    files = PromptSounds(tmp_path, BOTH)
    for prompt in Prompt:
        files.load(prompt)
    assert files.problem is None


def test_changed_words_are_rendered_anew_and_nothing_else(tmp_path: Path, engine: Engine) -> None:
    render(tmp_path, words.prompt, BOTH, engine, "1")

    def reworded(prompt: Prompt, language: str) -> str:
        changed = prompt is Prompt.GO_AHEAD and language == "en"
        return "Go ahead" if changed else words.prompt(prompt, language)

    assert render(tmp_path, reworded, BOTH, engine, "1").made == (file_name(Prompt.GO_AHEAD, "en"),)


def test_another_engine_or_voice_renders_anew(tmp_path: Path, engine: Engine) -> None:
    render(tmp_path, words.prompt, BOTH, engine, "1")
    assert len(render(tmp_path, words.prompt, BOTH, engine, "2").made) == ALL
    slower = {**VOICES, "en": Voice("en-us", 100)}
    assert len(render(tmp_path, words.prompt, BOTH, engine, "2", voices=slower).made) == len(Prompt)


@pytest.mark.parametrize("damage", [b"", b"RIFF", None])
def test_a_file_that_was_damaged_or_lost_is_rendered_again(
    tmp_path: Path, engine: Engine, damage: bytes | None
) -> None:
    render(tmp_path, words.prompt, BOTH, engine, "1")
    file = tmp_path / file_name(Prompt.SHOW_PASS, "zh")
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    assert render(tmp_path, words.prompt, BOTH, engine, "1").made == (file.name,)
    assert sound.load(file)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"GO_AHEAD.zh.wav": 7}', b"\xff"])
def test_a_damaged_list_is_made_anew(tmp_path: Path, engine: Engine, content: bytes) -> None:
    render(tmp_path, words.prompt, BOTH, engine, "1")
    (tmp_path / LIST).write_bytes(content)
    assert len(render(tmp_path, words.prompt, BOTH, engine, "1").made) == ALL
    assert len(json.loads((tmp_path / LIST).read_bytes())) == ALL


def test_a_run_that_fails_half_way_is_gone_on_with(tmp_path: Path, engine: Engine) -> None:
    engine.fails_at = words.prompt(Prompt.COME_CLOSER, "zh")
    with pytest.raises(SpeechError):
        render(tmp_path, words.prompt, BOTH, engine, "1")
    done = len(engine.said)
    assert 0 < done < ALL
    engine.fails_at = ""
    assert len(render(tmp_path, words.prompt, BOTH, engine, "1").kept) == done


# -- the engine ---------------------------------------------------------------------------------------------


def program(folder: Path, script: str) -> str:
    path = folder / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_engine_that_is_missing_is_one_sentence_with_what_to_do() -> None:
    with pytest.raises(SpeechError, match="apt-get install espeak-ng"):
        Espeak("no-such-espeak")


def test_a_voice_that_reads_in_another_language_is_refused(tmp_path: Path) -> None:
    engine = Espeak(program(tmp_path, 'echo "(en)kI55NTr\'i:55_|(cmn)_|"'))
    with pytest.raises(SpeechError, match="in another language"):
        engine("请", Voice("cmn", 160))


def test_an_engine_that_says_nothing_is_refused(tmp_path: Path) -> None:
    engine = Espeak(program(tmp_path, "exit 0"))
    with pytest.raises(SpeechError, match="no usable sound"):
        engine("请", Voice("cmn", 160))


def real_engine() -> Espeak:
    if shutil.which("espeak-ng") is None:
        sentence = "no espeak-ng here: nothing was rendered for real"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    return Espeak()


def test_the_real_engine_renders_every_prompt_as_words_of_its_language(tmp_path: Path) -> None:
    engine = real_engine()
    assert len(render(tmp_path, words.prompt, BOTH, engine, engine.version).made) == ALL
    for prompt in Prompt:
        for language in BOTH:
            samples = sound.load(tmp_path / file_name(prompt, language))
            assert sound.peak(samples) == sound.PEAK
            assert 0.8 < sound.seconds(samples) < 5.0
    assert render(tmp_path, words.prompt, BOTH, engine, engine.version).made == ()


def test_the_real_engine_says_which_voice_it_lacks() -> None:
    with pytest.raises(SpeechError, match="voice does not exist"):
        real_engine()("hello", Voice("nobody", 150))

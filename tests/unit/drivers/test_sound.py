"""Sound files are believed only as far as they can be played; loudness is arithmetic."""

from __future__ import annotations

import io
import os
import wave
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import sound
from kiosk.errors import SoundUnusable
from kiosk.model import Seconds

samples_16_bit = st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=400).map(lambda s: array("h", s))


def written(frames: bytes, *, channels: int = 1, width: int = 2, rate: int = sound.RATE) -> bytes:
    into = io.BytesIO()
    with wave.open(into, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(frames)
    return into.getvalue()


LOUD = array("h", [20_000, -20_000] * 500)
GOOD = written(LOUD.tobytes())


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    sound.save(LOUD, tmp_path / "a.wav")
    assert sound.load(tmp_path / "a.wav") == LOUD
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"], "no temporary file stays"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends too early"),
        (b"ID3\x04 an mp3", "no WAV file"),
        (GOOD[:30], "no WAV file"),
        (GOOD[:-2], "cut short"),
        (GOOD[:500], "cut short"),
        (written(LOUD.tobytes(), channels=2), "not mono, 16 bit, 22050 Hz"),
        (written(LOUD.tobytes(), width=1), "not mono"),
        (written(LOUD.tobytes(), rate=44_100), "not mono"),
        (written(b""), "silent"),
        (written(bytes(2_000)), "silent"),
    ],
)
def test_what_can_not_be_played_as_it_is_is_said(data: bytes, why: str) -> None:
    with pytest.raises(SoundUnusable, match=why):
        sound.parse(data)


def test_a_file_that_is_longer_than_anybody_listens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.wav").write_bytes(written(LOUD.tobytes() * 400))
    with pytest.raises(SoundUnusable, match="longer than 15 s"):
        sound.load(tmp_path / "long.wav")


def test_what_is_no_file_is_said_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for name in ("missing.wav", "pipe.wav", ""):
        with pytest.raises(SoundUnusable, match="not there"):
            sound.load(tmp_path / name)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_sound_or_refused(data: bytes) -> None:
    assert usable(data) in (True, False)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_damage_is_a_sound_or_refused(at: int, value: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] = value
    assert usable(bytes(damaged)) in (True, False)


def usable(data: bytes) -> bool:
    """Whether it can be played, which never fails in another way; and nothing is made up."""
    try:
        samples = sound.parse(data)
    except SoundUnusable:
        return False
    assert samples.tobytes() in data
    return True


@given(samples_16_bit, st.integers(0, 100))
def test_a_volume_only_makes_softer_and_keeps_the_sign(samples: array[int], percent: int) -> None:
    scaled = sound.scaled(samples, percent)
    for before, after in zip(samples, scaled, strict=True):
        assert abs(after - before * percent / 100) < 1
        assert abs(after) <= abs(before) or percent == 0


def test_full_volume_changes_nothing_and_none_is_silence() -> None:
    assert sound.scaled(LOUD, 100) == LOUD
    assert set(sound.scaled(LOUD, 0)) == {0}


@given(samples_16_bit.filter(lambda samples: sound.peak(samples) > 0))
def test_every_rendered_prompt_is_equally_loud(samples: array[int]) -> None:
    assert sound.peak(sound.normalised(samples)) == sound.PEAK


def test_pauses_around_the_words_go_and_those_between_them_stay() -> None:
    pause = sound.silence(Seconds(0.5))
    said = sound.normalised(pause + LOUD + pause + LOUD + pause)
    margin = round(sound.MARGIN_S * sound.RATE)
    assert len(said) == 2 * len(LOUD) + len(pause) + 2 * margin


def test_silence_is_left_as_it_is() -> None:
    assert sound.normalised(array("h", [0, 0])) == array("h", [0, 0])
    assert sound.seconds(sound.silence(Seconds(0.25))) == pytest.approx(0.25, abs=1e-4)

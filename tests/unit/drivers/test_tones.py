"""Tones: each kind of prompt has a pattern of its own, as docs/speaker.md says it."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import Final

import pytest

from drivers import sound
from drivers.tones import TONES, Note, tone
from kiosk.model import Prompt
from tests.data import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "speaker.md"


def shape(notes: tuple[Note, ...]) -> str:
    """The pattern as somebody hears it who can't tell pitches: how many notes, and where they go."""
    heights = [note.hertz for note in notes if note.hertz]
    steps = [later - earlier for earlier, later in pairwise(heights)]
    way = (
        "level"
        if not any(steps)
        else "rising"
        if min(steps) > 0
        else "falling"
        if max(steps) < 0
        else "mixed"
    )
    long = "long" if sum(note.lasts for note in notes) / len(heights) > 0.4 else "short"
    return f"{len(heights)} {way}" + (f" {long}" if len(heights) == 1 else "")


def classes() -> dict[str, set[Prompt]]:
    """Row by row of the page: the pattern's shape, and the prompts that have it."""
    rows = re.findall(
        r"^\| ([A-Z_, ]+) \| [^|]+ \| `([^`]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {pattern: {Prompt(name) for name in names.split(", ")} for names, pattern in rows}


def test_every_prompt_has_a_tone_and_stands_on_the_page() -> None:
    assert set(TONES) == set(Prompt)
    named = [prompt for prompts in classes().values() for prompt in prompts]
    assert sorted(named) == sorted(Prompt)


def test_the_patterns_are_as_the_page_says() -> None:
    for pattern, prompts in classes().items():
        assert {shape(TONES[prompt]) for prompt in prompts} == {pattern}


def test_no_two_kinds_sound_alike() -> None:
    assert len(classes()) == 7
    for one, other in combinations(classes().values(), 2):
        assert not {TONES[prompt] for prompt in one} & {TONES[prompt] for prompt in other}


def test_every_referral_sounds_the_same() -> None:
    assert tone(Prompt.WAIT_FOR_VOLUNTEER) == tone(Prompt.COLD_OUTSIDE)


@pytest.mark.parametrize("prompt", Prompt)
def test_a_tone_is_short_as_loud_as_speech_and_does_not_click(prompt: Prompt) -> None:
    samples = tone(prompt)
    assert 0.1 < sound.seconds(samples) < 1.0
    assert sound.peak(samples) <= sound.PEAK
    assert sound.peak(samples) > sound.PEAK * (0.45 if prompt is Prompt.HOLD_STILL else 0.98)
    assert abs(samples[0]) < sound.FAINT
    assert abs(samples[-1]) < sound.FAINT


def test_the_going_ahead_rises_and_the_not_admitted_falls() -> None:
    """By counting waves, not by reading the table."""
    for prompt, rises in ((Prompt.GO_AHEAD, True), (Prompt.NOT_ADMITTED, False)):
        samples = tone(prompt)
        first, last = samples[: len(samples) // 4], samples[-len(samples) // 4 :]
        assert (waves(last) > waves(first)) is rises


def waves(samples: sound.Samples) -> int:
    return sum(before < 0 <= after for before, after in pairwise(samples))

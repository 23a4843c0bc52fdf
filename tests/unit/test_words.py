"""Every thing the product may say is said in both languages, and said politely."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import pytest

from kiosk import errors, health, words
from kiosk.model import Light, Prompt, Reason, Screening, Verdict
from kiosk.passage.environment import Surroundings
from tests.data import REPOSITORY

SAYERS: dict[type[StrEnum], Callable[[Any, str], str]] = {
    Reason: words.reason,
    Prompt: words.prompt,
    Verdict: words.verdict,
    Light: words.light,
    Screening: words.screening,
}


def everything() -> Iterator[tuple[StrEnum, str, str]]:
    for kind, say in SAYERS.items():
        for which in kind:
            yield which, say(which, "zh"), say(which, "en")
    for light in Light:
        yield light, words.rhythm(light, "zh"), words.rhythm(light, "en")


@pytest.mark.parametrize(("which", "zh", "en"), list(everything()))
def test_each_word_is_there_in_chinese_and_in_english(which: StrEnum, zh: str, en: str) -> None:
    assert re.search("[\u4e00-\u9fff]", zh)
    assert not re.search("[A-Za-z]{2,}", zh)
    assert en.isascii()
    assert zh == zh.strip()
    assert en == en.strip()


def fault_codes() -> set[str]:
    """What can be wrong with a part: errors that parts raise, the surroundings, the page on faults."""
    page = (REPOSITORY / "docs" / "faults.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\|[^|]+\| \w+ \| \w+ \| ([A-Z_, ]+) \|", page, re.MULTILINE)
    codes = {code for cell in tables for code in cell.split(", ")} | set(Surroundings)
    for root in (errors.DeviceError, errors.JournalError, errors.TrustError):
        codes |= {kind.code for kind in (root, *root.__subclasses__())}
    return codes - {errors.PictureError.code}


def test_every_fault_of_every_part_has_words_in_both_languages() -> None:
    parts = {value for name, value in vars(health).items() if name.isupper() and isinstance(value, str)}
    assert len(parts) > 10
    assert len(fault_codes()) > 20
    for say, names in ((words.part, parts), (words.fault, fault_codes())):
        for name in names:
            assert re.search("[\u4e00-\u9fff]", say(name, "zh")), name
            assert re.search("[a-z]", say(name, "en")), name
            assert "_" not in say(name, "en")


def test_a_fault_of_some_newer_gate_is_said_as_it_is() -> None:
    assert words.fault("FLUX_LOST", "en") == "FLUX_LOST"
    assert words.part("capacitor", "zh") == "capacitor"


@pytest.mark.parametrize("kind", SAYERS)
def test_no_two_of_a_kind_sound_the_same(kind: type[StrEnum]) -> None:
    for language in words.LANGUAGES:
        said = [SAYERS[kind](which, language) for which in kind]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize(("which", "zh", "en"), list(everything()))
def test_nobody_is_called_ill_or_blamed(which: StrEnum, zh: str, en: str) -> None:
    assert not re.search("发烧|发热|体温|病|违规|非法", zh)
    assert not re.search(
        "fever|ill|sick|body temperature|illegal|wrong person|must not enter",
        re.sub("will|still", "", en.lower()),
    )


def test_a_high_reading_asks_for_another_method_in_the_agreed_words() -> None:
    assert words.reason(Reason.TEMPERATURE_HIGH, "zh") == "额温偏高,请用耳温枪复测"
    assert words.reason(Reason.TEMPERATURE_HIGH, "en") == (
        "Forehead reads high. Please measure again with the ear thermometer"
    )


def test_what_the_person_hears_is_short() -> None:
    for prompt in Prompt:
        assert len(words.prompt(prompt, "zh")) <= 20
        assert len(words.prompt(prompt, "en").split()) <= 12


def test_what_the_person_hears_of_a_referral_never_says_why() -> None:
    spoken = " ".join(words.prompt(prompt, "en") for prompt in Prompt).lower()
    assert not re.search("hold on|isolat|revoked|expired|signature|warm|high", spoken)


def test_a_language_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="'fr'"):
        words.prompt(Prompt.SHOW_PASS, "fr")

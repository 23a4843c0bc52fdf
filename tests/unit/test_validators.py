"""Each validator is two lists: what it accepts (and as what), and what it refuses."""

from __future__ import annotations

import argparse
import math
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.config_rules import pin
from kiosk.model import Direction
from kiosk.validators import (
    Validator,
    choice,
    day,
    did_you_mean,
    flag,
    list_of,
    name,
    number,
    one_of,
    path,
    server_url,
    sound_device,
    text,
    weekly_span,
    whole,
)

VALIDATORS: dict[str, Validator[Any]] = {
    "number": number(0.3, 0.8, "°C"),
    "whole": whole(1, 20),
    "flag": flag(),
    "choice": choice(Direction),
    "one_of": one_of("xAA", "xCC", refused={"xCK": "it is slow"}),
    "text": text(5),
    "name": name(),
    "path": path(),
    "server_url": server_url(),
    "sound_device": sound_device(),
    "weekly_span": weekly_span(),
    "day": day(),
    "list_of": list_of(one_of("zh", "en"), fewest=1, most=2),
    "pin": pin(),
    "low pin": pin(idles_low=True),
}
ACCEPTS: dict[str, list[tuple[object, object]]] = {
    "number": [(0.3, 0.3), (0.8, 0.8), (0.5, 0.5)],
    "whole": [(1, 1), (20, 20)],
    "flag": [(True, True), (False, False)],
    "choice": [("in", Direction.IN), ("both", Direction.BOTH)],
    "one_of": [("xAA", "xAA")],
    "text": [("", ""), ("东门四号", "东门四号"), ("12345", "12345")],
    "name": [("a", "a"), ("gate-3", "gate-3"), ("1_2", "1_2"), ("a" * 32, "a" * 32)],
    "path": [("a/b", Path("a/b")), ("/etc/kiosk", Path("/etc/kiosk"))],
    "server_url": [
        ("", ""),
        ("https://community.example", "https://community.example"),
        ("https://community.example:8443/gate/", "https://community.example:8443/gate"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:1", "http://localhost:1"),
    ],
    "sound_device": [
        (word, word) for word in ("default", "plughw:CARD=b1,DEV=0", "hw:0,1", "bluealsa:SRV=a.b")
    ],
    "weekly_span": [
        ("Mon 00:00-24:00", (1, 0, 1440)),
        ("Mon-Fri 06:30-22:00", (31, 390, 1320)),
        ("Sat,Sun 08:00-08:01", (96, 480, 481)),
        ("Mon-Tue,Sun 08:00-09:00", (67, 480, 540)),
    ],
    "day": [("2026-03-01", "2026-03-01"), (date(2024, 2, 29), "2024-02-29")],
    "list_of": [(["zh"], ("zh",)), (["en", "zh"], ("en", "zh"))],
    "pin": [(4, 4), (17, 17), (27, 27)],
    "low pin": [(9, 9), (27, 27)],
}
REFUSES: dict[str, list[object]] = {
    "number": [0.29, 0.81, 45, math.nan, math.inf, -math.inf, "0.5", True, None, [0.5], 10**400],
    "whole": [0, 21, 1.0, "1", True, None, 10**400],
    "flag": [1, 0, "true", None],
    "choice": ["IN", "inn", "", 1, None, ["in"]],
    "one_of": ["xCK", "xaa", "", 5, None, {}],
    "text": ["123456", "a\nb", "a\0", "\x7f", "\u202e", 5, None],
    "name": ["", "A", "a b", "-a", "a-", "a" * 33, "a\n", "../a", "é", 5, None],
    "path": ["", "a\nb", "\0", 5, None],
    "server_url": [
        "http://community.example",
        "http://10.0.0.1",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://0x7f000001",
        "https://user@community.example",
        "https://user:pw@community.example",
        "http://127.0.0.1@community.example",
        "https://",
        "https://:8080",
        "https://h:0",
        "https://h:99999",
        "https://h:port",
        "https://[::1",
        "https://h/?a=b",
        "https://h/#a",
        "ftp://h",
        "community.example",
        "https://h /",
        "https://h\n",
        "https://xn--é",
        5,
        None,
    ],
    "sound_device": ["", "-h", "a b", "a;b", "a\n", "$(a)", "../a", "é", "a" * 81, 5, None],
    "weekly_span": [
        "",
        "Mon",
        "Mon 06:30",
        "Monday 06:30-22:00",
        "mon 06:30-22:00",
        "Mon 22:00-06:00",
        "Mon 06:00-06:00",
        "Fri-Mon 06:00-07:00",
        "Mon 06:60-07:00",
        "Mon 06:00-24:01",
        "Mon 6:00-7:00",
        "Mon, 06:00-07:00",
        "Mon 06:00-07:00 ",
        "Mon ٠٦:00-07:00",
        5,
        None,
    ],
    "day": ["2026-02-29", "2026-3-1", "1.3.2026", "", "2026-03-01T00:00", 20260301, None],
    "list_of": [[], ["zh", "zh"], ["zh", "en", "zh"], ["de"], "zh", None, 5, [["zh"]]],
    "pin": [-1, 28, 0, 1, 2, 3, 14, 15, 18, 19, 20, 21, 17.0, "17", True, None],
    "low pin": [4, 8, 2],
}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [(kind, value, expected) for kind, pairs in ACCEPTS.items() for value, expected in pairs],
)
def test_accepts(kind: str, value: object, expected: object) -> None:
    got = VALIDATORS[kind](value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in REFUSES.items() for value in values]
)
def test_refuses_with_a_reason_that_reads_on_after_the_name(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^(item \d+ )?(must|can't) "):
        VALIDATORS[kind](value)


@pytest.mark.parametrize("kind", VALIDATORS)
@settings(max_examples=30)
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_value_at_all_is_accepted_or_refused_but_never_crashes(kind: str, value: object) -> None:
    with suppress(ValueError):
        VALIDATORS[kind](value)


@pytest.mark.parametrize(
    ("kind", "typed", "expected"),
    [
        ("number", " 0.5 ", 0.5),
        ("whole", "7", 7),
        ("flag", "Yes", True),
        ("flag", "off", False),
        ("choice", "out", Direction.OUT),
        ("list_of", "zh, en", ("zh", "en")),
        ("pin", "17", 17),
    ],
)
def test_reads_what_a_person_types(kind: str, typed: str, expected: object) -> None:
    assert VALIDATORS[kind].from_text(typed) == expected


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("number", "half"),
        ("number", "0_5"),
        ("whole", "7.0"),
        ("whole", "1_0"),
        ("flag", "2"),
        ("number", "nan"),
    ],
)
def test_refuses_what_a_person_mistypes(kind: str, typed: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        VALIDATORS[kind].from_text(typed)


def test_argparse_repeats_what_was_typed_and_why_it_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--guard", type=number(0.3, 0.8, "°C", "nothing could alarm").argument)
    assert parser.parse_args(["--guard", "0.5"]).guard == 0.5
    with pytest.raises(SystemExit):
        parser.parse_args(["--guard", "45"])
    assert "'45' must be a number from 0.3 to 0.8 °C: nothing could alarm" in capsys.readouterr().err


def test_a_refused_address_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(ValueError, match=r"must|can't") as refused:
        server_url()("https://user:hunter2@community.example")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("gaurd", " (did you mean 'guard'?)"), ("HIGH", " (did you mean 'high'?)"), ("zzz", "")],
)
def test_names_the_word_that_was_probably_meant(word: str, hint: str) -> None:
    assert did_you_mean(word, ("guard", "high")) == hint

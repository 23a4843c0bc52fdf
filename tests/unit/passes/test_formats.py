"""Any text at all: one answer, one reason, never an exception, never the text itself in the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import CodeRead, CommunityId, Monotonic, Reason
from kiosk.passes import base45, formats, native, opaque
from kiosk.passes.context import PassContext
from kiosk.passes.status import StatusLists
from kiosk.policy import ROUTINE
from tests.unit.passes import kit

EMPTY = PassContext(
    trust=None,
    status=StatusLists(),
    interval=kit.exactly(kit.NOW),
    policy=ROUTINE,
    gate=kit.GATE,
    community=CommunityId("demo"),
    token_key=kit.TOKEN_KEY,
)
NUMBERS = [f"690123456{number:04}" for number in range(12)]
"""What a shelf of goods, or a sheet of stickers, holds up beside a pass."""
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@given(ANY_TEXT)
def test_no_text_is_valid_or_raises(text: str) -> None:
    check = formats.check(text, EMPTY)
    assert not check.valid
    assert check.facts is None


@given(ANY_TEXT)
def test_no_text_with_the_prefix_is_valid_or_raises(gate_text: str) -> None:
    assert not formats.check(native.PREFIX + gate_text, EMPTY).valid


@given(st.text(base45.ALPHABET, max_size=400))
def test_no_text_of_the_right_characters_is_valid_or_raises(gate: PassContext, text: str) -> None:
    assert not formats.check(native.PREFIX + text, gate).valid


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "6901234567892",
        "https://example.org/health?id=1",
        "HC1:NCFOXN",
        "NZCP:/1/2KCEVIQEIVVWK6",
        "shc:/5676290952432060346029243740446031222959",
        "gp1:ABC",
        "GP2:ABC",
        "GP1",
        "健康码",
        "\udcff\udc80",
        "\x00\x01\x02",
        "A" * formats.LONGEST_TEXT,
    ],
)
def test_other_codes_are_unknown_passes(gate: PassContext, text: str) -> None:
    check = formats.check(text, gate)
    assert (check.format, check.reason) == ("opaque", Reason.PASS_UNKNOWN)


def test_a_text_longer_than_any_symbol_is_too_long(gate: PassContext) -> None:
    check = formats.check("A" * (formats.LONGEST_TEXT + 1), gate)
    assert check.reason is Reason.PASS_TOO_LONG


@given(ANY_TEXT.filter(lambda text: len(text) > 3))
def test_a_token_names_a_text_without_revealing_it(text: str) -> None:
    check = formats.check(text, EMPTY)
    assert text not in check.token
    assert check.token == formats.check(text, EMPTY).token
    assert check.token != formats.check(text + "x", EMPTY).token
    another_device = replace(EMPTY, token_key=b"another device's secret")
    assert check.token != formats.check(text, another_device).token


def test_a_token_is_no_pass_id(gate: PassContext) -> None:
    """A pass id is hex; so an unknown text can never be taken for somebody's pass."""
    token = opaque.token("x", kit.TOKEN_KEY)
    assert token.startswith("x")
    with pytest.raises(ValueError, match="hexadecimal"):
        bytes.fromhex(token)


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_guessable_token_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="token key"):
        replace(EMPTY, token_key=key)


def test_the_token_key_is_never_shown() -> None:
    assert "secret" not in repr(EMPTY)


def test_without_lists_nothing_is_believed_and_nothing_raises() -> None:
    assert formats.check("GP1:ABC", EMPTY).reason in (Reason.BAD_BASE45, Reason.BAD_CBOR)


def test_prefixes_do_not_shadow_each_other() -> None:
    prefixes = [known.prefix for known in formats.FORMATS]
    assert not any(a != b and a.startswith(b) for a in prefixes for b in prefixes)


# -- which codes are looked at when there are many ---------------------------------------------------


def read(text: str, at: float = 1.0) -> CodeRead:
    return CodeRead(text, "QRCode", "test", Monotonic(at))


@pytest.mark.parametrize("place", [0, 6, 12])
def test_a_pass_among_many_codes_comes_first_wherever_it_stands(place: int) -> None:
    texts = [*NUMBERS[:place], "GP1:ABC", *NUMBERS[place:]]
    ordered = formats.likeliest_first([read(text) for text in texts])
    assert ordered[0].text == "GP1:ABC"
    assert sorted(code.text for code in ordered) == sorted(texts)


def test_of_equals_the_newest_comes_first_and_each_text_once() -> None:
    shown = [read("GP1:OLD", 1.0), *(read("poster", at) for at in (1.0, 1.1, 1.2)), read("GP1:NEW", 1.1)]
    ordered = formats.likeliest_first(shown)
    assert [(code.text, code.at) for code in ordered] == [("GP1:NEW", 1.1), ("GP1:OLD", 1.0), ("poster", 1.2)]


def test_a_text_too_long_for_any_pass_is_not_likely_to_be_one() -> None:
    long = read("GP1:" + "A" * formats.LONGEST_TEXT, 2.0)
    assert formats.likeliest_first([long, read("GP1:ABC")])[0].text == "GP1:ABC"

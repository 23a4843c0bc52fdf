"""Any code in words: what it claims is told as a claim, and no text is too strange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import GateId, WeeklyWindow
from kiosk.passes import explain
from kiosk.passes.keys import SigningKey
from kiosk.passes.trust import DemoTrust
from tests.unit.passes import kit


def words(text: str) -> str:
    return "\n".join(explain.in_words(text))


def test_a_native_pass_is_told_whole(demo: DemoTrust) -> None:
    told = words(kit.issue(demo, gates=(GateId("east"),), window=WeeklyWindow(0b11, 420, 1200)))
    for part in (
        "native pass",
        demo.issuer.key.public.kid.hex(),
        "demo",
        "resident",
        "0123456789abcdef",
        "2026-12-21 00:00 UTC",
        "0a0b0c0d0e0f",
        "east",
        "Mon,Tue 07:00-20:00",
        "list 0, index 12345",
        "signature was not checked",
    ):
        assert part in told


def test_a_forgery_is_told_as_a_claim_only(demo: DemoTrust) -> None:
    told = words(kit.sign_claims(kit.claim_map(), SigningKey.generate()))
    assert "It says it was signed" in told
    assert "signature was not checked" in told


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("GP1:_", "BAD_BASE45"),
        ("GP1:", "BAD_CBOR"),
        ("GP1:健", "NOT_ASCII"),
        ("HC1:NCF", "EU digital certificate"),
        ("https://example.org", "web address"),
        ("6901234567892", "no known format"),
        ("", "no known format"),
    ],
)
def test_what_is_no_pass_is_told_too(text: str, part: str) -> None:
    assert part in words(text)


def test_more_than_is_understood_is_mentioned(demo: DemoTrust) -> None:
    assert "does not understand" in words(kit.sign_claims(kit.claim_map() | {2: "x"}, demo.issuer.key))


def test_claims_out_of_range_are_told(demo: DemoTrust) -> None:
    assert "BAD_CLAIMS" in words(kit.sign_claims({1: "demo"}, demo.issuer.key))


@given(st.text(max_size=100))
def test_no_text_is_too_strange(text: str) -> None:
    assert explain.in_words(text)
    assert explain.in_words("GP1:" + text)


def test_json_holds_what_the_pass_says_and_nothing_else() -> None:
    plain = explain.plain(kit.facts(household=None))
    assert plain["pass_id"] == "0123456789abcdef"
    assert "household" not in plain
    assert all(type(value) in (str, int, list) for value in plain.values())

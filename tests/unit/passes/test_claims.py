"""Claims: what is written is read again, and every other form is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import PassError
from kiosk.model import (
    Category,
    CommunityId,
    GateId,
    HouseholdId,
    IssuerId,
    PassFacts,
    PassId,
    Reason,
    UnixTime,
    WeeklyWindow,
)
from kiosk.passes import cbor, claims
from kiosk.passes.shapes import LATEST
from tests.unit.passes import kit

names = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?", fullmatch=True)
windows = st.builds(WeeklyWindow, st.integers(1, 127), st.integers(0, 1439), st.integers(0, 1440)).filter(
    lambda window: window.from_minute != window.to_minute
)


@st.composite
def all_facts(draw: st.DrawFn) -> PassFacts:
    expires = draw(st.integers(1, LATEST))
    earlier = st.none() | st.integers(0, expires - 1).map(UnixTime)
    return PassFacts(
        pass_id=PassId(draw(st.binary(min_size=8, max_size=8)).hex()),
        issuer=IssuerId(draw(names)),
        category=draw(st.sampled_from(Category)),
        expires=UnixTime(expires),
        not_before=draw(earlier),
        issued_at=draw(earlier),
        household=draw(st.none() | st.binary(min_size=6, max_size=6).map(lambda b: HouseholdId(b.hex()))),
        gates=tuple(map(GateId, draw(st.lists(names, max_size=4)))),
        communities=tuple(map(CommunityId, draw(st.lists(names, max_size=4)))),
        window=draw(st.none() | windows),
        status_list=draw(st.integers(0, (1 << 16) - 1)),
        status_index=draw(st.integers(0, (1 << 32) - 1)),
    )


@given(all_facts())
def test_what_is_written_is_read_again(facts: PassFacts) -> None:
    found = claims.read(claims.write(facts))
    assert found == claims.Claims(facts, extras=False)


def changed(label: int | str, value: Any) -> dict[Any, Any]:
    return kit.claim_map() | {label: value}


def rights(*elements: Any) -> dict[Any, Any]:
    return changed(claims.RIGHTS, list(elements))


def without(label: int) -> dict[Any, Any]:
    return {key: value for key, value in kit.claim_map().items() if key != label}


REFUSED: dict[str, Any] = {
    "not a map": [1, 2],
    "no claims": {},
    "no issuer": without(claims.ISS),
    "no expiry": without(claims.EXP),
    "no pass id": without(claims.CTI),
    "no rights": without(claims.RIGHTS),
    "issuer a number": changed(claims.ISS, 1),
    "issuer empty": changed(claims.ISS, ""),
    "issuer too long": changed(claims.ISS, "a" * 33),
    "issuer with a slash": changed(claims.ISS, "../demo"),
    "issuer with a newline": changed(claims.ISS, "demo\n"),
    "issuer in capitals": changed(claims.ISS, "Demo"),
    "expiry a text": changed(claims.EXP, "2026-11-21"),
    "expiry true": changed(claims.EXP, True),
    "expiry null": changed(claims.EXP, None),
    "expiry negative": changed(claims.EXP, -1),
    "expiry after year 9999": changed(claims.EXP, LATEST + 1),
    "expiry huge": changed(claims.EXP, 2**64 - 1),
    "begins when it ends": changed(claims.NBF, int(kit.facts().expires)),
    "issued after it ends": changed(claims.IAT, int(kit.facts().expires) + 1),
    "not before a text": changed(claims.NBF, "soon"),
    "pass id of seven bytes": changed(claims.CTI, bytes(7)),
    "pass id a text": changed(claims.CTI, "12345678"),
    "rights a map": changed(claims.RIGHTS, {}),
    "rights too few": rights(0, 1),
    "status list negative": rights(-1, 1, 0),
    "status list true": rights(True, 1, 0),
    "status index a text": rights(0, "1", 0),
    "status index too large": rights(0, 1 << 32, 0),
    "category negative": rights(0, 1, -1),
    "category a text": rights(0, 1, "resident"),
    "household of five bytes": rights(0, 1, 0, bytes(5)),
    "household a text": rights(0, 1, 0, "abcdef"),
    "an absent tail written out": rights(0, 1, 0, None),
    "all absent": rights(0, 1, 0, None, None, None, None),
    "no gates, but written": rights(0, 1, 0, None, []),
    "too many gates": rights(0, 1, 0, None, ["a"] * 33),
    "gate a number": rights(0, 1, 0, None, [1]),
    "gate a text alone": rights(0, 1, 0, None, "east"),
    "community empty": rights(0, 1, 0, None, None, [""]),
    "every community": rights(0, 1, 0, None, None, ["*"]),
    "a window of two": rights(0, 1, 0, None, None, None, [1, 2]),
    "a window without days": rights(0, 1, 0, None, None, None, [0, 1, 2]),
    "a window on an eighth day": rights(0, 1, 0, None, None, None, [128, 1, 2]),
    "an empty window": rights(0, 1, 0, None, None, None, [1, 60, 60]),
    "a window from 24:00": rights(0, 1, 0, None, None, None, [1, 1440, 10]),
    "a window to 24:01": rights(0, 1, 0, None, None, None, [1, 0, 1441]),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(value: Any) -> None:
    with pytest.raises(PassError) as caught:
        claims.read(cbor.encode(value))
    assert caught.value.reason is Reason.BAD_CLAIMS


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\xa1\x04", b"\xa1\x04\xf9\x7e\x00", b"\xa0\x00"])
def test_a_payload_that_is_no_strict_cbor_is_refused(payload: bytes) -> None:
    with pytest.raises(PassError) as caught:
        claims.read(payload)
    assert caught.value.reason is Reason.BAD_CLAIMS


def test_a_category_newer_than_this_gate_is_said_to_be_that() -> None:
    with pytest.raises(PassError) as caught:
        claims.read(cbor.encode(rights(0, 1, len(Category))))
    assert caught.value.reason is Reason.EXTRA_CLAIMS


@pytest.mark.parametrize(
    "value",
    [
        rights(0, 1, 0, None, None, None, [1, 2, 3], "new"),
        changed(2, "subject"),
        changed(-65538, 1),
        changed("name", "x"),
    ],
)
def test_extras_are_told(value: Any) -> None:
    found = claims.read(cbor.encode(value))
    assert found.extras
    assert found.facts.category is Category.RESIDENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "Not A Name"},
        {"pass_id": "00"},
        {"status_index": -1},
        {"expires": UnixTime(0)},
        {"expires": UnixTime(kit.NOW + 0.5)},
        {"gates": ("East",)},
        {"household": "00"},
        {"window": WeeklyWindow(0, 0, 1)},
    ],
    ids=str,
)
def test_what_could_not_be_read_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(PassError):
        claims.write(kit.facts(**wrong))


def test_the_position_of_a_category_is_its_value_on_the_wire() -> None:
    """Passes outlive software: reordering the categories would change what every pass means."""
    on_the_wire = {
        category: cbor.read(claims.write(kit.facts(category=category)))[claims.RIGHTS][2]
        for category in Category
    }
    assert on_the_wire == {
        Category.RESIDENT: 0,
        Category.STAFF: 1,
        Category.COURIER: 2,
        Category.VISITOR: 3,
        Category.ASSISTED: 4,
        Category.HOUSEHOLD: 5,
    }


def test_nothing_personal_has_a_place() -> None:
    assert set(kit.claim_map()) <= {1, 4, 5, 6, 7, -65537}

"""The native pass: every check with its reason, in the design's order, and the sizes that fit a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import (
    Category,
    CommunityId,
    GateId,
    HouseholdId,
    IssuerId,
    Reason,
    Seconds,
    UnixTime,
    WeeklyWindow,
)
from kiosk.passes import base45, cbor, claims, cose, formats, native
from kiosk.passes.context import PassContext
from kiosk.passes.cose import Kind
from kiosk.passes.keys import Algorithm, PublicKey, SigningKey
from kiosk.passes.status import Status, StatusList, StatusLists, pack
from kiosk.passes.symbol import symbol
from kiosk.passes.trust import DemoTrust
from kiosk.passes.trust_list import EVERYWHERE, IssuerKey, TrustList
from tests.unit.passes import kit
from tests.unit.passes.kit import DAY, HOUR, NOW

STRANGER = SigningKey.generate()


def reason(text: str, context: PassContext) -> Reason:
    return formats.check(text, context).reason


def trust_of(context: PassContext) -> TrustList:
    assert context.trust is not None
    return context.trust


def marked(context: PassContext, status: Status, index: int = 12_345) -> PassContext:
    lists = StatusLists({(IssuerId("demo"), 0): StatusList(pack(20_000, {index: status}))})
    return replace(context, status=lists)


def with_key(context: PassContext, **changed: Any) -> PassContext:
    return replace(context, trust=kit.with_key(trust_of(context), **changed))


def add_key(context: PassContext, key: PublicKey, **changed: Any) -> PassContext:
    trust = trust_of(context)
    entry = replace(trust.issuers[0], key=key, **changed)
    return replace(context, trust=replace(trust, issuers=(entry, *trust.issuers)))


# -- what is good ----------------------------------------------------------------------------------


def test_an_ordinary_pass_is_valid_and_says_what_it_holds(demo: DemoTrust, gate: PassContext) -> None:
    check = formats.check(kit.issue(demo), gate)
    assert check.reason is Reason.PASS_VALID
    assert check.valid
    assert check.format == "native"
    assert check.token == "0123456789abcdef"
    assert check.facts == kit.facts()


@pytest.mark.parametrize("category", list(Category))
def test_every_category_can_be_carried(demo: DemoTrust, gate: PassContext, category: Category) -> None:
    check = formats.check(kit.issue(demo, category=category), gate)
    assert check.facts is not None
    assert check.facts.category is category


def test_a_pass_signed_with_p256_is_as_good(demo: DemoTrust, gate: PassContext) -> None:
    key = SigningKey.generate(Algorithm.ESP256)
    context = add_key(gate, key.public)
    assert reason(kit.sign_claims(kit.claim_map(), key), context) is Reason.PASS_VALID


def test_a_key_without_a_longest_life_takes_a_pass_without_dates_of_issue(
    demo: DemoTrust, gate: PassContext
) -> None:
    text = kit.issue(demo, not_before=None, issued_at=None)
    assert reason(text, with_key(gate, max_life=None)) is Reason.PASS_VALID


# -- each check, one reason ------------------------------------------------------------------------


def test_too_long(gate: PassContext) -> None:
    assert reason("GP1:" + "0" * (native.MAX_LENGTH - 3), gate) is Reason.PASS_TOO_LONG
    assert reason("GP1:" + "0" * (native.MAX_LENGTH - 4), gate) is not Reason.PASS_TOO_LONG


@pytest.mark.parametrize(
    "change", [str.lower, str.swapcase, lambda t: " " + t, lambda t: t[1:], lambda t: ""]
)
def test_without_the_exact_prefix_it_is_an_unknown_text(
    demo: DemoTrust, gate: PassContext, change: Callable[[str], str]
) -> None:
    assert reason(change(kit.issue(demo)), gate) is Reason.PASS_UNKNOWN


def test_not_ascii(demo: DemoTrust, gate: PassContext) -> None:
    assert reason(kit.issue(demo) + "\u3000", gate) is Reason.NOT_ASCII


@pytest.mark.parametrize("end", [" ", "\n", "\r\n", "\t", "\0", "  "])
def test_nothing_is_stripped(demo: DemoTrust, gate: PassContext, end: str) -> None:
    assert reason(kit.issue(demo) + end, gate) in (Reason.BAD_BASE45, Reason.BAD_CBOR)
    assert reason("GP1:" + end + kit.issue(demo)[4:], gate) in (Reason.BAD_BASE45, Reason.BAD_CBOR)


def test_a_cut_text(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo)
    broken = {Reason.BAD_BASE45, Reason.BAD_CBOR}
    assert {reason(text[:end], gate) for end in range(4, len(text))} == broken


def test_bad_cose(demo: DemoTrust, gate: PassContext) -> None:
    protected, _, payload, signature = kit.parts_of(kit.issue(demo))
    text = kit.as_text(kit.assemble([protected, {4: b"kid"}, payload, signature]))
    assert reason(text, gate) is Reason.BAD_COSE


def test_key_unknown(gate: PassContext) -> None:
    assert reason(kit.sign_claims(kit.claim_map(), STRANGER), gate) is Reason.KEY_UNKNOWN


def test_a_key_that_may_not_sign_this_format_is_unknown_to_it(demo: DemoTrust, gate: PassContext) -> None:
    assert reason(kit.issue(demo), with_key(gate, formats=("shc",))) is Reason.KEY_UNKNOWN


@pytest.mark.parametrize("named", [-9, -8, -7, 5])
def test_algorithm_other_than_the_keys(demo: DemoTrust, gate: PassContext, named: int) -> None:
    """Even when the signature would hold over that very header."""
    key = demo.issuer.key
    header = cbor.encode({1: named, 4: key.public.kid})
    payload = claims.write(kit.facts())
    signature = key.sign(cbor.encode(["Signature1", header, Kind.PASS.external_aad, payload]))
    text = kit.as_text(kit.assemble([header, {}, payload, signature]))
    assert reason(text, gate) is Reason.ALG_MISMATCH


@pytest.mark.parametrize(
    "window",
    [
        {"not_before": UnixTime(NOW + 61)},
        {"not_before": UnixTime(0), "expires": UnixTime(NOW - 61)},
    ],
    ids=["not yet", "no longer"],
)
def test_key_outside_its_window(demo: DemoTrust, gate: PassContext, window: dict[str, Any]) -> None:
    assert reason(kit.issue(demo), with_key(gate, **window)) is Reason.KEY_OUTSIDE_WINDOW


def test_key_revoked(demo: DemoTrust, gate: PassContext) -> None:
    check = formats.check(kit.issue(demo), with_key(gate, revoked=True))
    assert check.reason is Reason.KEY_REVOKED
    assert check.facts is None


def test_bad_signature(demo: DemoTrust, gate: PassContext) -> None:
    protected, unprotected, payload, signature = kit.parts_of(kit.issue(demo))
    forged = bytes([signature[0] ^ 1]) + signature[1:]
    check = formats.check(kit.as_text(kit.assemble([protected, unprotected, payload, forged])), gate)
    assert check.reason is Reason.BAD_SIGNATURE
    assert check.facts is None


def test_another_persons_claims_under_a_genuine_signature(demo: DemoTrust, gate: PassContext) -> None:
    protected, unprotected, _, signature = kit.parts_of(kit.issue(demo))
    payload = claims.write(kit.facts(category=Category.STAFF))
    text = kit.as_text(kit.assemble([protected, unprotected, payload, signature]))
    assert reason(text, gate) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PASS])
def test_another_kind_of_thing_is_no_pass(demo: DemoTrust, gate: PassContext, kind: Kind) -> None:
    text = kit.sign_payload(claims.write(kit.facts()), demo.issuer.key, kind)
    assert reason(text, gate) is Reason.BAD_SIGNATURE


def test_bad_claims(demo: DemoTrust, gate: PassContext) -> None:
    without_expiry = {label: value for label, value in kit.claim_map().items() if label != claims.EXP}
    check = formats.check(kit.sign_claims(without_expiry, demo.issuer.key), gate)
    assert check.reason is Reason.BAD_CLAIMS
    assert check.facts is None


@given(st.binary(max_size=60))
def test_any_payload_under_a_genuine_signature_is_judged(
    demo: DemoTrust, gate: PassContext, payload: bytes
) -> None:
    assert not formats.check(kit.sign_payload(payload, demo.issuer.key), gate).valid


def test_issuer_mismatch(demo: DemoTrust, gate: PassContext) -> None:
    assert reason(kit.issue(demo, issuer=IssuerId("other")), gate) is Reason.ISSUER_MISMATCH


def test_expired(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo, expires=UnixTime(NOW - 61))
    assert reason(text, gate) is Reason.EXPIRED
    assert reason(text, replace(gate, interval=kit.exactly(NOW - 1))) is Reason.PASS_VALID


def test_not_yet_valid(demo: DemoTrust, gate: PassContext) -> None:
    assert reason(kit.issue(demo, not_before=UnixTime(NOW + 61)), gate) is Reason.NOT_YET_VALID


def test_issued_in_the_future(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo, not_before=None, issued_at=UnixTime(NOW + 61))
    assert reason(text, gate) is Reason.NOT_YET_VALID


def test_time_uncertain(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo)
    assert reason(text, replace(gate, interval=kit.uncertain(NOW, NOW + 31 * DAY))) is Reason.TIME_UNCERTAIN
    assert reason(text, replace(gate, interval=kit.uncertain(NOW - DAY, NOW))) is Reason.TIME_UNCERTAIN


def test_a_power_cut_without_network_leaves_ordinary_passes_working(
    demo: DemoTrust, gate: PassContext
) -> None:
    text = kit.issue(demo, expires=UnixTime(NOW + 200 * DAY))
    assert reason(text, replace(gate, interval=kit.uncertain(NOW, NOW + 30 * DAY))) is Reason.PASS_VALID


def test_a_short_lived_pass_needs_trusted_time(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo, not_before=UnixTime(NOW), issued_at=UnixTime(NOW), expires=UnixTime(NOW + 300))
    short = with_key(gate, max_life=Seconds(300))
    assert reason(text, short) is Reason.PASS_VALID
    assert reason(text, replace(short, interval=kit.uncertain(NOW, NOW + 30 * DAY))) is Reason.TIME_UNCERTAIN


@pytest.mark.parametrize(
    "limits",
    [
        {"categories": (Category.VISITOR, Category.COURIER)},
        {"categories": ()},
        {"communities": (CommunityId("another"),)},
        {"communities": ()},
    ],
    ids=str,
)
def test_issuer_not_allowed(demo: DemoTrust, gate: PassContext, limits: dict[str, Any]) -> None:
    assert reason(kit.issue(demo), with_key(gate, **limits)) is Reason.ISSUER_NOT_ALLOWED


def test_an_issuer_may_be_allowed_everywhere(demo: DemoTrust, gate: PassContext) -> None:
    everywhere = with_key(gate, communities=(EVERYWHERE,))
    assert reason(kit.issue(demo), replace(everywhere, community=CommunityId("far"))) is Reason.PASS_VALID


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"issued_at": NOW, "expires": NOW + 300}, Reason.PASS_VALID),
        ({"issued_at": NOW, "expires": NOW + 301}, Reason.LIFE_TOO_LONG),
        ({"issued_at": NOW - 60, "not_before": NOW, "expires": NOW + 300}, Reason.LIFE_TOO_LONG),
        ({"issued_at": None, "not_before": NOW, "expires": NOW + 300}, Reason.PASS_VALID),
        ({"issued_at": None, "not_before": NOW, "expires": NOW + 301}, Reason.LIFE_TOO_LONG),
        ({"issued_at": None, "not_before": None, "expires": NOW + 1}, Reason.LIFE_TOO_LONG),
    ],
)
def test_life_too_long(
    demo: DemoTrust, gate: PassContext, dates: dict[str, UnixTime | None], expected: Reason
) -> None:
    text = kit.issue(demo, **({"not_before": None} | dates))
    assert reason(text, with_key(gate, max_life=Seconds(300))) is expected


def test_revoked_and_held(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo)
    assert reason(text, marked(gate, Status.REVOKED)) is Reason.REVOKED
    assert reason(text, marked(gate, Status.HELD)) is Reason.HELD
    assert reason(text, marked(gate, Status.REVOKED, index=12_346)) is Reason.PASS_VALID


def test_status_unknown(demo: DemoTrust, gate: PassContext) -> None:
    assert reason(kit.issue(demo), replace(gate, status=StatusLists())) is Reason.STATUS_UNKNOWN
    assert reason(kit.issue(demo, status_list=1), gate) is Reason.STATUS_UNKNOWN
    assert reason(kit.issue(demo, status_index=demo.status_size), gate) is Reason.STATUS_UNKNOWN
    assert reason(kit.issue(demo, status_index=demo.status_size - 1), gate) is Reason.PASS_VALID


def test_the_list_is_the_issuers_own(demo: DemoTrust, gate: PassContext) -> None:
    others = StatusLists({(IssuerId("other"), 0): StatusList(pack(20_000))})
    assert reason(kit.issue(demo), replace(gate, status=others)) is Reason.STATUS_UNKNOWN


def test_wrong_gate(demo: DemoTrust, gate: PassContext) -> None:
    west, here = GateId("west"), kit.GATE
    assert reason(kit.issue(demo, gates=(west,)), gate) is Reason.WRONG_GATE
    assert reason(kit.issue(demo, gates=(west, here)), gate) is Reason.PASS_VALID
    assert reason(kit.issue(demo, communities=(CommunityId("far"),)), gate) is Reason.WRONG_GATE
    assert reason(kit.issue(demo, communities=(demo.community,)), gate) is Reason.PASS_VALID


def test_outside_its_weekly_window(demo: DemoTrust, gate: PassContext) -> None:
    """NOW is Saturday, eight o'clock in Shanghai."""
    saturdays = WeeklyWindow(1 << 5, 8 * 60, 12 * 60)
    assert reason(kit.issue(demo, window=saturdays), gate) is Reason.PASS_VALID
    assert reason(kit.issue(demo, window=replace(saturdays, days=0b1011111)), gate) is Reason.OUTSIDE_WINDOW
    utc = replace(gate, policy=replace(gate.policy, time_zone="UTC"))
    assert reason(kit.issue(demo, window=saturdays), utc) is Reason.OUTSIDE_WINDOW


def test_a_weekly_window_needs_trusted_time(demo: DemoTrust, gate: PassContext) -> None:
    always = WeeklyWindow(127, 0, 1440)
    unsure = replace(gate, interval=kit.uncertain(NOW, NOW + HOUR))
    assert reason(kit.issue(demo), unsure) is Reason.PASS_VALID
    assert reason(kit.issue(demo, window=always), unsure) is Reason.TIME_UNCERTAIN


def test_what_this_gate_does_not_understand(demo: DemoTrust, gate: PassContext) -> None:
    more = kit.claim_map() | {-65538: "something new"}
    check = formats.check(kit.sign_claims(more, demo.issuer.key), gate)
    assert check.reason is Reason.EXTRA_CLAIMS
    assert check.facts == kit.facts()


def test_no_trust(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo)
    assert reason(text, replace(gate, trust=None)) is Reason.NO_TRUST
    expired = replace(trust_of(gate), expires=UnixTime(NOW - 61))
    assert reason(text, replace(gate, trust=expired)) is Reason.NO_TRUST


# -- doubts that are carried past the signature ----------------------------------------------------


def unsure_of_key(gate: PassContext) -> PassContext:
    soon = with_key(gate, expires=UnixTime(NOW + DAY))
    return replace(soon, interval=kit.uncertain(NOW, NOW + 2 * DAY))


def unsure_of_trust(gate: PassContext) -> PassContext:
    soon = replace(gate, trust=replace(trust_of(gate), expires=UnixTime(NOW + DAY)))
    return replace(soon, interval=kit.uncertain(NOW, NOW + 2 * DAY))


@pytest.mark.parametrize("unsure", [unsure_of_key, unsure_of_trust])
def test_a_window_that_may_be_over_is_told_as_uncertain_time(
    demo: DemoTrust, gate: PassContext, unsure: Callable[[PassContext], PassContext]
) -> None:
    context = unsure(gate)
    check = formats.check(kit.issue(demo), context)
    assert check.reason is Reason.TIME_UNCERTAIN
    assert check.facts is not None
    surely_over = kit.issue(demo, expires=UnixTime(NOW - DAY), not_before=None, issued_at=None)
    assert reason(surely_over, context) is Reason.EXPIRED


@pytest.mark.parametrize("unsure", [unsure_of_key, unsure_of_trust])
def test_a_forgery_stays_a_forgery_in_uncertain_time(
    demo: DemoTrust, gate: PassContext, unsure: Callable[[PassContext], PassContext]
) -> None:
    text = kit.sign_payload(claims.write(kit.facts()), demo.issuer.key, Kind.CARD)
    assert reason(text, unsure(gate)) is Reason.BAD_SIGNATURE


# -- several keys of one id ------------------------------------------------------------------------


def same_kid(demo: DemoTrust, key: SigningKey) -> PublicKey:
    return PublicKey.from_spki(key.public.spki, demo.issuer.key.public.kid)


def test_every_key_of_that_id_is_tried(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.issue(demo)
    for other in (SigningKey.generate(), SigningKey.generate(Algorithm.ESP256)):
        assert reason(text, add_key(gate, same_kid(demo, other))) is Reason.PASS_VALID
        assert reason(text, add_key(gate, same_kid(demo, other), revoked=True)) is Reason.PASS_VALID


def test_the_furthest_failure_among_them_is_told(demo: DemoTrust, gate: PassContext) -> None:
    text = kit.sign_payload(claims.write(kit.facts()), demo.issuer.key, Kind.CARD)
    other = same_kid(demo, SigningKey.generate(Algorithm.ESP256))
    assert reason(text, add_key(gate, other)) is Reason.BAD_SIGNATURE
    assert reason(text, add_key(with_key(gate, revoked=True), other)) is Reason.KEY_REVOKED
    past = with_key(gate, not_before=UnixTime(0), expires=UnixTime(1))
    assert reason(text, add_key(past, other)) is Reason.KEY_OUTSIDE_WINDOW


def test_a_pass_belongs_to_the_owner_of_the_key_that_verified(demo: DemoTrust, gate: PassContext) -> None:
    """Two issuers whose keys share an id can't speak for each other."""
    other = SigningKey.generate()
    context = add_key(gate, same_kid(demo, other), issuer=IssuerId("other"))
    forged_header = replace(other, public=same_kid(demo, other))
    assert reason(kit.sign_claims(kit.claim_map(), forged_header), context) is Reason.ISSUER_MISMATCH
    theirs = kit.claim_map(issuer=IssuerId("other"))
    assert reason(kit.sign_claims(theirs, forged_header), context) is Reason.STATUS_UNKNOWN


# -- the order -------------------------------------------------------------------------------------


def test_the_first_failure_in_the_designs_order_is_the_reason(demo: DemoTrust, gate: PassContext) -> None:
    """One pass with everything wrong; mending it from the front moves the reason along the design's order."""
    wrong: dict[str, Any] = {
        "issuer": IssuerId("other"),
        "not_before": None,
        "issued_at": None,
        "expires": UnixTime(NOW - HOUR),
        "category": Category.VISITOR,
        "gates": (GateId("west"),),
        "window": WeeklyWindow(1, 0, 60),
    }
    context = marked(gate, Status.REVOKED)
    context = with_key(context, categories=(Category.RESIDENT,), max_life=Seconds(60))
    mended: list[tuple[Reason, dict[str, Any]]] = [
        (Reason.ISSUER_MISMATCH, {"issuer": IssuerId("demo")}),
        (Reason.EXPIRED, {"expires": UnixTime(NOW + HOUR)}),
        (Reason.ISSUER_NOT_ALLOWED, {"category": Category.RESIDENT}),
        (Reason.LIFE_TOO_LONG, {"issued_at": UnixTime(NOW), "expires": UnixTime(NOW + 60)}),
        (Reason.REVOKED, {"status_index": 1}),
        (Reason.WRONG_GATE, {"gates": ()}),
        (Reason.OUTSIDE_WINDOW, {"window": None}),
    ]
    for expected, mend in mended:
        claim_map = kit.claim_map(**wrong) | {-65538: 0}
        assert reason(kit.sign_claims(claim_map, demo.issuer.key), context) is expected
        wrong |= mend
    assert (
        reason(kit.sign_claims(kit.claim_map(**wrong) | {-65538: 0}, demo.issuer.key), context)
        is Reason.EXTRA_CLAIMS
    )
    assert reason(kit.issue(demo, **wrong), context) is Reason.PASS_VALID


def test_before_the_signature_too(demo: DemoTrust, gate: PassContext) -> None:
    """The same, for the checks of a text that nobody has to believe yet."""
    good = kit.issue(demo)
    message = kit.as_bytes(good)
    revoked = with_key(gate, revoked=True)
    steps = [
        (Reason.PASS_TOO_LONG, "GP1:" + "\u3000" * native.MAX_LENGTH, revoked),
        (Reason.NOT_ASCII, good + "\u3000_", revoked),
        (Reason.BAD_BASE45, good + "_", revoked),
        (Reason.BAD_CBOR, kit.as_text(message + b"\0"), revoked),
        (Reason.BAD_COSE, kit.as_text(message[1:]), revoked),
        (Reason.KEY_UNKNOWN, kit.sign_payload(b"", STRANGER, Kind.CARD), revoked),
        (Reason.KEY_REVOKED, kit.sign_payload(b"", demo.issuer.key, Kind.CARD), revoked),
        (Reason.BAD_SIGNATURE, kit.sign_payload(b"", demo.issuer.key, Kind.CARD), gate),
        (Reason.BAD_CLAIMS, kit.sign_payload(b"", demo.issuer.key), gate),
        (Reason.PASS_VALID, good, gate),
    ]
    assert [reason(text, context) for _, text, context in steps] == [expected for expected, _, _ in steps]


def test_facts_come_only_with_a_signature_that_held(demo: DemoTrust, gate: PassContext) -> None:
    good = formats.check(kit.issue(demo), marked(gate, Status.REVOKED))
    assert (good.reason, good.facts, good.token) == (Reason.REVOKED, kit.facts(), kit.facts().pass_id)
    forged = formats.check(kit.sign_payload(claims.write(kit.facts()), demo.issuer.key, Kind.CARD), gate)
    assert forged.facts is None
    assert kit.facts().pass_id not in forged.token


# -- one text, one pass; sizes ---------------------------------------------------------------------


def test_one_pass_has_one_text(demo: DemoTrust) -> None:
    assert kit.issue(demo) == kit.issue(demo)
    assert native.write(kit.as_bytes(kit.issue(demo))) == kit.issue(demo)


def sizes(demo: DemoTrust, **changed: Any) -> tuple[int, int]:
    """Characters and version, for an issuer id of the given length and the largest usual values."""
    claim_map = kit.claim_map(**({"status_index": 32_767} | changed))
    text = kit.sign_claims(claim_map, demo.issuer.key)
    return len(text), int(symbol(text).version)


MINIMAL = {"household": None, "not_before": None, "issued_at": None}
FULL = {"gates": (GateId("g1"),), "communities": (CommunityId("c1"),), "window": WeeklyWindow(31, 420, 1200)}


@pytest.mark.parametrize("issuer", ["ab", "demo", "lane4", "tianhe-4"])
def test_a_minimal_pass_has_175_to_187_characters(demo: DemoTrust, issuer: str) -> None:
    characters, _ = sizes(demo, issuer=IssuerId(issuer), **MINIMAL)
    assert 174 <= characters <= 187


@pytest.mark.parametrize("issuer", ["dem", "demo", "lane4"])
def test_a_typical_pass_is_version_8(demo: DemoTrust, issuer: str) -> None:
    characters, version = sizes(demo, issuer=IssuerId(issuer))
    assert 203 <= characters <= 207
    assert version == 8


def test_a_pass_with_gates_communities_and_a_window_is_version_9(demo: DemoTrust) -> None:
    characters, version = sizes(demo, **FULL)
    assert 226 <= characters <= 238
    assert version == 9


def test_the_largest_of_these_still_fits_a_screen(demo: DemoTrust) -> None:
    """Everything on a screen is version 9 at most: long ids, a large status list."""
    gates = (GateId("east"), GateId("west"))
    _, version = sizes(demo, **(FULL | {"gates": gates, "status_index": 10_000_000}))
    assert version == 9


def test_p256_costs_no_character_more(demo: DemoTrust) -> None:
    key = SigningKey.generate(Algorithm.ESP256)
    claim_map = kit.claim_map(status_index=32_767)
    assert len(kit.sign_claims(claim_map, key)) == len(kit.sign_claims(claim_map, demo.issuer.key))


def test_a_household_pass_is_no_larger(demo: DemoTrust) -> None:
    household = HouseholdId("ff" * 6)
    assert sizes(demo, category=Category.HOUSEHOLD, household=household) == sizes(demo)


def test_a_trust_list_of_many_keys_finds_the_right_one(demo: DemoTrust, gate: PassContext) -> None:
    trust = trust_of(gate)
    crowd = tuple(
        IssuerKey(IssuerId(f"i{number}"), SigningKey.generate().public, NOW, NOW, (), (), ("native",))
        for number in range(300)
    )
    context = replace(gate, trust=replace(trust, issuers=(*crowd, *trust.issuers)))
    assert reason(kit.issue(demo), context) is Reason.PASS_VALID


def test_texts_and_messages_are_the_same_thing(demo: DemoTrust) -> None:
    text = kit.issue(demo)
    assert native.read(text) == cose.read(base45.decode(text[4:]))

"""What the tests of passes share: one demo issuer, lists at a fixed time, and messages made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cbor2

from kiosk import directory
from kiosk.directory import Directory
from kiosk.model import (
    Category,
    ClockState,
    GateId,
    HouseholdId,
    PassCheck,
    PassFacts,
    PassId,
    Seconds,
    TimeInterval,
    UnixTime,
)
from kiosk.passes import base45, cbor, claims, cose, formats, native
from kiosk.passes.context import PassContext
from kiosk.passes.cose import Kind
from kiosk.passes.keys import SigningKey
from kiosk.passes.trust import DemoTrust
from kiosk.passes.trust_list import TrustList

NOW = UnixTime(1_795_219_200)
"""2026-11-21T00:00:00Z, a Saturday; 08:00 in Shanghai."""
HOUR = 3600
DAY = 86_400
GATE = GateId("east")
TOKEN_KEY = b"a device's secret"


def load(demo: DemoTrust, at: float = NOW) -> Directory:
    return directory.load(demo.lists, demo.roots, exactly(at))


def exactly(at: float) -> TimeInterval:
    return TimeInterval.exactly(UnixTime(at))


def uncertain(low: float, high: float) -> TimeInterval:
    return TimeInterval(UnixTime(low), UnixTime(high), ClockState.UNTRUSTED)


def context(demo: DemoTrust, **changed: Any) -> PassContext:
    """What a gate of the demo's community knows at NOW, with whatever a test changes."""
    found = load(demo)
    plain = PassContext(
        trust=found.trust,
        status=found.status,
        interval=exactly(NOW),
        policy=found.policy,
        gate=GATE,
        community=demo.community,
        token_key=TOKEN_KEY,
    )
    return replace(plain, **changed)


def with_key(trust: TrustList, **changed: Any) -> TrustList:
    """The trust list with something changed about its only issuer key."""
    return replace(trust, issuers=(replace(trust.issuers[0], **changed),))


def facts(**changed: Any) -> PassFacts:
    """A resident's ordinary pass."""
    ordinary: dict[str, Any] = {
        "pass_id": PassId("0123456789abcdef"),
        "issuer": "demo",
        "category": Category.RESIDENT,
        "expires": UnixTime(NOW + 30 * DAY),
        "not_before": UnixTime(NOW - HOUR),
        "issued_at": UnixTime(NOW - HOUR),
        "household": HouseholdId("0a0b0c0d0e0f"),
        "status_index": 12_345,
    }
    return PassFacts(**(ordinary | changed))


def issue(demo: DemoTrust, **changed: Any) -> str:
    """The text of a pass with these facts."""
    return demo.issuer.sign(facts(**changed))


def issue_fresh(demo: DemoTrust) -> str:
    return demo.issuer.issue(Category.RESIDENT, now=NOW, life=Seconds(DAY)).text


def check(text: str, of: PassContext) -> PassCheck:
    return formats.check(text, of)


def claim_map(**changed: Any) -> dict[Any, Any]:
    """The claims of :func:`facts` as CBOR holds them."""
    made: dict[Any, Any] = cbor.read(claims.write(facts(**changed)))
    return made


def sign_payload(payload: bytes, key: SigningKey, kind: Kind = Kind.PASS) -> str:
    """A pass whose signature holds over any payload, however strange."""
    return native.write(cose.sign(payload, key, kind))


def sign_claims(value: Mapping[Any, Any], key: SigningKey) -> str:
    return sign_payload(cbor.encode(dict(value)), key)


def as_text(message: bytes) -> str:
    return native.PREFIX + base45.encode(message)


def as_bytes(text: str) -> bytes:
    return base45.decode(text.removeprefix(native.PREFIX))


def assemble(parts: list[Any], tag: int | None = cose.SIGN1_TAG) -> bytes:
    """COSE bytes from parts, as carefully or as wrongly as a test wants."""
    return cbor2.dumps(parts if tag is None else cbor2.CBORTag(tag, parts))


def parts_of(text: str) -> list[Any]:
    """Protected header, unprotected header, payload and signature of a genuine pass."""
    message = native.read(text)
    return [message.protected, {}, message.payload, message.signature]

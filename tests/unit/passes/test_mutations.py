"""Genuine passes, changed at every layer: none of them is ever valid, admits anybody or raises.

The short form runs by default; KIOSK_MUTATIONS_N=100000 is the full proof.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from kiosk.model import Category, Direction, PassCheck, Reason, Screening, UnixTime, Verdict, WeeklyWindow
from kiosk.passage.decision import Circumstances, decide
from kiosk.passes import base45, cbor, claims, cose, formats
from kiosk.passes.context import PassContext
from kiosk.passes.cose import Kind
from kiosk.passes.keys import Algorithm, PublicKey, SigningKey
from kiosk.passes.trust import DemoTrust
from tests.unit.passes import kit

MUTATIONS = int(os.environ.get("KIOSK_MUTATIONS_N", "2000"))
SEED = 20_261_121


class Mutator:
    """Makes changed passes from genuine ones. Seeded: the same passes every time but for the demo's keys."""

    def __init__(self, demo: DemoTrust) -> None:
        self.random = Random(SEED)
        self.genuine = [
            kit.issue(demo),
            kit.issue(demo, household=None, not_before=None, issued_at=None),
            kit.issue(demo, category=Category.COURIER, window=WeeklyWindow(127, 0, 1440), gates=(kit.GATE,)),
        ]
        self.key = demo.issuer.key
        self.thieves = [self._thief(algorithm) for algorithm in Algorithm]
        self.layers: list[Callable[[], str]] = [
            self.characters,
            self.message_bytes,
            self.message_parts,
            self.claims_kept_signature,
            self.claims_resigned,
            self.other_kind,
            self.spliced,
        ]

    def _thief(self, algorithm: Algorithm) -> SigningKey:
        """A stranger's key under the genuine key's id."""
        key = SigningKey.generate(algorithm)
        return SigningKey(PublicKey.from_spki(key.public.spki, self.key.public.kid), key._key)

    def one(self) -> tuple[str, str]:
        layer = self.random.choice(self.layers)
        while (text := layer()) in self.genuine:
            pass
        return layer.__name__, text

    # -- layers ------------------------------------------------------------------------------------

    def characters(self) -> str:
        text = list(self.random.choice(self.genuine))
        for _ in range(self.random.choice((1, 1, 1, 2, 5, 40))):
            self._change(text, lambda: self.random.choice(base45.ALPHABET + "abz_\n\0é\udc80健"))
        return "".join(text)

    def message_bytes(self) -> str:
        data = list(kit.as_bytes(self.random.choice(self.genuine)))
        for _ in range(self.random.choice((1, 1, 1, 2, 5, 40))):
            self._change(data, lambda: self.random.randrange(256))
        return kit.as_text(bytes(data))

    def message_parts(self) -> str:
        parts = kit.parts_of(self.random.choice(self.genuine))
        at = self.random.randrange(4)
        parts[at] = self._other_value(parts[at])
        return kit.as_text(kit.assemble(parts, self.random.choice((18, 18, 18, 17, 61, None))))

    def claims_kept_signature(self) -> str:
        parts = kit.parts_of(self.random.choice(self.genuine))
        parts[2] = self._other_claims(parts[2])
        return kit.as_text(kit.assemble(parts))

    def claims_resigned(self) -> str:
        payload = kit.parts_of(self.random.choice(self.genuine))[2]
        if self.random.random() < 0.8:
            payload = self._other_claims(payload)
        return kit.sign_payload(payload, self.random.choice(self.thieves))

    def other_kind(self) -> str:
        kind = self.random.choice([kind for kind in Kind if kind is not Kind.PASS])
        payload = kit.parts_of(self.random.choice(self.genuine))[2]
        return kit.sign_payload(payload, self.key, kind)

    def spliced(self) -> str:
        one, two = (kit.as_bytes(text) for text in self.random.sample(self.genuine, 2))
        cut = self.random.randrange(1, min(len(one), len(two)))
        return kit.as_text(one[:cut] + two[cut:])

    # -- helpers -----------------------------------------------------------------------------------

    def _change(self, items: list[Any], fresh: Callable[[], Any]) -> None:
        if not items:
            return
        at, what = self.random.randrange(len(items)), self.random.randrange(6)
        if what <= 1:
            items[at] = fresh()
        elif what == 2:
            items.insert(at, fresh())
        elif what == 3:
            del items[at]
        elif what == 4:
            other = self.random.randrange(len(items))
            items[at], items[other] = items[other], items[at]
        else:
            del items[at : at + self.random.randrange(1, 20)]

    def _other_claims(self, payload: bytes) -> bytes:
        found = cbor.read(payload)
        for _ in range(self.random.choice((1, 1, 2))):
            label = self.random.choice([*found, 2, 3, 8, -65536, "name"])
            found[label] = self._other_value(found.get(label))
        return cbor.encode(found)

    def _other_value(self, value: Any) -> Any:
        plausible: list[Any] = [
            None,
            True,
            0,
            -1,
            1 << 40,
            "demo",
            "",
            b"",
            bytes(8),
            [],
            {},
            [[[]]],
            {1: -19},
        ]
        if isinstance(value, int):
            plausible += [value + 1, value - 1, value * 2, -value, value + 86_400 * 365] * 3
        if isinstance(value, bytes) and value:
            plausible += [value[:-1], value + b"\0", value[::-1], bytes(len(value))] * 3
        if isinstance(value, list) and value:
            at = self.random.randrange(len(value))
            plausible += [
                [*value[:at], self._other_value(value[at]), *value[at + 1 :]],
                value[:-1],
                [*value, 0],
            ] * 4
        return self.random.choice(plausible)


@pytest.fixture(scope="module")
def unlimited(gate: PassContext) -> PassContext:
    """A gate that would take every one of the genuine passes, those without dates of issue too."""
    assert gate.trust is not None
    return replace(gate, trust=kit.with_key(gate.trust, max_life=None))


@pytest.mark.slow
def test_no_mutation_is_valid_or_admits_anybody_or_raises(demo: DemoTrust, unlimited: PassContext) -> None:
    mutator = Mutator(demo)
    reasons: Counter[Reason] = Counter()
    for number in range(MUTATIONS):
        layer, text = mutator.one()
        check = formats.check(text, unlimited)
        assert not check.valid, (number, layer, text)
        assert check.facts is None, (number, layer, text)
        assert verdict(check, unlimited) is not Verdict.ADMIT, (number, layer, text)
        reasons[check.reason] += 1
    # The changes reach every layer: were they all refused by the first check, this would prove little.
    assert {
        Reason.PASS_UNKNOWN,
        Reason.NOT_ASCII,
        Reason.BAD_BASE45,
        Reason.BAD_CBOR,
        Reason.BAD_COSE,
        Reason.KEY_UNKNOWN,
        Reason.ALG_MISMATCH,
        Reason.BAD_SIGNATURE,
    } <= set(reasons)
    assert reasons[Reason.BAD_SIGNATURE] > MUTATIONS / 5


def verdict(check: PassCheck, context: PassContext) -> Verdict:
    """What the gate answers when nothing but the pass could speak against the person."""
    return decide(Circumstances(context.policy, Direction.IN, check, Screening.NORMAL)).verdict


def test_the_genuine_ones_are_valid_or_the_test_would_prove_nothing(
    demo: DemoTrust, unlimited: PassContext
) -> None:
    for text in Mutator(demo).genuine:
        assert verdict(formats.check(text, unlimited), unlimited) is Verdict.ADMIT


def test_a_stranger_who_changes_nothing_is_refused_all_the_same(
    demo: DemoTrust, unlimited: PassContext
) -> None:
    for thief in Mutator(demo).thieves:
        text = kit.sign_payload(claims.write(kit.facts(expires=UnixTime(kit.NOW + 60))), thief)
        assert formats.check(text, unlimited).reason in (Reason.BAD_SIGNATURE, Reason.ALG_MISMATCH)
        assert cose.read(kit.as_bytes(text)).kid == demo.issuer.key.public.kid

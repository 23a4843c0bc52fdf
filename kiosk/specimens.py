"""Texts for simulated people: genuine passes, worn-out ones, and every forgery of the scenario vocabulary.

Made by the assembly of a simulated gate and by tests; a real gate never imports this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import cbor2

from kiosk.model import HouseholdId, PassFacts, Seconds, UnixTime
from kiosk.passes import base45, cbor, claims, cose, native
from kiosk.passes.cose import Kind, Sign1
from kiosk.passes.issue import Issuer, household_id
from kiosk.passes.keys import SigningKey
from kiosk.scenario import PassKind, Person

SIGN1_TAG: Final = 18
"""COSE_Sign1 (RFC 9052, 2)."""
COMMUNITY_KEY: Final = b"simulated household key"
"""Pseudonyms of simulated households protect nobody, so their key need not be secret."""


class Specimens:
    """Makes the text that each person of a scenario holds up.

    ``revoked`` collects the status indexes that the caller must mark as revoked in the issuer's list.
    """

    def __init__(self, issuer: Issuer, stranger: SigningKey, started: UnixTime) -> None:
        self.revoked: list[int] = []
        self._issuer = issuer
        self._stranger = stranger
        self._started = started

    def texts(self, people: Iterable[Person]) -> Iterator[tuple[str, str]]:
        """Person id and text, for everybody whose pass is issued or forged."""
        return ((person.id, self.text(person)) for person in people if person.kind.pass_kind.issued)

    def text(self, person: Person) -> str:
        """What this person holds up; KeyError for a kind that nobody issues."""
        kind = person.kind.pass_kind
        if not kind.issued:
            raise KeyError(f"nobody issues a pass of the kind {kind}")
        facts = self._facts(person)
        if kind is PassKind.REVOKED:
            self.revoked.append(facts.status_index)
        maker = _FORGERIES.get(kind)
        return self._issuer.sign(facts) if maker is None else maker(self, facts)

    def _facts(self, person: Person) -> PassFacts:
        kind = person.kind
        begins = UnixTime(self._started + kind.valid_from_s)
        issued = self._issuer.issue(
            kind.category,
            now=UnixTime(min(begins, self._started)),
            not_before=begins,
            life=Seconds(kind.valid_until_s - kind.valid_from_s),
            household=_household(person),
            window=kind.window,
        )
        return issued.facts

    # -- forgeries ---------------------------------------------------------------------------------------

    def _signature(self, facts: PassFacts) -> str:
        message = self._genuine(facts)
        flipped = bytes([message.signature[0] ^ 0x01]) + message.signature[1:]
        return _write(message, signature=flipped)

    def _claims(self, facts: PassFacts) -> str:
        old = replace(facts, expires=UnixTime(int(self._started) - 3600), not_before=None, issued_at=None)
        return _write(self._genuine(old), payload=claims.write(replace(old, expires=facts.expires)))

    def _key(self, facts: PassFacts) -> str:
        public = replace(self._stranger.public, kid=self._issuer.key.public.kid)
        return self._sign(facts, replace(self._stranger, public=public), Kind.PASS)

    def _foreign_issuer(self, facts: PassFacts) -> str:
        return self._sign(facts, self._stranger, Kind.PASS)

    def _other_kind(self, facts: PassFacts) -> str:
        return self._sign(facts, self._issuer.key, Kind.CARD)

    def _unsigned(self, facts: PassFacts) -> str:
        return _write(self._genuine(facts), signature=b"")

    def _header(self, facts: PassFacts) -> str:
        return _write(self._genuine(facts), unprotected={4: b"demo"})

    def _cut(self, facts: PassFacts) -> str:
        text = self._issuer.sign(facts)
        return text[: len(text) * 2 // 3]

    def _spaced(self, facts: PassFacts) -> str:
        return self._issuer.sign(facts) + " "

    def _genuine(self, facts: PassFacts) -> Sign1:
        return native.read(self._issuer.sign(facts))

    def _sign(self, facts: PassFacts, key: SigningKey, kind: Kind) -> str:
        return native.write(cose.sign(claims.write(facts), key, kind))


_FORGERIES: Final[Mapping[PassKind, Callable[[Specimens, PassFacts], str]]] = {
    PassKind.FORGED_SIGNATURE: Specimens._signature,
    PassKind.FORGED_CLAIMS: Specimens._claims,
    PassKind.FORGED_KEY: Specimens._key,
    PassKind.FORGED_ISSUER: Specimens._foreign_issuer,
    PassKind.FORGED_KIND: Specimens._other_kind,
    PassKind.FORGED_UNSIGNED: Specimens._unsigned,
    PassKind.FORGED_HEADER: Specimens._header,
    PassKind.FORGED_CUT: Specimens._cut,
    PassKind.FORGED_SPACED: Specimens._spaced,
}


def _write(
    message: Sign1,
    *,
    payload: bytes | None = None,
    signature: bytes | None = None,
    unprotected: Mapping[int, bytes] | None = None,
) -> str:
    """A genuine message with one part changed, written as carefully as a real one."""
    parts = [
        message.protected,
        dict(unprotected or {}),
        message.payload if payload is None else payload,
        message.signature if signature is None else signature,
    ]
    return native.PREFIX + base45.encode(cbor.encode(cbor2.CBORTag(SIGN1_TAG, parts)))


def _household(person: Person) -> HouseholdId | None:
    return None if person.household is None else household_id(person.household, COMMUNITY_KEY)

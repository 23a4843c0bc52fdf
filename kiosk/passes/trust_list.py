"""The trust list, which the offline root signs: who may issue what, and which directory a gate believes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kiosk.errors import TrustError
from kiosk.model import Category, CommunityId, IssuerId, Mode, Seconds, UnixTime
from kiosk.passes.keys import PublicKey
from kiosk.passes.shapes import NAME, NAME_WORDS, Fields

VERSION: Final = 1
EVERYWHERE: Final = CommunityId("*")
"""In an issuer key's communities: any community, said on purpose (an empty list means none)."""
DIGEST_BYTES: Final = 32
_MOST_KEYS: Final = 20_000
_MOST_NAMES: Final = 10_000
_MOST_SPKI: Final = 512


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One key of an issuer and what may be issued with it, between two times."""

    issuer: IssuerId
    key: PublicKey
    not_before: UnixTime
    expires: UnixTime
    categories: tuple[Category, ...]
    communities: tuple[CommunityId, ...]
    formats: tuple[str, ...]
    max_life: Seconds | None = None
    """Longest life of a pass, from its issue to its end; None: as long as the issuer likes."""
    revoked: bool = False

    def may_issue(self, category: Category, community: CommunityId) -> bool:
        """Whether the root allows this key a pass of this category in this community."""
        here = community in self.communities or EVERYWHERE in self.communities
        return here and category in self.categories

    def to_map(self) -> dict[str, Any]:
        """Plain data for signing."""
        return {
            "id": str(self.issuer),
            **_key_map(self.key),
            "nbf": int(self.not_before),
            "exp": int(self.expires),
            "categories": [str(category) for category in self.categories],
            "communities": [str(community) for community in self.communities],
            "formats": list(self.formats),
            "max_life": 0 if self.max_life is None else int(self.max_life),
            "revoked": self.revoked,
        }

    @classmethod
    def from_map(cls, value: Any) -> IssuerKey:
        """Strict inverse of :meth:`to_map`; :class:`TrustError`."""
        fields = Fields(value, "issuer")
        made = cls(
            issuer=IssuerId(fields.name("id")),
            key=_key(fields),
            not_before=fields.time("nbf"),
            expires=fields.time("exp"),
            categories=fields.each("categories", Category, len(Category)),
            communities=fields.each("communities", _community, _MOST_NAMES),
            formats=fields.each("formats", _name, 16),
            max_life=Seconds(fields.integer("max_life")) or None,
            revoked=fields.flag("revoked"),
        )
        fields.done()
        return made


@dataclass(frozen=True)
class TrustList:
    """A verified trust list. ``policies`` holds the hashes of the policies the directory may choose.

    Naming policies by hash keeps the directory from bringing back an old one that the root once signed.
    """

    seq: int
    issued_at: UnixTime
    expires: UnixTime
    issuers: tuple[IssuerKey, ...]
    directory_keys: tuple[PublicKey, ...]
    policies: Mapping[Mode, tuple[bytes, ...]]
    digest: bytes = b""
    """SHA-256 of the signed bytes."""
    _by_kid: dict[bytes, list[IssuerKey]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_kid: defaultdict[bytes, list[IssuerKey]] = defaultdict(list)
        for entry in self.issuers:
            by_kid[entry.key.kid].append(entry)
        object.__setattr__(self, "_by_kid", dict(by_kid))

    def candidates(self, kid: bytes, format_name: str) -> list[IssuerKey]:
        """Every key with this id that may sign passes of this format, live or not."""
        return [entry for entry in self._by_kid.get(kid, ()) if format_name in entry.formats]

    def to_map(self) -> dict[str, Any]:
        """Plain data for signing."""
        return {
            "v": VERSION,
            "seq": self.seq,
            "iat": int(self.issued_at),
            "exp": int(self.expires),
            "issuers": [entry.to_map() for entry in self.issuers],
            "directory": [_key_map(key) for key in self.directory_keys],
            "policies": {str(mode): list(hashes) for mode, hashes in self.policies.items()},
        }

    @classmethod
    def from_map(cls, value: Any, digest: bytes) -> TrustList:
        """Strict inverse of :meth:`to_map`; :class:`TrustError`."""
        fields = Fields(value, "trust list")
        fields.version(VERSION)
        made = cls(
            seq=fields.integer("seq"),
            issued_at=fields.time("iat"),
            expires=fields.time("exp"),
            issuers=fields.each("issuers", IssuerKey.from_map, _MOST_KEYS),
            directory_keys=fields.each("directory", _directory_key, 16),
            policies=_policies(Fields(fields.mapping("policies"), "trust list policies")),
            digest=digest,
        )
        fields.done()
        return made


def with_kid(keys: Iterable[PublicKey], kid: bytes) -> list[PublicKey]:
    """Those of ``keys`` that a message with this key id may have been signed with."""
    return [key for key in keys if key.kid == kid]


def _key_map(key: PublicKey) -> dict[str, Any]:
    return {"kid": key.kid, "alg": int(key.algorithm), "spki": key.spki}


def _key(fields: Fields) -> PublicKey:
    key = PublicKey.from_spki(fields.data("spki", 1, _MOST_SPKI), fields.data("kid", 1, 32))
    if fields.integer("alg", -1 << 31) != key.algorithm:
        raise TrustError("trust list: a key's algorithm does not fit the key")
    return key


def _directory_key(value: Any) -> PublicKey:
    fields = Fields(value, "directory key")
    key = _key(fields)
    fields.done()
    return key


def _policies(fields: Fields) -> dict[Mode, tuple[bytes, ...]]:
    found = {mode: fields.each(str(mode), _digest, 16) for mode in Mode}
    fields.done()
    return found


def _digest(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) != DIGEST_BYTES:
        raise ValueError("must hold SHA-256 hashes")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise TrustError(f"must hold names of {NAME_WORDS}")
    return value


def _community(value: Any) -> CommunityId:
    return EVERYWHERE if value == EVERYWHERE else CommunityId(_name(value))

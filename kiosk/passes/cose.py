"""COSE_Sign1 (RFC 9052, 4.2) in the one shape this product signs: one text, one pass.

Tag 18; algorithm and key id in the protected header and nothing else there (so no ``crit`` either); the
unprotected map empty; deterministic CBOR throughout. What kind of thing was signed goes into the
signature as external data, which costs no bytes: a trust list can never pass for a mode card.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import cbor2

from kiosk.errors import PassError
from kiosk.model import Reason
from kiosk.passes import cbor
from kiosk.passes.keys import SIGNATURE_BYTES, PublicKey, SigningKey

SIGN1_TAG: Final = 18
_TAG_HEAD: Final = bytes([0xC0 | SIGN1_TAG])
"""The tag as it stands before the message: one byte in its only deterministic encoding."""
_FRAME: Final = _TAG_HEAD + b"\x84"
"""An array of four follows the tag."""
_PARTS: Final = (cbor.BYTES, cbor.MAP, cbor.BYTES, cbor.BYTES)
_ALG: Final = 1
_KID: Final = 4
_MAX_KID: Final = 32
_MOST_HEADER: Final = 64
"""Bytes; what is longer holds more than an algorithm and a key id."""


class Kind(StrEnum):
    """What may be signed. Each kind is refused wherever another is expected."""

    PASS = "pass"
    CARD = "card"
    TRUST = "trust"
    MANIFEST = "manifest"
    POLICY = "policy"
    UPDATE = "update"

    @property
    def external_aad(self) -> bytes:
        """``gatekiosk/<kind>/1``."""
        return f"gatekiosk/{self}/1".encode()


@dataclass(frozen=True, slots=True)
class Sign1:
    """A message that has the right shape. Nothing in it is believed before :func:`verifies`."""

    protected: bytes
    algorithm: int
    kid: bytes
    payload: bytes
    signature: bytes


def framed(data: bytes) -> bool:
    """Whether the four parts stand where they should, by their heads alone.

    So junk of any size is recognised before it costs anything; :func:`read` says whether it is sound.
    """
    if not data.startswith(_FRAME):
        return False
    at = len(_FRAME)
    try:
        for expected in _PARTS:
            major, _, length, at = cbor.head(data, at)
            at += length
            if major != expected or (major == cbor.MAP and length):
                return False
    except PassError:
        return False
    return at == len(data)


def read(data: bytes) -> Sign1:
    """The message in ``data``; :class:`PassError` BAD_CBOR or BAD_COSE."""
    parts = cbor.read_deterministic(data.removeprefix(_TAG_HEAD))
    if not data.startswith(_TAG_HEAD):
        raise _bad("not tagged as a COSE_Sign1")
    if not isinstance(parts, list) or [type(part) for part in parts] != [bytes, dict, bytes, bytes]:
        raise _bad("not the four parts of a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if unprotected:
        raise _bad("an unprotected header")
    if len(signature) != SIGNATURE_BYTES:
        raise _bad("a signature of the wrong length")
    return Sign1(protected, *_header(protected), payload, signature)


def _header(protected: bytes) -> tuple[int, bytes]:
    if len(protected) > _MOST_HEADER:
        raise _bad("a protected header too long for algorithm and key id")
    header: Any = cbor.read_deterministic(protected)
    if not isinstance(header, dict) or set(header) != {_ALG, _KID}:
        raise _bad("the protected header must hold algorithm and key id only")
    algorithm, kid = header[_ALG], header[_KID]
    if type(algorithm) is not int or not isinstance(kid, bytes) or not 0 < len(kid) <= _MAX_KID:
        raise _bad("algorithm or key id of a wrong type")
    return algorithm, kid


def verifies(message: Sign1, key: PublicKey, kind: Kind) -> bool:
    """Whether ``key`` signed this message as ``kind``; a message naming another algorithm never does."""
    if message.algorithm != key.algorithm:
        return False
    return key.verify(message.signature, _to_be_signed(message.protected, message.payload, kind))


def sign(payload: bytes, key: SigningKey, kind: Kind) -> bytes:
    """A message of this kind with ``key``'s algorithm and key id."""
    protected = cbor.encode({_ALG: int(key.public.algorithm), _KID: key.public.kid})
    signature = key.sign(_to_be_signed(protected, payload, kind))
    return cbor.encode(cbor2.CBORTag(SIGN1_TAG, [protected, {}, payload, signature]))


def _to_be_signed(protected: bytes, payload: bytes, kind: Kind) -> bytes:
    """The Sig_structure (RFC 9052, 4.4)."""
    return cbor.encode(["Signature1", protected, kind.external_aad, payload])


def _bad(message: str) -> PassError:
    return PassError(Reason.BAD_COSE, f"COSE: {message}")

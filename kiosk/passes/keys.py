"""Signature keys: two algorithms, public keys as SubjectPublicKeyInfo only (certificates are never parsed).

Ed25519 is COSE algorithm -19 (RFC 9864); ESP256, ECDSA on P-256 with SHA-256, is -9. An ECDSA
signature can be turned into a second valid one by anybody (s becomes n - s); only the low s is accepted.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from kiosk.errors import TrustError, UnsafePermissions
from kiosk.files import write_atomic, write_new

SIGNATURE_BYTES: Final = 64
KID_BYTES: Final = 4
_ED25519_SPKI: Final = bytes.fromhex("302a300506032b6570032100")
"""RFC 8410, 4: the bytes before the 32-byte key."""
_P256_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""RFC 5480, 2: the bytes before the 65-byte uncompressed point."""
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF: Final = 32


class Algorithm(IntEnum):
    """COSE algorithm identifiers that a gate verifies."""

    ED25519 = -19
    ESP256 = -9


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies. ``kid`` is short, so it only finds candidates; the signature decides."""

    algorithm: Algorithm
    spki: bytes
    kid: bytes
    _key: Ed25519PublicKey | EllipticCurvePublicKey = field(compare=False, repr=False)

    @classmethod
    def from_spki(cls, spki: bytes, kid: bytes | None = None) -> PublicKey:
        """From the DER bytes; ``kid`` is the start of their SHA-256 unless given. :class:`TrustError`."""
        algorithm, key = _parse_spki(spki)
        return cls(algorithm, spki, key_id(spki) if kid is None else kid, key)

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """From a PEM file ("BEGIN PUBLIC KEY"); :class:`TrustError` when it holds anything else."""
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise TrustError(f"{path}: no public key: {error}") from None
        return cls.from_spki(_spki(key))  # type: ignore[arg-type]  # other kinds are refused by their SPKI

    def pem(self) -> bytes:
        """The key as a PEM file's content."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether this key signed ``data``. False for every malleable form of a signature."""
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, data)
            else:
                self._key.verify(_low_s_der(signature), data, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def key_id(spki: bytes) -> bytes:
    """The usual kid: the first 4 bytes of the SPKI's SHA-256."""
    return hashlib.sha256(spki).digest()[:KID_BYTES]


def _parse_spki(spki: bytes) -> tuple[Algorithm, Ed25519PublicKey | EllipticCurvePublicKey]:
    """Both algorithms have one possible prefix, so no ASN.1 parser sees bytes from outside."""
    try:
        if spki.startswith(_ED25519_SPKI):
            return Algorithm.ED25519, Ed25519PublicKey.from_public_bytes(spki[len(_ED25519_SPKI) :])
        if spki.startswith(_P256_SPKI) and len(spki) == len(_P256_SPKI) + 2 * _HALF + 1:
            point = spki[len(_P256_SPKI) :]
            return Algorithm.ESP256, EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError as error:
        raise TrustError(f"public key: {error}") from None
    raise TrustError("public key: neither Ed25519 nor P-256 as SubjectPublicKeyInfo")


def _low_s_der(signature: bytes) -> bytes:
    r = int.from_bytes(signature[:_HALF], "big")
    s = int.from_bytes(signature[_HALF:], "big")
    if len(signature) != SIGNATURE_BYTES or not 0 < r < _P256_ORDER or not 0 < s <= _P256_ORDER // 2:
        raise InvalidSignature
    return encode_dss_signature(r, s)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its public half. Never printed: ``repr`` shows the public part only."""

    public: PublicKey
    _key: Ed25519PrivateKey | EllipticCurvePrivateKey = field(compare=False, repr=False)

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.ED25519) -> SigningKey:
        """A new key from the system's random source."""
        if algorithm is Algorithm.ED25519:
            return cls._of(Ed25519PrivateKey.generate())
        return cls._of(generate_private_key(SECP256R1()))

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """From an unencrypted PKCS#8 PEM file; UnsafePermissions when others than its owner may read it."""
        try:
            _demand_private(path)
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except UnsafePermissions:
            raise
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise TrustError(f"{path}: no private key: {error}") from None
        if not isinstance(key, (Ed25519PrivateKey, EllipticCurvePrivateKey)):
            raise TrustError(f"{path}: neither an Ed25519 nor a P-256 key")
        return cls._of(key)

    @classmethod
    def _of(cls, key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> SigningKey:
        return cls(PublicKey.from_spki(_spki(key.public_key())), key)

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read; FileExistsError rather than overwrite."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(path, pem)

    def sign(self, data: bytes) -> bytes:
        """64 bytes: the Ed25519 signature, or r and s (the low one) of ECDSA."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        r, s = decode_dss_signature(self._key.sign(data, ECDSA(SHA256())))
        return r.to_bytes(_HALF, "big") + min(s, _P256_ORDER - s).to_bytes(_HALF, "big")


def _spki(key: Ed25519PublicKey | EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _demand_private(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UnsafePermissions(f"{path}: others may read this secret; chmod 600 it")


def write_secret(path: Path, data: bytes) -> None:
    """A new file of mode 0600, whole or not at all; FileExistsError when there is one already."""
    write_new(path, data, 0o600)


def read_secret(path: Path) -> bytes:
    """A secret file's content; UnsafePermissions when others than its owner may read it."""
    _demand_private(path)
    return path.read_bytes()


class KeptSecret(NamedTuple):
    """A secret of this device, and in words what was wrong with its file, if something was."""

    value: bytes
    problem: str


def keep_secret(path: Path, size: int) -> KeptSecret:
    """The secret of ``size`` bytes in ``path``: made at the first start, and anew when it is damaged.

    Where it can't be written it holds for this run alone, and ``problem`` says so. UnsafePermissions when
    others than its owner may read it, OSError when it may not be read at all.
    """
    try:
        kept = read_secret(path)
    except FileNotFoundError:
        return _new_secret(path, size, "")
    if len(kept) == size:
        return KeptSecret(kept, "")
    return _new_secret(path, size, f"{path} held {len(kept)} bytes instead of {size}: made anew")


def _new_secret(path: Path, size: int, problem: str) -> KeptSecret:
    fresh = os.urandom(size)
    try:
        write_atomic(path, fresh, 0o600)
    except OSError as error:
        return KeptSecret(fresh, f"{path} can't be written, a secret for this run only: {error.strerror}")
    return KeptSecret(fresh, problem)

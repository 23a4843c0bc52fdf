"""Two roles: the offline root signs the trust list and the policies, the online directory the manifest.

This module signs and verifies those three; what is in them is in ``trust_list``, ``manifest`` and
``kiosk.policy``. Whatever fails is a :class:`TrustError` in words; a pass's reason codes stay with passes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from kiosk.errors import PassError, TrustError
from kiosk.model import Mode
from kiosk.passes import cbor, cose
from kiosk.passes.cose import Kind, Sign1
from kiosk.passes.keys import PublicKey, SigningKey
from kiosk.passes.manifest import MOST_SIGNED_BYTES, TRUST, Blob, Manifest, parse_blob
from kiosk.passes.trust_list import TrustList, with_kid
from kiosk.policy import Policy

RootKey = PublicKey
"""A root's public key, baked in when a gate is provisioned."""


def digest(data: bytes) -> bytes:
    """SHA-256, by which every signed file is named."""
    return hashlib.sha256(data).digest()


# -- verifying -------------------------------------------------------------------------------------


def read_trust(data: bytes, roots: Sequence[RootKey]) -> TrustList:
    """The trust list that one of the roots signed, expired or not; :class:`TrustError`."""
    return TrustList.from_map(_open(data, roots, Kind.TRUST), digest(data))


def read_manifest(data: bytes, trust: TrustList) -> Manifest:
    """The manifest that a directory key of ``trust`` signed; :class:`TrustError`."""
    manifest = Manifest.from_map(_open(data, trust.directory_keys, Kind.MANIFEST))
    if manifest.trust_seq != trust.seq:
        raise TrustError(f"manifest: made for trust list {manifest.trust_seq}, this one is {trust.seq}")
    return manifest


def peek_manifest(data: bytes) -> Manifest:
    """What a manifest claims, NOT verified: for whoever made it. A gate asks :func:`peek_trust`."""
    return Manifest.from_map(_payload(_message(data, Kind.MANIFEST), Kind.MANIFEST))


def peek_trust(data: bytes) -> Blob:
    """Which trust list a manifest claims to stand under, NOT verified: only good for finding it.

    Costs the same however large the manifest is, since anybody may have written it. :class:`TrustError`.
    """
    message = _message(data, Kind.MANIFEST)
    try:
        return parse_blob(cbor.peek(message.payload, "files", TRUST))
    except PassError as error:
        raise TrustError(f"manifest: no trust list at its place: {error}") from None


def read_policy(data: bytes, mode: Mode, trust: TrustList, roots: Sequence[RootKey]) -> Policy:
    """The policy for ``mode`` that a root signed and the trust list still names; :class:`TrustError`."""
    if digest(data) not in trust.policies[mode]:
        raise TrustError(f"policy: the trust list does not name this {mode} policy")
    policy = Policy.from_map(_open(data, roots, Kind.POLICY))
    if policy.mode is not mode:
        raise TrustError(f"policy: {policy.mode} stands where {mode} should")
    return policy


def _open(data: bytes, keys: Iterable[PublicKey], kind: Kind) -> Any:
    message = _message(data, kind)
    if not any(cose.verifies(message, key, kind) for key in with_kid(keys, message.kid)):
        raise TrustError(f"{kind}: not signed by a key this gate trusts for it")
    return _payload(message, kind)


def _message(data: bytes, kind: Kind) -> Sign1:
    """The signed parts; what is in them stays bytes until a signature holds."""
    if not cose.framed(data):
        raise TrustError(f"{kind}: not a COSE_Sign1")
    try:
        return cose.read(data)
    except PassError as error:
        raise TrustError(f"{kind}: {error}") from None


def _payload(message: Sign1, kind: Kind) -> Any:
    try:
        return cbor.read_deterministic(message.payload)
    except PassError as error:
        raise TrustError(f"{kind}: {error}") from None


# -- signing ---------------------------------------------------------------------------------------


def sign_trust(trust: TrustList, root: SigningKey) -> bytes:
    """The trust list as the root publishes it."""
    return cose.sign(cbor.encode(trust.to_map()), root, Kind.TRUST)


def sign_manifest(manifest: Manifest, directory: SigningKey) -> bytes:
    """The manifest as the directory publishes it; :class:`TrustError` when gates would refuse its size."""
    signed = cose.sign(cbor.encode(manifest.to_map()), directory, Kind.MANIFEST)
    if len(signed) > MOST_SIGNED_BYTES:
        raise TrustError(f"manifest: {len(signed)} bytes, no gate takes more than {MOST_SIGNED_BYTES}")
    return signed


def sign_policy(policy: Policy, root: SigningKey) -> bytes:
    """A policy as the root publishes it."""
    return cose.sign(cbor.encode(policy.to_map()), root, Kind.POLICY)

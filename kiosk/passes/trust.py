"""A whole chain of trust in one folder: root, directory and issuer keys and the lists they sign.

For demos, tests and a first look: a real root lives offline and a real directory on the server. The lists
have their final form all the same, so a gate can't tell the difference. Simulations pass a virtual ``now``.

Folder: ``keys/`` (0700; private keys and the household secret, 0600), ``root.pub`` (baked into gates),
``issuer.json``, ``issued.jsonl`` (pseudonyms of what was issued), ``lists/`` (what sync would bring).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiosk.errors import TrustError, Usage
from kiosk.files import write_atomic
from kiosk.model import Category, CommunityId, IssuerId, Mode, Seconds, UnixTime
from kiosk.passes import manifest as manifests
from kiosk.passes import native
from kiosk.passes.issue import IssuedPass, Issuer
from kiosk.passes.keys import PublicKey, SigningKey, read_secret, write_secret
from kiosk.passes.manifest import Blob, Manifest
from kiosk.passes.signed_lists import (
    RootKey,
    digest,
    peek_manifest,
    read_manifest,
    read_policy,
    read_trust,
    sign_manifest,
    sign_policy,
    sign_trust,
)
from kiosk.passes.status import PASSES_A_CHUNK, Status, pack
from kiosk.passes.trust_list import IssuerKey, TrustList
from kiosk.policy import DEFAULTS, Policy

__all__ = [
    "DemoTrust",
    "RootKey",
    "init_demo",
    "open_demo",
    "read_manifest",
    "read_policy",
    "read_trust",
    "sign_manifest",
    "sign_policy",
    "sign_trust",
]

DAY: Final = 86_400
DEMO_COMMUNITY: Final = CommunityId("demo")
DEMO_ISSUER: Final = IssuerId("demo")
TRUST_LIFE: Final = Seconds(365 * DAY)
ISSUER_KEY_LIFE: Final = Seconds(2 * 365 * DAY)
MAX_LIFE: Final = Seconds(400 * DAY)
HOUSEHOLD_KEY_BYTES: Final = 32
PUBLIC_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class DemoTrust:
    """The folder :func:`init_demo` made, opened. Not to be shared between threads."""

    folder: Path
    community: CommunityId
    root: SigningKey = field(repr=False)
    directory: SigningKey = field(repr=False)
    issuer: Issuer = field(repr=False)
    household_key: bytes = field(repr=False)
    status_size: int = PASSES_A_CHUNK

    @property
    def roots(self) -> tuple[RootKey, ...]:
        """What a gate would have baked in."""
        return (self.root.public,)

    @property
    def root_file(self) -> Path:
        """The same as a PEM file, for a gate's configuration."""
        return self.folder / "root.pub"

    @property
    def lists(self) -> Path:
        """The signed lists, as sync would lay them down."""
        return self.folder / "lists"

    def publish(
        self,
        now: UnixTime,
        *,
        mode: Mode = Mode.ROUTINE,
        marked: Mapping[int, Status] | None = None,
    ) -> Manifest:
        """Sign a new manifest: ``mode`` in force, all passes valid but ``marked`` (by status index).

        Trust list and policies stay as they are. Blobs are written first, then the manifest at once.
        """
        old = peek_manifest((self.lists / "manifest").read_bytes())
        kept = {name: blob for name, blob in old.files.items() if not name.startswith("status/")}
        files = kept | _write_blobs(self.lists, _status_files(self.issuer.name, self.status_size, marked))
        made = _manifest(now, old.trust_seq, mode, files, last=old.seq)
        write_atomic(self.lists / "manifest", sign_manifest(made, self.directory), PUBLIC_MODE)
        return made

    def record(self, issued: IssuedPass) -> None:
        """Note a pass's pseudonym and status index: to revoke it, and never to use the index again."""
        facts = issued.facts
        line = {
            "pass_id": facts.pass_id,
            "status_index": facts.status_index,
            "category": str(facts.category),
            "expires": int(facts.expires),
        }
        with (self.folder / "issued.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def init_demo(
    directory: Path,
    now: UnixTime,
    *,
    community: CommunityId = DEMO_COMMUNITY,
    issuer: IssuerId = DEMO_ISSUER,
    status_size: int = PASSES_A_CHUNK,
    policies: Mapping[Mode, Policy] = DEFAULTS,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> DemoTrust:
    """Make keys and lists in ``directory``, dated ``now``; :class:`Usage` unless it is new or empty."""
    _demand_empty(directory)
    keys = directory / "keys"
    keys.mkdir(parents=True, mode=0o700)
    root, online, issuing = (_new_key(keys / f"{role}.pem") for role in ("root", "directory", "issuer"))
    write_secret(keys / "household.key", os.urandom(HOUSEHOLD_KEY_BYTES))
    write_atomic(directory / "root.pub", root.public.pem(), PUBLIC_MODE)
    about = {"issuer": issuer, "community": community, "status_size": status_size}
    write_atomic(directory / "issuer.json", json.dumps(about).encode(), PUBLIC_MODE)
    signed = {mode: sign_policy(policies[mode], root) for mode in Mode}
    trust = _trust_list(now, _issuer_key(issuer, issuing.public, community, now), online.public, signed)
    _first_lists(directory / "lists", trust, root, online, signed, issuer, status_size)
    return open_demo(directory, random_bytes=random_bytes)


def open_demo(directory: Path, *, random_bytes: Callable[[int], bytes] = os.urandom) -> DemoTrust:
    """Open what :func:`init_demo` made; :class:`TrustError` when it is something else."""
    keys = directory / "keys"
    try:
        about = json.loads((directory / "issuer.json").read_bytes())
        household_key = read_secret(keys / "household.key")
        name, community, size = about["issuer"], about["community"], int(about["status_size"])
        used = _used_indexes(directory / "issued.jsonl")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrustError(f"{directory}: not made by `kiosk trust init`: {error}") from error
    key = SigningKey.load(keys / "issuer.pem")
    issuer = Issuer(IssuerId(name), key, status_size=size, used=used, random_bytes=random_bytes)
    root, online = SigningKey.load(keys / "root.pem"), SigningKey.load(keys / "directory.pem")
    return DemoTrust(directory, CommunityId(community), root, online, issuer, household_key, size)


def _used_indexes(path: Path) -> set[int]:
    if not path.exists():
        return set()
    return {int(json.loads(line)["status_index"]) for line in path.read_text(encoding="utf-8").splitlines()}


def _demand_empty(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Usage(f"{directory} is not empty: keys are never overwritten; name a new folder")


def _new_key(path: Path) -> SigningKey:
    key = SigningKey.generate()
    key.save(path)
    return key


def _issuer_key(issuer: IssuerId, key: PublicKey, community: CommunityId, now: UnixTime) -> IssuerKey:
    return IssuerKey(
        issuer=issuer,
        key=key,
        not_before=UnixTime(now - DAY),
        expires=UnixTime(now + ISSUER_KEY_LIFE),
        categories=tuple(Category),
        communities=(community,),
        formats=(native.NAME,),
        max_life=MAX_LIFE,
    )


def _trust_list(
    now: UnixTime, issuer: IssuerKey, directory: PublicKey, policies: Mapping[Mode, bytes]
) -> TrustList:
    return TrustList(
        seq=int(now),
        issued_at=now,
        expires=UnixTime(now + TRUST_LIFE),
        issuers=(issuer,),
        directory_keys=(directory,),
        policies={mode: (digest(signed),) for mode, signed in policies.items()},
    )


def _first_lists(
    lists: Path,
    trust: TrustList,
    root: SigningKey,
    online: SigningKey,
    policies: Mapping[Mode, bytes],
    issuer: IssuerId,
    status_size: int,
) -> None:
    (lists / "blobs").mkdir(parents=True)
    contents = {manifests.TRUST: sign_trust(trust, root)}
    contents |= {manifests.policy_name(mode): signed for mode, signed in policies.items()}
    files = _write_blobs(lists, contents | _status_files(issuer, status_size, None))
    made = _manifest(trust.issued_at, trust.seq, Mode.ROUTINE, files)
    write_atomic(lists / "manifest", sign_manifest(made, online), PUBLIC_MODE)


def _manifest(
    now: UnixTime, trust_seq: int, mode: Mode, files: Mapping[str, Blob], last: int = 0
) -> Manifest:
    """``seq`` follows the clock, so that a restored server is not refused for counting from an old number."""
    return Manifest(
        seq=max(last + 1, int(now)),
        issued_at=now,
        expires=UnixTime(now + manifests.LIFE),
        trust_seq=trust_seq,
        mode=mode,
        files=files,
    )


def _status_files(issuer: IssuerId, size: int, marked: Mapping[int, Status] | None) -> dict[str, bytes]:
    return {manifests.status_name(issuer, 0, chunk): data for chunk, data in enumerate(pack(size, marked))}


def _write_blobs(lists: Path, contents: Mapping[str, bytes]) -> dict[str, Blob]:
    blobs = {name: Blob(digest(data), len(data)) for name, data in contents.items()}
    for name, data in contents.items():
        path = lists / "blobs" / blobs[name].file_name
        if not path.exists():
            write_atomic(path, data, PUBLIC_MODE)
    return blobs

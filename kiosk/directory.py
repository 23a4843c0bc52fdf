"""What the community server tells a gate, verified by the gate itself: nobody who carries it is trusted.

On disk: ``manifest`` (replaced by one rename) and ``blobs/<sha256>``. The manifest names every list by hash
and size, the trust list among them, so that one rename switches all of them together.

What is wrong and what is merely old are two things. A signature, hash, size or shape that does not hold is
tampering or damage: the new lists are refused whole and the old ones stay in force. An expired *trust list*
ends everything it vouches for. An expired *manifest* is what days without network look like: the lists are
still what the directory signed, so they stay usable, their :meth:`Directory.age` grows, and the root-signed
policy's ``lists_max_age_s`` decides when every answer becomes "lists too old". Were the manifest's own expiry
a hard end, a gate could be sent back to no lists at all by cutting its cable.

Rules about sequence numbers, forks and new directory keys compare the new directory with the one in force;
:class:`DirectoryWatch` holds both at one place, ``_replace``.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.errors import DirectoryMissing, TrustError, TrustExpired
from kiosk.model import IssuerId, Mode, Monotonic, Reason, Seconds, TimeInterval, UnixTime
from kiosk.passes import manifest as manifests
from kiosk.passes.manifest import Blob, Manifest
from kiosk.passes.signed_lists import RootKey, digest, peek_trust, read_manifest, read_policy, read_trust
from kiosk.passes.status import CHUNK_BYTES, StatusList, StatusLists
from kiosk.passes.times import judge
from kiosk.passes.trust_list import TrustList
from kiosk.policy import Policy

MOST_TRUST_BYTES: Final = 1 << 20
"""Room for 4,000 issuer keys. Read before anything is verified, so the limit is what it may cost."""
LOOK_EVERY: Final = Seconds(1.0)
RETRY_EVERY: Final = Seconds(60.0)
"""A directory that was refused is read again this often (a blob may be mended), however often touched."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Verified lists. Immutable; a new manifest makes a new one."""

    trust: TrustList
    status: StatusLists
    policies: Mapping[Mode, Policy]
    manifest: Manifest

    @property
    def mode(self) -> Mode:
        """The mode the directory chose."""
        return self.manifest.mode

    @property
    def policy(self) -> Policy:
        """The root-signed policy of that mode."""
        return self.policies[self.mode]

    @property
    def manifest_iat(self) -> UnixTime:
        """When the directory signed; the time can't be earlier (see ``kiosk.timekeeping``)."""
        return self.manifest.issued_at

    def age(self, interval: TimeInterval) -> Seconds:
        """How old the lists surely are. With untrusted time they may be older."""
        return Seconds(max(0.0, interval.lo - self.manifest_iat))

    def summary(self) -> dict[str, object]:
        """What the journal notes when this directory comes into force."""
        return {
            "seq": self.manifest.seq,
            "iat": int(self.manifest.issued_at),
            "expires": int(self.manifest.expires),
            "trust_seq": self.trust.seq,
            "trust": self.trust.digest.hex(),
            "mode": str(self.mode),
        }

    def trust_expired(self, interval: TimeInterval) -> bool:
        """Whether the trust list has surely expired; passes then answer NO_TRUST."""
        return judge(interval, None, self.trust.expires) is Reason.EXPIRED


def load(path: Path, roots: Sequence[RootKey], interval: TimeInterval) -> Directory:
    """Read and verify the directory in folder ``path``.

    :class:`DirectoryMissing` when there is none, :class:`TrustExpired` when its trust list has surely
    expired, :class:`TrustError` when anything does not verify.
    """
    return _verified(path, _read_manifest(path), roots, interval, None)


def _read_manifest(path: Path) -> bytes:
    return _read_file(path / "manifest", manifests.MOST_SIGNED_BYTES)


def _verified(
    path: Path, data: bytes, roots: Sequence[RootKey], interval: TimeInterval, known: TrustList | None
) -> Directory:
    """The directory of a manifest. Its carrier is not trusted: nothing of size is read before it verifies."""
    trust = _trust(path, data, roots, known)
    if judge(interval, None, trust.expires) is Reason.EXPIRED:
        raise TrustExpired("the trust list has expired: the root must sign a new one")
    manifest = read_manifest(data, trust)
    return Directory(
        trust=trust,
        status=_status_lists(path, manifest),
        policies={mode: _policy(path, manifest, mode, trust, roots) for mode in Mode},
        manifest=manifest,
    )


def _trust(path: Path, data: bytes, roots: Sequence[RootKey], known: TrustList | None) -> TrustList:
    # Not verified yet, and good for one thing only: the hash of a trust list that must verify by itself.
    blob = peek_trust(data)
    if known is not None and blob.digest == known.digest:
        return known
    if blob.size > MOST_TRUST_BYTES:
        raise TrustError(f"manifest: a trust list larger than {MOST_TRUST_BYTES} bytes")
    return read_trust(_read_blob(path, blob), roots)


def _policy(path: Path, manifest: Manifest, mode: Mode, trust: TrustList, roots: Sequence[RootKey]) -> Policy:
    blob = manifest.blob(manifests.policy_name(mode))
    return read_policy(_read_blob(path, blob), mode, trust, roots)


def _status_lists(path: Path, manifest: Manifest) -> StatusLists:
    found: defaultdict[tuple[IssuerId, int], dict[int, Blob]] = defaultdict(dict)
    for name, blob in manifest.files.items():
        place = manifests.parse_status_name(name)
        if place is not None:
            found[place[:2]][place[2]] = blob
    return StatusLists({which: _status_list(path, chunks) for which, chunks in found.items()})


def _status_list(path: Path, chunks: Mapping[int, Blob]) -> StatusList:
    """Chunks in order; a gap or a short one in the middle would shift every pass behind it."""
    blobs = [chunks[number] for number in sorted(chunks)]
    whole = all(blob.size == CHUNK_BYTES for blob in blobs[:-1]) and blobs[-1].size <= CHUNK_BYTES
    if sorted(chunks) != list(range(len(chunks))) or not whole:
        raise TrustError("manifest: the chunks of a status list do not fit together")
    return StatusList(tuple(_read_blob(path, blob) for blob in blobs))


def _read_blob(path: Path, blob: Blob) -> bytes:
    file = path / "blobs" / blob.file_name
    try:
        data = _read_file(file, blob.size)
    except DirectoryMissing:
        raise TrustError(f"{file.name}: a file that the manifest names is not there") from None
    if len(data) != blob.size or digest(data) != blob.digest:
        raise TrustError(f"{file.name}: size or hash differs from the manifest")
    return data


def _read_file(file: Path, most: int) -> bytes:
    """At most ``most`` bytes of a regular file: a pipe left there must not hang the gate."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise TrustError(f"{file.name}: not a file")
            data = opened.read(most + 1)
    except FileNotFoundError:
        raise DirectoryMissing(f"{file}: there are no signed lists yet") from None
    except OSError as error:
        raise TrustError(f"{file}: {error.strerror}") from None
    if len(data) > most:
        raise TrustError(f"{file.name}: larger than {most} bytes")
    return data


class DirectoryWatch:
    """Notices a new directory and keeps the old one when the new one does not verify. One thread's."""

    def __init__(self, path: Path, roots: Sequence[RootKey]) -> None:
        self.directory: Directory | None = None
        """The directory in force."""
        self.error: TrustError | None = None
        """Why the newest one on disk is not in force; None when it is."""
        self._path = path
        self._roots = tuple(roots)
        self._stamp: tuple[int, ...] | None = ()
        self._look_at = Monotonic(float("-inf"))
        self._retry_at = Monotonic(float("inf"))
        self._refused = b""

    def poll(self, now: Monotonic, interval: TimeInterval) -> Directory | None:
        """The directory when it changed, else None; looks at the disk at most once a second."""
        if now < self._look_at:
            return None
        self._look_at = Monotonic(now + LOOK_EVERY)
        stamp = _stamp(self._path / "manifest")
        if stamp == self._stamp and now < self._retry_at:
            return None
        self._stamp = stamp
        return self._replace(now, interval)

    def _replace(self, now: Monotonic, interval: TimeInterval) -> Directory | None:
        known = None if self.directory is None else self.directory.trust
        name = b""
        try:
            data = _read_manifest(self._path)
            name = digest(data)
            if name == self._refused and now < self._retry_at:
                return None
            new = _verified(self._path, data, self._roots, interval, known)
        except TrustError as error:
            self.error, self._refused = error, name
            self._retry_at = Monotonic(now + RETRY_EVERY)
            return None
        self.directory, self.error, self._retry_at = new, None, Monotonic(float("inf"))
        self._refused = b""
        return new


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size

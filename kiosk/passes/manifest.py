"""The manifest, which the online directory signs every minute: which lists are in force right now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kiosk.errors import TrustError
from kiosk.model import IssuerId, Mode, Seconds, UnixTime
from kiosk.passes.shapes import Fields
from kiosk.passes.trust_list import DIGEST_BYTES

VERSION: Final = 1
LIFE: Final = Seconds(7 * 86_400)
TRUST: Final = "trust"
"""Name of the trust list among the files."""
MOST_BYTES: Final = 16 << 20
"""Largest file a manifest may name."""
MOST_SIGNED_BYTES: Final = 256 << 10
"""Largest manifest, signature included. A file takes up to 92 bytes in it: room for 2,800 of them. The 12
million statuses of a whole province are 367 files (34 kB), a sub-district is a dozen."""
_MOST_FILES: Final = 20_000
_STATUS: Final = re.compile(r"status/([^/]+)/(0|[1-9][0-9]{0,4})/(0|[1-9][0-9]{0,4})")
_FILE_NAME: Final = re.compile(r"[a-z]+(/[a-z0-9][a-z0-9_-]{0,31}){0,3}")


@dataclass(frozen=True, slots=True)
class Blob:
    """A file by content: where it is stored and how it is checked."""

    digest: bytes
    size: int

    @property
    def file_name(self) -> str:
        """Its name in the folder of blobs: the SHA-256 in hex."""
        return self.digest.hex()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the directory says is in force. ``expires`` is when its maker wants it replaced."""

    seq: int
    issued_at: UnixTime
    expires: UnixTime
    trust_seq: int
    mode: Mode
    files: Mapping[str, Blob]

    def to_map(self) -> dict[str, Any]:
        """Plain data for signing."""
        return {
            "v": VERSION,
            "seq": self.seq,
            "iat": int(self.issued_at),
            "exp": int(self.expires),
            "trust_seq": self.trust_seq,
            "mode": str(self.mode),
            "files": {name: [blob.digest, blob.size] for name, blob in self.files.items()},
        }

    @classmethod
    def from_map(cls, value: Any) -> Manifest:
        """Strict inverse of :meth:`to_map`; :class:`TrustError`."""
        fields = Fields(value, "manifest")
        fields.version(VERSION)
        made = cls(
            seq=fields.integer("seq"),
            issued_at=fields.time("iat"),
            expires=fields.time("exp"),
            trust_seq=fields.integer("trust_seq"),
            mode=fields.one_of("mode", Mode),
            files=_files(fields.mapping("files")),
        )
        fields.done()
        return made

    def blob(self, name: str) -> Blob:
        """The file of this name; :class:`TrustError` when the manifest has none."""
        if name not in self.files:
            raise TrustError(f"manifest: no file {name!r}")
        return self.files[name]


def policy_name(mode: Mode) -> str:
    """Name of a mode's policy among the files."""
    return f"policy/{mode}"


def status_name(issuer: IssuerId, number: int, chunk: int) -> str:
    """Name of one chunk of an issuer's status list among the files."""
    return f"status/{issuer}/{number}/{chunk}"


def parse_status_name(name: str) -> tuple[IssuerId, int, int] | None:
    """Issuer, list number and chunk number; None when the file is something else."""
    found = _STATUS.fullmatch(name)
    return None if found is None else (IssuerId(found[1]), int(found[2]), int(found[3]))


def _files(value: dict[Any, Any]) -> dict[str, Blob]:
    if len(value) > _MOST_FILES:
        raise TrustError(f"manifest: more than {_MOST_FILES} files")
    return {_file_name(name): parse_blob(item) for name, item in value.items()}


def _file_name(name: Any) -> str:
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise TrustError("manifest: a file's name has a wrong form")
    return name


def parse_blob(item: Any) -> Blob:
    """A file as it stands in a manifest, [hash, size]; :class:`TrustError`."""
    if not isinstance(item, list) or [type(part) for part in item] != [bytes, int]:
        raise TrustError("manifest: a file is not a hash and a size")
    digest, size = item
    if len(digest) != DIGEST_BYTES or not 0 <= size <= MOST_BYTES:
        raise TrustError("manifest: a file's hash or size is out of range")
    return Blob(digest, size)

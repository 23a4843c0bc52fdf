"""The journal's chain: exact bytes in, one hash out. Pure, and all that another reader has to repeat.

    hash = SHA-256(previous hash || length of header (4 bytes, big-endian) || header || SHA-256(salt || body))

The first previous hash is 32 zero bytes. Header and body are hashed as they are stored and sent; nothing
is ever parsed and written again on the way (docs/journal.md).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kiosk.errors import JournalDamaged
from kiosk.model import ClockState, DeviceId, EventKind, EventSeq, Monotonic, UnixTime

HEADER_VERSION: Final = 1
HASH_BYTES: Final = 32
SALT_BYTES: Final = 16
ZERO: Final = bytes(HASH_BYTES)
"""What stands before the first event of an epoch."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What all events of one writer have in common."""

    device: DeviceId
    epoch: str
    """Random, made with the file, 16 hex digits."""
    boot: str
    """The kernel's boot id: monotonic times compare only within one."""
    simulated: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """When an event was written, and why the wall time may be believed."""

    monotonic: Monotonic
    wall: UnixTime
    clock: ClockState


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it stands on disk. Immutable, may be shared between threads."""

    seq: EventSeq
    header: str
    """Exact text."""
    salt: bytes | None
    """None once the retention purge has dropped salt and body."""
    body: str | None
    """Exact text, or None after the purge."""
    digest: bytes
    """SHA-256(salt || body): stored by the purge, computed before it."""
    prev: str
    """Hash of the event before, hex."""
    hash: str
    """Hash of this event as stored, hex."""

    @property
    def kind(self) -> str:
        """Kind as the header says; JournalDamaged when it says nothing."""
        return header_kind(self.header, self.seq)

    def fields(self) -> dict[str, Any]:
        """The header, parsed; JournalDamaged when it is not a JSON object."""
        return _parsed(self.header, self.seq, "header")

    def content(self) -> dict[str, Any] | None:
        """The body, parsed, or None after the purge; JournalDamaged when it is not a JSON object."""
        return None if self.body is None else _parsed(self.body, self.seq, "body")


def header_text(origin: Origin, stamp: Stamp, seq: int, kind: EventKind) -> str:
    """The header's exact text: one JSON object in ASCII, times in seconds to the millisecond."""
    return exact_json(
        {
            "v": HEADER_VERSION,
            "device": origin.device,
            "epoch": origin.epoch,
            "seq": seq,
            "boot": origin.boot,
            "monotonic": round(stamp.monotonic, 3),
            "wall": round(stamp.wall, 3),
            "clock": str(stamp.clock),
            "kind": str(kind),
            "simulated": origin.simulated,
        }
    )


def header_kind(header: str, seq: int) -> str:
    """Kind as the header of event ``seq`` says; JournalDamaged when it is not a JSON object."""
    return str(_parsed(header, seq, "header").get("kind", ""))


def exact_json(value: Mapping[str, object]) -> str:
    """Compact ASCII JSON: no character that anything on the way could normalise.

    ValueError for NaN and infinity (JSON has neither), TypeError for what is no plain data.
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def content_digest(salt: bytes, body: str) -> bytes:
    """What stands for the body in the chain. Salted: an id and a temperature alone can be guessed."""
    return hashlib.sha256(salt + body.encode()).digest()


def link(prev: bytes, header: str, digest: bytes) -> bytes:
    """The next hash from the content's digest: all that remains after the purge."""
    text = header.encode()
    return hashlib.sha256(prev + len(text).to_bytes(4, "big") + text + digest).digest()


def chain_hash(prev: bytes, header: str, salt: bytes, body: str) -> bytes:
    """The hash of an event after ``prev``."""
    return link(prev, header, content_digest(salt, body))


def verifies(event: StoredEvent) -> bool:
    """Whether this event's hash follows from the one before; what came earlier is another question."""
    return (
        bool(event.prev) and link(bytes.fromhex(event.prev), event.header, event.digest).hex() == event.hash
    )


def wire_line(event: StoredEvent) -> str:
    """``[header text, salt base64, body text]`` as sync sends it; ValueError once the body is purged."""
    if event.salt is None or event.body is None:
        raise ValueError(f"event {event.seq} has been purged: there is no body to send")
    parts = [event.header, base64.b64encode(event.salt).decode(), event.body]
    return json.dumps(parts, separators=(",", ":"))


def read_wire_line(line: str) -> tuple[str, bytes, str]:
    """Strict inverse of :func:`wire_line`: header, salt, body. ValueError on anything else."""
    parts = json.loads(line)
    if not isinstance(parts, list) or len(parts) != 3 or not all(isinstance(part, str) for part in parts):
        raise ValueError("a line is an array of header text, salt and body text")
    salt = base64.b64decode(parts[1], validate=True)
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return parts[0], salt, parts[2]


def _parsed(text: str, seq: int, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JournalDamaged(f"event {seq}: the {what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise JournalDamaged(f"event {seq}: the {what} is not a JSON object")
    return value

"""From the bytes of a request to a batch of chained lines (docs/protocol.md).

Everything here is computed from what the kiosk sent: the hash of every line, and from them the head
that the answer repeats. Nothing is believed because a header says so.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kiosk.passage.journal import chain_hash, read_wire_line
from web.community.problems import Problem, ProblemCode

ZERO: Final = bytes(32)
"""What stands before the first event of an epoch."""
MAX_EVENTS: Final = 500
MAX_PLAIN_BYTES: Final = 4 * 1024 * 1024
"""After decompression; a batch of 500 passages has under 1 MB."""
_HEAD: Final = re.compile(r"([0-9a-f]{8,64});([0-9]{1,15});([0-9]{1,15});([0-9a-f]{64})")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Head:
    """What a batch claims to be: ``Journal-Head: epoch;first;last;hash`` and ``Journal-Prev``."""

    epoch: str
    first: int
    last: int
    hash: bytes
    prev: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One event at its place in the chain, with the exact text that the kiosk stored."""

    seq: int
    header: str
    salt: bytes
    body: str
    hash: bytes

    @property
    def content(self) -> bytes:
        """SHA-256(salt || body): what the chain needs once salt and body are gone."""
        return hashlib.sha256(self.salt + self.body.encode()).digest()


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines ``first`` to ``last`` of one epoch, every hash computed here."""

    epoch: str
    prev: bytes
    lines: Sequence[Line]

    @property
    def first(self) -> int:
        """Number of the first line."""
        return self.lines[0].seq

    @property
    def last(self) -> int:
        """Number of the last line."""
        return self.lines[-1].seq

    @property
    def head(self) -> bytes:
        """Hash of the last line."""
        return self.lines[-1].hash


def read_head(head: str, prev: str) -> Head:
    """Strict; Problem HEAD_UNREADABLE."""
    parts = _HEAD.fullmatch(head)
    if parts is None or not _HASH.fullmatch(prev):
        raise Problem(
            ProblemCode.HEAD_UNREADABLE, "Journal-Head: epoch;first;last;hash and Journal-Prev: hash"
        )
    epoch, first, last, digest = parts.groups()
    claim = Head(epoch, int(first), int(last), bytes.fromhex(digest), bytes.fromhex(prev))
    if not 1 <= claim.first <= claim.last:
        raise Problem(ProblemCode.HEAD_UNREADABLE, "events are numbered from 1, first to last")
    if claim.last - claim.first >= MAX_EVENTS:
        raise Problem(ProblemCode.BATCH_TOO_LARGE, f"at most {MAX_EVENTS} events in a batch")
    if claim.first == 1 and claim.prev != ZERO:
        raise Problem(ProblemCode.HEAD_UNREADABLE, "nothing comes before event 1: Journal-Prev is 64 zeros")
    return claim


def gunzip(data: bytes, limit: int = MAX_PLAIN_BYTES) -> bytes:
    """One whole gzip member of at most ``limit`` plain bytes; never inflates more than that."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise Problem(ProblemCode.GZIP_TORN, f"not gzip: {error}") from None
    if len(plain) > limit:
        raise Problem(ProblemCode.BATCH_TOO_LARGE, f"more than {limit} bytes after decompression")
    if not stream.eof or stream.unused_data:
        raise Problem(ProblemCode.GZIP_TORN, "the gzip stream is cut short or has something after it")
    return plain


def read_batch(claim: Head, plain: bytes) -> Batch:
    """Split, decode and chain; Problem when the lines do not lead to the head that was claimed."""
    rows = plain.split(b"\n")
    if rows.pop() != b"" or len(rows) != claim.last - claim.first + 1:
        raise Problem(
            ProblemCode.LINE_UNREADABLE, "not exactly one line for each event, each with its line feed"
        )
    batch = Batch(claim.epoch, claim.prev, list(_chain(claim, rows)))
    if batch.head != claim.hash:
        raise Problem(ProblemCode.HEAD_MISMATCH, f"these lines lead to {batch.head.hex()}")
    return batch


def _chain(claim: Head, rows: Sequence[bytes]) -> Iterator[Line]:
    prev = claim.prev
    for seq, row in enumerate(rows, claim.first):
        try:
            header, salt, body = read_wire_line(row.decode())
            prev = chain_hash(prev, header, salt, body)
        except (ValueError, TypeError, RecursionError) as error:
            raise Problem(ProblemCode.LINE_UNREADABLE, f"event {seq}: {error}") from None
        yield Line(seq, header, salt, body, prev)

"""Status lists: two bits a pass, exact, after the IETF Token Status List (draft-ietf-oauth-status-list).

The first pass of a byte has the lowest two bits, as in that draft. A list travels as blobs of at most
8 kB, so that one revoked pass does not send a whole list again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from kiosk.model import IssuerId

CHUNK_BYTES: Final = 8192
PASSES_A_BYTE: Final = 4
PASSES_A_CHUNK: Final = CHUNK_BYTES * PASSES_A_BYTE


class Status(IntEnum):
    """What an issuer's list says of a pass; the value on the wire. 3 is not given out."""

    VALID = 0
    REVOKED = 1
    HELD = 2


@dataclass(frozen=True, slots=True)
class StatusList:
    """One list of one issuer: whole chunks, then a last one that may be shorter."""

    chunks: tuple[bytes, ...]

    def get(self, index: int) -> Status | None:
        """Status of a pass, or None where the list ends before ``index`` or says something unknown."""
        chunk, rest = divmod(index, PASSES_A_CHUNK)
        if not 0 <= chunk < len(self.chunks) or rest // PASSES_A_BYTE >= len(self.chunks[chunk]):
            return None
        bits = self.chunks[chunk][rest // PASSES_A_BYTE] >> rest % PASSES_A_BYTE * 2 & 3
        return Status(bits) if bits in _KNOWN else None


_KNOWN: Final = frozenset(Status)


@dataclass(frozen=True, slots=True)
class StatusLists:
    """All lists of a directory, by issuer and list number."""

    lists: Mapping[tuple[IssuerId, int], StatusList] = field(default_factory=dict)

    def lookup(self, issuer: IssuerId, number: int, index: int) -> Status | None:
        """Status of a pass; None when this gate has no such list or the list no such index."""
        found = self.lists.get((issuer, number))
        return None if found is None else found.get(index)


def pack(size: int, marked: Mapping[int, Status] | None = None) -> tuple[bytes, ...]:
    """Chunks of a list for ``size`` passes (rounded up to a whole byte), all valid but ``marked``.

    ValueError when a marked index lies past the end.
    """
    packed = bytearray(-(-size // PASSES_A_BYTE))
    for index, status in (marked or {}).items():
        if not 0 <= index < size:
            raise ValueError(f"index {index} is past the end of a list of {size}")
        shift = index % PASSES_A_BYTE * 2
        at = index // PASSES_A_BYTE
        packed[at] = packed[at] & ~(3 << shift) | status << shift
    return tuple(bytes(packed[at : at + CHUNK_BYTES]) for at in range(0, len(packed), CHUNK_BYTES))

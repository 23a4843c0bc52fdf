"""CRC-8 as SMBus (PEC) and Sensirion's parts use it: highest bit first, nothing reflected, no final xor."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache


def crc8(data: Iterable[int], polynomial: int, initial: int = 0) -> int:
    """Checksum of these bytes, 0..255. A burst of up to 8 wrong bits never leaves it right."""
    table = _table(polynomial)
    remainder = initial
    for byte in data:
        remainder = table[remainder ^ byte]
    return remainder


@cache
def _table(polynomial: int) -> bytes:
    return bytes(_shifted(byte, polynomial) for byte in range(256))


def _shifted(byte: int, polynomial: int) -> int:
    for _ in range(8):
        byte = (byte << 1) ^ (polynomial if byte & 0x80 else 0)
    return byte & 0xFF

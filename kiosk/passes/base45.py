"""Base45 (RFC 9285), read strictly: nothing is stripped, folded or guessed.

A space is a character of the alphabet, so ``strip()`` on a scanned text would change the data.
"""

from __future__ import annotations

from typing import Final

from kiosk.errors import PassError
from kiosk.model import Reason

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_BASE: Final = 45
_SQUARE: Final = _BASE * _BASE


def encode(data: bytes) -> str:
    """Two bytes become three characters, a last single byte becomes two."""
    pairs = [_triple(data[at] << 8 | data[at + 1]) for at in range(0, len(data) - 1, 2)]
    if len(data) % 2:
        pairs.append(ALPHABET[data[-1] % _BASE] + ALPHABET[data[-1] // _BASE])
    return "".join(pairs)


def _triple(value: int) -> str:
    return ALPHABET[value % _BASE] + ALPHABET[value // _BASE % _BASE] + ALPHABET[value // _SQUARE]


def decode(text: str) -> bytes:
    """The bytes of ``text``; :class:`PassError` BAD_BASE45 for anything :func:`encode` can't have made."""
    try:
        values = [_VALUES[character] for character in text]
    except KeyError as error:
        raise PassError(Reason.BAD_BASE45, f"not a Base45 character: {error}") from None
    whole = len(values) - len(values) % 3
    out = bytearray()
    for at in range(0, whole, 3):
        out += _bytes(values[at] + values[at + 1] * _BASE + values[at + 2] * _SQUARE, 2)
    if whole < len(values):
        out += _last(values[whole:])
    return bytes(out)


def _last(values: list[int]) -> bytes:
    if len(values) == 1:
        raise PassError(Reason.BAD_BASE45, "one character is left over")
    return _bytes(values[0] + values[1] * _BASE, 1)


def _bytes(value: int, size: int) -> bytes:
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise PassError(Reason.BAD_BASE45, f"a group is too large for {8 * size} bits") from None

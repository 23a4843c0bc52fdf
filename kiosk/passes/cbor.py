"""CBOR (RFC 8949), read strictly: the subset that signed objects are made of, and nothing lenient.

cbor2 accepts what a signed object must not contain: bytes after the end, duplicate keys, indefinite
lengths, NaN, and tags that build dates, regular expressions or cycles. So a scan walks the bytes first
and lets only plain data through; cbor2 then decodes what is already known to be harmless.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import cbor2

from kiosk.errors import PassError
from kiosk.model import Reason

MAX_DEPTH: Final = 8
"""Arrays and maps inside each other."""

PEEK_BYTES: Final = 4096
"""As much of a message as anybody looks into before its signature holds."""

_UNSIGNED, _NEGATIVE, BYTES, _TEXT, _ARRAY, MAP, _TAG = range(7)
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_PLAIN_SIMPLE: Final = (20, 21, 22)
"""false, true, null."""
_WORD: Final = 1 << 64


def read(data: bytes) -> Any:
    """The one item that ``data`` holds; :class:`PassError` BAD_CBOR otherwise.

    Refused: bytes left over, duplicate keys, keys other than numbers and text, indefinite lengths, tags,
    more than :data:`MAX_DEPTH` levels, NaN and infinities, simple values other than true, false, null.
    """
    end = _item(data, 0, 0)
    if end != len(data):
        raise _bad("bytes after the end")
    try:
        return cbor2.loads(data)
    except cbor2.CBORDecodeError as error:
        raise _bad(str(error)) from None


def read_deterministic(data: bytes) -> Any:
    """As :func:`read`, and writing the value again must give the same bytes: one value, one encoding."""
    value = read(data)
    try:
        again = encode(value)
    except TypeError as error:
        raise _bad(str(error)) from None
    if again != data:
        raise _bad("not the deterministic encoding")
    return value


def peek(data: bytes, *names: str) -> Any:
    """The value under these text keys, map within map, if it stands in the first 4 kB of ``data``.

    For bytes that nobody vouches for yet: it costs the same however long and nested they are. PassError
    BAD_CBOR when it is not there or what comes before it is no plain data.
    """
    window, at = data[:PEEK_BYTES], 0
    for name in names:
        at = _under(window, at, name.encode())
    return read(window[at : _item(window, at, len(names))])


def encode(value: Any) -> bytes:
    """Core deterministic encoding (RFC 8949, 4.2.1). TypeError for floats and whatever is not plain data."""
    return cbor2.dumps(_ordered(value))


def _ordered(value: Any) -> Any:
    """The same value with map keys in the bytewise order of their encodings.

    cbor2's own canonical mode sorts shorter keys first, which is the rule of the older RFC 7049.
    """
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=cbor2.dumps)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, _ordered(value.value))
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, int) and not -_WORD <= value < _WORD:
        raise TypeError("a number needs more than 64 bits")
    if value is None or isinstance(value, (int, str, bytes)):
        return value
    raise TypeError(f"{type(value).__name__} has no deterministic encoding here")


def _bad(message: str) -> PassError:
    return PassError(Reason.BAD_CBOR, f"CBOR: {message}")


# -- the scan: each function takes the position of an item and returns the position after it -------


def _item(data: bytes, at: int, depth: int) -> int:
    major, information, argument, at = head(data, at)
    if major in (_UNSIGNED, _NEGATIVE):
        return at
    if major in (BYTES, _TEXT):
        return _past(data, at, argument)
    if major == _TAG:
        raise _bad(f"tag {argument}")
    if major not in (_ARRAY, MAP):
        return _simple(data, information, at)
    if depth == MAX_DEPTH:
        raise _bad(f"deeper than {MAX_DEPTH} levels")
    _past(data, at, argument)  # an item has at least one byte: a huge count ends here
    return (_map if major == MAP else _array)(data, argument, at, depth + 1)


def head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Major type, additional information, argument, position after the head (RFC 8949, 3).

    PassError BAD_CBOR where there is none.
    """
    if at >= len(data):
        raise _bad("ends too early")
    major, information = data[at] >> 5, data[at] & 31
    at += 1
    if information < 24:
        return major, information, information, at
    if information > 27:
        raise _bad("indefinite length or reserved head")
    end = _past(data, at, 1 << information - 24)
    return major, information, int.from_bytes(data[at:end], "big"), end


def _past(data: bytes, at: int, length: int) -> int:
    if length > len(data) - at:
        raise _bad("ends too early")
    return at + length


def _under(data: bytes, at: int, name: bytes) -> int:
    """Position of a map's value by its key."""
    major, _, pairs, at = head(data, at)
    if major != MAP:
        raise _bad("not a map")
    for _ in range(pairs):
        key, at = _key(data, at)
        if key == (_TEXT, name):
            return at
        at = _item(data, at, 1)
    raise _bad("a name is missing")


def _array(data: bytes, items: int, at: int, depth: int) -> int:
    for _ in range(items):
        at = _item(data, at, depth)
    return at


def _map(data: bytes, pairs: int, at: int, depth: int) -> int:
    seen: set[tuple[int, int | bytes]] = set()
    for _ in range(pairs):
        key, at = _key(data, at)
        if key in seen:
            raise _bad("a key stands twice in a map")
        seen.add(key)
        at = _item(data, at, depth)
    return at


def _key(data: bytes, at: int) -> tuple[tuple[int, int | bytes], int]:
    """A map key by value, so that two encodings of one number count as the same key."""
    major, _, argument, at = head(data, at)
    if major in (_UNSIGNED, _NEGATIVE):
        return (major, argument), at
    if major != _TEXT:
        raise _bad("a map key is neither a number nor text")
    end = _past(data, at, argument)
    return (major, data[at:end]), end


def _simple(data: bytes, information: int, at: int) -> int:
    if information in _PLAIN_SIMPLE:
        return at
    form = _FLOATS.get(information)
    if form is None:
        raise _bad("a simple value other than true, false, null")
    size = struct.calcsize(form)
    if not math.isfinite(struct.unpack(form, data[at - size : at])[0]):
        raise _bad("NaN or infinity")
    return at

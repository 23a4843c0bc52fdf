"""CBOR: plain data comes back, everything lenient is refused, one value has one encoding."""

from __future__ import annotations

import math
import struct
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import PassError
from kiosk.model import Reason
from kiosk.passes import cbor

REFUSED = {
    "nothing": "",
    "a byte after the end": "0100",
    "another item after the end": "8001",
    "cut in a head": "19",
    "cut in a text": "62",
    "cut in an array": "8201",
    "cut in a map": "a101",
    "a key twice": "a201010102",
    "a key twice, written differently": "a20101180102",
    "a text key twice": "a2616101616102",
    "an indefinite array": "9f01ff",
    "an indefinite map": "bf0102ff",
    "indefinite bytes": "5f4101ff",
    "indefinite text": "7f6161ff",
    "a break alone": "ff",
    "a reserved head": "1c",
    "half-size NaN": "f97e00",
    "NaN": "fb7ff8000000000000",
    "single-size infinity": "fa7f800000",
    "undefined": "f7",
    "a simple value": "f0",
    "a two-byte simple value": "f820",
    "a tag": "c001",
    "a date": "c11a514b67b0",
    "a shared reference": "d81c81d81d00",
    "a big number": "c249400000000000000000",
    "a regular expression": "d8236161",
    "a tag inside": "81c001",
    "text that is no UTF-8": "62c328",
    "a map as a key": "a1a001",
    "bytes as a key": "a1410101",
    "null as a key": "a1f601",
    "an array said to be huge": "9b7fffffffffffffff",
    "a map said to be huge": "bbffffffffffffffff",
    "bytes said to be huge": "5bffffffffffffffff00",
    "nine levels": "81" * 9 + "01",
    "nine levels of maps": "a101" * 9 + "01",
}
NOT_DETERMINISTIC = {
    "a number in two bytes instead of one": "1801",
    "a number in three bytes": "190001",
    "a length in two bytes": "5801ff",
    "keys in the wrong order": "a202010102",
    "the older order, shorter keys first": "a2200118180a",
    "a float": "f93c00",
}

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(-(2**64), 2**64 - 1) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(plain)
def test_plain_data_comes_back(value: Any) -> None:
    data = cbor.encode(value)
    if depth(value) <= cbor.MAX_DEPTH:
        assert cbor.read_deterministic(data) == value
    else:
        with pytest.raises(PassError):
            cbor.read(data)


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: str) -> None:
    with pytest.raises(PassError) as caught:
        cbor.read(bytes.fromhex(data))
    assert caught.value.reason is Reason.BAD_CBOR


@pytest.mark.parametrize("data", NOT_DETERMINISTIC.values(), ids=NOT_DETERMINISTIC.keys())
def test_one_value_has_one_encoding(data: str) -> None:
    cbor.read(bytes.fromhex(data))
    with pytest.raises(PassError) as caught:
        cbor.read_deterministic(bytes.fromhex(data))
    assert caught.value.reason is Reason.BAD_CBOR


def test_eight_levels_are_enough_for_anything_signed() -> None:
    assert cbor.read(b"\x81" * 8 + b"\x01") == [[[[[[[[1]]]]]]]]


def test_keys_stand_in_bytewise_order_of_their_encoding() -> None:
    assert cbor.encode({-1: 0, 24: 0, "a": 0, 1: 0}).hex() == "a40100181800200061" + "6100"


@given(st.binary(max_size=60))
def test_any_bytes_are_plain_data_or_refused(data: bytes) -> None:
    try:
        value = cbor.read(data)
    except PassError as error:
        assert error.reason is Reason.BAD_CBOR  # noqa: PT017  (most examples are refused, some are not)
        return
    assert_plain(value)


@given(plain, st.data())
def test_a_changed_byte_gives_another_value_or_is_refused(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(cbor.encode(value))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = cbor.read_deterministic(bytes(encoded))
    except PassError:
        return
    assert cbor.encode(changed) == bytes(encoded) != cbor.encode(value)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_that_is_none_gets_through(number: float) -> None:
    data = b"\xfb" + struct.pack(">d", number)
    if math.isfinite(number):
        assert cbor.read(data) == number
    else:
        with pytest.raises(PassError):
            cbor.read(data)


@pytest.mark.parametrize("value", [1.5, float("nan"), {1, 2}, object(), 2**64, -(2**64) - 1, [2**70]])
def test_what_has_no_deterministic_encoding_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        cbor.encode(value)


def test_a_value_is_found_by_its_names_before_anybody_vouches_for_it() -> None:
    data = cbor.encode({"v": 1, "files": {"trust": [b"hash", 5], "zz": [1]}, "time": 7})
    assert cbor.peek(data, "files", "trust") == [b"hash", 5]
    assert cbor.peek(data, "v") == 1
    assert cbor.peek(data) == cbor.read(data)
    for names in (("files", "other"), ("other",), ("v", "trust"), ("files", "zz", "1")):
        with pytest.raises(PassError):
            cbor.peek(data, *names)


@given(st.binary(max_size=60), st.lists(st.text(max_size=2), max_size=3))
def test_peeking_into_any_bytes_gives_plain_data_or_is_refused(data: bytes, names: list[str]) -> None:
    try:
        assert_plain(cbor.peek(data, *names))
    except PassError as error:
        assert error.reason is Reason.BAD_CBOR  # noqa: PT017  (as above)


def test_peeking_ends_after_four_kilobytes() -> None:
    def behind(size: int) -> bytes:
        return cbor.encode({"a": bytes(size), "bb": 1})

    assert cbor.peek(behind(4000), "bb") == 1
    with pytest.raises(PassError):
        cbor.peek(behind(4096), "bb")


def assert_plain(value: Any) -> None:
    assert type(value) in (int, str, bytes, bool, float, list, dict, type(None))
    if isinstance(value, float):
        assert math.isfinite(value)
    children: list[Any] = []
    if isinstance(value, list):
        children = value
    elif isinstance(value, dict):
        assert all(type(key) in (int, str) for key in value)
        children = list(value.values())
    for child in children:
        assert_plain(child)


def test_what_the_library_alone_would_accept() -> None:
    """Why there is a scan at all; when cbor2 becomes strict, some of it may go."""
    accepted = ["0100", "a201010102", "9f01ff", "f97e00", "d81c81d81d00", "c249400000000000000000"]
    for data in accepted:
        cbor2.loads(bytes.fromhex(data))
        with pytest.raises(PassError):
            cbor.read(bytes.fromhex(data))

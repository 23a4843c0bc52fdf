"""COSE_Sign1 in one shape, and kinds that can't stand for each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import PassError
from kiosk.model import Reason
from kiosk.passes import cbor, cose
from kiosk.passes.cose import Kind
from kiosk.passes.keys import Algorithm, SigningKey
from tests.unit.passes.kit import assemble

KEYS = {algorithm: SigningKey.generate(algorithm) for algorithm in Algorithm}
KEY = KEYS[Algorithm.ED25519]
HEADER = cbor.encode({1: -19, 4: KEY.public.kid})
SIGNATURE = bytes(64)

Parts = list[Any]


@pytest.mark.parametrize("algorithm", list(Algorithm))
@given(payload=st.binary(max_size=200), kind=st.sampled_from(Kind))
def test_what_was_signed_verifies(algorithm: Algorithm, payload: bytes, kind: Kind) -> None:
    key = KEYS[algorithm]
    message = cose.read(cose.sign(payload, key, kind))
    assert (message.algorithm, message.kid, message.payload) == (algorithm, key.public.kid, payload)
    assert cose.verifies(message, key.public, kind)


@pytest.mark.parametrize("made_as", list(Kind))
@pytest.mark.parametrize("taken_as", list(Kind))
def test_each_kind_is_refused_as_every_other(made_as: Kind, taken_as: Kind) -> None:
    for key in KEYS.values():
        message = cose.read(cose.sign(b"payload", key, made_as))
        assert cose.verifies(message, key.public, taken_as) is (made_as is taken_as)


def test_the_kinds_are_separated_by_what_the_design_says() -> None:
    assert {kind.external_aad for kind in Kind} == {
        b"gatekiosk/pass/1",
        b"gatekiosk/card/1",
        b"gatekiosk/trust/1",
        b"gatekiosk/manifest/1",
        b"gatekiosk/policy/1",
        b"gatekiosk/update/1",
    }


def test_what_is_signed_is_the_structure_of_the_rfc() -> None:
    message = cose.read(cose.sign(b"payload", KEY, Kind.PASS))
    structure = cbor2.dumps(["Signature1", message.protected, b"gatekiosk/pass/1", b"payload"])
    assert KEY.public.verify(message.signature, structure)


def test_an_algorithm_other_than_the_keys_never_verifies() -> None:
    """The header may name any algorithm; it is the key's that counts, and both must agree."""
    for named in (-9, -8, -7, 5, 0):
        header = cbor.encode({1: named, 4: KEY.public.kid})
        signature = KEY.sign(cbor.encode(["Signature1", header, Kind.PASS.external_aad, b"p"]))
        message = cose.read(assemble([header, {}, b"p", signature]))
        assert not cose.verifies(message, KEY.public, Kind.PASS)


def header(value: Any) -> Parts:
    return [cbor2.dumps(value), {}, b"p", SIGNATURE]


WRONG_SHAPES: dict[str, Parts | bytes] = {
    "no tag": assemble([HEADER, {}, b"p", SIGNATURE], tag=None),
    "three parts": [HEADER, {}, b"p"],
    "five parts": [HEADER, {}, b"p", SIGNATURE, b""],
    "a map instead of an array": assemble([], tag=None)[:0] + b"\xd2\xa0",
    "payload detached": [HEADER, {}, None, SIGNATURE],
    "payload a text": [HEADER, {}, "p", SIGNATURE],
    "an empty protected header": [b"", {}, b"p", SIGNATURE],
    "unprotected key id": [HEADER, {4: b"kid"}, b"p", SIGNATURE],
    "unprotected algorithm": [HEADER, {1: -19}, b"p", SIGNATURE],
    "signature too short": [HEADER, {}, b"p", SIGNATURE[1:]],
    "signature too long": [HEADER, {}, b"p", SIGNATURE + b"\0"],
    "no signature": [HEADER, {}, b"p", b""],
    "no key id": header({1: -19}),
    "no algorithm": header({4: b"kid"}),
    "crit": header({1: -19, 2: [4], 4: b"kid"}),
    "a content type": header({1: -19, 3: 0, 4: b"kid"}),
    "an x5chain": header({1: -19, 4: b"kid", 33: b"certificate"}),
    "algorithm a text": header({1: "EdDSA", 4: b"kid"}),
    "algorithm true": header({1: True, 4: b"kid"}),
    "key id a text": header({1: -19, 4: "kid"}),
    "key id empty": header({1: -19, 4: b""}),
    "key id long": header({1: -19, 4: bytes(33)}),
    "header an array": header([1, -19]),
}


@pytest.mark.parametrize("shape", WRONG_SHAPES.values(), ids=WRONG_SHAPES.keys())
def test_refuses_the_shape(shape: Parts | bytes) -> None:
    with pytest.raises(PassError) as caught:
        cose.read(shape if isinstance(shape, bytes) else assemble(shape))
    expected = Reason.BAD_CBOR if isinstance(shape, list) and shape[0] == b"" else Reason.BAD_COSE
    assert caught.value.reason is expected


GOOD = cose.sign(b"payload", KEY, Kind.PASS)
WRONG_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "a byte after the end": lambda good: good + b"\0",
    "cut": lambda good: good[:-1],
    "another tag": lambda good: b"\xd1" + good[1:],
    "the CWT tag around it": lambda good: b"\xd8\x3d" + good,
    "the tag twice": lambda good: b"\xd2" + good,
    "the tag in two bytes": lambda good: b"\xd8\x12" + good[1:],
    "an indefinite array": lambda good: b"\xd2\x9f" + good[2:] + b"\xff",
    "an array length in two bytes": lambda good: b"\xd2\x98\x04" + good[2:],
    "a longer length of the signature": lambda good: good.replace(b"\x58\x40", b"\x59\x00\x40"),
    "nothing": lambda good: b"",
    "the tag alone": lambda good: b"\xd2",
}


@pytest.mark.parametrize("change", WRONG_BYTES.values(), ids=WRONG_BYTES.keys())
def test_refuses_the_encoding(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(PassError) as caught:
        cose.read(change(GOOD))
    assert caught.value.reason is Reason.BAD_CBOR


def test_a_header_in_another_order_is_refused() -> None:
    swapped = b"\xa2\x04\x44" + KEY.public.kid + b"\x01\x32"
    with pytest.raises(PassError) as caught:
        cose.read(assemble([swapped, {}, b"p", SIGNATURE]))
    assert caught.value.reason is Reason.BAD_CBOR


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_byte_of_a_message_may_differ(at: int, change: int) -> None:
    changed = bytearray(GOOD)
    changed[at] ^= change
    try:
        message = cose.read(bytes(changed))
    except PassError:
        return
    assert message.kid != KEY.public.kid or not cose.verifies(message, KEY.public, Kind.PASS)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        cose.read(data)
    except PassError as error:
        assert error.reason in (Reason.BAD_CBOR, Reason.BAD_COSE)  # noqa: PT017  (a few may be messages)


# -- junk is known by its heads ---------------------------------------------------------------------------


@given(payload=st.binary(max_size=300), kind=st.sampled_from(Kind))
def test_whatever_was_signed_has_the_frame(payload: bytes, kind: Kind) -> None:
    assert cose.framed(cose.sign(payload, KEY, kind))


@given(st.binary(max_size=80), st.data())
def test_what_can_be_read_has_the_frame(junk: bytes, data: st.DataObject) -> None:
    signed = bytearray(cose.sign(b"payload", KEY, Kind.PASS))
    at = data.draw(st.integers(0, len(signed)))
    for candidate in (junk, bytes(signed[:at]) + junk, bytes(signed[:at]) + junk + bytes(signed[at:])):
        if not cose.framed(candidate):
            with pytest.raises(PassError):
                cose.read(candidate)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xd2",
        b"\xd2\x84",
        b"\xd2\x84\x40\xa0\x40",
        b"\xd2\x84\x40\xa0\x40\x40\x00",
        b"\xd2\x84\x40\xa1\x01\x01\x40\x40",
        b"\xd2\x84\x80\xa0\x40\x40",
        b"\xd2\x84\x40\xa0\x5b" + b"\xff" * 8 + b"\x40",
        b"\xd2\x85\x40\xa0\x40\x40\x00",
    ],
)
def test_what_has_no_frame(data: bytes) -> None:
    assert not cose.framed(data)


def test_a_header_longer_than_it_can_be_is_refused_unread() -> None:
    header = cbor.encode({1: -19, 4: KEY.public.kid, 5: list(range(100))})
    with pytest.raises(PassError, match="too long") as caught:
        cose.read(assemble([header, {}, b"", SIGNATURE]))
    assert caught.value.reason is Reason.BAD_COSE

"""Base45: the RFC's examples, and that one sequence of bytes has exactly one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import PassError
from kiosk.model import Reason
from kiosk.passes import base45

RFC_9285_EXAMPLES = [
    (b"AB", "BB8"),
    (b"Hello!!", "%69 VD92EX0"),
    (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"),
]
REFUSED = {
    "a group above 65535": "GGW",
    "a last pair above 255": "V5",
    "a group above 65535, far": ":::",
    "one character left over": "BB8B",
    "a single character": "B",
    "lower case": "bb8",
    "a tab": "BB8\t00",
    "a newline at the end": "BB8\n",
    "an underscore": "BB_",
    "a full-width digit": "\uff11BB",
    "a lone surrogate": "\udc80BB",
}


@pytest.mark.parametrize(("data", "text"), RFC_9285_EXAMPLES)
def test_the_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(text: str) -> None:
    with pytest.raises(PassError) as caught:
        base45.decode(text)
    assert caught.value.reason is Reason.BAD_BASE45


def test_a_space_is_data() -> None:
    ends_in_space = "0 "  # 36 * 45 is too much for one byte
    with pytest.raises(PassError):
        base45.decode(ends_in_space)
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.encode(base45.decode("  0")) == "  0"


@given(st.binary(max_size=200))
def test_every_sequence_of_bytes_comes_back(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(alphabet=base45.ALPHABET, max_size=60))
def test_what_can_be_decoded_has_no_other_text(text: str) -> None:
    try:
        data = base45.decode(text)
    except PassError:
        return
    assert base45.encode(data) == text

"""The checksums of both kinds of parts, against what their data sheets print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.crc8 import crc8


@pytest.mark.parametrize(
    ("data", "polynomial", "initial", "checksum"),
    [
        (b"123456789", 0x07, 0x00, 0xF4),  # the catalogue's check value of CRC-8
        (b"\xbe\xef", 0x31, 0xFF, 0x92),  # Sensirion's example
        (b"123456789", 0x31, 0xFF, 0xF7),  # CRC-8/NRSC-5 of the catalogue: the same
        (b"", 0x07, 0x00, 0x00),
        (b"", 0x31, 0xFF, 0xFF),
    ],
)
def test_printed_values(data: bytes, polynomial: int, initial: int, checksum: int) -> None:
    assert crc8(data, polynomial, initial) == checksum


@given(st.binary(min_size=1, max_size=8), st.sampled_from([(0x07, 0), (0x31, 0xFF)]), st.data())
def test_a_flipped_bit_never_leaves_it_right(data: bytes, kind: tuple[int, int], more: st.DataObject) -> None:
    bit = more.draw(st.integers(0, 8 * len(data) - 1))
    wrong = bytearray(data)
    wrong[bit // 8] ^= 1 << bit % 8
    assert crc8(wrong, *kind) != crc8(data, *kind)

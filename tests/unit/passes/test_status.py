"""Status lists: two bits a pass, nothing past the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import IssuerId
from kiosk.passes.status import CHUNK_BYTES, PASSES_A_CHUNK, Status, StatusList, StatusLists, pack

marks = st.dictionaries(st.integers(0, 99_999), st.sampled_from(Status), max_size=30)


@given(marks, st.lists(st.integers(0, 99_999), max_size=30))
def test_every_pass_has_the_status_it_was_given(marked: dict[int, Status], others: list[int]) -> None:
    statuses = StatusList(pack(100_000, marked))
    for index in [*marked, *others]:
        assert statuses.get(index) is marked.get(index, Status.VALID)


@pytest.mark.parametrize(
    "size", [1, 3, 4, 5, PASSES_A_CHUNK - 1, PASSES_A_CHUNK, PASSES_A_CHUNK + 1, 100_000]
)
def test_the_end_of_a_list_is_known(size: int) -> None:
    statuses = StatusList(pack(size))
    rounded = -(-size // 4) * 4
    assert statuses.get(size - 1) is Status.VALID
    assert statuses.get(rounded) is None
    assert statuses.get(rounded + PASSES_A_CHUNK) is None
    assert statuses.get(1 << 32) is None
    assert statuses.get(-1) is None


def test_a_status_nobody_has_given_out_is_unknown() -> None:
    assert StatusList((b"\xff",)).get(0) is None


def test_bits_are_where_the_draft_has_them() -> None:
    assert pack(4, {0: Status.REVOKED, 3: Status.HELD}) == (bytes([0b10_00_00_01]),)


def test_ten_million_passes_are_two_and_a_half_megabytes() -> None:
    chunks = pack(10_000_000)
    assert sum(map(len, chunks)) == 2_500_000
    assert max(map(len, chunks)) == CHUNK_BYTES


def test_a_list_belongs_to_its_issuer() -> None:
    lists = StatusLists({(IssuerId("a"), 0): StatusList(pack(8, {1: Status.REVOKED}))})
    assert lists.lookup(IssuerId("a"), 0, 1) is Status.REVOKED
    assert lists.lookup(IssuerId("b"), 0, 1) is None
    assert lists.lookup(IssuerId("a"), 1, 1) is None


@pytest.mark.parametrize("index", [-1, 8, 9])
def test_a_mark_past_the_end_is_a_mistake(index: int) -> None:
    with pytest.raises(ValueError, match="past the end"):
        pack(8, {index: Status.HELD})


def test_a_later_mark_replaces_the_earlier_bits() -> None:
    assert StatusList(pack(4, {0: Status.HELD, 1: Status.REVOKED})).get(0) is Status.HELD

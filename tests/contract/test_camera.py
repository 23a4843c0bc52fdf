"""One suite for every source of frames: what the decoders rest on, whichever camera is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.devices import EndingSource, FrameSource
from kiosk.errors import DeviceAbsent, DeviceStalled
from kiosk.model import Monotonic
from tests.contract.cameras import RIGS, Rig

STALL_LIMIT_S = 2.5


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with RIGS[request.param](tmp_path) as made:
        try:
            yield made
        finally:
            for source in made.opened:
                source.close()


def test_a_frame_is_one_byte_a_pixel_without_padding(rig: Rig) -> None:
    frame = rig.next_frame(rig.start())
    assert memoryview(frame.luma).nbytes == frame.width * frame.height
    assert frame.width >= frame.height >= 48


def test_times_never_go_backwards_nor_ahead_of_the_caller(rig: Rig) -> None:
    source = rig.start()
    last = float("-inf")
    for _ in range(4):
        frame = rig.next_frame(source)
        assert last <= frame.at <= rig.advance(0.0)
        last = frame.at


def test_a_frame_is_handed_out_once(rig: Rig) -> None:
    if rig.numbers is None:
        pytest.skip("its pictures do not follow time")
    source = rig.start()
    seen = [rig.numbers(rig.next_frame(source)) for _ in range(6)]
    assert len(set(seen)) == len(seen)


def test_the_newest_frame_wins(rig: Rig) -> None:
    """Half a second of other work: what came meanwhile is dropped but for the last picture."""
    if rig.numbers is None:
        pytest.skip("its pictures do not follow time")
    source = rig.start()
    before = rig.numbers(rig.next_frame(source))
    rig.advance(0.5)
    first = rig.next_frame(source)
    behind, number = rig.advance(0.0) - first.at, rig.numbers(first)
    assert (number - before) % rig.modulo >= 4
    assert behind <= 0.2
    after = rig.numbers(rig.next_frame(source))
    assert 0 < (after - number) % rig.modulo <= 5


def test_polling_never_waits_for_a_picture(rig: Rig) -> None:
    source = rig.start()
    rig.next_frame(source)
    now = rig.advance(0.0)
    if rig.numbers is None and rig.ending:
        pytest.skip("a folder has a picture for every poll")
    # The first of these may find one that has come meanwhile.
    assert [source.poll(now) for _ in range(5)][1:] == [None] * 4


def test_what_is_not_there_says_so_and_can_be_opened_once_it_is(rig: Rig) -> None:
    if rig.take_away is None:
        pytest.skip("a folder is looked at picture by picture")
    rig.take_away()
    with pytest.raises(rig.absent) as caught:
        rig.start()
    assert len(str(caught.value)) > 20
    rig.bring_back()
    assert rig.next_frame(rig.start()) is not None


def test_a_camera_that_hangs_is_stalled_within_two_seconds(rig: Rig) -> None:
    if rig.hang is None:
        pytest.skip("nothing in it can hang")
    source = rig.start()
    rig.next_frame(source)
    rig.hang(source)
    now = rig.advance(0.0)
    with pytest.raises(DeviceStalled):
        poll_for(source, now, STALL_LIMIT_S)
    source.close()


def poll_for(source: FrameSource, now: Monotonic, seconds: float) -> None:
    for tenth in range(int(seconds * 10)):
        source.poll(Monotonic(now + tenth / 10))


def test_closing_twice_is_closing_once_and_what_is_closed_gives_nothing(rig: Rig) -> None:
    source = rig.start()
    rig.next_frame(source)
    source.close()
    source.close()
    if isinstance(source, EndingSource):
        assert source.ended
        assert source.poll(rig.advance(0.1)) is None
    else:
        with pytest.raises(DeviceAbsent):
            source.poll(rig.advance(0.1))


def test_only_what_comes_to_an_end_ends_and_then_stays_ended(rig: Rig) -> None:
    source = rig.start()
    assert isinstance(source, EndingSource) is rig.ending
    if not isinstance(source, EndingSource):
        return
    shown = 0
    for _ in range(200):
        shown += source.poll(rig.advance(0.05)) is not None
        if source.ended:
            break
    assert source.ended
    assert shown == (31 if rig.numbers else 5)
    assert source.poll(rig.advance(10.0)) is None


def test_a_source_can_be_opened_again_after_it_was_closed(rig: Rig) -> None:
    for _ in range(2):
        source = rig.start()
        assert rig.next_frame(source) is not None
        source.close()

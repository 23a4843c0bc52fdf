"""A decoder that never comes back: the gate must not look alive while it is blind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from drivers.qr_decode import FrameReader, QrDecoder
from kiosk.errors import DeviceStalled
from kiosk.gate import State
from kiosk.model import CodeRead, EventKind, Frame, Light, Monotonic, Seconds
from kiosk.supervision import HANGS_S, LOST_S, Part, Supervised, Worker
from tests.street import Street

SOON = Seconds(0.001)
PATIENCE_S = 60.0


class SameFrame:
    """A camera before which nothing changes. That it is asked tells that the thread's last turn is over."""

    def __init__(self, let_go: Event) -> None:
        self.let_go, self.asked_again = let_go, Event()

    def poll(self, now: Monotonic) -> Frame | None:
        if self.let_go.is_set():
            self.asked_again.set()
        return Frame(bytes(64 * 48), 64, 48, now)

    def close(self) -> None:
        """Nothing to release."""


class Loop:
    """A decoder that is caught by a frame until it is let go; later frames are nothing to it."""

    name = "zxing"

    def __init__(self) -> None:
        self.caught, self.let_go = Event(), Event()

    def read(self, frame: Frame) -> list[CodeRead]:
        self.caught.set()
        self.let_go.wait(PATIENCE_S)
        return []


class BlindStreet(Street):
    """A gate whose camera thread is as on a real one, with a decoder that gets caught."""

    def __init__(self, folder: Path) -> None:
        self.loop = Loop()
        self.source = SameFrame(self.loop.let_go)
        super().__init__(folder)

    def light(self) -> Light:
        return self.gate.light

    def _camera(self) -> Part[CodeRead]:
        decoder = QrDecoder(libraries=[self.loop])
        reader = Supervised("camera", lambda: FrameReader(self.source, decoder))
        return Worker(reader, self.clock, SOON)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[BlindStreet]:
    with BlindStreet(tmp_path) as made:
        assert made.loop.caught.wait(PATIENCE_S)
        try:
            yield made
        finally:
            made.loop.let_go.set()


def test_it_becomes_a_steady_red_light_and_an_event(street: BlindStreet) -> None:
    street.run(HANGS_S - 1)
    assert street.light() is Light.IDLE
    street.run(2.0)
    assert street.light() is Light.FAULT
    assert street.state() is State.FAULT
    [fault] = street.events(EventKind.FAULT)
    assert (fault["part"], fault["code"]) == ("camera", DeviceStalled.code)


def test_the_gate_is_itself_again_when_the_decoder_comes_back(street: BlindStreet) -> None:
    street.run(HANGS_S + 1)
    assert street.light() is Light.FAULT
    street.loop.let_go.set()
    # One frame is read several times, so that only the next one tells that the turn caught by it has ended.
    assert street.source.asked_again.wait(PATIENCE_S)
    # Not for long: virtual seconds are over before a real thread has had its turn.
    street.run(0.2)
    assert street.light() is Light.IDLE
    assert [event["part"] for event in street.events(EventKind.RECOVERED)] == ["camera"]


def test_a_decoder_that_is_lost_takes_the_process_down_for_a_new_one(street: BlindStreet) -> None:
    street.run(LOST_S - 1)
    with pytest.raises(DeviceStalled, match="camera"):
        street.run(2.0)

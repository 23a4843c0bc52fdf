"""Faults of a simulated gate fail as the real ones do: noticed and mended by the product's own means."""

from __future__ import annotations

import pytest

from drivers.qr_decode import BLIND_FRAMES, FrameReader
from drivers.simulated.call_button import SimulatedCallButton
from kiosk.breakable import BreakableButton, BreakableDecoder
from kiosk.errors import DecoderError, DeviceAbsent
from kiosk.model import Frame, Monotonic
from kiosk.scenario import FaultKind
from tests.codes import frame, qr


class Switch:
    """One fault, on or off."""

    def __init__(self, kind: FaultKind) -> None:
        self.kind = kind
        self.on = False

    def __call__(self, kind: FaultKind) -> bool:
        return self.on and kind is self.kind


class Film:
    """The same picture for ever."""

    def poll(self, now: Monotonic) -> Frame:
        return frame(qr("a code"), now, "film")

    def close(self) -> None:
        """Nothing to release."""


def test_decoders_that_fail_are_a_fault_of_the_camera_and_read_again_afterwards() -> None:
    fault = Switch(FaultKind.DECODER_FAILING)
    told: list[tuple[str, list[str]]] = []
    reader = FrameReader(Film(), BreakableDecoder((), fault, lambda *read: told.append(read)))
    assert [read.text for read in reader.poll(Monotonic(0.0))] == ["a code"]
    fault.on = True
    for turn in range(1, BLIND_FRAMES):
        assert reader.poll(Monotonic(0.1 * turn)) == []
    with pytest.raises(DecoderError, match="no decoder works"):
        reader.poll(Monotonic(0.1 * BLIND_FRAMES))
    fault.on = False
    assert [read.text for read in reader.poll(Monotonic(9.0))] == ["a code"]
    assert told == [("film", ["a code"])] * 2


def test_a_press_during_the_fault_rings_nowhere_and_the_next_one_does() -> None:
    fault, button = Switch(FaultKind.BUTTON_GONE), SimulatedCallButton()
    part = BreakableButton(button, fault)
    button.press()
    assert part.poll(Monotonic(0.0)) == (True,)
    fault.on = True
    button.press()
    with pytest.raises(DeviceAbsent):
        part.poll(Monotonic(1.0))
    part.close()
    with pytest.raises(DeviceAbsent):
        BreakableButton(button, fault)
    fault.on = False
    part = BreakableButton(button, fault)
    assert part.poll(Monotonic(2.0)) == ()
    button.press()
    assert part.poll(Monotonic(3.0)) == (True,)

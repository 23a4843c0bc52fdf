"""A fault is told when it begins and when it ends, not as long as it lasts."""

from __future__ import annotations

from kiosk import health
from kiosk.errors import DeviceAbsent, DeviceStalled
from kiosk.health import Change, Health
from kiosk.model import EventKind


def test_a_fault_is_told_once_and_its_end_names_it() -> None:
    state = Health()
    assert state.note(health.CAMERA, "DEVICE_ABSENT", "unplugged") == Change(
        EventKind.FAULT, "camera", "DEVICE_ABSENT", "unplugged"
    )
    assert state.note(health.CAMERA, "DEVICE_ABSENT", "still unplugged") is None
    assert state.faults["camera"].message == "still unplugged", "the newest words are shown"
    assert state.note(health.CAMERA, None) == Change(EventKind.RECOVERED, "camera", "DEVICE_ABSENT", "")
    assert state.note(health.CAMERA, None) is None


def test_another_fault_of_the_same_part_is_news() -> None:
    state = Health()
    state.note_error(health.CAMERA, DeviceAbsent("unplugged"))
    change = state.note_error(health.CAMERA, DeviceStalled("no frames"))
    assert change is not None
    assert change.body() == {"part": "camera", "code": "DEVICE_STALLED", "message": "no frames"}


def test_parts_do_not_hide_each_other() -> None:
    state = Health()
    state.note_error(health.CAMERA, DeviceAbsent("unplugged"))
    state.note(health.CLOCK, "CLOCK_UNTRUSTED")
    state.note_error(health.CAMERA, None)
    assert state.snapshot() == {"clock": "CLOCK_UNTRUSTED"}
    assert state.bad(health.CAMERA, health.CLOCK)
    assert not state.bad(health.CAMERA)

"""A USB camera (V4L2) as frames, decoded in a process of its own (:mod:`drivers.frame_process`).

Any camera that the kernel's uvcvideo driver knows will do: 1280x960 is asked for, as MJPEG or YUYV, and the
nearest size the camera has is what comes. Only the luma is handed on, and only of the newest picture.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from drivers.frame_link import FrameLink
from drivers.silence import Silence
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission
from kiosk.model import Frame, Monotonic, Seconds

V4L2: Final = "v4l2"
"""FFmpeg's name of the input."""
AT_ONCE: Final = Seconds(0.0)
REMEDIES: Final = {
    DeviceAbsent.code: "is a camera plugged in? `ls /dev/video*` shows them; one camera may have several "
    "numbers, and the even one has the pictures",
    DevicePermission.code: "the user must be in the group video",
    DeviceBusy.code: "another program uses it: `fuser -v` with its path shows which",
    DeviceError.code: "try another USB socket, or another camera",
}


class Webcam:
    """A :class:`kiosk.devices.FrameSource`. For one thread.

    A frame's luma is valid until the next poll. Opening raises DeviceAbsent, DevicePermission or DeviceBusy
    with a remedy; polling raises DeviceAbsent when the camera was unplugged, and DeviceStalled when there was
    no picture for 2 s or the other process has ended.
    """

    def __init__(self, device: str, *, kind: str = V4L2) -> None:
        """``device``: its path. ``kind``: FFmpeg's name of another live input, such as lavfi, for tests."""
        self._what = f"camera {device}"
        self._silence = Silence(self._what, "is its cable loose?")
        self._last = Monotonic(float("-inf"))
        self._closed = False
        order = {"input": device, "format": kind, "live": True}
        self._link = FrameLink(self._what, order, remedies=REMEDIES)

    @property
    def pid(self) -> int:
        """Of the process that decodes."""
        return self._link.pid

    def poll(self, now: Monotonic) -> Frame | None:
        """The newest picture that was not handed out yet; never waits for one."""
        if self._closed:
            raise DeviceAbsent(f"{self._what}: closed")
        if not self._link.asked:
            self._link.ask({})
        answer = self._link.answer(AT_ONCE)
        self._silence.note(answer is not None, now)
        return None if answer is None else self._link.frame(answer, self._time_of(answer, now), self._what)

    def close(self) -> None:
        """Release the camera; any number of times."""
        self._closed = True
        self._link.close()

    def _time_of(self, answer: Mapping[str, Any], now: Monotonic) -> Monotonic:
        """When the picture came from the camera, by the caller's clock; never backwards."""
        age = max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - float(answer["taken"]))
        self._last = Monotonic(min(now, max(now - age, self._last)))
        return self._last

"""A video file as frames, at its own pace on the caller's clock; decoded in a process of its own.

A file is untrusted input: it is opened by the other process alone, as one of the listed containers, and play
lists, addresses and devices are none of them. Whatever is wrong with it has the codes that pictures have.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from drivers.frame_link import OPEN_S, FrameLink
from kiosk.errors import DeviceStalled, PictureMissing, PictureUnreadable
from kiosk.model import Frame, Monotonic, Seconds

SUFFIXES: Final = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".3gp", ".flv", ".ogv")
)
"""What a file is called that is taken for a video without a look at it."""
WAIT_S: Final = Seconds(10.0)
"""Real time: a picture takes milliseconds, a leap of the caller's clock some seconds."""


class VideoFile:
    """An :class:`kiosk.devices.EndingSource`. For one thread.

    The first poll begins it. Polled as often as it has pictures, every picture is handed out; polled less
    often the newest one wins, as with a camera; a picture that stays is handed out again each second. A
    frame's luma is valid until the next poll. Opening raises PictureMissing, PictureUnreadable, PictureBroken
    or PictureTooLarge; polling DeviceStalled when the other process has ended, or hangs for 10 s.
    """

    def __init__(self, path: Path, *, wait_s: Seconds = WAIT_S) -> None:
        self.path = path
        self.shown = 0
        """Frames handed out."""
        self.damaged = 0
        """Pieces of the file that could not be decoded."""
        self._wait = wait_s
        self._began: Monotonic | None = None
        self._ended = False
        _look_at(path)
        # An absolute path: FFmpeg would take what stands before a colon for a protocol.
        order = {"input": str(path.absolute()), "live": False}
        self._link = FrameLink(f"video {path}", order, open_s=OPEN_S)

    @property
    def pid(self) -> int:
        """Of the process that decodes."""
        return self._link.pid

    @property
    def ended(self) -> bool:
        """There are no more frames."""
        return self._ended

    def poll(self, now: Monotonic) -> Frame | None:
        """The newest picture that is due and was not handed out yet; None when there is none, or no more."""
        if self._ended:
            return None
        self._began = now if self._began is None else self._began
        self._link.ask({"at": now - self._began})
        answer = self._link.answer(self._wait)
        if answer is None:
            raise DeviceStalled(f"video {self.path}: no picture within {self._wait:.0f} s")
        self._ended, self.damaged = bool(answer.get("ended")), int(answer.get("damaged", 0))
        if "width" not in answer:
            return None
        self.shown += 1
        due = Monotonic(self._began + float(answer["at"]))
        return self._link.frame(answer, min(due, now), f"{self.path.name} {self.shown}")

    def close(self) -> None:
        """No more frames; any number of times."""
        self._ended = True
        self._link.close()


def _look_at(path: Path) -> None:
    """A pipe or a device would block or never end."""
    try:
        ordinary = stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PictureMissing(f"video {path}: no such file") from error
    except OSError as error:
        raise PictureUnreadable(f"video {path}: {error.strerror}") from error
    if not ordinary:
        raise PictureUnreadable(f"video {path}: not an ordinary file")

"""The process that decodes video: a USB camera, or a file. FFmpeg (PyAV) lives here and not in the gate.

``python -m drivers.frame_process FD BYTES`` is started by :mod:`drivers.frame_link`. FD is memory that both
ends share: the luma of one picture, row by row. The first line of standard input says what to open, each
further one asks for a picture; one line of JSON answers each. The shared memory is written between a question
and its answer only, so whoever asks may read it, without a copy, until they ask again.

Standard input ending means that nobody is left to ask: a thread of its own notices and ends the process, also
while a damaged file or a hung camera keeps the others busy.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import queue
import resource
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

FIT: Final = (1280, 960)
"""The camera's frame; what is larger is reduced, either way round."""
CAPACITY: Final = FIT[0] * FIT[1]
MAX_PIXELS: Final = 36_000_000
"""8192x4320: the largest picture that a phone films."""
MEMORY_BYTES: Final = 3 << 30
"""Address space: a hostile file's MemoryError, not this machine's."""
HOLD_S: Final = 1.0
"""A picture of a file that stays longer is shown again: what a camera sees does not go away either."""
LONGEST_S: Final = 5.0
"""No picture of a file stays longer than this, whatever its time stamps say."""
USUAL_S: Final = 1 / 30
INSTANT_S: Final = 1e-6
"""Two sums of the same times differ by less."""
VIDEO_FORMATS: Final = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "ogg",
    "asf", "mjpeg", "h264", "hevc", "ivf", "gif", "apng", "yuv4mpegpipe", "mxf", "nut", "dv", "rm",
)  # fmt: skip
"""Containers of moving pictures. Play lists are none: they would name further files and addresses."""
PIXELS_WITH_LUMA: Final = frozenset(
    ("gray", "nv12", "nv21", *(f"yuv{j}{kind}" for j in ("", "j") for kind in ("420p", "422p", "444p")))
)
"""Their first plane is the luma, a byte a pixel."""
INTRA: Final = ("mjpeg", "rawvideo", "wrapped_avframe")
"""Codecs whose every packet is a whole picture, so that all but the newest may be thrown away unread."""
CAMERA_TRIES: Final = ("mjpeg", "yuyv422", None)
"""Pixel formats asked of a USB camera; compressed first, or USB 2 carries only a few pictures a second."""
NO_LIBRARY: Final = "NO_LIBRARY"
REMEDY_MISSING: Final = "apt install python3-av, or pip install av"

_STATES: Final = {
    errno.ENOENT: "DEVICE_ABSENT",
    errno.ENODEV: "DEVICE_ABSENT",
    errno.ENXIO: "DEVICE_ABSENT",
    errno.ENOTTY: "DEVICE_ABSENT",
    errno.EINVAL: "DEVICE_ABSENT",
    errno.EIO: "DEVICE_ABSENT",
    errno.EACCES: "DEVICE_PERMISSION",
    errno.EPERM: "DEVICE_PERMISSION",
    errno.EBUSY: "DEVICE_BUSY",
}
_FILES: Final = {
    errno.ENOENT: "PICTURE_MISSING",
    errno.ENOTDIR: "PICTURE_MISSING",
    errno.EACCES: "PICTURE_UNREADABLE",
    errno.EPERM: "PICTURE_UNREADABLE",
    errno.EISDIR: "PICTURE_UNREADABLE",
}


class Failure(Exception):
    """What the other end raises: the code of an error in kiosk.errors, and why."""

    def __init__(self, code: str, why: str, number: int = 0) -> None:
        super().__init__(why)
        self.code = code
        self.number = number


class Source(Protocol):
    """Something that pictures come from."""

    def opened(self) -> dict[str, Any]:
        """What is said of it at the beginning."""

    def answer(self, question: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """A picture (None: none) and what is said beside it; Failure."""


# -- a file ----------------------------------------------------------------------------------------------


class File:
    """A video file at its own pace: asked for the picture of a time, it never looks back."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        import av

        options = {"protocol_whitelist": "file", "format_whitelist": ",".join(VIDEO_FORMATS)}
        with _failures(_FILES, "PICTURE_BROKEN"):
            self._container = av.open(order["input"], options=options, metadata_errors="replace")
        self._stream = _video(self._container)
        self._pictures = self._timed()
        self._damaged = 0
        self._next = next(self._pictures, None)
        self._last: Any = None
        self._given_at = 0.0
        if self._next is None:
            raise Failure("PICTURE_BROKEN", "there is no picture in it that can be decoded")

    def opened(self) -> dict[str, Any]:
        """Size of its pictures, and the codec."""
        return _described(self._stream)

    def answer(self, question: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The newest picture that is due ``at`` seconds after the beginning, unless it was given before."""
        at = float(question["at"])
        newer = None
        while self._next is not None and self._next[0] <= at + INSTANT_S:
            newer = self._next
            self._next = next(self._pictures, None)
        if newer is None and self._last is not None and self._next is not None:
            # It stays: what a camera sees does not go away between two pictures either.
            newer = (at, self._last[1]) if at - self._given_at >= HOLD_S else None
        if newer is not None:
            self._last, self._given_at = newer, at
        ended = self._next is None and newer is None
        said = {"ended": ended, "damaged": self._damaged}
        return (None, said) if newer is None else (newer[1], said | {"at": newer[0]})

    def _timed(self) -> Iterator[tuple[float, Any]]:
        """Pictures with the time at which each is due: never backwards, never far ahead."""
        begins: float | None = None
        due = -USUAL_S
        for picture in self._decoded():
            claimed = picture.time
            begins = claimed if begins is None else begins
            after = due + USUAL_S if claimed is None or begins is None else claimed - begins
            due = min(max(after, due), due + LONGEST_S)
            yield due, picture

    def _decoded(self) -> Iterator[Any]:
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self._damaged += 1


# -- a camera --------------------------------------------------------------------------------------------


class Camera:
    """A live source: a thread drains it, and only what is asked for is decoded."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._container = _open_camera(order["input"], order["format"])
        self._stream = _video(self._container)
        codec = self._stream.codec_context.name
        if codec not in INTRA:
            raise Failure("DEVICE", f"it delivers {codec}; MJPEG or YUYV is needed")
        self._changed = threading.Condition()
        self._packet: Any = None
        self._taken = 0.0
        self._number = self._given = 0
        self._failure: Failure | None = None
        threading.Thread(target=self._drain, name="drain", daemon=True).start()

    def opened(self) -> dict[str, Any]:
        """Size of its pictures, and the codec."""
        return _described(self._stream)

    def answer(self, question: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:  # noqa: ARG002 the newest
        """The newest picture, as soon as there is one that was not given before."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._failure or self._number > self._given)
                if self._failure is not None:
                    raise self._failure
                packet, taken, self._given = self._packet, self._taken, self._number
            picture = _decoded(packet)
            if picture is not None:
                return picture, {"taken": taken}

    def _drain(self) -> None:
        failure = Failure("DEVICE_ABSENT", "it has ended")
        try:
            with _failures(_STATES, "DEVICE"):
                for packet in self._container.demux(self._stream):
                    self._keep(packet)
        except Failure as error:
            failure = error
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _keep(self, packet: Any) -> None:
        if not packet.size:
            return
        with self._changed:
            self._packet, self._taken = packet, time.clock_gettime(time.CLOCK_BOOTTIME)
            self._number += 1
            self._changed.notify_all()


def _decoded(packet: Any) -> Any:
    """The picture in a packet; None when it is damaged, as the first one of many cameras is."""
    import av

    try:
        pictures = packet.decode()
    except av.FFmpegError:
        return None
    return pictures[-1] if pictures else None


def _open_camera(name: str, kind: str) -> Any:
    """With the first pixel format that it takes; other kinds of input (tests) are opened as they are."""
    import av

    if "v4l2" not in kind:
        with _failures(_STATES, "DEVICE"):
            return av.open(name, format=kind)
    size = {"video_size": f"{FIT[0]}x{FIT[1]}"}
    for pixels in CAMERA_TRIES:
        options = size if pixels is None else size | {"input_format": pixels}
        try:
            with _failures(_STATES, "DEVICE"):
                return av.open(name, format=kind, options=options)
        except Failure as error:
            if error.number != errno.EINVAL or pixels is None:
                raise
    raise AssertionError("the last try returns or raises")


# -- what both share -------------------------------------------------------------------------------------


@contextmanager
def _failures(codes: Mapping[int, str], otherwise: str) -> Iterator[None]:
    """FFmpeg's errors as failures: by their number, else ``otherwise``."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        number = getattr(error, "errno", None) or 0
        why = getattr(error, "strerror", None) or type(error).__name__
        code = codes.get(number, otherwise)
        broken = "not a video that can be read: " if code == "PICTURE_BROKEN" else ""
        raise Failure(code, f"{broken}{why}", number) from error


def _video(container: Any) -> Any:
    """Its first stream of pictures; Failure when it has none, or one too large to be meant well."""
    streams = container.streams.video
    if not streams:
        raise Failure("PICTURE_BROKEN", "there are no moving pictures in it")
    context = streams[0].codec_context
    if context is None:
        raise Failure("PICTURE_BROKEN", "nothing here decodes it")
    if context.width * context.height > MAX_PIXELS:
        raise Failure("PICTURE_TOO_LARGE", f"{context.width}x{context.height} pixels")
    return streams[0]


def _described(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {"opened": True, "width": context.width, "height": context.height, "codec": context.name}


def fitted(width: int, height: int) -> tuple[int, int]:
    """The size reduced, never enlarged, to what the camera's frame holds, upright or lying."""
    wide, high = FIT if width >= height else FIT[::-1]
    scale = min(1.0, wide / width, high / height)
    return max(1, int(width * scale)), max(1, int(height * scale))


class Board:
    """The shared memory, written by this end."""

    def __init__(self, fd: int, size: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._memory = memoryview(mmap.mmap(fd, size))
        self._reformatter = VideoReformatter()

    def write(self, picture: Any) -> tuple[int, int]:
        """Put a picture's luma there, reduced if need be; its width and height."""
        width, height = size = fitted(picture.width, picture.height)
        same = size == (picture.width, picture.height) and picture.format.name in PIXELS_WITH_LUMA
        if not same or picture.planes[0].line_size < width:
            picture = self._reformatter.reformat(picture, width, height, "gray", interpolation="AREA")
        plane = picture.planes[0]
        rows, stride = memoryview(plane).cast("B"), plane.line_size
        if stride == width:
            self._memory[: width * height] = rows[: width * height]
            return size
        for row in range(height):
            start = row * stride
            self._memory[row * width : (row + 1) * width] = rows[start : start + width]
        return size


def _listen(lines: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Hand on what is asked; when nobody is left to ask, nothing else matters."""
    for line in sys.stdin:
        lines.put(json.loads(line))
    os._exit(0)


def _say(words: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _reply(source: Source, question: Mapping[str, Any], board: Board) -> dict[str, Any]:
    picture, said = source.answer(question)
    if picture is None:
        return said
    width, height = board.write(picture)
    return said | {"width": width, "height": height}


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (allowed, allowed))


def main(arguments: Sequence[str]) -> int:
    """Answer until standard input ends; 1 after a failure, which is the last thing said."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), name="listen", daemon=True).start()
    try:
        _serve(lines, int(arguments[0]), int(arguments[1]))
    except Failure as error:
        _say({"error": error.code, "why": str(error)})
    except MemoryError:
        _say({"error": "PICTURE_TOO_LARGE", "why": "it takes more memory than a video needs"})
    return 1


def _serve(lines: queue.SimpleQueue[dict[str, Any]], fd: int, size: int) -> None:
    try:
        import av.logging
    except ImportError as error:
        raise Failure(NO_LIBRARY, f"PyAV can't be loaded ({error}): {REMEDY_MISSING}") from error

    # What is wrong is in the answers; FFmpeg's own words would fill a disk, a line a damaged picture.
    av.logging.set_level(av.logging.PANIC)
    board = Board(fd, size)
    order = lines.get()
    source: Source = Camera(order) if order["live"] else File(order)
    _say(source.opened())
    while True:
        _say(_reply(source, lines.get(), board))


if __name__ == "__main__":
    # Threads inside FFmpeg or a kernel that hangs must not keep the process.
    code = main(sys.argv[1:])
    os._exit(code)

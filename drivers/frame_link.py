"""The gate's end of :mod:`drivers.frame_process`: a question, an answer, and the picture in shared memory.

The gate's own process loads neither FFmpeg nor numpy. The other process may crash or hang on whatever a file
or a camera feeds it: then this end says DeviceStalled, and never waits longer than it was told to. The memory
has no name, so nothing is left behind whoever is killed; the other process ends when its pipe does.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import IO, Any, Final

from drivers.frame_process import CAPACITY, NO_LIBRARY
from kiosk.errors import (
    DeviceAbsent,
    DeviceBusy,
    DeviceError,
    DevicePermission,
    DeviceStalled,
    PictureBroken,
    PictureMissing,
    PictureTooLarge,
    PictureUnreadable,
)
from kiosk.model import Frame, Monotonic, Seconds

OPEN_S: Final = Seconds(15.0)
"""The slowest Pi needs 3 s to load FFmpeg, a USB camera 2 s to start."""
LEAVE_S: Final = Seconds(0.5)
MOST_SAID: Final = 65_536
"""Bytes without an end of line that are no answer."""
_NUMBERS: Final = ("width", "height", "taken", "at", "damaged")
_ERRORS: Final[Mapping[str, type[DeviceError]]] = {
    error.code: error
    for error in (
        DeviceAbsent,
        DeviceBusy,
        DeviceError,
        DevicePermission,
        PictureBroken,
        PictureMissing,
        PictureTooLarge,
        PictureUnreadable,
    )
} | {NO_LIBRARY: DeviceAbsent}


class FrameLink:
    """One frame process and what it has opened. For one thread.

    ``what`` names the source in messages; ``remedies`` adds, by the code of an error, what to do about it.
    """

    def __init__(
        self,
        what: str,
        order: Mapping[str, object],
        *,
        remedies: Mapping[str, str] | None = None,
        open_s: Seconds = OPEN_S,
    ) -> None:
        """Starts the process and waits until it has opened the source, or raises why it has not."""
        self._what = what
        self._remedies = remedies or {}
        self._unread = b""
        self._lent: memoryview | None = None
        self._closed = False
        self.asked = False
        """A question is open."""
        with ExitStack() as opening:
            opening.callback(self.close)
            self._start()
            self.ask(order)
            opened = self.answer(open_s)
            if opened is None:
                raise DeviceStalled(f"{what}: it has not opened within {open_s:.0f} s")
            self.opened: Mapping[str, Any] = opened
            opening.pop_all()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def ask(self, question: Mapping[str, object]) -> None:
        """Ask; the picture lent by the answer before is no longer valid."""
        self._take_back()
        pipe = self._process.stdin
        # A broken pipe means that the process has gone: whoever waits for the answer says so.
        with suppress(BrokenPipeError, ValueError):
            if pipe is not None:
                pipe.write(json.dumps(question).encode() + b"\n")
                pipe.flush()
        self.asked = True

    def answer(self, wait: Seconds) -> Mapping[str, Any] | None:
        """The answer to the open question, waiting at most so long (real time); None: not yet.

        Raises what the process says is wrong with the source, and DeviceStalled when it has ended.
        """
        limit = time.monotonic() + wait
        while self.asked:
            line = self._line()
            if line is not None:
                self.asked = False
                return self._checked(line)
            left = max(0.0, limit - time.monotonic())
            if not self._heard(left):
                break
        return None

    def frame(self, answer: Mapping[str, Any], at: Monotonic, label: str = "") -> Frame:
        """The picture that came with an answer; valid until the next question."""
        width, height = answer["width"], answer["height"]
        self._lent = memoryview(self._memory)[: width * height]
        return Frame(self._lent, width, height, at, label)

    def close(self) -> None:
        """End the process; any number of times."""
        if self._closed:
            return
        self._closed = True
        self._take_back()
        if hasattr(self, "_process"):
            self._end()
            self._log.close()
        if hasattr(self, "_memory"):
            # Who still reads the last picture keeps the memory alive until they have done.
            with suppress(BufferError):
                self._memory.close()

    # -- within --------------------------------------------------------------------------------------------

    def _start(self) -> None:
        fd = os.memfd_create("frames")
        try:
            os.ftruncate(fd, CAPACITY)
            self._memory = mmap.mmap(fd, CAPACITY)
            self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed with the process
            self._process = subprocess.Popen(
                # -P: no module is taken from the folder in which somebody happens to stand.
                [sys.executable, "-P", "-m", "drivers.frame_process", str(fd), str(CAPACITY)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                pass_fds=[fd],
                # Control-C at the terminal is for the gate; this process ends with its pipe.
                start_new_session=True,
            )
        except OSError as error:
            raise DeviceError(f"{self._what}: the frame process can't be started: {error}") from error
        finally:
            os.close(fd)

    def _line(self) -> bytes | None:
        line, end, rest = self._unread.partition(b"\n")
        if not end:
            return None
        self._unread = rest
        return line

    def _heard(self, wait: float) -> bool:
        """Take in what the process says next; False when it has said nothing for so long."""
        pipe = self._process.stdout
        if pipe is None or not select.select([pipe], [], [], wait)[0]:
            return False
        said = os.read(pipe.fileno(), MOST_SAID)
        if not said or len(self._unread) + len(said) > MOST_SAID:
            raise DeviceStalled(f"{self._what}: the frame process has ended{self._last_words()}")
        self._unread += said
        return True

    def _checked(self, line: bytes) -> Mapping[str, Any]:
        """An answer that makes sense: what the process decodes comes from strangers."""
        try:
            answer = json.loads(line)
            failure = self._error(str(answer["error"]), str(answer["why"])) if "error" in answer else None
            makes_sense = _makes_sense(answer)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return self._nonsense()
        if failure is not None:
            raise failure
        return answer if makes_sense else self._nonsense()

    def _nonsense(self) -> Mapping[str, Any]:
        raise DeviceError(f"{self._what}: the frame process has said what makes no sense")

    def _error(self, code: str, why: str) -> DeviceError:
        remedy = self._remedies.get(code, "")
        return _ERRORS.get(code, DeviceError)(f"{self._what}: {why}{remedy and f' ({remedy})'}")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines: Sequence[str] = self._log.read(MOST_SAID).decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""

    def _take_back(self) -> None:
        lent, self._lent = self._lent, None
        if lent is not None:
            # Somebody may hold a view of it still; then it is theirs to let go.
            with suppress(BufferError):
                lent.release()

    def _end(self) -> None:
        process = self._process
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _makes_sense(answer: object) -> bool:
    """It is what was opened, that there is no picture, or one that fits into the memory, with its time."""
    if not isinstance(answer, dict):
        return False
    numbers = [answer[name] for name in _NUMBERS if name in answer]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        return False
    if not all(map(math.isfinite, numbers)):
        return False
    return "opened" in answer or "width" not in answer or _is_picture(answer)


def _is_picture(answer: Mapping[str, Any]) -> bool:
    size = answer["width"], answer["height"]
    whole = all(isinstance(side, int) and side > 0 for side in size)
    return whole and size[0] * size[1] <= CAPACITY and ("taken" in answer or "at" in answer)

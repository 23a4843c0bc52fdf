"""One sound, played by ALSA's own ``aplay`` (Debian: alsa-utils) as a child process.

Why a process and not a library: a sound card that hangs in the kernel takes its caller with it. A child can
be killed, which is also the quickest way to silence: the kernel stops the card when the last file on it is
closed, while a library would first play what lies in its buffer. And a USB card that was pulled out leaves
nothing behind in the gate's own process.

The samples are in a memory file that the child reads as its standard input: nothing has to be fed, so
nobody waits for a pipe, and nothing is written to the disk.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Final, Self

from drivers import sound
from drivers.sound import Samples
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission, DeviceStalled
from kiosk.model import Monotonic, Seconds

PROGRAM: Final = "aplay"
LATE_S: Final = Seconds(3.0)
"""A sound that lasts longer by so much than it is long does not go out: the card hangs."""
DIES_S: Final = Seconds(1.0)
"""What a killed process takes at most to go, unless the kernel keeps it in a driver."""
_MOST_WORDS: Final = 4_096
_FORMAT: Final = ("--quiet", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(sound.RATE))
# What aplay says in the words of strerror(3), most telling first; LC_ALL=C keeps them English.
_MEANING: Final[Mapping[str, type[DeviceError]]] = MappingProxyType(
    {
        "Device or resource busy": DeviceBusy,
        "Permission denied": DevicePermission,
        "Operation not permitted": DevicePermission,
        "No such file or directory": DeviceAbsent,
        "No such device": DeviceAbsent,
        "Unknown PCM": DeviceAbsent,
    }
)


class Clip:
    """A sound held in memory, ready to be a child's standard input. For one thread; close it."""

    def __init__(self, samples: Samples) -> None:
        self.seconds = sound.seconds(samples)
        self._file = os.memfd_create("prompt", os.MFD_CLOEXEC)
        with open(self._file, "wb", closefd=False) as file:
            file.write(samples.tobytes())

    def open(self) -> int:
        """A descriptor of its own that begins at the first sample; the caller closes it."""
        return os.open(f"/proc/self/fd/{self._file}", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Forget the sound; who plays it goes on."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


class Aplay:
    """A sound card by its ALSA name, and the program that plays on it. May be shared between threads."""

    def __init__(self, device: str, program: str = PROGRAM) -> None:
        self.device = device
        self._program = program

    def play(self, clip: Clip, now: Monotonic) -> Playing:
        """Start at once. DeviceAbsent when the program is not there, DeviceError when it can't be started."""
        samples = clip.open()
        try:
            child = subprocess.Popen(
                [self._program, *_FORMAT, "-D", self.device],
                stdin=samples,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C"},
                # Ctrl-C in a terminal is for the gate, which then silences it.
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise DeviceAbsent(f"speaker: no program {self._program} (Debian's alsa-utils)") from error
        except OSError as error:
            raise DeviceError(f"speaker: {self._program} can't be started: {error.strerror}") from error
        finally:
            os.close(samples)
        return Playing(child, self.device, Monotonic(now + clip.seconds + LATE_S))


class Playing:
    """A sound going out. For one thread; ``stop()`` it, or nobody takes the child's end."""

    def __init__(self, child: subprocess.Popen[bytes], device: str, late: Monotonic) -> None:
        """``late``: when it must have ended."""
        self._child = child
        self._device = device
        self._late = late

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def going(self, now: Monotonic) -> bool:
        """False once it has been played to its end. DeviceError when it failed; never waits."""
        code = self._child.poll()
        if code is None and now > self._late:
            raise DeviceStalled(f"speaker: {self._device} takes no sound")
        if code:
            raise self._why(code)
        return code is None

    def stop(self) -> bool:
        """Silence, and the child's end taken; False while the kernel keeps it alive: ask again later.

        SIGKILL: on SIGTERM aplay first plays what is in its buffer, up to half a second.
        """
        with suppress(ProcessLookupError):
            self._child.kill()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(DIES_S)
        if self._child.returncode is None:
            return False
        if self._child.stderr is not None:
            self._child.stderr.close()
        return True

    def gone(self) -> bool:
        """The child has ended, and its end is taken; never waits."""
        return self._child.poll() is not None and self.stop()

    def _why(self, code: int) -> DeviceError:
        words = self._said()
        kind = next((kind for sign, kind in _MEANING.items() if sign in words), DeviceError)
        last = words.strip().splitlines()[-1:] or [f"it ended with {code}"]
        return kind(f"speaker: {self._device}: {last[0]}")

    def _said(self) -> str:
        """The beginning of what the child complained about, without waiting for more."""
        if self._child.stderr is None or self._child.stderr.closed:
            return ""
        os.set_blocking(self._child.stderr.fileno(), False)
        words = self._child.stderr.read(_MOST_WORDS) or b""
        return "".join(
            word if word.isprintable() or word == "\n" else "?" for word in words.decode("ascii", "replace")
        )

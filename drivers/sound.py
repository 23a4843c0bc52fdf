"""Sound as numbers: mono, 16 bit, 22,050 samples a second, as a speech engine renders it.

Only the standard library: the gate's process has no room for numpy, and Python 3.13 no longer has audioop.
Files are read as the input they are: a card loses blocks, and somebody may put anything into the folder.
"""

from __future__ import annotations

import io
import wave
from array import array
from itertools import compress, count
from pathlib import Path
from typing import Final, TypeAlias

from kiosk.errors import SoundUnusable
from kiosk.files import write_atomic
from kiosk.model import Seconds

RATE: Final = 22_050
"""Samples a second."""
WIDTH: Final = 2
LONGEST_S: Final = Seconds(15.0)
"""Of one file. Nobody stands at a gate for longer than that to be told one thing."""
FULL: Final = 32_767
PEAK: Final = round(FULL * 10 ** (-1 / 20))
"""How loud files and tones are at 100 %: 1 dB below what a sample can hold."""
FAINT: Final = round(PEAK * 0.01)
"""What is softer than this is a pause."""
MARGIN_S: Final = Seconds(0.03)
_LARGEST: Final = round(LONGEST_S * RATE) * WIDTH + 4_096

Samples: TypeAlias = "array[int]"


def load(path: Path) -> Samples:
    """The sound in a WAV file; SoundUnusable when there is none that can be played as it is."""
    try:
        if not path.is_file():
            raise SoundUnusable(f"{path}: not there")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise SoundUnusable(f"{path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise SoundUnusable(f"{path}: longer than {LONGEST_S:.0f} s")
    try:
        return parse(data)
    except SoundUnusable as error:
        raise SoundUnusable(f"{path}: {error}") from error


def parse(data: bytes) -> Samples:
    """The same from the file's bytes."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            frames = file.readframes(file.getnframes())
            whole = len(frames) == file.getnframes() * WIDTH
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:
        # RuntimeError, without words, is what wave says of a chunk that is longer than the file.
        raise SoundUnusable(f"no WAV file ({str(error) or 'it ends too early'})") from error
    if shape != (1, WIDTH, RATE):
        raise SoundUnusable(f"not mono, {8 * WIDTH} bit, {RATE} Hz")
    if not whole:
        raise SoundUnusable("cut short")
    # Both WAV and the machines this runs on (amd64, arm64) put the low byte first.
    samples = array("h", frames)
    if peak(samples) < FAINT:
        raise SoundUnusable("silent")
    return samples


def save(samples: Samples, path: Path) -> None:
    """Write a WAV file, whole or not at all; OSError when the folder can't be written."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(WIDTH)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    write_atomic(path, written.getvalue(), mode=0o644)


def seconds(samples: Samples) -> Seconds:
    """How long it lasts."""
    return Seconds(len(samples) / RATE)


def silence(lasts: Seconds) -> Samples:
    """Nothing, for a while."""
    return array("h", bytes(round(lasts * RATE) * WIDTH))


def peak(samples: Samples) -> int:
    """The largest distance from the middle; 0 for no samples."""
    return max(max(samples, default=0), -min(samples, default=0))


def normalised(samples: Samples) -> Samples:
    """As loud as every other prompt, by its peak, and without the pauses before and after."""
    loudest = peak(samples)
    if loudest == 0:
        return samples
    return _without_pauses(array("h", [round(sample * PEAK / loudest) for sample in samples]))


def _without_pauses(samples: Samples) -> Samples:
    loud = [abs(sample) > FAINT for sample in samples]
    first = next(compress(count(), loud))
    last = len(loud) - next(compress(count(), reversed(loud)))
    margin = round(MARGIN_S * RATE)
    return samples[max(0, first - margin) : last + margin]


def scaled(samples: Samples, percent: int) -> Samples:
    """At this volume, 0 to 100 % of the amplitude; 50 % is 6 dB less."""
    if percent == 100:
        return samples
    return array("h", [sample * percent // 100 for sample in samples])

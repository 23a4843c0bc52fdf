"""Tones that stand for prompts where there is no speech: a short pattern for each thing that is asked.

docs/speaker.md says them in words; a test keeps page and patterns equal. All notes are of one chord, so that
whatever follows whatever sounds calm, and they lie between 500 and 1,600 Hz, where a small loudspeaker is
loud and an old ear still hears.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from drivers.sound import PEAK, RATE, Samples
from kiosk.model import Prompt, Seconds

LOW: Final = 523.25
"""C5, Hz; then E5, G5 and C6 (equal temperament, A4 = 440 Hz)."""
MIDDLE: Final = 659.26
HIGH: Final = 783.99
TOP: Final = 1046.50
RAMP_S: Final = Seconds(0.012)
"""Without a rise and fall each note would begin and end with a click."""


class Note(NamedTuple):
    """One note, or a pause (0 Hz). ``loudness`` 0 to 1."""

    hertz: float
    lasts: Seconds
    loudness: float = 1.0


_PAUSE: Final = Note(0.0, Seconds(0.08))


def _notes(*hertz: float, lasts: float = 0.14) -> tuple[Note, ...]:
    return tuple(Note(each, Seconds(lasts)) for each in hertz)


_DOUBLE: Final = (Note(MIDDLE, Seconds(0.12)), _PAUSE, Note(MIDDLE, Seconds(0.12)))
_LEVEL: Final = (Note(MIDDLE, Seconds(0.6)),)
_FALLING: Final = (*_notes(HIGH, lasts=0.2), *_notes(LOW, lasts=0.4))

TONES: Final[Mapping[Prompt, tuple[Note, ...]]] = {
    Prompt.SHOW_PASS: (*_notes(HIGH, lasts=0.1), _PAUSE) * 3,
    Prompt.HOLD_STILL: (Note(LOW, Seconds(0.18), 0.5),),
    Prompt.GO_AHEAD: (*_notes(LOW), *_notes(HIGH, lasts=0.3)),
    # Every referral sounds the same (kiosk.passage.indicator).
    Prompt.WAIT_FOR_VOLUNTEER: _LEVEL,
    Prompt.COLD_OUTSIDE: _LEVEL,
    Prompt.UNCOVER_FOREHEAD: _DOUBLE,
    Prompt.COME_CLOSER: _DOUBLE,
    Prompt.STEP_BACK: _DOUBLE,
    Prompt.NOT_ADMITTED: _FALLING,
    Prompt.GO_ELSEWHERE: _FALLING,
    Prompt.KEEP_DISTANCE: _notes(LOW, MIDDLE, HIGH, TOP, lasts=0.2),
}


def tone(prompt: Prompt) -> Samples:
    """The pattern of a prompt as sound."""
    return array("h", [sample for note in TONES[prompt] for sample in _played(note)])


def _played(note: Note) -> Iterator[int]:
    length = round(note.lasts * RATE)
    ramp = RAMP_S * RATE
    turn = math.tau * note.hertz / RATE
    for at in range(length):
        rise = min(1.0, at / ramp, (length - at) / ramp)
        yield round(PEAK * note.loudness * rise * math.sin(turn * at))

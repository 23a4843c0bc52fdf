"""``kiosk bench qr``: how many photographs of codes are read, how soon, and at what cost.

Each picture is shown as it is, and in scenes of two sizes: made to fit and never enlarged, in the middle of
a picture without a code. A view is that scene again and again, so what differs from frame to frame is the
gate's own rotation of transforms alone. The rotation goes on from view to view, and one frame of the empty
scene lies between two of them: as at a gate, a code comes at any moment of it. The peers see the same frames,
once: they would answer the same every time.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from PIL import Image

from drivers.qr_decode import QrDecoder
from drivers.qr_peers import PEERS
from kiosk.bench.machine import machine_line
from kiosk.bench.photographs import (
    Photograph,
    Size,
    backgrounds,
    empty_scene,
    load_manifest,
    load_negatives,
    scene,
)
from kiosk.errors import Usage
from kiosk.model import CodeRead, Frame, Monotonic

SIZES: Final[Mapping[str, Size | None]] = {"vga": (640, 480), "camera": (1280, 960), "original": None}
"""What is shown; None: the picture itself, which is what ``kiosk check`` gets to see."""
FRAMES: Final = 4
AFTER: Final = (1, 2, 4, 8)
"""Numbers of frames for which the rate is told."""
TOLD_EVERY: Final = 25

Read = Callable[[Frame], Iterable[str]]


class Candidate(NamedTuple):
    """One way of reading codes, and how many frames of a view it gets."""

    read: Read
    frames: int


@dataclass(slots=True)
class Cost:
    """CPU time of calls, s."""

    seconds: float = 0.0
    calls: int = 0

    @property
    def milliseconds(self) -> float | None:
        """Of one call; None of none."""
        return round(1e3 * self.seconds / self.calls, 2) if self.calls else None


@dataclass(slots=True)
class Tally:
    """What one candidate made of everything it was shown in one size."""

    first_right: dict[str, int | None] = field(default_factory=dict)
    """By picture: the number of the frame that was read rightly first, None when none was."""
    misread: list[tuple[str, str]] = field(default_factory=list)
    """Pictures with a known text, and texts read from them that are not it."""
    false: list[str] = field(default_factory=list)
    """Texts read where there is no code."""
    code: Cost = field(default_factory=Cost)
    empty: Cost = field(default_factory=Cost)

    def show(self, photograph: Photograph, frame: Frame, candidate: Candidate) -> None:
        """A view of one picture."""
        texts: set[str] = set()
        self.first_right[photograph.name] = None
        for number in range(1, candidate.frames + 1):
            read = set(_timed(candidate.read, frame, self.code))
            if self.first_right[photograph.name] is None and any(map(photograph.is_right, read)):
                self.first_right[photograph.name] = number
            texts |= read
        wrong = sorted(text for text in texts if not photograph.is_right(text))
        self.misread += [(photograph.name, text) for text in wrong]

    def show_empty(self, frame: Frame, candidate: Candidate) -> None:
        """A view of a picture without a code."""
        for _ in range(candidate.frames):
            self.false += _timed(candidate.read, frame, self.empty)

    def rate(self, frames: int) -> float:
        """Share of the pictures that were read rightly within so many frames."""
        read = [first for first in self.first_right.values() if first is not None and first <= frames]
        return round(len(read) / len(self.first_right), 4)


def _timed(read: Read, frame: Frame, cost: Cost) -> list[str]:
    started = time.process_time()
    texts = list(read(frame))
    cost.seconds += time.process_time() - started
    cost.calls += 1
    return texts


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the bench."""
    parser.add_argument(
        "--manifest", type=Path, required=True, metavar="F", help="JSON: files and their texts"
    )
    parser.add_argument("--images", type=Path, required=True, metavar="D", help="the folder of those files")
    parser.add_argument("--negatives", type=Path, metavar="D", help="pictures without a code")
    parser.add_argument(
        "--frames-per-view", type=int, default=FRAMES, metavar="N", help=f"of the gate's reading ({FRAMES})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object (the rest goes to stderr)")


def run(arguments: argparse.Namespace) -> int:
    """Show everything to everybody and print what came of it."""
    frames = arguments.frames_per_view
    if frames < 1:
        raise Usage("--frames-per-view: at least 1")
    photographs = load_manifest(arguments.manifest, arguments.images)
    negatives = load_negatives(arguments.negatives)
    tallies = measure(photographs, negatives, frames)
    machine = machine_line(arguments.images)
    if arguments.json:
        print(json.dumps(to_map(tallies, frames)))
        _tell(machine)
    else:
        unknown = sum(one.text is None for one in photographs)
        print("\n".join([*_table(tallies, frames, unknown, len(negatives)), machine]))
    for line in _misread(tallies):
        _tell(line)
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# -- measuring -----------------------------------------------------------------------------------------

Tallies = Mapping[str, Mapping[str, Tally]]


def measure(photographs: Sequence[Photograph], negatives: Sequence[Image.Image], frames: int) -> Tallies:
    """Tallies by size and candidate; pictures without a known text are not shown."""
    known = [one for one in photographs if one.text is not None]
    candidates = {size: _candidates(size, frames) for size in SIZES}
    tallies = {size: {name: Tally() for name in readers} for size, readers in candidates.items()}
    behind = backgrounds(negatives, len(known))
    for number, (photograph, background) in enumerate(zip(known, behind, strict=True), start=1):
        picture = photograph.load()
        for size, readers in candidates.items():
            _show(photograph, picture, background, SIZES[size], readers, tallies[size])
        if number % TOLD_EVERY == 0 or number == len(known):
            _tell(f"{number} of {len(known)} photographs")
    for size, readers in candidates.items():
        _show_negatives(negatives, SIZES[size], readers, tallies[size])
    return tallies


def _candidates(size: str, frames: int) -> dict[str, Candidate]:
    """The gate's own reading, and each decoder alone."""
    decoder = QrDecoder()
    for missing in decoder.missing.values():
        _tell(f"one of the gate's two decoders is missing: {missing}")
    still = SIZES[size] is None
    own = Candidate(_texts(decoder.decode_still), 1) if still else Candidate(_texts(decoder.decode), frames)
    return {"kiosk": own, **{name: Candidate(peer(), 1) for name, peer in PEERS.items()}}


def _texts(decode: Callable[[Frame], list[CodeRead]]) -> Read:
    return lambda frame: [read.text for read in decode(frame)]


def _show(
    photograph: Photograph,
    picture: Image.Image,
    background: Image.Image,
    size: Size | None,
    readers: Mapping[str, Candidate],
    tallies: Mapping[str, Tally],
) -> None:
    frame = _frame(picture if size is None else scene(picture, background, size))
    between = None if size is None else _frame(empty_scene(background, size))
    for name, candidate in readers.items():
        if between is not None and candidate.frames > 1:
            tallies[name].false += candidate.read(between)
        tallies[name].show(photograph, frame, candidate)


def _show_negatives(
    negatives: Sequence[Image.Image],
    size: Size | None,
    readers: Mapping[str, Candidate],
    tallies: Mapping[str, Tally],
) -> None:
    for negative in negatives:
        frame = _frame(negative if size is None else empty_scene(negative, size))
        for name, candidate in readers.items():
            tallies[name].show_empty(frame, candidate)


def _frame(image: Image.Image) -> Frame:
    return Frame(image.tobytes(), image.width, image.height, Monotonic(0.0))


# -- telling -------------------------------------------------------------------------------------------


def to_map(tallies: Tallies, frames: int) -> dict[str, Any]:
    """Keys are stable; rates from 0 to 1, times in milliseconds of CPU a frame."""
    sizes: dict[str, Any] = {
        size: {name: figures(tally, frames) for name, tally in readers.items()}
        for size, readers in tallies.items()
    }
    return {**sizes, "frames_per_view": frames}


def figures(tally: Tally, frames: int) -> dict[str, Any]:
    """Of one candidate. ``false_reads``: texts where there is no code, which belong to no picture's wrong."""
    return {
        "decode_rate": tally.rate(frames),
        "wrong": len(tally.misread),
        "ms_code": tally.code.milliseconds,
        "ms_no_code": tally.empty.milliseconds,
        "n": len(tally.first_right),
        "false_reads": len(tally.false),
        "decode_rate_after": {str(after): tally.rate(after) for after in _afters(frames)},
        "frames_p95": _p95(first for first in tally.first_right.values() if first is not None),
        "misread": [{"file": name, "text": text} for name, text in tally.misread],
        "missed": [name for name, first in tally.first_right.items() if first is None],
    }


def _afters(frames: int) -> list[int]:
    return sorted({after for after in AFTER if after < frames} | {frames})


def _p95(values: Iterable[int]) -> int | None:
    """Within so many frames 95 % of the pictures that were read at all were read."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None


def _table(tallies: Tallies, frames: int, unknown: int, negatives: int) -> Iterator[str]:
    count = len(tallies["vga"]["kiosk"].first_right)
    shown = f"{count} photographs with a known text ({unknown} more without)"
    yield f"{shown}, {negatives} pictures without a code"
    after = "".join(f"{f'after {number}':>10}" for number in _afters(frames))
    yield f"{'':<18}{after}{'wrong':>8}{'false':>8}{'ms, code':>11}{'ms, none':>11}"
    for size, readers in tallies.items():
        for name, tally in readers.items():
            rates = "".join(f"{tally.rate(number):>10.1%}" for number in _afters(frames))
            costs = "".join(f"{_cell(cost.milliseconds):>11}" for cost in (tally.code, tally.empty))
            yield f"{size:<10}{name:<8}{rates}{len(tally.misread):>8}{len(tally.false):>8}{costs}"


def _cell(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.2f}"


def _misread(tallies: Tallies) -> Iterator[str]:
    """What was read wrongly by the gate's own reading: nobody should have to ask."""
    for size, readers in tallies.items():
        for name, text in readers["kiosk"].misread:
            yield f"{size}: {name} was read as {text!r}"
        for text in readers["kiosk"].false:
            yield f"{size}: {text!r} was read where there is no code"

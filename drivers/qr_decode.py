"""Codes in frames: two decoders, a few views of each frame, and what counts as a read.

Video: every frame is read by zxing-cpp as it is, and by one row of further views, in turn; any four frames
in a row have seen nearly all of them, whichever row came first, and any eight every one. An empty frame costs
less than pyzbar alone would take. Stills: view after view until one gives a text. Either decoder works
without the other; ``live`` and ``missing`` say which are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Final, NamedTuple

from drivers import transforms
from drivers.qr_libraries import LINEAR, QR_CODE, Library, load_libraries
from drivers.transforms import Transform
from kiosk.devices import Clock, EndingSource, FrameSource
from kiosk.errors import ConfigError, DecoderError, DeviceAbsent, DeviceStalled
from kiosk.model import CodeRead, Frame, Monotonic, Seconds

SAME_CODE_S: Final = Seconds(2.0)
"""How far apart two equal reads of a 1D code may lie."""
FRAME_LIMIT_S: Final = Seconds(1.0)
"""A frame takes some milliseconds, .1 s on the smallest Pi; longer than this, something is wrong."""
STALL_S: Final = Seconds(2.0)
"""A camera delivers some frames a second, whatever is before it."""
LONGEST_STEP: Final = Seconds(0.5)
"""What lies between two polls counts at most so much: a decoder that was busy says nothing of the camera."""
BLIND_FRAMES: Final = 25
"""Frames in a row on which every attempt failed before the reader is given up as broken."""


class View(NamedTuple):
    """One way of looking at a frame: a decoder's name, and what is done to the frame before."""

    decoder: str
    name: str
    transform: Transform
    large_only: bool = False
    """Half of a frame that is no larger than 640x480 would be too little."""
    harsh: bool = False
    """Changes the widths of bars: only QR codes, which mend errors, are believed (an EAN-13 was misread)."""


def _middle(decoder: str, name: str, transform: Transform, *, harsh: bool = False) -> View:
    """At full resolution, where people hold what they show."""
    return View(decoder, name, transforms.chain(transforms.centre, transform), harsh=harsh)


def _whole(decoder: str, name: str, transform: Transform, *, harsh: bool = False) -> View:
    """All of a large frame, reduced: a pass that is near, and off the middle."""
    return View(decoder, name, transforms.chain(transforms.vga, transform), large_only=True, harsh=harsh)


EVERY_FRAME: Final = (View("zxing", "plain", transforms.plain),)
_CONTRAST: Final = _middle("zxing", "contrast", transforms.contrast, harsh=True)
"""Rescues more for its time than any other view: it comes with every second frame."""
_ENLARGED: Final = _middle(
    "zxing", "enlarged", transforms.chain(transforms.middle(2 / 3), transforms.scaled(2)), harsh=True
)
"""What has to be enlarged is small and fits into so much of the middle, for half the time."""
_FINE: Final = (_middle("pyzbar", "fine adaptive", transforms.threshold(6)),)
_CALM: Final = (
    _CONTRAST,
    _middle("zxing", "smoothed", transforms.smoothed),
    _whole("pyzbar", "reduced", transforms.plain),
)
_SHARP: Final = (_middle("zxing", "sharpened", transforms.sharpened, harsh=True),)
_WIDE: Final = (
    _CONTRAST,
    _middle("pyzbar", "wide adaptive", transforms.threshold(24)),
    _whole("zxing", "reduced contrast", transforms.contrast, harsh=True),
)
IN_TURN: Final = (_FINE, _CALM, _SHARP, _WIDE, _FINE, _CALM, (*_SHARP, _ENLARGED), _WIDE)
"""Rows of views, one row a frame; the dearest view of all comes only in every eighth."""
PYZBAR_IN_TURN: Final = (
    (View("pyzbar", "plain", transforms.vga),),
    (_middle("pyzbar", "adaptive", transforms.adaptive),),
    (View("pyzbar", "unsharp", transforms.chain(transforms.vga, transforms.unsharp)),),
    (View("pyzbar", "inverted", transforms.chain(transforms.vga, transforms.inverted)),),
)
"""Without zxing-cpp (which reads inverted codes by itself) zbar gets every view there is."""

_READABLE: Final = transforms.within(2000)
"""zbar's time grows with the area; no code needs more than this of a still."""
_DOUBLED: Final = transforms.chain(transforms.within(1000), transforms.scaled(2))
STILL_FIRST: Final = (View("zxing", "plain", transforms.plain), View("pyzbar", "plain", _READABLE))
STILL_THEN: Final = (
    View("pyzbar", "adaptive", transforms.chain(_READABLE, transforms.adaptive)),
    View("zxing", "contrast", transforms.chain(_READABLE, transforms.contrast), harsh=True),
    View("pyzbar", "fine adaptive", transforms.chain(_READABLE, transforms.threshold(6))),
    View("pyzbar", "reduced", transforms.chain(_READABLE, transforms.scaled(0.7))),
    View("zxing", "unsharp", transforms.chain(_READABLE, transforms.unsharp), harsh=True),
    View("zxing", "adaptive", transforms.chain(_READABLE, transforms.adaptive), harsh=True),
    View("zxing", "doubled", _DOUBLED, harsh=True),
    View("zxing", "small", transforms.within(800)),
    View("zxing", "small unsharp", transforms.chain(transforms.within(800), transforms.unsharp), harsh=True),
    View("pyzbar", "small", transforms.within(800)),
    View("pyzbar", "unsharp", transforms.chain(transforms.within(1000), transforms.unsharp)),
    View("pyzbar", "inverted", transforms.chain(_READABLE, transforms.inverted)),
    View("pyzbar", "doubled", _DOUBLED),
    View("zxing", "doubled unsharp", transforms.chain(_DOUBLED, transforms.unsharp), harsh=True),
)


class QrDecoder:
    """Reads QR codes, and 1D codes of the given symbologies (see :data:`LINEAR`).

    A decoder that fails on a frame is counted in ``failures``, and the others still get their turn.
    :class:`DeviceAbsent` when no decoder can be loaded at all. For one thread at a time.
    """

    def __init__(
        self, linear_symbologies: Sequence[str] = (), *, libraries: Sequence[Library] | None = None
    ) -> None:
        unknown = sorted(set(linear_symbologies) - set(LINEAR))
        if unknown:
            raise ConfigError(f"no such 1D symbology: {', '.join(unknown)} (there are {', '.join(LINEAR)})")
        self._missing: dict[str, str] = {}
        if libraries is None:
            libraries, self._missing = load_libraries(linear_symbologies)
        if not libraries:
            raise DeviceAbsent("no decoder for codes: " + "; ".join(self._missing.values()))
        self._libraries = {library.name: library for library in libraries}
        self._twice = TwoEqualReads()
        self._always = self._usable(EVERY_FRAME)
        rows = map(self._usable, IN_TURN if self._always else PYZBAR_IN_TURN)
        self._turns = cycle([row for row in rows if row])
        self.failures = 0
        self.blind_frames = 0
        """Frames in a row, up to the last one, on which every attempt failed."""
        self.last_failure = ""

    @property
    def live(self) -> tuple[str, ...]:
        """Names of the decoders that are at work."""
        return tuple(self._libraries)

    @property
    def missing(self) -> Mapping[str, str]:
        """Why a decoder could not be loaded, by its name; empty when all could."""
        return self._missing

    def decode(self, frame: Frame) -> list[CodeRead]:
        """Every code in a frame of a video, each once. Never raises on any frame."""
        views = [view for view in next(self._turns) if is_large(frame) or not view.large_only]
        return self._read(frame, [*self._always, *views], self._twice)

    def decode_still(self, frame: Frame) -> list[CodeRead]:
        """Every code in a single picture: one view after the other until one of them gives a text."""
        twice = TwoEqualReads(still=True)
        reads = self._read(frame, self._usable(STILL_FIRST), twice)
        for view in self._usable(STILL_THEN):
            if reads:
                break
            reads = self._read(frame, [view], twice)
        return reads

    def _usable(self, views: Iterable[View]) -> list[View]:
        return [view for view in views if view.decoder in self._libraries]

    def _read(self, frame: Frame, views: Sequence[View], twice: TwoEqualReads) -> list[CodeRead]:
        failed = self.failures
        reads = [read for view in views for read in self._attempt(frame, view)]
        blind = self.failures - failed == len(views)
        self.blind_frames = self.blind_frames + 1 if blind else 0
        return list(_each_once(read for read in reads if twice.accept(read)))

    def _attempt(self, frame: Frame, view: View) -> list[CodeRead]:
        """What one view gives; the reads say which view it was."""
        try:
            reads = self._libraries[view.decoder].read(view.transform(frame))
        except (DecoderError, ValueError, MemoryError) as error:
            self.failures += 1
            self.last_failure = f"{view.decoder} {view.name}: {error}"
            return []
        name = f"{view.decoder} {view.name}"
        return [
            CodeRead(read.text, read.symbology, name, read.at)
            for read in reads
            if read.symbology == QR_CODE or not view.harsh
        ]


def is_large(frame: Frame) -> bool:
    """Larger than 640x480, so that reducing it leaves enough."""
    return frame.width * frame.height > transforms.VGA[0] * transforms.VGA[1]


def _each_once(reads: Iterable[CodeRead]) -> Iterator[CodeRead]:
    """The first of equal codes: two decoders, or two copies of a code, are one read."""
    seen = set()
    for read in reads:
        key = (read.symbology, read.text)
        if key not in seen:
            seen.add(key)
            yield read


class TwoEqualReads:
    """1D codes have a weak checksum or none: one counts when read equally by two looks that can err apart.

    Of a video those are two frames, or the two decoders; two views of one frame by the same decoder are not.
    A still has no second frame, so there another view will do.
    """

    def __init__(self, within_s: Seconds = SAME_CODE_S, *, still: bool = False) -> None:
        self._within = within_s
        self._still = still
        self._last: dict[tuple[str, str], CodeRead] = {}

    def accept(self, read: CodeRead) -> bool:
        """True for a QR code, and for a 1D code that was read before, but not by this very look."""
        if read.symbology == QR_CODE:
            return True
        self._last = {key: old for key, old in self._last.items() if read.at - old.at <= self._within}
        before = self._last.get((read.symbology, read.text))
        self._last[read.symbology, read.text] = read
        return before is not None and self._look(before) != self._look(read)

    def _look(self, read: CodeRead) -> tuple[Monotonic, str]:
        return read.at, read.decoder if self._still else read.decoder.partition(" ")[0]


class FrameReader:
    """The pass reader: the newest frame of a source, decoded. ``poll`` belongs to one thread.

    With a clock it also counts ``slow_frames``, which took longer than ``limit_s``; that one never ends is
    noticed by who waits for the poll (``kiosk.supervision.Worker``). Every attempt failing on
    :data:`BLIND_FRAMES` frames in a row raises :class:`DecoderError`, and a source that has delivered no
    frame for :data:`STALL_S` of being polled :class:`DeviceStalled`: a gate that can't see must not look
    alive. That there is no code says nothing; a source that has come to its end is not stalled.
    """

    def __init__(
        self,
        source: FrameSource,
        decoder: QrDecoder,
        *,
        clock: Clock | None = None,
        limit_s: Seconds = FRAME_LIMIT_S,
    ) -> None:
        self.decoder = decoder
        self._source = source
        self._clock = clock
        self._limit = limit_s
        self.slow_frames = 0
        self.slowest_s = Seconds(0.0)
        self._silent_s = 0.0
        self._polled: Monotonic | None = None

    def poll(self, now: Monotonic) -> Sequence[CodeRead]:
        """Codes in the newest frame, with the time of the frame; empty when there is no new frame."""
        frame = self._source.poll(now)
        self._mind_silence(frame, now)
        if frame is None:
            return []
        reads = self._timed(frame)
        if self.decoder.blind_frames >= BLIND_FRAMES:
            self.decoder.blind_frames = 0
            raise DecoderError(f"no decoder works: {self.decoder.last_failure}")
        return reads

    def _mind_silence(self, frame: Frame | None, now: Monotonic) -> None:
        passed = 0.0 if self._polled is None else min(now - self._polled, LONGEST_STEP)
        self._polled = now
        self._silent_s = 0.0 if frame is not None else self._silent_s + passed
        if self._silent_s >= STALL_S and not (isinstance(self._source, EndingSource) and self._source.ended):
            raise DeviceStalled(f"camera: no frame for {STALL_S:.0f} s")

    def _timed(self, frame: Frame) -> list[CodeRead]:
        if self._clock is None:
            return self.decoder.decode(frame)
        started = self._clock.monotonic()
        reads = self.decoder.decode(frame)
        self._note(Seconds(self._clock.monotonic() - started))
        return reads

    def _note(self, took: Seconds) -> None:
        self.slowest_s = max(self.slowest_s, took)
        self.slow_frames += took > self._limit

    def close(self) -> None:
        """Release the source; any number of times."""
        self._source.close()

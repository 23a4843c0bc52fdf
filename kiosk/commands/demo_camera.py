"""A camera of one's own before the demo's gate: ``--camera DEVICE`` a USB camera, ``--frames VIDEO`` a film.

What is held up is real, everything else is simulated and says so. The configuration still names a simulated
camera: a real one before a simulated gate is this command's doing and can't be configured. Whose pass was
read needs a forehead too, so when the lamp says "hold still" and nobody is there, a healthy one leans in.
"""

from __future__ import annotations

import select
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.text import Text

from drivers.simulated.pace import Stoppable
from drivers.video_file import VideoFile
from drivers.webcam import Webcam
from kiosk.commands.demo_words import counted, said
from kiosk.config import Config
from kiosk.devices import FrameSource
from kiosk.errors import PictureError, Usage
from kiosk.model import Category, Light, Reason, Seconds, Verdict
from kiosk.passes.symbol import QUIET_ZONE, symbol, write_pictures
from kiosk.scenario import PassKind, Scenario, Spread
from kiosk.simulation import Place, Simulation

FOREHEAD: Final = "forehead"
"""In the cast: who leans in for whoever holds up a pass."""
FOREHEAD_SPREAD: Final = Spread(0.0, 0.1)
LEANS_IN_S: Final = Spread(0.3)
PASSES: Final = 3
DAY_S: Final = Seconds(24 * 3600.0)
LONGEST: Final = 48
MOST_TEXTS: Final = 12
LOOK_S: Final = 0.1


class OwnCamera(Protocol):
    """What looks at the user's own world."""

    title: str

    def open(self) -> FrameSource:
        """Open it; called again after each fault."""

    @property
    def over(self) -> bool:
        """Nothing more will come from it."""

    def note(self, texts: Sequence[str]) -> None:
        """What was read in one frame."""

    def answer(self, verdict: Verdict, reasons: Sequence[Reason]) -> None:
        """What the gate said to somebody."""

    def tell(self, console: Console) -> None:
        """What came of it, for people."""

    def to_map(self) -> dict[str, Any]:
        """The same for programs; keys are stable."""

    def close(self) -> None:
        """Let go of it."""


class LiveCamera:
    """A camera that goes on until somebody stops the demo. ``opener`` makes the first picture's source."""

    def __init__(self, opener: Callable[[], FrameSource], title: str) -> None:
        """Opens it once, so that a wrong device is told before anything else is started; DeviceError."""
        self.title = title
        self._opener = opener
        self._first: FrameSource | None = opener()

    def open(self) -> FrameSource:
        """The one that was opened already, then another one."""
        first, self._first = self._first, None
        return self._opener() if first is None else first

    @property
    def over(self) -> bool:
        """Never."""
        return False

    def note(self, texts: Sequence[str]) -> None:
        """The answers say enough."""

    def answer(self, verdict: Verdict, reasons: Sequence[Reason]) -> None:
        """Told as it happens."""

    def tell(self, console: Console) -> None:
        """Nothing more."""

    def to_map(self) -> dict[str, Any]:
        """Nothing more."""
        return {}

    def close(self) -> None:
        """Only if nobody has taken it: whoever opens a source closes it."""
        if self._first is not None:
            self._first.close()


class Film:
    """A video file, once from its beginning to its end."""

    def __init__(self, path: Path, language: str) -> None:
        """Usage when it is none, or can't be read."""
        self.title = path.name
        self._language = language
        try:
            self._video = VideoFile(path)
        except PictureError as error:
            raise Usage(f"--frames: {error}") from error
        self._read = 0
        self._texts: Counter[str] = Counter()
        self._answers: Counter[tuple[Verdict, tuple[Reason, ...]]] = Counter()

    def open(self) -> FrameSource:
        """The same one always: one that has failed is closed, and has then come to its end."""
        return self._video

    @property
    def over(self) -> bool:
        """The last picture was shown."""
        return self._video.ended

    def note(self, texts: Sequence[str]) -> None:
        """One frame in which something was read."""
        self._read += 1
        self._texts.update(set(texts))

    def answer(self, verdict: Verdict, reasons: Sequence[Reason]) -> None:
        """One answer."""
        self._answers[verdict, tuple(reasons)] += 1

    def tell(self, console: Console) -> None:
        """How many frames were read, which texts in how many of them, and the answers."""
        for line in self._lines():
            console.print(Text(line), soft_wrap=True, highlight=False)

    def to_map(self) -> dict[str, Any]:
        """Under the key ``video``."""
        texts = {shortened(text): count for text, count in self._texts.most_common(MOST_TEXTS)}
        answers = [
            {"verdict": str(verdict), "reasons": [str(reason) for reason in reasons], "times": times}
            for (verdict, reasons), times in self._answers.most_common()
        ]
        return {
            "video": {
                "frames": self._video.shown,
                "read": self._read,
                "texts": texts,
                "damaged": self._video.damaged,
                "answers": answers,
            }
        }

    def close(self) -> None:
        """The end."""
        self._video.close()

    def _lines(self) -> Iterator[str]:
        language = self._language
        frames = counted("frames", self._video.shown, language)
        yield said("frames read", language, name=self.title, count=self._read, frames=frames)
        if self._video.damaged:
            yield said("damaged", language, count=self._video.damaged)
        for text, count in self._texts.most_common(MOST_TEXTS):
            yield f"  {count:>5} x  {shortened(text)}"
        more = len(self._texts) - MOST_TEXTS
        if more > 0:
            yield said("more texts", language, count=more)
        for (verdict, reasons), times in self._answers.most_common():
            yield f"  {times:>5} x  {verdict}  {', '.join(reasons)}"
        if not self._answers:
            yield said("nobody answered", language)


def shortened(text: str) -> str:
    """A stranger's text as one short line."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def usb_camera(device: str, language: str) -> LiveCamera:
    """``--camera DEVICE``."""
    return LiveCamera(lambda: Webcam(device), said("own camera", language, device=device))


# -- the gate behind it --------------------------------------------------------------------------------------


def empty_street(model: Scenario, title: str, language: str) -> Scenario:
    """The same place without people: whoever comes is real, but for the forehead."""
    usual = next(kind for kind in model.cast.values() if not kind.companions)
    forehead = replace(
        usual,
        name=FOREHEAD,
        title=said("simulated forehead", language),
        pass_kind=PassKind.NONE,
        text=None,
        skin=FOREHEAD_SPREAD,
        lean_s=LEANS_IN_S,
        hat=False,
        hasty=False,
        expect=None,
        because=None,
    )
    return replace(model, id="camera", title=title, cast={FOREHEAD: forehead}, calls=(), flows=(), faults=())


class OwnGate(Simulation):
    """A simulated gate that looks through a camera of the user's own."""

    def __init__(self, place: Place, config: Config, camera: OwnCamera) -> None:
        """The place is that of an :func:`empty_street`."""
        self._own = camera
        super().__init__(place, config, on_read=lambda _, texts: camera.note(texts))
        self.renderer.close()  # nobody here is drawn
        self.gate.observers.append(
            lambda passage: camera.answer(passage.decision.verdict, passage.decision.reasons)
        )

    @property
    def done(self) -> bool:
        """There is nothing more to see, and nobody stands there."""
        return self._own.over and super().done

    def frames(self) -> FrameSource:
        """The user's camera."""
        return self._own.open()

    def run(self, speed: float, stop: Stoppable, after_turn: Callable[[], None] | None = None) -> None:
        """As every simulation, with somebody who leans in when the gate waits for a forehead."""

        def turned() -> None:
            self._lean_in()
            if after_turn is not None:
                after_turn()

        super().run(speed, stop, turned)

    def _lean_in(self) -> None:
        waits = self.lamp.light is Light.HOLD_STILL
        if waits and self.world.current is None and not self.world.queue:
            self.world.send(FOREHEAD)


# -- passes to hold up -----------------------------------------------------------------------------------


def demo_passes(place: Place, folder: Path | None) -> str:
    """The text of a pass that this gate admits; with a folder, pictures of it and of two more are there."""
    now = place.scenario.starts
    texts = [
        place.trust.issuer.issue(Category.RESIDENT, now=now, life=DAY_S).text
        for _ in range(PASSES if folder is not None else 1)
    ]
    if folder is not None:
        folder.mkdir()
        for number, text in enumerate(texts, 1):
            write_pictures(text, folder / f"pass-{number}")
    return texts[0]


def print_pass(text: str, language: str, out: Any = None) -> None:
    """A pass as a code in the terminal, to be photographed."""
    stream = sys.stdout if out is None else out
    symbol(text).terminal(out=stream, border=QUIET_ZONE, compact=True)
    print(said("photograph it", language), file=stream, flush=True)


def wait_for_enter(stop: Stoppable, language: str) -> None:
    """Until Enter is pressed, or the demo is stopped; not at all where nobody sits."""
    if not sys.stdin.isatty():
        return
    print(said("press enter", language), flush=True)
    while not stop.wait(LOOK_S):
        if select.select([sys.stdin], [], [], 0.0)[0]:
            sys.stdin.readline()
            return


@contextmanager
def closing_at_end(camera: OwnCamera | None) -> Iterator[OwnCamera | None]:
    """Let go of the camera whatever happens."""
    try:
        yield camera
    finally:
        if camera is not None:
            camera.close()

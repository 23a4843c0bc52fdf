"""``kiosk demo --frames DIR``: people hold up real pictures, and each picture's outcome is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from drivers.picture_folder import pictures_in
from kiosk.errors import Usage
from kiosk.model import Seconds, Verdict
from kiosk.scenario import Call, PassKind, Scenario

APART_S: Final = Seconds(11.0)
"""Between two people: the one before has left, and a second unknown code is no longer only counted."""
PATIENCE_S: Final = Seconds(16.0)
"""Who shows a picture that can't be read presses the button half-way, before the next one comes."""
LONGEST: Final = 48


class Pictures:
    """What became of each picture. For one thread."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise Usage(f"--frames {folder}: not a folder")
        self.names = [path.name for path in pictures_in(folder)]
        if not self.names:
            raise Usage(f"--frames {folder}: there is no picture in it")
        self._texts: dict[str, list[str]] = {name: [] for name in self.names}
        self._answers: dict[str, str] = {}

    def note(self, label: str, texts: list[str]) -> None:
        """Texts read in one frame; the frame's label begins with the picture's name."""
        name = label.rpartition(" ")[0]
        known = self._texts.get(name)
        if known is not None:
            known.extend(text for text in texts if text not in known)

    def answer(self, name: str, verdict: Verdict, reasons: str) -> None:
        """What the gate said to the person who held up this picture."""
        self._answers.setdefault(name, f"{verdict}  {reasons}")

    def tell(self, console: Console) -> None:
        """One line a picture."""
        for name, texts in self._texts.items():
            read = " | ".join(_short(text) for text in texts) or "no code read"
            answer = self._answers.get(name, _UNANSWERED if texts else "nobody was answered")
            console.print(Text(f"{name}: {read}  ->  {answer}"), soft_wrap=True)
        read_count = sum(bool(texts) for texts in self._texts.values())
        console.print(
            f"{read_count} of {len(self._texts)} pictures read, as this camera sees them "
            "(`kiosk check` looks at every pixel)"
        )


_UNANSWERED: Final = "no answer of its own: the same code as a moment ago, or one unknown code too many"


def _short(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def album(story: Scenario, names: list[str]) -> Scenario:
    """The same place with one person a picture, in order of name."""
    model = next(kind for kind in story.cast.values() if not kind.companions)
    cast = {
        name: replace(
            model,
            name=name,
            title=name,
            pass_kind=PassKind.PHOTOGRAPH,
            photograph=name,
            text=None,
            hat=False,
            hasty=False,
            expect=None,
        )
        for name in names
    }
    calls = tuple(
        Call(Seconds(2.0 + number * APART_S), name, f"{number:03d}-{name}")
        for number, name in enumerate(names)
    )
    return replace(
        story,
        id="frames",
        title="pictures",
        patience_s=PATIENCE_S,
        cast=cast,
        calls=calls,
        flows=(),
        faults=(),
    )

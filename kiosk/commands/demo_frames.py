"""Pictures of the user's own: ``--frames DIR``, whose outcome is told picture by picture, and
``--photographs DIR``, which some people of a scenario hold up."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from drivers.picture_folder import pictures_in
from kiosk.commands.demo_words import counted, said
from kiosk.errors import Usage
from kiosk.model import Seconds, Verdict
from kiosk.scenario import Call, Kind, PassKind, Scenario
from kiosk.words import Words

APART_S: Final = Seconds(11.0)
"""Between two people: the one before has left, and a second unknown code is no longer only counted."""
PATIENCE_S: Final = Seconds(16.0)
"""Who shows a picture that can't be read presses the button half-way, before the next one comes."""
LONGEST: Final = 48
DATA_VARIABLE: Final = "KIOSK_CONFORMANCE_DATA"
"""Names a folder of test data; real photographs are in it."""
DRAWN: Final = Words("出示别人的二维码", "shows somebody else's code")
ANOTHER: Final = Words("出示一张二维码的实拍照片", "shows a real photograph of some code")


class Pictures:
    """What became of each picture. For one thread."""

    def __init__(self, folder: Path, language: str) -> None:
        self.names = pictures_of("--frames", folder)
        self._language = language
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
        """One line a picture, then how many were read."""
        for name, texts in self._texts.items():
            read = " | ".join(_short(text) for text in texts) or said("no code", self._language)
            line = Text(f"{name}: {read}  ->  {self._answer(name, bool(texts))}")
            console.print(line, soft_wrap=True, highlight=False)
        count = sum(map(bool, self._texts.values()))
        pictures = counted("pictures", len(self._texts), self._language)
        line = Text(said("read", self._language, count=count, pictures=pictures))
        console.print(line, soft_wrap=True, highlight=False)

    def _answer(self, name: str, read: bool) -> str:
        missing = said("unanswered" if read else "nobody answered", self._language)
        return self._answers.get(name, missing)


def _short(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def pictures_of(option: str, folder: Path) -> list[str]:
    """Names of the pictures in a folder; Usage when it is none, or there are none."""
    if not folder.is_dir():
        raise Usage(f"{option} {folder}: not a folder")
    names = [path.name for path in pictures_in(folder)]
    if not names:
        raise Usage(f"{option} {folder}: there is no picture in it")
    return names


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


def usual_photographs() -> Path | None:
    """The photographs of the test data, where the variable names it and they may be read."""
    data = os.environ.get(DATA_VARIABLE)
    folder = Path(data) / "qr" / "images" if data else None
    return folder if folder is not None and os.access(folder, os.R_OK | os.X_OK) else None


def retitled(story: Scenario, photographs: Path | None) -> Scenario:
    """Nobody is said to show a photograph that is not there: some other one, or a drawn code, is shown."""
    names = set() if photographs is None else {path.name for path in pictures_in(photographs)}
    return replace(story, cast={key: _as_shown(kind, names) for key, kind in story.cast.items()})


def _as_shown(kind: Kind, names: Collection[str]) -> Kind:
    if kind.pass_kind is not PassKind.PHOTOGRAPH or kind.photograph in names:
        return kind
    titles = ANOTHER if names else DRAWN
    return replace(kind, title=titles.en, title_zh=titles.zh)

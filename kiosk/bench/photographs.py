"""Photographs of codes with a known text, and the scenes they are shown in: what ``bench qr`` measures with.

A manifest is a JSON list of objects with ``file`` (a name inside the folder of pictures) and ``text``: what
the code says, or null where nobody vouches for a text. Other keys say where a picture is from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from PIL import Image

from drivers.picture_folder import load_picture, pictures_in
from kiosk.errors import Usage

SEED: Final = 1
"""Of the choice of backgrounds: the same for everybody who measures."""
GREY: Final = 128
"""Behind a picture where there are no pictures without a code."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture and what its code says; None: nobody knows for certain."""

    name: str
    path: Path
    text: str | None

    def load(self) -> Image.Image:
        """Its luma; :class:`kiosk.errors.PictureError` when the file is no good."""
        return load_picture(self.path)

    def is_right(self, read: str) -> bool:
        """To the letter, but for line ends: some of the trusted texts were stored with others."""
        return self.text is not None and _lines(read) == _lines(self.text)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def load_manifest(manifest: Path, images: Path) -> list[Photograph]:
    """Every picture of the manifest. Usage when it is no manifest, or a picture that counts is not there."""
    entries = _entries(manifest)
    photographs = [_photograph(entry, manifest, images) for entry in entries]
    gone = [one.name for one in photographs if one.text is not None and not one.path.is_file()]
    if gone:
        raise Usage(f"{images}: {len(gone)} of the manifest's pictures are not there, such as {gone[0]}")
    if all(one.text is None for one in photographs):
        raise Usage(f"{manifest}: no picture in it has a known text")
    return photographs


def _entries(manifest: Path) -> list[Any]:
    try:
        entries = json.loads(manifest.read_text(encoding="utf-8"))
    except OSError as error:
        raise Usage(f"{manifest}: {error.strerror}") from error
    except ValueError as error:
        raise Usage(f"{manifest}: not JSON ({error})") from error
    if not isinstance(entries, list):
        raise Usage(f"{manifest}: a manifest is a list of pictures")
    return entries


def _photograph(entry: Any, manifest: Path, images: Path) -> Photograph:
    name, text = (entry.get("file"), entry.get("text")) if isinstance(entry, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(text, str | None):
        raise Usage(f"{manifest}: each picture needs a file (a name) and a text (or null): {str(entry)[:80]}")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise Usage(f"{manifest}: {name} is not inside the folder of pictures")
    return Photograph(name, images / name, text)


def load_negatives(folder: Path | None) -> list[Image.Image]:
    """The pictures without a code, in order of name. Usage when a folder is named and holds none."""
    if folder is None:
        return []
    negatives = [load_picture(path) for path in pictures_in(folder)]
    if not negatives:
        raise Usage(f"{folder}: no picture in it")
    return negatives


def backgrounds(negatives: Sequence[Image.Image], count: int) -> list[Image.Image]:
    """What lies behind each of so many pictures: the same every time."""
    chance = Random(SEED)
    choice = negatives or [Image.new("L", (64, 48), GREY)]
    return [chance.choice(choice) for _ in range(count)]


def empty_scene(background: Image.Image, size: Size) -> Image.Image:
    """A scene before anybody shows anything."""
    return background.resize(size, Image.Resampling.BICUBIC)


def scene(picture: Image.Image, background: Image.Image, size: Size) -> Image.Image:
    """The picture, made to fit and never enlarged, in the middle of a scene."""
    canvas = empty_scene(background, size)
    pasted = picture.copy()
    pasted.thumbnail(size, Image.Resampling.LANCZOS)
    canvas.paste(pasted, ((size[0] - pasted.width) // 2, (size[1] - pasted.height) // 2))
    return canvas

"""Pictures from files as frames: photographs of passes run through the same path as a camera.

A picture is untrusted input. Only ordinary files of the listed kinds are opened (never PostScript, which
would start an interpreter), their size is known before a pixel is unpacked, and whatever is wrong with one
picture is that picture's problem alone: it is noted with a code, and the next one follows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from kiosk.errors import PictureBroken, PictureError, PictureMissing, PictureTooLarge, PictureUnreadable
from kiosk.model import Frame, Monotonic

# Importing a plugin registers it with Pillow; all others, PostScript among them, stay out of the process.
KINDS: Final = {
    PngImageFile.format: (".png",),
    JpegImageFile.format: (".jpg", ".jpeg", ".mpo"),
    WebPImageFile.format: (".webp",),
    GifImageFile.format: (".gif",),
    BmpImageFile.format: (".bmp",),
    TiffImageFile.format: (".tif", ".tiff"),
    PpmImageFile.format: (".pgm", ".ppm", ".pbm", ".pnm"),
}
"""Kinds of files and their suffixes; a phone's JPEG with a second picture inside (MPO) opens as JPEG."""
_FORMATS: Final = tuple(kind for kind in KINDS if kind is not None)
SUFFIXES: Final = frozenset(suffix for suffixes in KINDS.values() for suffix in suffixes)
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
"""A phone's best camera; 50 MB of luma."""
CAMERA: Final = (1280, 960)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder (by suffix) in order of name; :class:`PictureError` if unreadable."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise _of_system(folder, error) from error


def load_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture's luma, upright by its EXIF orientation, transparency on white.

    Raises :class:`PictureMissing`, :class:`PictureUnreadable`, :class:`PictureTooLarge` or
    :class:`PictureBroken`, and nothing else.
    """
    try:
        _look_at_file(path)
        # Pillow's warnings (odd metadata, a size that is judged here anyway) help nobody at a gate.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise PictureTooLarge(f"{path}: {image.width}x{image.height} pixels")
            return _upright_luma(image)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(f"{path}: {error}") from error
    except Exception as error:
        raise _of_system(path, error) from error


def _look_at_file(path: Path) -> None:
    """A pipe or a device would block or never end; OSError where there is nothing."""
    status = path.stat()
    if not path.is_file():
        raise PictureUnreadable(f"{path}: not an ordinary file")
    if status.st_size > MAX_BYTES:
        raise PictureTooLarge(f"{path}: {status.st_size} bytes")


def _of_system(path: Path, error: Exception) -> PictureError:
    """The domain's error for what the system or Pillow (which raises all sorts on damage) said."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return PictureMissing(f"{path}: no such file")
    if isinstance(error, OSError) and error.errno is not None:
        return PictureUnreadable(f"{path}: {error.strerror}")
    return PictureBroken(f"{path}: not a picture that can be read ({type(error).__name__})")


def _upright_luma(image: Image.Image) -> Image.Image:
    flat = _on_white(image)
    luma = _eight_bits(flat) if flat.mode.startswith(("I", "F")) else flat.convert("L")
    return _upright(luma, image)


def _upright(luma: Image.Image, original: Image.Image) -> Image.Image:
    """Turned and mirrored as EXIF says; damaged EXIF says nothing."""
    try:
        turn = _TURNS.get(original.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  (any damage to these bytes leaves the pixels as they are)
        return luma
    return luma if turn is None else luma.transpose(turn)


_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF 2.32, tag 274."""


def _on_white(image: Image.Image) -> Image.Image:
    """Transparent pixels as white: their colour is whatever the program that saved them left there."""
    if not (image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info):
        return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Deeper grey stretched to 8 bits: Pillow's own conversion clips all but the darkest to white."""
    whole = image.convert("F")
    low, high = cast(tuple[float, float], whole.getextrema())  # one band, so one pair
    scale = 255 / (high - low) if high > low else 0.0
    return whole.point(lambda level: level * scale - low * scale).convert("L")


@dataclass(frozen=True, slots=True)
class PictureProblem:
    """Why a picture gave no frame. ``code`` is the error's stable code."""

    path: Path
    code: str
    message: str


class PictureFolder:
    """A frame source: one picture after the other, each for ``frames_each`` polls, then nothing.

    ``pictures`` is a folder, a picture, or several of both. Pictures larger than ``fit`` (pixels) are
    reduced to it, as the camera would have seen them. What can't be read is in ``problems``, never fatal.
    For one thread.
    """

    def __init__(
        self,
        pictures: Path | Sequence[Path],
        *,
        frames_each: int = 1,
        fit: tuple[int, int] | None = CAMERA,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.problems: list[PictureProblem] = []
        self._fit = fit
        self._max_pixels = max_pixels
        self._frames_each = max(1, frames_each)
        self._images = self._walk([pictures] if isinstance(pictures, Path) else pictures)
        self._ended = False

    @property
    def ended(self) -> bool:
        """The last picture has been shown."""
        return self._ended

    def poll(self, now: Monotonic) -> Frame | None:
        """The next frame, stamped ``now``; None when there are no more."""
        label, image = next(self._images, (None, None))
        if image is None or label is None:
            self._ended = True
            return None
        return Frame(image.tobytes(), image.width, image.height, now, label)

    def close(self) -> None:
        """No more frames."""
        self._images = iter(())
        self._ended = True

    def _walk(self, pictures: Iterable[Path]) -> Iterator[tuple[str, Image.Image]]:
        for path in self._files(pictures):
            try:
                image = load_picture(path, max_pixels=self._max_pixels)
            except PictureError as error:
                self._note(path, error)
                continue
            fitted = self._fitted(image)
            for _ in range(self._frames_each):
                yield str(path), fitted

    def _files(self, pictures: Iterable[Path]) -> Iterator[Path]:
        for path in pictures:
            if not path.is_dir():
                yield path
                continue
            try:
                found = pictures_in(path)
            except PictureError as error:
                self._note(path, error)
                continue
            if not found:
                self._note(path, PictureMissing(f"{path}: no pictures in this folder"))
            yield from found

    def _note(self, path: Path, error: PictureError) -> None:
        self.problems.append(PictureProblem(path, error.code, str(error)))

    def _fitted(self, image: Image.Image) -> Image.Image:
        if self._fit is not None:
            image.thumbnail(self._fit, Image.Resampling.LANCZOS)
        return image

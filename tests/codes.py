"""Pictures of codes for tests: drawn by segno and zxing-cpp, never stored."""

from __future__ import annotations

import io
from collections.abc import Sequence

import segno
import zxingcpp
from PIL import Image

from kiosk.model import Frame, Monotonic

MARGIN = 40


def qr(content: str | bytes, scale: int = 5, error: str = "m") -> Image.Image:
    """An ordinary QR code, dark on light, with its quiet zone."""
    return _drawn(segno.make(content, micro=False, error=error), scale)


def micro_qr(content: str, scale: int = 8) -> Image.Image:
    """A Micro QR code."""
    return _drawn(segno.make_micro(content), scale)


def series(content: str, version: int, scale: int = 5) -> list[Image.Image]:
    """One text spread over several codes (structured append)."""
    return [_drawn(code, scale) for code in segno.make_sequence(content, version=version)]


def _drawn(code: segno.QRCode, scale: int) -> Image.Image:
    file = io.BytesIO()
    code.save(file, kind="png", scale=scale, border=4)
    return Image.open(file).convert("L")


def linear(content: str, kind: zxingcpp.BarcodeFormat, scale: int = 3) -> Image.Image:
    """A code of any other kind that zxing-cpp can draw, 1D codes above all."""
    return beside([Image.fromarray(zxingcpp.create_barcode(content, kind).to_image(scale=scale))])


def bars_of(content: str, kind: zxingcpp.BarcodeFormat) -> list[bool]:
    """The modules of a 1D code from its first to its last bar, True for dark."""
    drawn = Image.fromarray(zxingcpp.create_barcode(content, kind).to_image(scale=1))
    row = drawn.crop((0, drawn.height // 2, drawn.width, drawn.height // 2 + 1)).tobytes()
    return [level < 128 for level in row.strip(b"\xff")]


def bars(modules: Sequence[bool], scale: int = 4, height: int = 120) -> Image.Image:
    """A 1D code from its modules, whatever they say."""
    row = Image.frombytes("L", (len(modules), 1), bytes(0 if dark else 255 for dark in modules))
    return beside([row.resize((len(modules) * scale, height), Image.Resampling.NEAREST)])


def beside(pictures: Sequence[Image.Image], size: tuple[int, int] | None = None) -> Image.Image:
    """Pictures next to each other on white; on a canvas of ``size`` when given."""
    width = sum(picture.width + MARGIN for picture in pictures) + MARGIN
    height = max(picture.height for picture in pictures) + 2 * MARGIN
    canvas = Image.new("L", size or (width, height), 255)
    left = MARGIN
    for picture in pictures:
        canvas.paste(picture, (left, MARGIN))
        left += picture.width + MARGIN
    return canvas


def frame(picture: Image.Image, at: float = 0.0, label: str = "") -> Frame:
    """A picture as the camera's luma."""
    grey = picture.convert("L")
    return Frame(grey.tobytes(), grey.width, grey.height, Monotonic(at), label)

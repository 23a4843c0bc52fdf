"""Video files made for tests: small pictures whose grey level says which one it is, or pictures of a code."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image

SIZE = (64, 48)
STEP = 8
"""Grey levels between two pictures: more than a lossy codec moves them."""
CAMERA_LIKE = (
    "nullsrc=size={width}x{height}:rate=30,format=gray,geq=lum='mod(N*8\\,248)',format=yuv420p,realtime"
)


def level(number: int) -> int:
    """Grey level of a numbered picture."""
    return number * STEP % 248


def number_of(luma: bytes | bytearray | memoryview) -> int:
    """Which picture this is, modulo 31: video has black at 16 and white at 235 (BT.601)."""
    return round((bytes(luma)[len(luma) // 2] - 16) * 255 / 219 / STEP)


def numbered(path: Path, count: int, *, rate: int = 10, size: tuple[int, int] = SIZE) -> Path:
    """A video of so many pictures."""
    return write(path, (Image.new("L", size, level(number)) for number in range(count)), rate)


def write(path: Path, pictures: Iterable[Image.Image], rate: int, times: Iterable[int] | None = None) -> Path:
    """A video of these pictures; ``times``: when each is due, in pictures, if not one after the other."""
    every = list(pictures)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height = every[0].size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.qmin = stream.codec_context.qmax = 1
        for due, picture in zip(times or range(len(every)), every, strict=True):
            frame: Any = av.VideoFrame.from_image(picture.convert("RGB"))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = due, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path

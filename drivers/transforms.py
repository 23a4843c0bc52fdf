"""Views of a frame that make a code readable which the plain frame does not give away.

Each function takes a frame and returns another one; Pillow does the arithmetic, so that the gate needs no
numpy. Sizes are in pixels. What each of them rescues was measured on photographs: sharpening mends defocus,
a local threshold or contrast mends shade, smoothing and reducing mend grain, enlarging mends dense codes.
Means are taken over squares (BoxBlur): a third of a Gaussian's time, and nothing reads worse for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Final, cast

from PIL import Image, ImageChops, ImageFilter, ImageOps

from kiosk.errors import DecoderError
from kiosk.model import Frame

Transform = Callable[[Frame], Frame]

VGA: Final = (640, 480)
WINDOW_RADIUS: Final = 12
"""Of local thresholds and contrast: about three modules of the smallest code that is still readable."""
DARKER_BY: Final = 6
"""Grey levels below the local mean that make a pixel black; keeps noise on plain paper white."""
STEPS: Final = 6
"""In which a local mean follows the picture along a radius."""
CONTRAST_GAIN: Final = 4
"""How much a difference from the local mean is stretched."""


def image_of(frame: Frame) -> Image.Image:
    """The frame as a Pillow image, without a copy. :class:`DecoderError` when its size is a lie."""
    if frame.width <= 0 or frame.height <= 0 or memoryview(frame.luma).nbytes != frame.width * frame.height:
        raise DecoderError(f"frame of {frame.width}x{frame.height} has {len(frame.luma)} bytes")
    # Any buffer will do, whatever Pillow's stubs say.
    return Image.frombuffer("L", (frame.width, frame.height), cast(bytes, frame.luma), "raw", "L", 0, 1)


def frame_of(image: Image.Image, like: Frame) -> Frame:
    """A greyscale image as a frame that keeps the time and label of ``like``."""
    return replace(like, luma=image.tobytes(), width=image.width, height=image.height)


def _by_pillow(change: Callable[[Image.Image], Image.Image]) -> Transform:
    """A transform from a change of images; one that changes nothing costs nothing."""

    @wraps(change)
    def transform(frame: Frame) -> Frame:
        before = image_of(frame)
        after = change(before)
        return frame if after is before else frame_of(after, frame)

    return transform


def plain(frame: Frame) -> Frame:
    """The frame itself."""
    return frame


@_by_pillow
def unsharp(image: Image.Image) -> Image.Image:
    """Sharpened (radius 2, 300 %): reads through defocus up to about .4 module."""
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=300, threshold=0))


@_by_pillow
def sharpened(image: Image.Image) -> Image.Image:
    """Differences from the mean of 5x5 pixels, sevenfold: cheaper and harder than :func:`unsharp`."""
    return Image.blend(image.filter(ImageFilter.BoxBlur(2)), image, 7)


@_by_pillow
def smoothed(image: Image.Image) -> Image.Image:
    """The mean of 3x3 pixels: reads through grain, and through the grid of a screen."""
    return image.filter(ImageFilter.BoxBlur(1))


def threshold(radius: int) -> Transform:
    """Black where a pixel is darker than its neighbourhood: reads through shade and uneven light.

    A small radius follows a code into a dark surrounding that has no quiet zone, a large one keeps whole the
    finder patterns of a code that is near.
    """

    @_by_pillow
    def transform(image: Image.Image) -> Image.Image:
        mean = _local_mean(image, radius)
        # Differences are shifted by 128 because Pillow clips at zero.
        lighter = ImageChops.subtract(image, mean, 1, 128 + DARKER_BY)
        return lighter.point(_BLACK_OR_WHITE)

    return transform


def _local_mean(image: Image.Image, radius: int) -> Image.Image:
    """The mean of a square around each pixel, in steps that are small beside the square: that saves time."""
    step = max(1, radius // STEPS)
    if step == 1:
        return image.filter(ImageFilter.BoxBlur(radius))
    mean = image.reduce(step).filter(ImageFilter.BoxBlur(radius / step))
    # A last column that has only some of its pixels must not shift the others.
    seen = (0, 0, image.width / step, image.height / step)
    return mean.resize(image.size, Image.Resampling.NEAREST, box=seen)


_BLACK_OR_WHITE: Final = [0] * 128 + [255] * 128
adaptive: Final = threshold(WINDOW_RADIUS)


@_by_pillow
def contrast(image: Image.Image) -> Image.Image:
    """Stretched around the local mean: as :func:`adaptive`, but the decoder sets the threshold itself."""
    mean = _local_mean(image, WINDOW_RADIUS)
    return ImageChops.subtract(image, mean, 1 / CONTRAST_GAIN, 128)


@_by_pillow
def inverted(image: Image.Image) -> Image.Image:
    """Light on dark becomes dark on light (zbar reads only the latter)."""
    return ImageOps.invert(image)


@_by_pillow
def vga(image: Image.Image) -> Image.Image:
    """Reduced by the whole number that comes nearest to 640x480: the camera's 1280x960 by two."""
    factor = round(max(image.width / VGA[0], image.height / VGA[1]))
    return image.reduce(factor) if factor > 1 else image


@_by_pillow
def centre(image: Image.Image) -> Image.Image:
    """The middle 640x480, at full resolution: where people hold what they show."""
    return _middle(image, *VGA)


def middle(share: float) -> Transform:
    """The middle, so large a share of width and height."""

    @_by_pillow
    def transform(image: Image.Image) -> Image.Image:
        return _middle(image, max(1, round(image.width * share)), max(1, round(image.height * share)))

    return transform


def _middle(image: Image.Image, width: int, height: int) -> Image.Image:
    width, height = min(width, image.width), min(height, image.height)
    if (width, height) == image.size:
        return image
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def within(side: int) -> Transform:
    """Reduced, never enlarged, so that the longer side has at most ``side`` pixels."""

    @_by_pillow
    def transform(image: Image.Image) -> Image.Image:
        scale = side / max(image.size)
        return image if scale >= 1 else _scaled(image, scale, Image.Resampling.BOX)

    return transform


def scaled(scale: float) -> Transform:
    """Reduced (by area) or enlarged (bicubic) by a factor."""
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC

    @_by_pillow
    def transform(image: Image.Image) -> Image.Image:
        return _scaled(image, scale, method)

    return transform


def _scaled(image: Image.Image, scale: float, method: Image.Resampling) -> Image.Image:
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, method)


def chain(*transforms: Transform) -> Transform:
    """One after the other."""

    def transform(frame: Frame) -> Frame:
        for step in transforms:
            frame = step(frame)
        return frame

    return transform

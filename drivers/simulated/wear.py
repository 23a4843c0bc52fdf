"""What weather and accidents do to a code: drops, cracks, reflections. Runs in the renderer only.

All sizes are ours, judged by eye against a phone in the rain and one that was dropped.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Plane = NDArray[np.float32]
Corners = list[tuple[float, float]]

CRACKS = (5, 9)
"""Long cracks from where it was hit, at least and at most."""
CRACK_MM = 0.4
MOST_MM = 3.2
"""Radius of the largest drop that stays on an upright glass."""
FRESNEL = 235.0
"""Brightness that a window or a lamp adds to a glass at full strength, of 255."""


def put_drops(card: Image.Image, count: int, px_mm: float, rng: np.random.Generator) -> Image.Image:
    """So many drops on a carrier: most are small, and each is a lens that turns what is under it over."""
    wet = card.copy()
    for _ in range(count):
        radius = max(1.5, min(MOST_MM, rng.lognormal(0.1, 0.5)) * px_mm)
        _drop(wet, rng.uniform(0, card.width), rng.uniform(0, card.height), radius)
    return wet


def _drop(card: Image.Image, x: float, y: float, radius: float) -> None:
    left, top, side = round(x - radius), round(y - radius), round(2 * radius)
    size = (side, side)
    under = card.crop((left, top, left + side, top + side))
    # A plano-convex lens on a screen shows a small image upside down; its edge is dark, a lamp shines on top.
    lens = under.transpose(Image.Transpose.ROTATE_180).filter(ImageFilter.GaussianBlur(radius / 4))
    pen = ImageDraw.Draw(lens)
    edge = max(1, round(radius / 6))
    pen.ellipse((0, 0, size[0] - 1, size[1] - 1), outline=60, width=edge)
    at, spot = radius * 0.62, radius * 0.2
    pen.ellipse((at - spot, at - spot, at + spot, at + spot), fill=255)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((0, 0, size[0] - 1, size[1] - 1), fill=235)
    card.paste(lens, (left, top), mask.filter(ImageFilter.GaussianBlur(0.7)))


def crack(card: Image.Image, px_mm: float, rng: np.random.Generator) -> Image.Image:
    """A broken glass: crooked cracks from one point near an edge, some of them branching."""
    lines = Image.new("L", card.size, 0)
    pen = ImageDraw.Draw(lines)
    corner = rng.choice((0.2, 0.8), 2)
    start = (card.width * corner[0], card.height * corner[1])
    width = max(1, round(CRACK_MM * px_mm))
    for angle in rng.uniform(0, 2 * math.pi, int(rng.integers(*CRACKS))):
        _crooked(pen, start, float(angle), px_mm, width, rng)
    # Light catches one side of a crack, the other lies in its shade.
    bright = ImageChops.lighter(card, lines.point([value * 215 // 255 for value in range(256)]))
    shade = ImageChops.offset(lines, width, width).point([255 - value * 150 // 255 for value in range(256)])
    return ImageChops.darker(bright, shade)


def _crooked(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    angle: float,
    px_mm: float,
    width: int,
    rng: np.random.Generator,
) -> None:
    at = start
    for _ in range(int(rng.integers(6, 14))):
        angle += rng.normal(0, 0.22)
        step = rng.uniform(4, 11) * px_mm
        to = (at[0] + step * math.cos(angle), at[1] + step * math.sin(angle))
        pen.line((at, to), fill=255, width=width)
        if rng.random() < 0.25:
            aside = angle + rng.choice((-0.7, 0.7))
            pen.line((at, (at[0] + step * math.cos(aside), at[1] + step * math.sin(aside))), fill=200)
        at = to


def reflection(corners: Corners, size: tuple[int, int], strength: float, rng: np.random.Generator) -> Plane:
    """A window or a lamp mirrored in a glass: a soft band across it, somewhere else in every picture."""
    width, height = size
    down, right = np.ogrid[0:height, 0:width]
    middle = np.mean(corners, axis=0) + rng.uniform(-0.22, 0.22, 2) * height
    angle = rng.uniform(0, math.pi)
    along = (right - middle[0]) * math.cos(angle) + (down - middle[1]) * math.sin(angle)
    across = (down - middle[1]) * math.cos(angle) - (right - middle[0]) * math.sin(angle)
    long, wide = rng.uniform(0.2, 0.4) * height, rng.uniform(0.035, 0.08) * height
    band = np.exp(-((along / long) ** 4) - (across / wide) ** 4)
    mirrored: Plane = (FRESNEL * strength * band).astype(np.float32)
    return mirrored

"""Pictures of people holding up codes, as a small camera would take them. Runs in the renderer only.

numpy, Pillow and segno live here and nowhere in the gate's process. A picture is made as the light makes
it: a flat carrier (paper or phone) is turned in space, projected, lit, blurred by focus and movement, and
gets the sensor's noise last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from drivers.simulated.wear import crack, put_drops, reflection
from kiosk.scenario import Showing

Luma = NDArray[np.uint8]
Plane = NDArray[np.float32]

FIELD_MM: Final = 160.0
"""Width of the camera's field where codes are held (design: qr, Optics)."""
CAMERA_MM: Final = 300.0
"""From the camera to a carrier in its right place."""
NOISE: Final = 3.0
"""Rms of the sensor's noise, of 255."""
QUIET_ZONE: Final = 4
FINER: Final = 1.4
"""A carrier is drawn this much finer than it will appear."""
PHOTO_PIXELS: Final = 40_000_000
"""Larger pictures in the caller's folder are refused."""


AS_USUAL: Final = Showing()


@dataclass(frozen=True, slots=True)
class Subject:
    """What the renderer must know of a person."""

    id: str
    text: str | None
    phone: bool
    brightness: float
    dark_mode: bool
    code_mm: float
    seed: int
    showing: Showing = AS_USUAL
    photograph: Path | None = None


class Shot(NamedTuple):
    """One picture to take of a carrier: what life does to it."""

    name: str
    near: float
    """Apparent size; 1 is the right place."""
    tilt: float
    """Degrees that the carrier is turned out of the picture's plane, at most."""
    defocus: float
    """Gaussian radius, in modules of the code."""
    motion: float
    """Length of movement during the exposure, in modules."""
    glare: float = 0.0
    shade: float = 0.0


SHOTS: Final = (
    Shot("coming", near=0.5, tilt=35, defocus=1.4, motion=2.5),
    Shot("raising", near=0.85, tilt=30, defocus=0.4, motion=1.2),
    Shot("tilted", near=0.97, tilt=22, defocus=0.25, motion=0.2),
    Shot("sharp", near=1.0, tilt=8, defocus=0.12, motion=0.1),
    Shot("glare", near=1.0, tilt=12, defocus=0.2, motion=0.15, glare=0.9),
    Shot("shade", near=0.98, tilt=14, defocus=0.2, motion=0.2, shade=0.65),
)
"""Of every person, in this order; the first two are seldom readable, as in life."""
BACKGROUNDS: Final = ("empty", "empty", "near", "near")
"""Nobody, and somebody whose hands are down."""


class Painter:
    """Takes the pictures. Keeps the empty scene and a tile of noise; for one thread."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height = width, height
        rng = np.random.default_rng(seed)
        self._scene = _street(rng, width, height)
        # One large tile, cut at a random place for each picture: fresh noise would cost more than the rest.
        shape = (height + 97, width + 97)
        self._noise = (rng.standard_normal(shape) * NOISE).astype(np.float32)

    def backgrounds(self) -> Iterator[tuple[str, Luma]]:
        """Pictures without a code."""
        for place, name in enumerate(BACKGROUNDS):
            rng = np.random.default_rng((place, 17))
            scene = self._scene.copy()
            if name == "near":
                self._add_person(scene, rng)
            yield name, self._expose(scene, rng)

    def person(self, subject: Subject) -> Iterator[tuple[str, Luma]]:
        """Every shot of one person; ValueError when the text fits no code, OSError for a bad photograph."""
        rng = np.random.default_rng(subject.seed)
        scene = self._scene.copy()
        self._add_person(scene, rng)
        if subject.photograph is not None:
            photo = _photograph(subject.photograph, self.width, self.height)
            for shot in SHOTS:
                yield shot.name, self._expose(self._shoot_photograph(photo, scene, shot), rng)
            return
        card, modules = self._carrier(subject, rng)
        for shot in SHOTS:
            yield shot.name, self._expose(self._shoot(card, modules, subject, scene, shot, rng), rng)

    # -- the scene -------------------------------------------------------------------------------------

    def _add_person(self, scene: Plane, rng: np.random.Generator) -> None:
        """A head and shoulders out of focus behind whatever is held up."""
        shape = Image.new("L", (self.width // 4, self.height // 4), 0)
        pen = ImageDraw.Draw(shape)
        width, height = shape.size
        middle, top = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.02, 0.2)
        head = height * 0.24
        pen.ellipse((middle - head * 0.8, top, middle + head * 0.8, top + 2 * head), fill=255)
        pen.ellipse((middle - 2.2 * head, top + 2.1 * head, middle + 2.2 * head, height * 2), fill=160)
        soft = shape.filter(ImageFilter.GaussianBlur(3))
        full = soft.resize((self.width, self.height), Image.Resampling.BILINEAR)
        mask = np.asarray(full, dtype=np.float32) / 255
        scene += mask * (rng.uniform(60, 150) - scene)

    def _expose(self, scene: Plane, rng: np.random.Generator) -> Luma:
        down, right = rng.integers(0, 97, 2)
        noise = self._noise[down : down + self.height, right : right + self.width]
        exposed: Luma = np.clip(scene + noise, 0, 255).astype(np.uint8)
        return exposed

    # -- a carrier ---------------------------------------------------------------------------------------

    def _carrier(self, subject: Subject, rng: np.random.Generator) -> tuple[Image.Image, int]:
        """Paper or phone with the code, flat; and how many modules the code has a side."""
        px_mm = self.width / FIELD_MM * FINER
        code, modules = _code(subject.text, round(subject.code_mm * px_mm))
        if subject.phone:
            card = _phone(code, modules, px_mm, subject.dark_mode, rng)
        else:
            card = _paper(code, modules, px_mm, rng)
        gain = 0.25 + 0.75 * subject.brightness if subject.phone else rng.uniform(0.75, 0.95)
        card = card.point([round(12 + (value - 12) * gain) for value in range(256)])
        return _worn(card, subject.showing, px_mm, rng), modules

    def _shoot(
        self,
        card: Image.Image,
        modules: int,
        subject: Subject,
        scene: Plane,
        shot: Shot,
        rng: np.random.Generator,
    ) -> Plane:
        showing = subject.showing
        corners = self._project(card.size, shot._replace(tilt=shot.tilt + showing.tilt_deg), rng)
        px_module = subject.code_mm * shot.near * self.width / FIELD_MM / modules
        coefficients = _homography(corners, card.size)
        size = (self.width, self.height)
        flat = card.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
        cover = Image.new("L", card.size, 255)
        mask = cover.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
        opacity = np.asarray(mask, dtype=np.float32) / 255
        carrier = self._light(np.asarray(flat, dtype=np.float32), corners, shot, rng)
        if showing.glare:
            carrier = carrier + reflection(corners, (self.width, self.height), showing.glare, rng)
        picture = scene + opacity * (carrier - scene)
        steady = px_module * rng.uniform(0.5, 1.5)
        return _blur(picture, shot.defocus * steady, shot.motion * steady * showing.shake, rng)

    def _project(
        self, card: tuple[int, int], shot: Shot, rng: np.random.Generator
    ) -> list[tuple[float, float]]:
        """The card's corners in the picture, from a turn in space and a pinhole."""
        yaw, pitch = np.radians(rng.uniform(-shot.tilt, shot.tilt, 2))
        turn = _turn(float(yaw), float(pitch), math.radians(rng.normal(0, 6)))
        px_mm = self.width / FIELD_MM
        half = np.array((*card, 0.0)) / (px_mm * FINER) / 2
        middle = (0.5 + rng.uniform(-0.04, 0.04, 2)) * (self.width, self.height)
        corners = []
        for side in ((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)):
            x, y, depth = turn @ (half * side)
            scale = CAMERA_MM * px_mm / (CAMERA_MM / shot.near + depth)
            corners.append((float(x * scale + middle[0]), float(y * scale + middle[1])))
        return corners

    def _light(
        self, carrier: Plane, corners: list[tuple[float, float]], shot: Shot, rng: np.random.Generator
    ) -> Plane:
        """Shade falls across the carrier, glare adds a bright spot to a part of it."""
        down, right = np.ogrid[0 : self.height, 0 : self.width]
        if shot.shade:
            angle = rng.uniform(0, 2 * math.pi)
            across, below = right / self.width - 0.5, down / self.height - 0.5
            along = across * math.cos(angle) + below * math.sin(angle)
            carrier = carrier * (1 - shot.shade * np.clip(0.5 + 3 * along, 0, 1)).astype(np.float32)
        if shot.glare:
            at = np.mean(corners, axis=0) + rng.uniform(-0.16, 0.16, 2) * self.height
            size = rng.uniform(0.05, 0.1) * self.height
            spot = np.exp(-(((right - at[0]) ** 2 + (down - at[1]) ** 2) / (2 * size * size)))
            carrier = carrier + (255 * shot.glare * spot).astype(np.float32)
        return carrier

    def _shoot_photograph(self, photo: Plane, scene: Plane, shot: Shot) -> Plane:
        """The photograph itself, centred; blurred while it is being raised."""
        picture = scene.copy()
        height, width = photo.shape
        top, left = (self.height - height) // 2, (self.width - width) // 2
        picture[top : top + height, left : left + width] = photo
        if shot.name in ("coming", "raising"):
            return _blur(picture, 6.0, 0.0, np.random.default_rng(0))
        return picture


# -- what is drawn -------------------------------------------------------------------------------------


def _street(rng: np.random.Generator, width: int, height: int) -> Plane:
    """A wall, a door, a few edges; out of focus."""
    small = Image.new("L", (width // 4, height // 4), 120)
    pen = ImageDraw.Draw(small)
    for _ in range(9):
        x, y = rng.uniform(0, small.width), rng.uniform(0, small.height)
        w, h = rng.uniform(0.05, 0.5, 2) * small.size
        pen.rectangle((x, y, x + w, y + h), fill=int(rng.integers(60, 200)))
    soft = small.filter(ImageFilter.GaussianBlur(2)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(soft, dtype=np.float32).copy()


def _code(text: str | None, side: int) -> tuple[Image.Image, int]:
    """A QR code of ``side`` pixels without quiet zone, level M; a blank square for no text."""
    if text is None:
        return Image.new("L", (side, side), 255), 1
    try:
        matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    except segno.DataOverflowError as error:
        raise ValueError(f"no code holds {len(text)} characters") from error
    bits = np.array(matrix, dtype=np.uint8)
    return Image.fromarray(255 - bits * 255).resize((side, side), Image.Resampling.NEAREST), len(bits)


def _paper(code: Image.Image, modules: int, px_mm: float, rng: np.random.Generator) -> Image.Image:
    """A slip: lines of text above, the code, a line below."""
    quiet = math.ceil(code.width / modules * QUIET_ZONE)
    width, above, below = code.width + 2 * quiet, round(11 * px_mm), round(5 * px_mm)
    card = Image.new("L", (width, above + code.height + 2 * quiet + below), 238)
    pen = ImageDraw.Draw(card)
    for line in (2.5, 6.0):
        _words(pen, quiet, line * px_mm, width - 2 * quiet, 1.8 * px_mm, rng)
    ink = code.point([28 if value == 0 else min(value, 238) for value in range(256)])
    card.paste(ink, (quiet, above + quiet))
    _words(pen, quiet, card.height - 4 * px_mm, width * 0.6, 1.6 * px_mm, rng)
    return card


def _phone(
    code: Image.Image, modules: int, px_mm: float, dark_mode: bool, rng: np.random.Generator
) -> Image.Image:
    """A phone: black frame, a screen with a title and the code; in dark mode the screen is inverted."""
    quiet = math.ceil(code.width / modules * QUIET_ZONE)
    frame, above, below = round(3 * px_mm), round(16 * px_mm), round(12 * px_mm)
    screen = Image.new("L", (code.width + 2 * quiet, above + code.height + 2 * quiet + below), 250)
    pen = ImageDraw.Draw(screen)
    _words(pen, quiet, 4 * px_mm, screen.width * 0.5, 2.4 * px_mm, rng)
    _words(pen, quiet, 9 * px_mm, screen.width * 0.7, 1.8 * px_mm, rng)
    screen.paste(code, (quiet, above + quiet))
    _words(pen, quiet, screen.height - 7 * px_mm, screen.width * 0.6, 1.8 * px_mm, rng)
    if dark_mode:
        screen = screen.point([255 - value for value in range(256)])
    card = Image.new("L", (screen.width + 2 * frame, screen.height + 2 * frame), 14)
    card.paste(screen, (frame, frame))
    return card


def _worn(card: Image.Image, showing: Showing, px_mm: float, rng: np.random.Generator) -> Image.Image:
    """What has happened to a carrier: broken glass, drops on it."""
    if showing.cracked:
        card = crack(card, px_mm, rng)
    return put_drops(card, showing.drops, px_mm, rng) if showing.drops else card


def _words(
    pen: ImageDraw.ImageDraw, left: float, top: float, width: float, height: float, rng: np.random.Generator
) -> None:
    """Something that looks like a line of print from afar."""
    at = left
    while at < left + width:
        length = rng.uniform(1.0, 4.0) * height
        pen.rectangle((at, top, min(at + length, left + width), top + height), fill=95)
        at += length + 0.7 * height


def _photograph(path: Path, width: int, height: int) -> Plane:
    """A picture as grey values, scaled down to fit if it is larger, never up (design: qr)."""
    with Image.open(path) as picture:
        if picture.width * picture.height > PHOTO_PIXELS:
            raise ValueError(f"{path.name} is too large")
        grey = picture.convert("L")
    grey.thumbnail((width, height), Image.Resampling.LANCZOS)
    return np.asarray(grey, dtype=np.float32)


# -- optics --------------------------------------------------------------------------------------------


def _turn(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Rotation about the upright, the level and the viewing axis, radians."""
    level = np.array(
        ((1, 0, 0), (0, math.cos(pitch), -math.sin(pitch)), (0, math.sin(pitch), math.cos(pitch)))
    )
    upright = np.array(((math.cos(yaw), 0, -math.sin(yaw)), (0, 1, 0), (math.sin(yaw), 0, math.cos(yaw))))
    viewing = np.array(((math.cos(roll), -math.sin(roll), 0), (math.sin(roll), math.cos(roll), 0), (0, 0, 1)))
    turned: NDArray[np.float64] = level @ upright @ viewing
    return turned


def _homography(corners: list[tuple[float, float]], card: tuple[int, int]) -> tuple[float, ...]:
    """Pillow's eight coefficients: from a point of the picture to one of the card."""
    targets = ((0, 0), (card[0], 0), (card[0], card[1]), (0, card[1]))
    rows: list[tuple[float, ...]] = []
    values: list[float] = []
    for (x, y), (u, v) in zip(corners, targets, strict=True):
        rows.append((x, y, 1, 0, 0, 0, -u * x, -u * y))
        rows.append((0, 0, 0, x, y, 1, -v * x, -v * y))
        values += [u, v]
    return tuple(float(value) for value in np.linalg.solve(np.array(rows), np.array(values)))


def _blur(picture: Plane, radius: float, motion: float, rng: np.random.Generator) -> Plane:
    """Out of focus by a Gaussian radius, moved along a line during the exposure; both in pixels."""
    if radius > 0.3:
        sharp = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
        picture = np.asarray(sharp.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)
    steps = round(motion)
    if steps < 1:
        return picture
    angle = rng.uniform(0, math.pi)
    moved = np.zeros_like(picture)
    for step in range(steps + 1):
        shift = (round(step * math.sin(angle)), round(step * math.cos(angle)))
        moved += np.roll(picture, shift, (0, 1))
    return moved / np.float32(steps + 1)

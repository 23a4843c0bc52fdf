"""Each view of a frame does what its name says, to frames of any size, and leaves time and label alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from drivers import transforms
from drivers.transforms import Transform, frame_of, image_of
from kiosk.errors import DecoderError
from kiosk.model import Frame, Monotonic
from tests.codes import frame

EVERY: dict[str, Transform] = {
    "unsharp": transforms.unsharp,
    "sharpened": transforms.sharpened,
    "smoothed": transforms.smoothed,
    "fine": transforms.threshold(6),
    "adaptive": transforms.adaptive,
    "wide": transforms.threshold(24),
    "contrast": transforms.contrast,
    "inverted": transforms.inverted,
    "vga": transforms.vga,
    "centre": transforms.centre,
    "middle": transforms.middle(2 / 3),
    "within": transforms.within(50),
    "doubled": transforms.scaled(2),
    "reduced": transforms.scaled(0.3),
}


def of(width: int, height: int, level: int = 120) -> Frame:
    return Frame(bytes([level]) * (width * height), width, height, Monotonic(7.5), "from a test")


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90))
def test_any_size_gives_a_frame_that_is_what_it_says_it_is(name: str, width: int, height: int) -> None:
    given_frame = of(width, height)
    after = EVERY[name](given_frame)
    assert memoryview(after.luma).nbytes == after.width * after.height > 0
    assert (after.at, after.label) == (given_frame.at, given_frame.label)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5), (5, 5)])
def test_a_frame_whose_size_is_a_lie_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(DecoderError):
        image_of(Frame(bytes(24), *size, Monotonic(0)))


@pytest.mark.parametrize("radius", [6, 12, 24])
def test_a_local_threshold_finds_what_is_darker_in_light_and_in_shade(radius: int) -> None:
    """A dark stroke keeps black where a hand's shadow makes all of its surroundings darker than it."""
    picture = Image.new("L", (200, 100), 220)
    picture.paste(60, (100, 0, 200, 100))
    for left, level in ((48, 150), (148, 35)):
        picture.paste(level, (left, 20, left + 4, 80))
    after = image_of(transforms.threshold(radius)(frame(picture)))
    assert [after.getpixel((x, 50)) for x in (50, 150)] == [0, 0]
    assert [after.getpixel((x, 50)) for x in (35, 165)] == [255, 255]


def test_plain_paper_with_some_noise_stays_white() -> None:
    noise = Image.effect_noise((200, 100), 4).point(lambda level: level + 60)
    after = image_of(transforms.adaptive(frame(noise.filter(ImageFilter.BoxBlur(1)))))
    assert after.histogram()[255] >= 0.99 * 200 * 100


def test_contrast_stretches_faint_print_and_leaves_even_surfaces_grey() -> None:
    faint = Image.new("L", (200, 100), 100)
    faint.paste(88, (90, 0, 94, 100))
    after = image_of(transforms.contrast(frame(faint)))
    assert after.getpixel((20, 50)) == 128
    stroke, beside = after.getpixel((91, 50)), after.getpixel((97, 50))
    assert isinstance(stroke, int)
    assert isinstance(beside, int)
    assert beside - stroke >= 3.5 * 12


@pytest.mark.parametrize("width", [199, 200, 201, 203])
def test_a_mean_taken_in_steps_stays_where_the_picture_is(width: int) -> None:
    """Whole steps or not: the same as the mean of every pixel, to some levels."""
    picture = Image.linear_gradient("L").resize((width, 150)).rotate(90, expand=True)
    exact = picture.filter(ImageFilter.BoxBlur(12))
    stepped = transforms._local_mean(picture, 12)
    assert stepped.size == picture.size
    apart = [abs(a - b) for a, b in zip(exact.tobytes(), stepped.tobytes(), strict=True)]
    assert max(apart) <= 6
    assert sum(apart) / len(apart) < 1.5


def test_sharpening_and_smoothing_are_opposite_ways() -> None:
    edge = Image.new("L", (60, 20), 100)
    edge.paste(140, (30, 0, 60, 20))
    before = frame(edge)

    def step(after: Frame) -> int:
        row = bytes(after.luma)[10 * 60 : 11 * 60]
        return max(b - a for a, b in pairwise(row))

    assert step(transforms.smoothed(before)) < 40 < step(transforms.sharpened(before))
    assert step(transforms.unsharp(before)) > 40


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("vga", (1280, 960), (640, 480)),
        ("vga", (640, 480), (640, 480)),
        ("vga", (320, 240), (320, 240)),
        ("centre", (1280, 960), (640, 480)),
        ("centre", (1280, 300), (640, 300)),
        ("middle", (640, 480), (427, 320)),
        ("within", (640, 480), (50, 38)),
        ("within", (40, 30), (40, 30)),
        ("doubled", (40, 30), (80, 60)),
    ],
)
def test_sizes(name: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    after = EVERY[name](of(*size))
    assert (after.width, after.height) == expected


@pytest.mark.parametrize("name", ["centre", "middle"])
def test_the_middle_is_the_middle(name: str) -> None:
    picture = Image.new("L", (1280, 960), 0)
    picture.paste(255, (639, 479, 642, 482))
    after = image_of(EVERY[name](frame(picture)))
    assert after.getpixel((after.width // 2, after.height // 2)) == 255


def test_a_view_that_changes_nothing_copies_nothing() -> None:
    small = of(64, 48)
    for name in ("vga", "centre"):
        assert EVERY[name](small) is small
    assert transforms.plain(small) is small


def test_a_chain_goes_from_left_to_right() -> None:
    both = transforms.chain(transforms.scaled(2), transforms.middle(0.5))
    assert (both(of(40, 30)).width, both(of(40, 30)).height) == (40, 30)
    assert frame_of(Image.new("L", (3, 2), 9), of(1, 1)).luma == bytes([9]) * 6

"""Pictures as frames: what is wrong with one is said with a code and stops none of the others."""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from drivers.picture_folder import CAMERA, PictureFolder, load_picture, pictures_in
from drivers.qr_decode import QrDecoder
from kiosk.errors import PictureBroken, PictureError, PictureMissing, PictureTooLarge, PictureUnreadable
from kiosk.model import Frame, Monotonic
from tests.codes import beside, frame, qr

PASS = "GP1:" + "6BFOXN*TS0BI$ZD8UHNAW1KA" * 6


def shown(source: PictureFolder) -> list[Frame]:
    """Every frame there is, polled once a second."""
    frames: list[Frame] = []
    while (found := source.poll(Monotonic(len(frames)))) is not None:
        frames.append(found)
    return frames


def texts(path: Path) -> list[str]:
    return [read.text for read in QrDecoder().decode_still(frame(load_picture(path)))]


# -- as a frame source -------------------------------------------------------------------------------------


def test_a_folders_pictures_come_by_name_stamped_with_the_time_of_the_poll(tmp_path: Path) -> None:
    for name, width in (("b.png", 30), ("a.JPG", 20), ("c.pgm", 40)):
        Image.new("L", (width, 10), 77).save(tmp_path / name, format="PNG" if name == "b.png" else None)
    (tmp_path / "notes.txt").write_text("not a picture")
    source = PictureFolder(tmp_path)
    frames = shown(source)
    assert [(Path(f.label).name, f.width, f.height, f.at) for f in frames] == [
        ("a.JPG", 20, 10, 0.0),
        ("b.png", 30, 10, 1.0),
        ("c.pgm", 40, 10, 2.0),
    ]
    assert bytes(frames[1].luma) == bytes([77]) * 300
    assert source.problems == []
    assert source.poll(Monotonic(9)) is None
    assert source.ended


def test_pictures_and_folders_may_be_mixed_and_each_shown_for_several_frames(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "folder" / "inside.png")
    Image.new("L", (8, 8)).save(tmp_path / "alone.png")
    source = PictureFolder([tmp_path / "alone.png", tmp_path / "folder"], frames_each=2)
    assert not source.ended
    assert [Path(f.label).name for f in shown(source)] == ["alone.png"] * 2 + ["inside.png"] * 2


def test_a_large_photograph_is_reduced_to_what_the_camera_gives_and_a_small_one_kept(tmp_path: Path) -> None:
    beside([qr(PASS, 12)], size=(4000, 3000)).save(tmp_path / "large.png")
    Image.new("L", (100, 50)).save(tmp_path / "small.png")
    large, small = shown(PictureFolder(tmp_path))
    assert (large.width, large.height) == CAMERA
    assert (small.width, small.height) == (100, 50)
    assert [read.text for read in QrDecoder().decode(large)] == [PASS]
    (whole, _) = shown(PictureFolder(tmp_path, fit=None))
    assert (whole.width, whole.height) == (4000, 3000)


def test_closing_ends_the_frames_and_may_be_repeated(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    source = PictureFolder(tmp_path)
    source.close()
    source.close()
    assert source.ended
    assert source.poll(Monotonic(0)) is None


def test_each_bad_picture_is_reported_and_the_good_ones_are_shown(tmp_path: Path) -> None:
    beside([qr(PASS)]).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("just text")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "bomb.png").write_bytes(bomb(60_000, 60_000))
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    source = PictureFolder([tmp_path, tmp_path / "missing.png"])
    assert [Path(f.label).name for f in shown(source)] == ["good.png"]
    assert {problem.path.name: problem.code for problem in source.problems} == {
        "cut.png": "PICTURE_BROKEN",
        "empty.png": "PICTURE_BROKEN",
        "text.png": "PICTURE_BROKEN",
        "pipe.png": "PICTURE_UNREADABLE",
        "gone.png": "PICTURE_MISSING",
        "loop.png": "PICTURE_UNREADABLE",
        "bomb.png": "PICTURE_TOO_LARGE",
        "missing.png": "PICTURE_MISSING",
    }
    assert all(problem.path.name in problem.message for problem in source.problems)


def test_a_folder_that_may_not_be_read_is_a_problem_of_its_own(folder_without_root: Path) -> None:
    (folder_without_root / "shut").mkdir(mode=0)
    source = PictureFolder([folder_without_root / "shut"])
    assert shown(source) == []
    assert [problem.code for problem in source.problems] == ["PICTURE_UNREADABLE"]


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PictureMissing):
        pictures_in(tmp_path / "nowhere")


# -- one picture -------------------------------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize(("width", "height"), [(8000, 8000), (12_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header_before_it_is_unpacked(
    tmp_path: Path, width: int, height: int
) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(width, height))
    with pytest.raises(PictureTooLarge):
        load_picture(tmp_path / "bomb.png")


def test_a_file_of_many_bytes_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(PictureTooLarge, match="bytes"):
        load_picture(tmp_path / "huge.png")


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_a_device_or_a_folder_is_no_picture(path: str) -> None:
    with pytest.raises(PictureUnreadable):
        load_picture(Path(path))


def test_no_interpreter_is_started_for_postscript(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(PictureBroken):
        load_picture(tmp_path / "page.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_phones_orientation_is_undone_mirrored_ones_too(tmp_path: Path, orientation: int) -> None:
    """What a camera held (or mirrored) in any of the eight ways stored shows the same picture upright."""
    upright = beside([qr(PASS)])
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the stored turn is the inverse of the shown one
    stored = upright
    if orientation in undo:
        stored = upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "phone.png", exif=exif)
    assert load_picture(tmp_path / "phone.png").tobytes() == upright.tobytes()


def test_damaged_exif_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    beside([qr(PASS)]).save(tmp_path / "phone.jpg", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\xff")
    assert texts(tmp_path / "phone.jpg") == [PASS]


def test_transparent_pixels_are_white_whatever_colour_they_hide(tmp_path: Path) -> None:
    code = beside([qr(PASS)])
    black = Image.new("RGBA", code.size, "black")
    black.putalpha(ImageOps.invert(code))
    black.save(tmp_path / "alpha.png")
    palette = code.convert("P")
    palette.putpalette([0, 0, 0] * 256)
    palette.save(tmp_path / "palette.png", transparency=255)
    assert texts(tmp_path / "alpha.png") == [PASS]
    assert texts(tmp_path / "palette.png") == [PASS]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "I", "F"])
def test_every_way_of_storing_pixels_gives_the_same_code(tmp_path: Path, mode: str) -> None:
    code = beside([qr(PASS)])
    if mode in ("I;16", "I", "F"):
        deep = code.convert("I").point(lambda level: level * 200)
        picture = deep.convert(mode)
    else:
        picture = code.convert(mode)
    picture.save(tmp_path / "code.tif")
    assert texts(tmp_path / "code.tif") == [PASS]


@pytest.mark.parametrize("name", ["code.png", "code.jpg", "code.webp", "code.gif", "code.bmp", "code.ppm"])
def test_every_usual_kind_of_file_is_read(tmp_path: Path, name: str) -> None:
    beside([qr(PASS)]).convert("RGB").save(tmp_path / name)
    assert texts(tmp_path / name) == [PASS]


def test_a_phones_picture_with_a_depth_map_behind_it_is_read(tmp_path: Path) -> None:
    code = beside([qr(PASS)]).convert("RGB")
    code.save(tmp_path / "code.jpg", format="MPO", save_all=True, append_images=[Image.new("RGB", (64, 64))])
    assert texts(tmp_path / "code.jpg") == [PASS]


# -- damage ------------------------------------------------------------------------------------------------

SAVED: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damaged")
    picture = Image.effect_noise((60, 40), 80)
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif", "a.pgm"):
        if name in ("a.png", "a.jpg"):
            picture.save(folder / name, exif=exif)
        else:
            picture.save(folder / name)
        SAVED[name] = (folder / name).read_bytes()
    return folder


@settings(max_examples=300)
@given(
    st.sampled_from(["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif", "a.pgm"]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12),
    st.integers(0, 4000),
)
def test_a_damaged_picture_is_a_picture_or_a_picture_error(
    folder: Path, name: str, changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(SAVED[name])
    for place, value in changes:
        data[place % len(data)] = value
    path = folder / f"damaged{Path(name).suffix}"
    path.write_bytes(data[: max(1, length)] if length % 3 == 0 else data)
    # Anything but a PictureError fails the test.
    with suppress(PictureError):
        image = load_picture(path, max_pixels=1_000_000)
        assert image.mode == "L"
        assert len(image.tobytes()) == image.width * image.height <= 1_000_000

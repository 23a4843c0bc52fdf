"""Video files: their own pace on the caller's clock, and every hostile or damaged one has its code."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from drivers.qr_decode import QrDecoder
from drivers.video_file import VideoFile
from kiosk.errors import DeviceError, PictureBroken, PictureMissing, PictureTooLarge, PictureUnreadable
from kiosk.model import Monotonic
from tests.data import conformance_data
from tests.videos import number_of, numbered, write


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures, ten a second."""
    return numbered(tmp_path_factory.mktemp("film") / "numbered.mp4", 30)


def played(path: Path, step: float, start: float = 100.0) -> tuple[list[tuple[float, int]], VideoFile]:
    """Time (since the start) and number of each frame, polled every ``step`` seconds."""
    video = VideoFile(path)
    seen = []
    turn = 0
    while not video.ended and turn < 10_000:
        frame = video.poll(Monotonic(start + turn * step))
        if frame is not None:
            seen.append((round(frame.at - start, 3), number_of(frame.luma)))
        turn += 1
    video.close()
    return seen, video


def test_every_picture_comes_once_at_its_time(film: Path) -> None:
    seen, video = played(film, 0.01)
    assert seen == [(number / 10, number) for number in range(30)]
    assert (video.shown, video.damaged) == (30, 0)


def test_a_slow_caller_gets_the_newest_picture_of_each_time(film: Path) -> None:
    seen, _ = played(film, 0.45)
    assert [number for _, number in seen] == [0, 4, 9, 13, 18, 22, 27, 29]


def test_a_caller_who_comes_much_too_late_gets_the_last_picture(film: Path) -> None:
    video = VideoFile(film)
    video.poll(Monotonic(0.0))
    frame = video.poll(Monotonic(1000.0))
    assert frame is not None
    assert number_of(frame.luma) == 29
    assert not video.ended
    assert video.poll(Monotonic(1000.1)) is None
    assert video.ended
    video.close()


def test_a_picture_that_stays_is_shown_again_each_second(tmp_path: Path) -> None:
    """A film of a screen has a picture when something moves; a camera there would not have stalled."""
    pictures = [Image.new("L", (64, 48), level) for level in (0, 80, 160)]
    still = write(tmp_path / "still.mp4", pictures, 10, times=[0, 45, 50])
    seen, _ = played(still, 0.1)
    assert [number for _, number in seen] == [0, 0, 0, 0, 0, 10, 20]
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(seen)]
    assert max(gaps) <= 1.05


def test_no_time_stamp_makes_it_last_for_years(tmp_path: Path) -> None:
    pictures = [Image.new("L", (64, 48), level) for level in (0, 80, 160)]
    years = write(tmp_path / "years.mkv", pictures, 10, times=[0, 1, 10**9])
    seen, video = played(years, 0.5)
    assert seen[-1][0] <= 6.0
    assert video.ended


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "mov", "ts"])
def test_containers_that_phones_and_cameras_make(suffix: str, tmp_path: Path) -> None:
    seen, _ = played(numbered(tmp_path / f"film.{suffix}", 10), 0.02)
    assert [number for _, number in seen] == list(range(10))


def test_large_pictures_are_reduced_as_they_lie(tmp_path: Path) -> None:
    for size, fits in (((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280)), ((66, 50), (66, 50))):
        video = VideoFile(numbered(tmp_path / f"{size[0]}.mp4", 2, size=size))
        frame = video.poll(Monotonic(0.0))
        assert frame is not None
        assert (frame.width, frame.height) == fits
        video.close()


# -- what is wrong with a file ------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PictureMissing, match="no such file"):
        VideoFile(tmp_path / "film.mp4")
    with pytest.raises(PictureMissing):
        VideoFile(tmp_path / "film.mp4" / "inside")


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("/proc")])
def test_devices_and_folders_are_no_films(path: Path) -> None:
    with pytest.raises(PictureUnreadable, match="not an ordinary file"):
        VideoFile(path)


def test_a_file_that_may_not_be_read(folder_without_root: Path) -> None:
    secret = folder_without_root / "film.mp4"
    secret.write_bytes(b"x")
    secret.chmod(0)
    with pytest.raises(PictureUnreadable, match="Permission denied"):
        VideoFile(secret)


def contents(film: Path) -> dict[str, bytes]:
    whole = film.read_bytes()
    return {
        "empty": b"",
        "text": b"a shopping list\n" * 100,
        "cut short": whole[: len(whole) // 2],
        "a play list": b"#EXTM3U\n#EXTINF:10,\n" + str(film).encode() + b"\n#EXT-X-ENDLIST\n",
        "a list of files": b"ffconcat version 1.0\nfile " + str(film).encode() + b"\n",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "zeros": bytes(100_000),
    }


@pytest.mark.parametrize("kind", sorted(contents(Path(__file__))))
def test_what_is_no_film_says_so_with_a_stable_code(kind: str, film: Path, tmp_path: Path) -> None:
    """Play lists too: they would make the reader open other files and addresses."""
    hostile = tmp_path / "film.mp4"
    hostile.write_bytes(contents(film)[kind])
    with pytest.raises(PictureBroken, match="not a video that can be read"):
        VideoFile(hostile)


def test_a_file_is_never_an_address(tmp_path: Path) -> None:
    for name in ("http:evil.mp4", "concat:a.mp4|b.mp4", "-"):
        with pytest.raises(PictureMissing):
            VideoFile(Path(name))


def test_more_pixels_than_a_film_has_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.y4m"
    bomb.write_bytes(b"YUV4MPEG2 W16000 H16000 F25:1 Ip C420\nFRAME\n" + bytes(1000))
    with pytest.raises((PictureTooLarge, PictureBroken)):
        VideoFile(bomb)


def test_sound_alone_has_no_pictures(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    with pytest.raises(PictureBroken):
        VideoFile(tmp_path / "sound.wav")


@pytest.mark.parametrize("where", [0.7, 1.0])
def test_damage_costs_pictures_and_nothing_else(where: float, film: Path, tmp_path: Path) -> None:
    """Among the pictures, and in the table at the end: it ends, or it says why."""
    whole = film.read_bytes()
    rng = random.Random(7)
    outcomes = []
    for attempt in range(4):
        broken = bytearray(whole)
        for _ in range(40):
            broken[rng.randrange(64, int(len(whole) * where))] ^= 1 << rng.randrange(8)
        path = tmp_path / f"{attempt}.mp4"
        path.write_bytes(broken)
        outcomes.append(outcome(path))
    assert set(outcomes) <= {"ended", "PICTURE_BROKEN", "PICTURE_TOO_LARGE"}
    assert where == 1.0 or "ended" in outcomes


def outcome(path: Path) -> str:
    try:
        _, video = played(path, 0.1)
    except DeviceError as error:
        return error.code
    return "ended" if video.ended else "endless"


@pytest.mark.conformance
def test_the_hand_held_film_of_a_code_is_read() -> None:
    """Some pictures a second, as a gate that is busy would look."""
    video, decoder = VideoFile(conformance_data() / "qr" / "movie.mp4"), QrDecoder()
    shown = read = 0
    texts: set[str] = set()
    now = 0.0
    while not video.ended:
        frame = video.poll(Monotonic(now))
        now += 1.2
        if frame is not None:
            found = decoder.decode(frame)
            shown, read = shown + 1, read + bool(found)
            texts |= {one.text for one in found}
    video.close()
    assert shown == 25
    assert read >= 0.98 * shown
    assert "http://www.lonelyplanet.com/" in texts

"""The demo's gate behind a film or a camera of one's own: a pass held up goes green, another does not."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from drivers.webcam import Webcam
from kiosk import scenario
from kiosk.commands.demo_camera import (
    Film,
    LiveCamera,
    OwnCamera,
    OwnGate,
    demo_passes,
    empty_street,
    print_pass,
    shortened,
    usb_camera,
    wait_for_enter,
)
from kiosk.config import load
from kiosk.errors import DeviceAbsent, Usage
from kiosk.model import Category, Light, Reason, Seconds, Verdict
from kiosk.person import Passage
from kiosk.simulation import Place
from tests.videos import numbered, write

LIMIT_S = 60.0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.lay_out(tmp_path / "gate", empty_street(scenario.load("ordinary"), "film", "en"))


def code(text: str, folder: Path) -> Image.Image:
    """A pass on a phone that fills a good part of the picture."""
    from kiosk.passes.symbol import symbol

    symbol(text).save(str(folder / "code.png"), scale=6, border=8)
    with Image.open(folder / "code.png") as drawn:
        page = Image.new("L", (640, 480), 130)
        page.paste(drawn.convert("L"), (80, 30))
        return page


def film_of(folder: Path, *pages: tuple[Image.Image, int]) -> Path:
    """So many tenths of a second of each page."""
    every = [page for page, tenths in pages for _ in range(tenths)]
    return write(folder / "film.mp4", every, 10)


WALL = Image.new("L", (640, 480), 120)


class Until:
    """Stops a run once something holds, or after a while."""

    def __init__(self, holds: Callable[[], bool]) -> None:
        self._holds = holds
        self._never = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        return self._holds() or self._never.wait(timeout)


def run(place: Place, camera: OwnCamera, speed: float, enough: int | None = None) -> list[Passage]:
    answered: list[Passage] = []
    with OwnGate(place, load(place.config_file), camera) as gate:
        gate.gate.observers.append(answered.append)
        stop = Until(lambda: enough is not None and len(answered) >= enough)
        gate.run(speed, stop)
        assert gate.renderer._process.poll() is not None
        if answered and answered[-1].decision.verdict is Verdict.ADMIT:
            assert Light.ADMIT in [change.light for change in gate.lamp.history]
    camera.close()
    return answered


def pass_of(place: Place) -> str:
    return demo_passes(place, None)


# -- films ---------------------------------------------------------------------------------------------------


def test_a_film_of_a_pass_goes_green_with_a_simulated_forehead(place: Place, tmp_path: Path) -> None:
    film = Film(film_of(tmp_path, (WALL, 10), (code(pass_of(place), tmp_path), 30), (WALL, 60)), "en")
    (answer,) = run(place, film, 20.0)
    assert answer.decision.verdict is Verdict.ADMIT
    assert answer.decision.reasons == (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL)
    assert answer.person.reading is not None
    said = film.to_map()["video"]
    assert 5 <= said["read"] <= 31
    assert said["read"] < said["frames"]
    assert said["answers"] == [
        {"verdict": "ADMIT", "reasons": ["PASS_VALID", "TEMPERATURE_NORMAL"], "times": 1}
    ]


def test_a_film_without_a_code_ends_without_anybody(place: Place, tmp_path: Path) -> None:
    film = Film(numbered(tmp_path / "film.mp4", 20), "en")
    assert run(place, film, 100.0) == []
    out = io.StringIO()
    film.tell(Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("film.mp4: a code was read in 0 of ")
    assert lines[-1] == "nobody was answered"


def test_a_pass_of_another_demo_opens_nothing(place: Place, tmp_path: Path) -> None:
    other = Place.lay_out(tmp_path / "other", place.scenario)
    film = Film(film_of(tmp_path, (code(pass_of(other), tmp_path), 20), (WALL, 10)), "en")
    (answer,) = run(place, film, 20.0)
    assert answer.decision.verdict is not Verdict.ADMIT
    assert answer.person.reading is None


def test_what_strangers_write_into_a_code_stays_short_and_harmless(place: Place, tmp_path: Path) -> None:
    import segno

    segno.make_qr("evil\n\x1b[31m" + "A" * 200).save(str(tmp_path / "x.png"), scale=4)
    with Image.open(tmp_path / "x.png") as drawn:
        page = Image.new("L", (640, 480), 130)
        page.paste(drawn.convert("L"), (50, 50))
    film = Film(film_of(tmp_path, (page, 10)), "en")
    run(place, film, 50.0)
    (text,) = film.to_map()["video"]["texts"]
    assert text == shortened(text)
    assert len(text) == 48
    assert text.startswith("evil··[31mAAA")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda folder: folder / "nothing.mp4", "no such file"),
        (lambda folder: Path("/dev/null"), "not an ordinary file"),
        (lambda folder: Path(__file__), "not a video that can be read"),
    ],
)
def test_what_is_no_film_is_a_wrong_word(made: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(Usage, match=words):
        Film(made(tmp_path), "en")


def test_a_film_whose_process_dies_ends_and_the_fault_is_told(place: Place, tmp_path: Path) -> None:
    film = Film(numbered(tmp_path / "film.mp4", 200), "en")
    with OwnGate(place, load(place.config_file), film) as gate:
        turns = iter(range(10_000))
        faults: set[str] = set()

        def after_turn() -> None:
            if next(turns) == 20:
                os.kill(film._video.pid, signal.SIGKILL)
            faults.update(gate.gate.surroundings.health.snapshot().values())

        gate.run(200.0, Until(lambda: False), after_turn)
    assert "DEVICE_STALLED" in faults
    assert film.over


# -- cameras -------------------------------------------------------------------------------------------------


def test_a_pass_held_up_to_a_camera_goes_green(place: Place, tmp_path: Path) -> None:
    """A live source in real time (four times: the test's time), through the same process as a USB camera."""
    film = film_of(tmp_path, (WALL, 3), (code(pass_of(place), tmp_path), 17))
    camera = LiveCamera(lambda: Webcam(f"movie={film}:loop=0,setpts=N/10/TB,realtime", kind="lavfi"), "cam")
    (answer,) = run(place, camera, 4.0, enough=1)
    assert answer.decision.verdict is Verdict.ADMIT


def test_a_wrong_device_is_told_before_anything_else() -> None:
    with pytest.raises(DeviceAbsent, match="/dev/video99: No such file or directory"):
        usb_camera("/dev/video99", "en")


class Scripted:
    """A source that fails when it is told to."""

    def __init__(self) -> None:
        self.closed = 0

    def poll(self, now: object) -> None:
        return None

    def close(self) -> None:
        self.closed += 1


def test_the_camera_opened_first_is_the_one_that_is_used_and_the_next_is_a_new_one() -> None:
    made: list[Scripted] = []

    def opener() -> Scripted:
        made.append(Scripted())
        return made[-1]

    camera = LiveCamera(opener, "cam")
    assert camera.open() is made[0]
    assert camera.open() is made[1]
    camera.close()
    assert [one.closed for one in made] == [0, 0]
    unused = LiveCamera(opener, "cam")
    unused.close()
    assert made[2].closed == 1


# -- passes to hold up ---------------------------------------------------------------------------------------


def test_a_pass_is_printed_and_pictures_of_three_are_kept(place: Place, tmp_path: Path) -> None:
    from drivers.picture_folder import PictureFolder
    from drivers.qr_decode import QrDecoder
    from kiosk.model import Monotonic

    text = demo_passes(place, tmp_path / "passes")
    folder = PictureFolder(sorted((tmp_path / "passes").glob("*.png")))
    frames = iter(lambda: folder.poll(Monotonic(0.0)), None)
    texts = [read.text for frame in frames if frame for read in QrDecoder().decode_still(frame)]
    assert len(set(texts)) == 3
    assert texts[0] == text
    out = io.StringIO()
    print_pass(text, "en", out)
    lines = out.getvalue().splitlines()
    assert "photograph it" in lines[-1]
    assert max(len(line) for line in lines[:-1]) <= 80
    assert len(lines) <= 40


def test_the_gate_waits_for_enter_where_somebody_sits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard, terminal = os.openpty()
    with open(terminal, encoding="utf-8") as stdin:  # noqa: PTH123 a descriptor
        monkeypatch.setattr("sys.stdin", stdin)
        looks = iter(range(1000))

        def enter_after_three_looks() -> bool:
            if next(looks) == 3:
                os.write(keyboard, b"\n")
            return False

        wait_for_enter(Until(enter_after_three_looks), "en")
        assert "press Enter" in capsys.readouterr().out
        assert 3 < next(looks) < 100
        wait_for_enter(Until(lambda: True), "en")  # Control-C ends the wait too
    os.close(keyboard)
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    wait_for_enter(Until(lambda: False), "en")
    assert capsys.readouterr().out == ""


def test_the_empty_street_has_nobody_but_a_forehead(place: Place) -> None:
    assert scenario.people(place.scenario) == ()
    (kind,) = place.scenario.cast.values()
    assert kind.title == "whoever shows it, with a simulated forehead"
    assert kind.category in Category
    assert Seconds(0.0) <= kind.lean_s.mean <= 1.0

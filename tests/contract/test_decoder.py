"""One suite for the pass reader over files and over the simulated camera: the gate can't tell them apart.

Both put the same decoders behind a :class:`FrameSource`; what differs is where the frames come from.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from drivers.picture_folder import PictureFolder
from drivers.qr_decode import FrameReader, QrDecoder
from drivers.simulated.clock import VirtualClock
from drivers.simulated.frames import Renderer
from drivers.simulated.lamp import SimulatedLamp
from drivers.simulated.qr_camera import SimulatedQrCamera
from drivers.simulated.world import World
from kiosk.devices import EndingSource, FrameSource, PassReader
from kiosk.errors import DeviceAbsent
from kiosk.model import CodeRead, Frame, Monotonic
from tests.codes import beside, qr
from tests.unit.drivers.simulated.street import play

PASS = "GP1:" + "6BFOXN*TS0BI$ZD8UHNAW1KA%$O:WF/ H*JMU967HRLX8LDD2CW/+61 4960F6" * 3
STARTED = Monotonic(50.0)
FRAME_S = 1 / 15
LONGEST_S = 5.0
"""Long enough for a person to walk up and hold the pass out, or for every picture of the folder."""


class Watched:
    """A frame source that keeps what it handed out."""

    def __init__(self, source: FrameSource) -> None:
        self.source = source
        self.frames: list[Frame] = []

    def poll(self, now: Monotonic) -> Frame | None:
        frame = self.source.poll(now)
        if frame is not None:
            self.frames.append(frame)
        return frame

    @property
    def ended(self) -> bool:
        return isinstance(self.source, EndingSource) and self.source.ended

    def close(self) -> None:
        self.source.close()


@dataclass
class Rig:
    """A pass reader before which somebody shows PASS and later leaves."""

    camera: Watched
    reader: FrameReader
    clock: VirtualClock

    def watch(self, seconds: float = LONGEST_S) -> list[CodeRead]:
        """What is read while time passes at a camera's pace."""
        reads: list[CodeRead] = []
        for _ in range(round(seconds / FRAME_S)):
            self.clock.advance(FRAME_S)
            reads += self.reader.poll(self.clock.monotonic())
        return reads


Opener = Callable[[Path], AbstractContextManager[Rig]]


def _rig(source: FrameSource, clock: VirtualClock) -> Rig:
    camera = Watched(source)
    return Rig(camera, FrameReader(camera, QrDecoder(), clock=clock), clock)


@contextmanager
def folder_rig(folder: Path) -> Iterator[Rig]:
    """An empty place, a pass, an empty place again; among them what is no picture."""
    empty = Image.new("L", (640, 480), 120)
    shown = (empty, beside([qr(PASS, 3)], size=empty.size), empty)
    for number, picture in enumerate(shown):
        picture.save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    clock = VirtualClock(start=STARTED)
    source = PictureFolder(folder, frames_each=4)
    yield _rig(source, clock)
    source.close()


@contextmanager
def simulated_rig(folder: Path) -> Iterator[Rig]:
    """A person who walks up and shows a pass; nobody answers, so they give up in the end."""
    scenario = play("anna: ", "0.5 anna")
    clock = VirtualClock(scenario.starts, start=STARTED)
    world = World(scenario, SimulatedLamp(clock=clock), started=STARTED)
    with Renderer({}, seed=1, issue=lambda person: PASS) as renderer:
        source = SimulatedQrCamera(world, renderer)
        yield _rig(source, clock)
        source.close()


RIGS: dict[str, Opener] = {"pictures": folder_rig, "simulated": simulated_rig}


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with RIGS[request.param](tmp_path) as rig:
        yield rig


def test_the_pass_is_read_to_the_letter_and_nothing_else(rig: Rig) -> None:
    reads = rig.watch()
    assert {(read.text, read.symbology) for read in reads} == {(PASS, "QRCode")}
    assert {read.decoder.split()[0] for read in reads} <= set(rig.reader.decoder.live)
    assert rig.reader.decoder.failures == 0


def test_a_read_has_the_time_of_a_frame_that_was_there(rig: Rig) -> None:
    reads = rig.watch()
    times = [frame.at for frame in rig.camera.frames]
    assert {read.at for read in reads} <= set(times)
    assert times == sorted(times)
    assert all(STARTED <= at <= rig.clock.monotonic() for at in times)


def test_a_frame_is_luma_alone_row_by_row_without_padding(rig: Rig) -> None:
    rig.watch(2.0)
    assert rig.camera.frames
    for frame in rig.camera.frames:
        assert memoryview(frame.luma).nbytes == frame.width * frame.height
        assert isinstance(frame.label, str)


def test_polled_twice_at_once_it_has_no_second_frame_of_the_camera(rig: Rig) -> None:
    """The newest frame wins and is handed out once. A folder's next picture is a frame of its own."""
    rig.clock.advance(1.0)
    rig.reader.poll(rig.clock.monotonic())
    rig.reader.poll(rig.clock.monotonic())
    expected = 2 if isinstance(rig.camera.source, PictureFolder) else 1
    assert len(rig.camera.frames) == expected


def test_frames_missed_between_two_polls_are_no_backlog(rig: Rig) -> None:
    rig.clock.advance(5.0)
    rig.reader.poll(rig.clock.monotonic())
    assert len(rig.camera.frames) == 1
    assert rig.clock.monotonic() - rig.camera.frames[0].at <= FRAME_S


def test_closed_any_number_of_times_it_reads_no_more(rig: Rig) -> None:
    rig.watch(1.0)
    rig.reader.close()
    rig.reader.close()
    seen = len(rig.camera.frames)
    with suppress(DeviceAbsent):  # what a camera says; a folder has simply come to its end
        assert rig.watch(1.0) == []
    assert len(rig.camera.frames) == seen


def test_where_nothing_is_shown_nothing_is_read(tmp_path: Path) -> None:
    Image.new("L", (640, 480), 120).save(tmp_path / "empty.png")
    with simulated_rig(tmp_path) as street:
        assert street.watch(0.4) == []
        assert street.camera.frames
    reader = FrameReader(PictureFolder(tmp_path, frames_each=8), QrDecoder())
    assert [reader.poll(Monotonic(at)) for at in range(10)] == [[]] * 10


@pytest.mark.parametrize("source", [PictureFolder, SimulatedQrCamera])
def test_the_methods_of_a_frame_source_are_there_with_the_same_arguments(source: type[FrameSource]) -> None:
    for method in ("poll", "close"):
        promised = inspect.signature(getattr(FrameSource, method))
        assert list(inspect.signature(getattr(source, method)).parameters) == list(promised.parameters)


def test_the_reader_is_a_pass_reader(rig: Rig) -> None:
    reader: PassReader = rig.reader
    assert list(inspect.signature(reader.poll).parameters) == ["now"]
    assert list(inspect.signature(reader.close).parameters) == []

"""Every source of frames behind one set of levers: let pictures come, take the camera away, let it hang."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from drivers.picture_folder import PictureFolder
from drivers.qr_camera import SIZE, QrCamera
from drivers.simulated.clock import VirtualClock
from drivers.simulated.frames import Renderer
from drivers.simulated.lamp import SimulatedLamp
from drivers.simulated.qr_camera import SimulatedQrCamera
from drivers.simulated.world import World
from drivers.video_file import VideoFile
from drivers.webcam import Webcam
from kiosk.devices import FrameSource
from kiosk.errors import DeviceAbsent, DeviceError, PictureMissing
from kiosk.model import Frame, Monotonic, Seconds
from kiosk.scenario import load
from tests.contract.picamera2_stand_in import Bench
from tests.videos import CAMERA_LIKE, number_of, numbered

LIMIT_S = 20.0
"""Real seconds after which a process that does not answer is a failure of the test."""


@dataclass
class Rig:
    """One kind of source; time is the caller's, and real time passes only where a real process runs."""

    open: Callable[[], FrameSource]
    advance: Callable[[float], Monotonic]
    """Let so much time pass, and pictures come meanwhile; the time then."""
    take_away: Callable[[], object] | None = None
    bring_back: Callable[[], object] = lambda: None
    hang: Callable[[FrameSource], object] | None = None
    absent: type[DeviceError] = DeviceAbsent
    numbers: Callable[[Frame], int] | None = None
    """Which picture of the source this is, where pictures follow time."""
    ending: bool = False
    modulo: int = 31
    opened: list[FrameSource] = field(default_factory=list)

    def start(self) -> FrameSource:
        source = self.open()
        self.opened.append(source)
        return source

    def next_frame(self, source: FrameSource) -> Frame:
        """The next frame that comes; time passes in small steps."""
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit:
            frame = source.poll(self.advance(0.01))
            if frame is not None:
                return frame
        raise AssertionError("no frame came")


Opener = Callable[[Path], Any]


class Steps:
    """A clock that goes by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self, seconds: float) -> Monotonic:
        self.now += seconds
        return Monotonic(self.now)


@contextmanager
def picamera2(_folder: Path) -> Iterator[Rig]:
    bench, clock, sent = Bench(), Steps(), [0]
    there = bench.found

    def advance(seconds: float) -> Monotonic:
        """20 pictures a second, whole ones: each poll of 10 ms is a fifth of one."""
        clock(seconds)
        while sent[0] < (clock.now - 100.0) * 20 - 1e-6:
            if "hang" not in bench.fails:
                bench.deliver(bytes([sent[0] % 256]) * (SIZE[0] * SIZE[1]), 100.0 + sent[0] / 20)
            sent[0] += 1
        return Monotonic(clock.now)

    yield Rig(
        open=lambda: QrCamera(library=bench.module(), clock=lambda: clock.now),
        advance=advance,
        take_away=bench.found.clear,
        bring_back=lambda: there.append({"Model": "imx708", "Num": 0}),
        hang=lambda _: bench.fails.setdefault("hang", RuntimeError()),
        numbers=lambda frame: frame.luma[0],
        modulo=256,
    )
    assert bench.open == []


@contextmanager
def webcam(folder: Path) -> Iterator[Rig]:
    """The real frame process over FFmpeg's own pictures, at 30 a second of real time."""
    device = ["nowhere"]

    def source() -> FrameSource:
        if device[0] == "nowhere":
            return Webcam(str(folder / "video0"))
        return Webcam(device[0], kind="lavfi")

    def advance(seconds: float) -> Monotonic:
        time.sleep(seconds)  # the one clock that a real process has
        return Monotonic(time.clock_gettime(time.CLOCK_BOOTTIME))

    def plug_in() -> None:
        device[0] = CAMERA_LIKE.format(width=64, height=48)

    plug_in()
    yield Rig(
        open=source,
        advance=advance,
        take_away=lambda: device.__setitem__(0, "nowhere"),
        bring_back=plug_in,
        hang=_stop_process,
        numbers=lambda frame: number_of(frame.luma),
    )


@contextmanager
def video_file(folder: Path) -> Iterator[Rig]:
    file = numbered(folder / "numbered.mp4", 31)
    elsewhere = folder / "elsewhere.mp4"
    yield Rig(
        open=lambda: VideoFile(file, wait_s=Seconds(0.3)),
        advance=Steps(),
        take_away=lambda: file.rename(elsewhere),
        bring_back=lambda: elsewhere.rename(file),
        hang=_stop_process,
        absent=PictureMissing,
        numbers=lambda frame: number_of(frame.luma),
        ending=True,
    )


@contextmanager
def picture_folder(folder: Path) -> Iterator[Rig]:
    for number in range(5):
        Image.new("L", (64, 48), number).save(folder / f"{number}.png")
    yield Rig(open=lambda: PictureFolder(folder), advance=Steps(), ending=True)


@contextmanager
def simulated(_folder: Path) -> Iterator[Rig]:
    clock = VirtualClock(start=Monotonic(100.0))
    world = World(load("ordinary"), SimulatedLamp(clock=clock), started=Monotonic(100.0))

    def advance(seconds: float) -> Monotonic:
        clock.advance(seconds)
        world.step(clock.monotonic())
        return clock.monotonic()

    with Renderer({}, seed=1, width=64, height=48) as renderer:
        yield Rig(
            open=lambda: SimulatedQrCamera(world, renderer),
            advance=advance,
            take_away=lambda: world.inject("camera_gone", True),
            bring_back=lambda: world.inject("camera_gone", False),
            hang=lambda _: world.inject("camera_stalled", True),
        )


def _stop_process(source: FrameSource) -> None:
    pid: int = source.pid  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGSTOP)
    # The signal takes its time to reach every thread.
    limit = time.monotonic() + LIMIT_S
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < limit


RIGS: dict[str, Opener] = {
    "picamera2": picamera2,
    "webcam": webcam,
    "video_file": video_file,
    "picture_folder": picture_folder,
    "simulated": simulated,
}

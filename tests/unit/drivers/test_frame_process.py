"""The frame process and the gate's end of it: nothing that happens there hangs or outlives the gate."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frame_link import FrameLink
from drivers.frame_process import CAPACITY, fitted
from drivers.webcam import Webcam
from kiosk.errors import DeviceAbsent, DeviceError, DeviceStalled
from kiosk.model import Monotonic, Seconds
from tests.videos import CAMERA_LIKE, number_of

SOURCE = CAMERA_LIKE.format(width=64, height=48)
LIMIT_S = Seconds(20.0)
ORDER = {"input": SOURCE, "format": "lavfi", "live": True}


@pytest.fixture
def link() -> Iterator[FrameLink]:
    made = FrameLink("test camera", ORDER)
    yield made
    made.close()


def wait_for_the_end(pid: int) -> None:
    handle = os.pidfd_open(pid)
    try:
        # Readable once the process has ended (pidfd_open(2)).
        assert select.select([handle], [], [], LIMIT_S)[0], f"process {pid} is still there"
    finally:
        os.close(handle)


@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_any_picture_is_fitted_into_the_memory_without_being_enlarged(width: int, height: int) -> None:
    wide, high = fitted(width, height)
    assert 1 <= wide <= width
    assert 1 <= high <= height
    assert wide * high <= CAPACITY
    assert (wide, high) == (width, height) or max(wide / 1280, high / 960, wide / 960) >= 0.75


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((1280, 960), (1280, 960)),
        ((640, 480), (640, 480)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
    ],
)
def test_a_picture_is_reduced_as_it_lies(size: tuple[int, int], seen: tuple[int, int]) -> None:
    assert fitted(*size) == seen


def test_a_picture_is_read_in_the_shared_memory_and_gone_with_the_next_question(link: FrameLink) -> None:
    link.ask({})
    answer = link.answer(LIMIT_S)
    assert answer is not None
    frame = link.frame(answer, Monotonic(1.0))
    assert len(frame.luma) == 64 * 48
    first = number_of(frame.luma)
    link.ask({})
    with pytest.raises(ValueError, match="released"):
        bytes(frame.luma)
    answer = link.answer(LIMIT_S)
    assert answer is not None
    assert number_of(link.frame(answer, Monotonic(1.0)).luma) != first


def test_an_answer_that_has_not_come_yet_is_none(link: FrameLink) -> None:
    os.kill(link.pid, signal.SIGSTOP)
    link.ask({})
    # One may have been on its way before the signal.
    answers = [link.answer(Seconds(0.05)) for _ in range(2) if link.asked]
    assert answers[-1] is None


def test_a_process_that_dies_is_a_stall_not_a_wait(link: FrameLink) -> None:
    os.kill(link.pid, signal.SIGKILL)
    link.ask({})
    with pytest.raises(DeviceStalled, match="the frame process has ended"):
        link.answer(LIMIT_S)
    link.close()
    link.close()


def test_what_the_process_says_last_is_told() -> None:
    with pytest.raises(DeviceStalled, match=r"has ended: .*KeyError.*live"):
        FrameLink("test camera", {"input": "x"})


def test_without_the_package_it_says_which_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('no module of this name')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DeviceAbsent, match="apt install python3-av"):
        FrameLink("test camera", ORDER)
    with pytest.raises(DeviceAbsent) as caught:
        Webcam("/dev/video0")
    assert "plugged in" not in str(caught.value)


def test_a_module_in_the_folder_where_one_stands_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts a demo among a stranger's files must not run them."""
    (tmp_path / "av.py").write_text("raise ImportError('a stranger')")
    monkeypatch.chdir(tmp_path)
    FrameLink("test camera", ORDER).close()


def test_it_ends_when_it_is_closed(link: FrameLink) -> None:
    pid = link.pid
    link.close()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_gate_however_that_ends(signal_number: signal.Signals) -> None:
    words = (
        "import signal, sys; from drivers.webcam import Webcam;"
        " print(Webcam(sys.argv[1], kind='lavfi').pid, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", words, SOURCE], stdout=subprocess.PIPE, text=True) as gate:
        assert gate.stdout is not None
        pid = int(gate.stdout.readline())
        handle = os.pidfd_open(pid)
        try:
            gate.send_signal(signal_number)
            assert select.select([handle], [], [], LIMIT_S)[0], "the frame process is still there"
        finally:
            os.close(handle)


def test_a_hung_one_is_killed_as_it_is_closed(link: FrameLink) -> None:
    os.kill(link.pid, signal.SIGSTOP)
    pid = link.pid
    link.close()
    assert not Path(f"/proc/{pid}").exists()


def test_nothing_is_left_open() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    for _ in range(3):
        FrameLink("test camera", ORDER).close()
        with pytest.raises(DeviceError):
            FrameLink("test camera", ORDER | {"input": "no such filter"})
    assert descriptors() == before


@pytest.mark.parametrize(
    "said",
    [
        b"no json",
        b"{}]",
        b"[1]",
        b'{"width": 1281, "height": 960}',
        b'{"width": -4, "height": 4}',
        b'{"width": "8", "height": 8}',
        b'{"width": 8}',
        b'{"width": -4, "height": -4, "taken": 1}',
        b'{"width": 1.5, "height": 2, "taken": 1}',
        b'{"width": true, "height": 2, "taken": 1}',
        b'{"width": 4, "height": 4}',
        b'{"width": 4, "height": 4, "taken": "now"}',
        b'{"width": 4, "height": 4, "taken": NaN}',
        b'{"width": 4, "height": 4, "at": 1e999}',
        b'{"ended": false, "damaged": "many"}',
        b"[" * 60_000,
        b'{"error": "DEVICE"}',
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_of_the_device(link: FrameLink, said: bytes) -> None:
    with pytest.raises(DeviceError):
        link._checked(said)


def test_the_gates_process_loads_neither_ffmpeg_nor_numpy() -> None:
    words = (
        "import sys; from drivers.webcam import Webcam; from drivers.video_file import VideoFile;"
        " camera = Webcam(sys.argv[1], kind='lavfi'); camera.poll(1.0); camera.close(); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", words, SOURCE], capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    assert not {"av", "numpy", "PIL"} & set(done.stdout.split())


def test_control_c_is_for_the_gate_alone(link: FrameLink) -> None:
    assert os.getsid(link.pid) != os.getsid(0)
    camera = Webcam(SOURCE, kind="lavfi")
    try:
        assert os.getpgid(camera.pid) != os.getpgid(0)
    finally:
        camera.close()

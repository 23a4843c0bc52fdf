"""USB cameras: which error for which mistake. Pictures are in the contract and in test_frame_process."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from drivers.frame_link import OPEN_S
from drivers.frame_process import _STATES
from drivers.qr_decode import FrameReader, QrDecoder
from drivers.webcam import REMEDIES, Webcam
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission, DeviceStalled
from kiosk.model import Monotonic
from tests.videos import write

CODES = {error.code: error for error in (DeviceAbsent, DeviceBusy, DeviceError, DevicePermission)}


def test_no_such_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsent, match=r"video9: No such file or directory \(is a camera plugged in"):
        Webcam(str(tmp_path / "video9"))


@pytest.mark.parametrize("device", ["/dev/null", "/etc/passwd"])
def test_what_is_no_camera(device: str) -> None:
    with pytest.raises(DeviceAbsent, match=f"camera {device}: Inappropriate ioctl for device"):
        Webcam(device)


def test_a_folder_is_no_camera(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="Is a directory"):
        Webcam(str(tmp_path))


def test_no_permission(folder_without_root: Path) -> None:
    device = folder_without_root / "video0"
    device.touch(mode=0o000)
    with pytest.raises(DevicePermission, match="group video"):
        Webcam(str(device))


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EBUSY, DeviceBusy),
        (errno.EACCES, DevicePermission),
        (errno.ENODEV, DeviceAbsent),  # unplugged while it runs
        (errno.ENXIO, DeviceAbsent),
        (errno.EIO, DeviceAbsent),
    ],
)
def test_each_error_of_the_kernel_has_its_code_and_a_remedy(number: int, error: type[DeviceError]) -> None:
    assert CODES[_STATES[number]] is error
    assert error.code in REMEDIES


def test_a_camera_that_ends_was_unplugged() -> None:
    camera = Webcam("color=size=64x48:rate=30:duration=0.1", kind="lavfi")
    with pytest.raises(DeviceAbsent, match="ended"):
        read_until_it_fails(camera)
    camera.close()


def read_until_it_fails(camera: Webcam) -> None:
    while True:
        camera._link.ask({})
        assert camera._link.answer(OPEN_S) is not None


def test_a_code_before_it_is_read(tmp_path: Path) -> None:
    """The whole way: a picture of a code, the other process, shared memory, the real decoders."""
    import segno
    from PIL import Image

    segno.make_qr("HELLO GATE").save(str(tmp_path / "code.png"), scale=8, border=8)
    with Image.open(tmp_path / "code.png") as code:
        picture = code.convert("L").resize((320, 240))
    film = write(tmp_path / "code.mp4", [picture] * 5, 10)
    camera = Webcam(f"movie={film}:loop=0,setpts=N/10/TB,realtime", kind="lavfi")
    reader = FrameReader(camera, QrDecoder())
    try:
        texts: set[str] = set()
        for step in range(100_000):
            texts |= {read.text for read in reader.poll(Monotonic(step / 1e6))}
            if texts:
                break
        assert texts == {"HELLO GATE"}
    finally:
        reader.close()


def test_a_camera_without_pictures_stalls_by_the_callers_clock() -> None:
    camera = Webcam("color=size=64x48:rate=1/1000,realtime", kind="lavfi")
    try:
        with pytest.raises(DeviceStalled, match="no frame for 2 s: is its cable loose"):
            poll_for_minutes(camera)
    finally:
        camera.close()


def poll_for_minutes(camera: Webcam) -> None:
    for tenth in range(600):
        camera.poll(Monotonic(tenth / 10))

"""The Pi's camera over a stand-in for picamera2: what is set, what is lent, and what goes wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.qr_camera import SIZE, Optics, QrCamera, crop_of
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission, DeviceStalled
from kiosk.model import Monotonic
from tests.contract.picamera2_stand_in import CONTROLS, PROPERTIES, Bench

PIXELS = SIZE[0] * SIZE[1]
NOW = Monotonic(50.0)


def grey(level: int) -> bytes:
    return bytes([level]) * PIXELS


@pytest.fixture
def bench() -> Bench:
    return Bench()


def opened(bench: Bench, optics: Optics | None = None, number: int = 0) -> QrCamera:
    return QrCamera(number, optics, library=bench.module())


# -- what is set -----------------------------------------------------------------------------------------


def test_a_camera_module_3_is_set_to_the_optics_of_the_design(bench: Bench) -> None:
    opened(bench).close()
    assert bench.set == {
        "ExposureTime": 4000,
        "AfMode": 0,
        "LensPosition": 5.0,  # dioptres: 1000 / 200 mm
        "FrameDurationLimits": (50_000, 50_000),
        "ScalerCrop": (917, 256, 2774, 2080),
    }
    main = bench.configuration["main"]
    assert (main["size"], main["format"]) == ((1280, 960), "YUV420")
    assert bench.configuration["queue"] is False
    assert bench.configuration["buffer_count"] == 4
    assert bench.configuration["sensor"] == {"output_size": (2304, 1296)}
    assert bench.configuration["raw"] is None


def test_only_what_the_module_offers_is_set(bench: Bench) -> None:
    """A module of fixed focus, and a camera that offers nothing at all."""
    for name in ("AfMode", "LensPosition"):
        del bench.controls[name]
    opened(bench).close()
    assert not {"AfMode", "LensPosition"} & set(bench.set)
    nothing = Bench(controls={}, properties={})
    opened(nothing).close()
    assert nothing.set == {}


def test_a_fixed_gain_ends_the_automatic_exposure(bench: Bench) -> None:
    opened(bench, Optics(exposure_us=500, gain=40.0)).close()
    assert bench.set["AeEnable"] is False
    assert bench.set["ExposureTime"] == 500
    assert bench.set["AnalogueGain"] == 16.0


def test_no_exposure_is_longer_than_a_moving_hand_allows(bench: Bench) -> None:
    opened(bench, Optics(exposure_us=20_000)).close()
    assert bench.set["ExposureTime"] == 5000


def test_the_crop_goes_to_the_list_of_crops_too_where_there_is_one(bench: Bench) -> None:
    """On a Pi 5 picamera2 has set the list already, and libcamera lets it go before the single crop."""
    bench.controls["ScalerCrops"] = ((576, 0, 3456, 2592), (0, 0, 0, 0), (0, 0, 0, 0))
    opened(bench).close()
    assert bench.set["ScalerCrops"] == [bench.set["ScalerCrop"]]


MODULES = [
    ("ov5647", (2592, 1944), 1400, 2094),
    ("imx219", (3280, 2464), 1120, 2204),
    ("imx708", (4608, 2592), 1400, 2774),
    ("imx708_wide_noir", (4608, 2592), 1400, 1592),
]


@pytest.mark.parametrize(("model", "size", "cell", "width"), MODULES)
def test_each_module_shows_160_mm_at_20_cm(model: str, size: tuple[int, int], cell: int, width: int) -> None:
    offered = {"ScalerCrop": ((0, 0, 64, 64), (0, 0, *size), (0, 0, *size))}
    properties = {"Model": model, "PixelArraySize": size, "UnitCellSize": (cell, cell)}
    crop = crop_of(offered, properties, Optics())
    assert crop is not None
    left, top, wide, high = crop
    assert wide == width
    assert abs(wide / high - 4 / 3) < 0.002
    assert abs(left * 2 + wide - size[0]) <= 1
    assert abs(top * 2 + high - size[1]) <= 1


@pytest.mark.parametrize(
    ("model", "optics", "width"),
    [
        ("imx477", Optics(), 3456),  # the buyer's lens: all there is, in the shape of the frame
        ("imx477", Optics(crop=0.5), 2304),
        ("imx708", Optics(crop=0.25), 1152),
        ("imx708", Optics(field_mm=1000), 3456),
        ("imx708", Optics(distance_mm=4), 3456),
    ],
)
def test_an_unknown_lens_shows_all_and_a_crop_is_obeyed(model: str, optics: Optics, width: int) -> None:
    crop = crop_of(CONTROLS, PROPERTIES | {"Model": model}, optics)
    assert crop is not None
    assert crop[2] == width


# -- frames ----------------------------------------------------------------------------------------------


def test_the_luma_is_the_cameras_own_memory_and_lent_until_the_next_poll(bench: Bench) -> None:
    camera = opened(bench)
    bench.deliver(grey(7))
    frame = camera.poll(NOW)
    assert frame is not None
    assert isinstance(frame.luma, memoryview)
    assert bytes(frame.luma) == grey(7)
    memory = bench.open[0].buffers[0]
    memory[0] = 99
    assert frame.luma[0] == 99  # no copy
    bench.deliver(grey(8))
    later = camera.poll(NOW)
    assert later is not None
    assert bytes(later.luma) == grey(8)
    with pytest.raises(ValueError, match="released"):
        frame.luma[0]
    camera.close()


@pytest.mark.parametrize(("padding", "kind"), [(0, "NV12"), (64, "YUV420")])
def test_rows_are_joined_whatever_the_camera_makes_of_the_request(padding: int, kind: str) -> None:
    bench = Bench(padding=padding, pixel_format=kind)
    camera = opened(bench)
    picture = b"".join(bytes([row % 251]) * SIZE[0] for row in range(SIZE[1]))
    bench.deliver(picture)
    frame = camera.poll(NOW)
    assert frame is not None
    assert bytes(frame.luma) == picture
    camera.close()


def test_however_many_frames_come_the_camera_never_runs_out_of_buffers(bench: Bench) -> None:
    camera = opened(bench)
    for level in range(200):
        bench.deliver(grey(level))
        if level % 7 == 0:
            frame = camera.poll(NOW)
            assert frame is not None
            assert frame.luma[0] == level
    assert bench.starved == 0
    camera.close()


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def seen_at(bench: Bench, stamp: float | None, waits: float = 0.02) -> float:
    """Time of a picture that comes at 50 s and is looked at after so long."""
    clock = Hand()
    camera = QrCamera(library=bench.module(), clock=clock)
    bench.deliver(grey(1), stamp)
    clock.now += waits
    frame = camera.poll(Monotonic(clock.now))
    camera.close()
    assert frame is not None
    return frame.at


@pytest.mark.parametrize(
    ("stamp", "at"), [(49.95, 49.95), (49.0, 49.0), (None, 50.0), (1e9, 50.0), (12.0, 50.0), (50.01, 50.0)]
)
def test_a_frame_has_the_time_of_the_sensor_if_that_is_our_clock(
    bench: Bench, stamp: float | None, at: float
) -> None:
    assert seen_at(bench, stamp) == pytest.approx(at)


@pytest.mark.parametrize("stamp", [49.95, None, 1e9])
def test_a_picture_that_has_waited_is_old_and_not_of_now(bench: Bench, stamp: float | None) -> None:
    """A decoder was busy for ten seconds while the camera hung: who held that code up has gone."""
    assert seen_at(bench, stamp, waits=10.0) <= 50.0


def test_times_do_not_go_backwards_whatever_the_sensor_says(bench: Bench) -> None:
    clock = Hand()
    camera = QrCamera(library=bench.module(), clock=clock)
    times = []
    for stamp in (49.95, 49.9, None, 49.0):
        bench.deliver(grey(1), stamp)
        clock.now += 0.02
        frame = camera.poll(Monotonic(clock.now))
        assert frame is not None
        times.append(frame.at)
    assert times == sorted(times)
    camera.close()


def test_a_frame_that_somebody_keeps_does_not_keep_the_camera_open(bench: Bench) -> None:
    camera = opened(bench)
    bench.deliver(grey(3))
    frame = camera.poll(NOW)
    assert frame is not None
    bench.deliver(grey(4))
    camera.close()
    assert bench.open == []
    assert bench.kept == 0
    with pytest.raises(ValueError, match="released"):
        bytes(frame.luma)


# -- what goes wrong -------------------------------------------------------------------------------------


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def busy() -> Exception:
    return RuntimeError("Failed to acquire camera: Device or resource busy")


@pytest.mark.parametrize(
    ("step", "failure", "error", "remedy"),
    [
        ("acquire", busy(), DeviceBusy, "fuser"),
        ("acquire", PermissionError(13, "Permission denied"), DevicePermission, "group video"),
        ("acquire", RuntimeError("Camera(s) not found"), DeviceAbsent, "ribbon cable"),
        ("acquire", RuntimeError("what nobody has seen"), DeviceError, "what nobody has seen"),
        ("configurations", RuntimeError("no raw modes"), DeviceError, "no raw modes"),
        ("configure", BufferError("cannot close exported pointers exist"), DeviceError, "exported pointers"),
        ("configure", RuntimeError("Configuration failed"), DeviceError, "Configuration failed"),
        ("start", RuntimeError("Failed to start camera: Device or resource busy"), DeviceBusy, "fuser"),
        ("start", OSError(12, "Cannot allocate memory"), DeviceError, "memory"),
    ],
)
def test_a_camera_that_can_not_be_opened_says_why_and_leaves_nothing_behind(
    bench: Bench, step: str, failure: Exception, error: type[DeviceError], remedy: str
) -> None:
    bench.fails[step] = failure
    before = descriptors()
    for _ in range(3):
        with pytest.raises(error, match=remedy) as caught:
            opened(bench)
        assert type(caught.value) is error
        assert str(caught.value).startswith("camera 0: ")
    assert bench.open == []
    assert descriptors() == before


def test_a_camera_that_is_not_there_is_absent_and_comes_back(bench: Bench) -> None:
    there, bench.found = bench.found, []
    before = descriptors()
    with pytest.raises(DeviceAbsent, match=r"camera 0: no camera found: .*ribbon cable"):
        opened(bench)
    bench.found = there
    with pytest.raises(DeviceAbsent, match="camera 2: 1 found"):
        opened(bench, number=2)
    assert descriptors() == before
    opened(bench).close()


def test_without_the_package_it_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(DeviceAbsent, match="apt install python3-picamera2"):
        QrCamera()


def test_what_delivers_another_format_is_refused(bench: Bench) -> None:
    bench.pixel_format = "MJPEG"
    with pytest.raises(DeviceError, match=r"delivers .* MJPEG"):
        opened(bench)
    assert bench.open == []


def test_two_seconds_without_a_frame_are_a_stall(bench: Bench) -> None:
    camera = opened(bench)
    bench.deliver(grey(1))
    assert camera.poll(NOW) is not None
    for tenth in range(1, 20):
        assert camera.poll(Monotonic(NOW + tenth / 10)) is None
    with pytest.raises(DeviceStalled, match="no frame for 2 s"):
        camera.poll(Monotonic(NOW + 2.0))
    camera.close()


def test_a_decoder_that_took_long_says_nothing_of_the_camera(bench: Bench) -> None:
    camera = opened(bench)
    for seconds in (0.0, 10.0, 20.0):
        assert camera.poll(Monotonic(NOW + seconds)) is None
    camera.close()


@pytest.mark.parametrize("step", ["stop", "close"])
def test_a_camera_that_fails_as_it_is_closed_is_closed_all_the_same(bench: Bench, step: str) -> None:
    camera = opened(bench)
    bench.deliver(grey(1))
    camera.poll(NOW)
    bench.deliver(grey(2))
    bench.fails[step] = RuntimeError("the frontend has timed out")
    with pytest.raises(DeviceError, match="timed out"):
        camera.close()
    camera.close()
    assert bench.open == []
    with pytest.raises(DeviceAbsent):
        camera.poll(NOW)


def test_frames_that_come_while_it_closes_do_no_harm(bench: Bench) -> None:
    camera = opened(bench)
    inner = bench.open[0]
    callback: Any = inner.post_callback
    stop = inner.stop

    def late() -> None:
        inner.post_callback = callback
        bench.deliver(grey(5))
        stop()

    inner.stop = late  # type: ignore[method-assign]
    camera.close()
    assert bench.open == []
    assert bench.kept == 0


def test_the_callback_is_never_taken_from_a_camera_that_runs(bench: Bench) -> None:
    """picamera2 asks "is there one?" and then calls it: None in between ends its thread, and stop() hangs."""
    camera = opened(bench)
    bench.deliver(grey(1))
    camera.close()
    assert bench.races == 0


def test_what_fails_in_the_librarys_thread_is_raised_by_the_poll_and_not_there(bench: Bench) -> None:
    camera = opened(bench)
    bench.deliver(grey(1))
    waiting = camera._newest  # the next picture sends it back
    assert waiting is not None

    def gone() -> None:
        del waiting.request.release
        raise RuntimeError("failed to queue the request: No such device")

    waiting.request.release = gone
    bench.deliver(grey(2))
    assert bench.open[0].thread_error is None
    with pytest.raises(DeviceError, match="failed to queue"):
        camera.poll(NOW)
    camera.close()
    assert bench.open == []


def test_nothing_is_imported_before_a_camera_is_opened() -> None:
    import subprocess

    words = "import drivers.qr_camera, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, env=dict(os.environ)
    ).stdout.split()
    assert not {"picamera2", "numpy", "libcamera"} & set(loaded)

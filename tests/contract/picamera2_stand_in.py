"""picamera2 as far as the driver uses it, on any machine: the same names, the same order, the same mistakes.

Written after picamera2 0.3 (picamera2.py, request.py, job.py, controls.py, allocators/dmaallocator.py): which
errors come from where, that a request's memory is the camera's own and is lent by a count of references,
that ``post_callback`` runs in the library's thread with its lock held, and that memory is unmapped by
``close``. What is not here: chroma, modes and what libcamera makes of the controls.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np

CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    "AeEnable": (False, True, True),
    "ExposureTime": (14, 220_417_486, 20_000),
    "AnalogueGain": (1.1228070259094238, 16.0, 1.0),
    "FrameDurationLimits": (17_849, 220_535_845, 33_333),
    "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), (576, 0, 3456, 2592)),
    "AfMode": (0, 2, 0),
    "LensPosition": (0.0, 32.0, 1.0),
}
"""Of Camera Module 3 after configuring, as far as they matter here."""
PROPERTIES: dict[str, Any] = {
    "Model": "imx708",
    "UnitCellSize": (1400, 1400),
    "PixelArraySize": (4608, 2592),
    "ColorFilterArrangement": 0,
}


class Request:
    """A completed request: one buffer, counted references."""

    def __init__(self, camera: Picamera2, buffer: mmap.mmap, stamp: float | None) -> None:
        self.camera = camera
        self.buffer: mmap.mmap | None = buffer
        self.config = dict(camera.camera_config)
        self._stamp = stamp
        self._references = 1
        camera.lent += 1
        self._stop_count = camera.stop_count

    def acquire(self) -> None:
        if self._references == 0:
            raise RuntimeError("CompletedRequest: acquiring lock with ref_count 0")
        self._references += 1

    def release(self) -> None:
        self._references -= 1
        if self._references < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        if self._references == 0:
            self.camera.lent -= 1
            buffer, self.buffer = self.buffer, None
            if self.camera.started and self._stop_count == self.camera.stop_count and buffer is not None:
                self.camera.queued.append(buffer)

    def get_metadata(self) -> dict[str, Any]:
        assert self.buffer is not None, "the request was released"
        return {} if self._stamp is None else {"SensorTimestamp": int(self._stamp * 1e9)}

    def make_buffer(self, name: str) -> np.ndarray[Any, Any]:
        """A copy, as picamera2 makes it; the driver has no use for one."""
        raise AssertionError(f"a copy of the stream {name!r}")

    make_array = make_buffer


class MappedArray:
    """The request's memory itself, while the block lasts."""

    def __init__(self, request: Request, stream: str, reshape: bool = True, write: bool = True) -> None:
        if stream not in request.config:
            raise RuntimeError(f"Stream {stream!r} is not defined")
        self._request = request
        self._reshape = reshape
        self.array: np.ndarray[Any, Any] | None = None

    def __enter__(self) -> Self:
        if self._request.buffer is None:
            raise RuntimeError("failed to find buffer")
        self.array = np.frombuffer(self._request.buffer, dtype=np.uint8)
        if self._reshape:
            main = self._request.config["main"]
            self.array = self.array.reshape((main["size"][1] * 3 // 2, main["stride"]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.array = None


@dataclass
class Bench:
    """What is connected, what the program did with it, and what goes wrong."""

    found: list[dict[str, Any]] = field(default_factory=lambda: [{"Model": "imx708", "Num": 0}])
    controls: dict[str, Any] = field(default_factory=lambda: dict(CONTROLS))
    properties: dict[str, Any] = field(default_factory=lambda: dict(PROPERTIES))
    resolution: tuple[int, int] = (4608, 2592)
    padding: int = 0
    pixel_format: str = "YUV420"
    fails: dict[str, Exception] = field(default_factory=dict)
    """By the name of what is called: acquire, configure, start, stop, close."""
    set: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    cameras: list[Picamera2] = field(default_factory=list)
    starved: int = 0
    """Frames for which no buffer was free."""
    races: int = 0
    """Callbacks taken away while the library's thread may be about to call them."""
    kept: int = 0
    """Requests that were not given back before a camera was closed."""

    @property
    def open(self) -> list[Picamera2]:
        return [camera for camera in self.cameras if camera.is_open]

    def call(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def module(self) -> Any:
        """What ``import picamera2`` would give."""
        bench = self

        class Bound(Picamera2):
            the_bench = bench

        class Module:
            pass

        module = Module()
        module.Picamera2 = Bound  # type: ignore[attr-defined]
        module.MappedArray = MappedArray  # type: ignore[attr-defined]
        return module

    def deliver(self, luma: bytes, stamp: float | None = None) -> None:
        """The sensor has made a picture: it comes in the library's own thread."""
        for camera in self.open:
            thread = threading.Thread(target=camera.process_requests, args=(luma, stamp))
            thread.start()
            thread.join()
            if camera.thread_error is not None:
                raise camera.thread_error


class Picamera2:
    the_bench: Bench

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return list(cls.the_bench.found)

    def __init__(self, camera_num: int = 0) -> None:
        self.bench = self.the_bench
        self.notifyme_r, self.notifyme_w = os.pipe2(os.O_NONBLOCK)
        self.notifymeread = os.fdopen(self.notifyme_r, "rb")
        self.is_open = False
        self.camera_idx = self.global_camera_info()[camera_num]["Num"]
        self.bench.cameras.append(self)
        self.lock = threading.Lock()
        self.started = False
        self.stop_count = 0
        self.camera_config: dict[str, Any] = {}
        self._post_callback: Callable[[Request], None] | None = None
        self.queued: list[mmap.mmap] = []
        self.buffers: list[mmap.mmap] = []
        self.thread_error: BaseException | None = None
        self.lent = 0
        """Requests that nobody has released."""
        try:
            self.bench.call("acquire")
        except Exception as error:
            raise RuntimeError("Camera __init__ sequence did not complete.") from error
        self.is_open = True
        self.sensor_resolution = self.bench.resolution
        try:
            self.bench.call("configurations")
        except Exception as error:
            raise RuntimeError("Camera __init__ sequence did not complete.") from error

    @property
    def post_callback(self) -> Callable[[Request], None] | None:
        return self._post_callback

    @post_callback.setter
    def post_callback(self, value: Callable[[Request], None] | None) -> None:
        # "if self.post_callback: self.post_callback(req)", in another thread, and nothing between is locked.
        if self.started and value is None and self._post_callback is not None:
            self.bench.races += 1
        self._post_callback = value

    @property
    def camera_controls(self) -> dict[str, Any]:
        return dict(self.bench.controls)

    @property
    def camera_properties(self) -> dict[str, Any]:
        return dict(self.bench.properties)

    def create_video_configuration(
        self,
        main: dict[str, Any] | None = None,
        lores: Any = None,
        raw: Any = None,
        buffer_count: int = 6,
        controls: Any = None,
        display: str | None = "main",
        encode: str | None = "main",
        queue: bool = True,
        sensor: Any = None,
    ) -> dict[str, Any]:
        unknown = set(main or {}) - {"format", "size", "stride", "preserve_ar"}
        if unknown:
            raise ValueError(f"Bad key {sorted(unknown)[0]!r}")
        return {
            "main": {"format": "XBGR8888", "size": (1280, 720), "preserve_ar": True} | (main or {}),
            "lores": lores,
            "raw": raw,
            "buffer_count": buffer_count,
            "queue": queue,
            "display": display,
            "encode": encode,
            "sensor": sensor,
        }

    def configure(self, configuration: dict[str, Any]) -> None:
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        self.bench.call("configure")
        self.bench.configuration = configuration
        main = dict(configuration["main"])
        width, height = main["size"]
        main["format"] = self.bench.pixel_format if main["format"] == "YUV420" else main["format"]
        main["stride"] = width + self.bench.padding
        self.camera_config = {**configuration, "main": main}
        for _ in range(configuration["buffer_count"]):
            self.buffers.append(mmap.mmap(-1, main["stride"] * height * 3 // 2))

    def camera_configuration(self) -> dict[str, Any]:
        return self.camera_config

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.bench.controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self.bench.set.update(controls)

    def start(self) -> None:
        if not self.camera_config:
            raise RuntimeError("Camera has not been configured")
        self.bench.call("start")
        self.started = True
        self.queued = list(self.buffers)

    def process_requests(self, luma: bytes, stamp: float | None) -> None:
        """A frame comes in: what the library's event loop does."""
        if not self.started:
            return
        if not self.queued:
            self.bench.starved += 1
            return
        buffer = self.queued.pop(0)
        main = self.camera_config["main"]
        width, height = main["size"]
        for row in range(height):
            start = row * main["stride"]
            buffer[start : start + width] = luma[row * width : (row + 1) * width]
        request = Request(self, buffer, stamp)
        with self.lock:
            try:
                if self.post_callback is not None:
                    self.post_callback(request)
            except BaseException as error:  # noqa: BLE001 the library's thread would end here, and stop() hang
                self.thread_error = error
            request.release()

    def stop(self) -> None:
        if self.started:
            self.stop_count += 1
            self.started = False
            self.bench.call("stop")

    def close(self) -> None:
        if not self.is_open:
            return
        self.stop()
        self.is_open = False
        self.bench.kept += self.lent
        self.notifymeread.close()
        os.close(self.notifyme_w)
        for buffer in self.buffers:
            buffer.close()  # BufferError while somebody still looks at it
        self.bench.call("close")

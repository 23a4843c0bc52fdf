"""The Raspberry Pi's own camera as frames: libcamera by picamera2 (Debian package python3-picamera2).

What is set, and why (design: qr, "Optics"): 1280x960 of luma over about 160 mm of field, so that a printed
pass spans 8 pixels a module; an exposure of at most 5 ms, so that a hand that moves does not blur it; a focus
locked where codes are held. Each control is set only where the module offers it (``camera_controls``).

The luma is not copied: a frame is a view of the camera's own buffer, lent until the next poll. picamera2's
event thread hands over the newest request; older ones go back to the camera unread. picamera2 brings numpy,
so it is imported when a camera is opened and not before.

Sources: picamera2 0.3 (picamera2.py, request.py), libcamera control_ids_core.yaml; focal lengths from
Raspberry Pi's "Camera hardware" table.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, NamedTuple

from drivers.silence import Silence
from kiosk.errors import DeviceAbsent, DeviceBusy, DeviceError, DevicePermission
from kiosk.model import Frame, Monotonic

SIZE: Final = (1280, 960)
FRAMES_A_SECOND: Final = 20.0
"""The decoders look at most of them; more would only warm the sensor."""
BUFFERS: Final = 4
"""One being read, one waiting, two with the camera."""
LONGEST_EXPOSURE_US: Final = 5000
"""Walking pace moves a code by half a module in that time (design: qr)."""
MANUAL_FOCUS: Final = 0
"""AfModeManual (libcamera, AfMode)."""
OLDEST_S: Final = 2.0
"""A picture that is handed over with a time stamp farther back than this has one of some other clock."""
FOCAL_MM: Final = {"ov5647": 3.60, "imx219": 3.04, "imx708": 4.74, "imx708_wide": 2.75, "imx500": 4.74}
"""Modules with a lens of their own, by the sensor's name; the others' lens is the buyer's choice."""
REMEDY_ABSENT: Final = (
    "with the power off, press the ribbon cable home at both ends; `rpicam-hello --list-cameras` shows what "
    "is found"
)
REMEDY_MISSING: Final = "apt install python3-picamera2, in an environment that sees the system's packages"
REMEDY_BUSY: Final = "another program uses it: `fuser -v /dev/media*` shows which"
REMEDY_PERMISSION: Final = "the user must be in the group video"
REMEDY_STALLED: Final = "is its ribbon cable loose?"
# picamera2 wraps most in RuntimeError; list index, missing key, type and attribute errors are its own slips.
# BufferError: memory that somebody still looks at can't be unmapped.
_LIBRARY_ERRORS: Final = (
    RuntimeError,
    LookupError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    BufferError,
)


def boot_time() -> float:
    """The clock of libcamera's SensorTimestamp, and the gate's own; s."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Arrived(NamedTuple):
    """A picture that has not been looked at yet."""

    request: Any
    at: float
    """When picamera2 handed it over."""


@dataclass(frozen=True, slots=True)
class Optics:
    """How the camera is mounted and what it is set to."""

    distance_mm: float = 200.0
    """From the lens to where codes are held."""
    field_mm: float = 160.0
    """Width of what it shall see there."""
    crop: float | None = None
    """Share of the sensor's width instead, for a lens that is not known here."""
    exposure_us: int = 4000
    gain: float = 0.0
    """Analogue gain; 0: automatic, under the fixed exposure."""


class QrCamera:
    """A :class:`kiosk.devices.FrameSource`. ``poll`` and ``close`` are for one thread.

    A frame's luma is valid until the next poll. Opening raises DeviceAbsent (no such camera, no picamera2),
    DeviceBusy, DevicePermission or DeviceError, each with a remedy; polling DeviceStalled after 2 s without
    a frame.
    """

    def __init__(
        self,
        number: int = 0,
        optics: Optics | None = None,
        *,
        library: Any = None,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """``number``: as `rpicam-hello --list-cameras` counts. ``library``: the module picamera2."""
        self._what = f"camera {number}"
        self._silence = Silence(self._what, REMEDY_STALLED)
        self._lock = threading.Lock()
        self._newest: Arrived | None = None
        self._failure: Exception | None = None
        self._lent: Any = None
        self._luma: memoryview | None = None
        self._last = Monotonic(float("-inf"))
        self._closed = False
        self._clock = clock
        self._library = _imported(self._what) if library is None else library
        with _as_device_errors(self._what), ExitStack() as opening:
            self._camera = _open(self._library, number, self._what)
            opening.callback(self._close_camera)
            self._stride = self._set_up(optics or Optics())
            self._camera.post_callback = self._arrived
            self._camera.start()
            opening.pop_all()

    def poll(self, now: Monotonic) -> Frame | None:
        """The newest frame that was not handed out yet; never waits for one."""
        if self._closed:
            raise DeviceAbsent(f"{self._what}: closed")
        with self._lock:
            arrived, self._newest = self._newest, None
        with _as_device_errors(self._what):
            if self._failure is not None:
                raise self._failure
            self._silence.note(arrived is not None, now)
            if arrived is None:
                return None
            self._take_back()
            self._lent = arrived.request
            return Frame(self._lend(arrived.request), *SIZE, self._time_of(arrived, now), self._what)

    def close(self) -> None:
        """Release the camera; any number of times. A camera that hangs hangs this too."""
        if self._closed:
            return
        self._closed = True
        with _as_device_errors(self._what):
            self._close_camera()

    # -- opening and closing -------------------------------------------------------------------------------

    def _set_up(self, optics: Optics) -> int:
        """Configure streams and controls; bytes from one row of luma to the next."""
        camera = self._camera
        full = camera.sensor_resolution
        configuration = camera.create_video_configuration(
            main={"size": SIZE, "format": "YUV420"},
            raw=None,
            # Half of the sensor's rows and columns, but all of its field: the fast mode of every module.
            sensor={"output_size": (full[0] // 2, full[1] // 2)},
            buffer_count=BUFFERS,
            queue=False,
            display=None,
            encode=None,
        )
        camera.configure(configuration)
        camera.set_controls(controls(camera.camera_controls, camera.camera_properties, optics))
        main = camera.camera_configuration()["main"]
        # A camera without this format delivers NV12 in its place: the luma lies in the same rows.
        if tuple(main["size"]) != SIZE or main["format"] not in ("YUV420", "NV12"):
            raise DeviceError(f"{self._what}: it delivers {main['size']} {main['format']}, not {SIZE} YUV420")
        return int(main["stride"])

    def _close_camera(self) -> None:
        with ExitStack() as closing:
            # Last in, first out: what is ours goes back between the stop and the close, which unmaps it.
            # The callback stays to the end: picamera2 looks at it twice for each picture, and taken away
            # in between it would end the library's thread, for which stop() would wait for ever.
            closing.callback(self._camera.close)
            closing.callback(self._take_back)
            closing.callback(self._drop_newest)
            self._camera.stop()

    # -- frames ----------------------------------------------------------------------------------------------

    def _arrived(self, request: Any) -> None:
        """A frame, in picamera2's thread: keep it, and let go of the one that nobody has asked for.

        Nothing may be raised here, or the thread would end and stop() never return; poll raises it instead.
        """
        try:
            request.acquire()
            with self._lock:
                older, self._newest = self._newest, Arrived(request, self._clock())
            if older is not None:
                older.request.release()
        except Exception as error:  # noqa: BLE001 - handed to who polls, who raises it
            self._failure = error

    def _drop_newest(self) -> None:
        with self._lock:
            arrived, self._newest = self._newest, None
        if arrived is not None:
            arrived.request.release()

    def _lend(self, request: Any) -> memoryview:
        """The luma in the camera's own buffer: its first rows."""
        width, height = SIZE
        with self._library.MappedArray(request, "main", reshape=False, write=False) as mapped:
            rows = memoryview(mapped.array)
        if self._stride == width:
            self._luma = rows[: width * height]
        else:
            # Padded rows (no module of today has them at this width) can only be had by a copy.
            self._luma = memoryview(
                b"".join(rows[row * self._stride : row * self._stride + width] for row in range(height))
            )
        return self._luma

    def _take_back(self) -> None:
        """What was lent goes back to the camera; whoever still holds the frame finds it empty."""
        luma, self._luma = self._luma, None
        request, self._lent = self._lent, None
        if luma is not None:
            with suppress(BufferError):
                luma.release()
        if request is not None:
            request.release()

    def _time_of(self, arrived: Arrived, now: Monotonic) -> Monotonic:
        """When the sensor began the picture, by the caller's clock; never backwards.

        Without a time stamp of our clock it is when picamera2 handed it over, and never the poll: a picture
        that has waited is old, however late it is looked at.
        """
        stamp = arrived.request.get_metadata().get("SensorTimestamp")
        began = arrived.at if stamp is None else stamp / 1e9
        if not arrived.at - OLDEST_S <= began <= arrived.at:
            began = arrived.at
        age = max(0.0, self._clock() - began)
        self._last = Monotonic(min(now, max(now - age, self._last)))
        return self._last


def controls(offered: Mapping[str, Any], properties: Mapping[str, Any], optics: Optics) -> dict[str, Any]:
    """What to set, of what the module offers (its name to least, greatest and usual value)."""
    wanted: dict[str, Any] = {
        "ExposureTime": min(optics.exposure_us, LONGEST_EXPOSURE_US),
        "AfMode": MANUAL_FOCUS,
        "LensPosition": _within(1000.0 / optics.distance_mm, offered.get("LensPosition")),
        # 20 a second whatever the light: a longer exposure is not wanted anyway.
        "FrameDurationLimits": (round(1e6 / FRAMES_A_SECOND),) * 2,
    }
    if optics.gain > 0:
        wanted |= {"AeEnable": False, "AnalogueGain": _within(optics.gain, offered.get("AnalogueGain"))}
    crop = crop_of(offered, properties, optics)
    if crop is not None:
        # The Pi's own list of crops, one a stream, goes before the common one where both are set.
        wanted |= {"ScalerCrop": crop, "ScalerCrops": [crop]}
    return {name: value for name, value in wanted.items() if name in offered}


def crop_of(
    offered: Mapping[str, Any], properties: Mapping[str, Any], optics: Optics
) -> tuple[int, int, int, int] | None:
    """The middle of the sensor that shows the field, in its pixels: x, y, width, height.

    None where the camera can't crop. A lens that is not known shows all, unless a crop is configured.
    """
    if "ScalerCrop" not in offered:
        return None
    left, top, widest, highest = offered["ScalerCrop"][1]
    share = optics.crop if optics.crop is not None else _share_of_field(properties, optics)
    full = properties.get("PixelArraySize", (widest, highest))[0]
    width = min(share * full, widest, highest * SIZE[0] / SIZE[1])
    size = int(width) // 2 * 2, int(width * SIZE[1] / SIZE[0]) // 2 * 2
    return left + (widest - size[0]) // 2, top + (highest - size[1]) // 2, *size


def _share_of_field(properties: Mapping[str, Any], optics: Optics) -> float:
    """Of the sensor's width, by the thin lens: image = field * f / (distance - f)."""
    model = str(properties.get("Model", "")).replace("_noir", "")
    focal = FOCAL_MM.get(model)
    cell = properties.get("UnitCellSize")
    size = properties.get("PixelArraySize")
    if focal is None or not cell or not size or optics.distance_mm <= focal:
        return 1.0
    on_sensor_mm = optics.field_mm * focal / (optics.distance_mm - focal)
    return float(on_sensor_mm / (size[0] * cell[0] * 1e-6))


def _within(value: float, limits: Any) -> float:
    return value if limits is None else float(min(max(value, limits[0]), limits[1]))


# -- the library -----------------------------------------------------------------------------------------


def _imported(what: str) -> Any:
    try:
        return import_module("picamera2")
    except (ImportError, OSError, ValueError, AttributeError) as error:
        # Beside a missing package: a library of libcamera's, or another numpy than it was built for.
        raise DeviceAbsent(f"{what}: picamera2 can't be loaded ({error}): {REMEDY_MISSING}") from error


def _open(library: Any, number: int, what: str) -> Any:
    found = library.Picamera2.global_camera_info()
    if number >= len(found):
        count = f"{len(found)} found" if found else "no camera found"
        raise DeviceAbsent(f"{what}: {count}: {REMEDY_ABSENT}")
    camera = library.Picamera2.__new__(library.Picamera2)
    try:
        camera.__init__(number)
    except BaseException:
        _abandon(camera)
        raise
    return camera


def _abandon(camera: Any) -> None:
    """One whose constructor has failed leaves a pipe behind; a night of tries would fill the process."""
    if getattr(camera, "is_open", False):
        # It would close the pipe itself as it is collected, and by then the numbers may be another file's.
        with suppress(*_LIBRARY_ERRORS):
            camera.close()
        return
    with suppress(AttributeError, OSError):
        camera.notifymeread.close()
    with suppress(AttributeError, OSError):
        os.close(camera.notifyme_w)


@contextmanager
def _as_device_errors(what: str) -> Iterator[None]:
    try:
        yield
    except DeviceError:
        raise
    except _LIBRARY_ERRORS as error:
        raise _domain_error(what, error) from error


def _domain_error(what: str, error: Exception) -> DeviceError:
    """By what the innermost of the errors, each raised from the one before, says."""
    chain = list(_causes(error))
    said = "; ".join(dict.fromkeys(str(one) for one in reversed(chain) if str(one)))
    words = said.lower()
    if any(isinstance(one, PermissionError) for one in chain) or "permission" in words:
        return DevicePermission(f"{what}: {said}: {REMEDY_PERMISSION}")
    if "busy" in words or "in use" in words:
        return DeviceBusy(f"{what}: {said}: {REMEDY_BUSY}")
    if any(isinstance(one, IndexError) for one in chain) or "not found" in words:
        return DeviceAbsent(f"{what}: {said}: {REMEDY_ABSENT}")
    return DeviceError(f"{what}: {said or type(error).__name__}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

"""What is fitted to this machine: how each device is opened, again and again if need be, and polled.

A device that is not there is a fault with a remedy, never a simulated one in its place (rule 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, Self

from drivers.air_temperature import Sht3x
from drivers.aplay import Aplay
from drivers.call_button import GpioCallButton
from drivers.clock import SystemClock
from drivers.illuminator import Illuminated
from drivers.mlx90614 import SPECS, Mlx90614
from drivers.pins import Pins
from drivers.prompt_sounds import PromptSounds
from drivers.qr_camera import Optics, QrCamera
from drivers.qr_decode import FrameReader, QrDecoder
from drivers.speaker import AlsaSpeaker
from drivers.webcam import Webcam
from kiosk import health
from kiosk.config import AirConfig, Config, SpeakerConfig, ThermometerConfig
from kiosk.devices import AirThermometer, CallButton, Clock, FrameSource, Speaker
from kiosk.errors import DeviceAbsent
from kiosk.model import BusCounts, Celsius, CodeRead, Monotonic, Prompt, Sample, Seconds
from kiosk.supervision import Part, Pollable, Supervised, Worker, longest_silence
from kiosk.surroundings import Parts
from kiosk.weather import AIR_KEEPS_S

CAMERA_INTERVAL: Final = Seconds(0.005)
SENSOR_INTERVAL: Final = Seconds(0.02)
AIR_INTERVAL: Final = Seconds(0.1)


@dataclass(frozen=True, slots=True)
class Openers:
    """How the devices of a gate are opened, again and again if need be; DeviceError when one is not there."""

    frames: Callable[[], FrameSource]
    thermometer: Callable[[], Pollable[Sample]]
    button: Callable[[], CallButton]
    air: Callable[[], AirThermometer] | None = None
    outdoor: Callable[[], AirThermometer] | None = None
    bus: BusCounts | None = None
    """What the thermometer's bus does, over all of its openings."""

    @classmethod
    def of(cls, config: Config, pins: Pins | None = None, clock: Clock | None = None) -> Self:
        """This machine's own devices, as the configuration names them."""
        clock = clock or SystemClock()
        bus = BusCounts() if config.thermometer.driver == "mlx90614" else None
        return cls(
            frames=lambda: _frames(config, pins),
            thermometer=lambda: _thermometer(config.thermometer, clock, bus),
            button=lambda: GpioCallButton(pin=config.pins.button, pin_factory=pins),
            air=_air(health.AIR, config.air, clock),
            outdoor=_air(health.OUTDOOR, config.outdoor, clock),
            bus=bus,
        )


def _frames(config: Config, pins: Pins | None) -> FrameSource:
    """The camera, with its light where there is one."""
    light = config.pins.illuminator
    if light is None:
        return _camera(config)
    return Illuminated(lambda: _camera(config), light, pin_factory=pins)


def _camera(config: Config) -> FrameSource:
    camera = config.camera
    if camera.source == "webcam":
        return Webcam(str(camera.device))
    if camera.source != "picamera2":
        _no_driver("camera", camera.source)
    optics = Optics(camera.distance_mm, camera.field_mm, camera.crop, camera.exposure_us, camera.gain)
    return QrCamera(camera.number, optics)


def _thermometer(config: ThermometerConfig, clock: Clock, counts: BusCounts | None) -> Pollable[Sample]:
    if config.driver == "none":
        no_thermometer()
    if config.driver != "mlx90614":
        _no_driver("thermometer", config.driver)
    return Mlx90614.on(config.bus, address=config.address, variant=config.variant, clock=clock, counts=counts)


def no_thermometer() -> NoReturn:
    """A gate without one: a fault for whoever needs a reading, and never a reason to let them pass."""
    raise DeviceAbsent("thermometer: none is fitted (thermometer.driver): who needs a reading is referred")


def _air(name: str, config: AirConfig, clock: Clock) -> Callable[[], AirThermometer] | None:
    """How to open this air thermometer; None: there is none."""
    if config.driver == "none":
        return None
    if config.driver != "sht3x":
        return lambda: _no_driver(name, config.driver)
    return lambda: Sht3x.on(config.bus, config.address, clock=clock, name=name)


def _no_driver(part: str, name: str) -> NoReturn:
    raise DeviceAbsent(f"{part}: this version has no driver for {name!r} yet")


def threaded(config: Config, openers: Openers, clock: Clock) -> Parts:
    """The devices, each slow one polled by a thread of its own."""
    symbologies = config.camera.linear_symbologies
    camera = Supervised[CodeRead](
        "camera", lambda: FrameReader(openers.frames(), QrDecoder(symbologies), clock=clock)
    )
    spec = SPECS[config.thermometer.variant]
    thermometer = Supervised[Sample]("thermometer", openers.thermometer, longest_silence(spec))
    return Parts(
        camera=Worker(camera, clock, CAMERA_INTERVAL),
        thermometer=Worker(thermometer, clock, SENSOR_INTERVAL),
        spec=spec,
        air=_threaded_air(health.AIR, openers.air, clock),
        outdoor=_threaded_air(health.OUTDOOR, openers.outdoor, clock),
        bus=openers.bus,
        button=Supervised[bool]("button", lambda: Presses(openers.button())),
    )


def speaker_of(config: SpeakerConfig, clock: SystemClock) -> Speaker:
    """The configured one, started; that its card or its files are missing is a fault of it, nothing more."""
    if config.driver == "none":
        return NoSpeaker()
    folder = config.prompts if config.voice == "speech" else None
    speaker = AlsaSpeaker(
        PromptSounds(folder, config.languages),
        Aplay(config.device),
        volume=config.volume,
        quiet_volume=config.quiet_volume,
        clock=clock,
    )
    speaker.start()
    return speaker


def _threaded_air(
    name: str, opener: Callable[[], AirThermometer] | None, clock: Clock
) -> Part[Celsius] | None:
    if opener is None:
        return None
    part = Supervised[Celsius](name, lambda: Temperatures(opener()), AIR_KEEPS_S)
    return Worker(part, clock, AIR_INTERVAL)


class NoSpeaker:
    """Where no speaker is fitted. The lamp says everything by itself."""

    fault: Final = None

    def say(self, prompt: Prompt, *, quiet: bool = False) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Presses:
    """A call button as a part: one item for each press."""

    def __init__(self, button: CallButton) -> None:
        self._button = button

    def poll(self, now: Monotonic) -> Sequence[bool]:
        """(True,) when it was pressed since the last poll."""
        return (True,) if self._button.poll(now) else ()

    def close(self) -> None:
        """Release the button."""
        self._button.close()


class Temperatures:
    """An air thermometer as a part: one item for each new value."""

    def __init__(self, air: AirThermometer) -> None:
        self._air = air

    def poll(self, now: Monotonic) -> Sequence[Celsius]:
        """The value, °C, when there is a new one."""
        celsius = self._air.poll(now)
        return () if celsius is None else (celsius,)

    def close(self) -> None:
        """Release the part."""
        self._air.close()

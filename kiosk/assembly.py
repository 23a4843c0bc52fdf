"""The composition root: the whole product, put together from a configuration.

``real`` builds a gate on this machine's devices, each slow one behind a thread. ``simulated`` builds the
same gate on a virtual clock in a world of people. Real never falls back to simulated: which of the two is
built is written in the configuration and in every record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

from drivers.air_temperature import Sht3x
from drivers.aplay import Aplay
from drivers.call_button import GpioCallButton
from drivers.clock import SystemClock
from drivers.illuminator import Illuminated
from drivers.lamp import GpioLamp
from drivers.mlx90614 import SPECS, Mlx90614
from drivers.pins import Pins
from drivers.prompt_sounds import PromptSounds
from drivers.qr_camera import Optics, QrCamera
from drivers.qr_decode import FrameReader, QrDecoder
from drivers.speaker import AlsaSpeaker
from drivers.webcam import Webcam
from kiosk import health
from kiosk.baseline_keeper import BaselineKeeper, Bound
from kiosk.believed import Believed, SteadyDie, doubt_air
from kiosk.config import AirConfig, Config, SpeakerConfig, ThermometerConfig
from kiosk.devices import AirThermometer, CallButton, Clock, FrameSource, Lamp, Speaker
from kiosk.directory import DirectoryWatch
from kiosk.errors import DeviceAbsent
from kiosk.gate import Gate
from kiosk.health import BASELINE, SECRET, Change
from kiosk.hourly import Hourly
from kiosk.journal_keeper import JournalKeeper, Writer
from kiosk.model import BusCounts, Celsius, CodeRead, EventKind, Monotonic, Prompt, Sample, Seconds
from kiosk.outdoor import FILE_NAME as OUTDOOR_FILE
from kiosk.outdoor import Outdoors
from kiosk.passage.body_temperature import Commissioning, Site
from kiosk.passage.environment import measurable
from kiosk.passage.journal import BOOT_ID, BackgroundCheck, Journal
from kiosk.passage.site import as_configured, measured_with
from kiosk.passes.keys import PublicKey, keep_secret
from kiosk.policy import EMERGENCY
from kiosk.recollection import remembered
from kiosk.supervision import Part, Pollable, Supervised, Worker, longest_silence
from kiosk.surroundings import AIR_KEEPS_S, Parts, Surroundings
from kiosk.timekeeping import FloorFile, TimeKeeper
from kiosk.voice import Voice

CAMERA_INTERVAL: Final = Seconds(0.005)
SENSOR_INTERVAL: Final = Seconds(0.02)
AIR_INTERVAL: Final = Seconds(0.1)
TOKEN_KEY_BYTES: Final = 32
SECRET_DAMAGED: Final = "SECRET_DAMAGED"
BASELINE_DAMAGED: Final = "BASELINE_DAMAGED"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Kiosk:
    """An assembled gate and all that must be closed with it, in reverse order of opening."""

    config: Config
    gate: Gate
    clock: Clock
    lamp: Lamp
    closing: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Dark first, then everything else; any number of times."""
        self.lamp.close()
        self.closing.close()


def assemble(
    config: Config,
    parts: Parts,
    *,
    clock: Clock,
    lamp: Lamp,
    speaker: Speaker,
    writer: Callable[[Writer], Writer] = lambda journal: journal,
    chain: BackgroundCheck | None = None,
) -> Kiosk:
    """The gate over parts that are ready; what it opens itself (journal, lists) comes with back-off.

    ``writer`` may stand between the gate and its journal, for a scenario that fills the disk. ``chain``
    verifies the whole journal while the gate runs already.
    """
    site = replace(site_of(config), air_fitted=parts.air is not None)
    parts = _believed(parts, site)
    state = config.journal.path.parent
    boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else "unknown"
    floor = FloorFile(state / "clock.json", boot)
    proven, at = floor.load()
    roots = [PublicKey.load(file) for file in config.directory.roots]
    opener = _journal_opener(config, clock, boot)
    journal = JournalKeeper(lambda: writer(opener()), clock)
    surroundings = Surroundings(
        config=config.gate,
        site=site,
        parts=parts,
        time=TimeKeeper(clock, proven, EMERGENCY.max_gap_s, floor_at=at),
        floor=floor,
        lists=DirectoryWatch(config.directory.path, roots),
        journal=journal,
        outdoors=Outdoors(state / OUTDOOR_FILE),
        baseline=_baseline(config, site, boot, journal, clock.monotonic()),
        hourly=Hourly(clock.monotonic(), parts.bus),
        token_key=_token_key(state / "token.key", journal, clock.monotonic()),
        chain=chain,
        speaker=speaker,
    )
    voice = Voice(speaker, config.speaker, surroundings, clock)
    gate = Gate(config.gate, parts, surroundings, clock=clock, lamp=lamp, speaker=voice)
    for passage in remembered(config.journal.path, boot, clock.monotonic()):
        gate.judge.recall(passage)
    closing = ExitStack()
    closing.callback(journal.close)
    if chain is not None:
        closing.callback(chain.stop)
    for part in (parts.camera, parts.thermometer, parts.air, parts.outdoor, parts.button):
        if part is not None:
            closing.callback(part.close)
    closing.callback(speaker.close)
    return Kiosk(config, gate, clock, lamp, closing)


def _believed(parts: Parts, site: Site) -> Parts:
    """Every gate, however it is put together, doubts what can't be before it rests anything on it."""
    air = None if parts.air is None else Believed(parts.air, doubt_air)
    outdoor = None if parts.outdoor is None else Believed(parts.outdoor, doubt_air)
    thermometer = Believed(parts.thermometer, SteadyDie(partial(measurable, site)))
    return replace(parts, thermometer=thermometer, air=air, outdoor=outdoor)


def _journal_opener(config: Config, clock: Clock, boot: str) -> Callable[[], Journal]:
    return lambda: Journal.open(
        config.journal.path,
        device=config.gate.device,
        clock=clock,
        reserve_bytes=config.journal.reserve_mb << 20,
        boot_id=boot,
        simulated=config.gate.simulated,
    )


def _baseline(
    config: Config, site: Site, boot: str, journal: JournalKeeper, now: Monotonic
) -> BaselineKeeper:
    """What was saved of the baseline; a damaged file begins anew, and the journal says so."""
    part = f"{config.thermometer.driver} {config.thermometer.variant}"
    bound = Bound.to(site, part, simulated=config.gate.simulated)
    keeper = BaselineKeeper(config.journal.path.parent, bound, boot, journal.write_or_hold)
    keeper.load(now, config.journal.path)
    if keeper.damage:
        _tell_mended(journal, BASELINE, BASELINE_DAMAGED, keeper.damage, now)
    return keeper


def _tell_mended(journal: JournalKeeper, part: str, code: str, problem: str, now: Monotonic) -> None:
    """Something was wrong at the start, and is not any more."""
    for kind, message in ((EventKind.FAULT, problem), (EventKind.RECOVERED, "")):
        journal.hold(kind, Change(kind, part, code, message).body(), now)


def _token_key(path: Path, journal: JournalKeeper, now: Monotonic) -> bytes:
    """This device's own secret for naming codes that are no pass; made at the first start.

    A damaged one is replaced, and the journal says so: the names of such codes change, nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    secret, problem = keep_secret(path, TOKEN_KEY_BYTES)
    if problem:
        log.warning("%s", problem)
        _tell_mended(journal, SECRET, SECRET_DAMAGED, problem, now)
    return secret


def site_of(config: Config) -> Site:
    """What readings are judged by, with the commissioning record if there is one that belongs to it.

    A record found with another part or calibration is none: UNCOMMISSIONED, and never a wrong NORMAL.
    """
    site = as_configured(config)
    path = config.screening.commissioning
    if path is None:
        return site
    record = Commissioning.load(path, simulated=config.gate.simulated)
    if not record.fits(measured_with(site, config.thermometer.variant)):
        log.warning("%s was made with another part or other settings: commission the gate anew", path)
        return site
    return replace(site, commissioning=record)


# -- real devices ------------------------------------------------------------------------------------------


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


def real(config: Config, *, pins: Pins | None = None, openers: Openers | None = None) -> Kiosk:
    """A gate on this machine's devices, polled by threads of their own.

    ``pins``: the pin factory, by default the Raspberry Pi's own lines through lgpio. DeviceError when the
    lamp's pins can't be had: a gate without a lamp can't answer anybody, so it does not start.
    """
    clock = SystemClock()
    lamp = GpioLamp(
        red=config.pins.red,
        green=config.pins.green,
        buzzer=config.pins.buzzer,
        relay=config.pins.relay,
        clock=clock,
        relay_pulse_s=config.lamp.relay_pulse_s,
        buzzer_on=config.lamp.buzzer,
        pin_factory=pins,
    )
    try:
        lamp.start()
        parts = _threaded(config, openers or Openers.of(config, pins, clock), clock)
        chain = BackgroundCheck(config.journal.path)
        speaker = _speaker(config.speaker, clock)
        return assemble(config, parts, clock=clock, lamp=lamp, speaker=speaker, chain=chain)
    except BaseException:
        lamp.close()
        raise


def _threaded(config: Config, openers: Openers, clock: Clock) -> Parts:
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


def _speaker(config: SpeakerConfig, clock: SystemClock) -> Speaker:
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

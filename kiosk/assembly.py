"""The composition root: the whole product, put together from a configuration.

``real`` builds a gate on this machine's devices, each slow one behind a thread. ``simulated`` builds the
same gate on a virtual clock in a world of people. Real never falls back to simulated: which of the two is
built is written in the configuration and in every record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from drivers.clock import SystemClock
from drivers.lamp import GpioLamp
from drivers.pins import Pins
from kiosk.baseline_keeper import BaselineKeeper, Bound
from kiosk.believed import Believed, SteadyDie, doubt_air
from kiosk.config import Config
from kiosk.devices import Clock, Lamp, Speaker
from kiosk.directory import DirectoryWatch
from kiosk.fitted import Openers, speaker_of, threaded
from kiosk.gate import Gate
from kiosk.health import BASELINE, SECRET, Change
from kiosk.hourly import Hourly
from kiosk.journal_keeper import JournalKeeper, Writer
from kiosk.model import EventKind, Monotonic
from kiosk.outdoor import FILE_NAME as OUTDOOR_FILE
from kiosk.outdoor import Outdoors
from kiosk.passage.body_temperature import Commissioning, Site
from kiosk.passage.environment import measurable
from kiosk.passage.journal import BOOT_ID, BackgroundCheck, Journal
from kiosk.passage.site import as_configured, measured_with
from kiosk.passes.keys import PublicKey, keep_secret
from kiosk.policy import EMERGENCY
from kiosk.recollection import remembered
from kiosk.surroundings import Parts, Surroundings
from kiosk.timekeeping import FloorFile, TimeKeeper
from kiosk.voice import Voice

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
        parts = threaded(config, openers or Openers.of(config, pins, clock), clock)
        chain = BackgroundCheck(config.journal.path)
        speaker = speaker_of(config.speaker, clock)
        return assemble(config, parts, clock=clock, lamp=lamp, speaker=speaker, chain=chain)
    except BaseException:
        lamp.close()
        raise

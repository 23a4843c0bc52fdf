"""The configured thermometer before a reference: how it is opened, and looked with for some seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Self

from drivers.clock import SystemClock
from drivers.mlx90614 import SPECS
from drivers.simulated.clock import VirtualClock
from drivers.simulated.reference_body import SimulatedReferenceBody
from kiosk.believed import doubt_sample
from kiosk.config import Config
from kiosk.devices import Clock
from kiosk.errors import SensorError, TimeUnproven, Usage
from kiosk.fitted import Openers
from kiosk.model import Celsius, ClockState, EventSeq, Sample, Seconds, UnixTime
from kiosk.passage.journal import JournalReader
from kiosk.passage.journal_beside import is_being_written
from kiosk.passage.reference_body import LOOK_S, Look, Reference, steady_look
from kiosk.supervision import Pollable

STEP: Final = Seconds(0.02)
SIMULATED_ROOM: Final = Celsius(24.0)


@dataclass(frozen=True, slots=True)
class Looked:
    """One look, and with which part."""

    look: Look
    part: str


@dataclass(frozen=True, slots=True)
class Bench:
    """A thermometer before a reference, and the time that passes meanwhile."""

    opener: Callable[[], Pollable[Sample]]
    clock: Clock
    wait: Callable[[Seconds], object]

    @classmethod
    def of(cls, config: Config, reference: Reference) -> Self:
        """The configured thermometer; a simulated gate's sees a body that is as warm as it is said to be."""
        if not config.gate.simulated:
            _refuse_running(config)
            clock = SystemClock()
            return cls(Openers.of(config, clock=clock).thermometer, clock, threading.Event().wait)
        virtual, spec = VirtualClock(), SPECS[config.thermometer.variant]
        die = Celsius(SIMULATED_ROOM + config.thermometer.die_offset)
        body = SimulatedReferenceBody(spec, reference.seen, started=virtual.monotonic(), die=die)
        return cls(lambda: body, virtual, virtual.advance)


def _refuse_running(config: Config) -> None:
    if is_being_written(config.journal.path):
        raise Usage(
            "the gate runs: stop it first (systemctl stop kiosk-gate). Two readers disturb the sensor, and "
            "the gate would take the reference for a forehead"
        )


def look_at(config: Config, reference: Reference, bench: Bench | None = None) -> Looked:
    """Look at a reference for 20 s. DeviceError when the thermometer fails, ReferenceUnstable.

    Usage while a real gate looks with the same part.
    """
    bench = bench or Bench.of(config, reference)
    with closing(bench.opener()) as part:
        samples = collect(part, bench.clock, bench.wait)
        return Looked(steady_look(samples, SPECS[config.thermometer.variant]), part_id(config, part))


def collect(
    part: Pollable[Sample], clock: Clock, wait: Callable[[Seconds], object], seconds: Seconds = LOOK_S
) -> list[Sample]:
    """Everything the part says within so many seconds; DeviceError when it fails, or says what can't be."""
    samples: list[Sample] = []
    ends = clock.monotonic() + seconds
    while (now := clock.monotonic()) < ends:
        samples += _believed(part.poll(now))
        wait(STEP)
    return samples


def _believed(samples: Sequence[Sample]) -> Sequence[Sample]:
    for sample in samples:
        doubt = doubt_sample(sample)
        if doubt is not None:
            raise SensorError(f"thermometer: {doubt}")
    return samples


def part_id(config: Config, part: object) -> str:
    """The part's own number where it has told one, else what is configured."""
    identity = getattr(part, "identity", None)
    named = f"{config.thermometer.driver} {config.thermometer.variant}"
    return named if identity is None else f"{named} {identity.id}"


def room(config: Config, look: Look) -> Celsius:
    """The air around, from the part's own temperature, °C."""
    return Celsius(look.die - config.thermometer.die_offset)


def proven_time(config: Config, clock: Clock | None = None) -> UnixTime:
    """What time it is at this gate; TimeUnproven when no clock of this machine can be believed.

    At a simulated gate it is a little later than its newest event: it lives in its scenario's time.
    """
    if config.gate.simulated:
        return _newest_event(config)
    clock = clock or SystemClock()
    if clock.state() is ClockState.UNTRUSTED:
        raise TimeUnproven(
            "no clock of this machine can be believed now: connect it to the network until it has the time"
        )
    return clock.wall()


def _newest_event(config: Config) -> UnixTime:
    if not config.journal.path.exists():
        return UnixTime(time.time())
    reader = JournalReader(config.journal.path)
    [event] = reader.events(EventSeq(reader.head().seq - 1), 1)
    return UnixTime(float(event.fields()["wall"]) + LOOK_S)

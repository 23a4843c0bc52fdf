"""A street before a gate, for tests: codes and foreheads by hand, everything behind them real.

The gate, its journal on disk, signed lists, passes, policies and the light patterns are the product's own;
only camera and thermometer are played, below the gate's seam, on a virtual clock.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from drivers.mlx90614 import SPECS
from drivers.simulated.call_button import SimulatedCallButton
from drivers.simulated.clock import VirtualClock
from drivers.simulated.lamp import SimulatedLamp
from drivers.simulated.speaker import SimulatedSpeaker
from kiosk.assembly import Kiosk, assemble
from kiosk.commands.recheck import Total, findings
from kiosk.config import Config, load
from kiosk.errors import DeviceAbsent, DeviceError, JournalError, SensorError
from kiosk.fitted import Presses
from kiosk.gate import Gate, State
from kiosk.journal_keeper import Writer
from kiosk.model import (
    BusCounts,
    Category,
    Celsius,
    CodeRead,
    EntryFrom,
    EventKind,
    EventSeq,
    Light,
    Monotonic,
    Receipt,
    Sample,
    Seconds,
    UnixTime,
    Verdict,
    celsius_to_word,
)
from kiosk.passage.body_temperature import Commissioning
from kiosk.passage.journal import BackgroundCheck, JournalReader
from kiosk.passes.issue import IssuedPass
from kiosk.passes.trust import DemoTrust, init_demo
from kiosk.person import Passage
from kiosk.supervision import Part, Pollable, Supervised, longest_silence
from kiosk.surroundings import Parts

START: Final = UnixTime(1_798_761_600.0)
SITE_NORMAL: Final = Celsius(34.0)
WALL: Final = Celsius(22.0)
AIR: Final = Celsius(24.1)
TURN: Final = Seconds(0.05)
MEMORY: Final = Path("/dev/shm")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A new folder, in memory where there is some: the same calls are made, and an fsync costs nothing."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="kiosk-street-", dir=place) as folder:
        yield Path(folder)


class Camera:
    """Shows what the street holds up, at 10 frames a second."""

    def __init__(self, street: Street) -> None:
        self._street = street

    def poll(self, now: Monotonic) -> Sequence[CodeRead]:
        if self._street.camera_gone:
            raise DeviceAbsent("camera: unplugged")
        if self._street.camera_fault is not None:
            raise self._street.camera_fault
        return [CodeRead(text, "QRCode", "test", now) for text in self._street.shown]

    def close(self) -> None:
        """Nothing to release."""


class Forehead:
    """Reads what stands before it, every 0.1 s."""

    spec = SPECS["xAA"]

    def __init__(self, street: Street) -> None:
        self._street = street
        self._last = Monotonic(0.0)

    def poll(self, now: Monotonic) -> Sequence[Sample]:
        if self._street.sensor_fault is not None:
            raise self._street.sensor_fault
        if now - self._last < 0.0999 or self._street.sensor_silent:
            return ()
        self._last = now
        return [Sample(now, celsius_to_word(self._street.warmth), celsius_to_word(self._street.die))]

    def close(self) -> None:
        """Nothing to release."""


class Disk:
    """Between the gate and its journal: refuses while the street says so."""

    def __init__(self, journal: Writer, street: Street) -> None:
        self._journal = journal
        self._street = street

    @property
    def epoch(self) -> str:
        return self._journal.epoch

    @property
    def seq(self) -> EventSeq:
        return self._journal.seq

    @property
    def disk_full(self) -> bool:
        return self._journal.disk_full

    def append(
        self, kind: EventKind, body: Mapping[str, object], *, verdict: Verdict | None = None
    ) -> Receipt:
        if self._street.disk_error is not None:
            raise self._street.disk_error
        receipt = self._journal.append(kind, body, verdict=verdict)
        if kind is EventKind.PASSAGE:
            self._street.clock.advance(self._street.disk_takes)
        return receipt

    def written(
        self, kind: EventKind, body: Mapping[str, object], after: EventSeq, verdict: Verdict | None = None
    ) -> EventSeq | None:
        return self._journal.written(kind, body, after, verdict)

    def write_counted(self) -> Receipt | None:
        return self._journal.write_counted()

    def reclaim(self) -> bool:
        return self._journal.reclaim()

    def close(self) -> None:
        self._journal.close()


class Street:
    """One gate and whoever the test puts before it."""

    def __init__(self, folder: Path, *, commissioned: bool = True, **gate: Any) -> None:
        self.shown: list[str] = []
        self.warmth, self.die = WALL, AIR
        self.camera_gone = False
        self.camera_fault: DeviceError | None = None
        self.sensor_fault: DeviceError | None = None
        self.sensor_silent = False
        self.disk_error: JournalError | None = None
        self.disk_takes = Seconds(0.0)
        """How long each passage takes to write."""
        self.clock = VirtualClock(START, start=Monotonic(1000.0))
        self.trust: DemoTrust = init_demo(folder / "trust", START)
        self.config = _config(folder, self.trust, commissioned, gate)
        self.lamp = self._lamp()
        self.speaker = SimulatedSpeaker(self.clock)
        self.button = SimulatedCallButton()
        self.air: Part[Celsius] | None = None
        """An air thermometer is fitted at the next start."""
        self.outdoor: Part[Celsius] | None = None
        """The same outside the door."""
        self.bus: BusCounts | None = None
        self.answers: list[Passage] = []
        self.kiosk = self._assemble()

    def _camera(self) -> Part[CodeRead]:
        """What reads codes here; a test may put something else in its place."""
        return Supervised("camera", lambda: Camera(self))

    def _thermometer(self) -> Pollable[Sample]:
        """What looks at foreheads here, opened anew after each fault; a test may put something else."""
        return Forehead(self)

    def _lamp(self) -> SimulatedLamp:
        return SimulatedLamp(clock=self.clock)

    def _button(self) -> Part[bool]:
        return Supervised("button", lambda: Presses(self.button))

    def _assemble(self, chain: BackgroundCheck | None = None) -> Kiosk:
        parts = Parts(
            camera=self._camera(),
            thermometer=Supervised("thermometer", self._thermometer, longest_silence(Forehead.spec)),
            spec=Forehead.spec,
            air=self.air,
            outdoor=self.outdoor,
            bus=self.bus,
            button=self._button(),
        )
        kiosk = assemble(
            self.config,
            parts,
            clock=self.clock,
            lamp=self.lamp,
            speaker=self.speaker,
            writer=lambda journal: Disk(journal, self),
            chain=chain,
        )
        kiosk.gate.observers.append(self.answers.append)
        return kiosk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kiosk.close()

    @property
    def gate(self) -> Gate:
        return self.kiosk.gate

    def restart(self, chain: BackgroundCheck | None = None) -> None:
        """Stop the gate and start it anew over the same folder."""
        self.kiosk.close()
        self.lamp, self.speaker = self._lamp(), SimulatedSpeaker(self.clock)
        self.button = SimulatedCallButton()
        self.kiosk = self._assemble(chain)

    def change_event(self, seq: int) -> None:
        """Somebody writes into the journal's file."""
        with closing(sqlite3.connect(self.config.journal.path)) as connection:
            connection.execute("UPDATE events SET body = body || ' ' WHERE seq = ?", (seq,))
            connection.commit()

    # -- time and people -------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass, turn by turn."""
        for _ in range(round(seconds / TURN)):
            self.clock.advance(TURN)
            self.gate.turn()

    def leap(self, seconds: float) -> None:
        """A long time in which nobody comes and nothing turns; the lamp does not blink through all of it."""
        self.lamp.show(Light.DARK)
        self.gate.light = Light.DARK
        self.clock.advance(seconds)

    def state(self) -> State:
        """Where the gate stands now."""
        return self.gate.state

    def light_now(self) -> Light:
        """What the lamp shows."""
        return self.lamp.light

    def trust_time(self, after: float) -> UnixTime:
        """So many seconds from now, by the clock on the wall."""
        return UnixTime(self.clock.wall() + after)

    def issue(self, category: Category = Category.RESIDENT, **rights: Any) -> IssuedPass:
        """A pass of the demo's issuer, good for a month from now."""
        now = UnixTime(self.clock.wall())
        return self.trust.issuer.issue(category, now=now, life=Seconds(30 * 86_400), **rights)

    def pass_by(self, text: str | None, *, above: float | None = 0.0, stays: float = 3.0) -> Passage | None:
        """One person: shows the code, leans in for a while with so many °C above normal, walks away."""
        before = len(self.answers)
        if text is not None:
            self.shown = [text]
            self.run(0.3)
        if above is not None:
            self.warmth = forehead(above)
        self.run(stays)
        self.shown, self.warmth = [], WALL
        self.run(1.0)
        return self.answers[-1] if len(self.answers) > before else None

    # -- what can be seen afterwards --------------------------------------------------------------------

    def faults(self) -> dict[str, str]:
        """Part to code, of what is wrong now."""
        return self.gate.surroundings.health.snapshot()

    def told(self) -> list[tuple[str, str, str]]:
        """Every FAULT and RECOVERED of the journal: kind, part, code."""
        reader = JournalReader(self.config.journal.path)
        bodies = [(event.kind, event.content() or {}) for event in reader.walk()]
        return [(kind, body["part"], body["code"]) for kind, body in bodies if kind in ("fault", "recovered")]

    def lit(self, light: Light) -> bool:
        """This light was shown at some time."""
        return any(change.light is light for change in self.lamp.history)

    def green_seconds(self) -> float:
        """How long green was lit altogether."""
        history = list(self.lamp.history)
        pairs = zip(history, [*history[1:], None], strict=True)
        end = self.clock.monotonic()
        return sum((later.at if later else end) - now.at for now, later in pairs if now.outputs.green)

    def events(self, kind: EventKind | None = None) -> list[dict[str, Any]]:
        """Bodies of the journal's events, oldest first."""
        reader = JournalReader(self.config.journal.path)
        try:
            found = reader.events(limit=100_000, kind=kind)
            return [json.loads(event.body or "null") for event in found]
        finally:
            reader.close()


def assert_sound(journal: Path) -> None:
    """The chain holds, and every result and verdict follows from the words on record."""
    reader = JournalReader(journal)
    assert reader.verify().ok
    assert list(findings(reader, Total())) == []


def forehead(above: float) -> Celsius:
    """What the sensor reads (emissivity 1) of a forehead that much above normal, at the test's air."""
    kelvin = SITE_NORMAL + above + 273.15
    seen = 0.98 * kelvin**4 + 0.02 * (AIR + 273.15) ** 4
    return Celsius(seen**0.25 - 273.15)


def unplugged() -> SensorError:
    return SensorError("thermometer: no answer from 0x5A on bus 1")


def _config(folder: Path, trust: DemoTrust, commissioned: bool, gate: dict[str, Any]) -> Config:
    config = load(None)
    record = folder / "commissioning.json"
    made = Commissioning.make(SITE_NORMAL, 120, "2027-01-01T00:00:00+08:00", simulated=True)
    record.write_text(json.dumps(made.to_map()))
    usual: dict[str, Any] = {"simulated": True, "community": trust.community, "entry_from": EntryFrom.INDOORS}
    return replace(
        config,
        gate=replace(config.gate, **(usual | gate)),
        thermometer=replace(
            config.thermometer,
            variant="xAA",
            supply_volts=config.thermometer.rated_volts,
            die_offset=Celsius(0),
        ),
        screening=replace(config.screening, commissioning=record if commissioned else None),
        journal=replace(config.journal, path=folder / "journal" / "journal.db", reserve_mb=1),
        directory=replace(config.directory, path=trust.lists, roots=(trust.root_file,)),
    )

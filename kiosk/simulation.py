"""A simulated gate: the real one, assembled on a virtual clock in a world of people who react to it.

Its folder holds what an installed gate would have on its disk: signed lists, a commissioning record (marked
SIMULATED), a configuration file, the journal. Nothing of the gate itself is replaced: pictures go through
the real decoders, words through the real screening, records into the real journal.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from drivers.mlx90614 import SPECS
from drivers.qr_decode import FrameReader
from drivers.simulated.air_temperature import SimulatedAirThermometer, SimulatedOutdoorThermometer
from drivers.simulated.call_button import SimulatedCallButton
from drivers.simulated.clock import VirtualClock
from drivers.simulated.commissioning import background, foreheads
from drivers.simulated.frames import Renderer
from drivers.simulated.lamp import SimulatedLamp
from drivers.simulated.mlx90614 import SimulatedMlx90614
from drivers.simulated.pace import Pace, Stoppable
from drivers.simulated.qr_camera import SimulatedQrCamera
from drivers.simulated.speaker import SimulatedSpeaker
from drivers.simulated.world import World
from kiosk.assembly import Kiosk, assemble
from kiosk.breakable import BreakableButton, BreakableDecoder, BreakableDisk
from kiosk.config import Config
from kiosk.devices import FrameSource
from kiosk.errors import DeviceAbsent
from kiosk.files import write_atomic
from kiosk.fitted import Temperatures, no_thermometer
from kiosk.gate import Gate
from kiosk.model import (
    Celsius,
    CodeRead,
    EntryFrom,
    Mode,
    Monotonic,
    Sample,
    Seconds,
)
from kiosk.passage.body_temperature import AMBIENT_REFERENCE, Commissioning, Site, Window, screen
from kiosk.passage.commissioning import Forehead, site_normal
from kiosk.passage.site import FEWEST_PEOPLE
from kiosk.passes.keys import SigningKey
from kiosk.passes.status import Status
from kiosk.passes.trust import DemoTrust, init_demo
from kiosk.scenario import FaultKind, FaultSpan, Person, Scenario, people
from kiosk.specimens import Specimens
from kiosk.supervision import Pollable, Supervised, longest_silence
from kiosk.surroundings import Parts
from kiosk.weather import AIR_KEEPS_S

STARTED: Final = Monotonic(100.0)
FINEST: Final = Seconds(0.05)
COARSEST: Final = Seconds(0.25)
"""Longest step of virtual time between two turns: a machine that is slow drops frames, not people."""
SETTLE_S: Final = Seconds(6.0)
"""After the last person: the light runs out."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a simulated gate, laid out; child processes read the same files."""

    folder: Path
    scenario: Scenario
    trust: DemoTrust

    @property
    def config_file(self) -> Path:
        """What ``kiosk sync --config`` is given too."""
        return self.folder / "kiosk.toml"

    @classmethod
    def lay_out(
        cls, folder: Path, scenario: Scenario, *, server: str = "", secret: Path | None = None
    ) -> Place:
        """Make keys, lists, commissioning record and configuration in ``folder`` (new or empty)."""
        folder.mkdir(parents=True, exist_ok=True)
        trust = init_demo(folder / "trust", scenario.starts)
        if scenario.mode is not Mode.ROUTINE:
            trust.publish(scenario.starts, mode=scenario.mode)
        place = cls(folder, scenario, trust)
        made = commissioned(scenario)
        write_atomic(folder / "commissioning.json", json.dumps(made.to_map(), indent=1).encode())
        write_atomic(place.config_file, place.config_text(server, secret).encode())
        return place

    def config_text(self, server: str, secret: Path | None) -> str:
        """The gate's configuration as an admin would write it; all paths lie in the folder."""
        return "\n".join(
            f"\n[{section}]\n" + "\n".join(f"{key} = {_toml(value)}" for key, value in settings.items())
            for section, settings in self._settings(server, secret).items()
        )

    def _settings(self, server: str, secret: Path | None) -> dict[str, dict[str, Any]]:
        site = self.scenario.site
        from_outdoors = site.entry_from is EntryFrom.OUTDOORS
        return {
            "gate": {
                "id": "demo-gate",
                "device": "demo-kiosk",
                "community": self.trust.community,
                "direction": site.direction,
                "entry_from": site.entry_from,
                "simulated": True,
            },
            "camera": {"source": "simulated"},
            "thermometer": {
                "driver": "simulated",
                "variant": site.variant,
                "distance_cm": site.distance_cm,
                "supply_volts": 3.0,
                "rated_volts": 3.0,
                "die_offset": site.die_offset,
            },
            "air": {"driver": _fitted(site.air_thermometer)},
            "outdoor": {"driver": _fitted(site.outdoor_thermometer and from_outdoors)},
            "speaker": {"driver": "simulated"},
            "screening": {"commissioning": "commissioning.json"},
            "journal": {"path": "journal/journal.db"},
            "directory": {"path": "trust/lists", "roots": ["trust/root.pub"]},
            "sync": {"url": server, "database": "sync/sync.db"}
            | ({"secret_file": str(secret)} if secret is not None else {}),
        }


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who comes, in order, and what each one's code says: more people than a process should hold."""

    people: Iterable[Person]
    texts: Mapping[str, str]


def _fitted(yes: bool) -> str:
    return "simulated" if yes else "none"


def commissioned(scenario: Scenario) -> Commissioning:
    """The record that ``kiosk calibrate commission`` would make of a hundred people at this site."""
    spec, wall = SPECS[scenario.site.variant], background(scenario)
    found = []
    for samples in foreheads(scenario, FEWEST_PEOPLE):
        window = Window(spec, Monotonic(0.0), wall)
        for sample in samples:
            if not window.finished(sample.at):
                window.feed(sample)
        reading = screen(
            window.samples,
            spec,
            Site(),
            opened_at=window.opened_at,
            background=wall,
            ambient=AMBIENT_REFERENCE,
            environment=None,
        )
        if reading.forehead_celsius is not None:
            found.append(Forehead(reading.forehead_celsius, AMBIENT_REFERENCE))
    return Commissioning.make(site_normal(found), FEWEST_PEOPLE, "simulated", simulated=True)


def _toml(value: object) -> str:
    # JSON's numbers, booleans, strings and lists of them are TOML's too.
    return json.dumps(value)


class Simulation:
    """A simulated gate that can be run. For one thread; close it to end the renderer's process."""

    def __init__(
        self,
        place: Place,
        config: Config,
        *,
        photographs: Path | None = None,
        width: int = 640,
        height: int = 480,
        on_read: Callable[[str, list[str]], None] | None = None,
        on_fault: Callable[[FaultSpan, bool], None] | None = None,
        clock: VirtualClock | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        """``clock``: virtual time of the caller's own, begun at :data:`STARTED`. ``crowd`` comes instead of
        everybody whom the scenario draws.

        ``on_fault`` is told each fault of the scenario that begins or ends: the server is the caller's.
        """
        self.scenario = scenario = place.scenario
        self.clock = clock or VirtualClock(scenario.starts, start=STARTED, state=scenario.clock)
        self.speaker = SimulatedSpeaker(self.clock)
        self.lamp = SimulatedLamp(
            clock=self.clock, relay_pulse_s=config.lamp.relay_pulse_s, buzzer_on=config.lamp.buzzer
        )
        self.button = SimulatedCallButton()
        specimens = Specimens(place.trust.issuer, SigningKey.generate(), scenario.starts)
        if crowd is None:
            everybody = people(scenario)
            crowd = Crowd(everybody, dict(issue(place, everybody, specimens)))
        self.world = World(
            scenario,
            self.lamp,
            started=STARTED,
            coming=crowd.people,
            speaker=self.speaker,
            press=self.button.press,
            on_fault=self._on_fault,
        )
        self._told = on_fault
        self._closing = ExitStack()
        self.renderer = self._closing.enter_context(
            Renderer(
                crowd.texts,
                seed=scenario.seed,
                width=width,
                height=height,
                issue=lambda person: specimens.text(person) if person.kind.pass_kind.issued else None,
                photographs=photographs,
            )
        )
        self.decoder = BreakableDecoder(config.camera.linear_symbologies, self.world.fault, on_read)
        self.kiosk = self._closing.enter_context(self._assemble(config))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def gate(self) -> Gate:
        """The gate itself."""
        return self.kiosk.gate

    @property
    def done(self) -> bool:
        """Everybody has come and gone."""
        return self.world.done

    def close(self) -> None:
        """Dark, journal closed, renderer ended; any number of times."""
        self._closing.close()

    def run(self, speed: float, stop: Stoppable, after_turn: Callable[[], None] | None = None) -> None:
        """Play the scenario, virtual time at most ``speed`` times real time; ends early when stopped."""
        pace = Pace(self.clock, speed, stop)
        ends = math.inf
        step = FINEST
        while self.clock.monotonic() < ends and pace.advance(step):
            began = time.perf_counter()
            self.gate.turn()
            if after_turn is not None:
                after_turn()
            if self.done and ends == math.inf:
                ends = self.clock.monotonic() + SETTLE_S
            # What this turn cost in real time passes for the people too, as at a real gate.
            cost = (time.perf_counter() - began) * speed
            step = Seconds(min(max(cost, FINEST), COARSEST))
        self.gate.stop()

    def _assemble(self, config: Config) -> Kiosk:
        site = self.scenario.site
        spec = SPECS[site.variant]
        thermometer = no_thermometer if config.thermometer.driver == "none" else self.thermometer
        air: Supervised[Celsius] | None = None
        if config.air.driver == "simulated":
            air = Supervised("air", self._air, AIR_KEEPS_S)
        outdoor: Supervised[Celsius] | None = None
        if config.outdoor.driver == "simulated":
            outdoor = Supervised("outdoor", self._outdoor, AIR_KEEPS_S)
        parts = Parts(
            camera=Supervised[CodeRead]("camera", lambda: FrameReader(self.frames(), self.decoder)),
            thermometer=Supervised[Sample]("thermometer", thermometer, longest_silence(spec)),
            spec=spec,
            air=air,
            outdoor=outdoor,
            button=Supervised[bool]("button", lambda: BreakableButton(self.button, self.world.fault)),
        )
        return assemble(
            config,
            parts,
            clock=self.clock,
            lamp=self.lamp,
            speaker=self.speaker,
            writer=lambda journal: BreakableDisk(journal, self.world.fault),
        )

    def frames(self) -> FrameSource:
        """Open the camera; called again after each fault."""
        return SimulatedQrCamera(self.world, self.renderer)

    def thermometer(self) -> Pollable[Sample]:
        """Open the thermometer; called again after each fault."""
        return SimulatedMlx90614(self.world)

    def _air(self) -> Pollable[Celsius]:
        return Temperatures(SimulatedAirThermometer(self.world))

    def _outdoor(self) -> Pollable[Celsius]:
        return Temperatures(SimulatedOutdoorThermometer(self.world))

    def _on_fault(self, span: FaultSpan, on: bool) -> None:
        """Faults of what is not asked whether it works: the wall clock, the speaker."""
        if span.kind is FaultKind.CLOCK_JUMP and on:
            self.clock.jump(span.jump_s)
        if span.kind is FaultKind.SPEAKER_GONE:
            self.speaker.fault = DeviceAbsent("simulated speaker: unplugged") if on else None
        if self._told is not None:
            self._told(span, on)


def issue(place: Place, crowd: Iterable[Person], specimens: Specimens) -> Iterator[tuple[str, str]]:
    """Person and text for everybody who shows a pass of their own; at the end the published list revokes
    those to be revoked.
    """
    yield from specimens.texts(crowd)
    if specimens.revoked:
        revoked = dict.fromkeys(specimens.revoked, Status.REVOKED)
        place.trust.publish(place.scenario.starts, mode=place.scenario.mode, marked=revoked)

"""``kiosk demo``: a gate on simulated devices, a community server, and people walking past.

Everything but the devices is the product: decoders, passes, screening, journal, sync, server. With
``--frames DIR`` the people hold up the pictures of that folder instead of a scenario's passes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.live import Live

from kiosk import scenario
from kiosk.commands import demo_view
from kiosk.commands.demo_children import Child, Community
from kiosk.commands.demo_frames import Pictures, album
from kiosk.commands.demo_view import Row, Scene
from kiosk.config import load
from kiosk.errors import Usage
from kiosk.model import EventKind, Verdict
from kiosk.passage.journal import JournalReader
from kiosk.person import Passage
from kiosk.signals import StopSignals
from kiosk.simulation import Place, Simulation

DRAW_S: Final = 0.1
HEARD_S: Final = 4.0
"""How long a prompt stays on the screen, virtual time."""
ASK_S: Final = 1.0
DELIVER_S: Final = 20.0
LIVE_SPEED: Final = 3.0
HEADLESS_SPEED: Final = 20.0
PHOTOGRAPHS: Final = "shared/data/qr/images"
"""Real photographs beside the checkout; where they are, some people hold up one of them."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--scenario", default="ordinary", metavar="ID", help=", ".join(scenario.ids()))
    parser.add_argument("--frames", type=Path, metavar="DIR", help="people hold up the pictures of DIR")
    parser.add_argument(
        "--speed", type=float, metavar="N", help=f"at most N times real time (usual: {LIVE_SPEED:g})"
    )
    parser.add_argument("--headless", action="store_true", help="no screen, one line a person")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep journal, lists and server data in DIR")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the reasons")


def run(arguments: argparse.Namespace) -> int:
    """0 when every answered person is on record and on the server, else 1."""
    options = _options(arguments)
    with _folder(options.keep) as folder, StopSignals() as stop:
        demo = Demo(options, folder)
        summary = demo.play(stop)
    return 0 if summary.sound else 1


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    story: scenario.Scenario
    photographs: Path | None
    pictures: Pictures | None
    speed: float
    live: bool
    as_json: bool
    keep: Path | None
    language: str


def _options(arguments: argparse.Namespace) -> Options:
    headless = arguments.headless or arguments.json
    speed = arguments.speed if arguments.speed is not None else HEADLESS_SPEED if headless else LIVE_SPEED
    if not 0 < speed <= 1000:
        raise Usage(f"--speed must be more than 0 and at most 1000, not {speed:g}")
    story = scenario.load("ordinary" if arguments.frames else arguments.scenario)
    photographs, pictures = _photographs(), None
    if arguments.frames is not None:
        photographs = arguments.frames
        pictures = Pictures(arguments.frames)
        story = album(story, pictures.names)
    live = not headless and sys.stdout.isatty()
    return Options(story, photographs, pictures, speed, live, arguments.json, arguments.keep, arguments.lang)


def _photographs() -> Path | None:
    beside = Path.cwd().parent / PHOTOGRAPHS
    return beside if beside.is_dir() else None


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A new folder for everything the demo writes; removed afterwards unless it shall be kept."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="kiosk-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise Usage(f"--keep {keep}: name a new or empty folder, so that no earlier demo is overwritten")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


@dataclass(slots=True)
class Summary:
    """How it went; the JSON line of ``--json``."""

    passages: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=dict)
    faults: int = 0
    lost: int = 0
    on_server: int | None = None
    journal_ok: bool = False

    @property
    def sound(self) -> bool:
        """Nobody was forgotten, here or on the server."""
        return self.journal_ok and not self.lost and self.on_server == self.passages

    def to_map(self) -> dict[str, Any]:
        """Keys are stable."""
        return {
            "passages": self.passages,
            **{str(verdict).lower(): self.verdicts.get(verdict, 0) for verdict in Verdict},
            "faults": self.faults,
            "lost": self.lost,
            "on_server": self.on_server or 0,
            "journal_ok": self.journal_ok,
            "simulated": True,
        }


class Demo:
    """One run. For one thread."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.console = Console()
        self.scene = Scene(options.story.title, options.language)
        self.answered: list[Passage] = []
        self._drawn = self._asked = 0.0

    def play(self, stop: StopSignals) -> Summary:
        """Start the server and sync, run the gate until everybody has gone, wait for sync, sum up."""
        with Community(self.folder, "demo-kiosk") as community:
            place = Place.lay_out(
                self.folder / "gate",
                self.options.story,
                server=community.address,
                secret=community.secret_file,
            )
            self._say_where(community)
            sync = community.add_sync(place.config_file, self.folder / "sync.log")
            config = load(place.config_file)
            with Simulation(
                place, config, photographs=self.options.photographs, on_read=self._on_read
            ) as simulation:
                self._watch(simulation)
                self._run(simulation, community, stop)
            summary = self._sum_up(config.journal.path)
            summary.on_server = community.wait_for(summary.passages, DELIVER_S)
            self._tell(summary, [community.child, sync], simulation)
        return summary

    # -- while it runs -----------------------------------------------------------------------------------

    def _run(self, simulation: Simulation, community: Community, stop: StopSignals) -> None:
        if not self.options.live:
            simulation.run(self.options.speed, stop)
            return
        with Live(console=self.console, auto_refresh=False, screen=False, transient=False) as live:

            def draw(at_once: bool = False) -> None:
                self._draw(live, simulation, community, at_once)

            simulation.run(self.options.speed, stop, draw)
            draw(at_once=True)

    def _watch(self, simulation: Simulation) -> None:
        def answered(passage: Passage) -> None:
            self.answered.append(passage)
            row = _row(passage, simulation)
            self.scene.rows.append(row)
            if self.options.pictures is not None:
                reasons = ", ".join(row.reasons)
                self.options.pictures.answer(row.who, row.verdict, reasons)
            if not self.options.live:
                demo_view.say(self.console, row, self.options.language)

        simulation.gate.observers.append(answered)

    def _on_read(self, label: str, texts: list[str]) -> None:
        if self.options.pictures is not None:
            self.options.pictures.note(label, texts)

    def _draw(self, live: Live, simulation: Simulation, community: Community, at_once: bool) -> None:
        now = time.monotonic()
        if now - self._asked >= ASK_S or at_once:
            self._asked = now
            held = community.passages()
            self.scene.server = "server: no answer" if held is None else f"server holds {held}"
        if now - self._drawn >= DRAW_S or at_once:
            self._drawn = now
            _look(self.scene, simulation)
            live.update(demo_view.render(self.scene), refresh=True)

    # -- afterwards --------------------------------------------------------------------------------------

    def _sum_up(self, journal: Path) -> Summary:
        reader = JournalReader(journal)
        try:
            summary = Summary(journal_ok=reader.verify().ok)
            recorded = set()
            for event in _every_event(reader):
                kind = event.fields()["kind"]
                summary.faults += kind == EventKind.FAULT
                if kind == EventKind.PASSAGE:
                    recorded.add(event.hash)
                    verdict = Verdict(event.content()["verdict"])
                    summary.verdicts[verdict] = summary.verdicts.get(verdict, 0) + 1
        finally:
            reader.close()
        summary.passages = len(recorded)
        late = sum(passage.receipt is None for passage in self.answered)
        on_time = [passage.receipt.head for passage in self.answered if passage.receipt is not None]
        missing = sum(head not in recorded for head in on_time)
        # Answers without a receipt were REFER or REFUSE on a journal that failed; they are written later.
        summary.lost = missing + max(0, late - (len(recorded) - (len(on_time) - missing)))
        return summary

    def _say_where(self, community: Community) -> None:
        if not self.options.as_json:
            self.console.print(f"community server: {community.address}  (all data SIMULATED)")

    def _tell(self, summary: Summary, children: list[Child], simulation: Simulation) -> None:
        if self.options.pictures is not None and not self.options.as_json:
            self.options.pictures.tell(self.console)
        if self.options.as_json:
            print(json.dumps(summary.to_map()), flush=True)
            return
        lines = _lines(summary, simulation)
        lines += [
            f"{child.name} has stopped: {child.last_words()}" for child in children if not child.running
        ]
        if self.options.keep is not None:
            lines.append(f"kept in {self.folder}: try `kiosk journal list` on gate/journal/journal.db")
        self.console.print(demo_view.closing(self.scene, lines))


def _every_event(reader: JournalReader) -> Iterator[Any]:
    after, page = 0, reader.events()
    while page:
        yield from page
        after = page[-1].seq
        page = reader.events(after=after)


def _row(passage: Passage, simulation: Simulation) -> Row:
    reading = passage.person.reading
    visit = simulation.world.current
    return Row(
        at=_local(simulation),
        who=visit.person.kind.title if visit is not None else "somebody",
        verdict=passage.decision.verdict,
        reasons=passage.decision.reasons,
        forehead=None if reading is None else reading.forehead_celsius,
        deviation=None if reading is None else reading.deviation,
    )


def _local(simulation: Simulation) -> datetime:
    """What a clock on the gate's wall shows."""
    zone = ZoneInfo(simulation.gate.surroundings.policy.time_zone)
    return datetime.fromtimestamp(simulation.clock.wall(), zone)


def _look(scene: Scene, simulation: Simulation) -> None:
    """What can be seen and heard at the gate now."""
    visit = simulation.world.current
    outputs = simulation.lamp.outputs
    scene.wall = _local(simulation)
    scene.light = simulation.lamp.light
    scene.red, scene.green, scene.relay = outputs.red, outputs.green, outputs.relay
    scene.who = "" if visit is None else visit.person.kind.title
    said = simulation.speaker.history
    heard = bool(said) and simulation.clock.monotonic() - said[-1].at <= HEARD_S
    scene.prompt = said[-1].prompt if heard else None
    scene.faults = simulation.gate.surroundings.health.snapshot()


def _lines(summary: Summary, simulation: Simulation) -> list[str]:
    tally = simulation.world.tally()
    figures = ", ".join(f"{verdict} {summary.verdicts.get(verdict, 0)}" for verdict in Verdict)
    minutes = math.ceil((simulation.clock.monotonic() - simulation.world.started) / 60)
    chain = "verifies" if summary.journal_ok else "DOES NOT VERIFY"
    server = "does not answer" if summary.on_server is None else f"holds {summary.on_server} of them"
    return [
        f"{tally.came} people came within {minutes} min; {summary.passages} passages: {figures}",
        f"journal: the chain {chain}; {summary.lost} answers lost; {summary.faults} faults",
        f"community server {server}",
        *(f"note: {note}" for note in simulation.renderer.notes),
    ]

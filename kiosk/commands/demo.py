"""``kiosk demo``: a gate on simulated devices, a community server, and people walking past.

Everything but the devices is the product: decoders, passes, screening, journal, sync, server. With
``--frames DIR`` the people hold up the pictures of that folder instead of a scenario's passes; with
``--frames VIDEO`` or ``--camera DEVICE`` the gate looks at a film, or through a camera, of the user's own.
"""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.live import Live

from drivers.picture_folder import SUFFIXES
from kiosk import scenario
from kiosk.commands import demo_summary, demo_view
from kiosk.commands.arguments import add_language
from kiosk.commands.demo_camera import (
    Film,
    LiveCamera,
    OwnCamera,
    OwnGate,
    closing_at_end,
    demo_passes,
    empty_street,
    print_pass,
    usb_camera,
    wait_for_enter,
)
from kiosk.commands.demo_children import Child, Community
from kiosk.commands.demo_frames import Pictures, album, pictures_of, retitled, usual_photographs
from kiosk.commands.demo_summary import Summary
from kiosk.commands.demo_view import Row, Scene
from kiosk.commands.demo_words import said
from kiosk.config import Config, load
from kiosk.errors import Usage
from kiosk.person import Passage
from kiosk.scenario import FaultKind, FaultSpan, Scenario
from kiosk.signals import StopSignals
from kiosk.simulation import Place, Simulation

DRAW_S: Final = 0.1
HEARD_S: Final = 4.0
"""How long a prompt stays on the screen, virtual time."""
ASK_S: Final = 1.0
DELIVER_S: Final = 20.0
LIVE_SPEED: Final = 3.0
HEADLESS_SPEED: Final = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    shipped = ", ".join(scenario.ids())
    parser.add_argument(
        "--scenario", default="ordinary", metavar="ID", help=f"{shipped}, or a file of your own: FILE.toml"
    )
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument(
        "--frames",
        type=Path,
        metavar="PATH",
        help="people hold up a folder's pictures, or a video",
    )
    pictures.add_argument(
        "--camera", metavar="DEVICE", help="look through a USB camera, such as /dev/video0, in real time"
    )
    pictures.add_argument(
        "--photographs", type=Path, metavar="DIR", help="real photographs, for those who show one"
    )
    parser.add_argument(
        "--speed", type=float, metavar="N", help=f"at most N times real time (usual: {LIVE_SPEED:g})"
    )
    parser.add_argument("--headless", action="store_true", help="no screen, one line a person")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep journal, lists and server data in DIR")
    add_language(parser, "of what is shown")


def run(arguments: argparse.Namespace) -> int:
    """0 when every answered person is on record and on the server, else 1."""
    options = _options(arguments)
    with closing_at_end(options.own), _folder(options.keep) as folder, StopSignals() as stop:
        demo = Demo(options, folder)
        summary = demo.play(stop)
    return 0 if summary.sound else 1


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    story: Scenario
    photographs: Path | None
    pictures: Pictures | None
    own: OwnCamera | None
    speed: float
    live: bool
    as_json: bool
    keep: Path | None
    language: str


def _options(arguments: argparse.Namespace) -> Options:
    headless = arguments.headless or arguments.json
    speed = _speed(arguments, headless)
    return Options(
        *_story(arguments),
        speed=speed,
        live=not headless and sys.stdout.isatty(),
        as_json=arguments.json,
        keep=arguments.keep,
        language=arguments.language,
    )


def _speed(arguments: argparse.Namespace, headless: bool) -> float:
    speed: float | None = arguments.speed
    if arguments.camera is not None and speed not in (None, 1.0):
        raise Usage("--camera runs in real time: leave --speed out")
    if speed is not None and not 0 < speed <= 1000:
        raise Usage(f"--speed must be more than 0 and at most 1000, not {speed:g}")
    if arguments.camera is not None:
        return 1.0
    if speed is not None:
        return speed
    return HEADLESS_SPEED if headless else 1.0 if _is_film(arguments.frames) else LIVE_SPEED


def _is_film(path: Path | None) -> bool:
    """Anything but a folder or a picture is taken for a video; what it is none of says so itself."""
    return path is not None and not path.is_dir() and path.suffix.lower() not in SUFFIXES


def _own(arguments: argparse.Namespace) -> OwnCamera | None:
    if arguments.camera is not None:
        return usb_camera(arguments.camera, arguments.language)
    return Film(arguments.frames, arguments.language) if _is_film(arguments.frames) else None


def _story(arguments: argparse.Namespace) -> tuple[Scenario, Path | None, Pictures | None, OwnCamera | None]:
    """Who comes, where their photographs are, and what becomes of each picture where that is the question."""
    own = _own(arguments)
    if own is not None:
        return empty_street(scenario.load("ordinary"), own.title, arguments.language), None, None, own
    if arguments.frames is not None:
        pictures = Pictures(arguments.frames, arguments.language)
        return album(scenario.load("ordinary"), pictures.names), arguments.frames, pictures, None
    photographs = arguments.photographs
    if photographs is not None:
        pictures_of("--photographs", photographs)
    else:
        photographs = usual_photographs()
    named = arguments.scenario.endswith(".toml")
    story = scenario.load(Path(arguments.scenario) if named else arguments.scenario)
    shown = scenario.translated(retitled(story, photographs), arguments.language)
    return shown, photographs, None, None


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """What the gate logs goes beside the logs of its children: on the screen it would break the picture."""
    handler = logging.FileHandler(file, encoding="utf-8", delay=True)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


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
        with _logged(self.folder / "gate.log"), Community(self.folder, "demo-kiosk") as community:
            place = Place.lay_out(
                self.folder / "gate",
                self.options.story,
                server=community.address,
                secret=community.secret_file,
            )
            self._say_where(community)
            sync = community.add_sync(place.config_file, self.folder / "sync.log")
            config = load(place.config_file)
            self._hand_out_passes(place, stop)
            with self._simulation(place, config, community) as simulation:
                self._watch(simulation)
                self._run(simulation, community, stop)
            community.come_back()
            summary = demo_summary.sum_up(config.journal.path, self.answered)
            summary.on_server = community.wait_for(summary.passages, DELIVER_S)
            self._tell(summary, [community.child, sync], simulation)
        return summary

    def _simulation(self, place: Place, config: Config, community: Community) -> Simulation:
        if self.options.own is not None:
            return OwnGate(place, config, self.options.own)
        return Simulation(
            place,
            config,
            photographs=self.options.photographs,
            on_read=self._on_read,
            on_fault=_server_faults(community),
        )

    def _hand_out_passes(self, place: Place, stop: StopSignals) -> None:
        """Something to hold up to the user's own camera."""
        own, language = self.options.own, self.options.language
        if not isinstance(own, LiveCamera):
            return
        folder = None if self.options.keep is None else self.folder / "passes"
        text = demo_passes(place, folder)
        if self.options.as_json:
            return
        if folder is not None:
            self.console.print(said("passes kept", language, folder=folder), soft_wrap=True, highlight=False)
        print_pass(text, language)
        if self.options.live:
            wait_for_enter(stop, language)

    # -- while it runs -----------------------------------------------------------------------------------

    def _run(self, simulation: Simulation, community: Community, stop: StopSignals) -> None:
        if not self.options.live:
            simulation.run(self.options.speed, stop, lambda: self._mind_faults(simulation, community))
            return
        with Live(console=self.console, auto_refresh=False, screen=False, transient=False) as live:

            def draw(at_once: bool = False) -> None:
                self._mind_faults(simulation, community)
                self._draw(live, simulation, community, at_once)

            simulation.run(self.options.speed, stop, draw)
            draw(at_once=True)

    def _watch(self, simulation: Simulation) -> None:
        def answered(passage: Passage) -> None:
            self.answered.append(passage)
            row = _row(passage, simulation, self.options.language)
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

    def _mind_faults(self, simulation: Simulation, community: Community) -> None:
        faults = simulation.gate.surroundings.health.snapshot()
        if community.gone:
            faults["server"] = str(FaultKind.SERVER_GONE).upper()
        wall = _local(simulation)
        news = self.scene.faults.look(faults, simulation.clock.monotonic(), wall)
        if not self.options.live:
            demo_view.tell_faults(self.console, news, wall, self.options.language)

    def _draw(self, live: Live, simulation: Simulation, community: Community, at_once: bool) -> None:
        now = time.monotonic()
        if now - self._asked >= ASK_S or at_once:
            self._asked = now
            self.scene.server = self._held(None if community.gone else community.passages())
        if now - self._drawn >= DRAW_S or at_once:
            self._drawn = now
            _look(self.scene, simulation)
            live.update(demo_view.render(self.scene, self.console.height), refresh=True)

    def _held(self, passages: int | None) -> str:
        if passages is None:
            return said("server silent", self.options.language)
        return said("server holds", self.options.language, count=passages)

    # -- afterwards --------------------------------------------------------------------------------------

    def _say_where(self, community: Community) -> None:
        if not self.options.as_json:
            self.console.print(said("where", self.options.language, address=community.address))

    def _tell(self, summary: Summary, children: list[Child], simulation: Simulation) -> None:
        own = self.options.own
        if self.options.as_json:
            print(json.dumps(summary.to_map() | ({} if own is None else own.to_map())), flush=True)
            return
        for told in (self.options.pictures, own):
            if told is not None:
                told.tell(self.console)
        language = self.options.language
        lines = demo_summary.in_words(summary, simulation, self.scene.faults, language, drawn=own is None)
        lines += [
            said("stopped", language, name=child.name, words=child.last_words())
            for child in children
            if not child.running
        ]
        self.console.print(demo_view.closing(self.scene, lines))
        if self.options.keep is not None:
            self._say_what_was_kept(simulation.kiosk.config.journal.path)

    def _say_what_was_kept(self, journal: Path) -> None:
        language = self.options.language
        command = f"kiosk journal list --journal {shlex.quote(str(journal))}"
        for line in (
            said("kept", language, folder=self.folder),
            said("try", language, command=command),
        ):
            # Whole lines, to be copied; the box would break them.
            self.console.print(line, soft_wrap=True, highlight=False, markup=False)


def _server_faults(community: Community) -> Callable[[FaultSpan, bool], None]:
    def told(span: FaultSpan, on: bool) -> None:
        if span.kind is FaultKind.SERVER_GONE:
            (community.go if on else community.come_back)()

    return told


def _row(passage: Passage, simulation: Simulation, language: str) -> Row:
    reading = passage.person.reading
    visit = simulation.world.current
    return Row(
        at=_local(simulation),
        who=visit.person.kind.title if visit is not None else said("somebody", language),
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
    spoken = simulation.speaker.history
    heard = bool(spoken) and simulation.clock.monotonic() - spoken[-1].at <= HEARD_S
    scene.prompt = spoken[-1].prompt if heard else None

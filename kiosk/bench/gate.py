"""``kiosk bench gate``: how long people wait at this gate, how soon it is ready, and its memory.

Each thermometer variant gets processes of its own, so that memory is that of one gate and nothing else:
one that only starts, over a journal of a year (240,000 rows), and one that answers people over the same
journal. What is measured how stands in docs/figures.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from kiosk import scenario
from kiosk.bench.crowd import rounds, story_of, write_texts
from kiosk.bench.gate_figures import (
    RUSH,
    SLOW,
    TARGETS,
    VARIANTS,
    Measured,
    complain,
    figures_of,
    notes,
    summary,
    table,
    to_map,
)
from kiosk.bench.journal import make_journal
from kiosk.bench.machine import file_system, machine_line
from kiosk.bench.measured_gate import QUICK
from kiosk.errors import KioskError, Usage
from kiosk.model import DeviceId
from kiosk.passage.journal import set_asides
from kiosk.scenario_data import VARIANTS as FITTED
from kiosk.simulation import Place

FEWEST: Final = 60
ROWS: Final = 240_000
"""A year of 20,000 passages a month."""
DEVICE: Final = DeviceId("demo-kiosk")
"""The simulated gate's own: another device's journal would be set aside."""
LONGEST_S: Final = 600.0
A_PASSAGE_S: Final = 3.0
"""Real seconds after which a measured process hangs: so many, and so many more for each passage."""
_SPARED: Final = "quick: one in five pictures without a code was decoded; the others took as long"
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the bench."""
    parser.add_argument("--scenario", default="ordinary", metavar="ID", help=", ".join(scenario.ids()))
    parser.add_argument(
        "--passages",
        type=int,
        metavar="N",
        help=f"of each variant (as many as people come in the scenario, at least {FEWEST})",
    )
    parser.add_argument(
        "--variants",
        default=",".join((*VARIANTS, *SLOW)),
        metavar="A,B",
        help="thermometers to measure (%(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="decode one in five pictures without a code, for long runs"
    )
    parser.add_argument(
        "--rows", type=int, default=ROWS, help=f"rows of the journal that the gate finds ({ROWS})"
    )
    parser.add_argument(
        "--directory", type=Path, help="a directory on the disk to measure (default: temporary, on a disk)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object (the rest goes to stderr)")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when a target is missed (docs/figures.md says which)"
    )


def _variants(words: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(words.split(",")))
    for variant in chosen:
        if variant not in FITTED:
            raise Usage(f"--variants: there is no {variant!r}: choose from {', '.join(FITTED)}")
    return chosen


def run(arguments: argparse.Namespace) -> int:
    """Measure the variants and print them; 1 when ``--check`` finds a figure over its target."""
    passages = usual_passages(arguments.scenario) if arguments.passages is None else arguments.passages
    if passages < 1 or arguments.rows < 0:
        raise Usage("--passages: at least 1; --rows: at least 0")
    variants = _variants(arguments.variants)
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-", dir=on_disk(arguments.directory)) as name:
        folder = Path(name)
        measured = measure_all(
            folder,
            arguments.scenario,
            passages,
            arguments.rows,
            variants,
            quick=arguments.quick,
        )
        machine = machine_line(folder)
    said = [*notes(measured, arguments.rows), *([_SPARED] if arguments.quick else []), machine]
    figures = figures_of(measured)
    if arguments.json:
        print(json.dumps(to_map(figures)))
        print("\n".join(said), file=sys.stderr)
    else:
        print("\n".join([*table(figures), *said]))
    targets = (*TARGETS, *(RUSH if arguments.scenario == "rush" else ()))
    return int(arguments.check and complain(to_map(figures), targets))


def usual_passages(name: str) -> int:
    """Everybody once: a share of the first few people who come is chance."""
    return max(FEWEST, len(scenario.people(scenario.load(name))))


def on_disk(asked: Path | None) -> Path:
    """A directory whose flushes are real; Usage when there is none."""
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()] if asked is None else [asked]
    for place in places:
        if place.is_dir() and file_system(place) not in _MEMORY:
            return place
    raise Usage(f"{places[0]} is no directory on a disk: a flush costs nothing there (--directory DIR)")


# -- measuring -----------------------------------------------------------------------------------------


def measure_all(
    folder: Path,
    name: str,
    passages: int,
    rows: int,
    variants: Sequence[str] = VARIANTS,
    *,
    quick: bool = False,
) -> dict[str, Measured]:
    """These variants, one after the other, over one journal that is handed from gate to gate."""
    journal = folder / "journal.db"
    if rows:
        make_journal(journal, rows, DEVICE)
    measured = {}
    for variant in variants:
        story = story_of(name, variant)
        place = Place.lay_out(folder / variant, story)
        times = rounds(story, passages)
        write_texts(place, times)
        here = place.folder / "journal" / journal.name
        here.parent.mkdir()
        if journal.exists():
            journal.rename(here)
        measured[variant] = _measure(here, place.folder, _Run(name, variant, passages, times, quick))
        here.rename(journal)
    return measured


class _Run(NamedTuple):
    """What a measured process is told."""

    scenario: str
    variant: str
    passages: int
    times: int
    """How often the scenario's people come."""
    quick: bool


def _measure(journal: Path, folder: Path, run: _Run) -> Measured:
    _forget(journal)
    started = time.monotonic()
    [ready] = _child(folder, run._replace(passages=0, times=0))
    seconds = ready["ready_at"] - started - ready["outside_s"]
    first, *lines = _child(folder, run)
    if set_asides(journal):
        raise KioskError("the measured gate set its journal aside: nothing was measured over it")
    answered = [line for line in lines if "passage" in line]
    memory = [line["rss_mb"] for line in (first, *answered)]
    left = [line["unanswered"] for line in lines if "unanswered" in line]
    return summary(seconds, [line["passage"] for line in answered], memory, left)


def _child(folder: Path, run: _Run) -> list[dict[str, Any]]:
    """What the measured process said; KioskError with its last words when it failed."""
    arguments = [str(folder), *map(str, run[:-1]), *([QUICK] if run.quick else [])]
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.bench.measured_gate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S + run.passages * A_PASSAGE_S,
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise KioskError(f"the measured gate ({run.variant}) failed: {words[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _forget(file: Path) -> None:
    """Let the system drop what it remembers of a file: after a power cut it has to be read, too."""
    if not file.exists():
        return
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)

"""``kiosk bench gate``: how long people wait at this gate, how soon it is ready, and its memory.

Each thermometer variant gets processes of its own, so that memory is that of one gate and nothing else:
one that only starts, over a journal of a year (240,000 rows), and one that answers people over the same
journal. What is measured how stands in docs/figures.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from kiosk import scenario
from kiosk.bench.crowd import rounds, story_of, write_texts
from kiosk.bench.journal import make_journal
from kiosk.bench.machine import file_system, machine_line
from kiosk.errors import KioskError, Usage
from kiosk.model import DeviceId, Verdict
from kiosk.passage.journal import set_asides
from kiosk.scenario_data import VARIANTS as FITTED
from kiosk.simulation import Place

VARIANTS: Final = ("xAA", "xBA", "xCC")
"""Fast parts: what they reach is promised."""
SLOW: Final = ("DCI", "DCH")
"""Long-range parts that settle in .65 s: measured and told, not promised."""
PASSAGES: Final = 60
ROWS: Final = 240_000
"""A year of 20,000 passages a month."""
DEVICE: Final = DeviceId("demo-kiosk")
"""The simulated gate's own: another device's journal would be set aside."""
LONGEST_S: Final = 600.0
A_PASSAGE_S: Final = 3.0
"""Real seconds after which a measured process hangs: so many, and so many more for each passage."""
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds; None where nothing was to be measured."""

    p50: float | None
    p95: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """Milliseconds; None where nothing was to be measured."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One variant's gate, or the worst of several."""

    passages: int
    cycle_s: Spread
    wait_s: Spread
    frame_to_light_ms: Share
    ready_s: float
    rss_mb: float
    rss_growth_mb: float
    referral_rate_healthy: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant's figures, and those of the passages in which somebody had to be asked again."""

    figures: Figures
    retried: int
    retried_cycle_s: Spread
    unanswered: int
    """People who left without an answer; the healthy of them count as not admitted."""


class Target(NamedTuple):
    """The most that a figure may be."""

    name: str
    share: str | None
    most: float
    unit: str

    def missed(self, figures: Mapping[str, Any]) -> str | None:
        """What is wrong, in words; a figure that could not be measured has not met its target."""
        value = figures[self.name] if self.share is None else figures[self.name][self.share]
        if value is not None and value <= self.most:
            return None
        title = f"{self.name} {self.share or ''}".strip()
        found = "was not measured" if value is None else f"is {value:g}{self.unit}"
        return f"{title} {found}, not {self.most:g}{self.unit}"


TARGETS: Final = (Target("ready_s", None, 2.0, " s"), Target("rss_mb", None, 60.0, " MB"))
RUSH: Final = (
    Target("cycle_s", "p50", 2.0, " s"),
    Target("cycle_s", "p95", 3.0, " s"),
    Target("frame_to_light_ms", "p95", 150.0, " ms"),
    Target("rss_growth_mb", None, 5.0, " MB"),
    Target("referral_rate_healthy", None, 0.05, ""),
)
"""What the rush has to meet as well."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the bench."""
    parser.add_argument("--scenario", default="ordinary", metavar="ID", help=", ".join(scenario.ids()))
    parser.add_argument(
        "--passages", type=int, default=PASSAGES, metavar="N", help=f"of each variant ({PASSAGES})"
    )
    parser.add_argument(
        "--variants",
        default=",".join((*VARIANTS, *SLOW)),
        metavar="A,B",
        help="thermometers to measure (%(default)s)",
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
    if arguments.passages < 1 or arguments.rows < 0:
        raise Usage("--passages: at least 1; --rows: at least 0")
    variants = _variants(arguments.variants)
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-", dir=on_disk(arguments.directory)) as name:
        folder = Path(name)
        measured = measure_all(folder, arguments.scenario, arguments.passages, arguments.rows, variants)
        machine = machine_line(folder)
    notes = [*_notes(measured, arguments.rows), machine]
    if arguments.json:
        print(json.dumps(to_map(_figures(measured))))
        print("\n".join(notes), file=sys.stderr)
    else:
        print("\n".join([*_table(_figures(measured)), *notes]))
    targets = (*TARGETS, *(RUSH if arguments.scenario == "rush" else ()))
    return int(arguments.check and _complain(to_map(_figures(measured)), targets))


def on_disk(asked: Path | None) -> Path:
    """A directory whose flushes are real; Usage when there is none."""
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()] if asked is None else [asked]
    for place in places:
        if place.is_dir() and file_system(place) not in _MEMORY:
            return place
    raise Usage(f"{places[0]} is no directory on a disk: a flush costs nothing there (--directory DIR)")


# -- measuring -----------------------------------------------------------------------------------------


def measure_all(
    folder: Path, name: str, passages: int, rows: int, variants: Sequence[str] = VARIANTS
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
        measured[variant] = _measure(here, place.folder, _Run(name, variant, passages, times))
        here.rename(journal)
    return measured


class _Run(NamedTuple):
    """What a measured process is told."""

    scenario: str
    variant: str
    passages: int
    times: int
    """How often the scenario's people come."""


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
    arguments = [str(folder), *map(str, run)]
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


def summary(
    ready_s: float,
    passages: Sequence[Mapping[str, Any]],
    rss_mb: Sequence[float],
    unanswered: Sequence[Mapping[str, Any]] = (),
) -> Measured:
    """The figures of one variant. Memory grows between the first third of the passages and the end."""
    smooth = [passage for passage in passages if not passage["retries"]]
    again = [passage for passage in passages if passage["retries"]]
    well = [passage["verdict"] != Verdict.ADMIT for passage in passages if passage["healthy"]]
    well += [True for person in unanswered if person["healthy"]]
    figures = Figures(
        passages=len(passages),
        cycle_s=_spread(smooth, "cycle_s"),
        wait_s=_spread(passages, "wait_s"),
        frame_to_light_ms=_milliseconds(smooth),
        ready_s=round(ready_s, 3),
        rss_mb=round(max(rss_mb), 1),
        rss_growth_mb=round(rss_mb[-1] - rss_mb[len(rss_mb) // 3], 2),
        referral_rate_healthy=round(sum(well) / len(well), 4) if well else None,
    )
    return Measured(figures, len(again), _spread(again, "cycle_s"), len(unanswered))


def _spread(passages: Sequence[Mapping[str, Any]], name: str) -> Spread:
    values = _values(passages, name)
    return Spread(*(percentile(values, share, digits=3) for share in (0.5, 0.95, 1.0)))


def _milliseconds(passages: Sequence[Mapping[str, Any]]) -> Share:
    values = [1000 * seconds for seconds in _values(passages, "light_s")]
    return Share(*(percentile(values, share, digits=1) for share in (0.5, 0.95)))


def _values(passages: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [passage[name] for passage in passages if passage[name] is not None]


def percentile(values: Sequence[float], share: float, *, digits: int) -> float | None:
    """The smallest value that this share of all does not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], digits)


# -- telling -------------------------------------------------------------------------------------------


def _figures(measured: Mapping[str, Measured]) -> dict[str, Figures]:
    return {name: each.figures for name, each in measured.items()}


def to_map(variants: Mapping[str, Figures]) -> dict[str, Any]:
    """Keys are stable: the worst of the fast variants (of all, where no fast one was measured), then each."""
    each = {name: asdict(figures) for name, figures in variants.items()}
    return {**worst([each[name] for name in _promised(each)]), "variants": each}


def _promised(names: Iterable[str]) -> list[str]:
    """The fast ones of these; all of them where none is."""
    every = list(names)
    return [name for name in every if name in VARIANTS] or every


def worst(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The largest of each figure, and the smallest number of passages."""
    return {
        name: _worst([each[name] for each in maps], min if name == "passages" else max) for name in maps[0]
    }


def _worst(values: Sequence[Any], choose: Any) -> Any:
    if isinstance(values[0], Mapping):
        return worst(values)
    return choose((value for value in values if value is not None), default=None)


def _table(variants: Mapping[str, Figures]) -> Iterator[str]:
    rows = {name: asdict(figures) for name, figures in variants.items()}
    columns = {**rows, "worst": worst([rows[name] for name in _promised(rows)])}
    yield f"{'':<24}" + "".join(f"{name:>10}" for name in columns)
    for name in columns["worst"]:
        for key in _parts(columns["worst"][name]):
            cells = (each[name][key] if key else each[name] for each in columns.values())
            title = f"{name} {key}".strip()
            yield f"{title:<24}" + "".join(f"{'-' if cell is None else cell:>10}" for cell in cells)


def _parts(value: object) -> list[str]:
    return list(value) if isinstance(value, Mapping) else [""]


def _notes(measured: Mapping[str, Measured], rows: int) -> Iterator[str]:
    yield f"journal of {rows} rows at the start; worst: of {', '.join(_promised(measured))}"
    for name, each in measured.items():
        cycle = each.retried_cycle_s
        apart = f", code to light {cycle.p50} s median, {cycle.max} s at most" if cycle.p50 else ""
        left = f"; {each.unanswered} left without an answer" if each.unanswered else ""
        yield f"{name}: {each.retried} of {each.figures.passages} asked again, counted apart{apart}{left}"


def _complain(worst_of_all: Mapping[str, Any], targets: Sequence[Target]) -> bool:
    """Say on standard error what is over its target; True when something is."""
    missed = [words for target in targets if (words := target.missed(worst_of_all)) is not None]
    for words in missed:
        print(f"over the target: {words}", file=sys.stderr)
    return bool(missed)

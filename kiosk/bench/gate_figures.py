"""What becomes of a measured gate's passages: figures, targets, the worst of several variants, words."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from kiosk.model import Verdict

VARIANTS: Final = ("xAA", "xBA", "xCC")
"""Fast parts: what they reach is promised."""
SLOW: Final = ("DCI", "DCH")
"""Long-range parts that settle in .65 s: measured and told, not promised."""


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


# -- counting ----------------------------------------------------------------------------------------------


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


def figures_of(measured: Mapping[str, Measured]) -> dict[str, Figures]:
    """The figures alone, by variant."""
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


def table(variants: Mapping[str, Figures]) -> Iterator[str]:
    """Lines for people: a row for each figure, a column for each variant."""
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


def notes(measured: Mapping[str, Measured], rows: int) -> Iterator[str]:
    """What is to be known beside the figures."""
    yield f"journal of {rows} rows at the start; worst: of {', '.join(_promised(measured))}"
    for name, each in measured.items():
        cycle = each.retried_cycle_s
        apart = f", code to light {cycle.p50} s median, {cycle.max} s at most" if cycle.p50 else ""
        left = f"; {each.unanswered} left without an answer" if each.unanswered else ""
        yield f"{name}: {each.retried} of {each.figures.passages} asked again, counted apart{apart}{left}"


def complain(worst_of_all: Mapping[str, Any], targets: Sequence[Target]) -> bool:
    """Say on standard error what is over its target; True when something is."""
    missed = [words for target in targets if (words := target.missed(worst_of_all)) is not None]
    for words in missed:
        print(f"over the target: {words}", file=sys.stderr)
    return bool(missed)

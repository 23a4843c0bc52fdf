"""``kiosk bench screening --data CSV``: who would be found, who would be bothered, beside what others do.

The people of a study go through the product's own code as at a gate: each forehead becomes steady words of
a thermometer, :mod:`kiosk.passage.commissioning` finds a site's normal from each camera's first 100 people,
:func:`kiosk.passage.body_temperature.screen` judges everybody, :mod:`kiosk.passage.baseline` follows them. A
thermal camera's values are skin temperatures already: supply, calibration and emissivity correct nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from drivers.mlx90614 import SPECS
from kiosk.bench.screening_data import Study, Volunteer, read
from kiosk.bench.screening_peers import (
    FEVER,
    HEALTHY,
    INPUTS,
    NAIVE_LIMIT,
    Judged,
    Regression,
    Share,
    auc,
    naive,
    sensitivity,
    slope,
    specificity,
)
from kiosk.errors import CalibrationError
from kiosk.model import Celsius, Monotonic, Reading, Sample, Screening, Volts, celsius_to_word
from kiosk.passage.baseline import Baseline, before_baseline
from kiosk.passage.body_temperature import Calibration, Commissioning, Site, screen
from kiosk.passage.commissioning import Forehead, site_normal
from kiosk.passage.site import FEWEST_PEOPLE

AUC: Final = 0.95
SENSITIVITY: Final = 0.89
SPECIFICITY: Final = 0.955
SLOPE: Final = (0.98, 1.02)
SPEC: Final = SPECS["xAA"]
WORDS: Final = 12
"""A steady second and a little more, at .1 s."""
CAMERA: Final = Site(emissivity=1.0)
"""Supply as rated, no calibration, emissivity 1: nothing is corrected."""
GATE: Final = Site(
    supply_volts=Volts(3.3), calibration=Calibration(1.03, Celsius(-0.5), "2026-11-22", "bench")
)
"""A part with everything to correct: what the slope is measured through."""
AIR: Final = Celsius(24.1)
NONE: Final = Celsius(0.0)
_RESULTS: Final = frozenset({Screening.NORMAL, Screening.GUARD, Screening.HIGH})


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the bench."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="CSV", help="people with forehead and oral temperature"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object (the rest goes to stderr)")
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"exit 1 unless AUC >= {AUC:g}, sensitivity >= {SENSITIVITY:g}, specificity >= {SPECIFICITY:g} "
        f"and slope {SLOPE[0]:g} to {SLOPE[1]:g} on every camera",
    )


def run(arguments: argparse.Namespace) -> int:
    """Judge everybody and print; 1 when ``--check`` finds a figure that misses its target."""
    study = read(arguments.data)
    cameras = {name: measure(name, people) for name, people in study.cameras.items()}
    if arguments.json:
        print(json.dumps(to_map({name: camera.figures for name, camera in cameras.items()})))
        print("\n".join(_notes(cameras, study)), file=sys.stderr)
    else:
        print("\n".join([*_table(cameras), "", *_notes(cameras, study)]))
    return int(arguments.check and _complain(cameras))


# -- people through the product ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peer:
    """What another rule gets right with the same people."""

    auc_38: float | None
    sensitivity_38: float | None
    specificity: float | None
    slope: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One camera, or the worst of several. Rates 0..1; None where there was nobody to count."""

    n: int
    positives_38: int
    auc_38: float | None
    sensitivity_38: float | None
    specificity: float | None
    guard_rate_healthy: float | None
    slope: float
    naive: Peer
    regression: Peer


class Answer(NamedTuple):
    """What the gate would say of one person."""

    who: Volunteer
    reading: Reading
    result: Screening


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera's figures, and what people want to know besides."""

    figures: Figures
    rules: Mapping[str, Sequence[Judged]]
    """Everybody as each rule sees them."""
    normal: Celsius
    without: Mapping[str, int]
    """People without an automatic result, by why there is none."""
    moved: int
    """People before whom the baseline was not 0."""


def measure(name: str, people: Sequence[Volunteer]) -> Camera:
    """One camera as one site; CalibrationError with fewer people than a commissioning takes."""
    if len(people) < FEWEST_PEOPLE:
        raise CalibrationError(f"camera {name}: {len(people)} people; a site's normal takes {FEWEST_PEOPLE}")
    made = commission(people[:FEWEST_PEOPLE])
    answers = list(judge(people, replace(CAMERA, commissioning=made)))
    fitted = Regression.fit(people)
    rules = {
        "kiosk": [
            Judged(who.oral, seen.deviation, result is Screening.HIGH) for who, seen, result in answers
        ],
        "naive": naive(people),
        "regression": fitted.judged(people),
    }
    figures = Figures(
        n=len(people),
        positives_38=sensitivity(rules["kiosk"]).of,
        auc_38=auc(rules["kiosk"]),
        sensitivity_38=sensitivity(rules["kiosk"]).rate,
        specificity=specificity(rules["kiosk"]).rate,
        guard_rate_healthy=guarded(answers).rate,
        slope=product_slope(made),
        naive=_peer(rules["naive"], INPUTS),
        regression=_peer(rules["regression"], [fitted.predicted(value, AIR) for value in INPUTS]),
    )
    without = Counter(str(answer.result) for answer in answers if answer.result not in _RESULTS)
    moved = sum(answer.reading.baseline != NONE for answer in answers)
    return Camera(figures, rules, made.site_normal, without, moved)


def commission(people: Sequence[Volunteer]) -> Commissioning:
    """Their median by the function of ``kiosk calibrate commission``; here nobody is left out as a miss."""
    readings = [seen(who, CAMERA) for who in people]
    foreheads = [
        Forehead(reading.forehead_celsius, reading.ambient_celsius)
        for reading in readings
        if reading.forehead_celsius is not None and reading.ambient_celsius is not None
    ]
    if not foreheads:
        raise CalibrationError("nobody of the first people has a forehead that can be told from the air")
    return Commissioning.make(site_normal(foreheads), len(people), "bench", simulated=False)


def judge(people: Sequence[Volunteer], site: Site) -> Iterator[Answer]:
    """Everybody in turn, as a gate that never forgets: the study took months."""
    baseline = Baseline(window_s=None)
    for who in people:
        at = Monotonic((who.at - people[0].at).total_seconds())
        reading = seen(who, site, baseline.value(at))
        yield Answer(who, reading, Screening.DRIFT if baseline.drift else reading.screening)
        deviation = before_baseline(reading)
        if deviation is not None:
            baseline.feed(at, deviation)


def seen(who: Volunteer, site: Site, baseline: Celsius = NONE) -> Reading:
    """This person's forehead before the product."""
    return _screened(who.forehead, who.ambient, site, baseline)


def _screened(apparent: Celsius, ambient: Celsius, site: Site, baseline: Celsius = NONE) -> Reading:
    """A thermometer that sees ``apparent`` steadily, in a room at ``ambient`` with a die as warm."""
    word, die = celsius_to_word(apparent), celsius_to_word(ambient)
    return screen(
        [Sample(Monotonic(0.1 * index), word, die) for index in range(WORDS)],
        SPEC,
        site,
        opened_at=Monotonic(0.0),
        background=ambient,
        ambient=ambient,
        environment=None,
        baseline=baseline,
    )


def guarded(answers: Sequence[Answer]) -> Share:
    """Of those below 37.5 °C, who is between normal and high."""
    healthy = [answer.result is Screening.GUARD for answer in answers if answer.who.oral < HEALTHY]
    return Share(sum(healthy), len(healthy))


def product_slope(made: Commissioning) -> float:
    """Deviation against the true skin temperature, through words and every correction there is."""
    site = replace(GATE, commissioning=made)
    outputs = [_screened(as_reported(skin, AIR), AIR, site).deviation for skin in INPUTS]
    return slope(INPUTS, [output for output in outputs if output is not None])


def as_reported(skin: Celsius, air: Celsius) -> Celsius:
    """What the part of :data:`GATE` says of such a skin: emissivity, then its own error, then its supply."""
    kelvin, around = skin + 273.15, air + 273.15
    radiated = (0.98 * kelvin**4 + 0.02 * around**4) ** 0.25 - 273.15
    own = (radiated - GATE.calibration.offset) / GATE.calibration.gain
    return Celsius(own + 0.6 * (GATE.supply_volts - GATE.rated_volts))


def _peer(people: Sequence[Judged], outputs: Sequence[float]) -> Peer:
    found, spared = sensitivity(people), specificity(people)
    return Peer(auc(people), found.rate, spared.rate, slope(INPUTS, outputs))


# -- telling -------------------------------------------------------------------------------------------


def to_map(cameras: Mapping[str, Figures]) -> dict[str, Any]:
    """Keys are stable: the worst of each figure over the cameras, then each camera."""
    each = {name: asdict(figures) for name, figures in cameras.items()}
    return {**worst(list(each.values())), "cameras": each}


def worst(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of each figure the worse camera's, for the product and for its peers by the same rule.

    The fewest people, the smallest rates, the largest rate of GUARD, the slope farthest from 1. What one
    camera could not measure is left to the others.
    """
    return {name: _worst(name, [each[name] for each in maps]) for name in maps[0]}


def _worst(name: str, values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return worst(values)
    there = [value for value in values if value is not None]
    if name == "slope":
        return max(there, key=lambda value: abs(value - 1), default=None)
    return (max if name == "guard_rate_healthy" else min)(there, default=None)


def _table(cameras: Mapping[str, Camera]) -> Iterator[str]:
    yield f"{'':<30}" + "".join(f"{name:>24}" for name in cameras)
    for rule in ("kiosk", "naive", "regression"):
        rows: dict[str, list[str]] = {}
        for camera in cameras.values():
            for title, cell in _cells(rule, camera):
                rows.setdefault(title, []).append(cell)
        for title, cells in rows.items():
            yield f"{rule:<11}{title:<19}" + "".join(f"{cell:>24}" for cell in cells)


def _cells(rule: str, camera: Camera) -> Iterator[tuple[str, str]]:
    people = camera.rules[rule]
    figures = asdict(camera.figures) if rule == "kiosk" else asdict(camera.figures)[rule]
    yield "AUC", _said(figures["auc_38"])
    yield "sensitivity", _shared(sensitivity(people))
    yield "specificity", _shared(specificity(people))
    if rule == "kiosk":
        yield "GUARD if healthy", _said(figures["guard_rate_healthy"])
    yield "slope", _said(figures["slope"])


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shared(share: Share) -> str:
    low, high = share.interval()
    return f"{_said(share.rate)} ({low:.2f} to {high:.2f})"


def _notes(cameras: Mapping[str, Camera], study: Study) -> Iterator[str]:
    yield f"ill: oral {FEVER:g} °C or more; healthy: below {HEALTHY:g}"
    yield f"naive: a forehead of {NAIVE_LIMIT:g} °C or more"
    yield "regression: oral temperature predicted from forehead and ambient, fitted to these very people"
    yield "in brackets: 95 % confidence interval (Wilson)"
    for name, camera in cameras.items():
        ill, left_out = camera.figures.positives_38, study.left_out.get(name, 0)
        without = ", ".join(f"{count} {why}" for why, count in camera.without.items()) or "none"
        yield (
            f"{name}: {camera.figures.n} people, {ill} of them ill, {left_out} left out (no value); "
            f"normal {camera.normal:.2f} °C; without a result: {without}; baseline moved for {camera.moved}"
        )


def _complain(cameras: Mapping[str, Camera]) -> bool:
    """Say on standard error what misses its target; True when something does."""
    figures = worst([asdict(camera.figures) for camera in cameras.values()])
    least = {"auc_38": AUC, "sensitivity_38": SENSITIVITY, "specificity": SPECIFICITY}
    missed = [
        f"{name} is {figures[name]}, not at least {target:g}"
        for name, target in least.items()
        if figures[name] is None or figures[name] < target
    ]
    if figures["slope"] is None or not SLOPE[0] <= figures["slope"] <= SLOPE[1]:
        missed.append(f"slope is {figures['slope']}, not {SLOPE[0]:g} to {SLOPE[1]:g}")
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return bool(missed)

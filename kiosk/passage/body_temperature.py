"""A forehead's words to a screening result: a trigger for a second measurement, never a diagnosis.

What is judged is the deviation from what a healthy forehead reads here and now. Nothing is normalised:
one degree more on the forehead is one degree more in the result. :func:`screen` is pure, so that a
record can be computed again from its words and the context event years later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt
from statistics import median
from typing import Final

from kiosk.model import Celsius, Monotonic, Reading, Sample, Screening, ThermometerSpec
from kiosk.passage.corrections import correct
from kiosk.passage.environment import (
    EnvironmentWatch,
    Surroundings,
    air_range,
    die_to_air,
    outdoors,
    plausible,
)
from kiosk.passage.site import Calibration, Commissioning, Site
from kiosk.passage.stable_window import (
    NEAR_SKIN,
    Point,
    StableSecond,
    Window,
    narrow,
    points,
    stable_seconds,
)

__all__ = [
    "Calibration",
    "Commissioning",
    "EnvironmentWatch",
    "Note",
    "Site",
    "Surroundings",
    "Window",
    "normal_here",
    "screen",
]

AMBIENT_SLOPE: Final = 0.17
"""°C of forehead for each °C of air (design: temperature, point 4)."""
AMBIENT_REFERENCE: Final = Celsius(24.1)
LOW: Final = Celsius(-1.6)
"""A deviation below this is a hat, hair or a miss, not a forehead."""
HOTTEST: Final = Celsius(42.0)
NO_BASELINE: Final = Celsius(0.0)


class Note(StrEnum):
    """Remarks on a reading, for the record and the volunteer."""

    NO_SAMPLES = "NO_SAMPLES"
    UNSTABLE = "UNSTABLE"
    """No steady second of a person."""
    NOBODY_SEEN = "NOBODY_SEEN"
    """Before a warm background no steady second differed from it."""
    TOO_LOW = "TOO_LOW"
    TOO_HOT = "TOO_HOT"
    AIR_IMPLAUSIBLE = "AIR_IMPLAUSIBLE"
    DIE_IMPLAUSIBLE = "DIE_IMPLAUSIBLE"
    """The thermometer does not know its own temperature, so it knows no other."""
    BACKGROUND_NEAR_SKIN = "BACKGROUND_NEAR_SKIN"
    BACKGROUND_TOO_NEAR = "BACKGROUND_TOO_NEAR"
    """What was seen of the person and what stands behind run into each other."""
    BACKGROUND_UNKNOWN = "BACKGROUND_UNKNOWN"
    """The thermometer had only just begun: nobody can tell a person from what is always there."""
    AIR_FROM_DIE = "AIR_FROM_DIE"
    """Die minus offset stood in for the air, and die against air was not checked."""
    AIR_SILENT = "AIR_SILENT"
    """The same, although an air thermometer is fitted: it does not work."""
    SURROUNDINGS_CHANGED = "SURROUNDINGS_CHANGED"
    """What speaks against a reading began while this person was there."""


def normal_here(commissioning: Commissioning, ambient: Celsius) -> Celsius:
    """What a healthy forehead reads at this air temperature, °C, before the baseline."""
    return Celsius(commissioning.site_normal + AMBIENT_SLOPE * (ambient - AMBIENT_REFERENCE))


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the window's words alone say."""

    raw: Celsius | None
    samples: int
    notes: tuple[Note, ...]


def screen(
    samples: Sequence[Sample],
    spec: ThermometerSpec,
    site: Site,
    *,
    opened_at: Monotonic,
    background: Celsius | None,
    ambient: Celsius | None,
    environment: str | None,
    baseline: Celsius = NO_BASELINE,
    outdoor: Celsius | None = None,
    settled: bool = True,
    drift: bool = False,
) -> Reading:
    """The result of one window, and everything it rests on.

    ``ambient`` is the reading of an air thermometer; None: there is none, and the die minus the site's
    offset stands in. A die or an air that can't be is SENSOR_FAULT and goes before all else; then
    ``environment``, which is what :class:`EnvironmentWatch` found, then a site that was never
    commissioned, then ``drift`` (:mod:`kiosk.passage.baseline`), then a reading that is none.

    ``settled`` False: the surroundings were well when this person came. Who is being measured must not get
    the answer of a gate that measures nobody, which a hand around the sensor could bring about: RETRY.
    """
    # To the thousandth before anything rests on them, so that a record has few digits and all that count.
    background, ambient, outdoor = map(_thousandths, (background, ambient, outdoor))
    measured = _measure(points(samples), spec, background)
    die = _die(samples)
    around = _around(ambient, die, site)
    empty = Reading(
        Screening.RETRY,
        tuple(samples),
        opened_at,
        raw_celsius=measured.raw,
        ambient_celsius=around,
        baseline=baseline,
        background=background,
        air=ambient,
        environment=environment,
        outdoor=outdoor,
        settled=settled,
        drift=drift,
        note=_joined(measured.notes, _about_air(ambient, site)),
    )
    broken = _broken(samples, ambient)
    if broken is not None:
        return replace(empty, screening=Screening.SENSOR_FAULT, note=_joined((broken,)))
    problem = environment or _problem(empty, site, die)
    reading = _corrected(empty, measured, spec, site)
    if problem is not None:
        return _suspended(reading, str(problem))
    if site.commissioning is None:
        return replace(reading, screening=Screening.UNCOMMISSIONED)
    compared = _compared(reading, site.commissioning)
    return replace(compared, screening=Screening.DRIFT) if drift else _judged(compared, site)


def _thousandths(celsius: float | None) -> Celsius | None:
    return None if celsius is None else Celsius(round(celsius, 3))


# -- the words -----------------------------------------------------------------------------------------


def _measure(seen: Sequence[Point], spec: ThermometerSpec, background: Celsius | None) -> _Measured:
    if not seen:
        return _Measured(None, 0, (Note.NO_SAMPLES,))
    seconds = list(stable_seconds(seen, spec, background))
    if not seconds:
        return _Measured(None, 0, (Note.UNSTABLE,))
    if background is None:
        # What is seen may be a warm wall as well as a person: the next window knows what stood there before.
        return _Measured(None, 0, (Note.BACKGROUND_UNKNOWN,))
    if background > NEAR_SKIN:
        return _before_warm_wall(seconds, spec, background)
    # Every mis-aim reads low, so the warmest steady second is the best look at the forehead.
    best = max(seconds, key=lambda second: second.median)
    return _Measured(best.celsius, best.samples, ())


def _before_warm_wall(
    seconds: Sequence[StableSecond], spec: ThermometerSpec, background: Celsius
) -> _Measured:
    """A mis-aim may read high here, so the plain median counts, of what can be told from the background.

    Movement alone is no person: a sleeve goes by, and the wall behind it would be measured and called
    normal. Who reads as the wall does is measured by a volunteer.
    """
    still = max(0.2, 3 * spec.noise_c)
    ordered = sorted(seconds, key=lambda second: second.median)
    apart = [second for second in ordered if abs(second.celsius - background) > still]
    wall = [second for second in ordered if abs(second.celsius - background) <= still]
    if not apart:
        return _Measured(None, 0, (Note.NOBODY_SEEN, Note.BACKGROUND_NEAR_SKIN))
    if not _of_one_forehead(apart, wall, narrow(spec)):
        return _Measured(None, 0, (Note.BACKGROUND_TOO_NEAR, Note.BACKGROUND_NEAR_SKIN))
    middle = apart[len(apart) // 2]
    return _Measured(middle.celsius, middle.samples, (Note.BACKGROUND_NEAR_SKIN,))


def _of_one_forehead(apart: Sequence[StableSecond], wall: Sequence[StableSecond], near: Celsius) -> bool:
    """All seconds of the person agree, and none of the wall's could be one of theirs.

    Otherwise, of somebody a little warmer, the warmest seconds would be taken for the wall, and the others
    for a cooler person. Both in the order of temperature.
    """
    if apart[-1].celsius - apart[0].celsius > near:
        return False
    return all(
        second.celsius < apart[0].celsius - near or second.celsius > apart[-1].celsius + near
        for second in wall
    )


# -- the air -------------------------------------------------------------------------------------------


def _broken(samples: Sequence[Sample], air: Celsius | None) -> Note | None:
    """A single impossible word is enough: who makes up one makes up others that are possible."""
    if not all(plausible(sample.ambient_celsius) for sample in samples):
        return Note.DIE_IMPLAUSIBLE
    return None if air is None or plausible(air) else Note.AIR_IMPLAUSIBLE


def _die(samples: Sequence[Sample]) -> Celsius | None:
    return Celsius(median(sample.ambient_celsius for sample in samples)) if samples else None


def _around(air: Celsius | None, die: Celsius | None, site: Site) -> Celsius | None:
    if air is not None:
        return air
    return None if die is None else Celsius(die - site.die_offset)


def _problem(reading: Reading, site: Site, die: Celsius | None) -> Surroundings | None:
    """What can be seen against a reading without the watch: a pure recomputation sees it too."""
    around = reading.ambient_celsius
    return (
        outdoors(site, reading.outdoor)
        or (None if around is None else air_range(around))
        or (None if die is None else die_to_air(die, reading.air))
    )


def _about_air(air: Celsius | None, site: Site) -> tuple[Note, ...]:
    if air is not None:
        return ()
    return (Note.AIR_FROM_DIE, Note.AIR_SILENT) if site.air_fitted else (Note.AIR_FROM_DIE,)


# -- the result ----------------------------------------------------------------------------------------


def _corrected(reading: Reading, measured: _Measured, spec: ThermometerSpec, site: Site) -> Reading:
    if measured.raw is None or reading.ambient_celsius is None:
        return reading
    forehead, corrections = correct(measured.raw, reading.ambient_celsius, site)
    spread = _uncertainty(measured, spec, site, emissivity=corrections.emissivity, air=reading.air)
    return replace(reading, forehead_celsius=forehead, corrections=corrections, uncertainty=spread)


def _suspended(reading: Reading, problem: str) -> Reading:
    reading = replace(reading, environment=problem)
    if reading.settled:
        return replace(reading, screening=Screening.ENVIRONMENT)
    return replace(reading, note=_joined((Note.SURROUNDINGS_CHANGED,), reading.note))


def _compared(reading: Reading, commissioning: Commissioning) -> Reading:
    if reading.forehead_celsius is None or reading.ambient_celsius is None:
        return reading
    normal = normal_here(commissioning, reading.ambient_celsius)
    # What is on record is judged: .8 there and not HIGH would be a fever missed by a rounding error.
    return replace(reading, deviation=_thousandths(reading.forehead_celsius - normal - reading.baseline))


def _judged(reading: Reading, site: Site) -> Reading:
    if reading.deviation is None or reading.forehead_celsius is None:
        return reading
    if reading.deviation < LOW:
        return replace(reading, note=_joined((Note.TOO_LOW,), reading.note))
    if reading.forehead_celsius > HOTTEST:
        return replace(reading, note=_joined((Note.TOO_HOT,), reading.note))
    return replace(reading, screening=_result(reading.deviation, site))


def _result(deviation: Celsius, site: Site) -> Screening:
    if deviation < site.guard:
        return Screening.NORMAL
    return Screening.GUARD if deviation < site.high else Screening.HIGH


def _uncertainty(
    measured: _Measured, spec: ThermometerSpec, site: Site, *, emissivity: Celsius, air: Celsius | None
) -> Celsius:
    """Expanded uncertainty (k = 2) of the forehead against normal, °C; the person's own spread not included.

    Ours: noise of a median; .1 against a reference or .25 as delivered; half the emissivity correction;
    air known to .5 °C, or to 2 °C where the die stands in. A background near skin adds .5.
    """
    parts = (
        1.25 * spec.noise_c / sqrt(measured.samples),
        0.25 if site.calibration.made_on is None else 0.1,
        emissivity / 2,
        AMBIENT_SLOPE * (2.0 if air is None else 0.5),
    )
    spread = 2 * sqrt(sum(part * part for part in parts))
    return Celsius(spread + (0.5 if Note.BACKGROUND_NEAR_SKIN in measured.notes else 0.0))


def _joined(notes: Sequence[str], more: Sequence[str] | str = ()) -> str:
    rest = more.split() if isinstance(more, str) else more
    return " ".join([*notes, *rest])

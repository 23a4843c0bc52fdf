"""From a person's words to NORMAL, GUARD, HIGH or "I don't know", and nothing in between."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.model import (
    Celsius,
    EntryFrom,
    Monotonic,
    RawWord,
    Reading,
    Sample,
    Screening,
    ThermometerSpec,
    Volts,
    celsius_to_word,
)
from kiosk.passage.body_temperature import (
    Calibration,
    Commissioning,
    Note,
    Site,
    Surroundings,
    normal_here,
    screen,
)
from kiosk.passage.corrections import for_emissivity
from tests.unit.passage.foreheads import ALL, DCI, XAA, XCC, Scene, steps, stream

HERE = Commissioning.make(Celsius(34.2), 140, "2026-11-02T09:00:00Z", simulated=True)
SITE = Site(commissioning=HERE)
OUTDOORS = replace(SITE, entry_from=EntryFrom.OUTDOORS)
JUDGED = (Screening.NORMAL, Screening.GUARD, Screening.HIGH)
NOW = Monotonic(0.0)


def word_of(skin: float, air: float) -> float:
    """What a sensor set to emissivity 1 reports of a forehead at ``skin``."""
    radiated = 0.98 * (skin + 273.15) ** 4 + 0.02 * (air + 273.15) ** 4
    return float(radiated**0.25 - 273.15)


def judge(samples: list[Sample], site: Site = SITE, spec: ThermometerSpec = XAA, **more: Any) -> Reading:
    given_ = {"background": Celsius(22.0), "ambient": None, "environment": None, **more}
    return screen(samples, spec, site, opened_at=NOW, **given_)


def person(
    skin: float,
    *,
    air: float = 24.1,
    spec: ThermometerSpec = XAA,
    seed: int | None = None,
    scene: Scene | None = None,
) -> list[Sample]:
    """A person who leans in after .6 s and holds still."""
    still = scene or steps((0, 22.0), (0.6, word_of(skin, air)))
    return list(stream(spec, still, 4.5, seed=seed, die=air))


# -- the result --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above_normal", "result"),
    [
        (-1.5, Screening.NORMAL),
        (0.0, Screening.NORMAL),
        (0.45, Screening.NORMAL),
        (0.55, Screening.GUARD),
        (0.75, Screening.GUARD),
        (0.85, Screening.HIGH),
        (2.0, Screening.HIGH),
        (6.0, Screening.HIGH),
    ],
)
@pytest.mark.parametrize("air", [16.5, 24.1, 31.5])
def test_what_counts_is_how_far_a_forehead_is_from_normal_here_and_now(
    above_normal: float, result: Screening, air: float
) -> None:
    normal = 34.2 + 0.17 * (air - 24.1)
    reading = judge(person(normal + above_normal, air=air))
    assert reading.screening is result
    assert reading.deviation == pytest.approx(above_normal, abs=0.02)
    assert reading.forehead_celsius == pytest.approx(normal + above_normal, abs=0.02)
    assert normal_here(HERE, Celsius(air)) == pytest.approx(normal)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.variant)
@pytest.mark.parametrize("seed", range(5))
def test_each_variant_finds_a_fever_and_leaves_the_healthy_alone(spec: ThermometerSpec, seed: int) -> None:
    assert judge(person(34.1, spec=spec, seed=seed), spec=spec).screening is Screening.NORMAL
    assert judge(person(35.6, spec=spec, seed=seed), spec=spec).screening is Screening.HIGH


def test_the_thresholds_are_the_sites() -> None:
    careful = replace(SITE, guard=Celsius(0.3), high=Celsius(0.6))
    results = [judge(person(34.2 + above), careful).screening for above in (0.25, 0.35, 0.65)]
    assert results == list(JUDGED)


def test_who_stands_exactly_on_a_threshold_is_over_it() -> None:
    deviation = judge(person(34.2 + 0.6)).deviation
    assert deviation is not None
    assert judge(person(34.2 + 0.6), replace(SITE, guard=deviation)).screening is Screening.GUARD
    assert judge(person(34.2 + 0.6), replace(SITE, high=deviation)).screening is Screening.HIGH


def test_a_baseline_moves_normal_with_it() -> None:
    reading = judge(person(34.8), baseline=Celsius(0.3))
    assert reading.deviation == pytest.approx(0.3, abs=0.02)
    assert reading.screening is Screening.NORMAL
    assert reading.baseline == 0.3


def test_the_warmest_steady_second_counts_because_every_miss_reads_low() -> None:
    scene = steps((0, 22), (0.5, 33.0), (2.0, 34.9), (3.4, 33.0))
    reading = judge(person(0, scene=scene))
    assert reading.raw_celsius == pytest.approx(34.9, abs=0.02)
    assert reading.screening is Screening.HIGH


def test_everything_the_result_rests_on_is_kept() -> None:
    samples = person(34.8)
    site = replace(SITE, supply_volts=Volts(3.3), calibration=Calibration(1.01, Celsius(-0.2), "2026-11-01"))
    reading = judge(samples, site, ambient=Celsius(23.0), baseline=Celsius(0.1))
    assert reading.samples == tuple(samples)
    assert (reading.background, reading.air, reading.ambient_celsius) == (22.0, 23.0, 23.0)
    assert reading.corrections is not None
    assert reading.raw_celsius is not None
    added = sum((reading.corrections.supply, reading.corrections.calibration, reading.corrections.emissivity))
    assert reading.raw_celsius + added == pytest.approx(reading.forehead_celsius)
    assert reading.uncertainty is not None
    assert reading.note == ""


# -- no result ---------------------------------------------------------------------------------------------


def test_a_hat_or_hair_is_asked_for_again() -> None:
    reading = judge(person(34.2 - 1.7))
    assert (reading.screening, reading.note) == (Screening.RETRY, "TOO_LOW AIR_FROM_DIE")
    assert reading.deviation == pytest.approx(-1.7, abs=0.02)
    assert judge(person(34.2 - 1.55)).screening is Screening.NORMAL


def test_low_is_measured_from_the_baseline() -> None:
    assert judge(person(34.2 - 1.4), baseline=Celsius(0.3)).screening is Screening.RETRY
    assert judge(person(34.2 - 1.4), baseline=Celsius(-0.3)).screening is Screening.NORMAL


def test_no_forehead_is_that_hot() -> None:
    assert judge(person(41.9)).screening is Screening.HIGH
    reading = judge(person(42.1))
    assert (reading.screening, reading.note) == (Screening.RETRY, "TOO_HOT AIR_FROM_DIE")


@pytest.mark.parametrize(
    ("scene", "note"),
    [
        (steps((0, 22)), Note.UNSTABLE),
        (lambda at: 22 + 3 * at, Note.UNSTABLE),
        (lambda at: 33 + 3 * (int(at / 0.3) % 2), Note.UNSTABLE),
    ],
)
def test_who_is_not_there_or_not_still_gets_no_result(scene: Scene, note: Note) -> None:
    reading = judge(person(0, scene=scene))
    assert (reading.screening, reading.deviation) == (Screening.RETRY, None)
    assert note in reading.note.split()


def test_without_a_sample_there_is_no_result() -> None:
    reading = judge([])
    assert (reading.screening, reading.note) == (Screening.RETRY, "NO_SAMPLES AIR_FROM_DIE")


def test_a_site_that_was_never_commissioned_judges_nobody() -> None:
    for skin in (34.2, 39.0, 30.0, 42.5):
        reading = judge(person(skin), Site())
        assert (reading.screening, reading.deviation) == (Screening.UNCOMMISSIONED, None)
        assert reading.forehead_celsius == pytest.approx(skin, abs=0.02)
    assert judge([], Site()).screening is Screening.UNCOMMISSIONED


# -- the surroundings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "more", "die", "problem"),
    [
        (SITE, {"environment": "AMBIENT_CHANGING"}, 24.1, "AMBIENT_CHANGING"),
        (SITE, {}, 15.9, Surroundings.AMBIENT_COLD),
        (SITE, {}, 32.1, Surroundings.AMBIENT_HOT),
        (SITE, {"ambient": Celsius(15.9)}, 20.0, Surroundings.AMBIENT_COLD),
        (SITE, {"ambient": Celsius(20.0)}, 28.1, Surroundings.DIE_FAR_FROM_AIR),
        (replace(SITE, die_offset=Celsius(3)), {}, 18.9, Surroundings.AMBIENT_COLD),
        (OUTDOORS, {}, 24.1, Surroundings.OUTDOORS_UNKNOWN),
        (OUTDOORS, {"outdoor": Celsius(-5)}, 24.1, Surroundings.OUTDOORS_COLD),
        (OUTDOORS, {"outdoor": Celsius(15.9)}, 24.1, Surroundings.OUTDOORS_COLD),
    ],
)
@pytest.mark.parametrize("skin", [33.0, 34.2, 36.2])
def test_where_the_surroundings_allow_no_result_there_is_none(
    site: Site, more: dict[str, Any], die: float, problem: str, skin: float
) -> None:
    reading = judge(person(skin, air=die), site, **more)
    assert (reading.screening, reading.environment) == (Screening.ENVIRONMENT, problem)
    assert reading.deviation is None
    # Even where nobody was measured, the state of the gate is what is told.
    assert judge(person(0, air=die, scene=steps((0, 22))), site, **more).screening is Screening.ENVIRONMENT


def test_the_surroundings_go_before_a_missing_commissioning_and_that_before_a_missed_forehead() -> None:
    missed = person(0, scene=steps((0, 22)))
    assert judge(missed, Site(), environment="AMBIENT_HOT").screening is Screening.ENVIRONMENT
    assert judge(missed, Site()).screening is Screening.UNCOMMISSIONED
    assert judge(missed, SITE).screening is Screening.RETRY


@pytest.mark.parametrize("air", [-31.0, 61.0, -273.15, 120.0, float("nan"), float("inf")])
def test_a_broken_air_thermometer_is_a_fault_and_not_a_cold_day(air: float) -> None:
    """ENVIRONMENT may be admitted by policy; a broken part must not be."""
    reading = judge(person(36.2), ambient=Celsius(air))
    assert (reading.screening, reading.note) == (Screening.SENSOR_FAULT, "AIR_IMPLAUSIBLE")


@pytest.mark.parametrize("environment", [None, "AMBIENT_COLD"])
@pytest.mark.parametrize("air", [None, Celsius(24.1)])
@pytest.mark.parametrize("die", [-273.15, -60.0, -30.5, 60.5, 120.0])
def test_a_die_that_can_not_be_is_a_fault_and_not_a_cold_day(
    die: float, air: Celsius | None, environment: str | None
) -> None:
    """A broken thermistor under a fevered forehead must not suspend the reading."""
    broken = [replace(one, ambient_word=celsius_to_word(Celsius(die))) for one in person(36.5)]
    reading = judge(broken, ambient=air, environment=environment)
    assert reading.screening is Screening.SENSOR_FAULT
    assert "DIE_IMPLAUSIBLE" in reading.note.split()
    flickers = [*person(36.5)[:-1], broken[-1]]
    assert judge(flickers, ambient=air, environment=environment).screening is Screening.SENSOR_FAULT


def test_every_record_says_when_the_die_stood_in_for_the_air() -> None:
    assert Note.AIR_FROM_DIE in judge(person(34.2)).note.split()
    assert Note.AIR_FROM_DIE not in judge(person(34.2), ambient=Celsius(24.1)).note.split()


def test_an_air_thermometer_that_says_nothing_is_told_from_one_that_is_not_there() -> None:
    """Without it die against air is not checked: who reads the record must not take that for passed."""
    fitted = replace(SITE, air_fitted=True)
    assert judge(person(34.2), fitted).note == "AIR_FROM_DIE AIR_SILENT"
    assert judge(person(34.2)).note == "AIR_FROM_DIE"
    assert judge(person(34.2), fitted, ambient=Celsius(24.1)).note == ""


def test_a_warm_street_is_no_problem_and_goes_on_record() -> None:
    reading = judge(person(34.2), OUTDOORS, outdoor=Celsius(18.00049))
    assert (reading.screening, reading.outdoor) == (Screening.NORMAL, 18.0)


@pytest.mark.parametrize("skin", [33.0, 34.2, 36.5])
@pytest.mark.parametrize(
    ("more", "die"), [({"environment": "AMBIENT_COLD"}, 24.1), ({"ambient": Celsius(14.0)}, 15.0), ({}, 15.0)]
)
def test_what_begins_while_a_person_is_there_suspends_nothing_for_them(
    more: dict[str, Any], die: float, skin: float
) -> None:
    """A hand around the sensor, a glass of ice: they are asked again, and then a volunteer measures."""
    reading = judge(person(skin, air=die), settled=False, **more)
    assert (reading.screening, reading.environment) == (Screening.RETRY, "AMBIENT_COLD")
    assert reading.deviation is None
    assert "SURROUNDINGS_CHANGED" in reading.note.split()
    assert judge(person(skin), settled=False).screening in JUDGED, "where nothing speaks against it"


# -- drift ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skin", [30.0, 34.2, 39.0, 42.5])
def test_in_drift_nobody_is_judged(skin: float) -> None:
    reading = judge(person(skin), drift=True)
    assert (reading.screening, reading.drift) == (Screening.DRIFT, True)
    assert reading.deviation == pytest.approx(skin - 34.2, abs=0.02), "what was read stays on record"


def test_drift_stands_behind_whatever_says_that_nothing_was_measured() -> None:
    assert judge(person(34.2), drift=True, environment="AMBIENT_HOT").screening is Screening.ENVIRONMENT
    assert judge(person(34.2), Site(), drift=True).screening is Screening.UNCOMMISSIONED
    broken = [replace(one, ambient_word=celsius_to_word(Celsius(120.0))) for one in person(34.2)]
    assert judge(broken, drift=True).screening is Screening.SENSOR_FAULT
    assert judge([], drift=True).screening is Screening.DRIFT, "nobody is asked three times in vain"


def test_the_reflected_air_is_taken_out() -> None:
    reading = judge(person(0, scene=steps((0, 22), (0.6, 34.0)), air=20.0), ambient=Celsius(20.0))
    expected = for_emissivity(Celsius(34.0), Celsius(20.0), 0.98)
    assert reading.forehead_celsius == pytest.approx(expected, abs=0.02)
    assert reading.forehead_celsius == pytest.approx(34.27, abs=0.03)


# -- a wall as warm as skin --------------------------------------------------------------------------------


def test_before_a_warm_wall_the_plain_median_counts_and_less_is_claimed() -> None:
    scene = steps((0, 36.5), (0.6, word_of(34.2, 24.1)))
    warm = judge(person(0, scene=scene), background=Celsius(36.5))
    plain = judge(person(34.2))
    assert warm.screening is Screening.NORMAL
    assert warm.deviation == pytest.approx(0, abs=0.03)
    assert warm.uncertainty is not None
    assert plain.uncertainty is not None
    assert warm.uncertainty >= plain.uncertainty + 0.5
    assert Note.BACKGROUND_NEAR_SKIN in warm.note.split()


def test_a_fever_before_a_warm_wall_is_found() -> None:
    scene = steps((0, 34.0), (0.6, word_of(36.2, 24.1)))
    assert judge(person(0, scene=scene), background=Celsius(34.0)).screening is Screening.HIGH


@pytest.mark.parametrize("spec", [XAA, XCC, DCI], ids=lambda spec: spec.variant)
def test_a_warm_wall_that_nobody_stands_before_is_not_a_healthy_person(spec: ThermometerSpec) -> None:
    for seed in range(10):
        empty = person(0, spec=spec, seed=seed, scene=steps((0, 34.0)))
        reading = judge(empty, spec=spec, background=Celsius(34.0))
        assert reading.screening is Screening.RETRY
        assert Note.NOBODY_SEEN in reading.note.split()


SLEEVE = steps((0, 33.6), (0.6, 29.0), (0.9, 33.6))
"""It goes by between the sensor and the wall, and nobody leans in."""
RESTING_ARM = steps((0, 33.6), (0.6, 29.0), (2.2, 33.6))
"""The same, but it rests there for more than a second."""
AS_WARM_AS_THE_WALL = steps((0, 34.0), (0.6, 29.0), (0.9, 34.05))


@pytest.mark.parametrize("scene", [SLEEVE, RESTING_ARM, AS_WARM_AS_THE_WALL])
@pytest.mark.parametrize("spec", [XAA, XCC], ids=lambda spec: spec.variant)
def test_movement_before_a_warm_wall_is_no_forehead(spec: ThermometerSpec, scene: Scene) -> None:
    for seed in range(10):
        reading = judge(person(0, spec=spec, seed=seed, scene=scene), spec=spec, background=Celsius(scene(0)))
        assert reading.screening is Screening.RETRY


@pytest.mark.parametrize("seen", [33.6, 34.2, 36.5])
def test_what_stood_there_before_must_be_known(seen: float) -> None:
    """In the first moments of a thermometer a warm wall and a forehead are the same words."""
    reading = judge(person(0, scene=steps((0, seen))), background=None)
    assert reading.screening is Screening.RETRY
    assert "BACKGROUND_UNKNOWN" in reading.note.split()


def test_who_stands_out_from_a_warm_wall_is_measured_without_it() -> None:
    """However short: the seconds in which the wall itself was seen do not count."""
    scene = steps((0, 36.6), (2.8, word_of(34.2, 24.1)))
    reading = judge(person(0, scene=scene), background=Celsius(36.6))
    assert reading.deviation == pytest.approx(0, abs=0.03)


# -- the uncertainty -----------------------------------------------------------------------------------------


def test_what_is_known_better_is_claimed_with_less_uncertainty() -> None:
    def spread(site: Site = SITE, spec: ThermometerSpec = XAA, **more: Any) -> float:
        reading = judge(person(34.2, spec=spec), site, spec, **more)
        assert reading.uncertainty is not None
        return reading.uncertainty

    calibrated = replace(SITE, calibration=Calibration(made_on="2026-11-01", reference="BB-7"))
    assert spread(calibrated) < spread()
    assert spread(ambient=Celsius(24.1)) < spread()
    assert spread(spec=XCC) > spread(spec=XAA)

    def twice_the_root_of(*parts: float) -> object:
        return pytest.approx(2 * sum(part * part for part in parts) ** 0.5, abs=0.003)

    # Noise of a median of ten; half the emissivity correction of .196; reference or delivery; air or die.
    noise, emissivity = 1.25 * 0.05 / 10**0.5, 0.196 / 2
    assert spread() == twice_the_root_of(noise, emissivity, 0.25, 0.17 * 2.0)
    assert spread(calibrated, ambient=Celsius(24.1)) == twice_the_root_of(noise, emissivity, 0.1, 0.17 * 0.5)


# -- what holds for any words -----------------------------------------------------------------------------

anything = st.lists(
    st.tuples(st.integers(50, 400), st.integers(14_800, 15_800), st.integers(14_450, 15_250)), max_size=40
)
nearly_still = st.lists(
    st.tuples(st.integers(90, 150), st.integers(15_350, 15_362), st.integers(14_850, 14_870)),
    min_size=12,
    max_size=40,
)


def timed(rows: list[tuple[int, int, int]]) -> list[Sample]:
    now, samples = 0, []
    for pause, seen, die in rows:
        now += pause
        samples.append(Sample(Monotonic(now / 1000), RawWord(seen), RawWord(die)))
    return samples


def hotter(samples: list[Sample], words: int) -> list[Sample]:
    return [replace(one, object_word=RawWord(one.object_word + words)) for one in samples]


HEAT = {Screening.NORMAL: 0, Screening.GUARD: 1, Screening.HIGH: 2}


@given(nearly_still, st.integers(1, 300), st.sampled_from(ALL), st.sampled_from([22.0, None, 36.0]))
def test_a_hotter_person_is_never_judged_cooler(
    rows: list[tuple[int, int, int]], words: int, spec: ThermometerSpec, background: float | None
) -> None:
    cool = judge(timed(rows), spec=spec, background=background)
    warm = judge(hotter(timed(rows), words), spec=spec, background=background)
    assume(cool.screening in JUDGED)
    # Who is partly as warm as the wall behind is seen by other seconds than who stands out from it.
    assume(background != 36.0 or all(abs((one.raw_celsius or 0) - 36.0) > 1.4 for one in (cool, warm)))
    if warm.screening is Screening.RETRY:
        # Only because it is hotter than any forehead, or as warm as the wall behind.
        assert {Note.TOO_HOT, Note.NOBODY_SEEN, Note.BACKGROUND_TOO_NEAR} & set(warm.note.split())
        return
    assert warm.deviation is not None
    assert cool.deviation is not None
    assert HEAT[warm.screening] >= HEAT[cool.screening]
    # Nothing is drawn toward a normal value: .02 °C a word, and emissivity adds a fiftieth to that.
    assert warm.deviation - cool.deviation == pytest.approx(words * 0.02 * 1.02, rel=0.01, abs=0.001)


@given(anything, st.sampled_from(ALL), st.sampled_from([22.0, 30.0, None, 36.0]))
def test_no_result_without_a_steady_second_of_somebody(
    rows: list[tuple[int, int, int]], spec: ThermometerSpec, background: float | None
) -> None:
    reading = judge(timed(rows), spec=spec, background=background)
    if reading.raw_celsius is None:
        assert reading.screening in (Screening.RETRY, Screening.ENVIRONMENT)
    if reading.screening in JUDGED:
        assert reading.raw_celsius is not None
        seen = [one.object_celsius for one in reading.samples]
        assert min(seen) - 0.001 <= reading.raw_celsius <= max(seen) + 0.001


@given(anything, st.sampled_from(ALL), st.sampled_from([SITE, Site()]))
def test_without_a_commissioning_or_in_bad_air_nobody_is_judged(
    rows: list[tuple[int, int, int]], spec: ThermometerSpec, site: Site
) -> None:
    assert judge(timed(rows), Site(), spec).screening not in JUDGED
    assert judge(timed(rows), site, spec, environment="OUTDOORS_COLD").screening is Screening.ENVIRONMENT


@given(
    anything | nearly_still,
    st.sampled_from(ALL),
    st.sampled_from([22.0, None, 36.0]),
    st.sampled_from([None, 20.0, 24.0]),
    st.floats(-0.6, 0.6),
)
def test_a_record_gives_the_very_same_result_again(
    rows: list[tuple[int, int, int]],
    spec: ThermometerSpec,
    background: float | None,
    air: float | None,
    baseline: float,
) -> None:
    """Through JSON, as the journal and the context event keep it."""
    first = judge(timed(rows), spec=spec, background=background, ambient=air, baseline=baseline)
    stored = json.loads(
        json.dumps(
            {
                "rows": [(round(one.at * 1000), one.object_word, one.ambient_word) for one in first.samples],
                "site": SITE.to_map(),
                "kept": [first.background, first.air, first.environment, first.baseline],
            }
        )
    )
    samples = [Sample(Monotonic(ms / 1000), RawWord(seen), RawWord(die)) for ms, seen, die in stored["rows"]]
    kept = dict(zip(("background", "ambient", "environment", "baseline"), stored["kept"], strict=True))
    assert judge(samples, Site.from_map(stored["site"]), spec, **kept) == first


def test_a_reading_does_not_depend_on_who_came_before() -> None:
    """Pure: the same words give the same result whatever was screened in between."""
    first = judge(person(34.9, seed=7))
    for skin in (39.0, 31.0, 34.2):
        judge(person(skin, seed=8))
    assert judge(person(34.9, seed=7)) == first

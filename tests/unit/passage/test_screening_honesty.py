"""What no kiosk may do: judge a hotter person cooler, draw a reading toward normal, or be unable to alarm."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.errors import ConfigError
from kiosk.model import Celsius, EntryFrom, Monotonic, RawWord, Reading, Sample, Screening, ThermometerSpec
from kiosk.passage.body_temperature import Note, Site, Window, screen
from tests.unit.passage.foreheads import ALL, XAA, sample, steps, stream
from tests.unit.passage.test_body_temperature import HEAT, JUDGED, SITE, hotter, word_of
from tests.unit.passage.test_site import HERE, sites

BACKGROUNDS: Final = (None, 10.0, 22.0, 32.9, 33.1, 34.0, 35.0, 36.0, 37.5)
commissioned = sites.map(lambda site: replace(site, commissioning=HERE, entry_from=EntryFrom.INDOORS))
levels = st.lists(st.tuples(st.integers(15_330, 15_560), st.integers(3, 14)), min_size=1, max_size=4)
"""33.4 to 38 °C, each for .3 to 1.4 s: a forehead, a miss, a wall, in any order."""


def scene(spec: ThermometerSpec, parts: list[tuple[int, int]], jitter: list[int]) -> list[Sample]:
    """Words at the part's own pace, at these levels one after the other, with noise of the part's size."""
    words = [level for level, length in parts for _ in range(length)]
    every = 0.1 if spec.fast else spec.settling_s
    noise = round(spec.noise_c / 0.02)
    return [
        replace(
            sample(round(number * every, 3), 34.0),
            object_word=RawWord(word + jitter[number % 7] * noise // 2),
        )
        for number, word in enumerate(words)
    ]


def judge(
    samples: list[Sample], site: Site, spec: ThermometerSpec, background: float | None, baseline: float = 0.0
) -> Reading:
    return screen(
        samples,
        spec,
        site,
        opened_at=Monotonic(0.0),
        background=None if background is None else Celsius(background),
        ambient=Celsius(24.1),
        environment=None,
        baseline=Celsius(baseline),
    )


@given(
    levels,
    st.lists(st.sampled_from([-1, 0, 1]), min_size=7, max_size=7),
    st.integers(1, 250),
    st.sampled_from(ALL),
    st.sampled_from(BACKGROUNDS),
    commissioned,
    st.floats(-0.6, 0.6),
)
def test_a_hotter_person_is_never_judged_cooler_whatever_stands_behind(
    parts: list[tuple[int, int]],
    jitter: list[int],
    words: int,
    spec: ThermometerSpec,
    background: float | None,
    site: Site,
    baseline: float,
) -> None:
    seen = scene(spec, parts, jitter)
    cool = judge(seen, site, spec, background, baseline)
    warm = judge(hotter(seen, words), site, spec, background, baseline)
    if cool.screening not in JUDGED or warm.screening not in JUDGED:
        return
    assert HEAT[warm.screening] >= HEAT[cool.screening]
    assert warm.deviation is not None
    assert cool.deviation is not None
    assert warm.deviation > cool.deviation


@given(commissioned, st.integers(-5, 5), st.sampled_from([22.0, 22.7]))
def test_what_is_on_record_as_the_threshold_is_judged_as_the_threshold(
    site: Site, off: int, ambient: float
) -> None:
    """Whatever the last digits of normal, air and corrections are: nobody is let off by a rounding error."""
    assert site.commissioning is not None
    person = list(stream(XAA, steps((0, 22.0), (0.6, word_of(34.2, 24.1))), 4.5, seed=None))
    plain = judge(person, site, XAA, 22.0).deviation
    assume(plain is not None)
    assert plain is not None
    for limit, least in ((site.guard, Screening.GUARD), (site.high, Screening.HIGH)):
        baseline = round(plain - limit + off / 1000, 3)
        reading = judge(person, site, XAA, 22.0, baseline)
        assert reading.deviation is not None
        reached = HEAT.get(reading.screening, -1) >= HEAT[least]
        assert reached is (round(reading.deviation, 3) >= limit)


def through_a_window(samples: list[Sample], spec: ThermometerSpec, background: float) -> Reading:
    """As at a gate: what comes after the window has ended is not looked at."""
    window = Window(spec, Monotonic(0.0), Celsius(background))
    waiting = deque(samples)
    for twentieth in range(110):
        now = Monotonic(twentieth / 20)
        while waiting and waiting[0].at <= now:
            window.feed(waiting.popleft())
        if window.finished(now):
            break
    return judge(list(window.samples), SITE, spec, background)


@given(
    levels,
    st.lists(st.sampled_from([-1, 0, 1]), min_size=7, max_size=7),
    st.integers(1, 250),
    st.sampled_from(ALL),
    st.sampled_from([10.0, 22.0, 30.0, 33.1, 34.0, 35.0, 36.0, 37.5]),
)
def test_a_window_does_not_end_at_a_cooler_moment_of_a_hotter_person(
    parts: list[tuple[int, int]], jitter: list[int], words: int, spec: ThermometerSpec, background: float
) -> None:
    """Between 31 and 33 °C this can't hold: what is just too cold to be told from the wall is no person yet,
    and a little warmer it is one, whose first steady second may be a cheek.
    """
    seen = scene(spec, parts, jitter)
    cool = through_a_window(seen, spec, background)
    warm = through_a_window(hotter(seen, words), spec, background)
    assume(cool.screening in JUDGED and warm.screening in JUDGED)
    assert HEAT[warm.screening] >= HEAT[cool.screening]


@pytest.mark.parametrize("spec", [spec for spec in ALL if spec.fast])
def test_a_rise_is_waited_for_however_warm_the_forehead_is(spec: ThermometerSpec) -> None:
    """A cheek for a second, then the forehead, a degree warmer: .1 °C more is .1 °C more, up to 40 °C."""
    rise = round((1.0 + 3 * spec.noise_c) / 0.02)
    seen = scene(spec, [(15_330, 10), (15_330 + rise, 25)], [0] * 7)
    said = [through_a_window(hotter(seen, words), spec, 22.0).forehead_celsius for words in range(0, 300, 5)]
    foreheads = [celsius for celsius in said if celsius is not None]
    assert len(foreheads) == len(said)
    steps_up = [later - earlier for earlier, later in pairwise(foreheads)]
    assert min(steps_up) == pytest.approx(max(steps_up), abs=0.005)


@given(commissioned, st.sampled_from(ALL), st.floats(-0.6, 0.6), st.sampled_from([22.0, 30.0]))
def test_one_degree_more_is_one_degree_more(
    site: Site, spec: ThermometerSpec, baseline: float, background: float
) -> None:
    """From 35 to 40 °C in quarters of a degree, through every correction (design: slope 1.00 ± .02)."""
    skins = [35 + 0.25 * number for number in range(21)]
    said = []
    for skin in skins:
        seen = list(stream(spec, steps((0, 22.0), (0.6, raw_of(skin, site))), 4.5, seed=None))
        said.append(judge(seen, site, spec, background, baseline).forehead_celsius)
    foreheads = [celsius for celsius in said if celsius is not None]
    assert len(foreheads) == len(skins)
    assert least_squares(skins, foreheads) == pytest.approx(1.0, abs=0.02)
    for skin, forehead in zip(skins, foreheads, strict=True):
        assert forehead == pytest.approx(skin, abs=0.03)


def raw_of(skin: float, site: Site) -> float:
    """What this site's part claims of a forehead: the corrections undone, last one first."""
    radiated = site.emissivity * (skin + 273.15) ** 4 + (1 - site.emissivity) * (24.1 + 273.15) ** 4
    seen = radiated**0.25 - 273.15
    uncalibrated = (seen - site.calibration.offset) / site.calibration.gain
    return float(uncalibrated + 0.6 * (site.supply_volts - site.rated_volts))


def least_squares(given_: Sequence[float], said: Sequence[float]) -> float:
    mean, middle = sum(given_) / len(given_), sum(said) / len(said)
    joint = sum((x - mean) * (y - middle) for x, y in zip(given_, said, strict=True))
    return joint / sum((x - mean) ** 2 for x in given_)


@given(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.floats(33.0, 38.0))
def test_a_higher_baseline_never_makes_anybody_hotter(one: float, other: float, skin: float) -> None:
    seen = list(stream(XAA, steps((0, 22.0), (0.6, word_of(skin, 24.1))), 4.5, seed=None))
    lower, higher = sorted((one, other))
    first, second = judge(seen, SITE, XAA, 22.0, lower), judge(seen, SITE, XAA, 22.0, higher)
    assume(first.screening in JUDGED and second.screening in JUDGED)
    assert HEAT[first.screening] >= HEAT[second.screening]


@given(commissioned)
def test_at_any_site_that_is_accepted_a_fever_of_two_degrees_and_a_half_is_high(site: Site) -> None:
    """Whatever the thresholds, calibration and the largest baseline: there is no silent terminal."""
    assert site.commissioning is not None
    skin = site.commissioning.site_normal + 2.5
    seen = list(stream(XAA, steps((0, 22.0), (0.6, raw_of(skin, site))), 4.5, seed=None))
    for baseline in (-0.6, 0.0, 0.6):
        assert judge(seen, site, XAA, 22.0, baseline).screening is Screening.HIGH


@pytest.mark.parametrize(
    ("guard", "high", "accepted"),
    [
        (0.3, 0.5, True),
        (0.5, 0.5, True),
        (0.8, 1.5, True),
        (0.299, 0.8, False),
        (0.801, 1.5, False),
        (0.3, 0.499, False),
        (0.5, 1.501, False),
        (0.8, 0.7, False),
        (float("nan"), 0.8, False),
        (0.5, 45.0, False),
    ],
)
def test_thresholds_have_a_floor_and_a_ceiling(guard: float, high: float, accepted: bool) -> None:
    try:
        made = replace(SITE, guard=Celsius(guard), high=Celsius(high))
    except ConfigError:
        assert not accepted
    else:
        assert accepted
        assert made.guard <= made.high


def test_every_result_of_the_list_can_be_had() -> None:
    person = list(stream(XAA, steps((0, 22.0), (0.6, word_of(34.2, 24.1))), 4.5, seed=None))

    def result(site: Site = SITE, above: int = 0, **more: object) -> Screening:
        usual = {"background": Celsius(22.0), "ambient": None, "environment": None, **more}
        words = hotter(person, above)
        return screen(words, XAA, site, opened_at=Monotonic(0.0), **usual).screening  # type: ignore[arg-type]

    broken = [replace(one, ambient_word=RawWord(0)) for one in person]
    assert result() is Screening.NORMAL
    assert result(above=30) is Screening.GUARD
    assert result(above=60) is Screening.HIGH
    assert result(above=-100) is Screening.RETRY
    assert result(environment="AMBIENT_HOT") is Screening.ENVIRONMENT
    assert result(Site()) is Screening.UNCOMMISSIONED
    assert result(drift=True) is Screening.DRIFT
    fault = screen(
        broken, XAA, SITE, opened_at=Monotonic(0.0), background=None, ambient=None, environment=None
    )
    assert fault.screening is Screening.SENSOR_FAULT
    # SENSOR_STUCK and NOT_REQUIRED say why no words were judged at all: kiosk.gate, kiosk.judge.


def test_seconds_that_run_into_the_walls_are_nobodys() -> None:
    """A forehead and a miss toward the wall: a little warmer, and the miss would be taken for the wall."""
    two = steps((0, 36.0), (0.6, 34.4), (2.4, 35.75))
    reading = judge(list(stream(XAA, two, 4.5, seed=None)), SITE, XAA, 36.0)
    assert reading.screening is Screening.RETRY
    assert Note.BACKGROUND_TOO_NEAR in reading.note.split()

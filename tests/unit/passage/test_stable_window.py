"""How long a person has to hold still, and which seconds count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import Celsius, Monotonic, Sample, ThermometerSpec
from kiosk.passage.stable_window import Point, Window, points, slope, stable_seconds
from tests.unit.passage.foreheads import ALL, DCI, XAA, XBA, XCC, XCF, Scene, sample, steps, stream

FAST, SLOW = (XAA, XBA, XCC), (DCI, XCF)
OPENED = 1000.0


def ended(
    spec: ThermometerSpec,
    scene: Scene,
    *,
    background: float | None = 22.0,
    seed: int | None = None,
    silent_after: float = 9.0,
) -> tuple[float, Window]:
    """Seconds after opening at which a window ends, asked every 20 ms, and the window."""
    window = Window(spec, Monotonic(OPENED), None if background is None else Celsius(background))
    coming = stream(spec, scene, 6, start=OPENED, seed=seed)
    words = [word for word in coming if word.at < OPENED + silent_after]
    for tick in range(300):
        now = Monotonic(OPENED + tick / 50)
        while words and words[0].at <= now:
            window.feed(words.pop(0))
        if window.finished(now):
            return round(now - OPENED, 6), window
    raise AssertionError("the window never ended")


def lean(at: float, skin: float = 34.5, background: float = 22.0) -> Scene:
    return steps((0, background), (at, skin))


# -- how long ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", FAST, ids=lambda spec: spec.variant)
@pytest.mark.parametrize("leaned_in", [0.0, 0.3, 0.6, 1.2, 2.9])
def test_who_holds_still_waits_a_second_and_a_third(spec: ThermometerSpec, leaned_in: float) -> None:
    when, window = ended(spec, lean(leaned_in), seed=3)
    assert leaned_in + 1.1 <= when <= leaned_in + 1.3 + 2 * spec.settling_s
    assert list(stable_seconds(points(window.samples), spec, window.background))


@pytest.mark.parametrize("spec", SLOW, ids=lambda spec: spec.variant)
def test_a_slow_part_needs_two_samples_and_one_more(spec: ThermometerSpec) -> None:
    when, window = ended(spec, lean(0.6), seed=3)
    assert when <= 0.6 + min(3.0, 3 * spec.settling_s) + spec.settling_s
    assert list(stable_seconds(points(window.samples), spec, window.background))


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.variant)
def test_who_never_leans_in_is_asked_again_after_five_seconds(spec: ThermometerSpec) -> None:
    when, window = ended(spec, steps((0, 22)), seed=3)
    assert when == 5.0
    assert not list(stable_seconds(points(window.samples), spec, window.background))


@pytest.mark.parametrize("spec", FAST, ids=lambda spec: spec.variant)
def test_who_never_holds_still_is_asked_again_three_seconds_after_coming_into_view(
    spec: ThermometerSpec,
) -> None:
    def restless(at: float) -> float:
        return 22.0 if at < 1 else 30.0 + 5 * (int(at / 0.3) % 2)

    when, window = ended(spec, restless)
    assert 4.0 <= when <= 4.0 + 2 * spec.settling_s
    assert not list(stable_seconds(points(window.samples), spec, window.background))


def test_a_stop_on_the_way_is_not_taken_for_the_end_of_it() -> None:
    """Half-way for .9 s, then close: the rise in the next third of a second says that there is more."""
    when, window = ended(XAA, steps((0, 22), (0.5, 30.0), (1.5, 34.5)))
    assert when == pytest.approx(2.7, abs=0.1)
    best = max(second.celsius for second in stable_seconds(points(window.samples), XAA, window.background))
    assert best == pytest.approx(34.5, abs=0.02)


def test_before_a_wall_as_warm_as_skin_the_window_lasts_its_three_seconds() -> None:
    assert ended(XAA, lean(0.6, 34.5, 36.0), background=36.0)[0] == 3.0


def test_with_nothing_known_of_the_background_the_first_steady_second_ends_it() -> None:
    assert ended(XAA, lean(0.0), background=None)[0] == pytest.approx(1.2, abs=0.05)


def test_a_sensor_that_falls_silent_does_not_end_it_early() -> None:
    # A second of samples and then none: nothing shows that there was no rise.
    when, window = ended(XAA, lean(0.0), silent_after=0.95)
    assert when == 3.0
    assert len(window.samples) == 10


def test_what_was_seen_before_the_window_opened_was_somebody_else() -> None:
    window = Window(XAA, Monotonic(10.0), Celsius(22.0))
    for word in (*stream(XAA, steps((0, 38)), 2, start=7.99), *stream(XAA, lean(0.5), 1.3, start=10.0)):
        window.feed(word)
    assert min(word.at for word in window.samples) == 10.0
    window.feed(sample(15.01, 40.0))
    assert max(word.at for word in window.samples) <= 15.0


# -- which seconds count -----------------------------------------------------------------------------------


def seconds_of(spec: ThermometerSpec, seen: list[tuple[float, float]]) -> list[float]:
    words = [sample(at, celsius) for at, celsius in seen]
    return [round(second.celsius, 3) for second in stable_seconds(points(words), spec, None)]


def every(period: float, levels: list[float]) -> list[tuple[float, float]]:
    return [(number * period, level) for number, level in enumerate(levels)]


@pytest.mark.parametrize(
    ("spread", "steady"),
    [(0.50, True), (0.52, False)],
)
def test_the_range_a_fast_part_may_show(spread: float, steady: bool) -> None:
    # .25 + 5 x .05; up and down, so that the slope stays near zero.
    levels = [34.0, 34.0 + spread] * 5
    assert bool(seconds_of(XAA, every(0.1, levels))) is steady


@pytest.mark.parametrize(
    ("per_second", "steady"), [(0.28, True), (0.33, False), (-0.28, True), (-0.33, False)]
)
def test_the_slope_a_fast_part_may_show(per_second: float, steady: bool) -> None:
    # .15 + 3 x .05 = .30
    levels = [34.0 + per_second * number / 10 for number in range(10)]
    assert bool(seconds_of(XAA, every(0.1, levels))) is steady


def test_the_slope_a_slow_part_may_show() -> None:
    # .15 + 3 x .10 = .45 °C/s over .65 s
    assert seconds_of(DCI, every(0.65, [34.0, 34.28]))
    assert not seconds_of(DCI, every(0.65, [34.0, 34.34]))


def test_a_fast_part_needs_five_samples_that_fill_the_second() -> None:
    assert seconds_of(XAA, every(0.2, [34.0] * 5))
    assert not seconds_of(XAA, every(0.25, [34.0] * 4))
    assert not seconds_of(XAA, every(0.1, [34.0] * 9))
    # Five samples, then a long silence, then one: nobody knows what was between.
    assert not seconds_of(XAA, [*every(0.1, [34.0] * 5), (3.0, 34.0)])


def test_a_few_lost_samples_do_not_matter() -> None:
    kept = [(at, celsius) for at, celsius in every(0.1, [34.0] * 12) if round(at, 1) not in (0.3, 0.6, 0.7)]
    assert seconds_of(XAA, kept)


def test_a_slow_part_needs_two_samples() -> None:
    assert len(seconds_of(DCI, every(0.65, [34.0] * 2))) == 1
    assert len(seconds_of(XCF, every(1.33, [34.0] * 2))) == 1
    assert not seconds_of(DCI, every(0.65, [34.0]))
    assert not seconds_of(XCF, every(2.5, [34.0] * 2))


def test_samples_of_one_moment_are_no_second() -> None:
    assert not seconds_of(XAA, [(1.0, 34.0)] * 20)
    assert slope([Point(5, 1), Point(5, 9)]) == float("inf")


def test_a_steady_background_is_nobody() -> None:
    words = points(list(stream(XAA, steps((0, 22), (2, 34.5)), 4, seed=None)))
    found = list(stable_seconds(words, XAA, Celsius(22.0)))
    assert found
    assert all(second.celsius > 34 for second in found)


words_in_time = st.lists(
    st.tuples(st.integers(20, 400), st.integers(15_000, 16_000)), min_size=1, max_size=40
)


def _timed(steps_and_words: list[tuple[int, int]]) -> list[Point]:
    now, seen = 0, []
    for step, word in steps_and_words:
        now += step
        seen.append(Point(now, word))
    return seen


@given(
    st.lists(st.tuples(st.integers(80, 160), st.integers(15_360, 15_372)), min_size=10, max_size=40),
    st.integers(0, 500),
    st.integers(0, 10**9),
    st.sampled_from(ALL),
)
def test_warming_every_word_or_coming_later_changes_only_height_and_time(
    seen: list[tuple[int, int]], warmer: int, later: int, spec: ThermometerSpec
) -> None:
    before = _timed(seen)
    after = [Point(point.ms + later, point.word + warmer) for point in before]
    moved = [
        (second.ms + later, second.median + warmer, second.samples)
        for second in stable_seconds(before, spec, None)
    ]
    assert list(map(tuple, stable_seconds(after, spec, None))) == moved


@given(words_in_time, st.sampled_from(ALL))
def test_a_second_that_counts_keeps_to_the_limits(seen: list[tuple[int, int]], spec: ThermometerSpec) -> None:
    timed = _timed(seen)
    for second in stable_seconds(timed, spec, None):
        end = [point.ms for point in timed].index(second.ms)
        stretch = timed[end - second.samples + 1 : end + 1]
        words = [point.word for point in stretch]
        assert len(stretch) >= (5 if spec.fast else 2)
        assert (max(words) - min(words)) * 0.02 <= 0.25 + 5 * spec.noise_c + 1e-6
        assert abs(slope(stretch)) <= 0.15 + 3 * spec.noise_c + 1e-6
        assert min(words) <= second.median <= max(words)


@given(st.lists(st.tuples(st.floats(0, 0.4), st.floats(-40, 60)), max_size=80), st.sampled_from(ALL))
def test_whatever_is_seen_a_window_ends_within_five_seconds(
    seen: list[tuple[float, float]], spec: ThermometerSpec
) -> None:
    window, now = Window(spec, Monotonic(100.0), Celsius(22.0)), 100.0
    for pause, celsius in seen:
        now += pause
        window.feed(sample(round(now, 3), celsius))
    assert window.finished(Monotonic(105.0))
    assert all(100.0 <= word.at <= 105.0 for word in window.samples)


def test_words_are_read_as_they_are_stored() -> None:
    word = Sample(Monotonic(12.3456), sample(0, 34.0).object_word, sample(0, 34.0).ambient_word)
    assert points([word]) == [Point(12346, sample(0, 34.0).object_word)]

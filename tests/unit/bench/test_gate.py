"""The gate's bench: its keys, what each figure is made of, and that it says when a target is missed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.simulated.clock import START_WALL
from kiosk import scenario
from kiosk.bench import gate as bench
from kiosk.bench.measured_gate import CostClock, healthy, repeated, story_of
from kiosk.commands.__main__ import main
from kiosk.model import ClockState, Monotonic, Seconds

MEMORY = Path("/dev/shm")
PAGE = Path(__file__).parents[3] / "docs" / "figures.md"
FIGURES = [
    "passages",
    "cycle_s",
    "wait_s",
    "frame_to_light_ms",
    "ready_s",
    "rss_mb",
    "rss_growth_mb",
    "referral_rate_healthy",
]


def passage(**figures: Any) -> dict[str, Any]:
    usual = {"verdict": "ADMIT", "retries": 0, "light_s": 0.01, "cycle_s": 1.5, "wait_s": 0.0}
    return {**usual, "healthy": True, **figures}


def test_the_json_has_exactly_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "gate", "--json", "--passages", "1", "--rows", "40"]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert list(answer) == [*FIGURES, "variants"]
    assert list(answer["variants"]) == ["xAA", "xBA", "xCC"]
    for figures in (answer, *answer["variants"].values()):
        assert [name for name in figures if name != "variants"] == FIGURES
        assert list(figures["cycle_s"]) == list(figures["wait_s"]) == ["p50", "p95", "max"]
        assert list(figures["frame_to_light_ms"]) == ["p50", "p95"]
        # Nobody leans in within less than a few tenths; a window is over after five seconds.
        assert 0.3 < figures["cycle_s"]["p50"] < 10
        assert figures["wait_s"]["max"] == 0
        assert figures["frame_to_light_ms"]["p50"] > 0
        assert figures["ready_s"] > 0
        assert 20 < figures["rss_mb"] < 200
        assert figures["passages"] == 1
        assert figures["referral_rate_healthy"] == 0
    assert "journal of 40 rows" in said.err
    assert "of 1 asked again" in said.err


@pytest.mark.parametrize("name", [*FIGURES, "variants", "--check"])
def test_the_page_of_figures_says_what_each_of_them_is(name: str) -> None:
    assert name in PAGE.read_text(encoding="utf-8")


def test_a_passage_with_a_second_try_is_counted_apart() -> None:
    smooth = [passage(cycle_s=1.0), passage(cycle_s=2.0)]
    measured = bench.summary(0.5, [*smooth, passage(cycle_s=6.0, retries=1)], [40.0] * 4)
    assert measured.figures.passages == 3
    assert measured.figures.cycle_s == bench.Spread(1.0, 2.0, 2.0)
    assert (measured.retried, measured.retried_cycle_s.max) == (1, 6.0)


def test_what_was_not_measured_is_not_zero() -> None:
    measured = bench.summary(0.5, [passage(cycle_s=None, light_s=None, healthy=False)], [40.0, 40.0])
    assert measured.figures.cycle_s.p50 is None
    assert measured.figures.frame_to_light_ms.p95 is None
    assert measured.figures.referral_rate_healthy is None


def test_healthy_people_who_are_not_admitted_make_the_rate() -> None:
    sick = passage(healthy=False, verdict="REFER")
    people = [passage(), passage(), passage(verdict="REFER"), passage(verdict="REFUSE"), sick]
    assert bench.summary(0.5, people, [40.0] * 6).figures.referral_rate_healthy == 0.5


def test_memory_is_the_most_and_grows_from_the_first_third_on() -> None:
    figures = bench.summary(0.5, [passage()] * 5, [30.0, 39.0, 40.0, 45.0, 41.0, 41.5]).figures
    assert (figures.rss_mb, figures.rss_growth_mb) == (45.0, 1.5)


def test_the_worst_is_taken_figure_by_figure() -> None:
    one = bench.summary(0.5, [passage(cycle_s=1.0)] * 3, [40.0] * 4).figures
    other = bench.summary(0.4, [passage(cycle_s=None)] * 2, [41.0] * 3).figures
    worst = bench.to_map({"xAA": one, "xBA": other})
    assert (worst["passages"], worst["ready_s"], worst["rss_mb"]) == (2, 0.5, 41.0)
    assert worst["cycle_s"] == {"p50": 1.0, "p95": 1.0, "max": 1.0}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 10), (0.95, 19), (1.0, 20), (0.01, 1)], ids=["p50", "p95", "max", "p1"]
)
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert bench.percentile([float(number) for number in range(20, 0, -1)], share, digits=3) == expected


@pytest.mark.parametrize(
    ("ready", "rss", "code"), [(2.0, 60.0, 0), (2.1, 60.0, 1), (0.2, 60.1, 1)], ids=["met", "late", "large"]
)
def test_check_fails_when_a_target_is_missed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ready: float,
    rss: float,
    code: int,
) -> None:
    measured = bench.summary(ready, [passage()], [rss, rss])
    monkeypatch.setattr(bench, "measure_all", lambda *_: dict.fromkeys(bench.VARIANTS, measured))
    assert main(["bench", "gate", "--check"]) == code
    assert ("over the target" in capsys.readouterr().err) == bool(code)
    assert main(["bench", "gate"]) == 0


def test_people_get_a_table_with_every_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = bench.summary(0.5, [passage(cycle_s=None, retries=1)], [40.0, 40.0])
    monkeypatch.setattr(bench, "measure_all", lambda *_: dict.fromkeys(bench.VARIANTS, measured))
    assert main(["bench", "gate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["xAA", "xBA", "xCC", "worst"]
    assert {line.split()[0] for line in lines[1:14]} == set(FIGURES)
    assert lines[2].split() == ["cycle_s", "p50", "-", "-", "-", "-"]
    assert "1 of 1 asked again" in lines[-2]
    assert "Linux" in lines[-1]


@pytest.mark.parametrize("words", [["--passages", "0"], ["--rows", "-1"]])
def test_nothing_to_measure_is_wrong_usage(words: list[str]) -> None:
    assert main(["bench", "gate", *words]) == 2


@pytest.mark.skipif(not os.access(MEMORY, os.W_OK), reason="no memory file system here")
def test_a_directory_in_memory_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "gate", "--directory", str(MEMORY)]) == 2
    assert "no directory on a disk" in capsys.readouterr().err


def test_a_scenario_goes_on_with_new_people_who_keep_their_relations() -> None:
    story = scenario.load("ordinary")
    first = scenario.people(story)
    twice = scenario.people(repeated(story, 2))
    assert len(twice) == 2 * len(first)
    assert len({person.id for person in twice}) == len(twice)
    again = twice[len(first) :]
    assert [person.kind.name for person in again] == [person.kind.name for person in first]
    assert min(person.arrives_s for person in again) > max(person.arrives_s for person in first)
    for before, after in zip(first, again, strict=True):
        assert (before.code_of is None) == (after.code_of is None)
    assert {person.code_of for person in twice} - {None} <= {person.id for person in twice}


def test_streams_and_faults_go_on_too() -> None:
    story = scenario.load("ordinary")
    burst = scenario.Burst(Seconds(9), people=5, within_s=Seconds(3))
    flow = scenario.Flow(Seconds(0), Seconds(60), 600, {"resident": 1}, (burst,))
    streams = repeated(replace(story, calls=(), flows=(flow,)), 2)
    arrivals = [person.arrives_s for person in scenario.people(streams)]
    assert sum(at < 60 for at in arrivals) > 8
    assert sum(80 <= at <= 140 for at in arrivals) > 8
    assert not [at for at in arrivals if 60 < at < 80]
    assert [span.start for span in repeated(story, 2).faults][1] > story.faults[0].until


def test_a_part_with_a_wide_view_is_mounted_closer() -> None:
    assert story_of("ordinary", "xAA", 1).site.distance_cm < story_of("ordinary", "xCC", 1).site.distance_cm
    assert story_of("ordinary", "xAA", 0).calls == ()


def test_healthy_is_who_has_a_pass_and_no_fever() -> None:
    kinds = {person.kind.name: healthy(person) for person in scenario.people(scenario.load("ordinary"))}
    assert kinds["resident"]
    assert kinds["hat"]
    assert not any(kinds[name] for name in ("feverish", "expired", "menu", "child", "borrower"))


def clock() -> CostClock:
    return CostClock(START_WALL, start=Monotonic(100.0), state=ClockState.SIMULATED)


def test_the_processors_time_passes_while_the_gate_works_and_not_otherwise() -> None:
    made = clock()
    assert made.monotonic() == made.monotonic() == 100.0
    with made.working():
        before = made.monotonic()
        sum(range(100_000))
        after = made.monotonic()
        with made.outside():
            assert made.monotonic() == made.monotonic()
        assert made.monotonic() > after > before >= 100.0
    worked = made.monotonic() - 100.0
    assert made.monotonic() - 100.0 == worked
    assert made.outside_s > 0


def test_what_a_turn_cost_stays_passed_and_timers_see_it() -> None:
    made = clock()
    fired: list[float] = []
    made.at(Monotonic(100.5), lambda: fired.append(made.monotonic()))
    with made.working():
        sum(range(100_000))
    cost = made.monotonic() - 100.0
    made.wait(1.0)
    assert made.monotonic() == pytest.approx(101.0 + cost)
    assert fired == [pytest.approx(100.5)]

"""The gate's bench: its keys, what each figure is made of, and that it says when a target is missed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drivers.simulated.clock import START_WALL
from kiosk import scenario
from kiosk.bench import gate as bench
from kiosk.bench import gate_figures as counted
from kiosk.bench.crowd import FILE, Texts, story_of, write_texts
from kiosk.bench.measured_gate import CostClock, MeasuredGate
from kiosk.commands.__main__ import main
from kiosk.config import load
from kiosk.model import ClockState, Frame, Monotonic
from kiosk.simulation import STARTED, Crowd, Place

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
    words = ["bench", "gate", "--json", "--passages", "1", "--rows", "40", "--variants", "xAA,DCI"]
    assert main(words) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert list(answer) == [*FIGURES, "variants"]
    assert list(answer["variants"]) == ["xAA", "DCI"]
    assert {name: answer[name] for name in FIGURES} == answer["variants"]["xAA"]
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
    measured = counted.summary(0.5, [*smooth, passage(cycle_s=6.0, retries=1)], [40.0] * 4)
    assert measured.figures.passages == 3
    assert measured.figures.cycle_s == counted.Spread(1.0, 2.0, 2.0)
    assert (measured.retried, measured.retried_cycle_s.max) == (1, 6.0)


def test_what_was_not_measured_is_not_zero() -> None:
    measured = counted.summary(0.5, [passage(cycle_s=None, light_s=None, healthy=False)], [40.0, 40.0])
    assert measured.figures.cycle_s.p50 is None
    assert measured.figures.frame_to_light_ms.p95 is None
    assert measured.figures.referral_rate_healthy is None


def test_healthy_people_who_are_not_admitted_make_the_rate() -> None:
    sick = passage(healthy=False, verdict="REFER")
    people = [passage(), passage(), passage(verdict="REFER"), passage(verdict="REFUSE"), sick]
    assert counted.summary(0.5, people, [40.0] * 6).figures.referral_rate_healthy == 0.5


def test_memory_is_the_most_and_grows_from_the_first_third_on() -> None:
    figures = counted.summary(0.5, [passage()] * 5, [30.0, 39.0, 40.0, 45.0, 41.0, 41.5]).figures
    assert (figures.rss_mb, figures.rss_growth_mb) == (45.0, 1.5)


def test_the_worst_is_taken_figure_by_figure() -> None:
    one = counted.summary(0.5, [passage(cycle_s=1.0)] * 3, [40.0] * 4).figures
    other = counted.summary(0.4, [passage(cycle_s=None)] * 2, [41.0] * 3).figures
    worst = counted.to_map({"xAA": one, "xBA": other})
    assert (worst["passages"], worst["ready_s"], worst["rss_mb"]) == (2, 0.5, 41.0)
    assert worst["cycle_s"] == {"p50": 1.0, "p95": 1.0, "max": 1.0}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 10), (0.95, 19), (1.0, 20), (0.01, 1)], ids=["p50", "p95", "max", "p1"]
)
def test_percentiles_are_values_that_occurred(share: float, expected: float) -> None:
    assert counted.percentile([float(number) for number in range(20, 0, -1)], share, digits=3) == expected


MET = {
    "ready_s": 2.0,
    "rss_mb": 60.0,
    "cycle_s": {"p50": 2.0, "p95": 3.0, "max": 9.0},
    "frame_to_light_ms": {"p50": 1.0, "p95": 150.0},
    "rss_growth_mb": 5.0,
    "referral_rate_healthy": 0.05,
}
MISSED = {
    "ready_s": ({"ready_s": 2.01}, "ready_s is 2.01 s, not 2 s"),
    "rss_mb": ({"rss_mb": 60.1}, "rss_mb is 60.1 MB"),
    "p50": ({"cycle_s": {"p50": 2.1, "p95": 2.5, "max": 3.0}}, "cycle_s p50 is 2.1 s"),
    "p95": ({"cycle_s": {"p50": 1.9, "p95": 3.1, "max": 3.2}}, "cycle_s p95 is 3.1 s"),
    "light": ({"frame_to_light_ms": {"p50": 1.0, "p95": 151.0}}, "frame_to_light_ms p95 is 151 ms"),
    "growth": ({"rss_growth_mb": 5.1}, "rss_growth_mb is 5.1 MB"),
    "healthy": ({"referral_rate_healthy": 0.051}, "referral_rate_healthy is 0.051, not 0.05"),
    "unmeasured": ({"referral_rate_healthy": None}, "referral_rate_healthy was not measured"),
}


def missed(figures: dict[str, Any], targets: Sequence[counted.Target]) -> list[str]:
    return [words for target in targets if (words := target.missed(figures)) is not None]


def test_what_is_just_met_is_met() -> None:
    assert missed(MET, (*counted.TARGETS, *counted.RUSH)) == []


@pytest.mark.parametrize(("figures", "words"), MISSED.values(), ids=MISSED)
def test_each_target_that_is_missed_is_named(figures: dict[str, Any], words: str) -> None:
    [said] = missed({**MET, **figures}, (*counted.TARGETS, *counted.RUSH))
    assert words in said


@pytest.mark.parametrize(
    ("name", "ready", "cycle", "code"),
    [("ordinary", 2.0, 9.0, 0), ("ordinary", 2.1, 1.0, 1), ("rush", 2.0, 1.0, 0), ("rush", 2.0, 9.0, 1)],
)
def test_check_fails_when_a_target_of_the_scenario_is_missed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    ready: float,
    cycle: float,
    code: int,
) -> None:
    slow = counted.summary(9.0, [passage(cycle_s=99.0)], [90.0] * 2)
    measured = dict.fromkeys(counted.VARIANTS, counted.summary(ready, [passage(cycle_s=cycle)], [50.0] * 2))
    monkeypatch.setattr(bench, "measure_all", lambda *_, **__: {**measured, "DCI": slow})
    assert main(["bench", "gate", "--check", "--scenario", name]) == code
    assert ("over the target" in capsys.readouterr().err) == bool(code)
    assert main(["bench", "gate", "--scenario", name]) == 0


def test_without_a_number_everybody_of_the_scenario_comes_once() -> None:
    """Of the first 60 of the rush more than one in twenty is referred, of all of them fewer."""
    assert bench.usual_passages("rush") == len(scenario.people(scenario.load("rush"))) > 120
    assert bench.usual_passages("ordinary") == 60


def test_slow_parts_are_measured_and_are_not_the_worst() -> None:
    fast, slow = (counted.summary(0.5, [passage(cycle_s=took)], [40.0] * 2).figures for took in (1.5, 4.0))
    told = counted.to_map({"xAA": fast, "DCI": slow})
    assert told["cycle_s"]["p50"] == 1.5
    assert told["variants"]["DCI"]["cycle_s"]["p50"] == 4.0
    assert counted.to_map({"DCI": slow})["cycle_s"]["p50"] == 4.0


def test_a_healthy_person_who_left_unanswered_was_not_admitted() -> None:
    measured = counted.summary(0.5, [passage()], [40.0] * 2, [{"healthy": True}, {"healthy": False}])
    assert measured.figures.referral_rate_healthy == 0.5
    assert (measured.figures.passages, measured.unanswered) == (1, 2)


def test_people_get_a_table_with_every_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = counted.summary(0.5, [passage(cycle_s=None, retries=1)], [40.0, 40.0])
    monkeypatch.setattr(bench, "measure_all", lambda *_, **__: dict.fromkeys(counted.VARIANTS, measured))
    assert main(["bench", "gate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["xAA", "xBA", "xCC", "worst"]
    assert {line.split()[0] for line in lines[1:14]} == set(FIGURES)
    assert lines[2].split() == ["cycle_s", "p50", "-", "-", "-", "-"]
    assert "1 of 1 asked again" in lines[-2]
    assert "Linux" in lines[-1]


@pytest.mark.parametrize("words", [["--passages", "0"], ["--rows", "-1"], ["--variants", "xAA,yAA"]])
def test_nothing_to_measure_is_wrong_usage(words: list[str]) -> None:
    assert main(["bench", "gate", *words]) == 2


@pytest.mark.skipif(not os.access(MEMORY, os.W_OK), reason="no memory file system here")
def test_a_directory_in_memory_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "gate", "--directory", str(MEMORY)]) == 2
    assert "no directory on a disk" in capsys.readouterr().err


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


def test_what_is_charged_passes_without_being_spent() -> None:
    made = clock()
    with made.working():
        made.charge(2.0)
        assert made.cost == pytest.approx(2.0, abs=0.1)
    made.wait(1.0)
    assert made.monotonic() == pytest.approx(103.0, abs=0.1)
    assert made.cost == 0.0


def test_a_quick_run_decodes_one_in_five_pictures_without_a_code_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["bench", "gate", "--quick", "--passages", "2", "--rows", "0", "--variants", "xAA", "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert 0.3 < json.loads(said.out)["cycle_s"]["p50"] < 10
    assert "one in five pictures" in said.err


def test_of_pictures_without_a_code_one_in_five_is_decoded_and_every_one_with_a_code(tmp_path: Path) -> None:
    story = story_of("ordinary", "xAA")
    place = Place.lay_out(tmp_path / "gate", story)
    write_texts(place, 0)
    made = CostClock(story.starts, start=STARTED, state=story.clock)
    with (
        closing(Texts(place.folder / FILE)) as texts,
        MeasuredGate(place, load(place.config_file), made, Crowd((), texts), quick=True) as gate,
    ):
        blank, code = Frame(b"", 0, 0, STARTED, "near"), Frame(b"", 0, 0, STARTED, "resident.1 sharp")
        assert [gate.spared(blank) for _ in range(6)] == [False, True, True, True, True, False]
        assert not any(gate.spared(code) for _ in range(9))
        gate.quick = False
        assert not any(gate.spared(blank) for _ in range(9))

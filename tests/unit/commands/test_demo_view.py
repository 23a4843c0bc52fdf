"""The demo's screen: all of it fits every terminal, in both languages, and what matters is never cut off."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from kiosk import words
from kiosk.commands import demo_words
from kiosk.commands.demo_faults import FaultLog
from kiosk.commands.demo_view import Row, Scene, closing, render, say, tell_faults
from kiosk.commands.demo_words import counted, said
from kiosk.model import Celsius, Monotonic, Prompt, Reason, Verdict
from kiosk.words import LANGUAGES

EIGHT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SIZES = [(80, 24), (100, 35), (120, 40), (60, 20), (80, 60), (40, 15)]


def at(seconds: float) -> datetime:
    return EIGHT + timedelta(seconds=seconds)


def row(number: int, verdict: Verdict = Verdict.REFER, *reasons: Reason) -> Row:
    return Row(
        at(number * 10),
        "resident, phone with a dim screen",
        verdict,
        reasons or (Reason.MEASURE_BY_HAND,),
        Celsius(34.56),
        Celsius(-0.04),
    )


def morning(language: str = "en", passages: int = 30) -> Scene:
    """A gate in full swing: one fault over, another one on."""
    scene = Scene("An ordinary morning: residents, couriers, a family, one referral", language)
    scene.wall = at(400)
    scene.rows.extend(row(number) for number in range(passages))
    scene.faults.look({"camera": "DEVICE_ABSENT"}, Monotonic(10), at(10))
    scene.faults.look({}, Monotonic(16.6), at(17))
    scene.faults.look({"thermometer": "SENSOR_STUCK"}, Monotonic(390), at(390))
    scene.server = said("server holds", language, count=30)
    scene.who, scene.prompt = "courier", Prompt.HOLD_STILL
    return scene


def screen(scene: Scene, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(render(scene, height))
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.get()).splitlines()


# -- the screen --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("passages", [0, 1, 30])
def test_it_fits_the_terminal_whatever_happens(width: int, height: int, language: str, passages: int) -> None:
    lines = screen(morning(language, passages), width, height)
    assert len(lines) < height
    assert all(cell_len(line) <= width for line in lines)
    assert cell_len(lines[-1].rstrip()) < width - 10, "there the terminal echoes ^C"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), SIZES[:3])
def test_figures_and_faults_are_there_at_every_size(width: int, height: int, language: str) -> None:
    shown = "\n".join(screen(morning(language), width, height))
    assert "SIMULATED" in shown
    assert counted("people", 30, language) in shown
    assert said("server holds", language, count=30) in shown
    for part, fault in (("thermometer", "SENSOR_STUCK"), ("camera", "DEVICE_ABSENT")):
        assert words.part(part, language) in shown
        assert words.fault(fault, language) in shown
    assert "00:00:10" not in shown
    assert "08:00:10, 7 s" in shown or "08:00:10,7 秒" in shown
    assert all(said(head, language) in shown for head in ("time", "answer", "who", "why", "forehead"))


def test_a_mended_fault_stays_in_view() -> None:
    scene = morning()
    scene.faults.look({}, Monotonic(395), at(395))
    shown = "\n".join(screen(scene, 80, 24))
    assert "everything works" in shown
    assert "works again: thermometer: always delivers the same (08:06:30, 5 s); camera:" in shown


def test_the_newest_passages_come_first_and_none_is_cut_in_the_middle() -> None:
    for height in range(17, 40):
        lines = screen(morning(), 80, height)
        times = [line.split()[0] for line in lines if re.match(r" \d\d:\d\d:\d\d ", line)]
        assert times[0] == "08:04:50"
        assert times == sorted(times, reverse=True)
        # Each passage is the same here, so each takes the same lines.
        begins = [place for place, line in enumerate(lines) if re.match(r" \d\d:\d\d:\d\d ", line)]
        ends = max(place for place, line in enumerate(lines[:-1]) if line.strip()) + 1
        assert len({after - before for before, after in zip(begins, [*begins[1:], ends], strict=True)}) == 1


def test_chinese_reasons_go_on_in_the_next_line_instead_of_ending_in_dots() -> None:
    longest = max(Reason, key=lambda reason: cell_len(words.reason(reason, "zh")))
    scene = Scene("t", "zh", wall=at(0))
    scene.rows.append(row(0, Verdict.REFER, longest))
    table = "".join(screen(scene, 80, 40)[8:])
    assert "…" not in table
    assert Counter(words.reason(longest, "zh")) <= Counter(table)


def test_a_long_title_is_cut_and_the_mark_and_the_clock_stay() -> None:
    first = screen(Scene("x" * 300, "en", wall=at(0)), 80, 24)[0]
    assert first.startswith(" SIMULATED 模拟  08:00:00  xxx")
    assert cell_len(first) <= 80


def test_nothing_above_or_below_normal_is_plus_nothing() -> None:
    assert row(0).measured == "34.6 °C +0.0"


# -- lines -------------------------------------------------------------------------------------------------


def told(*, width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width)


@pytest.mark.parametrize(("language", "said_so"), [("en", "REFER"), ("zh", "请志愿者处理")])
def test_a_passage_is_one_line(language: str, said_so: str) -> None:
    console = told()
    with console.capture() as shown:
        say(console, row(0), language)
    (line,) = shown.get().splitlines()
    assert line.startswith("08:00:00")
    assert said_so in line
    assert words.reason(Reason.MEASURE_BY_HAND, language) in line


def test_a_fault_is_told_when_it_begins_and_when_it_ends() -> None:
    log, console = FaultLog(), told()
    faults = [{}, {"camera": "DEVICE_ABSENT"}, {"camera": "DEVICE_ABSENT"}, {"camera": "DECODER"}, {}]
    with console.capture() as shown:
        for second, wrong in enumerate(faults):
            tell_faults(console, log.look(wrong, Monotonic(second), at(second)), at(second), "en")
    assert shown.get().splitlines() == [
        "08:00:01  ! camera: not connected",
        "08:00:03  ! camera: works again, after 2 s",
        "08:00:03  ! camera: pictures can't be decoded",
        "08:00:04  ! camera: works again, after 1 s",
    ]
    assert [trouble.whole("en") for trouble in log.all] == [
        "camera: not connected (08:00:01, 2 s)",
        "camera: pictures can't be decoded (08:00:03, 1 s)",
    ]


def test_the_closing_box_is_titled_in_one_line() -> None:
    console = told()
    with console.capture() as shown:
        console.print(closing(morning(), ["one", "two"]))
    first, *_ = shown.get().splitlines()
    assert "─ An ordinary morning ─" in first


# -- words -------------------------------------------------------------------------------------------------


def test_one_is_not_many() -> None:
    assert [counted("faults", number, "en") for number in (0, 1, 2)] == ["0 faults", "1 fault", "2 faults"]
    assert counted("people", 1, "en") == "1 person"
    assert counted("people", 1, "zh") == "1 人"


def test_everything_is_said_in_both_languages() -> None:
    for zh, *en in [*demo_words._SAID.values(), *demo_words._COUNTED.values()]:
        assert re.search("[\u4e00-\u9fff]", re.sub(r"{\w+}", "某", zh))
        assert not re.search("[a-z]{3}", re.sub(r"{\w+}|--?\w+|Ctrl-C|`.*`", "", zh))
        for form in en:
            assert form.isascii()
            assert set(re.findall(r"{(\w+)}", zh)) == set(re.findall(r"{(\w+)}", form))

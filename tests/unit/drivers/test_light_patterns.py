"""The page on lights says what the table does, and the table says what a person can tell apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from drivers.lamp import OVERDUE_S
from drivers.light_patterns import (
    GAP_S,
    LEASE_S,
    MAX_RELAY_S,
    PATTERNS,
    RELAY_PULSE_S,
    LightEngine,
    Outputs,
    Pattern,
    Span,
)
from kiosk.model import Light, Monotonic

PAGE = (Path(__file__).parents[3] / "docs" / "lights.md").read_text(encoding="utf-8")


def _spans(spans: Sequence[Span]) -> str:
    return ", ".join(f"{begin:g}–{end:g}" for begin, end in spans)


def _row(light: Light, pattern: Pattern) -> list[str]:
    steady = pattern.lit == ((0.0, pattern.period),)
    lit = "never" if not pattern.lit else "steady" if steady else _spans(pattern.lit)
    return [
        f"`{light}`",
        pattern.colour,
        lit,
        "" if steady or not pattern.lit else f"{pattern.period:g} s",
        "until told otherwise" if pattern.lasts is None else f"{pattern.lasts:g} s",
        _spans(pattern.beeps),
    ]


def _rows_on_the_page() -> list[list[str]]:
    table = PAGE.split("<!-- table: patterns")[1].split("<!-- end -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [[row[0], *row[2:]] for row in rows]  # without what it means to people


def test_the_page_shows_every_light_as_the_table_has_it() -> None:
    assert _rows_on_the_page() == [_row(light, pattern) for light, pattern in PATTERNS.items()]
    assert set(PATTERNS) == set(Light)


def test_the_page_quotes_the_other_times() -> None:
    def said(pattern: str) -> float:
        found = re.search(pattern, PAGE, re.DOTALL)
        assert found is not None, pattern
        return float(found.group(1))

    assert said(r"`lamp\.relay_pulse_s`, ([\d.]+) s by default") == RELAY_PULSE_S
    assert said(r"never more than ([\d.]+) s") == MAX_RELAY_S
    assert said(r"the lamp is dark for ([\d.]+) s") == GAP_S
    assert said(r"green is out ([\d.]+) s after the") == LEASE_S
    assert said(r"shows ([\d.]+) s of it") == LEASE_S - GAP_S
    assert said(r"overdue by ([\d.]+) s") == OVERDUE_S


def test_green_is_admit_alone() -> None:
    assert [light for light, pattern in PATTERNS.items() if pattern.colour == "green"] == [Light.ADMIT]


def test_red_and_green_together_can_not_even_be_said() -> None:
    with pytest.raises(ValueError, match="together"):
        Outputs(red=True, green=True)


def _what_a_colour_blind_person_sees(light: Light) -> tuple[bool, ...]:
    engine = LightEngine()
    if light is Light.ADMIT:
        engine.admit(Monotonic(0.0))
    else:
        engine.show(light, Monotonic(0.0))
    outputs = [engine.outputs(Monotonic(tick / 40)) for tick in range(5 * 40)]
    return tuple(each.red or each.green for each in outputs)


@pytest.mark.parametrize(("one", "other"), list(combinations(Light, 2)))
def test_any_two_lights_differ_in_rhythm_alone(one: Light, other: Light) -> None:
    seen, beside = _what_a_colour_blind_person_sees(one), _what_a_colour_blind_person_sees(other)
    differing = sum(a != b for a, b in zip(seen, beside, strict=True))
    assert differing / len(seen) >= 0.02  # more than a flicker: a tenth of a second in five


def test_spans_of_a_pattern_are_in_order_and_within_its_period() -> None:
    for pattern in PATTERNS.values():
        for spans, end in ((pattern.lit, pattern.period), (pattern.beeps, pattern.lasts or 10)):
            edges = [edge for span in spans for edge in span]
            assert edges == sorted(set(edges))
            assert all(0 <= edge <= end for edge in edges)


def test_an_engine_asked_often_and_one_asked_at_its_changes_agree() -> None:
    often, seldom = LightEngine(), LightEngine()
    due: float | None = 0.0
    latest = Outputs()
    for tick in range(0, 12_000, 5):
        now = Monotonic(tick / 1000)
        for engine in (often, seldom):
            _told(engine, tick)
        if tick in SCRIPT or (due is not None and now >= due):
            latest, due = seldom.outputs(now), seldom.next_change(now)
        assert often.outputs(now) == latest, now


SCRIPT = {0: Light.IDLE, 3_500: Light.HOLD_STILL, 4_000: Light.ADMIT, 7_000: Light.REFUSE, 8_000: Light.FAULT}


def _told(engine: LightEngine, tick: int) -> None:
    if SCRIPT.get(tick) is Light.ADMIT:
        engine.admit(Monotonic(tick / 1000))
    elif tick in SCRIPT:
        engine.show(SCRIPT[tick], Monotonic(tick / 1000))

"""What a record says can be computed again from the record, whatever happened; and only that is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import record
from kiosk.errors import JournalDamaged
from kiosk.model import (
    Celsius,
    Direction,
    EntryFrom,
    Monotonic,
    RawWord,
    Reading,
    Reason,
    Sample,
    Screening,
    ThermometerSpec,
    Verdict,
)
from kiosk.passage.body_temperature import Site, screen
from kiosk.passage.chain import exact_json
from kiosk.passage.decision import Circumstances, decide
from kiosk.policy import ROUTINE
from tests.unit.passage.circumstances import TEXTS, native, policies
from tests.unit.passage.foreheads import ALL, XAA, steps, stream
from tests.unit.passage.test_site import HERE, sites

DETAILS = {"context": "0123456789ab", "tries": 0, "took_ms": 900}
UNMEASURED = (
    None,
    Screening.NOT_REQUIRED,
    Screening.ENVIRONMENT,
    Screening.SENSOR_FAULT,
    Screening.SENSOR_STUCK,
)
SITE = Site(commissioning=HERE)
OUTDOORS = replace(SITE, entry_from=EntryFrom.OUTDOORS)


def as_stored(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Through the exact text of the journal and back."""
    stored: dict[str, Any] = json.loads(exact_json(plain))
    return stored


def stored_passage(facts: Circumstances, reading: Reading | None) -> dict[str, Any]:
    return as_stored(record.passage(facts, decide(facts), reading, DETAILS))


def settings_of(facts: Circumstances, site: Site = SITE, spec: ThermometerSpec = XAA) -> dict[str, Any]:
    return as_stored(record.context(facts.policy, site, spec, facts.direction))


@st.composite
def windows(draw: st.DrawFn) -> tuple[Sample, ...]:
    """Anything a bus can deliver: steady foreheads, leaps, no words at all, words that no skin gives."""
    start = draw(st.integers(0, 10**9))
    gaps = draw(st.lists(st.integers(1, 400), max_size=40))
    levels = st.integers(13_000, 17_000) if draw(st.booleans()) else st.integers(0, 0x7FFF)
    level = draw(levels)
    at, made = start, []
    for gap in gaps:
        at += gap
        seen = level + draw(st.integers(-8, 8)) if draw(st.integers(0, 9)) else draw(levels)
        die = draw(st.integers(14_400, 15_400))
        made.append(Sample(Monotonic(at / 1000), RawWord(seen), RawWord(die)))
    return tuple(made)


steady = st.builds(
    lambda spec, above, seed: tuple(stream(spec, steps((0, 33.8 + above)), 3.0, seed=seed)),
    st.sampled_from(ALL),
    st.floats(-3, 9),
    st.integers(0, 99),
)
airs = st.none() | st.floats(-50, 90)
environments = st.none() | st.sampled_from(["AMBIENT_COLD", "CALIBRATION_OLD"])
circumstances = st.builds(
    Circumstances,
    policy=policies,
    direction=st.sampled_from(Direction),
    check=st.sampled_from(TEXTS) | st.just(native()),
    screening=st.sampled_from(UNMEASURED),
    companion=st.booleans(),
    passback=st.booleans(),
    gate_open=st.sampled_from([True, False, None]),
    trust=st.booleans(),
    lists_age_s=st.none() | st.integers(0, 10**7),
    journal_ok=st.booleans(),
    called=st.booleans(),
    high_before=st.booleans(),
    left=st.booleans(),
)


@given(
    circumstances,
    steady | windows(),
    st.sampled_from(ALL),
    sites,
    airs,
    environments,
    st.none() | st.floats(-40, 40),
    st.floats(-0.6, 0.6),
    airs,
    st.tuples(st.booleans(), st.booleans()),
)
def test_a_record_computed_again_is_the_record(
    facts: Circumstances,
    samples: Sequence[Sample],
    spec: ThermometerSpec,
    site: Site,
    air: float | None,
    environment: str | None,
    background: float | None,
    baseline: float,
    outdoor: float | None,
    flags: tuple[bool, bool],
) -> None:
    reading = screen(
        samples,
        spec,
        site,
        opened_at=Monotonic(samples[0].at if samples else 7.0),
        background=None if background is None else Celsius(background),
        ambient=None if air is None else Celsius(air),
        environment=environment,
        baseline=Celsius(baseline),
        outdoor=None if outdoor is None else Celsius(outdoor),
        settled=flags[0],
        drift=flags[1],
    )
    facts = replace(facts, screening=reading.screening)
    body, settings = stored_passage(facts, reading), settings_of(facts, site, spec)
    assert record.differences(body, settings) == {}
    again, circumstances_again = record.recompute(body, settings)
    assert again == reading
    assert decide(circumstances_again) == decide(facts)
    assert circumstances_again.policy == facts.policy


@given(circumstances)
def test_a_record_without_a_reading_says_why_there_is_none(facts: Circumstances) -> None:
    body, settings = stored_passage(facts, None), settings_of(facts)
    assert record.differences(body, settings) == {}
    assert record.recompute(body, settings)[1].screening is facts.screening


@pytest.mark.parametrize("screening", [Screening.RETRY, Screening.SENSOR_FAULT, Screening.SENSOR_STUCK])
@pytest.mark.parametrize("site", [SITE, Site(), OUTDOORS], ids=["usual", "new", "outdoors"])
def test_what_left_no_words_stays_what_it_was(screening: Screening, site: Site) -> None:
    """Walked away at a gate that was never commissioned: nothing was measured, so nothing is judged."""
    facts = Circumstances(ROUTINE, Direction.IN, native(), screening)
    body = stored_passage(facts, Reading(screening, note="walked away"))
    assert record.differences(body, settings_of(facts, site)) == {}


# -- what is not believed -------------------------------------------------------------------------------


def a_passage(above: float = 0.0) -> tuple[dict[str, Any], dict[str, Any]]:
    samples = tuple(stream(XAA, steps((0, 33.8 + above)), 2.0, seed=3))
    reading = screen(
        samples,
        XAA,
        SITE,
        opened_at=Monotonic(0.0),
        background=Celsius(22.0),
        ambient=None,
        environment=None,
    )
    facts = Circumstances(ROUTINE, Direction.IN, native(), reading.screening)
    return stored_passage(facts, reading), settings_of(facts)


def test_a_reading_goes_on_record_with_no_more_digits_than_count() -> None:
    words = tuple(stream(XAA, steps((0, 33.8)), 3.0, seed=4))
    reading = screen(
        words,
        XAA,
        SITE,
        opened_at=Monotonic(371.68639311),
        background=Celsius(23.670000000000016),
        ambient=Celsius(23.690000000000055),
        environment=None,
    )
    facts = Circumstances(ROUTINE, Direction.IN, native(), reading.screening, lists_age_s=0)
    body = stored_passage(facts, reading)
    stored = body["reading"]
    assert (stored["opened"], stored["background"], stored["air"]) == (371.686, 23.67, 23.69)
    assert not re.search(r"\d\.\d{4}", exact_json(body))
    assert record.differences(body, settings_of(facts)) == {}


def test_a_changed_word_is_found_even_where_the_verdict_stays() -> None:
    body, settings = a_passage()
    body["reading"]["words"]["object"][0] += 5
    found = record.differences(body, settings)
    assert "reading.forehead" in found
    assert "verdict" not in found


def test_fever_called_normal_is_found() -> None:
    body, settings = a_passage(above=1.8)
    assert body["verdict"] == "REFER"
    body |= {"verdict": "ADMIT", "reasons": ["PASS_VALID", "TEMPERATURE_NORMAL"], "screening": "NORMAL"}
    body["reading"]["screening"] = "NORMAL"
    found = record.differences(body, settings)
    assert found["verdict"] == ("ADMIT", Verdict.REFER)
    assert found["screening"] == ("NORMAL", Screening.HIGH)
    assert found["reading.screening"] == ("NORMAL", Screening.HIGH)


@pytest.mark.parametrize("claimed", ["NORMAL", "GUARD", "HIGH", "RETRY", "UNCOMMISSIONED", "DRIFT"])
def test_a_result_without_its_words_is_not_believed(claimed: str) -> None:
    body, settings = a_passage()
    body |= {"reading": None, "screening": claimed}
    assert record.differences(body, settings)["screening"] == (claimed, None)
    _, facts = record.recompute(body, settings)
    assert decide(facts).verdict is Verdict.REFER


def test_words_that_were_taken_out_leave_no_result() -> None:
    body, settings = a_passage()
    body["reading"]["words"] = {"ms": [], "object": [], "ambient": []}
    assert record.differences(body, settings)["reading.screening"] == ("NORMAL", Screening.RETRY)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("gate", "open"), "yes"),
        (("gate", "companion"), 1),
        (("gate", "lists_age_s"), "young"),
        (("gate", "lists_age_s"), True),
        (("pass", "format"), ["native"]),
        (("pass", "reason"), "GOOD"),
        (("pass", "category"), 0),
        (("reading", "words"), None),
        (("reading", "words", "ms"), ["1", "2"]),
        (("reading", "words", "object"), [1]),
        (("reading", "words", "ambient"), [1.5]),
        (("reading", "opened"), "soon"),
        (("reading", "screening"), "FINE"),
        (("reading", "background"), "warm"),
        (("reading", "outdoor"), "cold"),
        (("reading", "settled"), None),
        (("reading", "drift"), 1),
        (("reading", "baseline"), 0.61),
        (("reading", "baseline"), float("nan")),
        (("reading", "environment"), "BAD_WEATHER"),
        (("reading",), []),
        (("gate",), None),
    ],
)
def test_what_is_no_record_is_damage_and_not_a_crash(place: tuple[str, ...], value: object) -> None:
    body, settings = a_passage()
    inner = body
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(JournalDamaged):
        record.recompute(body, settings)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in it."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [(*path, key) for key, _ in inner] + [
        place for key, value in inner for place in places(value, (*path, key))
    ]


def test_a_record_under_the_settings_of_another_version_says_that_it_is_one() -> None:
    body, settings = a_passage()
    settings["site"]["outdoor"] = None
    with pytest.raises(JournalDamaged, match="its settings are none of this version"):
        record.differences(body, settings)


@given(st.data(), values)
def test_any_value_anywhere_ends_in_an_answer_or_in_damage(data: st.DataObject, value: Any) -> None:
    body, settings = a_passage()
    target: Any = body if data.draw(st.booleans()) else settings
    *path, last = data.draw(st.sampled_from(places(target)))
    for key in path:
        target = target[key]
    target[last] = value
    try:
        record.differences(body, settings)
    except JournalDamaged:
        return


# -- names of settings -------------------------------------------------------------------------------------


def test_settings_are_named_by_their_content() -> None:
    settings = as_stored(record.context(ROUTINE, SITE, XAA, Direction.IN))
    assert record.context_id(settings) == settings["id"]
    settings["site"]["high"] = 1.5
    assert record.context_id(settings) != settings["id"]


def test_a_record_names_its_pass_by_a_pseudonym_alone() -> None:
    shown = a_passage()[0]["pass"]
    assert set(shown) == {"format", "token", "reason", "issuer", "category", "household", "expires"}
    refused = Circumstances(ROUTINE, Direction.IN, replace(native(Reason.BAD_SIGNATURE), facts=None), None)
    assert set(stored_passage(refused, None)["pass"]) == {"format", "token", "reason"}

"""Scenarios: the shipped ones are what they promise, and a wrong file is told everything at once."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import scenario
from kiosk.config import load
from kiosk.errors import ConfigError
from kiosk.model import Category, Celsius, Seconds, Verdict
from kiosk.scenario import Air, Carrier, PassKind, Scenario, Spread, Weather, WeatherPoint, people
from kiosk.scenario_file import read

SHIPPED = Path(scenario.__file__).parent / "scenarios"
ORDINARY = (SHIPPED / "ordinary.toml").read_text(encoding="utf-8")
SMALL = """
title = "small"
seed = 3
starts = 2026-11-23T08:00:00+08:00
[site]
site_normal = 34.4
healthy_sd = 0.3
variant = "xCC"
distance_cm = 5
[[weather]]
outdoor = 10
indoor = 20
[cast.anna]
title = "somebody"
[cast.copycat]
title = "a copy"
pass = "shared"
[cast.family]
title = "with children"
category = "household"
household = true
companions = 2
companion_kind = "child"
[cast.child]
title = "a child"
pass = "none"
"""


def problems_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text, "test")
    return "\n".join(map(str, caught.value.problems))


# -- what is shipped -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", scenario.ids())
def test_every_shipped_scenario_can_be_played(name: str) -> None:
    everybody = people(scenario.load(name))
    assert len({person.id for person in everybody}) == len(everybody) > 0
    assert [person.arrives_s for person in everybody] == sorted(person.arrives_s for person in everybody)


def test_an_ordinary_morning_is_what_a_visitor_should_see() -> None:
    ordinary = scenario.load("ordinary")
    everybody = people(ordinary)
    expected = Counter(person.kind.expect for person in everybody)
    assert 20 <= len(everybody) <= 30
    assert everybody[-1].arrives_s <= 7 * 60, "eight virtual minutes must be enough"
    assert expected[Verdict.ADMIT] > len(everybody) * 0.6
    assert expected[Verdict.REFER] >= 3
    assert expected[Verdict.REFUSE] >= 1
    assert {kind.category for kind in ordinary.cast.values()} == set(Category)
    assert {person.kind.carrier for person in everybody} == set(Carrier)
    assert any(person.kind.hat for person in everybody)
    assert sum(person.kind.fever >= 1 for person in everybody) == 1
    assert any(person.companion_of for person in everybody)
    assert ordinary.faults


def test_nobodys_answer_hangs_on_a_hundredth_of_a_degree() -> None:
    """A machine's speed moves a reading by some hundredths: who is measured stays clear of the thresholds."""
    screening = load(None).screening
    for person in people(scenario.load("ordinary")):
        if person.kind.expect is Verdict.ADMIT:
            assert all(
                abs(person.skin + person.kind.fever - edge) >= 0.12
                for edge in (screening.guard, screening.high)
            ), person.id


def test_nobodys_answer_among_the_feverish_hangs_on_a_hundredth_either() -> None:
    high = load(None).screening.high
    evening = people(scenario.load("fever"))
    for person in evening:
        if person.kind.companion_kind is None and person.kind.pass_kind is PassKind.VALID:
            assert abs(person.skin + person.kind.fever - person.kind.damp - high) >= 0.09, person.id
    assert sum(person.kind.fever >= 1.5 for person in evening) >= 15
    assert sum(person.kind.fever <= 0 for person in evening) >= 50


def test_in_winter_one_in_three_is_feverish_and_they_come_at_every_minute() -> None:
    winter = people(scenario.load("winter"))
    sick = [person for person in winter if person.kind.fever >= 2]
    assert len(sick) * 3 >= len(winter)
    assert {float(person.indoors_s) for person in sick} == {0, 60, 300}
    assert {float(point.air.outdoor) for point in scenario.load("winter").weather.points} == {-5}


def test_forged_holds_every_forgery_and_nobody_who_may_pass() -> None:
    everybody = people(scenario.load("forged"))
    shown = {person.kind.pass_kind for person in everybody}
    assert {kind for kind in PassKind if kind.forged} <= shown
    assert shown.isdisjoint({PassKind.VALID, PassKind.SHARED, PassKind.NONE})
    assert all(person.kind.expect is not Verdict.ADMIT for person in everybody)


@pytest.mark.parametrize("name", scenario.ids())
def test_every_shipped_scenario_can_be_watched_in_chinese(name: str) -> None:
    story = scenario.load(name)
    chinese = scenario.translated(story, "zh")
    titles = [chinese.title, *(kind.title for kind in chinese.cast.values())]
    assert [title for title in titles if not any("\u4e00" <= letter <= "\u9fff" for letter in title)] == []
    assert scenario.translated(story, "en") == story


def test_what_is_not_translated_keeps_its_title() -> None:
    story = read(SMALL, "test")
    assert scenario.translated(story, "zh") == story


def test_an_unknown_id_names_the_ones_there_are() -> None:
    with pytest.raises(ConfigError, match=r"choose from .*ordinary"):
        scenario.load("ordinry")


def test_a_file_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SMALL)
    assert scenario.load(file).id == "mine"
    with pytest.raises(ConfigError, match="absent"):
        scenario.load(tmp_path / "absent.toml")


# -- people ----------------------------------------------------------------------------------------------


def test_the_same_file_gives_the_same_people() -> None:
    assert people(scenario.load("ordinary")) == people(read(ORDINARY, "ordinary"))


def test_another_seed_gives_other_people() -> None:
    other = ORDINARY.replace("seed = 20261123", "seed = 20261124")
    before, after = people(read(ORDINARY, "a")), people(read(other, "a"))
    assert [person.id for person in before] == [person.id for person in after]
    assert all(one.seed != two.seed for one, two in zip(before, after, strict=True))


def test_a_newcomer_changes_nobody_of_another_kind() -> None:
    before = people(read(ORDINARY, "a"))
    after = people(read(ORDINARY + '\n[[arrivals]]\nat = 1\nwho = "elder"\n', "a"))
    assert {p for p in before if p.kind.name != "elder"} <= set(after)
    assert len(after) == len(before) + 1


def test_figures_stay_within_reason_and_spread() -> None:
    flow = "[[arrivals]]\nuntil = 3600\nper_hour = 600\nmix = { anna = 1 }\n"
    crowd = people(read(SMALL + flow, "test"))
    reach = [person.reach_s for person in crowd]
    assert 400 < len(crowd) < 800
    assert 0.05 <= min(reach) < 0.3
    assert 0.7 < max(reach) <= 1.0
    assert 0.24 < (sum(p.skin**2 for p in crowd) / len(crowd)) ** 0.5 < 0.34


def test_a_family_follows_its_pass() -> None:
    head, *children = people(read(SMALL + '[[arrivals]]\nat = 5\nwho = "family"\nname = "chen"\n', "test"))
    assert head.id == head.household == "chen"
    assert [child.companion_of for child in children] == ["chen", "chen"]
    assert all(child.arrives_s == head.arrives_s for child in children)
    assert all(child.household == "chen" and not child.shows_code for child in children)
    assert head.kind.pass_kind.issued
    assert not any(child.kind.pass_kind.issued for child in children)


def test_a_copy_needs_no_text_of_its_own() -> None:
    anna = '[[arrivals]]\nat = 1\nwho = "anna"\nname = "a"\n'
    later = '[[arrivals]]\nat = 9\nwho = "copycat"\ncode_of = "a"\n'
    _, copy = people(read(SMALL + anna + later, "test"))
    assert copy.code_of == "a"
    assert copy.shows_code
    assert not copy.kind.pass_kind.issued


def test_a_bus_brings_everybody_within_a_minute() -> None:
    flow = (
        "[[arrivals]]\nfrom = 0\nuntil = 1800\nper_hour = 200\nmix = { anna = 9, family = 1 }\n"
        "bursts = [{ at = 600, people = 20, within_s = 60 }]\n"
    )
    crowd = people(read(SMALL + flow, "test"))
    heads = [person for person in crowd if person.companion_of is None]
    assert sum(600 <= head.arrives_s <= 660 for head in heads) >= 20
    assert 90 < len(heads) < 150, "half an hour at 200 an hour, and the bus"
    assert {head.kind.name for head in heads} == {"anna", "family"}


@given(st.floats(-1e4, 1e4), st.floats(0, 100), st.integers())
def test_a_draw_stays_within_two_and_a_half_spreads(mean: float, sd: float, seed: int) -> None:
    value = Spread(mean, sd, low=mean - sd).draw(Random(seed))
    assert mean - sd <= value <= mean + 2.5 * sd + 1e-6


# -- weather ---------------------------------------------------------------------------------------------


def test_weather_changes_evenly_between_its_points() -> None:
    def point(at: float, outdoor: float, indoor: float) -> WeatherPoint:
        return WeatherPoint(Seconds(at), Air(Celsius(outdoor), Celsius(indoor)))

    weather = Weather((point(10, 0, 20), point(20, 10, 22)))
    assert weather.at(0) == Air(Celsius(0), Celsius(20))
    assert weather.at(15) == Air(Celsius(5), Celsius(21))
    assert weather.at(99) == Air(Celsius(10), Celsius(22))


# -- mistakes --------------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once() -> None:
    text = (
        SMALL.replace("seed = 3", "seed = -1")
        .replace('variant = "xCC"', 'variant = "xCK"')
        .replace("starts = 2026-11-23T08:00:00+08:00", "starts = 2026-11-23T08:00:00")
        .replace('title = "somebody"', 'titel = "somebody"\nreach_s = { mean = 1 }\npass = "forgd_key"')
        + '[[faults]]\nkind = "camera_gon"\nfrom = 1\nuntil = 2\n'
    )
    found = problems_of(text)
    for words in (
        "seed: must be a whole number",
        "site.variant: must be one of xAA",
        "starts: must be a date and time with its offset",
        "cast.anna.title: is missing",
        "cast.anna.titel: is not known (did you mean 'title'?)",
        "cast.anna.reach_s: must be a number, or { mean",
        "(did you mean 'forged_key'?)",
        "(did you mean 'camera_gone'?)",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('[[arrivals]]\nat = 1\nwho = "ana"', "'ana' is not in the cast (did you mean 'anna'?)"),
        ('[[arrivals]]\nat = 1\nwho = "copycat"', 'code_of belongs to pass = "shared"'),
        ('[[arrivals]]\nat = 1\nwho = "copycat"\ncode_of = "x"', "names nobody who came before"),
        ('[[arrivals]]\nat = 1\nwho = "anna"\nname = "a"\n' * 2, "two people are named 'a'"),
        ("[[arrivals]]\nfrom = 9\nuntil = 3\nmix = { anna = 1 }", "until must be later than from"),
        ("[[arrivals]]\nuntil = 3\nmix = { copycat = 1 }", "can't come in a flow"),
        ("[[arrivals]]\nuntil = 3\nmix = { nobody = 1 }", "'nobody' is not in the cast"),
        ('[[faults]]\nkind = "disk_full"\nfrom = 3\nuntil = 3', "until must be later than from"),
        ('[cast.x]\ntitle = "x"\npass = "unknown"', 'belongs to pass = "unknown"'),
        ('[cast.x]\ntitle = "x"\ntext = "x"', 'belongs to pass = "unknown"'),
        ('[cast.x]\ntitle = "x"\nphotograph = "a.png"', 'belongs to pass = "photograph"'),
        ('[cast.x]\ntitle = "x"\npass = "photograph"\nphotograph = "../a.png"', "without a folder"),
        ('[cast.x]\ntitle = "x"\ncompanions = 2', "needs companion_kind"),
        ('[cast.x]\ntitle = "x"\ncompanions = 1\ncompanion_kind = "nobody"', "is not in the cast"),
        ('[cast.x]\ntitle = "x"\ncompanions = 1\ncompanion_kind = "family"', "can't have companions"),
        ('[cast.x]\ntitle = "x"\nvalid_from_s = 9\nvalid_until_s = 3', "must be later than valid_from_s"),
        (
            '[cast.x]\ntitle = "x"\nwindow = { days = [8], from = "07:00", until = "9:00" }',
            "whole number from 1",
        ),
        ("[[weather]]\nat = 5\n[[weather]]\nat = 1", "must be in order of time"),
        ('[cast."A B"]\ntitle = "x"', "cast.A B: the name must be"),
        ("arrivals = 3", "arrivals: must be a list of tables"),
        ("cast = 3", "cast: must be a table"),
    ],
)
def test_what_makes_no_sense_is_refused(lines: str, problem: str) -> None:
    text = SMALL if "=" not in lines.split("\n")[0] else SMALL.partition("[site]")[0]
    text = f"{lines}\n{text}" if text != SMALL else f"{text}\n{lines}\n"
    assert problem in problems_of(text)


def test_what_is_no_toml_says_where() -> None:
    with pytest.raises(ConfigError, match="line 2"):
        read('title = "x"\nseed = =', "test")


@given(st.data())
def test_a_damaged_file_gives_a_scenario_or_its_mistakes(data: st.DataObject) -> None:
    lines = ORDINARY.splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    key = lines[place].partition("=")[0]
    lines[place] = data.draw(
        st.sampled_from(["", f"{key}= -1", f"{key}= [1]", f'{key}= ""', f"{key}= {{}}", f"{key}= nan"])
    )
    try:
        result = read("\n".join(lines), "test")
    except ConfigError:
        return
    assert isinstance(result, Scenario)
    assert people(result)


def test_the_comments_of_the_ordinary_scenario_name_every_word_of_the_format() -> None:
    comments = "\n".join(line for line in ORDINARY.splitlines() if "#" in line)
    for word in (*PassKind, *scenario.FaultKind, *Category):
        assert word in comments, word
    assert tomllib.loads(ORDINARY)["title"]

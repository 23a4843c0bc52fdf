"""Who comes to a measured gate: new people with relations of their own, as many as are needed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from kiosk import scenario
from kiosk.bench.crowd import ALWAYS, Texts, crowd, crowd_of, healthy, period, rounds, story_of, write_texts
from kiosk.errors import Usage
from kiosk.model import Reason, Seconds
from kiosk.passes.keys import SigningKey
from kiosk.scenario import PassKind
from kiosk.simulation import Place
from kiosk.specimens import Specimens
from tests.street import memory_folder
from tests.unit.passes.kit import check, context, exactly


def test_a_scenario_goes_on_with_new_people_who_keep_their_relations() -> None:
    story = scenario.load("ordinary")
    first = scenario.people(story)
    twice = list(crowd(story, 2))
    again = twice[len(first) :]
    assert tuple(twice[: len(first)]) == first
    assert len({person.id for person in twice}) == len(twice)
    assert [person.kind.name for person in again] == [person.kind.name for person in first]
    assert min(person.arrives_s for person in again) > max(person.arrives_s for person in first)
    for before, after in zip(first, again, strict=True):
        for name in ("code_of", "companion_of", "household"):
            assert (getattr(before, name) is None) == (getattr(after, name) is None)
        assert after.code_of in {None, *(person.id for person in again)}
    assert [person.skin for person in again] != [person.skin for person in first]


def test_streams_go_on_with_other_people_at_other_times() -> None:
    story = scenario.load("rush")
    first = list(crowd(story, 1))
    both = list(crowd(story, 2))
    arrivals = [person.arrives_s for person in both]
    assert arrivals == sorted(arrivals)
    offsets = [person.arrives_s - period(story) for person in both[len(first) :]]
    assert min(offsets) >= 0
    assert offsets != [person.arrives_s for person in first]


def test_a_pass_is_as_good_in_the_thirtieth_hour_as_in_the_first() -> None:
    """The visitor's pass for the day, the courier's hours."""
    story = story_of("rush", "xCC")
    assert {"visitor", "courier"} <= {person.kind.name for person in crowd(story, 1)}
    late = [person for person in crowd(story, 95) if person.arrives_s > 28 * 3600 and healthy(person)]
    assert len(late) > 100
    for person in late:
        assert person.kind.valid_from_s < person.arrives_s < person.kind.valid_until_s
        assert person.kind.window in (None, ALWAYS)
    with memory_folder() as folder:
        place = Place.lay_out(folder / "gate", story)
        maker = Specimens(place.trust.issuer, SigningKey.generate(), story.starts)
        now = context(place.trust, interval=exactly(story.starts + late[-1].arrives_s))
        issued = [person for person in late if person.kind.pass_kind.issued]
        assert {check(text, now).reason for _, text in maker.texts(issued)} == {Reason.PASS_VALID}


def test_faults_come_as_often_as_the_people() -> None:
    story = story_of("ordinary", "xCC", 2)
    assert story.faults[1].start > story.faults[0].until
    assert len(story_of("ordinary", "xCC", 0).faults) == 0


@pytest.mark.parametrize("passages", [1, 127, 600])
def test_enough_people_come_and_not_many_more(passages: int) -> None:
    story = scenario.load("rush")
    times = rounds(story, passages)
    assert passages < sum(1 for _ in crowd(story, times)) < passages * 1.06 + 160
    assert rounds(story, 0) == 0


def test_where_nobody_comes_nothing_can_be_measured() -> None:
    with pytest.raises(Usage, match="nobody comes"):
        rounds(replace(scenario.load("ordinary"), calls=()), 1)


def test_nobody_is_drawn_before_somebody_looks() -> None:
    """A year of people would not fit into memory; the first ones are there at once."""
    coming = crowd(scenario.load("rush"), 10**9)
    assert len(list(islice(coming, 300))) == 300


def test_a_part_with_a_wide_view_is_mounted_closer() -> None:
    assert story_of("ordinary", "xAA").site.distance_cm < story_of("ordinary", "xCC").site.distance_cm


def test_healthy_is_who_has_a_pass_or_a_family_with_one_and_no_fever() -> None:
    everybody = [*scenario.people(scenario.load("ordinary")), *scenario.people(scenario.load("rush"))]
    kinds = {person.kind.name: healthy(person) for person in everybody}
    admitted = ("resident", "hat", "child", "grandmother", "pupil", "spouse", "small-child", "wheelchair")
    for name in admitted:
        assert kinds[name], name
    for name in ("feverish", "expired", "menu", "borrower", "empty-handed", "revoked"):
        assert not kinds[name], name


def test_everybody_has_their_pass_in_the_file(tmp_path: Path) -> None:
    story = story_of("rush", "xCC")
    place = Place.lay_out(tmp_path / "gate", story)
    write_texts(place, 2)
    coming = crowd_of(place, 2)
    assert isinstance(coming.texts, Texts)
    issued = {person.id for person in coming.people if person.kind.pass_kind.issued}
    assert set(coming.texts) == issued
    assert len(coming.texts) == len({coming.texts[person] for person in issued}) == len(issued)
    assert "nobody" not in coming.texts
    coming.texts.close()


def test_who_is_to_be_revoked_is_revoked_on_the_gates_list(tmp_path: Path) -> None:
    story = story_of("rush", "xCC")
    assert any(person.kind.pass_kind is PassKind.REVOKED for person in crowd(story, 1))
    place = Place.lay_out(tmp_path / "gate", story)

    def lists() -> dict[str, bytes]:
        folder = place.folder / "trust" / "lists"
        return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    before = lists()
    write_texts(place, 1)
    assert lists() != before


def test_the_rush_is_what_its_name_says() -> None:
    rush = scenario.load("rush")
    everybody = scenario.people(rush)
    arrivals = [person.arrives_s for person in everybody]
    assert arrivals[-1] >= Seconds(15 * 60)
    assert len(everybody) / arrivals[-1] * 3600 >= 200
    assert max(sum(start <= at < start + 60 for at in arrivals) for start in arrivals) >= 20
    heights = [person.height_cm for person in everybody if person.companion_of is not None]
    assert min(heights) < 115
    shown = {person.kind.name for person in everybody}
    assert {"wheelchair", "elder", "hat", "night-owl", "saver", "couple", "reflecting"} <= shown
    sick = sum(person.kind.fever > 0 for person in everybody)
    assert 1 <= sick <= len(everybody) * 0.05

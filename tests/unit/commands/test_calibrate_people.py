"""Whose foreheads count when a gate is commissioned: journals of a real gate in a simulated street."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.commands.calibrate_people import People, choose, gather, running
from kiosk.commands.calibrate_reference import proven_time
from kiosk.errors import JournalDamaged, MixedReadings, TooFewPeople
from kiosk.model import Category, Celsius, EventSeq, HouseholdId
from kiosk.passage.journal import JournalReader
from tests.street import SITE_NORMAL, Street, memory_folder
from tests.unit.commands.gates import measured, simulated


@pytest.fixture
def street() -> Iterator[Street]:
    with memory_folder() as folder, Street(folder, commissioned=False) as street:
        street.run(5.0)
        yield street


def people(street: Street, after: int = 0) -> People:
    return gather(JournalReader(street.config.journal.path), EventSeq(after))


def come(street: Street, *above: float) -> None:
    for warmth in above:
        street.pass_by(street.issue().text, above=warmth, stays=2.0)


def restart(street: Street, **thermometer: Any) -> None:
    street.config = replace(street.config, thermometer=replace(street.config.thermometer, **thermometer))
    street.restart()
    street.run(5.0)


# -- who counts ----------------------------------------------------------------------------------------------


def test_the_same_pass_is_one_person_and_the_newest_reading_counts(street: Street) -> None:
    card = street.issue().text
    street.pass_by(card, above=1.0, stays=2.0)
    come(street, 0.2)
    street.run(10.0)
    street.pass_by(card, above=0.0, stays=2.0)
    found = people(street)
    assert len(found.present) == 2
    assert [measured.seq for measured in found.present] == sorted(measured.seq for measured in found.present)
    everybody = running(found)
    assert everybody is not None
    assert everybody.normal == pytest.approx(SITE_NORMAL + 0.1, abs=0.03)


def test_nobody_knows_whose_the_reading_of_a_companion_is(tmp_path: Path) -> None:
    found = gather(JournalReader(measured(simulated(tmp_path), [34.0] * 5, companions=2)), EventSeq(0))
    assert (len(found.present), found.nameless) == (3, 2)


def test_a_hat_is_left_out(street: Street) -> None:
    come(street, 0.0, 0.1, -0.1, -2.5)
    chosen = choose(people(street), street.config, 3)
    assert (chosen.crowd.people, chosen.crowd.missed) == (3, 1)
    with pytest.raises(TooFewPeople, match="3 of 4 people measured so far"):
        choose(people(street), street.config, 4)


def test_the_newest_people_count_and_a_miss_makes_room_for_an_older_one(street: Street) -> None:
    come(street, 0.4, 0.4, 0.0, -2.5, 0.1)
    chosen = choose(people(street), street.config, 3)
    assert chosen.crowd.p5 == pytest.approx(SITE_NORMAL, abs=0.03)
    assert chosen.crowd.p95 == pytest.approx(SITE_NORMAL + 0.4, abs=0.03)
    assert (chosen.crowd.people, chosen.crowd.missed) == (3, 1)


def test_another_calibration_is_not_mixed_in(street: Street) -> None:
    come(street, 0.0, 0.0)
    restart(street, gain=1.01, offset=Celsius(-0.2), calibrated_on="2027-01-01", reference="BB-7")
    come(street, 0.0)
    found = people(street)
    assert (len(found.present), found.others) == (1, 2)
    with pytest.raises(MixedReadings, match=r"1 of 3 people .* 2 others were measured by another part"):
        choose(found, street.config, 3)
    with pytest.raises(TooFewPeople, match="1 of 4 people"):
        choose(found, street.config, 4)


def test_who_was_measured_under_both_is_measured_now(street: Street) -> None:
    card = street.issue().text
    street.pass_by(card, stays=2.0)
    restart(street, die_offset=Celsius(0.5))
    street.pass_by(card, stays=2.0)
    found = people(street)
    assert (len(found.present), found.others) == (1, 0)


def test_a_configuration_changed_since_makes_no_record(street: Street) -> None:
    come(street, 0.0, 0.0)
    part = replace(street.config.thermometer, emissivity=0.97)
    with pytest.raises(MixedReadings, match=r"emissivity is 0\.97, was 0\.98"):
        choose(people(street), replace(street.config, thermometer=part), 2)


def test_only_passages_after_a_number(street: Street) -> None:
    come(street, 0.0)
    moved = JournalReader(street.config.journal.path).head().seq
    come(street, 0.0)
    assert len(people(street).present) == 2
    assert len(people(street, after=moved).present) == 1


def test_thresholds_and_a_record_do_not_divide_people(street: Street) -> None:
    come(street, 0.0)
    commissioned = street.config.journal.path.parent.parent / "commissioning.json"
    screening = replace(street.config.screening, high=Celsius(0.9), commissioning=commissioned)
    street.config = replace(street.config, screening=screening)
    restart(street)
    come(street, 0.1, 1.2)
    found = people(street)
    assert (len(found.present), found.others) == (3, 0), "HIGH counts like everybody"


def test_a_changed_journal_is_no_ground(street: Street) -> None:
    come(street, 0.0)
    street.kiosk.close()
    street.change_event(int(people(street).present[0].seq))
    with pytest.raises(JournalDamaged, match="does not verify"):
        people(street)


def test_an_empty_journal_has_nobody(street: Street) -> None:
    found = people(street)
    assert (found.newest, found.present, found.others, running(found)) == (None, [], 0, None)
    with pytest.raises(TooFewPeople, match="0 of 100"):
        choose(found, street.config, 100)


def test_households_count_once(street: Street) -> None:
    family = street.issue(Category.HOUSEHOLD, household=HouseholdId("00112233aabb")).text
    street.pass_by(family, stays=2.0)
    street.run(10.0)
    street.pass_by(family, stays=2.0)
    assert len(people(street).present) == 1


def test_a_simulated_gate_lives_in_its_own_time(street: Street) -> None:
    come(street, 0.0)
    at = proven_time(street.config)
    assert street.clock.wall() - 60 < at < street.clock.wall() + 60

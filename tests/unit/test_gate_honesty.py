"""Green only for who has earned it: lists that change, people who swap places, records that come late."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.gate import State
from kiosk.model import Category, Direction, EventKind, Light, Mode, Prompt, Reason, Seconds, Verdict
from kiosk.passes.issue import IssuedPass
from kiosk.passes.status import Status
from tests.street import WALL, Street, forehead


def revoke(street: Street, issued: IssuedPass) -> None:
    """The directory takes a pass back, and the gate has the new list."""
    street.trust.publish(street.trust_time(0), marked={issued.facts.status_index: Status.REVOKED})
    street.run(1.5)


def answers(street: Street) -> list[tuple[str, str]]:
    """Verdict and first reason of every recorded passage."""
    return [(event["verdict"], event["reasons"][0]) for event in street.events(EventKind.PASSAGE)]


# -- the pass is what it is at the answer -------------------------------------------------------------------


def test_a_pass_revoked_while_its_holder_is_read_is_refused(street: Street) -> None:
    issued = street.issue()
    street.shown = [issued.text]
    street.run(0.3)
    assert street.state() is State.READING
    revoke(street, issued)
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert answers(street) == [("REFUSE", "REVOKED")]
    assert street.green_seconds() == 0.0


def test_a_pass_that_ends_while_its_holder_is_read_is_refused(street: Street) -> None:
    now = street.trust_time(0)
    issued = street.trust.issuer.issue(Category.RESIDENT, now=now, life=Seconds(10.0))
    street.run(67.0)  # 60 s of leeway
    street.shown = [issued.text]
    street.run(2.0)
    assert street.state() is State.READING
    street.run(2.0)
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert answers(street) == [("REFUSE", "EXPIRED")]


def test_nobody_follows_a_household_whose_pass_was_taken_back(street: Street) -> None:
    family = street.issue(Category.HOUSEHOLD)
    street.pass_by(family.text)
    revoke(street, family)
    child = street.pass_by(None)
    assert child is not None
    assert child.decision.verdict is Verdict.REFUSE
    again = street.pass_by(family.text)
    assert again is not None
    assert again.decision.reasons[0] is Reason.REVOKED
    assert [verdict for verdict, _ in answers(street)].count("ADMIT") == 1


# -- whose forehead it is -----------------------------------------------------------------------------------


def test_who_takes_the_place_of_a_person_gone_gets_an_answer_of_their_own(street: Street) -> None:
    gone, here = street.issue(), street.issue()
    street.shown = [gone.text]
    street.run(1.0)
    street.shown = [here.text]
    street.run(2.0)
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert answers(street) == [("REFER", "NO_READING"), ("ADMIT", "PASS_VALID")]
    assert street.answers[-1].person.token == here.facts.pass_id


def test_two_passes_and_one_forehead_in_quick_succession_are_green_for_neither(street: Street) -> None:
    first, second = street.issue(), street.issue()
    street.shown = [first.text]
    street.run(1.0)
    street.shown = [second.text]
    street.run(0.5)
    street.warmth = forehead(0.0)
    street.run(4.0)
    assert street.green_seconds() == 0.0
    street.warmth = WALL
    street.run(1.0)
    street.warmth = forehead(0.0)
    street.run(4.0)
    assert answers(street)[-1] == ("ADMIT", "PASS_VALID")
    assert street.answers[-1].person.token == second.facts.pass_id


def test_who_leans_in_long_after_somebody_elses_pass_is_asked_for_their_own(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.5)
    street.shown = []
    street.run(12.0)
    street.warmth = forehead(0.0)
    street.run(4.0)
    assert street.green_seconds() == 0.0
    assert Verdict.ADMIT not in [passage.decision.verdict for passage in street.answers]


def test_who_lets_the_phone_sink_and_shows_it_again_when_asked_is_admitted(street: Street) -> None:
    text = street.issue().text
    street.shown = [text]
    street.run(0.5)
    street.shown = []
    street.run(8.6)
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert street.speaker.history[-1].prompt is Prompt.SHOW_PASS
    street.shown = [text]
    street.run(4.0)
    assert answers(street) == [("ADMIT", "PASS_VALID")]


def test_who_lowers_the_phone_at_once_is_not_green_on_the_pass_of_who_left(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(1.0)
    street.shown = []
    street.run(0.5)
    street.shown = [street.issue().text]
    street.run(0.3)
    street.shown = []
    street.run(0.2)
    street.warmth = forehead(0.0)
    street.run(4.0)
    assert street.green_seconds() == 0.0


@pytest.mark.parametrize("after", [9.0, 11.0, 12.0, 12.5])
def test_who_is_slow_is_asked_for_the_code_and_given_the_time(street: Street, after: float) -> None:
    text = street.issue().text
    street.shown = [text]
    street.run(0.5)
    street.shown = []
    street.run(after)
    street.warmth = forehead(0.0)
    street.run(2.5)
    assert street.speaker.history[-1].prompt is Prompt.SHOW_PASS
    street.shown = [text]
    street.run(4.0)
    assert answers(street) == [("ADMIT", "PASS_VALID")]


def test_a_high_is_not_walked_around_behind_a_family(street: Street) -> None:
    warm = street.issue().text
    street.pass_by(warm, above=1.5)
    street.run(10.0)
    street.pass_by(street.issue(Category.HOUSEHOLD).text)
    street.warmth = forehead(0.0)
    street.run(0.6)
    street.shown = [warm]
    street.run(4.0)
    assert answers(street)[-1] == ("REFER", "TEMPERATURE_HIGH")
    assert [verdict for verdict, _ in answers(street)].count("ADMIT") == 1


def test_who_needs_four_seconds_to_take_the_hat_off_is_measured(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.3)
    street.warmth = forehead(-4.0)
    street.run(4.5)
    street.warmth = forehead(0.0)
    street.run(4.0)
    assert answers(street) == [("ADMIT", "PASS_VALID")]


def test_a_short_gap_between_two_heads_is_enough(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.3)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.shown = [street.issue().text]
    street.warmth = WALL
    street.run(0.2)
    street.warmth = forehead(0.1)
    street.run(6.0)
    assert [verdict for verdict, _ in answers(street)] == ["ADMIT", "ADMIT"]


def test_a_held_pass_is_not_outshone_by_the_neighbours_good_one(street: Street) -> None:
    held, good = street.issue(), street.issue()
    street.trust.publish(street.trust_time(0), marked={held.facts.status_index: Status.HELD})
    street.run(1.5)
    street.shown = [good.text, held.text]
    street.run(0.2)
    assert street.answers[0].decision.reasons[0] is Reason.HELD
    street.warmth = forehead(0.0)
    street.run(0.8)
    assert street.light_now() is Light.REFER, "the answer to the held one is seen"


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_referred_for_being_a_little_warm_is_not_measured_away_either(
    street: Street, restarted: bool
) -> None:
    street.trust.publish(street.trust_time(0), mode=Mode.EMERGENCY)
    street.run(1.5)
    text = street.issue().text
    street.pass_by(text, above=0.65)
    if restarted:
        street.restart()
    street.run(10.0)
    street.pass_by(text, above=0.0)
    assert answers(street) == [("REFER", "TEMPERATURE_GUARD"), ("REFER", "TEMPERATURE_HIGH")]
    assert street.green_seconds() == 0.0


def test_what_is_admitted_flagged_is_no_doubt_that_stays(street: Street) -> None:
    text = street.issue().text
    street.pass_by(text, above=0.65)
    street.run(130.0)
    street.pass_by(text, above=0.0)
    assert [verdict for verdict, _ in answers(street)] == ["ADMIT", "ADMIT"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_child_that_was_too_warm_does_not_come_in_with_the_familys_next_pass(
    street: Street, restarted: bool
) -> None:
    """Whose forehead it was nobody can say: the pass leads to a volunteer, not to new places."""
    text = street.issue(Category.HOUSEHOLD).text
    street.pass_by(text, above=0.0)
    street.pass_by(None, above=1.5)
    if restarted:
        street.restart()
    street.run(130.0)
    street.pass_by(text, above=0.0)
    street.pass_by(None, above=0.0)
    assert answers(street)[:3] == [
        ("ADMIT", "PASS_VALID"),
        ("REFER", "TEMPERATURE_HIGH"),
        ("REFER", "TEMPERATURE_HIGH"),
    ]
    assert "ADMIT" not in [verdict for verdict, _ in answers(street)[1:]]


def test_too_warm_once_is_not_measured_away(street: Street) -> None:
    text = street.issue().text
    street.pass_by(text, above=1.5)
    street.run(10.0)
    street.pass_by(text, above=0.0)
    assert answers(street) == [("REFER", "TEMPERATURE_HIGH")] * 2
    assert street.green_seconds() == 0.0


def test_a_child_too_warm_ends_the_places_behind_the_family(street: Street) -> None:
    street.pass_by(street.issue(Category.HOUSEHOLD).text)
    street.pass_by(None, above=1.5)
    assert street.pass_by(None, above=0.0, stays=7.0) is None


def test_a_pass_on_a_sheet_full_of_other_codes_is_found(street: Street) -> None:
    street.shown = [street.issue().text, *(f"https://example.org/{number}" for number in range(20))]
    street.run(0.3)
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert answers(street) == [("ADMIT", "PASS_VALID")]


# -- the record and the light --------------------------------------------------------------------------------


def test_a_record_that_took_too_long_lights_nothing_and_says_so(street: Street) -> None:
    street.disk_takes = Seconds(3.0)
    street.pass_by(street.issue().text)
    assert street.green_seconds() == 0.0
    assert not any(change.outputs.relay for change in street.lamp.history)
    assert street.lit(Light.REFER)
    slow = [event for event in street.events(EventKind.FAULT) if event["code"] == "JOURNAL_SLOW"]
    assert len(slow) == 1
    [passage] = street.events(EventKind.PASSAGE)
    assert passage["verdict"] == "ADMIT"


def test_the_next_pass_does_not_shut_the_gate_on_who_was_let_in(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.3)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.shown = [street.issue().text]
    street.run(2.0)
    spans = [(change.at, change.outputs.relay) for change in street.lamp.history]
    opened = next(at for at, relay in spans if relay)
    closed = next(at for at, relay in spans if at > opened and not relay)
    assert closed - opened == pytest.approx(0.8, abs=0.01)


def test_a_new_process_still_knows_who_has_just_passed(street: Street) -> None:
    text = street.issue().text
    street.pass_by(text)
    street.restart()
    street.run(2.0)
    street.pass_by(text)
    assert answers(street) == [("ADMIT", "PASS_VALID"), ("REFER", "ANTI_PASSBACK")]


def test_a_new_process_still_knows_who_was_too_warm(street: Street) -> None:
    text = street.issue().text
    street.pass_by(text, above=1.5)
    street.restart()
    street.run(2.0)
    street.pass_by(text, above=0.0)
    assert answers(street) == [("REFER", "TEMPERATURE_HIGH")] * 2


def test_an_admit_that_was_never_lit_holds_nobody_up_after_a_restart(street: Street) -> None:
    text = street.issue().text
    street.disk_takes = Seconds(3.0)
    street.pass_by(text)
    street.disk_takes = Seconds(0.0)
    street.restart()
    street.run(2.0)
    street.pass_by(text)
    assert answers(street)[-1] == ("ADMIT", "PASS_VALID")
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)


# -- one phone, several people -----------------------------------------------------------------------------


def test_a_phone_left_in_view_is_not_accused_because_the_next_one_leans_in(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.3)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.warmth = WALL
    street.run(3.0)
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert answers(street) == [("ADMIT", "PASS_VALID")]


def test_the_next_of_a_family_holds_up_the_same_phone_and_is_told_to_hold_still(street: Street) -> None:
    text = street.issue(Category.HOUSEHOLD).text
    street.pass_by(text)
    street.run(0.5)
    street.shown = [text]
    street.run(0.3)
    assert street.light_now() is Light.HOLD_STILL
    street.warmth = forehead(0.0)
    street.run(3.0)
    assert answers(street) == [("ADMIT", "PASS_VALID"), ("ADMIT", "COMPANION")]


def test_the_next_of_a_family_is_not_admitted_by_the_forehead_before_them(street: Street) -> None:
    text = street.issue(Category.HOUSEHOLD).text
    street.shown = [text]
    street.run(0.3)
    street.shown, street.warmth = [], forehead(0.0)
    street.run(4.0)
    street.shown = [text]
    street.run(4.0)
    assert street.light_now() is Light.HOLD_STILL
    assert answers(street) == [("ADMIT", "PASS_VALID")]
    street.warmth = WALL
    street.run(0.5)
    street.warmth = forehead(1.5)
    street.run(3.0)
    assert answers(street)[1][0] == "REFER"


def test_a_familys_phone_left_in_view_brings_nobody_through(street: Street) -> None:
    street.shown = [street.issue(Category.HOUSEHOLD).text]
    street.run(0.3)
    street.warmth = forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.warmth = WALL
    street.run(30.0)
    assert answers(street) == [("ADMIT", "PASS_VALID")]


def test_a_family_going_out_on_one_phone_is_one_record_each(folder: Path) -> None:
    with Street(folder, direction=Direction.OUT) as street:
        street.run(2.0)
        text = street.issue(Category.HOUSEHOLD).text
        for _ in range(3):
            street.pass_by(text, above=None, stays=0.5)
            street.run(1.5)
        assert answers(street) == [("ADMIT", "PASS_VALID"), ("ADMIT", "COMPANION"), ("ADMIT", "COMPANION")]

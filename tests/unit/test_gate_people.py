"""People as they are: phones kept up, two at once, families, posters, second thoughts: one passage each."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.gate import State
from kiosk.model import (
    Category,
    CodeRead,
    Direction,
    EventKind,
    Light,
    Mode,
    Monotonic,
    Prompt,
    Reason,
    Seconds,
    Verdict,
)
from kiosk.person import Passage
from tests.street import WALL, Street, assert_sound, forehead

POSTER = "https://example.org/spring-festival"


def until_answered(street: Street, limit: float = 30.0) -> Passage:
    """Turn until somebody new is answered."""
    before = len(street.answers)
    for _ in range(round(limit / 0.05)):
        street.run(0.05)
        if len(street.answers) > before:
            return street.answers[-1]
    raise AssertionError(f"nobody was answered within {limit} s")


def lean_in(street: Street, above: float = 0.0) -> None:
    street.warmth = forehead(above)


def verdicts(street: Street) -> list[str]:
    return [event["verdict"] for event in street.events(EventKind.PASSAGE)]


# -- one person, one passage ----------------------------------------------------------------------------


def test_who_holds_up_the_phone_and_takes_long_to_lean_in_is_answered_once(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(8.0)
    lean_in(street)
    assert until_answered(street).decision.verdict is Verdict.ADMIT
    street.run(6.0)
    assert verdicts(street) == ["ADMIT"]
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)


def test_who_nods_under_their_own_green_is_not_accused_of_passing_twice(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.3)
    lean_in(street)
    until_answered(street)
    street.warmth = WALL
    street.run(0.5)
    lean_in(street)
    street.run(0.8)
    street.warmth = WALL
    street.run(0.5)
    assert verdicts(street) == ["ADMIT"]
    assert street.green_seconds() > 1.7


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["pass first", "address first"])
def test_a_sheet_with_a_pass_and_an_address_is_one_pass(street: Street, order: tuple[int, int]) -> None:
    codes = (street.issue().text, POSTER)
    street.shown = [codes[place] for place in order]
    street.run(0.3)
    lean_in(street)
    until_answered(street)
    street.run(6.0)
    assert verdicts(street) == ["ADMIT"]
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)


def test_an_address_that_comes_into_view_after_the_pass_does_not_put_out_green(street: Street) -> None:
    text = street.issue().text
    street.shown = [text]
    street.run(0.3)
    lean_in(street)
    street.run(0.3)
    street.shown = [text, POSTER]
    until_answered(street)
    street.shown = [POSTER]
    street.run(4.0)
    assert verdicts(street) == ["ADMIT"]
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)


def test_a_poster_on_the_wall_is_answered_once_and_replaces_nobody(street: Street) -> None:
    street.shown = [POSTER]
    street.run(6.0)
    street.shown = [POSTER, street.issue().text]
    street.run(0.3)
    street.shown = [POSTER]
    street.run(7.0)
    lean_in(street)
    assert until_answered(street).decision.verdict is Verdict.ADMIT
    street.warmth = WALL
    street.run(8.0)
    assert verdicts(street) == ["REFER", "ADMIT"]
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)


def test_who_shows_the_wrong_code_first_and_leans_in_all_the_while_is_admitted_with_the_right_one(
    street: Street,
) -> None:
    lean_in(street)
    street.run(1.0)
    street.shown = ["https://example.org/health"]
    street.run(1.0)
    street.shown = [street.issue().text]
    assert until_answered(street, 4.0).decision.verdict is Verdict.ADMIT
    assert verdicts(street) == ["REFER", "ADMIT"]


def test_who_was_too_warm_is_not_measured_into_a_green_light(street: Street) -> None:
    text = street.issue().text
    street.shown = [text]
    street.run(0.3)
    lean_in(street, 1.2)
    assert until_answered(street).decision.reasons[0] is Reason.TEMPERATURE_HIGH
    street.warmth = WALL
    street.run(1.5)
    lean_in(street, 0.0)
    street.run(5.0)
    assert verdicts(street) == ["REFER"], "the phone was held up all the while: the answer stands"
    street.warmth, street.shown = WALL, []
    street.run(8.0)
    again = street.pass_by(text, above=0.0)
    assert again is not None
    assert again.decision.reasons[0] is Reason.TEMPERATURE_HIGH
    street.run(1800.0)
    later = street.pass_by(text, above=0.0)
    assert later is not None
    assert later.decision.verdict is Verdict.ADMIT


def test_the_answer_is_shown_again_to_who_holds_the_code_up_again(street: Street) -> None:
    street.shown = [POSTER]
    street.run(0.5)
    street.shown = []
    street.run(4.2)
    assert street.light_now() is Light.IDLE
    street.shown = [POSTER]
    street.run(0.3)
    assert street.light_now() is Light.REFER
    street.run(6.0)
    assert street.light_now() is Light.IDLE
    assert verdicts(street) == ["REFER"]


def test_green_is_never_shown_again(street: Street) -> None:
    text = street.issue().text
    street.pass_by(text)
    street.run(1.0)
    street.shown = [text]
    street.run(1.0)
    assert street.green_seconds() == pytest.approx(2.0, abs=0.01)
    assert verdicts(street) == ["ADMIT"]


# -- two at once ------------------------------------------------------------------------------------------


def test_of_two_who_hold_up_their_phones_each_sees_an_answer_of_their_own(street: Street) -> None:
    first, second = street.issue().text, street.issue().text
    street.shown = [first]
    street.run(0.3)
    street.shown = [first, second]
    lean_in(street)
    until_answered(street)
    street.run(0.9)
    assert street.light_now() is Light.ADMIT, "the door needs .8 s to open"
    street.warmth = WALL
    street.run(0.6)
    assert street.light_now() is Light.HOLD_STILL
    lean_in(street)
    assert until_answered(street).decision.verdict is Verdict.ADMIT
    assert verdicts(street) == ["ADMIT", "ADMIT"]


def test_the_phone_of_who_has_passed_does_not_push_the_next_one_out(street: Street) -> None:
    first, second = street.issue().text, street.issue().text
    street.shown = [first]
    street.run(0.3)
    lean_in(street)
    until_answered(street)
    street.warmth = WALL
    street.shown = [first, second]
    street.run(0.3)
    street.shown = [first]
    street.run(7.0)
    lean_in(street)
    passage = until_answered(street)
    assert passage.decision.verdict is Verdict.ADMIT
    street.run(3.0)
    assert verdicts(street) == ["ADMIT", "ADMIT"]


def test_who_hesitates_with_the_phone_up_is_not_replaced_by_who_waits_behind(street: Street) -> None:
    slow, waiting = street.issue().text, street.issue().text
    street.shown = [slow, waiting]
    street.run(7.0)
    lean_in(street)
    until_answered(street)
    assert verdicts(street) == ["ADMIT"]
    assert street.answers[0].person.tries == 1


def test_who_walked_away_and_comes_back_is_answered_then(street: Street) -> None:
    first, second = street.issue().text, street.issue().text
    street.shown = [first]
    street.run(1.0)
    street.shown = [second]
    street.run(5.5)
    lean_in(street)
    until_answered(street)
    street.warmth = WALL
    street.shown = [first]
    street.run(0.5)
    lean_in(street)
    assert until_answered(street).decision.verdict is Verdict.ADMIT
    assert verdicts(street) == ["REFER", "ADMIT", "ADMIT"]


def test_the_next_one_who_leans_in_before_the_light_is_out_need_not_lean_in_twice(street: Street) -> None:
    street.pass_by(street.issue().text, stays=2.0)
    lean_in(street)
    street.run(0.5)
    street.shown = [street.issue().text]
    assert until_answered(street, 3.0).decision.verdict is Verdict.ADMIT


def test_one_forehead_never_serves_two(street: Street) -> None:
    """A friend with a cool head stays before the sensor while two passes are shown."""
    lean_in(street)
    street.run(1.0)
    for _ in range(3):
        street.shown = [street.issue().text]
        until_answered(street)
    assert verdicts(street) == ["ADMIT", "REFER", "REFER"]


def test_a_code_that_is_refused_in_between_does_not_make_a_used_forehead_new(street: Street) -> None:
    lean_in(street)
    street.run(1.0)
    street.shown = [street.issue().text]
    until_answered(street)
    genuine = street.issue().text
    street.shown = [genuine[:-1] + ("0" if genuine[-1] != "0" else "1")]
    until_answered(street)
    street.shown = [street.issue().text]
    until_answered(street)
    assert verdicts(street)[0] == "ADMIT"
    assert "ADMIT" not in verdicts(street)[1:]


def test_a_forehead_that_stays_for_more_than_a_minute_still_serves_only_one(street: Street) -> None:
    """Then it is taken for background, and the next pass was already waiting for a forehead."""
    lean_in(street)
    street.run(56.0)
    street.shown = [street.issue().text]
    until_answered(street)
    street.shown = [street.issue().text]
    until_answered(street)
    assert verdicts(street) == ["ADMIT", "REFER"]


# -- families -----------------------------------------------------------------------------------------------


def household(street: Street) -> None:
    street.pass_by(street.issue(Category.HOUSEHOLD).text)


def test_a_child_that_plays_with_another_code_still_follows_the_family(street: Street) -> None:
    household(street)
    child = street.pass_by(POSTER)
    assert child is not None
    assert child.decision.reasons[0] is Reason.COMPANION


def test_a_stranger_behind_a_family_is_judged_by_the_pass_they_show(street: Street) -> None:
    late = street.trust.issuer.issue(
        Category.RESIDENT, now=street.trust_time(-40 * 86_400), life=Seconds(86_400)
    )
    household(street)
    stranger = street.pass_by(late.text)
    assert stranger is not None
    assert stranger.decision.reasons[0] is Reason.EXPIRED


def test_a_pass_held_over_the_head_of_a_child_waits_until_the_child_is_answered(street: Street) -> None:
    household(street)
    lean_in(street)
    while street.state() is not State.READING:
        street.run(0.05)
    street.shown = [street.issue().text]
    child = until_answered(street)
    assert child.decision.reasons == (Reason.COMPANION, Reason.TEMPERATURE_NORMAL)
    street.warmth = WALL
    street.run(1.5)
    lean_in(street, 1.5)
    assert until_answered(street).decision.reasons[0] is Reason.TEMPERATURE_HIGH
    assert verdicts(street) == ["ADMIT", "ADMIT", "REFER"]


def test_a_bad_pass_shown_by_who_follows_a_family_counts_at_once(street: Street) -> None:
    """Or whoever has an expired pass would only need to lean in before showing it."""
    expired = street.trust.issuer.issue(
        Category.RESIDENT, now=street.trust_time(-40 * 86_400), life=Seconds(86_400)
    )
    household(street)
    lean_in(street)
    while street.state() is not State.READING:
        street.run(0.05)
    street.shown = [expired.text]
    assert until_answered(street).decision.reasons[0] is Reason.EXPIRED
    assert verdicts(street) == ["ADMIT", "REFUSE"]


def test_places_last_a_minute(street: Street) -> None:
    household(street)
    street.run(60.0)
    assert street.pass_by(None, stays=7.0) is None


def test_in_an_emergency_nobody_follows_although_places_were_left(street: Street) -> None:
    household(street)
    street.trust.publish(street.trust_time(0), mode=Mode.EMERGENCY)
    street.run(1.5)
    assert street.pass_by(None, stays=7.0) is None
    assert verdicts(street) == ["ADMIT"]


def test_a_child_being_measured_as_the_emergency_begins_is_referred(street: Street) -> None:
    household(street)
    lean_in(street)
    while street.state() is not State.READING:
        street.run(0.05)
    street.trust.publish(street.trust_time(0), mode=Mode.EMERGENCY)
    street.clock.advance(1.0)
    child = until_answered(street)
    assert child.decision.reasons[0] is Reason.NO_CODE
    assert verdicts(street) == ["ADMIT", "REFER"]


# -- the button and the rest ---------------------------------------------------------------------------------


def test_hammering_the_button_is_one_call(street: Street) -> None:
    for _ in range(20):
        street.button.press()
        street.run(0.15)
    assert verdicts(street) == ["REFER"]
    street.run(4.0)
    street.button.press()
    street.run(0.2)
    assert verdicts(street) == ["REFER", "REFER"]


def test_calling_while_being_read_is_one_passage_and_the_forehead_serves_nobody_else(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.3)
    lean_in(street)
    street.run(0.5)
    street.button.press()
    assert until_answered(street).decision.reasons[0] is Reason.CALLED
    street.shown = [street.issue().text]
    street.run(4.0)
    assert verdicts(street) == ["REFER"]


def test_codes_from_before_a_hold_up_belong_to_nobody_now(street: Street) -> None:
    """The disk stood still for 10 s; the camera's thread has gone on and hands over what it saw."""
    old = CodeRead(street.issue().text, "QRCode", "test", Monotonic(street.clock.monotonic()))
    street.clock.advance(10.0)
    street.gate._mind_codes([old])
    street.run(1.0)
    assert street.state() is State.IDLE
    assert verdicts(street) == []


def test_a_picture_full_of_codes_is_looked_at_in_part(street: Street) -> None:
    street.shown = [f"https://example.org/{number}" for number in range(300)] + [street.issue().text]
    street.run(0.3)
    lean_in(street)
    assert until_answered(street).decision.verdict is Verdict.ADMIT


def test_what_was_counted_is_on_record_when_the_gate_stops(street: Street) -> None:
    for number in range(10):
        street.shown = [f"https://example.org/{number}"]
        street.run(0.1)
    street.gate.stop()
    [counted] = street.events(EventKind.COUNTED)
    assert counted == {"what": "codes", "count": 9}


def test_who_is_there_when_the_gate_stops_is_on_record(street: Street) -> None:
    street.shown = [street.issue().text]
    street.run(0.5)
    street.gate.stop()
    [event] = street.events(EventKind.PASSAGE)
    assert event["verdict"] == "REFER"
    assert event["reading"]["note"] == "left unanswered"
    assert street.speaker.last is Prompt.HOLD_STILL


def test_who_leaves_unanswered_is_never_on_record_as_admitted(folder: Path) -> None:
    """Going out needs no reading in routine: the mode changed while somebody was being read."""
    with Street(folder, direction=Direction.OUT) as street:
        street.trust.publish(street.trust_time(0), mode=Mode.EMERGENCY)
        street.run(2.0)
        street.shown = [street.issue().text]
        street.run(0.5)
        assert street.state() is State.READING
        street.trust.publish(street.trust_time(0), mode=Mode.ROUTINE)
        street.run(1.5)
        street.gate.stop()
        [event] = street.events(EventKind.PASSAGE)
        assert (event["verdict"], event["reasons"][0]) == ("REFER", "NO_READING")
        assert event["gate"]["left"] is True
        assert_sound(street.config.journal.path)

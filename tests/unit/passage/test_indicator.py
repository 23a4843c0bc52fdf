"""What a person sees and hears, and what bystanders must not be able to tell."""

from __future__ import annotations

import pytest
from hypothesis import given

from kiosk.model import Celsius, Decision, Light, Prompt, Reading, Reason, Screening, Seconds, Verdict
from kiosk.passage.decision import TABLE, Circumstances, decide
from kiosk.passage.indicator import Answer, answer, idle, retry_prompt
from tests.unit.passage.circumstances import circumstances

R, P = Reason, Prompt
ADMIT, REFER, REFUSE = Verdict.ADMIT, Verdict.REFER, Verdict.REFUSE

EVERY_REASON = [
    # reason alone, its verdict, light, what is said with a volunteer on duty, and without
    (R.PASS_VALID, ADMIT, Light.ADMIT, P.GO_AHEAD, P.GO_AHEAD),
    (R.COMPANION, ADMIT, Light.ADMIT, P.GO_AHEAD, P.GO_AHEAD),
    (R.TEMPERATURE_NORMAL, ADMIT, Light.ADMIT, P.GO_AHEAD, P.GO_AHEAD),
    (R.TEMPERATURE_GUARD, ADMIT, Light.ADMIT, P.GO_AHEAD, P.GO_AHEAD),
    (R.TEMPERATURE_GUARD, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.TEMPERATURE_SUSPENDED, ADMIT, Light.ADMIT, P.GO_AHEAD, P.GO_AHEAD),
    (R.TEMPERATURE_NOT_REQUIRED, ADMIT, Light.ADMIT, P.GO_AHEAD, P.GO_AHEAD),
    (R.NO_CODE, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.NOT_ASCII, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.PASS_TOO_LONG, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.PASS_UNKNOWN, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.BAD_BASE45, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.BAD_CBOR, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.BAD_COSE, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.KEY_UNKNOWN, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.ALG_MISMATCH, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.KEY_OUTSIDE_WINDOW, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.KEY_REVOKED, REFUSE, Light.REFUSE, P.NOT_ADMITTED, P.NOT_ADMITTED),
    (R.BAD_SIGNATURE, REFUSE, Light.REFUSE, P.NOT_ADMITTED, P.NOT_ADMITTED),
    (R.BAD_CLAIMS, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.EXTRA_CLAIMS, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.ISSUER_MISMATCH, REFUSE, Light.REFUSE, P.NOT_ADMITTED, P.NOT_ADMITTED),
    (R.EXPIRED, REFUSE, Light.REFUSE, P.NOT_ADMITTED, P.NOT_ADMITTED),
    (R.NOT_YET_VALID, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.TIME_UNCERTAIN, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.ISSUER_NOT_ALLOWED, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.LIFE_TOO_LONG, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.STATUS_UNKNOWN, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.REVOKED, REFUSE, Light.REFUSE, P.NOT_ADMITTED, P.NOT_ADMITTED),
    (R.HELD, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.WRONG_GATE, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.OUTSIDE_WINDOW, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.ANTI_PASSBACK, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.NO_TRUST, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.LISTS_TOO_OLD, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.CATEGORY_SHUT_OUT, REFUSE, Light.REFUSE, P.NOT_ADMITTED, P.NOT_ADMITTED),
    (R.GATE_CLOSED, REFUSE, Light.REFUSE, P.GO_ELSEWHERE, P.GO_ELSEWHERE),
    (R.HOURS_UNCERTAIN, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.JOURNAL_FAULT, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.CALLED, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.TEMPERATURE_HIGH, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.MEASURE_BY_HAND, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.NO_READING, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.UNCOMMISSIONED, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.DRIFT, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.SENSOR_FAULT, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
    (R.SENSOR_STUCK, REFER, Light.REFER, P.WAIT_FOR_VOLUNTEER, P.GO_ELSEWHERE),
]


def test_the_table_of_reasons_is_complete_and_says_what_decisions_say() -> None:
    assert {(row[0], row[1]) for row in EVERY_REASON} == {(row.reason, row.verdict) for row in TABLE}


@pytest.mark.parametrize(("reason", "verdict", "light", "attended", "alone"), EVERY_REASON)
def test_each_reason_looks_and_sounds(
    reason: Reason, verdict: Verdict, light: Light, attended: Prompt, alone: Prompt
) -> None:
    decision = Decision(verdict, (reason,))
    assert answer(decision, attended=True)[:2] == (light, attended)
    assert answer(decision, attended=False)[:2] == (light, alone)


@given(circumstances)
def test_only_admit_is_green_and_says_go(c: Circumstances) -> None:
    decision = decide(c)
    for attended in (True, False):
        shown = answer(decision, attended=attended)
        assert (shown.light is Light.ADMIT) == (decision.verdict is ADMIT)
        assert (shown.prompt is Prompt.GO_AHEAD) == (decision.verdict is ADMIT)


def test_how_long_each_answer_stays() -> None:
    def seconds(verdict: Verdict) -> float:
        return answer(Decision(verdict, (Reason.CALLED,)), attended=True).seconds

    assert [seconds(verdict) for verdict in (ADMIT, REFER, REFUSE)] == [2.0, 4.0, 3.0]


def test_a_hold_can_not_be_told_from_any_other_referral() -> None:
    for attended in (True, False):
        for cold in (True, False):
            held = answer(Decision(REFER, (R.HELD, R.MEASURE_BY_HAND)), attended=attended, cold=cold)
            unread = answer(Decision(REFER, (R.BAD_BASE45, R.MEASURE_BY_HAND)), attended=attended, cold=cold)
            high = answer(Decision(REFER, (R.TEMPERATURE_HIGH,)), attended=attended, cold=cold)
            assert held == unread == high


def test_the_cold_is_named_only_where_it_is_the_reason_and_it_is_cold() -> None:
    by_hand = Decision(REFER, (R.MEASURE_BY_HAND, R.PASS_VALID))
    assert answer(by_hand, attended=True, cold=True).prompt is Prompt.COLD_OUTSIDE
    assert answer(by_hand, attended=True, cold=False).prompt is Prompt.WAIT_FOR_VOLUNTEER
    assert answer(by_hand, attended=False, cold=True).prompt is Prompt.GO_ELSEWHERE


def test_a_closed_gate_sends_elsewhere_even_who_has_an_expired_pass() -> None:
    closed = Decision(REFUSE, (R.GATE_CLOSED, R.EXPIRED))
    assert answer(closed, attended=True) == Answer(Light.REFUSE, Prompt.GO_ELSEWHERE, Seconds(3.0))


def test_between_people_a_fault_is_the_only_steady_light() -> None:
    assert idle(fault=False, closed=False) is Light.IDLE
    assert idle(fault=True, closed=False) is Light.FAULT
    # A closed gate is alive: dark would say that there is no power.
    assert idle(fault=False, closed=True) is Light.IDLE
    assert idle(fault=True, closed=True) is Light.FAULT


@pytest.mark.parametrize(
    ("deviation", "prompts"),
    [
        (-2.0, (Prompt.UNCOVER_FOREHEAD, Prompt.COME_CLOSER)),
        (-9.0, (Prompt.COME_CLOSER, Prompt.UNCOVER_FOREHEAD)),
        (None, (Prompt.COME_CLOSER, Prompt.UNCOVER_FOREHEAD)),
    ],
)
def test_who_could_not_be_read_is_told_the_likeliest_remedy_then_the_other(
    deviation: float | None, prompts: tuple[Prompt, Prompt]
) -> None:
    reading = Reading(Screening.RETRY, deviation=None if deviation is None else Celsius(deviation))
    assert (retry_prompt(reading), retry_prompt(reading, attempt=2)) == prompts

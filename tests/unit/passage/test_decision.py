"""Who gets green, who waits for a volunteer, who is turned away, and that nothing else opens the gate."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import Category, Decision, Direction, Mode, PassCheck, Reason, Screening, Verdict
from kiosk.passage import decision
from kiosk.passage.decision import PASS_ROWS, TABLE, Circumstances, Row, decide, judged, needs_reading
from kiosk.policy import EMERGENCY, ROUTINE, Policy
from tests.unit.passage.circumstances import (
    AGES,
    POLICIES,
    SCREENINGS,
    TEXTS,
    circumstances,
    may_be_green,
    native,
    stricter,
    usual,
)

ADMIT, REFER, REFUSE = Verdict.ADMIT, Verdict.REFER, Verdict.REFUSE
R = Reason
CERTAIN = {
    R.BAD_SIGNATURE,
    R.KEY_REVOKED,
    R.ISSUER_MISMATCH,
    R.REVOKED,
    R.EXPIRED,
    R.GATE_CLOSED,
    R.CATEGORY_SHUT_OUT,
}
FOR_THE_PASS = {R.PASS_VALID, R.COMPANION}
FOR_THE_FOREHEAD = {
    R.TEMPERATURE_NORMAL,
    R.TEMPERATURE_GUARD,
    R.TEMPERATURE_SUSPENDED,
    R.TEMPERATURE_NOT_REQUIRED,
}

# -- the usual people ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "verdict", "reasons"),
    [
        ({}, ADMIT, (R.PASS_VALID, R.TEMPERATURE_NORMAL)),
        ({"screening": Screening.GUARD}, ADMIT, (R.PASS_VALID, R.TEMPERATURE_GUARD)),
        ({"screening": Screening.HIGH}, REFER, (R.TEMPERATURE_HIGH, R.PASS_VALID)),
        ({"screening": Screening.ENVIRONMENT}, ADMIT, (R.PASS_VALID, R.TEMPERATURE_SUSPENDED)),
        ({"screening": Screening.RETRY}, REFER, (R.NO_READING, R.PASS_VALID)),
        ({"screening": Screening.UNCOMMISSIONED}, REFER, (R.UNCOMMISSIONED, R.PASS_VALID)),
        ({"screening": Screening.DRIFT}, REFER, (R.DRIFT, R.PASS_VALID)),
        ({"screening": Screening.SENSOR_FAULT}, REFER, (R.SENSOR_FAULT, R.PASS_VALID)),
        ({"screening": Screening.SENSOR_STUCK}, REFER, (R.SENSOR_STUCK, R.PASS_VALID)),
        ({"screening": None}, REFER, (R.NO_READING, R.PASS_VALID)),
        ({"screening": Screening.NOT_REQUIRED}, REFER, (R.NO_READING, R.PASS_VALID)),
        (
            {"direction": Direction.OUT, "screening": None},
            ADMIT,
            (R.PASS_VALID, R.TEMPERATURE_NOT_REQUIRED),
        ),
        (
            {"direction": Direction.OUT, "screening": Screening.NOT_REQUIRED},
            ADMIT,
            (R.PASS_VALID, R.TEMPERATURE_NOT_REQUIRED),
        ),
        ({"direction": Direction.BOTH, "screening": None}, REFER, (R.NO_READING, R.PASS_VALID)),
        ({"companion": True}, ADMIT, (R.COMPANION, R.TEMPERATURE_NORMAL)),
        ({"companion": True, "passback": True}, ADMIT, (R.COMPANION, R.TEMPERATURE_NORMAL)),
        ({"companion": True, "screening": None}, REFER, (R.NO_READING, R.COMPANION)),
        ({"passback": True, "screening": None}, REFER, (R.ANTI_PASSBACK, R.PASS_VALID)),
        ({"check": None, "screening": None}, REFER, (R.NO_CODE,)),
        ({"check": None, "screening": None, "called": True}, REFER, (R.CALLED,)),
        ({"check": None, "companion": True}, REFER, (R.NO_CODE, R.TEMPERATURE_NORMAL)),
        ({"called": True}, REFER, (R.CALLED, R.PASS_VALID, R.TEMPERATURE_NORMAL)),
        ({"gate_open": False, "screening": None}, REFUSE, (R.GATE_CLOSED, R.PASS_VALID)),
        ({"gate_open": None, "screening": None}, REFER, (R.HOURS_UNCERTAIN, R.PASS_VALID)),
        (
            {"gate_open": None, "check": native(R.EXPIRED), "screening": None},
            REFUSE,
            (R.EXPIRED, R.HOURS_UNCERTAIN),
        ),
        ({"trust": False, "screening": None, "lists_age_s": None}, REFER, (R.NO_TRUST, R.PASS_VALID)),
        ({"lists_age_s": None, "screening": None}, REFER, (R.LISTS_TOO_OLD, R.PASS_VALID)),
        ({"lists_age_s": 7 * 86_400.0}, ADMIT, (R.PASS_VALID, R.TEMPERATURE_NORMAL)),
        ({"lists_age_s": 7 * 86_400.0 + 1, "screening": None}, REFER, (R.LISTS_TOO_OLD, R.PASS_VALID)),
        ({"journal_ok": False}, REFER, (R.JOURNAL_FAULT, R.PASS_VALID, R.TEMPERATURE_NORMAL)),
        ({"check": native(R.HELD), "screening": None}, REFER, (R.HELD,)),
        ({"check": native(R.EXPIRED), "screening": None}, REFUSE, (R.EXPIRED,)),
        # A reading that exists is on record, whatever the pass says.
        (
            {"check": native(R.EXPIRED), "screening": Screening.HIGH},
            REFUSE,
            (R.EXPIRED, R.TEMPERATURE_HIGH),
        ),
        (
            {"check": native(R.HELD), "screening": Screening.NORMAL},
            REFER,
            (R.HELD, R.TEMPERATURE_NORMAL),
        ),
        (
            {"check": native(R.PASS_UNKNOWN), "screening": Screening.HIGH},
            REFER,
            (R.PASS_UNKNOWN, R.TEMPERATURE_HIGH),
        ),
        (
            {"check": native(R.EXPIRED), "screening": Screening.RETRY},
            REFUSE,
            (R.EXPIRED, R.NO_READING),
        ),
        # Nothing was measured, so nothing is said of the forehead.
        ({"check": native(R.EXPIRED), "direction": Direction.OUT, "screening": None}, REFUSE, (R.EXPIRED,)),
    ],
)
def test_in_routine_mode(changes: dict[str, object], verdict: Verdict, reasons: tuple[Reason, ...]) -> None:
    answer = decide(usual(**changes))
    assert (answer.verdict, answer.reasons) == (verdict, reasons)


@pytest.mark.parametrize(
    ("changes", "verdict", "reasons"),
    [
        ({}, ADMIT, (R.PASS_VALID, R.TEMPERATURE_NORMAL)),
        ({"screening": Screening.GUARD}, REFER, (R.TEMPERATURE_GUARD, R.PASS_VALID)),
        ({"screening": Screening.ENVIRONMENT}, REFER, (R.MEASURE_BY_HAND, R.PASS_VALID)),
        ({"direction": Direction.OUT, "screening": None}, REFER, (R.NO_READING, R.PASS_VALID)),
        ({"lists_age_s": 86_401.0, "screening": None}, REFER, (R.LISTS_TOO_OLD, R.PASS_VALID)),
        (
            {"check": native(category=Category.VISITOR), "screening": None},
            REFUSE,
            (R.CATEGORY_SHUT_OUT, R.PASS_VALID),
        ),
    ],
)
def test_in_emergency_mode(changes: dict[str, object], verdict: Verdict, reasons: tuple[Reason, ...]) -> None:
    answer = decide(usual(**{"policy": EMERGENCY, **changes}))
    assert (answer.verdict, answer.reasons) == (verdict, reasons)


def test_where_no_reading_is_asked_a_high_one_still_refers() -> None:
    leaving = usual(direction=Direction.OUT, screening=Screening.HIGH)
    assert decide(leaving).reasons == (R.TEMPERATURE_HIGH, R.PASS_VALID)


@pytest.mark.parametrize("screening", [Screening.SENSOR_FAULT, Screening.DRIFT, Screening.RETRY])
def test_where_no_reading_is_asked_a_broken_thermometer_stops_nobody(screening: Screening) -> None:
    leaving = usual(direction=Direction.OUT, screening=screening)
    assert decide(leaving).reasons == (R.PASS_VALID, R.TEMPERATURE_NOT_REQUIRED)


# -- unsigned codes --------------------------------------------------------------------------------------


def _old_card() -> PassCheck:
    return replace(native(), format="opaque")


def test_an_old_card_in_the_roster_refers_unless_the_signed_policy_admits_it() -> None:
    assert decide(usual(check=_old_card(), screening=None)).reasons == (R.PASS_UNKNOWN,)
    welcome = replace(ROUTINE, unsigned_admits=True)
    assert decide(usual(check=_old_card(), policy=welcome)).verdict is ADMIT


def test_an_old_card_never_passes_in_emergency_mode() -> None:
    careless = replace(ROUTINE, unsigned_admits=True, mode=Mode.EMERGENCY)
    assert decide(usual(check=_old_card(), policy=careless)).verdict is REFER


def test_a_format_newer_than_the_table_is_no_pass() -> None:
    assert decide(usual(check=replace(native(), format="shc"))).verdict is REFER


def test_a_valid_pass_that_says_nothing_about_its_holder_is_no_pass() -> None:
    assert decide(usual(check=replace(native(), facts=None))).verdict is REFER


# -- a family --------------------------------------------------------------------------------------------

PHONE = replace(native(category=Category.HOUSEHOLD), token="family")


@pytest.mark.parametrize(
    ("own", "counts", "follows"),
    [
        (None, PHONE, True),
        (PHONE, PHONE, True),
        (PassCheck("opaque", R.PASS_UNKNOWN, "toy"), PHONE, True),
        (PassCheck("native", R.KEY_UNKNOWN, "other town"), PHONE, True),
        (native(), native(), False),
        (native(R.HELD), native(R.HELD), False),
        (native(R.EXPIRED), native(R.EXPIRED), False),
        (
            PassCheck("native", R.BAD_SIGNATURE, "forged"),
            PassCheck("native", R.BAD_SIGNATURE, "forged"),
            False,
        ),
    ],
)
def test_who_follows_a_family_is_judged_by(own: PassCheck | None, counts: PassCheck, follows: bool) -> None:
    assert judged(own, PHONE) == (counts, follows)


def test_without_a_family_ahead_everybody_is_judged_by_what_they_show() -> None:
    assert judged(None, None) == (None, False)
    assert judged(native(), None) == (native(), False)


# -- nothing else opens the gate ---------------------------------------------------------------------------


@pytest.mark.slow
def test_green_exactly_where_rule_1_allows_it_for_every_code_result_and_way() -> None:
    """Every code with every result and way; the policies are dealt out, KIOSK_DECISION_N of 128 to each."""
    hands = len(POLICIES) // int(os.environ.get("KIOSK_DECISION_N", "2"))
    wrong = []
    for number, (check, screening, direction) in enumerate(product(TEXTS, SCREENINGS, Direction)):
        for policy in POLICIES[number % hands :: hands]:
            c = Circumstances(policy, direction, check, screening)
            if (decide(c).verdict is ADMIT) != may_be_green(c):
                wrong.append(c)
    assert wrong == []


@pytest.mark.parametrize("policy", [ROUTINE, EMERGENCY])
def test_green_exactly_where_rule_1_allows_it_for_every_state_of_the_gate(policy: Policy) -> None:
    flags = product((True, False), repeat=5)
    for screening, age, is_open, (companion, passback, trust, journal, called) in product(
        SCREENINGS, AGES, (True, False, None), flags
    ):
        c = Circumstances(
            policy,
            Direction.IN,
            native(),
            screening,
            companion=companion,
            passback=passback,
            gate_open=is_open,
            trust=trust,
            lists_age_s=age,
            journal_ok=journal,
            called=called,
        )
        assert (decide(c).verdict is ADMIT) == may_be_green(c), c


@given(circumstances)
def test_green_exactly_where_rule_1_allows_it_for_any_mixture(c: Circumstances) -> None:
    assert (decide(c).verdict is ADMIT) == may_be_green(c)


@given(circumstances)
def test_green_names_what_spoke_for_it(c: Circumstances) -> None:
    answer = decide(c)
    if answer.verdict is ADMIT:
        for_the_pass, for_the_forehead = answer.reasons
        assert for_the_pass in FOR_THE_PASS
        assert for_the_forehead in FOR_THE_FOREHEAD


@given(circumstances)
def test_only_what_is_certain_refuses_and_no_temperature_does(c: Circumstances) -> None:
    answer = decide(c)
    assert (answer.verdict is REFUSE) == bool(CERTAIN & set(answer.reasons))
    measured = {replace(c, screening=other) for other in SCREENINGS}
    assert {decide(other).verdict is REFUSE for other in measured} == {answer.verdict is REFUSE}


@given(circumstances, st.data())
def test_a_stricter_policy_never_gives_a_milder_verdict(c: Circumstances, data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(stricter(c.policy)))
    assert decide(replace(c, policy=policy)).verdict.severity >= decide(c).verdict.severity


@given(circumstances)
def test_more_trouble_never_gives_a_milder_verdict(c: Circumstances) -> None:
    before = decide(c).verdict.severity
    troubles = (
        {"gate_open": False},
        {"trust": False},
        {"lists_age_s": None},
        {"journal_ok": False},
        {"passback": True},
        {"screening": Screening.HIGH},
    )
    for trouble in troubles:
        assert decide(replace(c, **trouble)).verdict.severity >= before, trouble
    if c.gate_open:
        assert decide(replace(c, gate_open=None)).verdict.severity >= before


@given(circumstances)
def test_without_a_journal_nobody_gets_green(c: Circumstances) -> None:
    assert decide(replace(c, journal_ok=False)).verdict is not ADMIT


@given(circumstances)
def test_reasons_are_listed_once_and_the_worst_first(c: Circumstances) -> None:
    reasons = decide(c).reasons
    assert len(set(reasons)) == len(reasons)
    order = [row.reason for row in TABLE]
    weights = [
        max(row.verdict.severity for row in TABLE if row.reason is reason and row.applies(c))
        for reason in reasons
    ]
    assert weights == sorted(weights, reverse=True)
    for weight in set(weights):
        equal = [reason for reason, its in zip(reasons, weights, strict=True) if its == weight]
        assert equal == sorted(equal, key=order.index)


@given(circumstances)
def test_a_reading_is_asked_for_exactly_when_it_can_still_change_the_answer(c: Circumstances) -> None:
    unmeasured = replace(c, screening=None)
    good = decide(replace(c, screening=Screening.NORMAL)).verdict
    now = decide(unmeasured).verdict
    assert needs_reading(unmeasured) == (now is not ADMIT and good is ADMIT)
    for screening in Screening:
        assert not needs_reading(replace(c, screening=screening))


@pytest.mark.parametrize(
    "row", [row for row in PASS_ROWS if row.verdict is not ADMIT], ids=lambda row: row[0]
)
def test_what_failed_on_a_pass_is_what_is_on_record(row: Row) -> None:
    if row.reason not in (R.JOURNAL_FAULT, R.CALLED):
        assert decide(usual(check=native(row.reason), screening=None)) == Decision(row.verdict, (row.reason,))


def test_every_reason_stands_in_the_table() -> None:
    assert {row.reason for row in TABLE} == set(Reason)


def _without(monkeypatch: pytest.MonkeyPatch, reason: Reason) -> None:
    for name in ("PASS_ROWS", "FOREHEAD_ROWS", "TABLE"):
        rows: tuple[Row, ...] = getattr(decision, name)
        monkeypatch.setattr(decision, name, tuple(row for row in rows if row.reason is not reason))


@pytest.mark.parametrize("missing", Reason)
def test_a_reason_that_has_no_row_yet_refers(monkeypatch: pytest.MonkeyPatch, missing: Reason) -> None:
    """A format may learn a new reason before the table does: it must not fall through to green."""
    _without(monkeypatch, missing)
    assert decide(usual(check=native(missing))).verdict is not ADMIT


@pytest.mark.parametrize("missing", sorted(FOR_THE_FOREHEAD))
def test_a_result_that_has_no_row_yet_refers(monkeypatch: pytest.MonkeyPatch, missing: Reason) -> None:
    everybody = [
        usual(screening=screening, direction=way) for screening, way in product(SCREENINGS, Direction)
    ]
    rested_on_it = [c for c in everybody if missing in decide(c).reasons]
    assert rested_on_it
    _without(monkeypatch, missing)
    for c in rested_on_it:
        assert decide(c) == Decision(REFER, (R.NO_READING, R.PASS_VALID))

"""A verdict is decided on what holds now, written down, and only then anybody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.errors import JournalFull, SensorStuck
from kiosk.judge import Judge
from kiosk.model import (
    Attended,
    Category,
    Decision,
    Direction,
    EventKind,
    PassCheck,
    Reading,
    Reason,
    Screening,
    Verdict,
)
from kiosk.person import Person
from tests.street import Street, unplugged

LET_IN = Decision(Verdict.ADMIT, (Reason.PASS_VALID, Reason.TEMPERATURE_NORMAL))


def judge_of(street: Street) -> Judge:
    return street.gate.judge


def checked(street: Street, category: Category = Category.RESIDENT) -> PassCheck:
    return street.gate.surroundings.check(street.issue(category).text)


def somebody(street: Street, screening: Screening | None = Screening.NORMAL) -> Person:
    """Somebody with a good pass who has been measured, or not yet."""
    now = street.clock.monotonic()
    reading = None if screening is None else Reading(screening)
    return Person(now, checked(street), reading=reading, code_at=now, read_at=now)


def test_a_receipt_comes_with_the_record_and_says_admit_where_the_record_does(street: Street) -> None:
    decision, receipt = judge_of(street).record(somebody(street), street.clock.monotonic())
    assert decision.verdict is Verdict.ADMIT
    assert receipt is not None
    assert receipt.verdict is Verdict.ADMIT
    [body] = street.events(EventKind.PASSAGE)
    assert body["verdict"] == "ADMIT"


def test_without_a_record_nobody_is_admitted_and_the_record_that_waits_says_so(street: Street) -> None:
    street.disk_error = JournalFull("no space left")
    decision, receipt = judge_of(street).record(somebody(street), street.clock.monotonic())
    assert receipt is None
    assert decision.verdict is Verdict.REFER
    assert decision.reasons[0] is Reason.JOURNAL_FAULT
    street.disk_error = None
    street.run(2.0)
    [body] = street.events(EventKind.PASSAGE)
    assert body["verdict"] == "REFER"
    assert body["gate"]["journal"] is False
    assert "late" in body


def test_a_refusal_stays_a_refusal_without_a_record(street: Street) -> None:
    street.disk_error = JournalFull("no space left")
    person = somebody(street, None)
    person.check = PassCheck("native", Reason.BAD_SIGNATURE, "x0")
    decision, _ = judge_of(street).record(person, street.clock.monotonic())
    assert decision.verdict is Verdict.REFUSE


def test_a_pass_that_was_let_in_brings_no_second_person_through(street: Street) -> None:
    first = somebody(street)
    judge_of(street).remember(first, LET_IN, street.clock.monotonic())
    again = Person(street.clock.monotonic(), first.check, reading=Reading(Screening.NORMAL))
    decision, _ = judge_of(street).record(again, street.clock.monotonic())
    assert decision.reasons[0] is Reason.ANTI_PASSBACK
    again.companion = True
    decision, _ = judge_of(street).record(again, street.clock.monotonic())
    assert decision.verdict is Verdict.ADMIT


def test_who_followed_a_household_does_not_use_its_pass_up(street: Street) -> None:
    child = somebody(street)
    child.companion = True
    judge_of(street).remember(child, LET_IN, street.clock.monotonic())
    head = Person(street.clock.monotonic(), child.check, reading=Reading(Screening.NORMAL))
    assert judge_of(street).record(head, street.clock.monotonic())[0].verdict is Verdict.ADMIT


def test_a_gate_that_does_not_know_the_way_accuses_nobody(folder: Path) -> None:
    with Street(folder, direction=Direction.BOTH) as street:
        street.run(1.0)
        person = somebody(street)
        judge_of(street).remember(person, LET_IN, street.clock.monotonic())
        assert judge_of(street).record(person, street.clock.monotonic())[0].verdict is Verdict.ADMIT


@pytest.mark.parametrize(
    ("attended", "on_duty", "expected"),
    [
        (Attended.ALWAYS, False, True),
        (Attended.NEVER, True, False),
        (Attended.SHIFTS, True, True),
        (Attended.SHIFTS, False, False),
    ],
)
def test_who_is_there_to_help(folder: Path, attended: Attended, on_duty: bool, expected: bool) -> None:
    with Street(folder, attended=attended) as street:
        judge_of(street).on_duty = on_duty
        assert judge_of(street).attended is expected


def test_a_reading_is_asked_for_only_where_it_can_change_the_answer(street: Street) -> None:
    assert judge_of(street).needs_reading(somebody(street, None))
    assert not judge_of(street).needs_reading(somebody(street, Screening.HIGH))
    called = somebody(street, None)
    called.called = True
    assert not judge_of(street).needs_reading(called)
    street.sensor_fault = unplugged()
    street.run(0.5)
    assert not judge_of(street).needs_reading(somebody(street, None))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (unplugged(), Reason.SENSOR_FAULT),
        (SensorStuck("thermometer: the same word for more than 60 s"), Reason.SENSOR_STUCK),
    ],
)
def test_the_thermometers_fault_stands_in_the_record(
    street: Street, fault: SensorStuck, reason: Reason
) -> None:
    street.sensor_fault = fault
    street.run(0.5)
    decision, _ = judge_of(street).record(somebody(street, None), street.clock.monotonic())
    assert decision.reasons[0] is reason
    [body] = street.events(EventKind.PASSAGE)
    assert (body["screening"], body["reading"]) == (str(reason), None)


def test_a_record_names_its_settings_and_says_simulated(street: Street) -> None:
    judge_of(street).record(somebody(street), street.clock.monotonic())
    [body] = street.events(EventKind.PASSAGE)
    [context] = street.events(EventKind.CONTEXT)
    assert body["context"] == context["id"]
    assert body["simulated"] is True

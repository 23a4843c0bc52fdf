"""Passes, policies and circumstances for the tests of a decision: all of them, and strategies to mix them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

from hypothesis import strategies as st

from kiosk.model import (
    Category,
    Direction,
    IssuerId,
    Mode,
    PassCheck,
    PassFacts,
    PassId,
    Reason,
    Screening,
    UnixTime,
)
from kiosk.passage.decision import Circumstances
from kiosk.policy import EMERGENCY, ROUTINE, Policy


def _policy(
    base: Policy,
    shut_out: tuple[Category, ...],
    going_in: bool,
    going_out: bool,
    guard: bool,
    environment: bool,
    unsigned: bool,
) -> Policy:
    return replace(
        base,
        temperature_in=going_in,
        temperature_out=going_out,
        guard_admits=guard,
        environment_admits=environment,
        unsigned_admits=unsigned,
        shut_out=shut_out,
    )


POLICIES: Final = tuple(
    _policy(base, shut_out, *flags)
    for base in (ROUTINE, EMERGENCY)
    for shut_out in ((), (Category.VISITOR,))
    for flags in product((True, False), repeat=5)
)
AGES: Final = (0.0, 3600.0, 86_400.0, 86_401.0, 30 * 86_400.0, -5.0, None, float("nan"), float("inf"))


def facts(category: Category = Category.RESIDENT) -> PassFacts:
    return PassFacts(PassId("0011223344556677"), IssuerId("office"), category, UnixTime(2e9))


def native(reason: Reason = Reason.PASS_VALID, category: Category = Category.RESIDENT) -> PassCheck:
    return PassCheck("native", reason, "0011223344556677", facts(category))


def texts() -> Iterator[PassCheck | None]:
    """Every answer a format can give, and many it must not: each reason, signed or not, facts or none."""
    yield None
    for reason, form in product(Reason, ("native", "opaque", "eu_dcc")):
        yield PassCheck(form, reason, "0011223344556677", None)
        for category in (Category.RESIDENT, Category.VISITOR, Category.HOUSEHOLD):
            yield PassCheck(form, reason, "0011223344556677", facts(category))


TEXTS: Final = tuple(texts())
SCREENINGS: Final = (None, *Screening)

policies = st.sampled_from(POLICIES)
circumstances = st.builds(
    Circumstances,
    policy=policies,
    direction=st.sampled_from(Direction),
    check=st.one_of(
        st.sampled_from(TEXTS),
        # Half of the examples begin with a pass that holds, or nearly all would fail at the first row.
        st.sampled_from([native(category=category) for category in Category]),
    ),
    screening=st.sampled_from(SCREENINGS),
    companion=st.booleans(),
    passback=st.booleans(),
    gate_open=st.sampled_from([True, True, False, None]),
    trust=st.booleans(),
    lists_age_s=st.sampled_from(AGES),
    journal_ok=st.booleans(),
    called=st.booleans(),
    high_before=st.booleans(),
    left=st.booleans(),
)


def usual(**changes: object) -> Circumstances:
    """A resident with a good pass and a normal forehead going in; ``changes`` on top."""
    good = Circumstances(policy=ROUTINE, direction=Direction.IN, check=native(), screening=Screening.NORMAL)
    return replace(good, **changes)  # type: ignore[arg-type]


def may_be_green(c: Circumstances) -> bool:
    """Rule 1 of the design said a second time, in one sentence, without the table."""
    nothing_against = (
        c.gate_open is True
        and c.trust
        and c.journal_ok
        and not c.called
        and not c.high_before
        and not c.left
        and (c.companion or not c.passback)
        and c.lists_age_s is not None
        and c.lists_age_s <= c.policy.lists_max_age_s
    )
    return nothing_against and _pass_verified(c) and _forehead_accepted(c)


def _pass_verified(c: Circumstances) -> bool:
    check = c.check
    if check is None or check.reason is not Reason.PASS_VALID or check.facts is None:
        return False
    unsigned_accepted = c.policy.unsigned_admits and c.policy.mode is Mode.ROUTINE
    return check.facts.category not in c.policy.shut_out and (check.format == "native" or unsigned_accepted)


def _forehead_accepted(c: Circumstances) -> bool:
    if c.screening is Screening.NORMAL:
        return True
    if c.screening is Screening.HIGH:
        return False
    if c.screening is Screening.GUARD:
        return c.policy.guard_admits
    required = {
        Direction.IN: c.policy.temperature_in,
        Direction.OUT: c.policy.temperature_out,
        Direction.BOTH: c.policy.temperature_in or c.policy.temperature_out,
    }[c.direction]
    return not required or (c.screening is Screening.ENVIRONMENT and c.policy.environment_admits)


def stricter(policy: Policy) -> list[Policy]:
    """Every policy that differs in one setting, in the stricter direction."""
    return [
        replace(policy, temperature_in=True),
        replace(policy, temperature_out=True),
        replace(policy, guard_admits=False),
        replace(policy, environment_admits=False),
        replace(policy, unsigned_admits=False),
        replace(policy, shut_out=(*policy.shut_out, Category.RESIDENT)),
        replace(policy, shut_out=tuple(Category)),
        replace(policy, lists_max_age_s=type(policy.lists_max_age_s)(60)),
        replace(policy, mode=Mode.EMERGENCY),
    ]

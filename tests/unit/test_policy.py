"""Policies: the product's defaults, their signed form, and that nothing is half understood."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import TrustError
from kiosk.model import Category, Direction, Mode, Seconds
from kiosk.passes import cbor
from kiosk.policy import DAY, DEFAULTS, EMERGENCY, ROUTINE, Policy

policies = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    temperature_in=st.booleans(),
    temperature_out=st.booleans(),
    guard_admits=st.booleans(),
    environment_admits=st.booleans(),
    shut_out=st.lists(st.sampled_from(Category), unique=True).map(tuple),
    companions=st.integers(0, 20),
    companions_s=st.integers(0, 600),
    anti_passback_s=st.integers(0, DAY),
    lists_max_age_s=st.integers(60, 60 * DAY),
    unsigned_admits=st.booleans(),
    max_gap_s=st.integers(0, 366 * DAY),
    time_zone=st.sampled_from(["Asia/Shanghai", "UTC", "Europe/Berlin"]),
)


@given(policies)
def test_a_policy_comes_back_from_its_signed_form(policy: Policy) -> None:
    assert Policy.from_map(cbor.read_deterministic(cbor.encode(policy.to_map()))) == policy


def test_the_defaults_are_the_designs() -> None:
    assert DEFAULTS == {Mode.ROUTINE: ROUTINE, Mode.EMERGENCY: EMERGENCY}
    assert (ROUTINE.temperature_in, ROUTINE.temperature_out) == (True, False)
    assert (EMERGENCY.temperature_in, EMERGENCY.temperature_out) == (True, True)
    assert (ROUTINE.guard_admits, EMERGENCY.guard_admits) == (True, False)
    assert (ROUTINE.environment_admits, EMERGENCY.environment_admits) == (True, False)
    assert (ROUTINE.shut_out, EMERGENCY.shut_out) == ((), (Category.VISITOR,))
    assert (ROUTINE.companions, EMERGENCY.companions) == (4, 0)
    assert (ROUTINE.lists_max_age_s, EMERGENCY.lists_max_age_s) == (Seconds(7 * DAY), Seconds(DAY))
    for policy in DEFAULTS.values():
        assert (policy.companions_s, policy.anti_passback_s) == (Seconds(60), Seconds(120))
        assert (policy.max_gap_s, policy.unsigned_admits) == (Seconds(30 * DAY), False)


@pytest.mark.parametrize("policy", DEFAULTS.values(), ids=str)
def test_a_way_that_is_not_known_gets_the_stricter_rule(policy: Policy) -> None:
    assert policy.temperature_required(Direction.IN) is policy.temperature_in
    assert policy.temperature_required(Direction.OUT) is policy.temperature_out
    assert policy.temperature_required(Direction.BOTH) is (policy.temperature_in or policy.temperature_out)
    only_out = replace(policy, temperature_in=False, temperature_out=True)
    assert only_out.temperature_required(Direction.BOTH)


@pytest.mark.parametrize("missing", [field.name for field in fields(Policy)] + ["v"])
def test_a_field_too_few_is_refused(missing: str) -> None:
    plain = ROUTINE.to_map()
    del plain[missing]
    with pytest.raises(TrustError):
        Policy.from_map(plain)


REFUSED: list[tuple[str, Any]] = [
    ("v", 2),
    ("v", "1"),
    ("more", True),
    ("mode", "lax"),
    ("mode", 0),
    ("temperature_in", 1),
    ("guard_admits", "yes"),
    ("guard_admits", None),
    ("shut_out", "visitor"),
    ("shut_out", ["king"]),
    ("shut_out", [3]),
    ("companions", -1),
    ("companions", 21),
    ("companions", 4.0),
    ("companions", True),
    ("companions_s", 601),
    ("anti_passback_s", DAY + 1),
    ("lists_max_age_s", 59),
    ("lists_max_age_s", 61 * DAY),
    ("max_gap_s", 367 * DAY),
    ("max_gap_s", -1),
    ("time_zone", "Nowhere/Atall"),
    ("time_zone", "../../etc/passwd"),
    ("time_zone", "America"),
    ("time_zone", "zoneinfo\0"),
    ("time_zone", "Asia/" + "x" * 5000),
    ("time_zone", ""),
    ("time_zone", 8),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_field_of_another_kind_is_refused(field: str, value: Any) -> None:
    with pytest.raises(TrustError, match="policy"):
        Policy.from_map(ROUTINE.to_map() | {field: value})


@pytest.mark.parametrize("plain", [None, [], "policy", 1, {}])
def test_what_is_no_map_is_refused(plain: Any) -> None:
    with pytest.raises(TrustError):
        Policy.from_map(plain)

"""A cold street is believed from whoever told it last; an old value, or none, is no warm street."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import ConfigError
from kiosk.model import Celsius, ClockState, Monotonic, TimeInterval, UnixTime
from kiosk.outdoor import AHEAD_S, ENTRY_KEEPS_S, EVERY_S, FILE_NAME, PART_KEEPS_S, OutdoorEntry, Outdoors

NOON = UnixTime(1_798_779_600.0)
NOW = Monotonic(5000.0)


def proven(at: float = NOON) -> TimeInterval:
    return TimeInterval.exactly(UnixTime(at))


def entered(folder: Path, celsius: float = 18.0, at: float = NOON) -> Outdoors:
    OutdoorEntry(Celsius(celsius), UnixTime(at), "a volunteer").save(folder / FILE_NAME)
    return looked(folder)


def looked(folder: Path) -> Outdoors:
    made = Outdoors(folder / FILE_NAME)
    made.look(NOW)
    return made


def test_nobody_said_anything(tmp_path: Path) -> None:
    made = looked(tmp_path)
    assert made.celsius(NOW, proven()) is None
    assert made.error is None


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (0.0, True),
        (ENTRY_KEEPS_S, True),
        (ENTRY_KEEPS_S + 1, False),
        (200 * 86_400.0, False),
        (-AHEAD_S, True),
        (-AHEAD_S - 1, False),
    ],
)
def test_an_entry_counts_for_three_hours(tmp_path: Path, age: float, counts: bool) -> None:
    made = entered(tmp_path, at=NOON - age)
    assert made.celsius(NOW, proven()) == (18.0 if counts else None)


def test_an_entry_of_unknown_age_says_nothing(tmp_path: Path) -> None:
    made = entered(tmp_path)
    unsure = TimeInterval(NOON, UnixTime(NOON + 60), ClockState.UNTRUSTED)
    assert made.celsius(NOW, unsure) is None


def test_a_part_counts_for_a_minute(tmp_path: Path) -> None:
    made = looked(tmp_path)
    made.measured(NOW, Celsius(4.0))
    made.measured(NOW, Celsius(float("nan")))
    assert made.celsius(Monotonic(NOW + PART_KEEPS_S), proven()) == 4.0
    assert made.celsius(Monotonic(NOW + PART_KEEPS_S + 0.1), proven()) is None


def test_the_newest_wins(tmp_path: Path) -> None:
    made = entered(tmp_path, at=NOON - 30)
    made.measured(NOW, Celsius(4.0))
    assert made.celsius(NOW, proven()) == 4.0
    assert made.celsius(Monotonic(NOW + 45), proven(NOON)) == 18.0, (
        "entered half a minute ago, measured before"
    )
    assert made.celsius(Monotonic(NOW + 61), proven(NOON + 61)) == 18.0, "the part has fallen silent"


def test_the_file_is_looked_at_every_second_and_a_new_entry_told_once(tmp_path: Path) -> None:
    made = Outdoors(tmp_path / FILE_NAME)
    assert made.look(NOW) is None
    entry = OutdoorEntry(Celsius(3.0), NOON, "the server")
    entry.save(tmp_path / FILE_NAME)
    assert made.look(Monotonic(NOW + EVERY_S / 2)) is None
    assert made.look(Monotonic(NOW + EVERY_S)) == entry
    assert made.look(Monotonic(NOW + 3 * EVERY_S)) is None
    assert made.celsius(Monotonic(NOW + 3), proven()) == 3.0


def test_a_file_that_is_gone_takes_its_value_with_it(tmp_path: Path) -> None:
    made = entered(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    made.look(Monotonic(NOW + 2))
    assert made.celsius(Monotonic(NOW + 2), proven()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"celsius": 61.0},
        {"celsius": float("nan")},
        {"celsius": "warm"},
        {"celsius": True},
        {"celsius": None},
        {"celsius": 10**400},
        {"at": float("inf")},
        {"at": -1},
        {"at": "noon"},
        {"source": ""},
        {"source": "x" * 81},
        {"source": "two\nlines"},
        {"source": 5},
        {"more": 1},
    ],
)
def test_a_damaged_entry_says_nothing_and_says_so(tmp_path: Path, changes: dict[str, Any]) -> None:
    plain = OutdoorEntry(Celsius(18.0), NOON, "a volunteer").to_map() | changes
    (tmp_path / FILE_NAME).write_text(json.dumps(plain))
    made = looked(tmp_path)
    assert made.celsius(NOW, proven()) is None
    assert FILE_NAME in str(made.error)
    OutdoorEntry(Celsius(18.0), NOON, "a volunteer").save(tmp_path / FILE_NAME)
    made.look(Monotonic(NOW + 2))
    assert made.error is None
    assert made.celsius(NOW, proven()) == 18.0


@given(st.binary(max_size=200))
def test_whatever_stands_in_the_file_the_gate_goes_on(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("state") / FILE_NAME
    path.write_bytes(data)
    made = Outdoors(path)
    made.look(NOW)
    assert made.celsius(NOW, proven()) is None
    assert isinstance(made.error, ConfigError)


def test_a_directory_in_its_place_is_damage(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert looked(tmp_path).error is not None

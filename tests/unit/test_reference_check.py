"""The file between ``kiosk calibrate check`` and the gate: written whole, read strictly."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kiosk.errors import CalibrationError
from kiosk.model import Celsius, UnixTime
from kiosk.reference_check import FILE_NAME, ReferenceCheck

NOW = UnixTime(1_798_761_600.0)


def check(measured: float = 38.1, true: float = 38.0) -> ReferenceCheck:
    return ReferenceCheck(NOW, "bath 12-345", Celsius(measured), Celsius(true), "simulated xCC", True)


def test_what_was_saved_is_what_the_gate_reads(tmp_path: Path) -> None:
    check().save(tmp_path / FILE_NAME)
    assert ReferenceCheck.load(tmp_path / FILE_NAME) == check()
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o644, "the gate is another user"


def test_no_file_is_no_check(tmp_path: Path) -> None:
    assert ReferenceCheck.load(tmp_path / FILE_NAME) is None


@pytest.mark.parametrize(
    ("measured", "fits"), [(38.0, True), (38.3, True), (37.7, True), (38.31, False), (37.69, False)]
)
def test_three_tenths_of_a_degree_are_the_limit_in_both_directions(measured: float, fits: bool) -> None:
    assert check(measured).fits is fits
    assert check(measured).error == pytest.approx(measured - 38.0)


@pytest.mark.parametrize(
    "damage",
    [
        {"measured": True},
        {"measured": "38"},
        {"measured": float("nan")},
        {"true": 400},
        {"at": 10**400},
        {"at": float("inf")},
        {"simulated": 1},
        {"part": None},
        {"more": 1},
    ],
)
def test_a_damaged_file_is_never_a_check_that_fits(tmp_path: Path, damage: dict[str, object]) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(check().to_map() | damage))
    with pytest.raises(CalibrationError):
        ReferenceCheck.load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 5000, "\xff"])
def test_other_files_are_refused_with_their_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text, encoding="latin-1")
    with pytest.raises(CalibrationError, match=r"."):
        ReferenceCheck.load(path)

"""People with a forehead and an oral temperature, from a CSV file of the public study's shape.

Columns are found by name (device, date, time, Ta, oralM, fhc_1 .. fhc_4); others are not looked at. A blank
field is a missing value. What can't be understood is an error with its line; nothing is guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Final

from kiosk.errors import CalibrationError
from kiosk.model import Celsius

FOREHEAD: Final = ("fhc_1", "fhc_2", "fhc_3", "fhc_4")
NEEDED: Final = ("device", "date", "time", "Ta", "oralM", *FOREHEAD)
MISSING: Final = frozenset({"", "na", "nan"})
_COLDEST, _HOTTEST = -70.0, 382.0
_YEARS: Final = ("%y-%m-%d", "%Y-%m-%d")


class BrokenData(CalibrationError):
    """A data file is not what it should be; the message names file and line."""

    code = "BROKEN_DATA"


@dataclass(frozen=True, slots=True)
class Volunteer:
    """One person before one camera."""

    at: datetime
    """Local time of the study."""
    line: int
    forehead: Celsius
    """Mean of the centre-of-forehead readings that are there."""
    ambient: Celsius
    oral: Celsius
    """By the thermometer in monitor mode: the truth here."""


@dataclass(slots=True)
class Study:
    """Everybody by camera, in order of date and time."""

    cameras: dict[str, list[Volunteer]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    """By camera: people without any forehead, ambient or oral temperature."""


def read(path: Path) -> Study:
    """Read a file; BrokenData with the line for what can't be understood, OSError when it can't be read."""
    study = Study()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, row in _rows(path, file):
                _take(study, path, line, row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenData(f"{path}: no CSV file in UTF-8: {error}") from None
    for people in study.cameras.values():
        people.sort(key=lambda volunteer: (volunteer.at, volunteer.line))
    if not study.cameras:
        raise BrokenData(f"{path}: nobody in it has a forehead, an ambient and an oral temperature")
    return study


def _rows(path: Path, file: Iterator[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(file)
    names = [name.strip() for name in next(reader, [])]
    absent = [name for name in NEEDED if name not in names]
    if absent:
        raise BrokenData(f"{path}: line 1: there is no column {', '.join(absent)}")
    for fields in reader:
        if not any(part.strip() for part in fields):
            continue
        if len(fields) != len(names):
            raise BrokenData(f"{path}: line {reader.line_num}: {len(fields)} fields, not {len(names)}")
        yield reader.line_num, dict(zip(names, map(str.strip, fields), strict=True))


def _take(study: Study, path: Path, line: int, row: Mapping[str, str]) -> None:
    try:
        camera = row["device"]
        if not camera:
            raise ValueError("device: it is blank")
        foreheads = [value for name in FOREHEAD if (value := _celsius(row, name)) is not None]
        ambient, oral = _celsius(row, "Ta"), _celsius(row, "oralM")
        if not foreheads or ambient is None or oral is None:
            study.left_out[camera] = study.left_out.get(camera, 0) + 1
            return
        people = study.cameras.setdefault(camera, [])
        at = _moment(row, people)
    except ValueError as error:
        raise BrokenData(f"{path}: line {line}: {error}") from None
    mean = Celsius(sum(foreheads) / len(foreheads))
    people.append(Volunteer(at, line, mean, ambient, oral))


def _celsius(row: Mapping[str, str], name: str) -> Celsius | None:
    text = row[name]
    if text.lower() in MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a number") from None
    if not isfinite(value) or not _COLDEST <= value <= _HOTTEST:
        raise ValueError(f"{name}: {text} is no temperature")
    return Celsius(value)


def _moment(row: Mapping[str, str], before: list[Volunteer]) -> datetime:
    """When this was; a blank one stands where it stands in the file, after the person before."""
    if row["date"].lower() in MISSING or row["time"].lower() in MISSING:
        return before[-1].at if before else datetime.min  # noqa: DTZ901 - local times of one study
    text = f"{row['date']} {row['time']}"
    for day in _YEARS:
        for clock in ("%H:%M:%S", "%H:%M"):
            try:
                return datetime.strptime(text, f"{day} {clock}")  # noqa: DTZ007 - local times of one study
            except ValueError:
                continue
    raise ValueError(f"date and time: {text!r} is not like 16-11-17 12:43:46")

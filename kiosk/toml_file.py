"""A TOML file of sections and settings, with the line that each mistake stands in.

``tomllib`` does not say where a key was. Instead of a second parser, which could disagree with it, the
line is found by asking it: a key stands in the line whose addition to the text above it makes the key
appear.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from kiosk.errors import ConfigError, ConfigUnreadable
from kiosk.validators import did_you_mean

T = TypeVar("T")
LARGEST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: in which line (None: unknown), of which setting (empty: the file), and what it is."""

    line: int | None
    key: str
    reason: str

    def __str__(self) -> str:
        """One line for people."""
        return "".join(
            (f"line {self.line}: " if self.line else "", f"{self.key}: " if self.key else "", self.reason)
        )


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says, or nothing at all. Immutable."""

    path: Path | None = None
    text: str = ""
    tables: Mapping[str, Any] = field(default_factory=dict)

    def entries(
        self, known: Mapping[str, Sequence[str]], problems: list[Problem]
    ) -> Iterator[tuple[str, str, object, int | None]]:
        """Section, name, value and line of each known setting; the unknown ones go to ``problems``."""
        for section, table in self.tables.items():
            if section not in known:
                problems.append(self._unknown(section, known))
            elif not isinstance(table, Mapping):
                reason = f"must be a section: write [{section}] and its settings below"
                problems.append(Problem(self.line(section), section, reason))
            else:
                yield from self._section(section, table, known, problems)

    def _section(
        self,
        section: str,
        table: Mapping[str, object],
        known: Mapping[str, Sequence[str]],
        problems: list[Problem],
    ) -> Iterator[tuple[str, str, object, int | None]]:
        names = known[section]
        for name, value in table.items():
            line = self.line(section, name)
            if name in names:
                yield section, name, value, line
            else:
                hint = _home(name, known) or did_you_mean(name, names)
                problems.append(Problem(line, f"{section}.{name}", f"there is no such setting{hint}"))

    def _unknown(self, section: str, known: Mapping[str, Sequence[str]]) -> Problem:
        homes = [home for home, names in known.items() if section in names]
        hint = f" (it belongs under [{homes[0]}])" if homes else did_you_mean(section, tuple(known))
        return Problem(self.line(section), section, f"there is no such section{hint}")

    def located(self, value: T) -> T:
        """Relative paths start at the folder of the file, wherever the program runs."""
        if isinstance(value, tuple):
            return type(value)(map(self.located, value))
        if isinstance(value, Path) and self.path:
            return self.path.absolute().parent / value
        return value

    def problem(self, given: Mapping[str, object], keys: Sequence[str], reason: str) -> Problem:
        """A mistake of the first setting, in the line of whichever of them this file names first."""
        named = next((key for key in keys if key in given), None)
        return Problem(self.line(*named.split(".")) if named else None, keys[0], reason)

    def line(self, *names: str) -> int | None:
        """Where a key or section begins, counted from 1; None when this file does not name it."""
        lines = self.text.split("\n")
        candidates = (number for number, line in enumerate(lines, 1) if names[-1] in line)
        return next((number for number in candidates if _holds(_whole(lines, number), names)), None)


def _whole(lines: Sequence[str], number: int) -> object:
    """The file up to this line, or up to the end of a value that goes on over several lines."""
    for end in range(number, len(lines) + 1):
        try:
            return tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
    return None


def _holds(tables: object, names: Sequence[str]) -> bool:
    for name in names:
        if not isinstance(tables, Mapping) or name not in tables:
            return False
        tables = tables[name]
    return True


def _home(word: str, known: Mapping[str, Sequence[str]]) -> str:
    """`` (it is 'red' under [pins])`` for a setting of another section, also with that section's name."""
    homes: dict[str, list[str]] = {}
    for section, names in known.items():
        one = section.removesuffix("s")
        for name in names:
            if word in (name, f"{name}_{one}", f"{one}_{name}", f"{section}_{name}"):
                homes.setdefault(name, []).append(f"[{section}]")
    return "".join(f" (it is {name!r} under {' or '.join(sections)})" for name, sections in homes.items())


# -- reading ---------------------------------------------------------------------------------------------


def read_document(path: Path) -> Document:
    """Read a file; ConfigUnreadable when that fails, ConfigError when it is not TOML."""
    text = _decoded(path, _read(path))
    try:
        return Document(path, text, tomllib.loads(text))
    except RecursionError:
        raise _refused(path, None, "brackets are nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and what int() says of a number with 5,000 digits
        line, reason = _syntax(str(error))
        raise _refused(path, line, reason) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        reason = f"{path} can't be read: {error.strerror or error}"
        raise ConfigUnreadable(reason) from None
    if len(data) > LARGEST_BYTES:
        raise ConfigUnreadable(f"{path} is larger than {LARGEST_BYTES // 1024} KiB: that is no configuration")
    return data


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(path, line, "this is not UTF-8 text: save the file as UTF-8") from None


_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z")


def _syntax(message: str) -> tuple[int | None, str]:
    """Line and reason out of what tomllib says."""
    place = _PLACE.search(message)
    if not place:
        return None, message
    reason = _PLACE.sub("" if place["line"] else " (at the end of the file)", message)
    return int(place["line"]) if place["line"] else None, f"this is not TOML: {reason}"


def _refused(path: Path, line: int | None, reason: str) -> ConfigError:
    return ConfigError(f"{path} has a mistake", (Problem(line, "", reason),))

"""One family of validators, for the configuration, the command line and web forms alike.

A :class:`Validator` takes a value as TOML, JSON or a form delivers it and returns it typed, or raises
ValueError with a reason that reads on after the setting's name ("must be ..."). Nothing is converted
silently: a number in quotes is refused in a file, and only :meth:`Validator.from_text` reads text.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Validator(Generic[T]):
    """``wanted`` says in words what is accepted. Stateless, so it may be shared between threads."""

    wanted: str
    check: Callable[[object], T]
    read: Callable[[str], object] = str

    def __call__(self, value: object) -> T:
        """The typed value; ValueError with a reason."""
        return self.check(value)

    def from_text(self, text: str) -> T:
        """The same for what a person typed into a form or on a command line."""
        return self.check(self.read(text.strip()))

    def argument(self, text: str) -> T:
        """:meth:`from_text` in the shape that argparse's ``type=`` wants."""
        try:
            return self.from_text(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """`` (did you mean 'guard'?)`` when a known word is near, else nothing."""
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f" (did you mean {by_folded[near[0]]!r}?)" if near else ""


# -- numbers -----------------------------------------------------------------------------------------


def number(low: float, high: float, unit: str = "", because: str = "") -> Validator[float]:
    """A finite number in [low, high]; whole numbers count as well, truth values and text do not."""
    wanted = _range("a number", low, high, unit)

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"must be {wanted}")
        if not low <= value <= high:  # nan is not in any range
            raise ValueError(_with_reason(f"must be {wanted}", because))
        return float(value)

    return Validator(wanted, check, _read_number)


def whole(low: int, high: int, unit: str = "", because: str = "") -> Validator[int]:
    """A whole number in [low, high]."""
    wanted = _range("a whole number", low, high, unit)

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be {wanted}")
        if not low <= value <= high:
            raise ValueError(_with_reason(f"must be {wanted}", because))
        return value

    return Validator(wanted, check, _read_number)


def _range(kind: str, low: float, high: float, unit: str) -> str:
    return f"{kind} from {low:g} to {high:g}" + (f" {unit}" if unit else "")


def _with_reason(sentence: str, because: str) -> str:
    return f"{sentence}: {because}" if because else sentence


def _read_number(text: str) -> object:
    if "_" in text:  # Python's own 1_000 is no number to a person
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


# -- words -------------------------------------------------------------------------------------------

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def flag() -> Validator[bool]:
    """True or false."""

    def check(value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    return Validator("true or false", check, lambda text: _WORDS.get(text.casefold(), text))


def choice(kind: type[E]) -> Validator[E]:
    """A member of a StrEnum, by its value."""
    by_value = {str(member): member for member in kind}
    named = one_of(*by_value)
    return Validator(named.wanted, lambda value: by_value[named(value)])


def one_of(*known: str, refused: dict[str, str] | None = None) -> Validator[str]:
    """One of a few words; ``refused`` gives a reason for some that are known and still not accepted."""
    wanted = f"one of {', '.join(known)}"

    def check(value: object) -> str:
        if value in known:
            return str(value)
        if isinstance(value, str) and value in (refused or {}):
            raise ValueError(f"can't be {value}: {(refused or {})[value]}")
        raise ValueError(f"must be {wanted}" + (did_you_mean(value, known) if isinstance(value, str) else ""))

    return Validator(wanted, check)


def text(longest: int) -> Validator[str]:
    """One line of printable text, possibly empty."""
    wanted = f"one line of text of at most {longest} characters"

    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise ValueError(f"must be {wanted}")
        return value

    return Validator(wanted, check)


_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?\Z")


def name() -> Validator[str]:
    """An identifier that is safe in file names, addresses and pages."""
    wanted = "1 to 32 characters of a-z, 0-9, - and _, with a letter or digit at both ends"

    def check(value: object) -> str:
        if not isinstance(value, str) or not _NAME.match(value):
            raise ValueError(f"must be {wanted}")
        return value

    return Validator(wanted, check)


_SOUND_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_:.,=-]{0,79}\Z", re.ASCII)


def sound_device() -> Validator[str]:
    """A PCM of ALSA as aplay's -D takes it; whether it is there is not looked at."""
    wanted = "an ALSA device such as default or plughw:CARD=Headphones (aplay -L lists them)"

    def check(value: object) -> str:
        if not isinstance(value, str) or not _SOUND_DEVICE.match(value):
            raise ValueError(f"must be {wanted}")
        return value

    return Validator(wanted, check)


# -- places ------------------------------------------------------------------------------------------


def path() -> Validator[Path]:
    """A file or folder; whether it exists is not looked at."""

    def check(value: object) -> Path:
        if not isinstance(value, str) or not value or not value.isprintable():
            raise ValueError("must be the path of a file or folder, in quotes")
        return Path(value)

    return Validator("a path; a relative one starts at the folder of the configuration file", check)


def server_url() -> Validator[str]:
    """A server's address: https, or http to this machine only. Empty means no server.

    The reason never repeats the address: a careless one carries a password.
    """
    wanted = "https://HOST[:PORT][/PATH], http:// to this machine only, or empty"

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"must be {wanted}")
        if value:
            _check_url(value)
        return value.rstrip("/")

    return Validator(wanted, check)


def _check_url(value: str) -> None:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be an address without spaces and special characters")
    parts, host = _split_url(value)
    if parts.username is not None or parts.password is not None:
        raise ValueError("can't hold a password: the secret belongs in a file of its own (sync.secret_file)")
    if parts.query or parts.fragment:
        raise ValueError("must end before any ? or #")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://: plain http is for this machine itself (127.0.0.1) only")


def _split_url(value: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts, parts.hostname
    except ValueError:  # a port that is no number, half an IPv6 address
        pass
    raise ValueError("must be an address such as https://HOST or https://HOST:8443")


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses, by name or number; nothing is looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


# -- time --------------------------------------------------------------------------------------------

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPAN = re.compile(r"(?P<days>[A-Za-z,-]+) (?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)\Z", re.ASCII)
_SPAN_WANTED = "days and hours such as 'Mon-Fri 06:30-22:00' or 'Sat,Sun 08:00-24:00'"


def weekly_span() -> Validator[tuple[int, int, int]]:
    """Days as bits (0 is Monday), first minute of the day, minute after the last."""
    return Validator(_SPAN_WANTED, _weekly_span)


def _weekly_span(value: object) -> tuple[int, int, int]:
    found = _SPAN.match(value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"must be {_SPAN_WANTED}")
    days = 0
    for part in found["days"].split(","):
        days |= _days(part)
    first, last = _minute(found["from"]), _minute(found["to"])
    if first >= last:
        raise ValueError("must end later than it begins: write a night as two spans, to 24:00 and from 00:00")
    return days, first, last


def _days(part: str) -> int:
    first, dash, last = part.partition("-")
    begin, end = _day(first), _day(last if dash else first)
    if begin > end:
        raise ValueError(f"must name days in the order of the week: split it as {first}-Sun,Mon-{last}")
    return sum(1 << day for day in range(begin, end + 1))


def _day(word: str) -> int:
    if word not in DAYS:
        raise ValueError(f"must name days as {', '.join(DAYS)}{did_you_mean(word, DAYS)}")
    return DAYS.index(word)


def _minute(clock: str) -> int:
    hours, minutes = int(clock[:2]), int(clock[3:])
    if minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise ValueError("must have hours from 00:00 to 24:00")
    return hours * 60 + minutes


_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


def day() -> Validator[str]:
    """A day of the calendar as ISO 8601 text; a TOML date counts as well."""
    wanted = "a day such as 2026-03-01"

    def check(value: object) -> str:
        written = value.isoformat() if type(value) is date else value
        if not isinstance(written, str) or not _DATE.match(written):
            raise ValueError(f"must be {wanted}")
        try:
            return date.fromisoformat(written).isoformat()
        except ValueError:
            raise ValueError(f"must be {wanted}: the calendar has no {written}") from None

    return Validator(wanted, check)


# -- lists -------------------------------------------------------------------------------------------


def list_of(item: Validator[T], fewest: int = 0, most: int = 64) -> Validator[tuple[T, ...]]:
    """A list without repetitions. The reason names the place of the first item that is wrong."""
    wanted = f"a list of {fewest} to {most}, each {item.wanted}"

    def check(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple) or not fewest <= len(value) <= most:
            raise ValueError(f"must be a list of {fewest} to {most}, each {item.wanted}")
        items = tuple(_item(item, place, raw) for place, raw in enumerate(value, 1))
        if len(set(items)) != len(items):
            raise ValueError("must not name anything twice")
        return items

    return Validator(wanted, check, lambda text: [word.strip() for word in text.split(",") if word.strip()])


def _item(item: Validator[T], place: int, raw: object) -> T:
    try:
        return item(raw)
    except ValueError as error:
        raise ValueError(f"item {place} {error}") from None

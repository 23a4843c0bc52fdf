"""Reading the maps inside signed lists: each field by name, type and range, and no field left over.

What a newer server adds has a new version number; an old gate refuses it whole instead of half
understanding it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

from kiosk.errors import TrustError
from kiosk.model import UnixTime

LATEST: Final = 253_402_300_799
"""The last second of year 9999: later times can't be shown to anybody."""
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
"""Ids of issuers, gates and communities, as the configuration takes them. Short ones make small codes."""
NAME_WORDS: Final = "1 to 32 characters of a-z, 0-9, - and _"

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Fields:
    """The fields of one map. Every method raises :class:`TrustError` that names the field."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise TrustError(f"{where}: not a map")
        self._left: dict[Any, Any] = dict(value)
        self._where = where

    def integer(self, name: str, low: int = 0, high: int = LATEST) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self._take(name)
        if type(value) is not int or not low <= value <= high:
            raise self._bad(name, f"must be a whole number from {low} to {high}")
        return value

    def time(self, name: str) -> UnixTime:
        """Seconds since 1970."""
        return UnixTime(self.integer(name))

    def data(self, name: str, low: int, high: int) -> bytes:
        """``low`` to ``high`` bytes."""
        value = self._take(name)
        if not isinstance(value, bytes) or not low <= len(value) <= high:
            raise self._bad(name, f"must be {low} to {high} bytes")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self._bad(name, "must be true or false")
        return value

    def name(self, name: str) -> str:
        """An id of the form :data:`NAME`."""
        value = self._take(name)
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise self._bad(name, f"must be {NAME_WORDS}")
        return value

    def one_of(self, name: str, kind: type[E]) -> E:
        """A member of an enumeration by its value."""
        try:
            return kind(self._take(name))
        except ValueError as error:
            raise self._bad(name, str(error)) from None

    def each(self, name: str, read: Callable[[Any], T], high: int) -> tuple[T, ...]:
        """A list of at most ``high`` items; ``read`` may raise ValueError or TypeError."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > high:
            raise self._bad(name, f"must be a list of at most {high}")
        try:
            return tuple(read(item) for item in value)
        except (ValueError, TypeError) as error:
            raise self._bad(name, str(error)) from None

    def mapping(self, name: str) -> dict[Any, Any]:
        """A map, to be read further."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise self._bad(name, "must be a map")
        return value

    def version(self, known: int) -> None:
        """The field ``v``, which must be the version this code knows."""
        if self.integer("v", 0, 1 << 32) != known:
            raise self._bad("v", f"this gate reads version {known} only")

    def done(self) -> None:
        """Refuse whatever was not asked for."""
        if self._left:
            raise TrustError(f"{self._where}: unknown fields {sorted(map(str, self._left))}")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise self._bad(name, "is missing")
        return self._left.pop(name)

    def _bad(self, name: str, message: str) -> TrustError:
        return TrustError(f"{self._where}: {name} {message}")

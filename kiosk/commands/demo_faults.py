"""What failed during a demo, from when to when: told as it happens and again at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kiosk import words
from kiosk.commands.demo_words import counted, said
from kiosk.model import Monotonic


@dataclass(slots=True)
class Trouble:
    """One fault of one part."""

    part: str
    code: str
    at: datetime
    """What the clock on the wall showed."""
    began: Monotonic
    ended: Monotonic | None = None

    def news(self, language: str) -> str:
        """What has just happened to it."""
        part, fault = words.part(self.part, language), words.fault(self.code, language)
        if self.ended is None:
            return said("began", language, part=part, fault=fault)
        return said("ended", language, part=part, lasted=self._lasted(language))

    def whole(self, language: str) -> str:
        """All of it: part, fault, since when and how long."""
        what = {"part": words.part(self.part, language), "fault": words.fault(self.code, language)}
        at = f"{self.at:%H:%M:%S}"
        if self.ended is None:
            return said("still", language, **what, at=at)
        return said("past", language, **what, at=at, lasted=self._lasted(language))

    def _lasted(self, language: str) -> str:
        seconds = 0.0 if self.ended is None else self.ended - self.began
        return counted("seconds", round(seconds), language)


class FaultLog:
    """Every fault so far, oldest first. For one thread."""

    def __init__(self) -> None:
        self.all: list[Trouble] = []

    def look(self, faults: Mapping[str, str], now: Monotonic, wall: datetime) -> list[Trouble]:
        """Take in what is wrong now (part to code); what has begun or ended since the last look."""
        over = [trouble for trouble in self.now() if faults.get(trouble.part) != trouble.code]
        for trouble in over:
            trouble.ended = now
        known = {trouble.part for trouble in self.now()}
        new = [Trouble(part, code, wall, now) for part, code in faults.items() if part not in known]
        self.all += new
        return [*over, *new]

    def now(self) -> list[Trouble]:
        """What is not over."""
        return [trouble for trouble in self.all if trouble.ended is None]

    def past(self, most: int) -> list[Trouble]:
        """The newest ones that are over, newest first."""
        return [trouble for trouble in reversed(self.all) if trouble.ended is not None][:most]


def listed(troubles: Iterable[Trouble], language: str) -> str:
    """Several of them in a line."""
    return "; ".join(trouble.whole(language) for trouble in troubles)

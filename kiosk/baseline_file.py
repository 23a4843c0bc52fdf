"""What is known of the baseline from before a start: the file, and what the journal says of DRIFT.

The file may be older than the journal: a disk that refuses it takes the journal's small events all the same,
since space is kept for them. So DRIFT is looked for in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from kiosk.files import read_json
from kiosk.model import ClockState, EventKind, EventSeq, Monotonic, UnixTime
from kiosk.passage.baseline import Drift
from kiosk.passage.journal import JournalReader, StoredEvent

FILE_NAME: Final = "baseline.json"
"""In the folder of the journal."""
NEWEST: Final = 2000
"""Events in which the last word on DRIFT is looked for: a gate writes one at least every hour."""
PAGE: Final = 100
"""Events in memory at a time."""
_BYTES: Final = 65_536


# -- the file ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file holds, its baseline still as plain data."""

    bound: str
    chip: str
    boot: str
    at: Monotonic
    wall: UnixTime | None
    """When it was saved, if that was proven."""
    drift_since: UnixTime | None
    """The earliest time at which DRIFT may have begun."""
    check_seen: UnixTime | None
    """Time of the newest check that has been taken in."""
    baseline: Mapping[str, Any]


def read(path: Path) -> Saved | None:
    """What was saved, None when nothing was; OSError, or ValueError for what is no such file."""
    try:
        plain = read_json(path, _BYTES)
        return None if plain is None else _parsed(plain)
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"not the fields of a baseline: {error!r}") from None


def _parsed(plain: Any) -> Saved:
    bound, chip, boot = (plain[name] for name in ("bound", "chip", "boot"))
    texts = all(isinstance(text, str) for text in (bound, chip, boot))
    if not texts or not isinstance(plain["baseline"], dict):
        raise TypeError("not the types of a baseline")
    at = _time(plain["at"])
    if at is None:
        raise TypeError("not saved at any time")
    wall, drift_since, check_seen = (_unix(plain[name]) for name in ("wall", "drift_since", "check_seen"))
    return Saved(bound, chip, boot, Monotonic(at), wall, drift_since, check_seen, plain["baseline"])


def _unix(value: object) -> UnixTime | None:
    found = _time(value)
    return None if found is None else UnixTime(found)


def _time(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no time")
    if not 0 <= value <= 1e11:
        raise ValueError("no time at which a gate runs")
    return float(value)


# -- the journal ---------------------------------------------------------------------------------------


class Told(NamedTuple):
    """The newest event that speaks of DRIFT."""

    drift: Drift | None
    at: UnixTime
    """As the clock claimed it."""
    proven: bool
    """Somebody vouched for that clock."""


def last_told(journal: Path, bound: str) -> Told | None:
    """What the journal last said of DRIFT with what ``bound`` names; None: nothing, or there is no journal.

    JournalError when it can't be read.
    """
    if not journal.exists():
        return None
    found = None
    with JournalReader(journal) as reader:
        # Page by page, as all of them at once would be half the gate's memory.
        for event in reader.walk(EventSeq(max(0, reader.head().seq - NEWEST)), page=PAGE):
            found = _told(event, bound) or found
    return found


def _told(event: StoredEvent, bound: str) -> Told | None:
    if event.kind not in (EventKind.BASELINE, EventKind.HOURLY):
        return None
    body, header = event.content() or {}, event.fields()
    if body.get("bound") != bound:
        return None
    proven = header.get("clock") != ClockState.UNTRUSTED
    return Told(_cause(body.get("drift")), UnixTime(float(header["wall"])), proven)


def _cause(drift: object) -> Drift | None:
    """One that this version does not know is DRIFT all the same."""
    if drift is None:
        return None
    try:
        return Drift(str(drift))
    except ValueError:
        return Drift.CHECK

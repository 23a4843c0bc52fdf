"""Keeps the baseline over restarts, tells every change of it, and ends DRIFT when a reference check fits.

One small file beside the journal holds it, bound to what it was found with: commissioning, part, calibration.
Another of these begins at nothing. So does a damaged file, but DRIFT outlives it: the journal knows of it.

Ages are honest. Within one boot monotonic times say them. Over a reboot only a time that was proven before
and is proven now does: until then what was saved waits, and counts for nothing.

Whose readings count: each pass once in two hours, or one person with a warm cap would move everybody's normal
by coming back; companions not at all, because children read higher and nobody knows who follows.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.baseline_file import FILE_NAME, Saved, last_told, read
from kiosk.errors import CalibrationError, JournalError
from kiosk.files import write_atomic
from kiosk.model import Celsius, EventKind, Monotonic, Reading, Seconds, TimeInterval, UnixTime
from kiosk.passage.baseline import WINDOW, Baseline, Drift, before_baseline
from kiosk.passage.site import Site, corrected_with
from kiosk.reference_check import FILE_NAME as CHECK_FILE
from kiosk.reference_check import ReferenceCheck

log = logging.getLogger(__name__)

SAVE_EVERY: Final = Seconds(60.0)
"""A change of the value or of DRIFT is saved at once, readings alone at most so often: a card wears out."""
SAVE_AGAIN: Final = Seconds(60.0)
LOOK_EVERY: Final = Seconds(1.0)
TELL: Final = 0.05
"""°C: while it decays the value is told in steps of this."""
AHEAD_S: Final = 120.0
"""Two clocks that differ by less agree."""
_LIFETIME: Final = 20 * 365 * 86_400.0

_MOVES_FOREHEADS: Final = (
    "supply_volts",
    "rated_volts",
    "calibration",
    "emissivity",
    "die_offset",
    "air_fitted",
)
Tell = Callable[[EventKind, Mapping[str, object], Monotonic], None]
"""``JournalKeeper.write_or_hold``."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a baseline was found with; it says nothing about anything else."""

    part: str
    """Driver and variant of the thermometer."""
    simulated: bool
    id: str
    """Of commissioning, part and calibration; thresholds do not move foreheads."""
    corrections: str
    """Of supply and calibration: what a check has to have been made with."""

    @classmethod
    def to(cls, site: Site, part: str, *, simulated: bool) -> Bound:
        """What holds at this site with this part."""
        plain = site.to_map()
        settings = {name: plain[name] for name in _MOVES_FOREHEADS}
        settings["commissioning"] = None if site.commissioning is None else site.commissioning.id
        text = json.dumps([part, simulated, settings], sort_keys=True)
        found = hashlib.sha256(text.encode()).hexdigest()[:12]
        return cls(part, simulated, found, corrected_with(site))

    def looked(self, check: ReferenceCheck, chip: str) -> bool:
        """The check was made with this part, and both are real or both simulated.

        Where only one of gate and check knows the number of the ``chip``, driver and variant have to do.
        """
        kind = check.part == self.part or check.part.startswith(f"{self.part} ")
        number = check.part[len(self.part) + 1 :]
        return kind and (not chip or number in ("", chip)) and check.simulated is self.simulated


class BaselineKeeper:
    """The gate's baseline. For the gate thread only."""

    def __init__(self, folder: Path, bound: Bound, boot: str, tell: Tell) -> None:
        self.damage = ""
        """What was wrong with the file at the start, in words; it was begun anew."""
        self.save_error: OSError | None = None
        self._path = folder / FILE_NAME
        self._check_path = folder / CHECK_FILE
        self._bound = bound
        self._boot = boot
        self._tell = tell
        self._baseline = Baseline()
        self._chip = ""
        self._waiting: Saved | None = None
        self._drift_since: UnixTime | None = None
        self._check_seen: UnixTime | None = None
        self._counted: dict[str, Monotonic] = {}
        self._told: tuple[Celsius, Drift | None] = (Celsius(0.0), None)
        self._dirty = False
        self._save_at = self._look_at = Monotonic(float("-inf"))

    # -- what holds now --------------------------------------------------------------------------------

    def value(self, now: Monotonic) -> Celsius:
        """What is subtracted from a deviation now, °C."""
        return self._baseline.value(now)

    @property
    def drift(self) -> Drift | None:
        """Why there is no automatic result, if there is none."""
        return self._baseline.cause

    def summary(self, now: Monotonic) -> dict[str, object]:
        """Value, DRIFT, and what both belong to, for the journal."""
        drift = None if self.drift is None else str(self.drift)
        return {"baseline": self.value(now), "drift": drift, "bound": self._bound.id}

    # -- at the start ----------------------------------------------------------------------------------

    def load(self, now: Monotonic, journal: Path) -> None:
        """Take in what was saved, and DRIFT that only the ``journal`` knows of."""
        try:
            saved = read(self._path)
            if saved is not None:
                self._take_in(saved, now)
        except (OSError, ValueError) as error:
            self.damage = f"{self._path.name}: {error!r}"
            log.warning("baseline begun anew: %s", self.damage)
        if self.drift is None:
            self._ask_journal(journal)
        self._told = (self.value(now), self.drift)

    def _take_in(self, saved: Saved, now: Monotonic) -> None:
        whole = Baseline.from_map(saved.baseline)
        self._check_seen = saved.check_seen
        if saved.bound != self._bound.id:
            return
        self._drift_since, self._chip = saved.drift_since, saved.chip
        if saved.boot == self._boot and saved.at <= now:
            self._baseline = whole
        else:
            self._baseline.cause = whole.cause
            self._waiting = saved if saved.wall is not None else None

    def _ask_journal(self, journal: Path) -> None:
        """A file that is gone, that could not be written, or that other settings replaced, ends no DRIFT."""
        try:
            told = last_told(journal, self._bound.id)
        except JournalError as error:
            log.warning("baseline: the journal can't say whether there was DRIFT: %s", error)
            return
        if told is None or told.drift is None:
            return
        ended = told.proven and self._check_seen is not None and self._check_seen > told.at
        if not ended:
            self._baseline.cause, self._drift_since = told.drift, told.at

    # -- as people come --------------------------------------------------------------------------------

    def take(self, reading: Reading, token: str, now: Monotonic) -> None:
        """A person was judged; ``token`` names their pass."""
        deviation = before_baseline(reading)
        if deviation is None or self.drift is not None:
            return
        self._counted = {one: at for one, at in self._counted.items() if now - at <= WINDOW}
        if token in self._counted:
            return
        self._counted[token] = now
        self._baseline.feed(now, deviation)
        self._dirty = True

    def turn(self, now: Monotonic, interval: TimeInterval, chip: str = "") -> None:
        """Look for a check, tell what changed, save it. ``chip``: number of the part, once it is known."""
        self._mind_chip(chip)
        self._end_waiting(now, interval)
        if now >= self._look_at:
            self._look_at = Monotonic(now + LOOK_EVERY)
            self._look_at_check(interval)
        self._tell_changes(now, interval)
        if self._dirty and now >= self._save_at:
            self._save(now, interval)

    def close(self, now: Monotonic, interval: TimeInterval) -> None:
        """Save what is not saved yet."""
        if self._dirty:
            self._save(now, interval)

    def _mind_chip(self, chip: str) -> None:
        if not chip or chip == self._chip:
            return
        if self._chip:
            self._begin_anew()
            # A check of the part that is back may stand there since before the other one came.
            self._check_seen = None
        self._chip, self._dirty = chip, True

    def _begin_anew(self) -> None:
        self._baseline.checked()
        self._counted.clear()
        self._waiting = None

    def _end_waiting(self, now: Monotonic, interval: TimeInterval) -> None:
        """The time is proven at last: what was saved before the reboot is as old as it is."""
        saved = self._waiting
        if saved is None or saved.wall is None or not interval.trusted:
            return
        self._waiting = None
        gone = interval.lo - saved.wall
        # It was saved before this boot, and this boot is ``now`` old: a time that says less proves nothing.
        if self.drift is not None or not now - AHEAD_S <= gone <= _LIFETIME:
            return
        gone = max(gone, now)
        earlier = Baseline.from_map(saved.baseline, later=now - gone - saved.at)
        for reading in self._baseline.readings:
            earlier.feed(reading.at, reading.deviation)
        self._baseline, self._dirty = earlier, True

    # -- checks with a reference -----------------------------------------------------------------------

    def _look_at_check(self, interval: TimeInterval) -> None:
        try:
            check = ReferenceCheck.load(self._check_path)
        except CalibrationError as error:
            log.debug("baseline: %s", error)
            return
        if check is None or not self._bound.looked(check, self._chip) or not self._is_news(check, interval):
            return
        if check.fits and check.corrections != self._bound.corrections:
            # The configuration was changed for it, and this gate still measures as before.
            return
        self._check_seen, self._dirty = check.at, True
        if not check.fits:
            self._baseline.cause = Drift.CHECK
        elif self.drift is not None:
            self._begin_anew()

    def _is_news(self, check: ReferenceCheck, interval: TimeInterval) -> bool:
        """Later than any check before and than the beginning of DRIFT, and not of a time to come."""
        began = self._drift_since if self.drift is not None else None
        floor = max(self._check_seen or 0.0, began or 0.0)
        return floor < check.at <= interval.hi + AHEAD_S

    # -- journal and file ------------------------------------------------------------------------------

    def _tell_changes(self, now: Monotonic, interval: TimeInterval) -> None:
        value, drift = self.value(now), self.drift
        was, had = self._told
        if drift is had and (value == was or (abs(value - was) < TELL and value != 0.0)):
            return
        if drift is not None and had is None:
            self._drift_since = interval.lo
        shift = self._baseline.shift(now)
        body = self.summary(now) | {
            "was": was,
            "shift": None if shift is None else round(shift, 3),
            "fresh": self._baseline.fresh(now),
            "check": self._check_seen if drift is None and had is not None else None,
        }
        self._told = (value, drift)
        self._tell(EventKind.BASELINE, body, now)
        self._dirty, self._save_at = True, now

    def _save(self, now: Monotonic, interval: TimeInterval) -> None:
        plain = {
            "bound": self._bound.id,
            "chip": self._chip,
            "boot": self._boot,
            "at": round(now, 3),
            "wall": round(interval.lo, 3) if interval.trusted else None,
            "drift_since": self._drift_since,
            "check_seen": self._check_seen,
            "baseline": self._baseline.to_map(),
        }
        try:
            write_atomic(self._path, json.dumps(plain).encode())
        except OSError as error:
            self.save_error, self._save_at = error, Monotonic(now + SAVE_AGAIN)
        else:
            self.save_error, self._save_at, self._dirty = None, Monotonic(now + SAVE_EVERY), False

"""What time it is, as far as that is known: a Raspberry Pi has no clock of its own.

Trusted time is one instant (lo == hi); otherwise time is an interval. It cannot be earlier than the newest
verified list (the *floor*) plus the monotonic time since then, and the policy says how much later it may be
(``max_gap``). Passes are judged against both ends, so a power cut without network leaves them working.

A claim of a trusted clock is still checked. A clock that is *behind* a signed list is proven wrong. A clock
that *jumps* against the monotonic one while its source stays the same leaves two times that may both be
right: the interval spans them until one is confirmed. A clock that is *ahead* of a list that just arrived is
reported and kept: a list proves only that it is not earlier, and giving way to it would let a proxy that
replays old lists make them look young.

The floor that was *saved* before a start is no proof, only a file. Lists on the disk prove themselves again
in any case, so a saved floor that a trusted clock contradicts by more than a day, and no list supports, is
damage and is dropped; otherwise one wrong number would refuse everybody for ever.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from kiosk.devices import Clock
from kiosk.errors import Usage
from kiosk.files import write_atomic
from kiosk.model import ClockState, Monotonic, Seconds, TimeInterval, UnixTime

AGREEMENT: Final = Seconds(120)
"""Two sources of time that differ by less agree."""
JUMP: Final = Seconds(2)
"""A step of the wall clock against the monotonic one that is worth an event."""
SETTLE: Final = Seconds(600)
"""A clock that jumped and then ran on steadily for this long is believed again: a restart would too."""
SAVE_EVERY: Final = Seconds(600)
BOOT: Final = Monotonic(0.0)
BUILT: Final = UnixTime(1_795_219_200)
"""2026-11-21: no gate runs earlier than the software was made."""
LIFETIME: Final = Seconds(20 * 365 * 86_400)
"""No gate runs that long, neither since the software was made nor since its boot: a later time is damage."""
REFUTED: Final = Seconds(86_400)
"""A trusted clock that is further behind a saved floor, and behind no list, refutes it."""
_FLOOR_BYTES: Final = 1024


class ClockEvent(StrEnum):
    """What is worth telling about a clock."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    JUMPED = "jumped"
    BEHIND_LISTS = "behind_lists"
    AHEAD_OF_LISTS = "ahead_of_lists"
    DISAGREES = "disagrees"
    SETTLED = "settled"
    FLOOR_REFUTED = "floor_refuted"
    """The time saved before the start was wrong."""


@dataclass(frozen=True, slots=True)
class ClockNotice:
    """One clock event; ``seconds`` is by how much the wall clock is ahead of what was expected."""

    event: ClockEvent
    seconds: Seconds
    state: ClockState


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A wall time at a monotonic one, from which time runs on."""

    wall: float
    at: float

    def time(self, now: float) -> float:
        return self.wall + (now - self.at)


class TimeKeeper:
    """Turns a clock's claims into an interval. Belongs to one thread, the gate's.

    ``floor`` is the newest time saved before this start, true at monotonic ``floor_at`` (0: before this
    boot). ``max_gap`` may be changed when another policy comes into force.
    """

    def __init__(
        self, clock: Clock, floor: UnixTime, max_gap: Seconds, *, floor_at: Monotonic = BOOT
    ) -> None:
        self.max_gap = max_gap
        self._clock = clock
        self._lower = _Anchor(floor, floor_at)
        self._signed = _Anchor(BUILT, BOOT)
        self._source: _Anchor | None = None
        self._state = ClockState.UNTRUSTED
        self._told: ClockEvent | None = None
        self._ahead = False
        self._confirmed: tuple[_Anchor, ClockState] | None = None
        self._challenger: _Anchor | None = None
        self._last = _Anchor(clock.wall(), clock.monotonic())
        self._notices: list[ClockNotice] = []

    @property
    def floor(self) -> UnixTime:
        """The earliest that it can be now."""
        return UnixTime(self._lower.time(self._clock.monotonic()))

    def interval(self) -> TimeInterval:
        """The time now; also looks for jumps, so call it at least once a second."""
        now, wall, state = self._clock.monotonic(), self._clock.wall(), self._clock.state()
        self._watch_steps(now, wall)
        if not state.trusted:
            return self._without_clock(now, self._lower.time(now))
        self._doubt_saved(now, wall)
        lower = self._lower.time(now)
        if self._source is not None and self._source.time(now) < lower - AGREEMENT:
            self._source = None  # a list has proven it wrong
        if wall < lower - AGREEMENT:
            self._tell(ClockEvent.BEHIND_LISTS, wall - lower)
            return self._untrusted(lower)
        return self._with_clock(now, wall, state, lower)

    def raise_floor(self, issued_at: UnixTime, *, fresh: bool = False) -> None:
        """Take the iat of a verified list as proof that it is not earlier. The floor never sinks.

        ``fresh``: the list just arrived from the server, which signs every minute, so that a clock close
        to it is confirmed and one far ahead of it is worth an event.
        """
        now = self._clock.monotonic()
        if issued_at > self._signed.time(now):
            self._signed = _Anchor(issued_at, now)
        if issued_at > self._lower.time(now):
            self._lower = _Anchor(issued_at, now)
        if not fresh or not self._clock.state().trusted:
            return
        wall = self._clock.wall()
        if abs(wall - issued_at) <= AGREEMENT:
            self._source, self._challenger = _Anchor(wall, now), None
        ahead = wall - issued_at > AGREEMENT
        if ahead and not self._ahead:
            self._note(ClockEvent.AHEAD_OF_LISTS, wall - issued_at)
        self._ahead = ahead

    def confirm(self, wall: UnixTime, state: ClockState) -> bool:
        """Take a time from the server or a signed-in volunteer; False when signed lists prove it wrong."""
        now = self._clock.monotonic()
        if wall < self._lower.time(now) - AGREEMENT:
            return False
        self._confirmed = _Anchor(wall, now), state
        return True

    def take_notices(self) -> list[ClockNotice]:
        """Clock events since the last call, oldest first."""
        notices, self._notices = self._notices, []
        return notices

    # -- a clock that claims to be right -----------------------------------------------------------

    def _doubt_saved(self, now: float, wall: float) -> None:
        """Drop a saved floor that a trusted clock refutes; what was signed is never dropped."""
        ahead = wall - self._lower.time(now)
        if ahead < -REFUTED and wall >= self._signed.time(now) - AGREEMENT:
            self._lower = self._signed
            self._note(ClockEvent.FLOOR_REFUTED, ahead)

    def _with_clock(self, now: float, wall: float, state: ClockState, lower: float) -> TimeInterval:
        source = self._source
        if source is None or state is not self._state:
            return self._adopt(now, wall, state)
        expected = source.time(now)
        if abs(wall - expected) <= AGREEMENT:
            self._challenger = None
            self._tell(ClockEvent.TRUSTED, wall - expected)
            return TimeInterval.exactly(UnixTime(wall), state)
        if self._has_settled(now, wall):
            self._note(ClockEvent.SETTLED, wall - expected)
            return self._adopt(now, wall, state)
        self._tell(ClockEvent.DISAGREES, wall - expected)
        low = max(lower, min(wall, expected))
        return TimeInterval(UnixTime(low), UnixTime(max(low, wall, expected)), ClockState.UNTRUSTED)

    def _adopt(self, now: float, wall: float, state: ClockState) -> TimeInterval:
        """Believe this clock from now on, and measure it against itself."""
        self._source, self._challenger, self._state = _Anchor(wall, now), None, state
        self._tell(ClockEvent.TRUSTED, 0.0)
        return TimeInterval.exactly(UnixTime(wall), state)

    def _has_settled(self, now: float, wall: float) -> bool:
        """Whether the clock has run on steadily since it jumped."""
        if self._challenger is None or abs(wall - self._challenger.time(now)) > AGREEMENT:
            self._challenger = _Anchor(wall, now)
        return now - self._challenger.at >= SETTLE

    # -- a clock that does not ---------------------------------------------------------------------

    def _without_clock(self, now: float, lower: float) -> TimeInterval:
        self._state = ClockState.UNTRUSTED
        self._source = None
        if self._confirmed is None:
            self._tell(ClockEvent.UNTRUSTED, 0.0)
            return self._untrusted(lower)
        anchor, state = self._confirmed
        if anchor.time(now) < lower - AGREEMENT:
            self._confirmed = None
            return self._untrusted(lower)
        return TimeInterval.exactly(UnixTime(anchor.time(now)), state)

    def _untrusted(self, lower: float) -> TimeInterval:
        return TimeInterval(UnixTime(lower), UnixTime(lower + self.max_gap), ClockState.UNTRUSTED)

    # -- notices -----------------------------------------------------------------------------------

    def _watch_steps(self, now: float, wall: float) -> None:
        step = wall - self._last.time(now)
        self._last = _Anchor(wall, now)
        if abs(step) > JUMP:
            self._note(ClockEvent.JUMPED, step)

    def _tell(self, event: ClockEvent, seconds: float) -> None:
        """Transitions only: a state that lasts is told once."""
        if event is not self._told:
            self._note(event, seconds)
        self._told = event

    def _note(self, event: ClockEvent, seconds: float) -> None:
        self._notices.append(ClockNotice(event, Seconds(seconds), self._clock.state()))


class FloorFile:
    """The floor on disk, so that a restart does not forget how late it is. Belongs to one thread."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id
        self._saved_at: Monotonic | None = None

    def load(self) -> tuple[UnixTime, Monotonic]:
        """Floor and the monotonic time at which it held: 0 after a reboot, else when it was saved.

        A missing or damaged file gives the time of the build: a lower floor only widens the interval.
        """
        try:
            with self._path.open("rb") as file:
                stored = json.loads(file.read(_FLOOR_BYTES))
            floor, at = _within_life(stored["floor"], BUILT), _within_life(stored["monotonic"], BOOT)
            boot_id = stored["boot_id"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return BUILT, BOOT
        return UnixTime(max(BUILT, floor)), Monotonic(at) if boot_id == self._boot_id else BOOT

    def save(self, floor: UnixTime, now: Monotonic) -> bool:
        """Write at most every 10 minutes (a card wears out); False when it was not time yet."""
        if self._saved_at is not None and now - self._saved_at < SAVE_EVERY:
            return False
        stored = {"floor": floor, "monotonic": now, "boot_id": self._boot_id}
        write_atomic(self._path, json.dumps(stored).encode())
        self._saved_at = now
        return True


def _within_life(value: object, start: float) -> float:
    """A finite number, at most a gate's life after ``start``; ValueError or TypeError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    # NaN compares false. Whole numbers may be too large for a float: they are compared first.
    if not 0 <= value <= start + LIFETIME:
        raise ValueError("no time at which a gate runs")
    return float(value)


def given_time(text: str | None, option: str = "--at") -> TimeInterval:
    """The time for a command: an option's ISO 8601 with its offset or Unix seconds, else the host's clock.

    :class:`Usage`, which names the option, when the text is neither.
    """
    if text is None:
        return TimeInterval.exactly(UnixTime(time.time()))
    try:
        return TimeInterval.exactly(UnixTime(float(text) if _is_number(text) else _from_iso(text)))
    except (ValueError, OverflowError, OSError) as error:
        raise Usage(f"{option} {text}: {error}") from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def _from_iso(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("say the offset too, as in 2026-11-21T08:30+08:00")
    return moment.timestamp()

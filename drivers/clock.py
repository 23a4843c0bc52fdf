"""The machine's own time: CLOCK_BOOTTIME for intervals, the system clock for wall time, and its worth.

A Pi has no battery clock of its own before the Pi 5, and that one keeps nothing without its cell. So wall
time is believed for one of two reasons only:

* NTP: systemd-timesyncd has synchronised since boot. It touches /run/systemd/timesync/synchronized each
  time (systemd-timesyncd(8)); /run is empty after a boot. adjtimex(2) would say more, but the unit's
  sandbox forbids it.
* BATTERY: a clock in /sys/class/rtc (Documentation/ABI/testing/sysfs-class-rtc) agrees with the system
  clock, and it has not fallen behind /var/lib/systemd/timesync/clock, whose modification time is the
  newest time this system ever stood at: a battery clock behind that has lost its power.

The clock file alone proves nothing (timesyncd also saves unproven time), so it is only ever held against a
clock, never for one.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Final, Protocol

from kiosk.devices import Clock
from kiosk.model import ClockState, Monotonic, Seconds, UnixTime

TOLERANCE_S: Final = Seconds(120.0)
"""How far two clocks may lie apart and still say the same (the design's 120 s)."""
ASK_AGAIN_S: Final = Seconds(10.0)
"""A battery clock sits on the thermometer's I2C bus: it is not asked on every turn of the gate."""
NOT_BEFORE: Final = UnixTime(1_767_225_600.0)
"""2026-01-01: a clock before the product existed (1970, 2000) was reset, whoever agrees with it."""
SYNCHRONIZED: Final = "run/systemd/timesync/synchronized"
LAST_SAVED: Final = "var/lib/systemd/timesync/clock"
BATTERY_CLOCKS: Final = "sys/class/rtc"


class WakeUp(Protocol):
    """A :class:`threading.Event` whose timeout is measured by the clock that made it."""

    def set(self) -> None:
        """Wake whoever waits."""

    def clear(self) -> None:
        """Forget that it was set."""

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is set, at most ``timeout`` seconds; whether it was set."""


class WakingClock(Clock, Protocol):
    """A clock that a thread can wait on, so that tests decide how time passes for it."""

    def event(self) -> WakeUp:
        """A new event of this clock."""


class SystemClock:
    """The time of this machine. May be shared between threads: it only remembers its last answer."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._synchronized = root / SYNCHRONIZED
        self._saved = root / LAST_SAVED
        self._battery_clocks = root / BATTERY_CLOCKS
        self._answer: tuple[Monotonic, ClockState] | None = None

    def monotonic(self) -> Monotonic:
        """Seconds since boot, time asleep included (clock_gettime(2), CLOCK_BOOTTIME)."""
        return Monotonic(time.clock_gettime(time.CLOCK_BOOTTIME))

    def wall(self) -> UnixTime:
        """What the system clock claims, Unix seconds."""
        return UnixTime(time.time())

    def state(self) -> ClockState:
        """NTP, BATTERY or UNTRUSTED; looked up at most every 10 s. Never raises."""
        now = self.monotonic()
        answer = self._answer
        if answer is None or now - answer[0] >= ASK_AGAIN_S:
            answer = (now, self._look())
            self._answer = answer
        return answer[1]

    def event(self) -> WakeUp:
        """An event whose timeout runs in real time."""
        return threading.Event()

    def _look(self) -> ClockState:
        wall = self.wall()
        if wall < NOT_BEFORE:
            return ClockState.UNTRUSTED
        synchronized = _modified(self._synchronized)
        if synchronized is not None and wall >= synchronized - TOLERANCE_S:
            return ClockState.NTP
        if self._battery_clock_agrees(wall):
            return ClockState.BATTERY
        return ClockState.UNTRUSTED

    def _battery_clock_agrees(self, wall: UnixTime) -> bool:
        saved = _modified(self._saved)
        if saved is not None and wall < saved - TOLERANCE_S:
            return False
        times = (_epoch(clock) for clock in sorted(self._battery_clocks.glob("rtc*")))
        return any(at is not None and abs(at - wall) <= TOLERANCE_S for at in times)


def _modified(path: Path) -> UnixTime | None:
    try:
        return UnixTime(path.stat().st_mtime)
    except OSError:
        return None


def _epoch(battery_clock: Path) -> int | None:
    """Time of one battery clock, Unix seconds; None while it can't be read or has lost its time."""
    try:
        return int((battery_clock / "since_epoch").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None

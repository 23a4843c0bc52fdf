"""Virtual time: nothing passes until somebody says so, and then everything due happens in order.

Two kinds of waiting are served. Simulated devices leave a callback with ``at()``. Real threads (the lamp's,
a sensor's) wait on an ``event()`` of this clock; ``advance()`` wakes each at its time and goes on only when
all of them wait again, so that a test of a threaded driver is exact and never sleeps.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from kiosk.model import ClockState, Monotonic, Seconds, UnixTime

START_WALL: Final = UnixTime(1_798_761_600.0)
"""2027-01-01 08:00 in Beijing, where nothing else is said."""
START: Final = Monotonic(0.0)
STUCK_S: Final = Seconds(10.0)
"""Real seconds after which a thread that does not come back to wait is a mistake in the test."""


@dataclass(order=True, slots=True)
class Timer:
    """A callback that fires once."""

    due: int
    order: int
    callback: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """It won't fire any more."""
        self.cancelled = True


@dataclass(eq=False, slots=True)
class _Sleeper:
    event: VirtualEvent
    deadline: float

    def runnable(self, now: int) -> bool:
        return self.event.is_set() or now >= self.deadline


class VirtualClock:
    """Simulated time, kept in whole nanoseconds so that ten steps of 0.1 s are one second.

    ``advance()`` is for one thread; reading the time and waiting is for any.
    """

    def __init__(
        self,
        start_wall: UnixTime = START_WALL,
        *,
        start: Monotonic = START,
        state: ClockState = ClockState.SIMULATED,
    ) -> None:
        self._now = _ns(start)
        self._wall_ahead = start_wall - start
        self._state = state
        self._timers: list[Timer] = []
        self._orders = itertools.count()
        self._changed = threading.Condition()
        self._sleepers: dict[threading.Thread, _Sleeper] = {}
        self._threads: set[threading.Thread] = set()

    # -- as a clock ------------------------------------------------------------------------------------

    def monotonic(self) -> Monotonic:
        """Virtual seconds since boot."""
        return Monotonic(self._now / 1e9)

    def wall(self) -> UnixTime:
        """Virtual Unix seconds, as far as jumps have left them right."""
        return UnixTime(self.monotonic() + self._wall_ahead)

    def state(self) -> ClockState:
        """SIMULATED, unless a scenario said otherwise."""
        return self._state

    def event(self) -> VirtualEvent:
        """An event whose timeout runs in virtual time."""
        return VirtualEvent(self)

    # -- for who plays time --------------------------------------------------------------------------

    def set_state(self, state: ClockState) -> None:
        """The clock is believed for another reason, or no longer."""
        self._state = state

    def jump(self, seconds: float) -> None:
        """The wall clock is set, forward or back; monotonic time does not notice."""
        self._wall_ahead += seconds

    def at(self, when: Monotonic, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` at a virtual time; one in the past fires at the next advance."""
        timer = Timer(_ns(when), next(self._orders), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping at every timer and every waiting thread's deadline, in order.

        A callback may register timers, jump, or advance further. ValueError for time going back;
        TimeoutError when a thread does not come back to wait within 10 real seconds.
        """
        if not seconds >= 0:
            raise ValueError(f"time can't pass by {seconds} s")
        target = self._now + _ns(seconds)
        self._settle()
        while (moment := self._next_moment()) <= target:
            self._go(moment)
            while self._timers and self._timers[0].due <= moment:
                self._fire(heapq.heappop(self._timers))
        self._go(target)

    def wait_for_threads(self, count: int) -> None:
        """Until that many threads wait on this clock's events, each of them having caught up."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._sleepers) >= count, STUCK_S):
                raise TimeoutError(f"{len(self._sleepers)} of {count} threads wait on the virtual clock")
        self._settle()

    # -- within ----------------------------------------------------------------------------------------

    def _next_moment(self) -> float:
        """When something is next due, never before now; infinite when nothing is."""
        due = [float(self._timers[0].due)] if self._timers else []
        with self._changed:
            due += [sleeper.deadline for sleeper in self._sleepers.values()]
        return max(min(due, default=math.inf), self._now)

    def _go(self, moment: float) -> None:
        with self._changed:
            self._now = max(self._now, int(moment))
            self._changed.notify_all()
        self._settle()

    def _fire(self, timer: Timer) -> None:
        if not timer.cancelled:
            timer.callback()
            self._settle()

    def _settle(self) -> None:
        """Wait, in real time, until every thread that has ever waited here waits again or has ended."""
        limit = time.monotonic() + STUCK_S
        with self._changed:
            while busy := self._busy():
                if time.monotonic() > limit:
                    raise TimeoutError(f"threads did not come back to the virtual clock: {busy}")
                # A thread that ends does not notify anybody, hence the short waits.
                self._changed.wait(0.01)

    def _busy(self) -> list[str]:
        self._threads = {thread for thread in self._threads if thread.is_alive()}
        others = self._threads - {threading.current_thread()}
        waiting = {thread for thread, sleeper in self._sleepers.items() if not sleeper.runnable(self._now)}
        return sorted(thread.name for thread in others - waiting)

    def sleep_on(self, event: VirtualEvent, timeout: float | None) -> bool:
        """What :meth:`VirtualEvent.wait` does."""
        me = threading.current_thread()
        with self._changed:
            sleeper = _Sleeper(event, math.inf if timeout is None else self._now + _ns(timeout))
            self._threads.add(me)
            self._sleepers[me] = sleeper
            self._changed.notify_all()
            self._changed.wait_for(lambda: sleeper.runnable(self._now))
            del self._sleepers[me]
            return event.is_set()

    def wake(self) -> None:
        """An event was set: let the threads look."""
        with self._changed:
            self._changed.notify_all()


class VirtualEvent:
    """A :class:`threading.Event` in virtual time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._set = False

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._set

    def set(self) -> None:
        """Wake whoever waits."""
        self._set = True
        self._clock.wake()

    def clear(self) -> None:
        """Forget that it was set."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is set, at most ``timeout`` virtual seconds; whether it is set."""
        return self._clock.sleep_on(self, timeout)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)

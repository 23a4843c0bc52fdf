"""Devices come and go: a failing one is closed, and opened again with back-off.

The gate never sees an exception of a device. It sees a :class:`Part`: something to poll, and a fault
that is there or not. The same holds when a :class:`Worker` thread does the polling on a real gate.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, Protocol, TypeVar

from kiosk.devices import Clock
from kiosk.errors import DeviceError, DeviceStalled, SensorStuck
from kiosk.model import Monotonic, Seconds, ThermometerSpec

FIRST_RETRY: Final = Seconds(1.0)
LONGEST_RETRY: Final = Seconds(30.0)
"""Also how long a device must have worked before its next fault counts as a first one."""
SOUND_S: Final = Seconds(5.0)
"""A device that has nothing to hand over is well after so long without an error."""
LONGEST_STEP: Final = Seconds(0.5)
"""What lies between two polls counts at most so much as silence: a gate held up says nothing of its parts."""
SILENCE_S: Final = Seconds(3.0)
"""A thermometer measures all the time, whoever stands before it."""
HANGS_S: Final = Seconds(5.0)
"""One poll takes some milliseconds, or a second a try on a stuck bus; then nobody knows when it returns."""
LOST_S: Final = Seconds(60.0)
"""A thread that has not come back after so long never will: only a new process helps."""

Item = TypeVar("Item")
ItemOut = TypeVar("ItemOut", covariant=True)


class Pollable(Protocol[ItemOut]):
    """What a device of :mod:`kiosk.devices` looks like from here."""

    def poll(self, now: Monotonic) -> Sequence[ItemOut]:
        """Items since the last poll; DeviceError when the device fails."""

    def close(self) -> None:
        """Release the device."""


class Part(Protocol[ItemOut]):
    """A device as the gate sees it: polling never raises, absence is a value."""

    @property
    def name(self) -> str:
        """What the journal calls it: camera, thermometer."""

    @property
    def fault(self) -> DeviceError | None:
        """Why it does not work now, or None."""

    def poll(self, now: Monotonic) -> Sequence[ItemOut]:
        """Items since the last poll, oldest first; empty while there is a fault."""

    def close(self) -> None:
        """Release it for good."""


def longest_silence(spec: ThermometerSpec) -> Seconds:
    """After how long without a word a thermometer is taken to have stalled."""
    return Seconds(max(SILENCE_S, 2.5 * spec.settling_s))


class Supervised(Generic[Item]):
    """One device with its way to (re)open it. For one thread only.

    ``longest_silence``: a device that has handed nothing over for longer, while it was being polled, has
    stalled, however well it opens; None: silence is no sign, as with a call button.
    """

    def __init__(
        self, name: str, opener: Callable[[], Pollable[Item]], longest_silence: Seconds | None = None
    ) -> None:
        self.name = name
        self.fault: DeviceError | None = None
        self._opener = opener
        self._device: Pollable[Item] | None = None
        self._next_try = Monotonic(float("-inf"))
        self._works_since = Monotonic(0.0)
        self._longest_silence = longest_silence
        self._silent_s = 0.0
        self._polled = Monotonic(0.0)
        self._wait = FIRST_RETRY

    def poll(self, now: Monotonic) -> Sequence[Item]:
        """Poll the device, opening it first when its time has come."""
        if self._device is None and now < self._next_try:
            return ()
        try:
            if self._device is None:
                self._device = self._opener()
                self._works_since = self._polled = now
                self._silent_s = 0.0
            items = self._device.poll(now)
            self._mind_silence(items, now)
        except DeviceError as error:
            self._failed(error, now)
            return ()
        self._worked(items, now)
        return items

    def close(self) -> None:
        """Release the device; it stays closed until polled again. A broken one may not even close."""
        device, self._device = self._device, None
        if device is not None:
            with suppress(DeviceError):
                device.close()

    def _mind_silence(self, items: Sequence[Item], now: Monotonic) -> None:
        self._silent_s = 0.0 if items else self._silent_s + min(now - self._polled, LONGEST_STEP)
        self._polled = now
        if self._longest_silence is not None and self._silent_s > self._longest_silence:
            raise DeviceStalled(f"{self.name}: nothing for more than {self._longest_silence:.1f} s")

    def _worked(self, items: Sequence[Item], now: Monotonic) -> None:
        # Many devices open well and fail at the first transfer, a camera stalls after seconds: only what
        # it hands over proves at once that it is well, or the light would change with every try.
        silence_is_well = self._longest_silence is None and now - self._works_since >= SOUND_S
        if items or silence_is_well:
            self.fault = None
        if now - self._works_since >= LONGEST_RETRY:
            self._wait = FIRST_RETRY

    def _failed(self, error: DeviceError, now: Monotonic) -> None:
        self.fault = error
        if isinstance(error, SensorStuck):
            # The bus is well, and opening anew would only forget for how long the word has been the same.
            self._works_since = now
            return
        self._next_try = Monotonic(now + self._wait)
        self._wait = Seconds(min(self._wait * 2, LONGEST_RETRY))
        self.close()


class Worker(Generic[Item]):
    """Polls a part in a thread of its own, so that a slow device never holds up the gate.

    ``poll`` and ``close`` are for the gate thread; the wrapped part belongs to the worker's thread
    alone. A device that does not come back from a poll (a decoder in a loop, a stuck bus) is a fault; an
    unexpected exception in the thread is raised again by the next ``poll``: a dead worker takes the process
    down, and systemd starts it anew.
    """

    def __init__(self, part: Part[Item], clock: Clock, interval: Seconds, keep: int = 64) -> None:
        self.name = part.name
        self._part = part
        self._clock = clock
        self._interval = interval
        self._items: deque[Item] = deque(maxlen=keep)
        self._fault: DeviceError | None = None
        self._failure: BaseException | None = None
        self._busy_since: Monotonic | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=part.name, daemon=True)
        self._thread.start()

    @property
    def fault(self) -> DeviceError | None:
        """Fault of the last turn of the worker, or that this turn does not end."""
        with self._lock:
            if self._hangs_for(HANGS_S):
                return DeviceStalled(f"{self.name}: it has not answered for more than {HANGS_S:.0f} s")
            return self._fault

    def poll(self, now: Monotonic) -> Sequence[Item]:  # noqa: ARG002 - the worker polls by its own clock
        """Take what has come; raises what killed the worker, if something did.

        DeviceStalled when it has hung for a minute: a hanging thread can't be ended, a process can.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._hangs_for(LOST_S):
                raise DeviceStalled(f"{self.name}: its thread hangs, the gate must be started anew")
            items = tuple(self._items)
            self._items.clear()
        return items

    def close(self) -> None:
        """Stop the thread and release the device; waits for at most three seconds."""
        self._stop.set()
        self._thread.join(3.0)

    def _hangs_for(self, seconds: Seconds) -> bool:
        """The present poll of the device has lasted longer than that; called with the lock."""
        since = self._busy_since
        return since is not None and self._clock.monotonic() - since > seconds

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._turn()
                self._stop.wait(self._interval)
        except BaseException as error:  # noqa: BLE001 - handed to the gate thread, which raises it
            with self._lock:
                self._failure = error
        finally:
            self._part.close()

    def _turn(self) -> None:
        now = self._clock.monotonic()
        with self._lock:
            self._busy_since = now
        items = self._part.poll(now)
        with self._lock:
            self._busy_since = None
            self._items.extend(items)
            self._fault = self._part.fault

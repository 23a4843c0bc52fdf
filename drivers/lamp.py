"""The lamp: red and green LED, buzzer and relay on GPIO pins, driven by a thread of their own.

Wiring (BCM numbers in the configuration; defaults red 17, green 27, buzzer 24, relay 23): every output is
on when its pin is high; a relay board must be of the kind that closes on a high input, so that a pin that
nobody drives leaves it open.

The thread is the only one that touches the pins while the lamp runs. So green is lit by nobody but the one
who will put it out 2 s later, and a caller that hangs, or dies between two statements, can't leave it on.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from gpiozero import OutputDevice
from gpiozero.pins import Factory

from drivers.clock import WakingClock
from drivers.light_patterns import (
    OFF,
    RELAY_PULSE_S,
    LightEngine,
    Outputs,
    require_admit,
    require_pulse,
)
from drivers.pins import device_pins, pin_error_types, pin_errors
from kiosk.errors import DeviceError, DeviceStalled
from kiosk.model import Light, Monotonic, Receipt, Seconds

OVERDUE_S: Final = Seconds(2.0)
"""A thread that is this late with a change hangs in the kernel: then nobody holds the lease."""
JOIN_S: Final = Seconds(2.0)
# Relay and green first: of two changes at the same moment, the one that shuts the gate is made first.
_NAMES: Final = ("relay", "green", "red", "buzzer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Command:
    """What a caller wants, and when: a lease runs from the call even if the thread comes late."""

    at: Monotonic
    light: Light


class GpioLamp:
    """Plays the patterns of :mod:`drivers.light_patterns` on pins.

    ``show()`` and ``admit()`` may be called from any thread and return at once: they hand a command to
    the lamp's thread. ``close()`` too; it waits for the thread. Nothing is lit before ``start()``, unless
    a test calls ``step()`` itself.
    """

    def __init__(
        self,
        *,
        red: int,
        green: int,
        buzzer: int,
        relay: int,
        clock: WakingClock,
        relay_pulse_s: Seconds = RELAY_PULSE_S,
        buzzer_on: bool = True,
        pin_factory: Factory | None = None,
    ) -> None:
        """Opens the pins, all off. Without a pin factory this machine's own is used, and closed again.

        ValueError for an unsafe relay pulse; DeviceError naming the pin that can't be had, and then
        every pin opened before is closed again.
        """
        self._clock = clock
        self._engine = LightEngine(require_pulse(relay_pulse_s), buzzer_on)
        self._commands: deque[_Command] = deque()
        self._wake = clock.event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failure: Exception | None = None
        self._due: Monotonic | None = None
        self._written = OFF
        numbers = {"red": red, "green": green, "buzzer": buzzer, "relay": relay}
        with ExitStack() as opened:
            self._pins = _open_pins(opened, numbers, pin_factory)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- for the gate ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread. Everything goes dark at exit too, if nobody closes the lamp before."""
        self._raise_failure()
        if self._thread is not None:
            return
        atexit.register(self.close)
        self._thread = threading.Thread(target=self._run, name="lamp", daemon=True)
        self._thread.start()

    def show(self, light: Light) -> None:
        """Start a pattern; DARK, IDLE and FAULT are also what the lamp comes back to after an answer.

        IDLE lets an answer run its time; every other light comes at once. ValueError for ADMIT: that
        one needs a receipt. The failure, if the lamp is broken.
        """
        if light is Light.ADMIT:
            raise ValueError("ADMIT is lit by admit(receipt) alone")
        self._command(light)

    def admit(self, receipt: Receipt) -> None:
        """Green until 2 s from now at the latest, and one relay pulse.

        ValueError unless the receipt is that of a recorded ADMIT. The failure, if the lamp is broken.
        """
        require_admit(receipt)
        self._command(Light.ADMIT)

    @property
    def light(self) -> Light:
        """The pattern being played; DARK once closed or broken."""
        return self._engine.light if self.alive else Light.DARK

    @property
    def failure(self) -> Exception | None:
        """Why the lamp can't be relied on: its pins, its thread, or a thread that hangs; None: it can.

        The gate asks on every turn and ends the process: a new one starts dark.
        """
        if self._failure is None and not self._closed and self._overdue():
            self._failure = DeviceStalled("lamp: its thread hangs")
        return self._failure

    @property
    def alive(self) -> bool:
        """Open, and nothing has failed."""
        return not self._closed and self.failure is None

    def close(self) -> None:
        """Everything dark, relay open, pins released. Any number of times, from any thread."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)
        self._darken()
        atexit.unregister(self.close)
        try:
            self._opened.close()
        except pin_error_types() as error:
            _log.warning("lamp: a pin could not be released: %s", error)

    # -- for the thread ----------------------------------------------------------------------------------

    def step(self, now: Monotonic) -> Monotonic | None:
        """Carry out the commands, set the pins for this time; when to come back, None: when woken.

        DeviceError when a pin can't be written.
        """
        with self._lock:
            if self._closed:
                return None
            while self._commands:
                command = self._commands.popleft()
                if command.light is Light.ADMIT:
                    self._engine.admit(command.at)
                else:
                    self._engine.show(command.light, command.at)
            self._write(self._engine.outputs(now))
            self._due = self._engine.next_change(now)
            return self._due

    def _run(self) -> None:
        try:
            while not self._closed:
                self._wake.clear()
                following = self.step(self._clock.monotonic())
                self._wake.wait(None if following is None else max(0.0, following - self._clock.monotonic()))
        except Exception as error:  # noqa: BLE001 top of a thread: whatever it is, the lamp goes dark
            self._failure = error
            _log.exception("the lamp's thread failed")
            self._darken()

    # -- within --------------------------------------------------------------------------------------------

    def _command(self, light: Light) -> None:
        self._raise_failure()
        self._commands.append(_Command(self._clock.monotonic(), light))
        self._wake.set()

    def _raise_failure(self) -> None:
        if self._closed:
            raise DeviceError("lamp: closed")
        failure = self.failure
        if failure is not None:
            raise failure

    def _overdue(self) -> bool:
        if self._thread is None:
            return False
        late = Monotonic(self._clock.monotonic() - OVERDUE_S)
        due = self._due
        if due is not None and due < late:
            return True
        try:
            return self._commands[0].at < late
        except IndexError:
            return False

    def _write(self, wanted: Outputs) -> None:
        for name in _changes(self._written, wanted):
            on = getattr(wanted, name)
            with pin_errors(f"lamp {name} on {self._pins[name].pin}"):
                self._pins[name].value = on
        self._written = wanted

    def _darken(self) -> None:
        """Every output off, each for itself: a pin that fails must not keep the next one lit."""
        self._written = OFF
        for name in _NAMES:
            with suppress(*pin_error_types()):
                self._pins[name].off()


def _changes(old: Outputs, new: Outputs) -> Iterator[str]:
    """Names of outputs that differ, those that go off before those that come on."""
    changed = [name for name in _NAMES if getattr(old, name) != getattr(new, name)]
    yield from (name for name in changed if not getattr(new, name))
    yield from (name for name in changed if getattr(new, name))


def _open_pins(
    opened: ExitStack, numbers: dict[str, int], pin_factory: Factory | None
) -> dict[str, OutputDevice]:
    factory = device_pins() if pin_factory is None else pin_factory
    if pin_factory is None:
        opened.callback(factory.close)
    pins = {}
    for name in _NAMES:
        with pin_errors(f"lamp {name} on GPIO{numbers[name]}"):
            pins[name] = opened.enter_context(OutputDevice(numbers[name], pin_factory=factory))
    return pins

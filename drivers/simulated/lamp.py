"""A lamp that keeps a history instead of driving pins; the same pattern engine as the real one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, Self

from drivers.light_patterns import OFF, RELAY_PULSE_S, LightEngine, Outputs, require_admit
from drivers.simulated.clock import Timer, VirtualClock
from kiosk.errors import DeviceError
from kiosk.model import Light, Monotonic, Receipt, Seconds

HISTORY: Final = 10_000
"""Changes kept: some four hours of an idle gate."""


class Change(NamedTuple):
    """The outputs became this at that time, while this light was played."""

    at: Monotonic
    outputs: Outputs
    light: Light


class SimulatedLamp:
    """The lamp of a simulated gate, driven by timers of the virtual clock. For the clock's thread only.

    ``observer`` is told every change of light or outputs.
    """

    def __init__(
        self,
        *,
        clock: VirtualClock,
        relay_pulse_s: Seconds = RELAY_PULSE_S,
        buzzer_on: bool = True,
        observer: Callable[[Change], object] | None = None,
    ) -> None:
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self.outputs = OFF
        self._clock = clock
        self._engine = LightEngine(relay_pulse_s, buzzer_on)
        self._observer = observer
        self._timer: Timer | None = None
        self._closed = False
        self._failure: Exception | None = None
        self._note(clock.monotonic(), OFF)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Nothing to start: the clock's timers play the patterns."""

    def show(self, light: Light) -> None:
        """As the real lamp: ValueError for ADMIT, IDLE lets an answer run its time."""
        if light is Light.ADMIT:
            raise ValueError("ADMIT is lit by admit(receipt) alone")
        self._raise_failure()
        self._engine.show(light, self._clock.monotonic())
        self._tick()

    def admit(self, receipt: Receipt) -> None:
        """As the real lamp: ValueError unless the receipt is that of a recorded ADMIT."""
        require_admit(receipt)
        self._raise_failure()
        self._engine.admit(self._clock.monotonic())
        self._tick()

    @property
    def light(self) -> Light:
        """The pattern being played; DARK once closed or broken."""
        return self._engine.light if self.alive else Light.DARK

    @property
    def since(self) -> Monotonic:
        """When the newest pattern begins: a second REFER after a first one is another light to people."""
        return self._engine.since

    @property
    def failure(self) -> Exception | None:
        """What :meth:`break_down` was given, or None."""
        return self._failure

    @property
    def alive(self) -> bool:
        """Open, and not broken."""
        return not self._closed and self._failure is None

    def break_down(self, error: Exception) -> None:
        """Dark and useless from now on, as a real lamp whose thread has failed."""
        self._failure = error
        self._go_dark()

    def step(self, now: Monotonic) -> Monotonic | None:
        """Set the outputs for this time; when they change next, None: not by themselves."""
        if not self.alive:
            return None
        self._note(now, self._engine.outputs(now))
        return self._engine.next_change(now)

    def close(self) -> None:
        """Everything dark, relay open. Any number of times."""
        self._closed = True
        self._go_dark()

    def _tick(self) -> None:
        self._cancel()
        following = self.step(self._clock.monotonic())
        if following is not None:
            self._timer = self._clock.at(following, self._tick)

    def _note(self, now: Monotonic, outputs: Outputs) -> None:
        change = Change(now, outputs, self.light)
        if self.history and self.history[-1][1:] == change[1:]:
            return
        self.outputs = outputs
        self.history.append(change)
        if self._observer is not None:
            self._observer(change)

    def _go_dark(self) -> None:
        self._cancel()
        self._note(self._clock.monotonic(), OFF)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _raise_failure(self) -> None:
        if self._closed:
            raise DeviceError("lamp: closed")
        if self._failure is not None:
            raise self._failure

"""What every light looks and sounds like, and the engine that plays it. Pure: no pins, no threads, no clock.

The real lamp and the simulated one play this same engine, so they can't drift apart. Time is given with
each call; inside it is whole microseconds, so that edges fall exactly where the table puts them.

docs/lights.md says the same in words; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kiosk.model import Light, Monotonic, Receipt, Seconds, Verdict

LEASE_S: Final = Seconds(2.0)
"""Green is out this long after admit(), whatever else happens."""
GAP_S: Final = Seconds(0.15)
"""Darkness between the light of one person and the next."""
MAX_RELAY_S: Final = Seconds(3.0)
RELAY_PULSE_S: Final = Seconds(0.8)

Span = tuple[float, float]
"""From, to: seconds after the beginning."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the pins are told. Red and green together is a state that can't be made."""

    red: bool = False
    green: bool = False
    buzzer: bool = False
    relay: bool = False

    def __post_init__(self) -> None:
        if self.red and self.green:
            raise ValueError("red and green lit together")


OFF: Final = Outputs()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rhythm in one colour, repeated every ``period`` seconds; beeps sound once, at its beginning."""

    colour: str
    lit: tuple[Span, ...]
    period: Seconds
    lasts: Seconds | None = None
    """Then the resting light comes back; None: until told otherwise."""
    beeps: tuple[Span, ...] = ()


PATTERNS: Final[Mapping[Light, Pattern]] = {
    Light.DARK: Pattern("none", (), Seconds(1.0)),
    Light.IDLE: Pattern("red", ((2.9, 3.0),), Seconds(3.0)),
    Light.HOLD_STILL: Pattern("red", ((0.0, 0.1), (0.25, 0.35)), Seconds(1.25)),
    Light.ADMIT: Pattern("green", ((0.0, 1.0),), Seconds(1.0), LEASE_S),
    Light.REFER: Pattern("red", ((0.0, 0.5),), Seconds(1.0), Seconds(4.0), ((0.0, 0.2),)),
    Light.REFUSE: Pattern(
        "red", ((0.0, 0.125),), Seconds(0.25), Seconds(3.0), ((0.0, 0.15), (0.3, 0.45), (0.6, 0.75))
    ),
    Light.FAULT: Pattern("red", ((0.0, 1.0),), Seconds(1.0), None, ((0.0, 1.0),)),
}

RESTING: Final = frozenset({Light.DARK, Light.IDLE, Light.FAULT})
"""Lights that a gate rests in; the newest one told comes back after an answer."""
ANSWERS: Final = frozenset({Light.ADMIT, Light.REFER, Light.REFUSE})
_SHUTS: Final = frozenset({Light.FAULT, Light.DARK})
# Steady red beside steady green would look alike without colour, so a fault is set apart as well.
_SET_APART: Final = ANSWERS | {Light.FAULT}


def require_admit(receipt: Receipt) -> None:
    """ValueError unless this proves a durable record of an ADMIT (rule 1)."""
    if not isinstance(receipt, Receipt) or receipt.verdict is not Verdict.ADMIT:
        raise ValueError("green needs the receipt of a recorded ADMIT")


def require_pulse(seconds: Seconds) -> Seconds:
    """The relay pulse if it is safe; ValueError unless 0 < seconds <= 3 (NaN is neither)."""
    if not 0 < seconds <= MAX_RELAY_S:
        raise ValueError(f"relay pulse must be more than 0 and at most {MAX_RELAY_S} s, not {seconds}")
    return seconds


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)


@dataclass(frozen=True, slots=True)
class _Spans:
    """When something is on, in microseconds after a beginning; repeated if there is a period."""

    spans: tuple[tuple[int, int], ...]
    period: int | None = None

    @classmethod
    def of(cls, spans: tuple[Span, ...], period: float | None = None) -> _Spans:
        exact = tuple((_us(begin), _us(end)) for begin, end in spans)
        return cls(exact, None if period is None else _us(period))

    def on(self, since: int) -> bool:
        """Whether it is on that long after the beginning; never before it."""
        phase = since % self.period if self.period and since >= 0 else since
        return any(begin <= phase < end for begin, end in self.spans)

    def next_edge(self, since: int) -> int | None:
        """The first moment after ``since`` at which :meth:`on` changes, or None."""
        edges = sorted(
            {edge for cycle in self._cycles(since) for span in self.spans for edge in _at(span, cycle)}
        )
        lit = self.on(since)
        return next((edge for edge in edges if edge > since and self.on(edge) != lit), None)

    def _cycles(self, since: int) -> tuple[int, ...]:
        if self.period is None:
            return (0,)
        current = max(0, since) // self.period * self.period
        return (current, current + self.period)


def _at(span: tuple[int, int], cycle: int) -> tuple[int, int]:
    return (cycle + span[0], cycle + span[1])


_LIT: Final = {light: _Spans.of(pattern.lit, pattern.period) for light, pattern in PATTERNS.items()}
_BEEPS: Final = {light: _Spans.of(pattern.beeps) for light, pattern in PATTERNS.items()}
_NEVER: Final = _Spans(())


class LightEngine:
    """Plays the patterns: told what to show and when, it says what the outputs are at any later time.

    Starts dark and rests dark until told otherwise. Not for several threads at once: its lamp holds a
    lock. Times of successive calls must not go back.
    """

    def __init__(self, relay_pulse_s: Seconds = RELAY_PULSE_S, buzzer_on: bool = True) -> None:
        self._pulse = _us(require_pulse(relay_pulse_s))
        self._buzzer_on = buzzer_on
        self._light = Light.DARK
        self._rest = Light.DARK
        self._begins = 0
        self._ends: int | None = None
        self._beeps = _NEVER
        self._relay: tuple[int, int] | None = None

    @property
    def light(self) -> Light:
        """The pattern being played since the last call."""
        return self._light

    @property
    def since(self) -> Monotonic:
        """When that pattern begins, after the gap before it; a new answer of the same kind begins anew."""
        return Monotonic(self._begins / 1_000_000)

    @property
    def rest(self) -> Light:
        """The light that comes back when an answer has run its time."""
        return self._rest

    def show(self, light: Light, at: Monotonic) -> None:
        """Start a pattern; a resting light is also remembered as the one to come back to.

        IDLE waits until the answer that is on has run its time, so that telling the lamp of the next
        rest never cuts a person's answer short. Every other light comes at once. A relay pulse that has
        begun ends by itself, or the next person's pass would shut the gate on the one who was let in;
        FAULT and DARK open the relay at once.
        """
        if light is Light.ADMIT:
            raise ValueError("ADMIT is lit by admit(receipt) alone")
        now = self._settled(at)
        if light in RESTING:
            self._rest = light
        if not self._stays(light):
            self._begin(light, now)
            if light in _SHUTS:
                self._relay = None

    def admit(self, at: Monotonic) -> None:
        """Begin a lease: green until ``at`` + 2 s at the latest, one relay pulse of its own."""
        self._begin(Light.ADMIT, self._settled(at))
        self._relay = (self._begins, self._begins + self._pulse)

    def outputs(self, now: Monotonic) -> Outputs:
        """What is on at this time; patterns that have run their time end here."""
        moment = self._settled(now)
        lit = _LIT[self._light].on(moment - self._begins)
        colour = PATTERNS[self._light].colour
        return Outputs(
            red=lit and colour == "red",
            green=lit and colour == "green",
            buzzer=self._beeps.on(moment - self._begins),
            relay=self._relay_closed(moment),
        )

    def next_change(self, now: Monotonic) -> Monotonic | None:
        """The first time after ``now`` at which :meth:`outputs` may differ; None: never by itself."""
        moment = self._settled(now)
        rhythms = (_LIT[self._light], self._beeps)
        edges = [rhythm.next_edge(moment - self._begins) for rhythm in rhythms]
        times = [self._begins + edge for edge in edges if edge is not None]
        times += [edge for edge in (self._ends, *(self._relay or ())) if edge is not None and edge > moment]
        return Monotonic(min(times) / 1_000_000) if times else None

    def _settled(self, at: Monotonic) -> int:
        """``at`` in microseconds, after going back to rest if the pattern has run its time by then."""
        now = _us(at)
        if self._ends is not None and now >= self._ends:
            self._light, self._begins, self._ends = self._rest, self._ends + _us(GAP_S), None
            self._beeps = _NEVER  # told once, not after every person
        return now

    def _stays(self, light: Light) -> bool:
        if light is Light.IDLE and self._light in ANSWERS:
            return True
        return light is self._light and light not in ANSWERS

    def _begin(self, light: Light, now: int) -> None:
        apart = self._light in _SET_APART or self._relay_closed(now)
        # A gap that is still running is not cut short, and the lease is counted from the call.
        self._begins = max(now + _us(GAP_S) if apart else now, self._begins)
        lasts = PATTERNS[light].lasts
        self._ends = None if lasts is None else now + _us(lasts)
        self._light = light
        self._beeps = _BEEPS[light] if self._buzzer_on else _NEVER

    def _relay_closed(self, now: int) -> bool:
        return self._relay is not None and self._relay[0] <= now < self._relay[1]

"""Virtual time: in order, exact, and the same for timers and for real threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drivers.simulated.clock
from drivers.simulated.clock import VirtualClock
from drivers.simulated.pace import Pace
from kiosk.model import ClockState, Monotonic, Seconds, UnixTime


def test_nothing_passes_by_itself() -> None:
    clock = VirtualClock(UnixTime(1_000.0))
    assert (clock.monotonic(), clock.wall()) == (0.0, 1_000.0)
    clock.advance(2.5)
    assert (clock.monotonic(), clock.wall()) == (2.5, 1_002.5)
    assert clock.state() is ClockState.SIMULATED


def test_ten_tenths_are_one_second() -> None:
    clock = VirtualClock()
    for _ in range(10):
        clock.advance(0.1)
    assert clock.monotonic() == 1.0


def test_a_jump_moves_the_wall_clock_only() -> None:
    clock = VirtualClock(UnixTime(1_000.0))
    clock.advance(10)
    clock.jump(-500)
    assert (clock.monotonic(), clock.wall()) == (10.0, 510.0)
    clock.set_state(ClockState.UNTRUSTED)
    assert not clock.state().trusted


@pytest.mark.parametrize("seconds", [-0.1, float("nan")])
def test_time_does_not_go_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="time can't pass"):
        VirtualClock().advance(seconds)


@given(st.lists(st.integers(0, 5_000), max_size=30), st.lists(st.integers(0, 700), max_size=20))
def test_timers_fire_in_order_at_their_time(times: list[int], steps: list[int]) -> None:
    clock = VirtualClock()
    fired: list[tuple[float, int, float]] = []

    def note(due: Monotonic, number: int) -> None:
        fired.append((due, number, clock.monotonic()))

    for number, milliseconds in enumerate(times):
        due = Monotonic(milliseconds / 1000)
        clock.at(due, partial(note, due, number))
    for step in [0, *steps]:
        clock.advance(step / 1000)
    now = clock.monotonic()
    expected = sorted((ms / 1000, number) for number, ms in enumerate(times) if ms / 1000 <= now)
    assert [(due, number) for due, number, _ in fired] == expected
    assert all(due == at for due, _, at in fired)


def test_a_timer_may_set_the_next_one_within_the_same_stretch() -> None:
    clock = VirtualClock()
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(clock.monotonic())
        clock.at(Monotonic(clock.monotonic() + 1), tick)

    clock.at(Monotonic(1), tick)
    clock.advance(3.5)
    assert ticks == [1.0, 2.0, 3.0]


def test_a_timer_in_the_past_fires_now_and_a_cancelled_one_never() -> None:
    clock = VirtualClock()
    fired: list[float] = []
    clock.advance(5)
    clock.at(Monotonic(1), lambda: fired.append(clock.monotonic()))
    clock.at(Monotonic(6), lambda: fired.append(-1.0)).cancel()
    clock.advance(0)
    clock.advance(10)
    assert fired == [5.0]


def test_a_callback_may_let_time_pass_itself() -> None:
    clock, fired = VirtualClock(), []

    def slow() -> None:
        clock.advance(1.5)
        fired.append(("slow", clock.monotonic()))

    clock.at(Monotonic(1), slow)
    clock.at(Monotonic(2), lambda: fired.append(("other", clock.monotonic())))
    clock.advance(2)
    assert fired == [("other", 2.0), ("slow", 2.5)]
    assert clock.monotonic() == 2.5


# -- threads -------------------------------------------------------------------------------------------------


class Ticker:
    """A thread that wakes every ``every`` virtual seconds, or when it is poked."""

    def __init__(self, clock: VirtualClock, every: float | None) -> None:
        self.woken: list[tuple[float, bool]] = []
        self.event = clock.event()
        self._clock = clock
        self._every = every
        self._stop = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            poked = self.event.wait(self._every)
            if self._stop:
                return
            self.event.clear()
            self.woken.append((self._clock.monotonic(), poked))

    def end(self) -> None:
        self._stop = True
        self.event.set()
        self.thread.join(10)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def ticker(clock: VirtualClock) -> Iterator[Ticker]:
    ticker = Ticker(clock, 0.7)
    clock.wait_for_threads(1)
    yield ticker
    ticker.end()


def test_a_thread_wakes_at_its_times(clock: VirtualClock, ticker: Ticker) -> None:
    clock.advance(2.5)
    assert ticker.woken == [(0.7, False), (1.4, False), (2.1, False)]


def test_an_event_wakes_a_thread_at_once_and_it_is_done_before_time_goes_on(
    clock: VirtualClock, ticker: Ticker
) -> None:
    clock.at(Monotonic(0.5), ticker.event.set)
    clock.advance(1.3)
    assert ticker.woken == [(0.5, True), (1.2, False)]


def test_several_threads_and_an_ended_one(clock: VirtualClock, ticker: Ticker) -> None:
    others = [Ticker(clock, None), Ticker(clock, 1.0)]
    clock.wait_for_threads(3)
    clock.advance(1.0)
    others[0].end()
    clock.advance(1.0)
    assert [len(each.woken) for each in (ticker, *others)] == [2, 0, 2]
    others[1].end()
    clock.advance(1.0)
    assert len(ticker.woken) == 4


def test_a_thread_that_does_not_come_back_is_told(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers.simulated.clock, "STUCK_S", Seconds(0.05))
    release, event = threading.Event(), clock.event()

    def hang() -> None:
        event.wait(1.0)
        release.wait(10)

    thread = threading.Thread(target=hang, name="hanging")
    thread.start()
    clock.wait_for_threads(1)
    with pytest.raises(TimeoutError, match="hanging"):
        clock.advance(2)
    with pytest.raises(TimeoutError, match="0 of 1"):
        clock.wait_for_threads(1)
    release.set()
    thread.join()


# -- pace -------------------------------------------------------------------------------------------------


class RealTime:
    """Real time as Pace sees it: passes only by waiting (and by what a test calls slow work)."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stopped = False

    def monotonic(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        if not self.stopped:
            self.now += timeout or 0.0
        return self.stopped


@given(
    speed=st.sampled_from([0.5, 1.0, 3.0, 20.0]),
    turns=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 3)), max_size=30),
)
def test_virtual_time_is_never_faster_than_its_speed(speed: float, turns: list[tuple[float, float]]) -> None:
    clock, real = VirtualClock(), RealTime()
    pace = Pace(clock, speed, real, real.monotonic)
    for seconds, work in turns:
        assert pace.advance(seconds)
        assert clock.monotonic() <= real.now * speed + 1e-6
        real.now += work


def test_a_quick_machine_keeps_the_pace_and_a_stalled_one_does_not_rush() -> None:
    clock, real = VirtualClock(), RealTime()
    pace = Pace(clock, 2.0, real, real.monotonic)
    for _ in range(100):
        pace.advance(0.1)
    assert real.now == pytest.approx(5.0)
    real.now += 60  # the machine was busy elsewhere
    pace.advance(10)
    assert real.now == pytest.approx(65.0 + 5.0, abs=0.06)


def test_a_stop_ends_the_wait_and_time_stands() -> None:
    clock, real = VirtualClock(), RealTime()
    pace = Pace(clock, float("inf"), real, real.monotonic)
    assert pace.advance(3600)
    assert real.now == 0.0
    real.stopped = True
    assert not pace.advance(1)
    assert clock.monotonic() == 3600.0


def test_a_speed_of_nothing_is_refused() -> None:
    for speed in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="speed"):
            Pace(VirtualClock(), speed, threading.Event())

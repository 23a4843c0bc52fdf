"""Devices come and go; the gate sees a part that works or says why not, and never an exception of theirs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mlx90614 import SPECS
from drivers.simulated.clock import VirtualClock
from kiosk.errors import DeviceAbsent, DeviceError, DeviceStalled, SensorError, SensorStuck
from kiosk.model import Monotonic, Seconds
from kiosk.supervision import (
    HANGS_S,
    LONGEST_RETRY,
    SILENCE_S,
    SOUND_S,
    Supervised,
    Worker,
    longest_silence,
)

REAL_S = 10.0
"""Real seconds after which a thread that should have done something is taken to be stuck."""


class Bench:
    """A workshop with one device: whether it can be opened, and what it does when it is polled."""

    def __init__(self) -> None:
        self.there = True
        self.error: Exception | None = None
        self.items: list[str] = []
        self.opened: list[float] = []
        self.closed = 0
        self.now = 0.0
        self.close_error: DeviceError | None = None

    def open(self) -> Device:
        self.opened.append(self.now)
        if not self.there:
            raise DeviceAbsent("camera: unplugged")
        return Device(self)


class Device:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def poll(self, now: Monotonic) -> Sequence[str]:
        if self._bench.error is not None:
            raise self._bench.error
        items, self._bench.items = self._bench.items, []
        return items

    def close(self) -> None:
        self._bench.closed += 1
        if self._bench.close_error is not None:
            raise self._bench.close_error


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def part(bench: Bench) -> Supervised[str]:
    return Supervised("camera", bench.open)


def run(part: Supervised[str], bench: Bench, seconds: float, step: float = 0.25) -> list[str | None]:
    """Poll for so long; the code of the fault after each poll."""
    faults = []
    for _ in range(round(seconds / step)):
        part.poll(Monotonic(bench.now))
        faults.append(None if part.fault is None else part.fault.code)
        bench.now += step
    return faults


# -- one device ------------------------------------------------------------------------------------------


def test_a_device_that_works_is_opened_once_and_hands_its_items_over(
    part: Supervised[str], bench: Bench
) -> None:
    bench.items = ["a", "b"]
    assert part.poll(Monotonic(0.0)) == ["a", "b"]
    run(part, bench, 100.0)
    assert bench.opened == [0.0]
    assert part.fault is None


def test_an_absent_device_is_tried_ever_more_rarely_but_never_given_up(
    part: Supervised[str], bench: Bench
) -> None:
    bench.there = False
    faults = run(part, bench, 130.0)
    assert bench.opened == [0, 1, 3, 7, 15, 31, 61, 91, 121]
    assert set(faults) == {"DEVICE_ABSENT"}


def test_it_is_well_again_with_the_first_thing_it_hands_over(part: Supervised[str], bench: Bench) -> None:
    bench.there = False
    run(part, bench, 1.0)
    bench.there, bench.items = True, ["a"]
    bench.now = 1.0
    assert part.poll(Monotonic(1.0)) == ["a"]
    assert part.fault is None


def test_a_device_with_nothing_to_hand_over_is_well_after_five_seconds_without_an_error(
    part: Supervised[str], bench: Bench
) -> None:
    bench.there = False
    run(part, bench, 0.25)
    bench.there = True
    faults = run(part, bench, 1.0 + SOUND_S + 0.25)
    well = faults.index(None) * 0.25 + 0.25
    assert well == pytest.approx(1.0 + SOUND_S)


def test_a_device_that_opens_and_then_fails_never_looks_well_in_between(
    part: Supervised[str], bench: Bench
) -> None:
    """A camera that stalls 2 s after each opening: steady red, no flicker and no beep with every try."""
    bench.error = DeviceStalled("camera: no frame for 2 s")
    run(part, bench, 0.25)
    faults: list[str | None] = []
    for _ in range(20):
        bench.error = None
        faults += run(part, bench, 2.0)
        bench.error = DeviceStalled("camera: no frame for 2 s")
        faults += run(part, bench, 0.25)
        faults += run(part, bench, 29.0)
    assert set(faults) == {"DEVICE_STALLED"}


def test_faults_in_quick_succession_lengthen_the_pause_and_a_long_calm_ends_that(
    part: Supervised[str], bench: Bench
) -> None:
    def fail_once() -> None:
        bench.error = SensorError("PEC wrong")
        run(part, bench, 0.25)
        bench.error = None
        bench.items = ["a"]

    tries = []
    for _ in range(4):
        fail_once()
        before = bench.now
        while part.fault is not None:
            run(part, bench, 0.25)
        tries.append(bench.now - before)
    assert tries == sorted(tries)
    assert tries[-1] > 6
    run(part, bench, LONGEST_RETRY + 0.25)
    fail_once()
    run(part, bench, 1.0)
    assert part.fault is None


def test_a_stuck_sensor_stays_open_because_opening_forgets_for_how_long_it_was_stuck(
    part: Supervised[str], bench: Bench
) -> None:
    bench.error = SensorStuck("the same word for more than 60 s")
    faults = run(part, bench, 300.0)
    assert set(faults) == {"SENSOR_STUCK"}
    assert len(bench.opened) == 1
    bench.error, bench.items = None, ["a"]
    assert run(part, bench, 0.25) == [None]


def test_a_device_that_fails_is_closed_and_may_fail_at_that_too(part: Supervised[str], bench: Bench) -> None:
    bench.close_error = DeviceError("camera: it does not even close")
    bench.error = DeviceStalled("camera: gone")
    run(part, bench, 0.25)
    assert bench.closed == 1
    assert part.fault is not None
    assert part.fault.code == "DEVICE_STALLED"
    bench.error = None
    run(part, bench, 2.0)
    part.close()
    part.close()
    assert bench.closed == 2


def test_a_defect_is_not_mistaken_for_a_broken_device(part: Supervised[str], bench: Bench) -> None:
    bench.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        part.poll(Monotonic(0.0))


@given(st.lists(st.tuples(st.sampled_from(["well", "item", "error", "stuck", "absent"]), st.integers(1, 40))))
def test_whatever_a_device_does_polling_never_raises_and_tries_stay_rare(
    script: list[tuple[str, int]],
) -> None:
    bench = Bench()
    part = Supervised("camera", bench.open)
    errors = {"error": SensorError("noise"), "stuck": SensorStuck("stuck")}
    for mood, turns in script:
        bench.there = mood != "absent"
        bench.error = DeviceAbsent("gone") if mood == "absent" else errors.get(mood)
        for _ in range(turns):
            bench.items = ["x"] if mood == "item" else []
            handed = part.poll(Monotonic(bench.now))
            assert not handed or part.fault is None
            bench.now += 0.5
    assert len(bench.opened) <= 1 + bench.now
    assert all(later - before >= 1.0 for before, later in zip(bench.opened, bench.opened[1:], strict=False))


# -- a device that says nothing -----------------------------------------------------------------------------


@pytest.fixture
def talker(bench: Bench) -> Supervised[str]:
    """A thermometer, which measures all the time."""
    return Supervised("thermometer", bench.open, Seconds(3.0))


def test_a_device_that_opens_well_and_says_nothing_has_stalled(talker: Supervised[str], bench: Bench) -> None:
    faults = run(talker, bench, 3.25)
    assert set(faults) == {None}
    faults = run(talker, bench, 120.0)
    assert set(faults) == {"DEVICE_STALLED"}, "opening it again makes it look well at no time"
    assert bench.closed == len(bench.opened) > 3
    bench.items = ["a"]
    faults = run(talker, bench, LONGEST_RETRY + 0.25)
    assert None in faults, "with the first thing it says"


def test_a_device_that_speaks_now_and_then_is_well(talker: Supervised[str], bench: Bench) -> None:
    for _ in range(20):
        bench.items = ["a"]
        assert set(run(talker, bench, 2.9, step=0.1)) == {None}
    assert bench.opened == [0.0]


def test_a_gate_that_was_held_up_says_nothing_about_its_devices(
    talker: Supervised[str], bench: Bench
) -> None:
    bench.items = ["a"]
    run(talker, bench, 1.0)
    bench.now += 500.0
    assert run(talker, bench, 1.0) == [None] * 4
    bench.items = ["a"]
    assert run(talker, bench, 1.0) == [None] * 4


def test_a_slow_thermometer_is_given_more_time() -> None:
    assert longest_silence(SPECS["xAA"]) == SILENCE_S
    assert longest_silence(SPECS["xCF"]) == pytest.approx(2.5 * 1.33)


# -- in a thread of its own ---------------------------------------------------------------------------------


class Scripted:
    """A part whose poll does what the test says; ``turns`` counts polls that ended."""

    name = "thermometer"

    def __init__(self, action: Callable[[Monotonic], Sequence[int]]) -> None:
        self.fault: DeviceError | None = None
        self.closed = threading.Event()
        self._action = action
        self._turned = threading.Semaphore(0)

    def poll(self, now: Monotonic) -> Sequence[int]:
        try:
            return self._action(now)
        finally:
            self._turned.release()

    def close(self) -> None:
        self.closed.set()

    def let_turns_begin_anew(self) -> None:
        """Turns that were over before count for nothing."""
        while self._turned.acquire(blocking=False):
            pass

    def wait_for_turns(self, count: int) -> None:
        for _ in range(count):
            assert self._turned.acquire(timeout=REAL_S)


@contextmanager
def working(part: Scripted, clock: VirtualClock | None = None, keep: int = 64) -> Iterator[Worker[int]]:
    worker = Worker(part, clock or VirtualClock(), Seconds(0.0005), keep)
    try:
        yield worker
    finally:
        worker.close()


def collect(worker: Worker[int], count: int) -> list[int]:
    found: list[int] = []
    limit = threading.Event()
    for _ in range(int(REAL_S / 0.001)):
        found += worker.poll(Monotonic(0.0))
        if len(found) >= count:
            return found
        limit.wait(0.001)
    raise AssertionError(f"only {len(found)} of {count} items came")


def test_a_worker_hands_over_what_its_thread_read_in_order() -> None:
    numbers = iter(range(1000))
    part = Scripted(lambda _: [next(numbers), next(numbers)])
    with working(part) as worker:
        assert collect(worker, 6)[:6] == [0, 1, 2, 3, 4, 5]
    assert part.closed.is_set()


def test_a_gate_that_does_not_ask_finds_the_newest_and_no_endless_past() -> None:
    numbers = iter(range(10**9))
    part = Scripted(lambda _: [next(numbers)])
    with working(part, keep=4) as worker:
        part.wait_for_turns(50)
        found = worker.poll(Monotonic(0.0))
    assert len(found) <= 4
    assert found[-1] >= 48


def test_the_fault_of_the_part_is_the_fault_of_the_worker() -> None:
    part = Scripted(lambda _: [])
    with working(part) as worker:
        part.wait_for_turns(2)
        assert worker.fault is None
        part.fault = SensorError("no answer")
        part.let_turns_begin_anew()
        part.wait_for_turns(3)
        assert worker.fault is part.fault


def test_a_worker_that_dies_takes_the_gate_down_with_what_killed_it() -> None:
    def die(_: Monotonic) -> Sequence[int]:
        raise ZeroDivisionError("a defect")

    part = Scripted(die)
    with working(part) as worker:
        assert part.closed.wait(REAL_S), "the device is released, whatever killed the thread"
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="a defect"):
                worker.poll(Monotonic(0.0))


def test_a_poll_that_does_not_return_is_a_stalled_device_until_it_does() -> None:
    entered, leave, clock = threading.Event(), threading.Event(), VirtualClock()

    def hang(_: Monotonic) -> Sequence[int]:
        entered.set()
        assert leave.wait(REAL_S)
        return [1]

    part = Scripted(hang)
    with working(part, clock) as worker:
        assert entered.wait(REAL_S)
        clock.advance(HANGS_S)
        assert worker.fault is None
        clock.advance(0.1)
        assert worker.fault is not None
        assert worker.fault.code == "DEVICE_STALLED"
        assert "thermometer" in str(worker.fault)
        leave.set()
        part.wait_for_turns(2)
        assert worker.fault is None


def test_closing_a_worker_stops_its_thread_and_may_be_done_again() -> None:
    part = Scripted(lambda _: [])
    before = threading.active_count()
    with working(part) as worker:
        worker.close()
        assert part.closed.is_set()
    assert threading.active_count() == before

"""What time it is, as far as that is known: trusted, doubted, bounded from below by what was signed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import Usage
from kiosk.model import ClockState, Monotonic, Seconds, TimeInterval, UnixTime
from kiosk.timekeeping import BUILT, ClockEvent, FloorFile, TimeKeeper, given_time

FLOOR = UnixTime(1_800_000_000)
GAP = Seconds(30 * 86_400)


class HandClock:
    """A clock that a test turns by hand: real time passes, and the wall clock says what it likes."""

    def __init__(self, state: ClockState = ClockState.UNTRUSTED, ahead: float = 0.0) -> None:
        self.now = 0.0
        self.ahead = ahead
        self.claimed = state

    def monotonic(self) -> Monotonic:
        return Monotonic(self.now)

    def wall(self) -> UnixTime:
        return UnixTime(FLOOR + self.now + self.ahead)

    def state(self) -> ClockState:
        return self.claimed


def keeper(clock: HandClock) -> TimeKeeper:
    return TimeKeeper(clock, FLOOR, GAP)


def events(kept: TimeKeeper) -> list[ClockEvent]:
    return [notice.event for notice in kept.take_notices()]


def span(interval: TimeInterval) -> tuple[float, float]:
    """Both ends, seconds after the floor."""
    return interval.lo - FLOOR, interval.hi - FLOOR


# -- no clock ------------------------------------------------------------------------------------


def test_without_a_clock_time_is_floor_plus_what_has_passed_since_boot() -> None:
    clock = HandClock(ahead=-1e9)
    kept = keeper(clock)
    clock.now = 500
    assert span(kept.interval()) == (500, 500 + GAP)
    assert not kept.interval().trusted
    kept.max_gap = Seconds(60)
    assert span(kept.interval()) == (500, 560)


def test_the_floor_rises_with_what_was_signed_and_never_sinks() -> None:
    clock = HandClock()
    kept = keeper(clock)
    clock.now = 100
    kept.raise_floor(UnixTime(FLOOR + 5000))
    assert span(kept.interval())[0] == 5000
    clock.now = 110
    kept.raise_floor(UnixTime(FLOOR + 4000))
    assert span(kept.interval())[0] == 5010
    assert kept.floor == FLOOR + 5010


def test_a_restart_in_the_same_boot_does_not_count_the_boot_twice() -> None:
    clock = HandClock()
    clock.now = 9000
    kept = TimeKeeper(clock, FLOOR, GAP, floor_at=Monotonic(8990))
    assert span(kept.interval())[0] == 10


@pytest.mark.parametrize("state", [ClockState.SERVER, ClockState.VOLUNTEER])
def test_a_confirmed_time_runs_on(state: ClockState) -> None:
    clock = HandClock(ahead=-1e9)
    kept = keeper(clock)
    assert kept.confirm(UnixTime(FLOOR + 5000), state)
    clock.now = 100
    assert kept.interval() == TimeInterval.exactly(UnixTime(FLOOR + 5100), state)


def test_a_confirmation_that_signed_lists_prove_wrong_is_refused() -> None:
    clock = HandClock(ahead=-1e9)
    kept = keeper(clock)
    assert not kept.confirm(UnixTime(FLOOR - 121), ClockState.VOLUNTEER)
    assert not kept.interval().trusted
    assert kept.confirm(UnixTime(FLOOR - 119), ClockState.VOLUNTEER)
    kept.raise_floor(UnixTime(FLOOR + 1000))
    assert not kept.interval().trusted


# -- a clock that is right -------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in ClockState if state.trusted])
def test_a_trusted_clock_is_one_instant(state: ClockState) -> None:
    clock = HandClock(state, ahead=77)
    kept = keeper(clock)
    clock.now = 10
    assert kept.interval() == TimeInterval.exactly(UnixTime(FLOOR + 87), state)


def test_a_clock_that_is_set_at_last_is_told_once() -> None:
    clock = HandClock(ahead=-1e9)
    kept = keeper(clock)
    kept.interval()
    clock.claimed, clock.ahead, clock.now = ClockState.NTP, 30, 5
    assert kept.interval().trusted
    clock.now = 6
    kept.interval()
    assert events(kept) == [ClockEvent.UNTRUSTED, ClockEvent.JUMPED, ClockEvent.TRUSTED]


def test_small_steps_are_told_and_followed() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    clock.now, clock.ahead = 1, 10
    assert span(kept.interval()) == (11, 11)
    assert events(kept) == [ClockEvent.TRUSTED, ClockEvent.JUMPED]


def test_less_than_two_seconds_is_no_jump() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    for step in (1.9, 0.1, -1.0):
        clock.now, clock.ahead = clock.now + 1, step
        kept.interval()
    assert ClockEvent.JUMPED not in events(kept)


# -- a clock that is wrong -------------------------------------------------------------------------


def test_a_clock_behind_signed_lists_is_proven_wrong() -> None:
    clock = HandClock(ClockState.NTP, ahead=-121)
    kept = keeper(clock)
    assert span(kept.interval()) == (0, GAP)
    assert not kept.interval().trusted
    assert events(kept) == [ClockEvent.BEHIND_LISTS]


def test_two_minutes_are_forgiven() -> None:
    kept = keeper(HandClock(ClockState.NTP, ahead=-119))
    assert kept.interval().trusted


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_leaves_two_times_that_may_both_be_right(jump: float) -> None:
    clock = HandClock(ClockState.NTP, ahead=86_400)
    kept = keeper(clock)
    kept.interval()
    clock.now, clock.ahead = 10, 86_400 + jump
    true, claimed = 86_410.0, 86_410.0 + jump
    assert span(kept.interval()) == (min(true, claimed), max(true, claimed))
    assert not kept.interval().trusted
    assert events(kept) == [ClockEvent.TRUSTED, ClockEvent.JUMPED, ClockEvent.DISAGREES]


def test_a_clock_that_jumps_back_is_trusted_again_at_once() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    clock.ahead = 3600
    kept.interval()
    clock.ahead = 0
    assert span(kept.interval()) == (0, 0)
    assert events(kept)[-1] is ClockEvent.TRUSTED


def test_a_clock_that_jumped_and_runs_on_steadily_is_believed_in_the_end() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    clock.ahead = 3600
    for clock.now in range(0, 600, 10):
        assert not kept.interval().trusted
    clock.now = 600
    assert span(kept.interval()) == (4200, 4200)
    assert events(kept)[-2:] == [ClockEvent.SETTLED, ClockEvent.TRUSTED]


def test_a_clock_that_keeps_jumping_is_not_believed() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    for turn in range(20):
        clock.now, clock.ahead = clock.now + 300, 3600.0 * (turn + 1)
        assert not kept.interval().trusted


def test_a_better_source_is_believed_at_once() -> None:
    clock = HandClock(ClockState.BATTERY)
    kept = keeper(clock)
    kept.interval()
    clock.claimed, clock.ahead = ClockState.NTP, 7200
    assert span(kept.interval()) == (7200, 7200)


def test_a_fresh_list_settles_which_of_two_times_is_right() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    clock.ahead = 3600
    assert not kept.interval().trusted
    kept.raise_floor(UnixTime(FLOOR + 3590), fresh=True)
    assert span(kept.interval()) == (3600, 3600)


def test_a_list_that_proves_the_old_time_wrong_settles_it_too() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    clock.ahead = 3600
    kept.interval()
    kept.raise_floor(UnixTime(FLOOR + 3000))
    assert span(kept.interval()) == (3600, 3600)


def test_a_clock_far_ahead_of_a_fresh_list_is_told_once_and_kept() -> None:
    """A replaying proxy must not make its old lists look young by casting doubt on the clock."""
    clock = HandClock(ClockState.NTP, ahead=3 * 86_400)
    kept = keeper(clock)
    kept.interval()
    for minute in range(3):
        clock.now = 60.0 * minute
        kept.raise_floor(UnixTime(FLOOR + clock.now), fresh=True)
        assert kept.interval().trusted
    assert events(kept).count(ClockEvent.AHEAD_OF_LISTS) == 1


def test_an_old_list_from_disk_says_nothing_against_a_clock() -> None:
    clock = HandClock(ClockState.BATTERY, ahead=3 * 86_400)
    kept = keeper(clock)
    kept.raise_floor(UnixTime(FLOOR + 60))
    assert kept.interval().trusted
    assert ClockEvent.AHEAD_OF_LISTS not in events(kept)


def test_losing_the_source_is_told() -> None:
    clock = HandClock(ClockState.NTP)
    kept = keeper(clock)
    kept.interval()
    clock.claimed = ClockState.UNTRUSTED
    assert not kept.interval().trusted
    assert events(kept) == [ClockEvent.TRUSTED, ClockEvent.UNTRUSTED]


steps = st.lists(
    st.tuples(
        st.floats(0, 1000),
        st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0, 50.0, 3600.0, -3600.0, 1e7, -1e7]),
        st.sampled_from(list(ClockState)),
        st.none() | st.floats(-1000, 1000),
    ),
    max_size=25,
)


@given(steps)
def test_whatever_a_clock_does_the_interval_is_one_and_never_before_the_floor(
    history: list[tuple[float, float, ClockState, float | None]],
) -> None:
    clock = HandClock()
    kept = keeper(clock)
    for passed, step, state, issued in history:
        clock.now += passed
        clock.ahead += step
        clock.claimed = state
        if issued is not None:
            kept.raise_floor(UnixTime(FLOOR + clock.now + issued), fresh=issued > 0)
        interval = kept.interval()
        assert interval.lo <= interval.hi
        assert interval.lo >= kept.floor - 120
        assert interval.trusted or interval.lo >= kept.floor
        assert not interval.trusted or interval.lo == interval.hi


@given(steps)
def test_what_is_told_is_told_on_change_only(
    history: list[tuple[float, float, ClockState, float | None]],
) -> None:
    clock = HandClock()
    kept = keeper(clock)
    for passed, step, state, _ in history:
        clock.now += passed
        clock.ahead += step
        clock.claimed = state
        kept.interval()
        kept.take_notices()
        kept.interval()
        assert kept.take_notices() == []


# -- a floor that was saved, and is wrong --------------------------------------------------------------

DAY = 86_400


def test_a_saved_floor_that_a_trusted_clock_refutes_is_dropped_and_told() -> None:
    clock = HandClock(ahead=-3 * DAY)
    kept = keeper(clock)
    assert span(kept.interval())[0] == 0
    clock.claimed = ClockState.NTP
    assert span(kept.interval()) == (-3 * DAY, -3 * DAY)
    assert kept.interval().trusted
    assert kept.floor < FLOOR - 3 * DAY
    assert events(kept) == [ClockEvent.UNTRUSTED, ClockEvent.FLOOR_REFUTED, ClockEvent.TRUSTED]


def test_a_day_is_forgiven_to_a_saved_floor() -> None:
    clock = HandClock(ClockState.NTP, ahead=-DAY)
    kept = keeper(clock)
    assert not kept.interval().trusted
    assert events(kept) == [ClockEvent.BEHIND_LISTS]


def test_no_clock_refutes_what_was_signed() -> None:
    clock = HandClock()
    kept = keeper(clock)
    kept.raise_floor(UnixTime(FLOOR - 10))
    clock.claimed, clock.ahead = ClockState.NTP, -30.0 * DAY
    clock.now = 5.0
    assert not kept.interval().trusted
    assert span(kept.interval())[0] == 5
    assert ClockEvent.BEHIND_LISTS in events(kept)


def test_a_list_that_comes_after_a_wrong_floor_counts_at_once() -> None:
    clock = HandClock(ClockState.NTP, ahead=-3 * DAY)
    kept = keeper(clock)
    kept.interval()
    kept.raise_floor(UnixTime(FLOOR - 2 * DAY))
    assert not kept.interval().trusted
    assert span(kept.interval())[0] == -2 * DAY


# -- the floor on disk --------------------------------------------------------------------------------


def test_a_floor_comes_back_after_a_reboot_and_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "floor.json"
    assert FloorFile(file, "boot 1").save(FLOOR, Monotonic(500))
    assert FloorFile(file, "boot 1").load() == (FLOOR, Monotonic(500))
    assert FloorFile(file, "boot 2").load() == (FLOOR, Monotonic(0))


def test_the_card_is_written_every_ten_minutes_at_most(tmp_path: Path) -> None:
    floor = FloorFile(tmp_path / "floor.json", "boot")
    saved = [at for at in range(0, 3000, 10) if floor.save(UnixTime(FLOOR + at), Monotonic(at))]
    assert saved == [0, 600, 1200, 1800, 2400]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 900,
        b"[" * 100_000,
        b'{"floor": "soon"}',
        b'{"floor": 1, "monotonic": 0, "boot_id": "b"}',
        *(
            b'{"floor": %s, "monotonic": 500, "boot_id": "boot"}' % floor
            for floor in (b"1e300", b"Infinity", b"-Infinity", b"NaN", b'"5e9"', b"5e9", b"9" * 400, b"true")
        ),
        *(
            b'{"floor": 1800000000, "monotonic": %s, "boot_id": "boot"}' % at
            for at in (b"1e300", b"-1e300", b"Infinity", b"NaN", b"-1", b'"0"', b"9" * 400, b"null")
        ),
    ],
)
def test_a_damaged_floor_is_the_time_of_the_build(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "floor.json"
    file.write_bytes(content)
    assert FloorFile(file, "boot").load() == (BUILT, Monotonic(0))


def test_a_damaged_floor_is_mended_by_the_next_save(tmp_path: Path) -> None:
    file = tmp_path / "floor.json"
    file.write_bytes(b'{"floor": Infinity, "monotonic": NaN, "boot_id": "boot"}')
    floor = FloorFile(file, "boot")
    assert floor.load()[0] == BUILT
    assert floor.save(FLOOR, Monotonic(5))
    assert floor.load() == (FLOOR, Monotonic(5))


def test_a_missing_floor_is_the_time_of_the_build(tmp_path: Path) -> None:
    assert FloorFile(tmp_path / "none", "boot").load() == (BUILT, Monotonic(0))


# -- the time of a command ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795219200", 1_795_219_200),
        ("1795219200.5", 1_795_219_200.5),
        ("2026-11-21T00:00:00Z", 1_795_219_200),
        ("2026-11-21T08:00+08:00", 1_795_219_200),
        ("2026-11-21 08:00:00+08:00", 1_795_219_200),
    ],
)
def test_a_time_may_be_given(text: str, expected: float) -> None:
    assert given_time(text) == TimeInterval.exactly(UnixTime(expected))


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-11-21", "2026-11-21T08:00", "-5", "1e9", "nan", "inf", "2026-13-01T00:00Z", "١"],
)
def test_a_time_that_is_none_or_leaves_its_offset_open_is_refused(text: str) -> None:
    with pytest.raises(Usage, match="--at"):
        given_time(text)


def test_the_hosts_clock_is_trusted_by_commands() -> None:
    assert given_time(None).trusted
    assert abs(given_time(None).lo - time.time()) < 60

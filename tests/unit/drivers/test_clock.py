"""Why the machine's wall time is believed: never by habit, never because two wrong clocks agree."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from drivers.clock import BATTERY_CLOCKS, LAST_SAVED, SYNCHRONIZED, SystemClock
from kiosk.model import ClockState, Monotonic, UnixTime

NOW = 1_795_000_000.0
"""November 2026."""


class Machine:
    """A file system as timesyncd and the kernel would leave it, and a system clock."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.uptime = 100.0
        self.clock = SystemClock(root)
        self._patch = monkeypatch
        self.set_wall(NOW)
        monkeypatch.setattr(self.clock, "monotonic", lambda: Monotonic(self.uptime))

    def set_wall(self, wall: float) -> None:
        self._patch.setattr(self.clock, "wall", lambda: UnixTime(wall))

    def touch(self, name: str, at: float) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (at, at))

    def battery_clock(self, text: str, name: str = "rtc0") -> None:
        path = self.root / BATTERY_CLOCKS / name
        path.mkdir(parents=True, exist_ok=True)
        (path / "since_epoch").write_text(text)

    def state(self) -> ClockState:
        self.uptime += 10
        return self.clock.state()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_pi_without_network_and_battery_is_not_believed(machine: Machine) -> None:
    assert machine.state() is ClockState.UNTRUSTED


def test_the_saved_time_alone_proves_nothing(machine: Machine) -> None:
    machine.touch(LAST_SAVED, NOW - 10)
    assert machine.state() is ClockState.UNTRUSTED


def test_synchronised_since_boot_is_believed(machine: Machine) -> None:
    machine.touch(SYNCHRONIZED, NOW - 3600)
    assert machine.state() is ClockState.NTP


def test_set_back_after_synchronising_is_not_believed(machine: Machine) -> None:
    machine.touch(SYNCHRONIZED, NOW + 121)
    assert machine.state() is ClockState.UNTRUSTED


def test_a_battery_clock_that_agrees_is_believed(machine: Machine) -> None:
    machine.battery_clock(f"{int(NOW) - 60}\n")
    machine.touch(LAST_SAVED, NOW - 86_400)
    assert machine.state() is ClockState.BATTERY


def test_network_time_comes_before_the_battery(machine: Machine) -> None:
    machine.battery_clock(f"{int(NOW)}\n")
    machine.touch(SYNCHRONIZED, NOW)
    assert machine.state() is ClockState.NTP


def test_the_second_of_two_battery_clocks_will_do(machine: Machine) -> None:
    machine.battery_clock("1234\n", "rtc0")  # a Pi 5 without its cell
    machine.battery_clock(f"{int(NOW)}\n", "rtc1")
    assert machine.state() is ClockState.BATTERY


@pytest.mark.parametrize("text", ["", "0\n", "1234\n", "not a number\n", "-5", "9" * 30, f"{int(NOW) + 121}"])
def test_a_battery_clock_that_disagrees_is_not_believed(machine: Machine, text: str) -> None:
    machine.battery_clock(text)
    assert machine.state() is ClockState.UNTRUSTED


def test_a_battery_clock_that_does_not_answer_is_not_believed(machine: Machine) -> None:
    (machine.root / BATTERY_CLOCKS / "rtc0" / "since_epoch").mkdir(parents=True)
    assert machine.state() is ClockState.UNTRUSTED


def test_two_clocks_that_agree_on_a_time_already_past_have_lost_their_power(machine: Machine) -> None:
    machine.touch(LAST_SAVED, NOW + 86_400)
    machine.battery_clock(f"{int(NOW)}\n")
    assert machine.state() is ClockState.UNTRUSTED


@pytest.mark.parametrize("wall", [0.0, 946_684_800.0, 1_767_225_599.0], ids=["1970", "2000", "2025"])
def test_a_time_before_the_product_existed_is_never_believed(machine: Machine, wall: float) -> None:
    machine.set_wall(wall)
    machine.battery_clock(f"{int(wall)}\n")
    machine.touch(SYNCHRONIZED, wall)
    assert machine.state() is ClockState.UNTRUSTED


def test_a_clock_that_becomes_right_is_noticed_within_ten_seconds(machine: Machine) -> None:
    assert machine.state() is ClockState.UNTRUSTED
    machine.touch(SYNCHRONIZED, NOW)
    machine.uptime += 9.9
    assert machine.clock.state() is ClockState.UNTRUSTED  # the I2C bus is left alone
    machine.uptime += 0.1
    assert machine.clock.state() is ClockState.NTP


def test_on_this_machine_time_runs_and_nothing_raises() -> None:
    clock = SystemClock()
    first = clock.monotonic()
    assert abs(clock.wall() - time.time()) < 5
    assert clock.state() in ClockState
    assert clock.monotonic() >= first
    event = clock.event()
    assert not event.wait(0)
    event.set()
    assert event.wait(0)
    event.clear()
    assert not event.wait(0)

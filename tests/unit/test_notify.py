"""What systemd hears, on real sockets."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kiosk.model import Monotonic
from kiosk.notify import Notifier


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """A service manager's end; it does not wait for what has not come."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
        end.bind(address)
        end.setblocking(False)
        yield end


def heard(end: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(end.recv(4096).decode())
        except BlockingIOError:
            return messages


@pytest.fixture(params=["path", "abstract"])
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """NOTIFY_SOCKET, and the same for bind(2)."""
    if request.param == "path":
        return (str(tmp_path / "notify"), str(tmp_path / "notify"))
    name = f"kiosk-test-{os.getpid()}"
    return ("@" + name, "\0" + name)


def test_a_life_is_told(addresses: tuple[str, str]) -> None:
    name, address = addresses
    with manager(address) as end, Notifier({"NOTIFY_SOCKET": name}) as notifier:
        notifier.ready("waiting for people")
        notifier.status("camera gone")
        notifier.stopping()
        assert heard(end) == ["READY=1\nSTATUS=waiting for people", "STATUS=camera gone", "STOPPING=1"]


def test_a_line_break_in_a_status_is_no_command(tmp_path: Path) -> None:
    with manager(str(tmp_path / "n")) as end, Notifier({"NOTIFY_SOCKET": str(tmp_path / "n")}) as notifier:
        notifier.status("bad\nMAINPID=1\r\n\tend 测试")
        assert heard(end) == ["STATUS=bad MAINPID=1 end 测试"]


def test_the_watchdog_is_pinged_four_times_a_limit_however_often_the_loop_turns(tmp_path: Path) -> None:
    values = {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "4000000"}
    with manager(str(tmp_path / "n")) as end, Notifier(values) as notifier:
        assert notifier.interval == 1.0
        for turn in range(101):
            notifier.watchdog(Monotonic(turn * 0.05))
        assert heard(end) == ["WATCHDOG=1"] * 6


def test_a_loop_that_does_not_turn_is_not_pinged_for(tmp_path: Path) -> None:
    values = {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "1000000"}
    with manager(str(tmp_path / "n")) as end, Notifier(values) as notifier:
        notifier.ready()
        assert heard(end) == ["READY=1"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_no_watchdog_is_meant_for_this_process(tmp_path: Path, values: dict[str, str]) -> None:
    address = str(tmp_path / "n")
    with manager(address) as end, Notifier({"NOTIFY_SOCKET": address, **values}) as notifier:
        notifier.watchdog(Monotonic(0.0))
        notifier.watchdog(Monotonic(100.0))
        assert notifier.interval is None
        assert heard(end) == []


def test_the_watchdog_of_this_process_is_ours(tmp_path: Path) -> None:
    values = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}
    with Notifier(values) as notifier:
        assert notifier.interval == 0.5


@pytest.mark.parametrize("name", ["", "@", "relative/path", "vsock:2:1234"])
def test_without_a_socket_nothing_happens(name: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"})
    notifier.ready("x")
    notifier.watchdog(Monotonic(0.0))
    notifier.stopping()
    notifier.close()
    notifier.close()
    assert notifier.interval is None


def test_the_environment_of_the_process_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
    with manager(str(tmp_path / "n")) as end, Notifier() as notifier:
        notifier.ready()
        assert heard(end) == ["READY=1"]


def test_a_manager_that_went_away_is_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = str(tmp_path / "n")
    with Notifier({"NOTIFY_SOCKET": address}) as notifier, caplog.at_level(logging.WARNING):
        for _ in range(5):
            notifier.status("nobody there")
        assert len(caplog.records) == 1
        with manager(address) as end:
            notifier.status("back")
            assert heard(end) == ["STATUS=back"]


def test_a_manager_that_does_not_read_does_not_block_the_gate(tmp_path: Path) -> None:
    address = str(tmp_path / "n")
    with manager(address) as end, Notifier({"NOTIFY_SOCKET": address}) as notifier:
        for turn in range(5_000):
            notifier.status(f"turn {turn}")
        told = heard(end)
        assert told == [f"STATUS=turn {turn}" for turn in range(len(told))]
        assert 0 < len(told) < 5_000, "what does not fit is left out, not waited for"
        notifier.status("read again")
        assert heard(end) == ["STATUS=read again"]


def test_closed_is_silent(tmp_path: Path) -> None:
    address = str(tmp_path / "n")
    with manager(address) as end:
        notifier = Notifier({"NOTIFY_SOCKET": address})
        notifier.close()
        notifier.ready()
        assert heard(end) == []

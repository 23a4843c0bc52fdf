"""Signals end a wait; nothing else of the process changes."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from kiosk.signals import StopSignals


def test_nothing_came() -> None:
    with StopSignals() as stop:
        assert not stop.wait(0)
        assert not stop.is_set()
        assert stop.received is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_wait(number: signal.Signals) -> None:
    with StopSignals() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(30)
        assert stop.wait()
        assert stop.received is number


def test_a_signal_wakes_a_wait_that_has_begun() -> None:
    with StopSignals() as stop:
        sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        sender.start()
        before = time.monotonic()
        assert stop.wait(30)
        assert time.monotonic() - before < 10
        sender.join()


def test_a_second_interrupt_breaks_a_loop_that_does_not_look() -> None:
    with StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(30)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_many_signals_are_one_stop() -> None:
    with StopSignals() as stop:
        for _ in range(100):
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(30)


def test_another_thread_may_stop_it() -> None:
    with StopSignals() as stop:
        thread = threading.Thread(target=stop.set)
        thread.start()
        assert stop.wait(30)
        thread.join()
        assert stop.received is None


def test_handlers_and_files_are_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    files = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 the names are numbers, not paths
    with StopSignals() as stop:
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert set(os.listdir("/proc/self/fd")) == files  # noqa: PTH208
    stop.set()
    assert stop.wait(0)

"""What holds for every test: no network beyond this machine, and repeatable searches for counterexamples."""

from __future__ import annotations

import os
import sys
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, settings

# A shared two-core machine makes deadlines a matter of luck; what counts is the number of examples.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``hardware`` need a real Raspberry Pi and say so."""
    if os.environ.get("KIOSK_HARDWARE") == "1":
        return
    for item in items:
        if item.get_closest_marker("hardware"):
            item.add_marker(pytest.mark.skip(reason="needs a real Raspberry Pi: set KIOSK_HARDWARE=1 on one"))


class OutsideNetwork(AssertionError):
    """A test tried to talk to something that is not this machine."""


def _stay_on_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_local(str(address[0])):
        raise OutsideNetwork(f"a test connects to {address[0]}")


def _is_local(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


# An audit hook sees every connect of this process, whatever library makes it, and can't be undone by a test.
sys.addaudithook(_stay_on_this_machine)

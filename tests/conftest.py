"""What holds for every test: no network beyond this machine, and repeatable searches for counterexamples."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

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


@pytest.fixture
def folder_without_root() -> Iterator[Path]:
    """A folder, and a test without root's rights: what may not be opened, may not, in CI too.

    Unlike ``tmp_path`` it can be entered by the user that a test started by root becomes.
    """
    folder = Path(tempfile.mkdtemp(prefix="kiosk-test-"))
    folder.chmod(0o777)
    is_root, groups = os.geteuid() == 0, os.getgroups()
    if is_root:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setegid(nobody.pw_gid)
        os.seteuid(nobody.pw_uid)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)
        shutil.rmtree(folder)

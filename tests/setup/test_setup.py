"""What setup.sh says and does where something is in the way.

The real thing, a bare Debian from nothing to green tests, is tests/setup/run.sh. Here the packages' tools
are stand-ins that fail in the words of the real ones.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data import REPOSITORY

as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to drop")


class Checkout:
    """A copy of what setup.sh looks at, and stand-ins for what it calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "check out"
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        shutil.copytree(REPOSITORY / "requirements", self.folder / "requirements")
        for name in ("setup.sh", "pyproject.toml"):
            shutil.copy(REPOSITORY / name, self.folder)
        self.tool("dpkg", "echo amd64")
        self.tool("dpkg-query", "echo installed")
        self.tool("sudo", 'test "$1" = -v || exec "$@"')
        self.tool("apt-get", "echo apt-get is not called >&2; exit 1")
        self.os_release("debian", "12")

    def tool(self, name: str, script: str) -> None:
        """A stand-in that comes first in PATH."""
        write_script(self.tools / name, script)

    def os_release(self, system: str, version: str) -> None:
        text = f'ID={system}\nVERSION_ID="{version}"\nPRETTY_NAME="{system.title()} {version}"\n'
        (self.tools / "os-release").write_text(text)

    def environment(self) -> None:
        """A .venv whose pip installs nothing, and a kiosk that says who runs it."""
        programs = self.folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        write_script(programs / "python", '[ "$1 $2" != "-m pip" ] || exit 0\nexec /usr/bin/python3 "$@"')
        write_script(programs / "pip", f"# {programs}/python")
        write_script(programs / "kiosk", 'echo "$(id -un) in $HOME: $*"')
        (self.folder / "kiosk").mkdir()
        (self.folder / "kiosk" / "__init__.py").touch()

    def variables(self) -> dict[str, str]:
        return {
            "PATH": f"{self.tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "TMPDIR": str(self.temporary),
            "KIOSK_OS_RELEASE": str(self.tools / "os-release"),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "setup.sh", *words],
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Unlike pytest's own, a folder that other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="kiosk-test-setup-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


# -- what it says ------------------------------------------------------------------------------------------


def test_help_names_the_two_commands(checkout: Checkout) -> None:
    answer = checkout.run("--help")
    assert answer.returncode == 0
    assert "./setup.sh demo" in answer.stdout
    assert "./setup.sh test" in answer.stdout


@pytest.mark.parametrize("words", [(), ("dmeo",)])
def test_anything_else_is_wrong_usage(checkout: Checkout, words: tuple[str, ...]) -> None:
    answer = checkout.run(*words)
    assert answer.returncode == 2
    assert answer.stderr.endswith("say demo or test\n")


def test_install_has_its_place_and_says_when(checkout: Checkout) -> None:
    answer = checkout.run("install")
    assert answer.returncode == 2
    assert answer.stderr == "setup.sh: install comes with the device release; demo and test work now\n"


@pytest.mark.parametrize(("system", "version"), [("debian", "11"), ("ubuntu", "24.04"), ("fedora", "43")])
def test_an_unknown_system_is_one_sentence_and_untouched(
    checkout: Checkout, system: str, version: str
) -> None:
    checkout.os_release(system, version)
    before = sorted(checkout.folder.rglob("*"))
    answer = checkout.run("demo")
    assert answer.returncode == 2
    (sentence,) = answer.stderr.splitlines()
    assert sentence.startswith(f"setup.sh: this is {system.title()} {version}, but only Debian 12 and 13")
    assert sorted(checkout.folder.rglob("*")) == before


def test_a_32_bit_system_is_told_why_not(checkout: Checkout) -> None:
    checkout.os_release("raspbian", "12")
    checkout.tool("dpkg", "echo armhf")
    answer = checkout.run("demo")
    assert answer.returncode == 2
    assert "armhf" in answer.stderr
    assert "64 bit" in answer.stderr


def test_raspberry_pi_os_is_recognised_and_said_to_be_unproven(checkout: Checkout) -> None:
    checkout.os_release("raspbian", "13")
    checkout.tool("dpkg", "echo arm64")
    checkout.environment()
    answer = checkout.run("prepare")
    assert answer.returncode == 0
    assert "Raspberry Pi OS" in answer.stdout
    assert "not been proven yet" in answer.stdout


# -- what is in the way --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Temporary failure resolving 'mirror.example'", "connect this machine to a network"),
        ("Could not connect to mirror.example:80, connection timed out", "connect this machine to a network"),
        ("E: Release file is not valid yet (invalid for another 3 h)", "set it (timedatectl set-ntp true)"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend.", "another program is installing packages"),
        ("E: You don't have enough free space; No space left on device", "the disk is full"),
        ("E: Unable to locate package libzbar0", "that failed: E: Unable to locate package libzbar0"),
    ],
)
def test_a_failing_apt_becomes_one_sentence_with_what_to_do(checkout: Checkout, said: str, told: str) -> None:
    checkout.tool("dpkg-query", "echo not-installed")
    checkout.tool("apt-get", f'cat >&2 <<"X"\n{said}\nX\nexit 100')
    answer = checkout.run("test")
    assert answer.returncode == 3
    assert len(answer.stderr.splitlines()) == 1
    assert told in answer.stderr


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "NewConnectionError: Failed to establish a new connection: [Errno -2]",
            "connect this machine to a network",
        ),
        (
            "SSLError: CERTIFICATE_VERIFY_FAILED: certificate is not yet valid",
            "set it (timedatectl set-ntp true)",
        ),
        ("SSLError: CERTIFICATE_VERIFY_FAILED: self-signed certificate", "pip config set global.cert"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not installed"),
        ("ERROR: No matching distribution found for cbor2==6.2.1", "pip's configuration"),
        ("ERROR: [Errno 13] Permission denied: '.venv/lib'", "sudo chown -R"),
    ],
)
def test_a_failing_pip_becomes_one_sentence_with_what_to_do(checkout: Checkout, said: str, told: str) -> None:
    checkout.environment()
    pip = f'[ "$1 $2" != "-m pip" ] || {{ echo "{said}"; exit 1; }}\nexec /usr/bin/python3 "$@"'
    write_script(checkout.folder / ".venv/bin/python", pip)
    answer = checkout.run("test")
    assert answer.returncode == 3
    assert len(answer.stderr.splitlines()) == 1
    assert told in answer.stderr
    assert not list((checkout.folder / ".venv").glob("ready-*")), "it will be tried again"


def test_apt_is_asked_to_refresh_only_when_its_lists_fail(checkout: Checkout) -> None:
    calls = checkout.tools / "calls"
    checkout.environment()
    checkout.tool("dpkg-query", "echo not-installed")
    checkout.tool("apt-get", f'echo "$*" >>"{calls}"\ngrep -q update "{calls}"')
    assert checkout.run("prepare").returncode == 0
    assert [line.split()[1] for line in calls.read_text().splitlines()] == ["-y", "update", "-y"]


# -- a second run --------------------------------------------------------------------------------------------


def test_a_second_run_installs_nothing_and_says_nothing(checkout: Checkout) -> None:
    checkout.environment()
    first, second = checkout.run("prepare"), checkout.run("prepare")
    assert "Python packages" in first.stdout
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_the_demo_finds_what_the_tests_installed(checkout: Checkout) -> None:
    checkout.environment()
    checkout.run("prepare")
    answer = checkout.run("demo", "--speed", "20")
    assert "Python packages" not in answer.stdout
    assert answer.stdout.endswith(": demo --speed 20\n")


def test_a_changed_list_is_installed_again(checkout: Checkout) -> None:
    checkout.environment()
    checkout.run("prepare")
    with (checkout.folder / "requirements" / "dev.txt").open("a") as file:
        file.write("# changed\n")
    assert "Python packages" in checkout.run("prepare").stdout


def test_two_runs_at_once_wait_for_each_other(checkout: Checkout) -> None:
    checkout.environment()
    with (checkout.folder / "setup.sh").open() as script:
        fcntl.flock(script, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [checkout.folder / "setup.sh", "prepare"],
            env=checkout.variables(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert waiting.stdout is not None
        assert "waiting" in waiting.stdout.readline()
        assert waiting.poll() is None
    assert "done" in waiting.communicate(timeout=60)[0]
    assert waiting.returncode == 0


# -- whose rights --------------------------------------------------------------------------------------------


@as_root_only
def test_the_demo_started_by_root_runs_without_roots_rights(public_folder: Path) -> None:
    checkout = Checkout(public_folder)
    checkout.environment()
    answer = checkout.run("demo", "--headless")
    assert answer.stdout.splitlines()[-1] == f"nobody in {pwd.getpwnam('nobody').pw_dir}: demo --headless"


@as_root_only
@pytest.mark.parametrize("form", [("--keep", "{}"), ("--keep={}",), ("--frames", "{}")])
def test_the_demo_keeps_roots_rights_for_a_folder_that_needs_them(
    public_folder: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    tmp_path.chmod(0o700)
    checkout = Checkout(public_folder)
    checkout.environment()
    answer = checkout.run("demo", *(word.format(tmp_path) for word in form))
    assert answer.stdout.splitlines()[-1].startswith("root in ")
    assert "runs as root" in answer.stderr


@as_root_only
def test_a_checkout_that_only_root_may_enter_is_said_and_run_as_root(public_folder: Path) -> None:
    public_folder.chmod(0o700)
    checkout = Checkout(public_folder)
    checkout.environment()
    answer = checkout.run("demo")
    assert answer.stdout.splitlines()[-1].startswith("root in ")
    assert "runs as root" in answer.stderr


@as_root_only
def test_through_sudo_the_environment_and_the_demo_are_the_users_own(public_folder: Path) -> None:
    user = pwd.getpwnam("nobody")
    checkout = Checkout(public_folder)
    checkout.environment()
    for path in (checkout.folder, *checkout.folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    variables = checkout.variables() | {"SUDO_UID": str(user.pw_uid), "SUDO_USER": user.pw_name}
    answer = subprocess.run(
        [checkout.folder / "setup.sh", "demo"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.splitlines()[-1].startswith("nobody in ")
    assert (checkout.folder / ".venv" / "ready-demo").stat().st_uid == user.pw_uid

"""The line that says what was measured on, wherever the bench is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.bench import machine

BARE = "proc /proc proc rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n"
"""As in a root of its own whose / is mounted nowhere it can see."""
USUAL = "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /srv/my\\040disk vfat rw 0 0\n" + BARE


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "mounts"
    file.write_text(USUAL)
    monkeypatch.setattr(machine, "_MOUNTS", file)
    return file


def test_a_root_that_is_no_mount_point_is_unknown_and_no_crash(mounts: Path) -> None:
    mounts.write_text(BARE)
    assert machine.file_system(Path("/srv")) == "unknown"
    assert "/srv on unknown (unknown)" in machine.machine_line(Path("/srv"))
    assert machine.file_system(Path("/proc/self")) == "proc"


def test_the_longest_mount_point_above_a_folder_holds_it(mounts: Path) -> None:
    assert machine.file_system(Path("/dev/shm")) == "tmpfs"
    assert machine.file_system(Path("/srv/other")) == "ext4"
    assert machine.file_system(Path("/srv/my disk/journal")) == "vfat"


def test_without_a_table_of_mounts_nothing_is_claimed(mounts: Path) -> None:
    mounts.unlink()
    assert machine.file_system(Path("/srv")) == "unknown"

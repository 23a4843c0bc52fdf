"""One line that says what a figure was measured on: without it no figure means anything."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from pathlib import Path
from typing import Final

_CPUINFO: Final = Path("/proc/cpuinfo")
_MODEL: Final = Path("/proc/device-tree/model")
_MOUNTS: Final = Path("/proc/self/mounts")
_NOWHERE: Final = ("unknown", "", "unknown")


def machine_line(directory: Path) -> str:
    """Processor, system, Python, SQLite, and the file system that holds ``directory``."""
    parts = [
        f"{_processor()} x {os.cpu_count()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        "{} on {} ({})".format(directory, *_mount(directory)),
    ]
    return ", ".join(parts)


def _processor() -> str:
    """A Raspberry Pi says its model, others the name of the processor."""
    try:
        if _MODEL.exists():
            return _MODEL.read_text().strip("\0 \n")
        names = [line for line in _CPUINFO.read_text().splitlines() if line.startswith("model name")]
        return names[0].partition(":")[2].strip() if names else "unknown processor"
    except OSError:
        return "unknown processor"


def file_system(directory: Path) -> str:
    """Type of the file system that holds ``directory``, such as ext4; "unknown" where nothing says it."""
    return _mount(directory)[1]


def _mount(directory: Path) -> tuple[str, str]:
    """Device and type of the longest mount point above ``directory``; of equal ones the newest."""
    try:
        mounts = [line.split() for line in _MOUNTS.read_text().splitlines()]
    except OSError:
        return "unknown", "unknown"
    place = directory.resolve()
    above = [mount for mount in reversed(mounts) if place.is_relative_to(_unescaped(mount[1]))]
    # In a root of its own (chroot, some containers) not even / need be in the table.
    device, _, kind, *_ = max(above, key=lambda mount: len(mount[1]), default=_NOWHERE)
    return device, kind


def _unescaped(path: str) -> str:
    """The kernel writes blanks and backslashes of a path as octal numbers (fstab(5))."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)

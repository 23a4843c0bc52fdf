"""Before the first append: what stands at the journal's path, and how a new epoch begins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from kiosk.files import fsync_directory
from kiosk.model import DeviceId
from kiosk.passage.chain_walk import Verification
from kiosk.passage.journal_file import (
    BEGINNING,
    INSERT,
    Row,
    create_schema,
    open_writer,
    side_files,
    touch_private,
    translated,
)
from kiosk.passage.journal_reader import JournalReader

LINKS_AT_START: Final = 1000
"""The whole chain would keep people waiting: ``kiosk.passage.journal_check`` walks it in the background."""


def examine(path: Path, device: DeviceId, simulated: bool) -> Verification | None:
    """What stands at ``path``, looked at without changing a byte of it; None if nothing does.

    Not ``ok`` when it does not verify or is not for this writer. JournalError when it can't be read.
    """
    if not path.exists():
        if any(file.exists() for file in side_files(path)):
            return Verification(False, problem=f"{path} is missing, only its side files are there")
        return None
    found = JournalReader(path).verify(last=LINKS_AT_START)
    if found.ok and found.device != device:
        return replace(found, ok=False, problem=f"it belongs to device {found.device!r}")
    if found.ok and found.simulated != simulated:
        return replace(found, ok=False, problem="real and simulated events are never in one journal")
    return found


def genesis(found: Verification | None, aside: Path | None) -> Mapping[str, object]:
    """Body of an epoch's first event: what came before, and why it ended."""
    if found is None or aside is None:
        return {"previous": "none", "why": "no journal was there", "set_aside": None}
    previous: object = "none"
    if found.last is not None:
        previous = {"epoch": found.epoch, "seq": found.last, "head": found.head}
    return {"previous": previous, "why": found.problem, "set_aside": aside.name}


def begin(path: Path, first: Row) -> None:
    """Make a journal with its first event, which gets its name only when that is durable.

    A leftover of an earlier try holds nothing that was ever acknowledged. JournalError and its leaves.
    """
    new = path.with_name(path.name + ".new")
    with translated(new):
        for leftover in (new, *side_files(new)):
            leftover.unlink(missing_ok=True)
        touch_private(new)
        with closing(open_writer(new, BEGINNING)) as connection:
            create_schema(connection)
            connection.execute(INSERT, first)
        new.rename(path)
        fsync_directory(path.parent)

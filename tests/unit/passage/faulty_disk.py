"""Runs a journal on a disk of a few megabytes that really is full, or read-only, and prints what happened.

Started by test_journal_faults.py in a mount namespace of its own: nothing of it is left behind, however
this process ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kiosk.errors import JournalError
from kiosk.model import EventKind
from kiosk.passage.journal import Journal, JournalReader
from tests.unit.passage.journal_tools import HandClock, admit, open_journal

SIZE = 8 << 20
RESERVE = 3 << 20


def fill(folder: Path, leave: int = 0) -> Path:
    """Take all space but ``leave`` bytes, as a log that nobody rotates would."""
    hog = folder / "hog"
    with hog.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return hog


def attempt(action: Callable[[], Any]) -> dict[str, Any]:
    """What comes of it, as data."""
    try:
        return {"error": None, "answer": repr(action())}
    except JournalError as error:
        return {"error": error.code, "errno": error.errno, "message": str(error)}


def append_until_refused(journal: Journal) -> tuple[list[int], dict[str, Any]]:
    """Numbers that were acknowledged, and the refusal."""
    done: list[int] = []
    while True:
        try:
            done.append(admit(journal, len(done)).seq)
        except JournalError as error:
            return done, {"error": error.code, "errno": error.errno}


def events_of(path: Path, kind: EventKind) -> list[Any]:
    return [event.content() for event in JournalReader(path).events(kind=kind)]


def full(folder: Path) -> dict[str, Any]:
    """The disk fills up, the reserve is used up, space comes back."""
    path = folder / "journal.db"
    with open_journal(path, reserve_bytes=RESERVE) as journal:
        started_full = journal.disk_full
        hog = fill(folder, leave=64 << 10)
        done, refusal = append_until_refused(journal)
        seen = {
            "started_full": started_full,
            "disk_full": journal.disk_full,
            "reclaimed_too_early": journal.reclaim(),
            "refused_again": attempt(lambda: admit(journal)),
        }
        hog.unlink()
        late = admit(journal).seq
        seen |= {"reclaimed": journal.reclaim(), "disk_full_after": journal.disk_full}
        stored = {event.seq for event in JournalReader(path).walk()}
        return seen | {
            "refusal": refusal,
            "acknowledged": len(done),
            "lost": sorted({*done, late} - stored),
            "verifies": JournalReader(path).verify().ok,
            "faults": events_of(path, EventKind.FAULT),
            "recovered": events_of(path, EventKind.RECOVERED),
            "reserve": path.with_name("journal.db.reserve").stat().st_size,
        }


def full_at_start(folder: Path) -> dict[str, Any]:
    """A restart on a full disk whose reserve is still there, then one where it is not, then a new file."""
    path = folder / "journal.db"
    with open_journal(path, reserve_bytes=RESERVE) as journal:
        admit(journal)
    fill(folder)
    with open_journal(path, reserve_bytes=RESERVE) as journal:
        seen: dict[str, Any] = {"appended": attempt(lambda: admit(journal)), "disk_full": journal.disk_full}
        done, _ = append_until_refused(journal)
        fill(folder)
    with open_journal(path, reserve_bytes=RESERVE) as journal:
        seen |= {"still_full": journal.disk_full, "refused": attempt(lambda: admit(journal))}
    seen["verifies"] = JournalReader(path).verify().ok
    seen["lost"] = sorted(set(done) - {event.seq for event in JournalReader(path).walk()})
    seen["new"] = attempt(lambda: open_journal(folder / "new.db", reserve_bytes=0))
    return seen


def read_only(folder: Path) -> dict[str, Any]:
    """The card went read-only, as worn-out ones do: while the journal is open, and at a start."""
    path = folder / "journal.db"
    clock = HandClock()
    journal = open_journal(path, clock, reserve_bytes=RESERVE)
    admit(journal)
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    return {
        "open": attempt(lambda: open_journal(path)),
        "read": JournalReader(path).verify().checked,
    }


def main(what: str, folder: Path) -> None:
    """Mount a small disk at ``folder`` and run one of the cases on it."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "kiosk-test", str(folder)], check=True)
    cases = {"full": full, "full_at_start": full_at_start, "read_only": read_only}
    sys.stdout.write(json.dumps(cases[what](folder)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

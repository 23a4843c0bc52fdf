"""Full disks, read-only disks, disks that answer EIO, files of somebody else: all of them real.

A small disk needs a mount namespace; where the machine does not give one these tests are skipped, and
say so. The page limit of SQLite stands in for a full disk everywhere.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kiosk.errors import JournalError, JournalFull
from kiosk.model import EventKind
from kiosk.passage.journal import Journal, JournalReader
from tests.unit.passage.journal_tools import REPOSITORY, admit, need_other_users, open_journal

NOBODY = 65_534
FULL = {"error": "DISK_FULL", "errno": errno.ENOSPC}
DISK = {"part": "disk", "code": "DISK_FULL"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


# -- a small disk ---------------------------------------------------------------------------------------


def namespace() -> Sequence[str]:
    """The command that gives a mount namespace of its own; skips where there is none to have."""
    for prefix in (["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"]):
        probe = [*prefix, "sh", "-c", "mount -t tmpfs none /mnt"]
        if (
            shutil.which("unshare")
            and subprocess.run(probe, capture_output=True, check=False).returncode == 0
        ):
            return prefix
    pytest.skip("NOT CHECKED on a really full or read-only disk: no mount namespace on this machine")


def on_a_small_disk(case: str, folder: Path) -> dict[str, Any]:
    command = [*namespace(), sys.executable, "-B", "-m", "tests.unit.passage.faulty_disk", case, str(folder)]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    seen: dict[str, Any] = json.loads(answer.stdout)
    return seen


def test_a_full_disk_is_recorded_in_the_reserve_and_ends_by_itself(tmp_path: Path) -> None:
    seen = on_a_small_disk("full", tmp_path)
    assert not seen["started_full"]
    assert seen["refusal"] == FULL
    assert seen["refused_again"]["error"] == "DISK_FULL"
    assert seen["disk_full"]
    assert not seen["reclaimed_too_early"]
    assert (seen["lost"], seen["verifies"]) == ([], True)
    assert seen["acknowledged"] > 1000, "three megabytes of reserve hold more than the fault itself"
    # Told once when it began and once when it was over, not with every event in between.
    [fault] = seen["faults"]
    assert fault.items() >= DISK.items()
    assert "in reserve" in fault["message"]
    assert [body.items() >= DISK.items() for body in seen["recovered"]] == [True]
    assert (seen["reclaimed"], seen["disk_full_after"], seen["reserve"]) == (True, False, 3 << 20)


def test_a_restart_on_a_full_disk_uses_the_reserve_it_finds(tmp_path: Path) -> None:
    seen = on_a_small_disk("full_at_start", tmp_path)
    assert seen["appended"]["error"] is None
    assert seen["disk_full"]
    assert seen["still_full"]
    assert seen["refused"]["error"] == "DISK_FULL"
    assert (seen["lost"], seen["verifies"]) == ([], True)
    assert seen["new"] == seen["new"] | FULL


def test_a_read_only_disk_is_named_as_such_and_can_still_be_read(tmp_path: Path) -> None:
    seen = on_a_small_disk("read_only", tmp_path)
    assert seen["open"]["errno"] == errno.EROFS
    assert "Read-only" in seen["open"]["message"]
    assert seen["read"] == 2


# -- the same everywhere: SQLite's own limit ------------------------------------------------------------


def limit_pages(journal: Journal, more: int | None) -> None:
    """SQLITE_FULL from SQLite itself once ``more`` pages have been added; None: no limit."""
    connection = journal._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={1_000_000 if more is None else pages + more}")


def admit_many(journal: Journal) -> None:
    for number in range(1000):
        admit(journal, number)


def test_a_full_disk_is_refused_in_words_and_recorded_as_soon_as_that_is_possible(path: Path) -> None:
    with open_journal(path, reserve_bytes=2 << 20) as journal:
        limit_pages(journal, 2)
        with pytest.raises(JournalFull, match="no space left") as raised:
            admit_many(journal)
        assert raised.value.errno == errno.ENOSPC
        assert journal.disk_full
        assert path.with_name("journal.db.reserve").stat().st_size == 0
        limit_pages(journal, None)
        late = admit(journal)
        assert journal.reclaim()
        assert not journal.disk_full
    kinds = [event.kind for event in JournalReader(path).walk()]
    assert kinds[-3:] == [EventKind.FAULT, EventKind.PASSAGE, EventKind.RECOVERED]
    assert kinds.count(EventKind.FAULT) == 1
    assert late.seq == len(kinds) - 1
    assert JournalReader(path).verify().ok


def test_a_disk_that_is_full_again_is_told_again(path: Path) -> None:
    with open_journal(path, reserve_bytes=1 << 20) as journal:
        for _ in range(2):
            limit_pages(journal, 1)
            with pytest.raises(JournalFull):
                admit_many(journal)
            limit_pages(journal, None)
            admit(journal)
            assert journal.reclaim()
    assert len(JournalReader(path).events(kind=EventKind.FAULT)) == 2
    assert len(JournalReader(path).events(kind=EventKind.RECOVERED)) == 2


def test_reclaiming_when_nothing_was_released_writes_nothing(path: Path) -> None:
    with open_journal(path) as journal:
        assert journal.reclaim()
        assert journal.seq == 1


def test_reclaiming_on_a_journal_that_was_closed_is_no_not_a_crash(path: Path) -> None:
    with open_journal(path, reserve_bytes=1 << 20) as journal:
        limit_pages(journal, 1)
        with pytest.raises(JournalFull):
            admit_many(journal)
    assert not journal.reclaim()


# -- a disk that answers EIO ----------------------------------------------------------------------------

APPEND = """
import json, sys
from pathlib import Path
from kiosk.errors import JournalError
from kiosk.passage.journal import JournalReader
from tests.unit.passage.journal_tools import REPOSITORY, admit, need_other_users, open_journal
path = Path(sys.argv[1])
done, errors = [], []
with open_journal(path) as journal:
    for number in range(100):
        try:
            done.append(admit(journal, number).seq)
        except JournalError as error:
            errors.append([error.errno, str(error)])
stored = {event.seq for event in JournalReader(path).walk()}
lost = sorted(set(done) - stored)
print(json.dumps({"errors": errors, "lost": lost, "ok": JournalReader(path).verify().ok}))
"""


def with_injected(fault: str, path: Path) -> dict[str, Any]:
    """Run with a system call failing now and then, as the kernel would let it fail."""
    if shutil.which("strace") is None:
        pytest.skip("NOT CHECKED with failing system calls: strace is not installed")
    log = path.with_name("strace")
    command = ["strace", "-f", "-o", str(log), "-e", f"inject={fault}", sys.executable, "-B", "-c", APPEND]
    answer = subprocess.run(
        [*command, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120
    )
    if "PTRACE" in answer.stderr:
        pytest.skip("NOT CHECKED with failing system calls: strace may not trace here")
    assert answer.returncode == 0, answer.stderr
    assert "INJECTED" in log.read_text(), "the fault never happened"
    seen: dict[str, Any] = json.loads(answer.stdout)
    return seen


@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_a_disk_that_fails_now_and_then_refuses_those_events_and_loses_none(path: Path, call: str) -> None:
    open_journal(path).close()
    seen = with_injected(f"{call}:error=EIO:when=40+19", path)
    assert seen["errors"]
    for number, message in seen["errors"]:
        assert number == errno.EIO
        assert "does not read or write" in message
    assert (seen["lost"], seen["ok"]) == ([], True)


# -- somebody else's file -------------------------------------------------------------------------------

OPEN = """
import sys
from pathlib import Path
from tests.unit.passage.journal_tools import open_journal
from kiosk.errors import JournalError
try:
    open_journal(Path(sys.argv[1]))
except JournalError as error:
    print(error.errno, error)
"""


@pytest.fixture
def theirs() -> Iterator[tuple[Path, int | None]]:
    """A journal of a user that is not root, and that user if somebody else has to become it."""
    if os.geteuid() == 0:
        need_other_users(NOBODY)
    # Not below pytest's own directory: that one is closed to other users whenever another run starts.
    folder = Path(tempfile.mkdtemp(prefix="kiosk-journal-"))
    folder.chmod(0o755)
    open_journal(folder / "state" / "journal.db").close()
    user = None
    if os.geteuid() == 0:
        user = NOBODY
        for item in (folder / "state", *(folder / "state").iterdir()):
            os.chown(item, user, user)
    yield folder / "state" / "journal.db", user
    (folder / "state").chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("closed", ["journal.db", "journal.db.lock", "."])
def test_what_the_process_may_not_touch_is_an_error_in_words(
    theirs: tuple[Path, int | None], closed: str
) -> None:
    path, user = theirs
    target = path.parent if closed == "." else path.with_name(closed)
    if closed == ".":
        path.with_name("journal.db.lock").unlink()
    target.chmod(0o500 if closed == "." else 0o400)
    command = [sys.executable, "-B", "-c", OPEN, str(path)]
    answer = subprocess.run(command, cwd=REPOSITORY, user=user, capture_output=True, text=True, check=False)
    assert answer.stdout.startswith(f"{errno.EACCES} "), answer.stderr
    assert str(target) in answer.stdout


def test_an_open_that_fails_lets_go_of_the_lock(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalError):
        open_journal(path)
    path.rmdir()
    path.with_name("journal.db.reserve").mkdir()
    with pytest.raises(JournalError, match="reserve"):
        open_journal(path)
    path.with_name("journal.db.reserve").rmdir()
    open_journal(path).close()

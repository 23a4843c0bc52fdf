"""kill -9 at any moment, again and again on the same journal: nothing acknowledged is ever lost.

KIOSK_KILLS_N=1000 is the full proof; 20 run by default.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from kiosk.model import EventSeq
from kiosk.passage.journal import JournalReader, check_whole

KILLS = int(os.environ.get("KIOSK_KILLS_N", "20"))
MOST = 200
REPOSITORY = Path(__file__).resolve().parents[2]


def killed_after(path: Path, lines: int) -> list[str]:
    """Let a writer run until it has said ``lines`` lines, kill it, and give back all that it said."""
    command = [sys.executable, "-B", "-m", "tests.e2e.journal_writer", str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    assert said[0] == "opening\n"
    return said[1:]


@pytest.mark.slow
def test_no_kill_loses_an_acknowledged_event(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    random = Random(os.environ.get("KIOSK_KILLS_SEED", "20"))
    epochs: set[str] = set()
    acknowledged = 0
    for kill in range(KILLS):
        before = JournalReader(path).head().seq if path.exists() else 0
        # One line is "opening": every tenth kill falls into the opening itself.
        said = killed_after(path, 1 if kill % 10 == 9 else random.randint(2, MOST))
        stored = {event.seq: event.hash for event in JournalReader(path).walk(EventSeq(before))}
        for line in said:
            epoch, seq, head = line.split()
            epochs.add(epoch)
            assert stored[EventSeq(int(seq))] == head
        acknowledged += len(said)
        # At most the one event that was on its way when the writer died.
        assert len(stored) - len(said) <= 1 + (before == 0)
        assert JournalReader(path).verify(last=max(1, len(stored))).ok
    found = check_whole(path)
    assert (found.ok, found.problem) == (True, None)
    assert epochs == {found.epoch}
    assert not list(tmp_path.glob("*set-aside*"))
    assert acknowledged <= found.checked <= acknowledged + KILLS + 1
    sys.stdout.write(f"{KILLS} kills, {acknowledged} acknowledged events, 0 lost\n")


@pytest.mark.slow
def test_a_kill_while_a_journal_is_made_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    for kill in range(max(5, KILLS // 10)):
        folder = tmp_path / str(kill)
        folder.mkdir()
        killed_after(folder / "journal.db", 1)
        again = killed_after(folder / "journal.db", 2)
        assert int(again[0].split()[1]) >= 2
        assert check_whole(folder / "journal.db").ok
        assert not list(folder.glob("*set-aside*"))

"""The bench counts what really happens: its figures are compared with the system's own."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.bench import journal as bench
from kiosk.bench.machine import machine_line
from kiosk.bench.sqlite_shim import observing
from kiosk.commands.__main__ import main
from kiosk.passage.journal import JournalReader

REPOSITORY = Path(__file__).resolve().parents[3]


def figures(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, float]]:
    # What is counted does not depend on the disk; how long a shared one takes to flush is not our subject.
    place = ["--directory", "/dev/shm"] if Path("/dev/shm").is_dir() else []
    assert main(["bench", "journal", "--json", *place, *words]) == 0
    answer: dict[str, dict[str, float]] = json.loads(capsys.readouterr().out)
    return answer


def test_the_json_has_exactly_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    answer = figures(capsys, "--events", "20")
    assert list(answer) == ["wal_full", "wal_normal", "rollback_full", "rollback_extra"]
    for way in answer.values():
        assert list(way) == ["appends_per_s", "bytes_per_event", "flushes_per_event"]
        assert all(value > 0 for name, value in way.items() if name != "flushes_per_event")


def test_durable_ways_flush_for_every_event_and_wal_does_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    answer = figures(capsys, "--events", "120")
    flushes = {name: way["flushes_per_event"] for name, way in answer.items()}
    assert 1.0 <= flushes["wal_full"] < 1.3
    assert flushes["wal_normal"] < 0.3
    assert flushes["rollback_extra"] > flushes["rollback_full"] >= 3
    assert answer["wal_full"]["bytes_per_event"] < answer["rollback_extra"]["bytes_per_event"]
    # An event has about a kilobyte: less written than that would be a miscount.
    assert all(1000 < way["bytes_per_event"] < 30_000 for way in answer.values())


def test_people_get_a_table_and_the_machine_it_was_measured_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "journal", "--events", "5", "--directory", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 passages each"
    assert [line.split()[0] for line in lines[2:6]] == list(bench.WAYS)
    assert sqlite3.sqlite_version in lines[-1]
    assert "Linux" in lines[-1]
    assert list(tmp_path.iterdir()) == []


def test_no_events_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "journal", "--events", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err


def test_a_bench_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "nothing"])
    assert ended.value.code == 2
    assert "journal" in capsys.readouterr().err


def test_each_bench_explains_its_own_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "journal", "--help"])
    assert ended.value.code == 0
    assert "--events" in capsys.readouterr().out


COUNT = """
import sys
from pathlib import Path
from kiosk.bench import journal as bench
from kiosk.bench.sqlite_shim import observing
counts = bench.Counts()
with observing(counts), bench._journal(bench.WAYS[sys.argv[1]], Path(sys.argv[2]) / "journal.db") as journal:
    bench._append(journal, list(bench.typical_passages(150)))
print(counts.written, counts.flushes)
"""


@pytest.mark.parametrize("way", list(bench.WAYS))
def test_the_shim_counts_what_strace_counts(way: str, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("NOT COMPARED with the system's own count: strace is not installed")
    log = tmp_path / "strace"
    tracer = ["strace", "-f", "-y", "-o", str(log), "-e", "trace=write,pwrite64,pwritev,fsync,fdatasync"]
    command = [*tracer, sys.executable, "-B", "-c", COUNT, way, str(tmp_path)]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    if "PTRACE" in answer.stderr:
        pytest.skip("NOT COMPARED with the system's own count: strace may not trace here")
    assert answer.returncode == 0, answer.stderr
    written, flushes = map(int, answer.stdout.split())
    calls = list(_calls_on_the_journal(log))
    assert written == sum(size for name, size in calls if "write" in name)
    # One directory flush is the product's own, when the new journal gets its name.
    assert flushes == sum(name.endswith("sync") for name, _ in calls) - 1


def _calls_on_the_journal(log: Path) -> Iterator[tuple[str, int]]:
    """Name and result of each call on SQLite's files or their directory, as strace -y prints them."""
    pattern = re.compile(r"\d+ +(\w+)\(\d+<([^>]*)>.*= (\d+)")
    for line in log.read_text().splitlines():
        found = pattern.match(line)
        # SQLite writes eight single bytes to the -shm when it makes it; the rest of that file is mapped.
        if found and not found[2].endswith((".lock", ".reserve", "-shm")) and str(log.parent) in found[2]:
            yield found[1], int(found[3])


def test_the_shim_leaves_nothing_behind(tmp_path: Path) -> None:
    counts = bench.Counts()
    with observing(counts), closing(sqlite3.connect(tmp_path / "seen.db")) as inside:
        inside.execute("CREATE TABLE t (x)")
    seen = counts.written
    with closing(sqlite3.connect(tmp_path / "unseen.db")) as outside:
        outside.execute("CREATE TABLE t (x)")
    assert counts.written == seen > 0


def test_a_made_journal_is_a_sound_one_and_can_be_continued(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for _ in range(2):
        bench.make_journal(path, 60)
    found = JournalReader(path).verify()
    assert (found.ok, found.checked) == (True, 121)
    assert len({event.content().__repr__() for event in JournalReader(path).events()}) > 60


def test_the_machine_line_names_disk_and_processor(tmp_path: Path) -> None:
    line = machine_line(tmp_path)
    assert str(os.cpu_count()) in line
    assert str(tmp_path) in line
    assert "(" in line.rsplit(" on ", 1)[1]


def test_arguments_have_defaults() -> None:
    parser = argparse.ArgumentParser()
    bench.configure(parser)
    given = parser.parse_args([])
    assert (given.events, given.json, given.directory) == (bench.EVENTS, False, None)

"""docs/journal.md is right: its program verifies a journal, and its tables name everything there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.commands.journal_export import FORMATS
from kiosk.model import ClockState, EventKind
from kiosk.passage import event_limit
from kiosk.passage.journal import JournalReader
from kiosk.passage.journal_file import APPLICATION_ID, SCHEMA_VERSION
from tests.unit.passage.journal_tools import purge, tampering, write_some

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "journal.md").read_text()


def run_the_program(path: Path) -> subprocess.CompletedProcess[str]:
    found = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    command = [sys.executable, "-c", found[1], str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_finds_the_head_and_the_forgery(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    receipts = write_some(path, 20)
    purge(path, 4)
    assert run_the_program(path).stdout.split() == ["21", receipts[-1].head]
    with tampering(path) as connection:
        connection.execute("UPDATE events SET body = '{}' WHERE seq = 9")
    assert run_the_program(path).stderr.strip() == "event 9 was changed"


def named_in_tables() -> set[str]:
    """Words of the first column of every table."""
    first = re.findall(r"^\| ([^|]+?) \|", TEXT, re.MULTILINE)
    return {word for cell in first for word in cell.split(", ")}


def test_every_header_field_column_and_kind_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    write_some(path, 1)
    fields = set(JournalReader(path).events()[0].fields())
    missing = (fields | {str(kind) for kind in EventKind}) - named_in_tables()
    assert missing == set()


@pytest.mark.parametrize(
    "word",
    [*map(str, ClockState), f"0x{APPLICATION_ID:X}", f"`user_version` {SCHEMA_VERSION}", " | ".join(FORMATS)],
)
def test_values_are_named(word: str) -> None:
    assert word in TEXT


def test_the_rule_of_the_limit_names_every_kind() -> None:
    rule = TEXT.partition("## At most two events a second")[2].partition("## Files")[0]
    always, limited = rule.split("- call", 1)
    for kind in EventKind:
        assert str(kind) in (f"call{limited}" if kind in event_limit._LIMITED else always)

"""``kiosk journal recheck``: an honest journal follows from its words, a tampered one does not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from kiosk import scenario
from kiosk.commands.__main__ import main
from kiosk.config import load
from kiosk.model import Category, EventKind
from kiosk.passage.chain import ZERO, chain_hash, exact_json
from kiosk.passage.journal import JournalReader
from kiosk.simulation import Place, Simulation
from tests.street import Street, memory_folder, unplugged
from tests.unit.passage.journal_tools import purge

Change = Callable[[dict[str, Any], dict[str, Any]], object]
"""Takes header and body of an event and changes the body in place."""


def rechain(path: Path, change: Change) -> None:
    """What somebody can do who owns the file and knows how the chain is made: change it, and every hash."""
    with closing(sqlite3.connect(path)) as connection:
        prev = ZERO
        rows = connection.execute("SELECT seq, header, salt, body FROM events ORDER BY seq").fetchall()
        for seq, header, salt, text in rows:
            body = json.loads(text)
            change(json.loads(header), body)
            prev = chain_hash(prev, header, salt, exact_json(body))
            values = (exact_json(body), prev, seq)
            connection.execute("UPDATE events SET body = ?, hash = ? WHERE seq = ?", values)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
def journal() -> Iterator[Path]:
    """A gate's morning: in order, expired, feverish, a family, without a thermometer, stopped in between."""
    with memory_folder() as folder:
        with Street(folder) as street:
            street.run(2.0)
            street.pass_by(street.issue().text)
            street.pass_by(street.issue().text, above=1.7)
            street.pass_by("https://example.org", above=None)
            street.pass_by(street.issue(Category.HOUSEHOLD).text)
            street.pass_by(None)
            street.sensor_fault = unplugged()
            street.pass_by(street.issue().text)
            street.sensor_fault = None
            street.run(8.0)
            street.shown = [street.issue().text]
            street.run(1.0)
            street.gate.stop()
            path = street.config.journal.path
        yield path


def recheck(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    code = main(["journal", "recheck", "--journal", str(path), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_kind_of_passage_follows_from_its_words(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, [total] = recheck(journal, capsys)
    assert code == 0
    assert total["passages"] == total["same"] == 7
    assert main(["journal", "recheck", "--journal", str(journal)]) == 0
    assert capsys.readouterr().out == "7 passages: 7 follow from their words\n"


def test_a_changed_word_is_found_although_the_chain_holds(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def cool_down(header: dict[str, Any], body: dict[str, Any]) -> None:
        if header["kind"] == EventKind.PASSAGE and "TEMPERATURE_HIGH" in body["reasons"]:
            body["reading"]["words"]["object"][0] -= 80

    rechain(journal, cool_down)
    assert JournalReader(journal).verify().ok
    code, [finding, total] = recheck(journal, capsys)
    assert code == 1
    assert finding["differs"]["verdict"] == {"recorded": "REFER", "computed": "ADMIT"}
    assert finding["differs"]["reading.screening"] == {"recorded": "HIGH", "computed": "NORMAL"}
    assert (total["same"], total["differ"]) == (6, 1)


def test_a_verdict_made_friendlier_is_said_in_words(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def let_in(header: dict[str, Any], body: dict[str, Any]) -> None:
        if header["kind"] == EventKind.PASSAGE and "PASS_UNKNOWN" in body["reasons"]:
            body["verdict"] = "ADMIT"

    rechain(journal, let_in)
    assert main(["journal", "recheck", "--journal", str(journal)]) == 1
    assert 'verdict is "ADMIT" on record, computed now "REFER"' in capsys.readouterr().out


def test_settings_changed_afterwards_are_found_and_judge_nobody(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def raise_threshold(header: dict[str, Any], body: dict[str, Any]) -> None:
        if header["kind"] == EventKind.CONTEXT:
            body["site"]["high"] = 1.5

    rechain(journal, raise_threshold)
    code, [*findings, total] = recheck(journal, capsys)
    assert code == 1
    assert total["settings_changed"] == 1
    assert total["without_settings"] == 7
    assert all(finding["problem"] for finding in findings)


def test_a_passage_that_is_no_record_is_named_and_the_others_still_count(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_one(header: dict[str, Any], body: dict[str, Any]) -> None:
        if header["kind"] == EventKind.PASSAGE and "PASS_UNKNOWN" in body["reasons"]:
            del body["gate"]

    rechain(journal, break_one)
    code, [finding, total] = recheck(journal, capsys)
    assert code == 1
    assert "gate" in finding["problem"]
    assert (total["same"], total["unreadable"]) == (6, 1)


def test_what_the_retention_removed_is_counted_and_not_held_against_the_journal(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {event.seq: event.kind for event in JournalReader(journal).walk()}
    last = max(kinds)
    with closing(sqlite3.connect(journal)) as connection:
        contexts = connection.execute("SELECT seq, salt, body FROM events").fetchall()
    purge(journal, last)
    with closing(sqlite3.connect(journal)) as connection:
        # The settings stay: they hold nothing personal, and later passages need them.
        for seq, salt, body in contexts:
            if kinds[seq] == EventKind.CONTEXT:
                connection.execute(
                    "UPDATE events SET salt = ?, body = ?, digest = NULL WHERE seq = ?", (salt, body, seq)
                )
        connection.commit()
    code, [total] = recheck(journal, capsys)
    assert code == 0
    assert total["purged"] == total["passages"] == 7


def test_a_journal_that_is_not_there_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "recheck", "--journal", str(tmp_path / "none.db")]) == 3
    assert "none.db" in capsys.readouterr().err


def test_a_scenario_with_real_decoders_and_noise_follows_from_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    story = scenario.load("ordinary")
    story = replace(story, calls=story.calls[:4], faults=())
    with memory_folder() as folder:
        place = Place.lay_out(folder / "gate", story)
        config = load(place.config_file)
        with Simulation(place, config) as simulation:
            simulation.run(1000.0, Event())
        code, [total] = recheck(config.journal.path, capsys)
    assert code == 0
    assert total["same"] == total["passages"] == simulation.world.tally().answered == 6

"""docs/protocol.md is held to account: every code, status, reason, address and limit stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from kiosk.passage import sync, sync_answers, sync_outbox
from web.community import wire
from web.community.ingest import Status
from web.community.judge import Rejection
from web.community.problem_answers import _STATUS
from web.community.problems import ProblemCode

DOCUMENT = (Path(__file__).parents[4] / "docs" / "protocol.md").read_text()


@pytest.mark.parametrize("word", [*ProblemCode, *Rejection, *Status, sync_outbox.DAMAGED])
def test_every_stable_word_is_documented(word: str) -> None:
    assert f"`{word}`" in DOCUMENT


def test_every_problem_has_its_status(app: Flask) -> None:
    for code, status in _STATUS.items():
        (row,) = [line for line in DOCUMENT.splitlines() if line.startswith("|") and f"`{code}`" in line]
        assert str(status) in row.split("|")[2]


def test_every_address_is_documented(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in ("static", "pages.home"):
            assert rule.rule.replace("device_id", "device") in DOCUMENT


def test_the_limits_are_those_of_the_program() -> None:
    assert f"at most {wire.MAX_EVENTS}" in DOCUMENT
    assert wire.MAX_EVENTS == sync_outbox.MAX_EVENTS
    assert f"{wire.MAX_PLAIN_BYTES // 2**20} MB plain" in DOCUMENT
    assert f"over {sync.MAX_ANSWER // 1024} kB" in DOCUMENT
    assert f"from {2 * sync_answers.BACKOFF_BASE:g} s to {sync_answers.BACKOFF_LIMIT:g} s" in DOCUMENT
    assert f"at most {sync_answers.RETRY_AFTER_LIMIT // 60:g} minutes" in DOCUMENT
    for seconds in (sync.CONNECT_S, sync.READ_S, sync.TOTAL_S):
        assert f"{seconds:g} s" in DOCUMENT


def test_a_parcel_always_fits_the_server() -> None:
    # The last line may begin just below the limit; escaping at most doubles ASCII JSON text.
    assert 2 * (sync_outbox.MAX_TEXT + 65_536 + 4096) < wire.MAX_PLAIN_BYTES

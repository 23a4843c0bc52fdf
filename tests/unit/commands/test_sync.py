"""``kiosk sync``: who may run it, and what its status says to a person."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from kiosk.commands import sync
from kiosk.errors import ConfigError, RefusedRoot, UnsafePermissions
from kiosk.passage.sync_state import START, Cursor, DeadLetter, SyncState
from tests.journals import Gate

EPOCH = "00112233aabbccdd"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "kiosk.toml"
    path.write_text(
        '[gate]\nid = "east"\ndevice = "kiosk-7"\ncommunity = "c1"\nsimulated = true\n'
        '[camera]\nsource = "simulated"\n[thermometer]\ndriver = "simulated"\n'
        '[journal]\npath = "journal.db"\n[sync]\nurl = "http://127.0.0.1:9"\nsecret_file = "secret"\n'
        'database = "sync.db"\n'
    )
    (tmp_path / "secret").write_text("s" * 43)
    (tmp_path / "secret").chmod(0o600)
    return path


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    sync.configure(parser)
    return sync.run(parser.parse_args([str(word) for word in words]))


def test_before_its_first_run_there_is_nothing_to_tell(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("status", "--config", config) == 0
    assert "has not run yet" in capsys.readouterr().out
    assert run("status", "--json", "--config", config) == 0
    assert json.loads(capsys.readouterr().out)["pending"] is None
    assert not (config.parent / "sync.db").exists()


def test_status_names_what_is_wrong(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = Gate.open(config.parent / "journal.db")
    gate.pass_by(2)
    gate.close()
    with SyncState.open(config.parent / "sync.db") as state:
        letter = DeadLetter(EPOCH, 4, "BODY_UNREADABLE", "[]", 1.7e9)
        state.acknowledge(Cursor(EPOCH, 0, START), Cursor(EPOCH, 9, "ab" * 32, forked=True), [letter])
        state.note(online=False, since=1.7e9, error={"code": "SYNC", "message": "connection refused"})
    assert run("status", "--config", config) == 0
    told = capsys.readouterr().out
    for words in (
        "connection refused",
        "cloned or restored",
        "event 4",
        "BODY_UNREADABLE",
        "still to send 5",
    ):
        assert words in told


def test_root_is_refused_on_a_real_device(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = config.read_text().replace("simulated = true", "simulated = false")
    config.write_text(real.replace('source = "simulated"', "").replace('driver = "simulated"', ""))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(RefusedRoot):
        run("--config", config)


def test_a_secret_that_others_can_read_stops_it_at_once(config: Path) -> None:
    (config.parent / "secret").chmod(0o644)
    with pytest.raises(UnsafePermissions):
        run("--config", config, "--once")


def test_a_server_elsewhere_is_refused(config: Path) -> None:
    config.write_text(config.read_text().replace("http://127.0.0.1:9", "https://community.example"))
    with pytest.raises(ConfigError, match="enrolment"):
        run("--config", config, "--once")

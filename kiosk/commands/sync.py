"""``kiosk sync``: carry the journal to the community server; ``kiosk sync status``: how that goes."""

from __future__ import annotations

import argparse
import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kiosk.config import Config, find, load
from kiosk.errors import RefusedRoot
from kiosk.passage.sync import open_sync
from kiosk.passage.sync_outbox import Outbox
from kiosk.passage.sync_state import SyncState
from kiosk.passage.sync_turns import Sync
from kiosk.signals import StopSignals


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("action", nargs="?", choices=("run", "status"), default="run", help="default: run")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: $KIOSK_CONFIG, then /etc/kiosk")
    parser.add_argument(
        "--once", action="store_true", help="send what there is, then stop; a failure ends it"
    )
    parser.add_argument("--json", action="store_true", help="status as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """0 after a clean stop (``--once``: the server has everything); SyncError when ``--once`` failed."""
    config = load(find(arguments.config))
    if arguments.action == "status":
        return _status(config, arguments.json)
    _refuse_root(config)
    logging.basicConfig(level=logging.INFO, format="sync: %(message)s")
    # What a broken answer looks like inside is no news: sync says itself what it means.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    with open_sync(config) as sync:
        if arguments.once:
            while sync.step():
                pass
        else:
            _keep_on(sync)
    return 0


def _refuse_root(config: Config) -> None:
    if os.geteuid() == 0 and not config.gate.simulated:
        raise RefusedRoot("sync on a real device must not run as root: it has a network")


def _keep_on(sync: Sync) -> None:
    with StopSignals() as stop:
        while not stop.is_set():
            stop.wait(sync.turn())


def _status(config: Config, as_json: bool) -> int:
    status = read_status(config)
    print(json.dumps(status) if as_json else "\n".join(_lines(status)))
    return 0


def read_status(config: Config) -> dict[str, Any]:
    """How far the server has the journal, and what it would not take; also while sync runs or is down."""
    empty: dict[str, Any] = {"online": None, "since": None, "error": None, "rewinds": 0, "pending": None}
    status = {"server": config.sync.url, **empty, "epochs": [], "dead_letters": 0, "letters": []}
    state = SyncState.look(config.sync.database)
    if state is None:
        return status
    with state:
        outbox = Outbox(config.journal.path, state, lambda: 0.0)
        return {
            **status,
            **state.facts(),
            "pending": outbox.pending(),
            "epochs": [
                {"epoch": cursor.epoch, "seq": cursor.seq, "head": cursor.head, "forked": cursor.forked}
                for cursor in state.cursors()
            ],
            "dead_letters": state.dead_letter_count(),
            "letters": [
                {"epoch": letter.epoch, "seq": letter.seq, "reason": letter.reason, "at": letter.at}
                for letter in state.dead_letters()
            ],
        }


def _lines(status: dict[str, Any]) -> list[str]:
    waiting = "unknown" if status["pending"] is None else status["pending"]
    lines = [
        f"server        {status['server'] or 'none'}",
        f"connection    {_connection(status)}",
        f"still to send {waiting}",
        f"dead letters  {status['dead_letters']}",
    ]
    for entry in status["epochs"]:
        forked = "  CONTRADICTS what the server held: cloned or restored?" if entry["forked"] else ""
        lines.append(f"epoch         {entry['epoch']} delivered up to event {entry['seq']}{forked}")
    for letter in status["letters"]:
        lines.append(f"  event {letter['seq']} of {letter['epoch']}: {letter['reason']}")
    return lines


def _connection(status: dict[str, Any]) -> str:
    if status["online"] is None:
        return "sync has not run yet"
    since = datetime.fromtimestamp(status["since"], UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if status["online"]:
        return f"online since {since}"
    return f"offline since {since}: {status['error']['message']}"

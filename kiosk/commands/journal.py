"""``kiosk journal list | show | verify | export | recheck``: read the journal, while the gate runs or not.

Exit codes: 0 done; verify: 0 the chain holds, 1 it does not; 3 the journal can't be read.
Only reads: any user who may read the file may run it, and no gate notices.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from kiosk.commands import journal_export, journal_view, recheck
from kiosk.commands.arguments import add_journal, add_language, count, journal_path, number
from kiosk.errors import Usage
from kiosk.model import EventKind, EventSeq
from kiosk.passage.journal import JournalReader, StoredEvent, Verification, check_whole, verifies
from kiosk.validators import choice

Action = Callable[[argparse.Namespace], int]

NEWEST: Final = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each thing to do."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_list(actions)
    _add_show(actions)
    _add_verify(actions)
    _add_export(actions)
    summary = "compute results and verdicts again from the stored words, and compare"
    recheck.configure(_add(actions, "recheck", recheck.run, summary))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    action: Action = arguments.action
    return action(arguments)


# -- arguments -------------------------------------------------------------------------------------------


def _add(actions: Any, name: str, action: Action, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
    add_journal(parser)
    parser.set_defaults(action=action)
    return parser


def _add_list(actions: Any) -> None:
    parser = _add(actions, "list", _list, "events, one a line: the newest, or those after a number")
    parser.add_argument(
        "--limit", type=count, default=NEWEST, metavar="N", help=f"at most so many ({NEWEST})"
    )
    parser.add_argument("--after", type=number, metavar="NUMBER", help="the first ones above this number")
    _add_kind(parser)
    add_language(parser, "of reasons and faults")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_show(actions: Any) -> None:
    parser = _add(actions, "show", _show, "one event with everything it says")
    parser.add_argument("seq", type=count, metavar="NUMBER", help="of the event")
    add_language(parser, "of reasons and faults")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _add_verify(actions: Any) -> None:
    parser = _add(actions, "verify", _verify, "whether the chain holds: exit code 0 or 1")
    parser.add_argument("--last", type=count, metavar="N", help="only the newest N links, not the whole file")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _add_export(actions: Any) -> None:
    parser = _add(actions, "export", _export, "events for spreadsheets and programs, on standard output")
    parser.add_argument("--format", choices=list(journal_export.FORMATS), default="csv", help="csv")
    _add_kind(parser)
    parser.add_argument("--after", type=number, default=0, metavar="NUMBER", help="only events above it")


def _add_kind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kind", type=choice(EventKind).argument, metavar="KIND", help=f"only one of {', '.join(EventKind)}"
    )


# -- actions ---------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    events = _chosen(JournalReader(journal_path(arguments)), arguments)
    if arguments.json:
        for event in events:
            print(json.dumps(journal_export.plain(event)))
    else:
        journal_view.show_list(events, arguments.language)
    return 0


def _chosen(reader: JournalReader, arguments: argparse.Namespace) -> Sequence[StoredEvent]:
    limit, kind = arguments.limit, arguments.kind
    if arguments.after is not None:
        return reader.events(arguments.after, limit, kind)
    if kind is None:
        return reader.events(EventSeq(max(0, reader.head().seq - limit)), limit)
    return deque((event for event in reader.walk() if event.kind == kind), maxlen=limit)


def _show(arguments: argparse.Namespace) -> int:
    events = JournalReader(journal_path(arguments)).events(EventSeq(arguments.seq - 1), 1)
    if not events or events[0].seq != arguments.seq:
        raise Usage(f"there is no event {arguments.seq}")
    if arguments.json:
        whole = journal_export.plain(events[0]) | {"verifies": verifies(events[0])}
        print(json.dumps(whole))
    else:
        journal_view.show_event(events[0], arguments.language)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    path = journal_path(arguments)
    found = check_whole(path) if arguments.last is None else JournalReader(path).verify(arguments.last)
    print(json.dumps(asdict(found)) if arguments.json else "\n".join(_said(path, found)))
    return 0 if found.ok else 1


def _said(path: Path, found: Verification) -> Iterator[str]:
    marked = "  SIMULATED" if found.simulated else ""
    if not found.ok:
        yield f"{path}: BROKEN{marked}: {found.problem}"
    purged = f", {found.purged} of them without their bodies (retention)" if found.purged else ""
    yield f"{path}: {found.checked} events verify{purged}{marked}"
    if found.last is not None:
        yield f"epoch {found.epoch} of {found.device}, event {found.last}, head {found.head}"


def _export(arguments: argparse.Namespace) -> int:
    events = JournalReader(journal_path(arguments)).walk(arguments.after)
    chosen = (event for event in events if arguments.kind is None or event.kind == arguments.kind)
    journal_export.FORMATS[arguments.format](chosen, sys.stdout)
    return 0

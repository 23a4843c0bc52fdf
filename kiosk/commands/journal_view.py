"""Events for people: a table on a terminal, plain lines when piped. Nothing stored can move the cursor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kiosk import words
from kiosk.model import ClockState, EventKind, Reason, Verdict
from kiosk.passage.journal import StoredEvent, verifies

PURGED: Final = "(removed after the retention time)"
DETAIL_LENGTH: Final = 160
DEPTH: Final = 8
_TROUBLES: Final = frozenset({EventKind.FAULT, EventKind.RECOVERED})
_AGAIN: Final = {"zh": "已恢复", "en": "works again"}
Cells = tuple[str, str, str, str, str]


def show_list(events: Iterable[StoredEvent], language: str) -> None:
    """Number, time, kind, verdict, details. ``?`` after a time: nobody vouches for that clock."""
    rows = [_cells(event, language) for event in events]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("No.", "Time", "Event", "Verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("Reasons and details", ratio=1)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def show_event(event: StoredEvent, language: str) -> None:
    """Everything about one event, a line each."""
    number, time, kind, verdict, details = _cells(event, language)
    print(f"event {number}  {time}  {kind}  {verdict}".rstrip())
    if verdict or event.kind in _TROUBLES:
        print(f"  {details}")
    for name, value in event.fields().items():
        print(f"  {printable(name)}: {_compact(value)}")
    link = "fits the event before" if verifies(event) else "DOES NOT FIT: kiosk journal verify says more"
    print(f"  hash: {event.hash} ({link})")
    content = event.content()
    print(PURGED if content is None else "\n".join(_lines(content)))


def _lines(content: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """One line for each value, groups indented: a body's lists of words stay on a line each."""
    for name, value in content.items():
        if isinstance(value, dict) and value and len(indent) < DEPTH:
            yield f"{indent}{printable(name)}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{printable(name)}: {_compact(value)}"


def printable(text: str) -> str:
    """The text with everything a terminal would obey, or could not show, as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _cells(event: StoredEvent, language: str) -> Cells:
    header, content = event.fields(), event.content()
    kind = str(header.get("kind"))
    if header.get("simulated"):
        kind += " SIMULATED"
    verdict, details = ("", PURGED) if content is None else _said(kind, content, language)
    return str(event.seq), _time(header), printable(kind), printable(verdict), printable(details)


def _said(kind: str, content: Mapping[str, Any], language: str) -> tuple[str, str]:
    if kind.split()[0] == EventKind.PASSAGE:
        reasons = content.get("reasons")
        said = [_reason(code, language) for code in reasons] if isinstance(reasons, list) else []
        return _verdict(content.get("verdict"), language), "; ".join([*said, *_instead(content, language)])
    if kind.split()[0] in _TROUBLES:
        return "", _trouble(kind, content, language)
    text = " ".join(f"{name}={_compact(value)}" for name, value in content.items())
    return "", text if len(text) <= DETAIL_LENGTH else text[: DETAIL_LENGTH - 1] + "…"


def _trouble(kind: str, content: Mapping[str, Any], language: str) -> str:
    """Which part, what is wrong with it, and what the system said; or that this is over."""
    part = words.part(str(content.get("part", "")), language)
    fault = words.fault(str(content.get("code", "")), language)
    if kind.split()[0] == EventKind.RECOVERED:
        return f"{part}: {_AGAIN[language]} ({fault})"
    message = content.get("message")
    return f"{part}: {fault}" + (f" ({message})" if message else "")


def _instead(content: Mapping[str, Any], language: str) -> Iterator[str]:
    """A record that came late may stand for one that was never shown to anybody (docs/journal.md)."""
    late = content.get("late")
    if isinstance(late, dict) and "instead_of" in late:
        number = _compact(late["instead_of"])
        yield f"代替第 {number} 条" if language == "zh" else f"instead of event {number}"


def _reason(code: object, language: str) -> str:
    """A reason in words; a code of some newer gate as it is."""
    try:
        return words.reason(Reason(str(code)), language)
    except ValueError:
        return str(code)


def _verdict(code: object, language: str) -> str:
    try:
        return f"{code} {words.verdict(Verdict(str(code)), language)}"
    except ValueError:
        return str(code)


def _compact(value: object) -> str:
    return printable(value) if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _time(header: Mapping[str, Any]) -> str:
    """Local time of this machine, with its offset from UTC."""
    wall = header.get("wall")
    try:
        moment = datetime.fromtimestamp(float(str(wall)), UTC).astimezone()
        text = moment.isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return printable(str(wall))
    return text + (" ?" if header.get("clock") == ClockState.UNTRUSTED else "")

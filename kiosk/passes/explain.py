"""Any code in words, without lists and without network: what it is and what it claims, believed or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from kiosk.errors import PassError
from kiosk.model import PassFacts, UnixTime, WeeklyWindow
from kiosk.passes import claims, native
from kiosk.passes.claims import Claims
from kiosk.passes.cose import Sign1
from kiosk.passes.keys import Algorithm

_ELSEWHERE: Final = {
    "HC1:": "an EU digital certificate",
    "NZCP:/": "a New Zealand pass",
    "shc:/": "a SMART health card",
    "http://": "a web address",
    "https://": "a web address",
}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def when(at: UnixTime) -> str:
    """A moment as people read it, in UTC so that it means the same everywhere."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def in_words(text: str) -> list[str]:
    """Lines that say what ``text`` is and claims. Nothing is verified; never raises on any text."""
    if not text.startswith(native.PREFIX):
        kinds = (kind for prefix, kind in _ELSEWHERE.items() if text.startswith(prefix))
        kind = next(kinds, "a text of no known format")
        return [f"This is {kind} ({len(text)} characters): to this gate an unknown pass."]
    return [f"This begins like a native pass ({len(text)} characters).", *_native(text)]


def _native(text: str) -> Iterator[str]:
    try:
        message = native.read(text)
        yield _header(message)
        yield from _claims(claims.read(message.payload))
    except PassError as error:
        yield f"It can't be read further: {error} ({error.reason})"
    else:
        yield "Its signature was not checked; `kiosk pass verify` does."


def _header(message: Sign1) -> str:
    known = {int(one): one.name for one in Algorithm}
    algorithm = known.get(message.algorithm, f"unknown algorithm {message.algorithm}")
    return f"It says it was signed with key {message.kid.hex()} ({algorithm})."


def _claims(found: Claims) -> Iterator[str]:
    facts = found.facts
    yield f"  issuer      {facts.issuer}"
    yield f"  category    {facts.category}"
    yield f"  pass id     {facts.pass_id}"
    yield from (f"  {label:<11} {when(at)}" for label, at in _times(facts))
    yield from (f"  {label:<11} {value}" for label, value in _limits(facts))
    yield f"  status      list {facts.status_list}, index {facts.status_index}"
    if found.extras:
        yield "  and more, which this version does not understand"


def _times(facts: PassFacts) -> Iterator[tuple[str, UnixTime]]:
    for label, at in (("issued", facts.issued_at), ("valid from", facts.not_before)):
        if at is not None:
            yield label, at
    yield "valid until", facts.expires


def _limits(facts: PassFacts) -> Iterator[tuple[str, str]]:
    if facts.household is not None:
        yield "household", facts.household
    if facts.gates:
        yield "gates only", ", ".join(facts.gates)
    if facts.communities:
        yield "communities", ", ".join(facts.communities)
    if facts.window is not None:
        yield "weekly", window_words(facts.window)


def window_words(window: WeeklyWindow) -> str:
    """A weekly window as days and hours, in the policy's time zone."""
    days = ",".join(day for bit, day in enumerate(_DAYS) if window.days >> bit & 1)
    return f"{days} {_clock(window.from_minute)}-{_clock(window.to_minute)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def plain(facts: PassFacts) -> dict[str, Any]:
    """The facts as JSON takes them; only what the pass says, times in Unix seconds."""
    values = {
        "pass_id": facts.pass_id,
        "issuer": facts.issuer,
        "category": str(facts.category),
        "expires": int(facts.expires),
        "not_before": None if facts.not_before is None else int(facts.not_before),
        "issued_at": None if facts.issued_at is None else int(facts.issued_at),
        "household": facts.household,
        "gates": list(facts.gates) or None,
        "communities": list(facts.communities) or None,
        "window": None if facts.window is None else window_words(facts.window),
        "status_list": facts.status_list,
        "status_index": facts.status_index,
    }
    return {key: value for key, value in values.items() if value is not None}

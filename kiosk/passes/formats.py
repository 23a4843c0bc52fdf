"""One question for every text: what pass is this, and is it good? Formats are chosen by prefix.

A format is a module of this package with NAME, PREFIX and ``check``; another institution's format is one
more line in :data:`FORMATS`. Whatever no format claims is opaque: unknown, and never better than REFER.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from kiosk.model import CodeRead, PassCheck, Reason
from kiosk.passes import native, opaque
from kiosk.passes.context import PassContext

__all__ = ["FORMATS", "LONGEST_TEXT", "PassContext", "PassFormat", "check", "likeliest_first"]

LONGEST_TEXT: Final = 7089
"""Characters: what the largest QR symbol holds, in digits."""


@dataclass(frozen=True, slots=True)
class PassFormat:
    """A way of writing passes. ``check`` must not raise on any text with the prefix."""

    name: str
    prefix: str
    check: Callable[[str, PassContext], PassCheck]


FORMATS: Final = (PassFormat(native.NAME, native.PREFIX, native.check),)


def likeliest_first(codes: Iterable[CodeRead]) -> list[CodeRead]:
    """Each text once, at its newest: first what claims to be a pass, and of equals the newest.

    Whoever looks at a few codes only asks here first, or a sheet of other codes would hide a pass.
    """
    newest: dict[str, CodeRead] = {}
    for code in codes:
        seen = newest.get(code.text)
        if seen is None or code.at >= seen.at:
            newest[code.text] = code
    return sorted(newest.values(), key=lambda code: (not _claims_to_be_a_pass(code.text), -code.at))


def _claims_to_be_a_pass(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and text.startswith(tuple(known.prefix for known in FORMATS))


def check(text: str, context: PassContext) -> PassCheck:
    """The verdict-free answer for one text, with one reason; never raises, whatever ``text`` holds."""
    if len(text) > LONGEST_TEXT:
        return PassCheck(opaque.NAME, Reason.PASS_TOO_LONG, opaque.token(text, context.token_key))
    for known in FORMATS:
        if text.startswith(known.prefix):
            return known.check(text, context)
    return opaque.check(text, context)

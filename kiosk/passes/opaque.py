"""Texts of no known format: other people's QR codes, old cards, shopping bags. Never better than REFER.

The journal keeps an HMAC of the text, never the text. Looking codes up in a roster comes here later.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from kiosk.model import PassCheck, Reason
from kiosk.passes.context import PassContext

NAME: Final = "opaque"
_TOKEN_BYTES: Final = 12


def check(text: str, context: PassContext) -> PassCheck:
    """PASS_UNKNOWN for any text."""
    return PassCheck(NAME, Reason.PASS_UNKNOWN, token(text, context.token_key))


def token(text: str, key: bytes) -> str:
    """A name for a text that does not reveal it: 24 hex digits of an HMAC after ``x``.

    A decoder may deliver bytes that are no UTF-8 as lone surrogates, hence the error handler.
    """
    data = text.encode("utf-8", "surrogatepass")
    return "x" + hmac.digest(key, data, hashlib.sha256)[:_TOKEN_BYTES].hex()

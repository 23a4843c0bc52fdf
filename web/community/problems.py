"""What can go wrong with a request, each with a stable code that kiosks act on (docs/protocol.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class ProblemCode(StrEnum):
    """Stable codes; documented in docs/protocol.md, which a test holds to this list."""

    SECRET_WRONG = "SECRET_WRONG"
    LOGIN_REQUIRED = "LOGIN_REQUIRED"
    HOST_UNKNOWN = "HOST_UNKNOWN"
    TYPE_WRONG = "TYPE_WRONG"
    ENCODING_WRONG = "ENCODING_WRONG"
    GZIP_TORN = "GZIP_TORN"
    BATCH_TOO_LARGE = "BATCH_TOO_LARGE"
    LINE_UNREADABLE = "LINE_UNREADABLE"
    HEAD_UNREADABLE = "HEAD_UNREADABLE"
    HEAD_MISMATCH = "HEAD_MISMATCH"
    PREV_UNKNOWN = "PREV_UNKNOWN"
    HEARTBEAT_UNREADABLE = "HEARTBEAT_UNREADABLE"
    QUERY_WRONG = "QUERY_WRONG"
    NOT_FOUND = "NOT_FOUND"
    METHOD_WRONG = "METHOD_WRONG"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    INTERNAL = "INTERNAL"
    HTTP = "HTTP"


class Problem(Exception):
    """An answer that is not the one asked for. ``more`` is added to the JSON object."""

    def __init__(self, code: ProblemCode, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.more = more

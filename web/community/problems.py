"""Errors as ``application/problem+json`` (RFC 9457), each with a stable code that kiosks act on."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from flask import Flask, Response, request
from markupsafe import escape
from werkzeug.exceptions import HTTPException

from kiosk.errors import KioskError

log = logging.getLogger(__name__)


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


_STATUS: Final[Mapping[ProblemCode, int]] = {
    ProblemCode.SECRET_WRONG: 401,
    ProblemCode.LOGIN_REQUIRED: 403,
    ProblemCode.HOST_UNKNOWN: 421,
    ProblemCode.TYPE_WRONG: 415,
    ProblemCode.ENCODING_WRONG: 415,
    ProblemCode.GZIP_TORN: 400,
    ProblemCode.BATCH_TOO_LARGE: 413,
    ProblemCode.LINE_UNREADABLE: 400,
    ProblemCode.HEAD_UNREADABLE: 400,
    ProblemCode.HEAD_MISMATCH: 422,
    ProblemCode.PREV_UNKNOWN: 409,
    ProblemCode.HEARTBEAT_UNREADABLE: 400,
    ProblemCode.QUERY_WRONG: 400,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.METHOD_WRONG: 405,
    ProblemCode.STORE_UNAVAILABLE: 503,
    ProblemCode.INTERNAL: 500,
}
_BY_STATUS: Final = {
    404: ProblemCode.NOT_FOUND,
    405: ProblemCode.METHOD_WRONG,
    413: ProblemCode.BATCH_TOO_LARGE,
}
_EXTRA_HEADERS: Final[Mapping[ProblemCode, Mapping[str, str]]] = {
    ProblemCode.SECRET_WRONG: {"WWW-Authenticate": "Bearer"},
    ProblemCode.STORE_UNAVAILABLE: {"Retry-After": "5"},
}


class Problem(Exception):
    """An answer that is not the one asked for. ``more`` is added to the JSON object."""

    def __init__(self, code: ProblemCode, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.more = more


def install(app: Flask) -> None:
    """Turn every error of the application into a problem; pages get a short text instead."""
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(sqlite3.OperationalError, _from_store)
    app.register_error_handler(KioskError, _from_store)
    app.register_error_handler(Exception, _from_bug)


def _answer(problem: Problem) -> Response:
    return _response(problem, _STATUS[problem.code])


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    code = _BY_STATUS.get(status, ProblemCode.HTTP)
    return _response(Problem(code, error.description or error.name), status)


def _from_store(error: Exception) -> Response:
    # Full disk, locked database, a devices file that others can read: nothing was stored, so the kiosk
    # keeps what it has and comes again. What exactly is wrong is for the log, not for the caller.
    log.error("unavailable: %s", error)
    return _answer(Problem(ProblemCode.STORE_UNAVAILABLE, "the server can't store anything now"))


def _from_bug(error: Exception) -> Response:
    log.exception("unexpected error in %s", request.endpoint, exc_info=error)
    return _answer(Problem(ProblemCode.INTERNAL, "an unexpected error; it has been logged"))


def _response(problem: Problem, status: int) -> Response:
    if request.path.startswith("/api/"):
        body = {"title": str(problem.code), "status": status, "detail": problem.detail, "code": problem.code}
        response = Response(json.dumps(body | problem.more), status, content_type="application/problem+json")
    else:
        text = (
            f"<!doctype html><title>{status}</title><p>{status} {problem.code}: {escape(problem.detail)}</p>"
        )
        response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers.extend(_EXTRA_HEADERS.get(problem.code, {}))
    return response

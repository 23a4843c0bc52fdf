"""Errors as ``application/problem+json`` (RFC 9457) for kiosks, and as pages with a way back for people."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from kiosk.errors import KioskError
from web.community.problems import Problem, ProblemCode
from web.community.rendering import page

log = logging.getLogger(__name__)

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


def install(app: Flask) -> None:
    """Turn every error of the application into a problem."""
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
        response = page("problem.html", status, number=status, code=problem.code)
    response.headers.extend(_EXTRA_HEADERS.get(problem.code, {}))
    return response

"""Puts the server together: ``create_app(config)`` gives an application, ``serve`` runs it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from flask import Flask, Response, request
from jinja2 import StrictUndefined

from web.community import api, pages, problem_answers
from web.community.context import Community, community
from web.community.devices import DEVICES_FILE, DeviceBook
from web.community.problems import Problem, ProblemCode
from web.community.roles import Role, guard, role
from web.community.store import Store

DATABASE: Final = "community.db"
MAX_REQUEST_BYTES: Final = 2 * 1024 * 1024
HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names this server answers to: a page elsewhere can't reach it through a name of its own (DNS rebinding)."""
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class CommunityConfig:
    """What a server needs to know."""

    data_dir: Path
    """Database and, unless named apart, the devices file."""
    devices_file: Path | None = None
    time_zone: str = "Asia/Shanghai"
    """Of the times on the pages."""
    now: Callable[[], float] = time.time
    """Unix seconds."""


def create_app(config: CommunityConfig) -> Flask:
    """A new application over ``config.data_dir``, made if need be.

    ConfigError for a devices file that can't be read or is open to others, UndeclaredEndpoint when an
    endpoint does not say who may call it. ``close_app`` releases the database.
    """
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask("web.community")
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_check_host)
    app.after_request(_add_headers)
    problem_answers.install(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(pages.blueprint)
    app.view_functions["static"] = role(Role.PUBLIC)(app.view_functions["static"])
    book = DeviceBook(config.devices_file or config.data_dir / DEVICES_FILE)
    guard(app, book)
    Community(_open_store(config), book, ZoneInfo(config.time_zone), config.now).attach(app)
    return app


def close_app(app: Flask) -> None:
    """Release the database; no request may be under way."""
    community(app).store.close()


def _open_store(config: CommunityConfig) -> Store:
    database = config.data_dir / DATABASE
    # Nobody else's business, whatever the umask: SQLite gives -wal and -shm the mode of the file.
    os.close(os.open(database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    return Store(database, config.now)


def _check_host() -> None:
    name = request.host.rsplit(":", 1)[0] if request.host.rpartition(":")[2].isdigit() else request.host
    if name.lower() not in HOSTS:
        raise Problem(ProblemCode.HOST_UNKNOWN, "this server does not answer to that name")


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response

"""Who may call what. Every endpoint declares its role, or the application refuses to start."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

from flask import Flask, request

from kiosk.errors import UndeclaredEndpoint
from web.community.devices import DeviceBook
from web.community.problems import Problem, ProblemCode

View = TypeVar("View", bound=Callable[..., Any])
_MARK: Final = "community_role"
_BEARER: Final = "bearer "


class Role(StrEnum):
    """The callers there are."""

    PUBLIC = "public"
    """Anybody who reaches the server; nothing personal, nothing about passages."""
    VIEWER = "viewer"
    """A person who reads the pages. On loopback only until there is a login."""
    DEVICE = "device"
    """A kiosk, by its own secret, for its own address (``device_id`` in the route)."""


def role(needed: Role) -> Callable[[View], View]:
    """Declare who may call a view."""

    def mark(view: View) -> View:
        setattr(view, _MARK, needed)
        return view

    return mark


def guard(app: Flask, book: DeviceBook) -> None:
    """Check the declared role before every view, and that every view has one (UndeclaredEndpoint)."""
    for rule in app.url_map.iter_rules():
        if not isinstance(_declared(app, rule.endpoint), Role):
            raise UndeclaredEndpoint(f"{rule.rule} does not say who may call it")

    @app.before_request
    def check_role() -> None:
        if request.endpoint is None:
            return  # no such page: 404 follows
        needed = _declared(app, request.endpoint)
        if needed is Role.DEVICE:
            _check_device(book)
        elif needed is Role.VIEWER:
            _check_viewer()


def _declared(app: Flask, endpoint: str) -> Role | None:
    return getattr(app.view_functions.get(endpoint), _MARK, None)


def _check_device(book: DeviceBook) -> None:
    device = str((request.view_args or {}).get("device_id", ""))
    header = request.headers.get("Authorization", "")
    if header[: len(_BEARER)].lower() != _BEARER or not book.knows(device, header[len(_BEARER) :].strip()):
        raise Problem(ProblemCode.SECRET_WRONG, "this secret does not belong to this device")


def _check_viewer() -> None:
    # Here a session will be asked for. Until then only the machine itself may look.
    if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 - means "unknown"
        raise Problem(ProblemCode.LOGIN_REQUIRED, "pages are shown on this machine only")

"""Runs the application on waitress, on this machine only, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from flask import Flask
from waitress.server import create_server

from kiosk.errors import ConfigError
from kiosk.files import write_atomic
from web.community.app import MAX_REQUEST_BYTES, CommunityConfig, close_app, create_app

THREADS: Final = 8
IDLE_CONNECTION_S: Final = 60


def parse_listen(text: str) -> tuple[str, int]:
    """``127.0.0.1:8080``, ``[::1]:0`` -> address and port (0: any free one). ConfigError.

    Only loopback: without TLS and a login nobody else may read passages or see a secret.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"--listen {text!r}: an address and a port, for example 127.0.0.1:8080")
    host = host.removeprefix("[").removesuffix("]")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise ConfigError(f"--listen {text!r}: {host!r} is not an IP address") from None
    if not loopback:
        raise ConfigError(
            f"--listen {text!r}: only loopback (127.0.0.1 or [::1]): there is no TLS and no login yet"
        )
    return host, int(port)


def serve(
    config: CommunityConfig, listen: str, *, port_file: Path | None, announce: Callable[[str], None]
) -> None:
    """Answer requests until SIGTERM or SIGINT; what is being stored then is finished or not stored at all.

    ``announce`` gets the address once connections are accepted, after ``port_file`` holds the port number.
    """
    host, port = parse_listen(listen)
    app = create_app(config)
    try:
        server = _listen(app, host, port)
        signal.signal(signal.SIGTERM, _leave)
        try:
            if port_file is not None:
                write_atomic(port_file, f"{server.effective_port}\n".encode())
            shown = f"[{host}]" if ":" in host else host
            announce(f"http://{shown}:{server.effective_port}/")
            server.run()
        finally:
            server.close()
    finally:
        close_app(app)


def _listen(app: Flask, host: str, port: int) -> Any:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Bound here and not by waitress, which leaves files open when an address is taken.
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(f"can't listen on {host}:{port}: {error.strerror}") from error
    return create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        ident=None,
        channel_timeout=IDLE_CONNECTION_S,
        max_request_body_size=MAX_REQUEST_BYTES,
        clear_untrusted_proxy_headers=True,
    )


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # waitress ends its loop and its threads on this; the exit code stays 0.
    sys.exit(0)

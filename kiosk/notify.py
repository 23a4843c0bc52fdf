"""What systemd is told: ready, still turning, what is going on, stopping (sd_notify(3)).

Datagrams on the socket that NOTIFY_SOCKET names; without one every call does nothing, so that a gate
started by hand needs no other code. Only the gate's own loop may ping the watchdog: a helper thread would
go on pinging for a loop that hangs.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from kiosk.model import Monotonic, Seconds

PINGS_PER_LIMIT: Final = 4
"""systemd advises half the limit at the least; with four a slow turn does no harm."""

_log = logging.getLogger(__name__)


class Notifier:
    """Tells the service manager. For one thread: the loop whose life it reports."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; by default of this process."""
        values = os.environ if environment is None else environment
        self._address = _address(values.get("NOTIFY_SOCKET", ""))
        self._interval = _interval(values) if self._address is not None else None
        self._pinged: Monotonic | None = None
        self._deaf = False
        self._socket: socket.socket | None = None
        if self._address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            # A manager that does not read must not stop the gate.
            self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def interval(self) -> Seconds | None:
        """How often :meth:`watchdog` sends a ping, seconds; None when there is no watchdog."""
        return self._interval

    def ready(self, status: str = "") -> None:
        """Start-up is done."""
        self._send("READY=1", status)

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._send("", text)

    def watchdog(self, now: Monotonic) -> None:
        """Call after each full turn; a ping goes out when one is due."""
        if self._interval is None:
            return
        if self._pinged is None or now - self._pinged >= self._interval:
            self._pinged = now
            self._send("WATCHDOG=1", "")

    def stopping(self, status: str = "") -> None:
        """The process is going down on purpose."""
        self._send("STOPPING=1", status)

    def close(self) -> None:
        """Any number of times."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, assignment: str, status: str) -> None:
        if self._socket is None or self._address is None:
            return
        # A line break in a status would begin an assignment of its own.
        lines = [assignment, f"STATUS={' '.join(status.split())}" if status else ""]
        message = "\n".join(line for line in lines if line).encode()
        try:
            self._socket.sendto(message, self._address)
            self._deaf = False
        except OSError as error:
            # If pings are lost systemd restarts the gate, and that is right: it can't know better.
            if not self._deaf:
                _log.warning("systemd does not listen: %s", error)
            self._deaf = True


def _address(name: str) -> str | None:
    """A path, or an abstract name ("@..." stands for a leading NUL); others (vsock) are not spoken here."""
    if name.startswith("@") and len(name) > 1:
        return "\0" + name[1:]
    if name.startswith("/"):
        return name
    if name:
        _log.warning("NOTIFY_SOCKET names an address of an unknown kind")
    return None


def _interval(values: Mapping[str, str]) -> Seconds | None:
    """Seconds between pings, by sd_watchdog_enabled(3); None when not meant for this process."""
    if values.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        limit = int(values.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return Seconds(limit / 1e6 / PINGS_PER_LIMIT) if limit > 0 else None

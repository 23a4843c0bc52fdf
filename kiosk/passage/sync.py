"""kiosk-sync: the one process with a network. It reads the journal, writes only its own database.

This is where the parts are put together and where bytes leave the machine; what is sent and what an
answer proves is in ``sync_turns`` and ``sync_answers``. Plain HTTP goes to this machine only.
"""

from __future__ import annotations

import ipaddress
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from kiosk.config import Config
from kiosk.errors import ConfigError, NotAcknowledged, SyncError
from kiosk.files import read_private
from kiosk.model import DeviceId
from kiosk.passage.sync_answers import Reply
from kiosk.passage.sync_outbox import Outbox
from kiosk.passage.sync_state import SyncState
from kiosk.passage.sync_turns import Sync

CONNECT_S: Final = 5.0
READ_S: Final = 20.0
"""Between two pieces of an answer."""
TOTAL_S: Final = 60.0
"""For one request, however slowly an answer is fed."""
MAX_ANSWER: Final = 256 * 1024
MIN_SECRET: Final = 32


@contextmanager
def open_sync(config: Config) -> Iterator[Sync]:
    """Sync as configured, in real time. ConfigError, UnsafePermissions, or SyncError for its database."""
    settings = config.sync
    if not settings.url or settings.secret_file is None:
        raise ConfigError("sync.url and sync.secret_file name no server: there is nothing to sync with")
    secret_file = settings.secret_file
    read_secret(secret_file)  # a wrong one is said at the start, not when the network is there
    server = HttpServer(settings.url, config.gate.device, lambda: read_secret(secret_file))
    with server, SyncState.open(settings.database) as state:
        outbox = Outbox(config.journal.path, state, time.time)
        yield Sync(
            outbox=outbox,
            state=state,
            server=server,
            health=_Figures(outbox, state, config.journal.path),
            idle_s=settings.interval_s,
            heartbeat_s=settings.heartbeat_s,
            clock=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
            wall=time.time,
            random=random.SystemRandom().random,
        )


def read_secret(path: Path) -> str:
    """This device's secret. ConfigError when there is none, UnsafePermissions when others can read it."""
    try:
        secret = read_private(path, limit=4096).decode("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no secret: {error}") from error
    if len(secret) < MIN_SECRET or not secret.isprintable() or " " in secret:
        raise ConfigError(f"{path} is no secret: {MIN_SECRET} printable characters or more")
    return secret


def check_url(url: str) -> str:
    """The server's address without a slash at the end. ConfigError for anything that is not this machine."""
    wrong = ConfigError(f"sync.url {url!r}: must look like http://127.0.0.1:8080")
    try:
        parts = urlsplit(url)
        extra = (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.port == 0)
    except ValueError:
        raise wrong from None
    if parts.scheme == "https":
        raise ConfigError(
            f"sync.url {url!r}: https comes with enrolment; until then the server is on this machine"
        )
    if parts.scheme != "http" or any(extra):
        raise wrong
    if not _is_loopback(parts.hostname or ""):
        raise ConfigError(
            f"sync.url {url!r}: plain http only to this machine (127.0.0.1, [::1] or localhost)"
        )
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HttpServer:
    """The community server over HTTP. No redirects, no proxies, no cookies, every wait bounded."""

    def __init__(
        self,
        url: str,
        device: DeviceId,
        secret: Callable[[], str],
        *,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        total_s: float = TOTAL_S,
    ) -> None:
        """``secret`` is asked before each request, so that a new one counts without a restart."""
        self._base = f"{check_url(url)}/api/v1/devices/{device}/"
        self._secret = secret
        self._timeout = (connect_s, read_s)
        self._total_s = total_s
        self._line = _Line()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("http://", self._line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def post(self, what: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """POST and read the whole answer. SyncError without one, NotAcknowledged for one that can't be it."""
        sent = {**headers, "Authorization": f"Bearer {self._secret()}", "Accept-Encoding": "identity"}
        self._line.was_cut = False
        watch = threading.Timer(self._total_s, self._line.cut)
        watch.daemon = True
        watch.start()
        try:
            reply = self._exchange(self._base + what, body, sent)
            if self._line.was_cut:  # half a head can look like a whole one
                raise SyncError(f"{self._base}{what}: no whole answer within {self._total_s:g} s")
            return reply
        except SyncError:
            raise  # it is an OSError as well, and says already what is wrong
        except (requests.RequestException, OSError) as error:
            raise SyncError(f"{self._base}{what}: {_in_short(error)}") from error
        finally:
            watch.cancel()

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        with self._session.post(
            url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False, stream=True
        ) as answer:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise NotAcknowledged("the answer is encoded though it was asked for plain")
            return Reply(
                status=answer.status_code,
                media=answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                body=_bounded(answer),
                retry_after=answer.headers.get("Retry-After", ""),
                date=answer.headers.get("Date", ""),
            )


def _bounded(answer: requests.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_content(16 * 1024):
        body += piece
        if len(body) > MAX_ANSWER:
            raise NotAcknowledged(f"an answer of more than {MAX_ANSWER} bytes")
    return bytes(body)


def _in_short(error: Exception) -> str:
    """The innermost cause: what requests wraps around it says nothing more."""
    while (inner := error.__context__ or getattr(error, "reason", None)) is not None:
        if not isinstance(inner, Exception):
            break
        error = inner
    return f"{type(error).__name__}: {error}"[:200]


class _Line(HTTPAdapter):
    """Remembers the socket in use, so that a request that takes too long can be cut from outside.

    Timeouts of a socket begin anew with each byte; an answer fed byte by byte would never end.
    """

    def __init__(self) -> None:
        self.was_cut = False
        self._socket: socket.socket | None = None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def cut(self) -> None:
        """End whatever is under way; the waiting request fails. From any thread."""
        self.was_cut = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        """requests' hook for choosing a connection pool."""
        pool: Any = super().get_connection_with_tls_context(*arguments, **named)
        if not hasattr(pool.ConnectionCls, "line"):
            pool.ConnectionCls = self._remembering(pool.ConnectionCls)
        return pool

    def _remembering(self, kind: Any) -> Any:
        def connect(connection: Any) -> None:
            kind.connect(connection)
            self._socket = connection.sock

        return type("Remembering", (kind,), {"connect": connect, "line": self})


class _Figures:
    """What a heartbeat says of this side: numbers only."""

    def __init__(self, outbox: Outbox, state: SyncState, journal: Path) -> None:
        self._outbox = outbox
        self._state = state
        self._journal = journal

    def __call__(self) -> Mapping[str, Any]:
        return {
            "pending": self._outbox.pending(),
            "dead_letters": self._state.dead_letter_count(),
            "journal_problem": self._outbox.problem is not None,
            "disk_free_mb": self._free_mb(),
            "uptime_s": int(time.clock_gettime(time.CLOCK_BOOTTIME)),
        }

    def _free_mb(self) -> int | None:
        try:
            return shutil.disk_usage(self._journal.parent).free // 1_000_000
        except OSError:
            return None

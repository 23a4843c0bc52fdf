"""Servers that misbehave and wires that break, on real sockets of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Handle = Callable[[socket.socket, bytes], None]
LIMIT_S = 10.0


def read_request(connection: socket.socket) -> bytes:
    """One HTTP request with its body; what there is of it when the other side stops."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length and (piece := connection.recv(65_536)):
        body += piece
    return head + b"\r\n\r\n" + body


def answer(body: bytes, status: str = "200 OK", *headers: str, media: str = "application/json") -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Listener:
    """Accepts connections on a free port and hands each to ``serve`` in a thread of its own."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            self.cut(connection)
        for thread in self._threads:
            thread.join(LIMIT_S)
        self._socket.close()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    @staticmethod
    def cut(connection: socket.socket) -> None:
        """End a connection at once, whoever waits on it."""
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._start(lambda taken=connection: self._run(taken))  # type: ignore[misc]

    def _run(self, connection: socket.socket) -> None:
        connection.settimeout(LIMIT_S)
        self._open.add(connection)
        with connection, contextlib.suppress(OSError):
            self.serve(connection)
        self._open.discard(connection)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


class Scripted(Listener):
    """Plays ``handle`` for every request it gets; keeps what was asked."""

    def __init__(self, handle: Handle) -> None:
        super().__init__()
        self.requests: list[bytes] = []
        self._handle = handle

    def serve(self, connection: socket.socket) -> None:
        while request := read_request(connection):
            self.requests.append(request)
            self._handle(connection, request)


@dataclass
class Cut:
    """After how many bytes of one direction a wire breaks; None: it holds."""

    up: int | None = None
    down: int | None = None


@dataclass
class Wire(Listener):
    """A TCP proxy to ``target``. Each new connection takes the next of ``cuts``; then all hold."""

    target: int
    cuts: list[Cut] = field(default_factory=list)
    before_answer: Callable[[bytes], bool] | None = None
    """Sees the first bytes of each answer; False: they are not passed on and the wire breaks."""
    passed: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        plan = self.cuts.pop(0) if self.cuts else Cut()
        try:
            upstream = socket.create_connection(("127.0.0.1", self.target), timeout=LIMIT_S)
        except OSError:
            return
        with upstream:
            down = threading.Thread(
                target=self._pump, args=(upstream, connection, plan.down, True), daemon=True
            )
            down.start()
            self._pump(connection, upstream, plan.up, False)
            down.join(LIMIT_S)

    def _pump(self, source: socket.socket, sink: socket.socket, limit: int | None, answers: bool) -> None:
        left = limit
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if answers and self.before_answer is not None and not self.before_answer(piece):
                    break
                if left is not None:
                    piece, left = piece[:left], left - len(piece[:left])
                sink.sendall(piece)
                if left == 0:
                    break
        self.cut(source)
        self.cut(sink)

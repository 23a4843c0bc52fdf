"""The wire itself: real sockets, hostile answers, and what never leaves this machine."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path

import pytest

from kiosk.config import load
from kiosk.errors import ConfigError, NotAcknowledged, SyncError, UnsafePermissions
from kiosk.model import DeviceId
from kiosk.passage.sync import MAX_ANSWER, HttpServer, check_url, open_sync, read_secret
from kiosk.passage.sync_answers import read_positions
from tests.loopback import Handle, Scripted, answer

SECRET = "s" * 43
DEVICE = DeviceId("kiosk-7")


def plays(data: bytes, *, close: bool = False) -> Handle:
    def handle(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(data)
        if close:
            connection.shutdown(socket.SHUT_RDWR)

    return handle


def client(server: Scripted, secret: str = SECRET) -> HttpServer:
    return HttpServer(server.url, DEVICE, lambda: secret, connect_s=2, read_s=2, total_s=5)


def test_a_request_says_what_it_must_and_no_more() -> None:
    with Scripted(plays(answer(b"{}"))) as server, client(server) as kiosk:
        reply = kiosk.post("events", b"body", {"Content-Type": "application/x-ndjson"})
    assert (reply.status, reply.media, reply.body) == (200, "application/json", b"{}")
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"POST /api/v1/devices/{DEVICE}/events HTTP/1.1"
    assert f"Authorization: Bearer {SECRET}" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Content-Type: application/x-ndjson" in lines
    assert body == b"body"


def test_one_connection_serves_many_requests() -> None:
    with Scripted(plays(answer(b"{}"))) as server, client(server) as kiosk:
        for _ in range(5):
            kiosk.post("heartbeat", b"", {})
        assert len(server.requests) == 5
        assert len(server._threads) == 2  # one that accepts, one connection


def test_a_redirect_is_an_answer_and_not_a_way() -> None:
    with Scripted(plays(answer(b"{}"))) as other:
        moved = answer(b"", "307 Temporary Redirect", f"Location: {other.url}/x")
        with Scripted(plays(moved)) as server, client(server) as kiosk:
            assert kiosk.post("events", b"secret body", {}).status == 307
    assert other.requests == []


def test_a_cookie_is_not_kept() -> None:
    with Scripted(plays(answer(b"{}", "200 OK", "Set-Cookie: track=1"))) as server, client(server) as kiosk:
        kiosk.post("heartbeat", b"", {})
        kiosk.post("heartbeat", b"", {})
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_not_used(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Scripted(plays(answer(b"{}"))) as proxy, Scripted(plays(answer(b"{}"))) as server:
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("no_proxy", "")
        with client(server) as kiosk:
            kiosk.post("events", b"", {})
    assert proxy.requests == []
    assert f"Bearer {SECRET}".encode() in server.requests[0]


GZIPPED = gzip.compress(b'{"epoch": 1}')


@pytest.mark.parametrize(
    "data",
    [
        answer(b"x" * (MAX_ANSWER + 1)),
        answer(GZIPPED, "200 OK", "Content-Encoding: gzip"),
        answer(GZIPPED[:-6], "200 OK", "Content-Encoding: gzip"),
        answer(b"{}", "200 OK", "Content-Encoding: br"),
    ],
)
def test_an_answer_too_large_or_not_plain_is_none(data: bytes) -> None:
    with Scripted(plays(data, close=True)) as server, client(server) as kiosk, pytest.raises(NotAcknowledged):
        kiosk.post("events", b"", {})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        answer(b'{"epoch": "00"}')[:-4],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01" * 50,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 999999 WHAT\r\n\r\n",
    ],
)
def test_half_an_answer_or_no_http_is_an_error_of_sync_and_nothing_else(data: bytes) -> None:
    with (
        Scripted(plays(data, close=True)) as server,
        client(server) as kiosk,
        pytest.raises(SyncError) as error,
    ):
        kiosk.post("events", b"", {})
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nContent-Type: application/json"])
def test_a_head_cut_short_proves_nothing(data: bytes) -> None:
    with Scripted(plays(data, close=True)) as server, client(server) as kiosk, pytest.raises(SyncError):
        read_positions(kiosk.post("heartbeat", b"", {}))


def test_nobody_there_is_said_in_short() -> None:
    with Scripted(plays(b"")) as server:
        pass
    with client(server) as kiosk, pytest.raises(SyncError, match="refused"):
        kiosk.post("events", b"", {})


def test_a_new_secret_counts_with_the_next_request() -> None:
    secrets = iter(["a" * 43, "b" * 43])
    with (
        Scripted(plays(answer(b"{}"))) as server,
        HttpServer(server.url, DEVICE, lambda: next(secrets)) as kiosk,
    ):
        kiosk.post("heartbeat", b"", {})
        kiosk.post("heartbeat", b"", {})
    assert b"b" * 43 in server.requests[1]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.0.0.1",
        "http://[::1]:80/",
        "http://localhost:1",
        "http://127.8.9.1:9",
    ],
)
def test_this_machine_may_be_spoken_to(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://community.example", "enrolment"),
        ("https://127.0.0.1", "enrolment"),
        ("http://community.example", "this machine"),
        ("http://192.168.1.5:8080", "this machine"),
        ("http://0.0.0.0:80", "this machine"),
        ("http://127.0.0.1.example.com", "this machine"),
        ("http://localhost.example.com", "this machine"),
        ("http://127.0.0.1@evil.example/", "must look like"),
        ("http://user:pw@127.0.0.1:80", "must look like"),
        ("http://127.0.0.1/path", "must look like"),
        ("http://127.0.0.1?x=1", "must look like"),
        ("ftp://127.0.0.1", "must look like"),
        ("127.0.0.1:8080", "must look like"),
        ("", "must look like"),
        ("http://", "this machine"),
        ("http://127.0.0.1:99999", "must look like"),
        ("http://[::1", "must look like"),
    ],
)
def test_nothing_else_may(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        check_url(url)


def test_a_secret_is_read_only_where_nobody_else_can(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    for mode in (0o640, 0o604, 0o660, 0o644):
        path.chmod(mode)
        with pytest.raises(UnsafePermissions):
            read_secret(path)
    for mode in (0o600, 0o400):
        path.chmod(mode)
        assert read_secret(path) == SECRET


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 40, b"two words " * 5, b"a\nb" * 20, b"x" * 5000]
)
def test_what_can_not_be_a_secret_is_said_at_once(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        read_secret(path)
    with pytest.raises(ConfigError):
        read_secret(tmp_path / "missing")


def test_without_a_server_there_is_nothing_to_sync_with() -> None:
    with pytest.raises(ConfigError, match="name no server"), open_sync(load(None)):
        pass

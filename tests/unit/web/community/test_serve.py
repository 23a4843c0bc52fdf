"""Where the server listens: on this machine, or it does not start."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest

from kiosk.commands import community
from kiosk.errors import ConfigError, UnsafePermissions
from web.community.app import CommunityConfig
from web.community.devices import DeviceBook
from web.community.serve import parse_listen, serve


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:0", "127.0.0.1", 0), ("127.9.9.9:8080", "127.9.9.9", 8080), ("[::1]:65535", "::1", 65535)],
)
def test_loopback_it_is(text: str, host: str, port: int) -> None:
    assert parse_listen(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.0:80", "192.168.1.1:80", "[::]:0", "[fe80::1]:0", ":80", "localhost:80"),
        *("127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "", "127.0.0.1:٣"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--listen"):
        parse_listen(text)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match="can't listen"):
            serve(CommunityConfig(tmp_path), address, port_file=None, announce=lambda _: None)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    community.configure(parser)
    return parser.parse_args(words)


def test_a_device_is_added_with_a_secret_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret_file = tmp_path / "secret"
    words = (
        "add-device",
        "--data",
        str(tmp_path / "data"),
        "--id",
        "kiosk-7",
        "--secret-file",
        str(secret_file),
    )
    assert community.run(parsed(*words)) == 0
    secret = secret_file.read_text().strip()
    assert DeviceBook(tmp_path / "data" / "devices.json").knows("kiosk-7", secret)
    assert secret not in capsys.readouterr().out


def test_a_wrong_id_leaves_no_secret_behind(tmp_path: Path) -> None:
    words = ("add-device", "--data", str(tmp_path), "--id", "a/b", "--secret-file", str(tmp_path / "secret"))
    with pytest.raises(ConfigError):
        community.run(parsed(*words))
    assert not (tmp_path / "secret").exists()


def test_a_devices_file_elsewhere_must_be_private_too(tmp_path: Path) -> None:
    devices = tmp_path / "devices.json"
    devices.write_text('{"devices": {}}')
    devices.chmod(0o644)
    words = ("run", "--data", str(tmp_path / "data"), "--devices", str(devices), "--listen", "127.0.0.1:0")
    with pytest.raises(UnsafePermissions):
        community.run(parsed(*words))

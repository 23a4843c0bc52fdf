"""Who may call what, from where, and what a stranger learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask

from kiosk.errors import ConfigError, UndeclaredEndpoint, UnsafePermissions
from kiosk.model import DeviceId
from tests.journals import DEVICE
from tests.unit.web.community.conftest import OTHER, OTHER_SECRET, SECRET, Api
from web.community.app import CommunityConfig, close_app, create_app
from web.community.devices import DeviceBook, register_device, write_secret
from web.community.roles import Role, guard, role

DEVICE_ROUTES = [
    ("POST", f"/api/v1/devices/{DEVICE}/events"),
    ("POST", f"/api/v1/devices/{DEVICE}/heartbeat"),
    ("GET", f"/api/v1/devices/{DEVICE}/counts"),
]


@pytest.mark.parametrize(("method", "path"), DEVICE_ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {OTHER_SECRET}",
        f"Basic {SECRET}",
        SECRET,
        "Bearer \xff",
        f"Bearer {SECRET}x",
    ],
)
def test_without_its_own_secret_a_kiosk_gets_nothing(
    api: Api, method: str, path: str, authorization: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = api.client.open(path, method=method, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json is not None
    assert answer.json["code"] == "SECRET_WRONG"


def test_every_route_that_takes_or_tells_events_wants_a_device(app: Flask) -> None:
    roles = {
        rule.rule: getattr(app.view_functions[rule.endpoint], "community_role", None)
        for rule in app.url_map.iter_rules()
    }
    assert roles == {
        "/": Role.VIEWER,
        "/passages": Role.VIEWER,
        "/kiosks": Role.VIEWER,
        "/healthz": Role.PUBLIC,
        "/static/<path:filename>": Role.PUBLIC,
        **{path.replace(DEVICE, "<device_id>"): Role.DEVICE for _, path in DEVICE_ROUTES},
    }


def test_an_endpoint_without_a_role_keeps_the_server_from_starting(tmp_path: Path) -> None:
    app = Flask("careless")
    app.view_functions["static"] = role(Role.PUBLIC)(app.view_functions["static"])
    app.add_url_rule("/forgotten", view_func=lambda: "hello", endpoint="forgotten")
    with pytest.raises(UndeclaredEndpoint, match="/forgotten"):
        guard(app, DeviceBook(tmp_path / "devices.json"))


@pytest.mark.parametrize("path", ["/passages", "/kiosks", "/"])
def test_pages_are_for_this_machine_until_there_is_a_login(api: Api, path: str) -> None:
    assert api.client.get(path).status_code in (200, 302)
    outside = api.client.get(path, environ_base={"REMOTE_ADDR": "192.168.1.20"})
    assert outside.status_code == 403


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "kiosk.local", "10.0.0.1:8080", "", "[::2]"]
)
def test_another_name_is_not_answered(api: Api, host: str) -> None:
    for path in ("/passages", "/healthz", f"/api/v1/devices/{DEVICE}/counts"):
        answer = api.client.get(path, headers={"Host": host} | api.headers)
        assert answer.status_code in (400, 421)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "[::1]:8080", "LOCALHOST"])
def test_its_own_names_are(api: Api, host: str) -> None:
    assert api.client.get("/healthz", headers={"Host": host}).json == {"ok": True}


def test_every_answer_forbids_scripts_and_frames(api: Api) -> None:
    for path in ("/passages", "/kiosks", "/nothing", "/api/v1/nothing", "/healthz", "/static/community.css"):
        with api.client.get(path) as answer:
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in headers
        assert "Server" not in headers


def test_errors_are_problems_for_programs_and_text_for_people(api: Api) -> None:
    missing = api.client.get("/api/v1/nothing")
    assert missing.content_type == "application/problem+json"
    assert missing.json is not None
    assert missing.json["code"] == "NOT_FOUND"
    wrong = api.client.get(f"/api/v1/devices/{DEVICE}/events", headers=api.headers)
    assert wrong.json is not None
    assert wrong.json["code"] == "METHOD_WRONG"
    page = api.client.get("/<script>alert(1)</script>")
    assert page.status_code == 404
    assert page.content_type.startswith("text/html")
    assert "<script>" not in page.text


def test_a_mistake_in_the_program_says_nothing_about_itself(
    api: Api, app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("secret detail")

    monkeypatch.setitem(app.view_functions, "api.healthz", role(Role.PUBLIC)(broken))
    answer = api.client.get("/healthz")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


# -- the devices file ----------------------------------------------------------------------------------


def test_secrets_are_random_private_and_not_on_the_server(tmp_path: Path) -> None:
    first, second = write_secret(tmp_path / "a"), write_secret(tmp_path / "b")
    assert first != second
    assert len(first) >= 43
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    register_device(tmp_path, DEVICE, first)
    assert (tmp_path / "devices.json").stat().st_mode & 0o777 == 0o600
    assert first not in (tmp_path / "devices.json").read_text()
    assert DeviceBook(tmp_path / "devices.json").knows(DEVICE, first)


def test_a_devices_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    register_device(tmp_path, DEVICE, SECRET)
    for mode in (0o640, 0o604, 0o620, 0o666):
        (tmp_path / "devices.json").chmod(mode)
        with pytest.raises(UnsafePermissions, match="chmod 600"):
            create_app(CommunityConfig(tmp_path))


def test_opened_to_others_while_running_it_lets_nobody_in(api: Api, tmp_path: Path) -> None:
    (tmp_path / "community" / "devices.json").chmod(0o644)
    answer = api.client.get(f"/api/v1/devices/{DEVICE}/counts", headers=api.headers)
    assert answer.status_code == 503
    (tmp_path / "community" / "devices.json").chmod(0o600)
    assert api.counts() is not None


def test_a_kiosk_registered_or_struck_out_while_the_server_runs_counts_at_once(
    api: Api, tmp_path: Path
) -> None:
    data = tmp_path / "community"
    new = DeviceId("kiosk-9")
    address = f"/api/v1/devices/{new}/counts"
    headers = {"Authorization": f"Bearer {'n' * 43}"}
    assert api.client.get(address, headers=headers).status_code == 401
    register_device(data, new, "n" * 43)
    assert api.client.get(address, headers=headers).status_code == 200
    devices = json.loads((data / "devices.json").read_text())
    del devices["devices"][new]
    (data / "devices.json").write_text(json.dumps(devices))
    assert api.client.get(address, headers=headers).status_code == 401
    (data / "devices.json").unlink()
    assert api.client.get(address, headers=headers).status_code == 401


def test_a_new_secret_replaces_the_old_one(tmp_path: Path) -> None:
    register_device(tmp_path, DEVICE, SECRET)
    register_device(tmp_path, OTHER, OTHER_SECRET)
    register_device(tmp_path, DEVICE, "u" * 43)
    book = DeviceBook(tmp_path / "devices.json")
    assert not book.knows(DEVICE, SECRET)
    assert book.knows(DEVICE, "u" * 43)
    assert book.knows(OTHER, OTHER_SECRET)
    assert not book.knows("kiosk-99", "u" * 43)


@pytest.mark.parametrize("device", ["", "a/b", "..", "-x", "x" * 65, "门", "a b", "a\n"])
def test_an_id_that_can_not_stand_in_an_address_is_refused(tmp_path: Path, device: str) -> None:
    with pytest.raises(ConfigError, match="device id"):
        register_device(tmp_path, DeviceId(device), SECRET)


def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shorter"):
        register_device(tmp_path, DEVICE, "kiosk")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"devices": []}',
        '{"devices": {"a": 1}}',
        '{"devices": {"a": {"secret_sha256": "x"}}}',
    ],
)
def test_a_devices_file_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "devices.json").write_text(text)
    (tmp_path / "devices.json").chmod(0o600)
    with pytest.raises(ConfigError, match=r"devices\.json"):
        DeviceBook(tmp_path / "devices.json")


def test_the_servers_files_are_nobody_elses(app: Flask, tmp_path: Path) -> None:
    fresh = create_app(CommunityConfig(tmp_path / "fresh"))
    close_app(fresh)
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o700
    for name in ("community.db",):
        assert (tmp_path / "fresh" / name).stat().st_mode & 0o777 == 0o600

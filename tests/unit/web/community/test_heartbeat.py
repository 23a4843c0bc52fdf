"""A heartbeat is taken with a wrong clock, and refused when it holds what nobody asked for."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journals import DEVICE
from tests.unit.web.community.conftest import Api
from web.community.api import _read_heartbeat
from web.community.problems import Problem

SOUND: dict[str, Any] = {"v": 1, "sent_at": 1.0, "epochs": [], "health": {}}


def test_a_wrong_clock_is_recorded_and_no_reason_to_refuse(api: Api) -> None:
    beat = SOUND | {"sent_at": api.now.value + 7200, "health": {"pending": 12}}
    answer = api.client.post(f"/api/v1/devices/{DEVICE}/heartbeat", json=beat, headers=api.headers)
    assert answer.json == {"time": api.now.value, "positions": []}
    page = api.client.get("/kiosks?lang=en").text
    assert "+7200 s" in page
    assert ">12<" in page


def test_a_silent_kiosk_is_called_silent(api: Api) -> None:
    api.beat()
    assert "In touch" in api.client.get("/kiosks?lang=en").text
    api.now.value += 200
    assert "Silent" in api.client.get("/kiosks?lang=en").text


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"sent_at": "now"},
        {"sent_at": True},
        {"sent_at": float("nan")},
        {"sent_at": -1},
        {"epochs": {}},
        {"epochs": [1]},
        {"epochs": [{"epoch": "x", "seq": 0, "head": "00" * 32}]},
        {"epochs": [{"epoch": "00" * 8, "seq": -1, "head": "00" * 32}]},
        {"epochs": [{"epoch": "00" * 8, "seq": 10**20, "head": "00" * 32}]},
        {"epochs": [{"epoch": "00" * 8, "seq": 0, "head": "00" * 32}] * 17},
        {"health": []},
        {"health": {"Name": 1}},
        {"health": {"holder": "x" * 65}},
        {"health": {"nested": {}}},
    ],
)
def test_anything_else_is_refused(api: Api, changed: dict[str, Any]) -> None:
    answer = api.client.post(
        f"/api/v1/devices/{DEVICE}/heartbeat",
        data=json.dumps(SOUND | changed),
        headers=api.headers | {"Content-Type": "application/json"},
    )
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (400, "HEARTBEAT_UNREADABLE")


def test_too_long_or_of_another_type_is_refused(api: Api) -> None:
    address = f"/api/v1/devices/{DEVICE}/heartbeat"
    long = api.client.post(
        address, data=b" " * 20_000, headers=api.headers | {"Content-Type": "application/json"}
    )
    assert long.status_code == 400
    assert api.client.post(address, data=b"{}", headers=api.headers).status_code == 415


@given(st.binary(max_size=60) | st.just(b"[" * 20_000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(Problem):
        assert _read_heartbeat(data)["v"] == 1

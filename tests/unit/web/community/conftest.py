"""A community server without a socket, and a kiosk that may report to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kiosk.model import DeviceId
from kiosk.passage.chain import StoredEvent
from tests.journals import DEVICE, request_of
from web.community.app import CommunityConfig, close_app, create_app
from web.community.devices import register_device

SECRET = "s" * 43
OTHER = DeviceId("kiosk-8")
OTHER_SECRET = "t" * 43


@dataclass
class Now:
    """The server's clock."""

    value: float = 1_798_761_600.0

    def __call__(self) -> float:
        return self.value


@dataclass
class Api:
    """What a kiosk does, one call each."""

    client: FlaskClient
    now: Now
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {SECRET}"})

    def send(self, events: Sequence[StoredEvent], epoch: str, **changed: str) -> TestResponse:
        body, headers = request_of(events, epoch)
        named = {name.replace("_", "-"): value for name, value in changed.items()}
        return self.client.post(
            f"/api/v1/devices/{DEVICE}/events", data=body, headers=self.headers | headers | named
        )

    def beat(self, *epochs: dict[str, Any], **health: Any) -> TestResponse:
        beat = {"v": 1, "sent_at": self.now.value, "epochs": list(epochs), "health": health}
        return self.client.post(f"/api/v1/devices/{DEVICE}/heartbeat", json=beat, headers=self.headers)

    def counts(self) -> Any:
        return self.client.get(f"/api/v1/devices/{DEVICE}/counts", headers=self.headers).json


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def app(tmp_path: Path, now: Now) -> Iterator[Flask]:
    data = tmp_path / "community"
    data.mkdir()
    register_device(data, DEVICE, SECRET)
    register_device(data, OTHER, OTHER_SECRET)
    app = create_app(CommunityConfig(data, now=now))
    yield app
    close_app(app)


@pytest.fixture
def api(app: Flask, now: Now) -> Api:
    return Api(app.test_client(), now)

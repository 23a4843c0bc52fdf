"""A bad week on an injected clock: the server is the real application, only the wire is played."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from kiosk.errors import SyncError
from kiosk.model import Seconds, UnixTime
from kiosk.passage.journal_file import set_aside
from kiosk.passage.sync_answers import Reply
from kiosk.passage.sync_outbox import Outbox
from kiosk.passage.sync_state import SyncState
from kiosk.passage.sync_turns import Sync
from tests.journals import DEVICE, Gate, events_of
from web.community.app import CommunityConfig, close_app, create_app
from web.community.devices import register_device

SECRET = "s" * 43
Spoil = Callable[[str, Callable[[], Reply]], Reply]


def honest(_what: str, deliver: Callable[[], Reply]) -> Reply:
    return deliver()


@dataclass
class Wire:
    """Delivers to the application in this process, unless ``spoil`` does something else."""

    app: Flask
    spoil: Spoil = honest
    calls: list[str] = field(default_factory=list)

    def post(self, what: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        self.calls.append(what)
        return self.spoil(what, lambda: self._deliver(what, body, headers))

    def _deliver(self, what: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = self.app.test_client().post(
            f"/api/v1/devices/{DEVICE}/{what}",
            data=body,
            headers={**headers, "Authorization": f"Bearer {SECRET}"},
        )
        return Reply(
            answer.status_code, answer.mimetype or "", answer.data, answer.headers.get("Retry-After") or ""
        )


@dataclass
class World:
    """A kiosk's sync with its journal, database and server; time moves only when told."""

    directory: Path
    state: SyncState
    wire: Wire
    now: float = 1000.0
    chance: float = 0.999

    def __post_init__(self) -> None:
        self.journal = self.directory / "journal" / "journal.db"
        self.outbox = Outbox(self.journal, self.state, lambda: self.now)
        self.sync = Sync(
            outbox=self.outbox,
            state=self.state,
            server=self.wire,
            health=lambda: {"pending": self.outbox.pending()},
            idle_s=Seconds(1.5),
            heartbeat_s=Seconds(60),
            clock=lambda: self.now,
            wall=lambda: 1.7e9 + self.now,
            random=lambda: self.chance,
        )

    def live(self, seconds: float) -> list[float]:
        """Turn as often as the process would; every wait it asked for."""
        end, waits = self.now + seconds, list[float]()
        while self.now < end:
            waits.append(wait := self.sync.turn())
            self.now = min(self.now + (wait or 0.001), end)
        return waits

    def counts(self) -> dict[str, int]:
        answer = self.wire.app.test_client().get(
            f"/api/v1/devices/{DEVICE}/counts", headers={"Authorization": f"Bearer {SECRET}"}
        )
        assert isinstance(answer.json, dict)
        return answer.json

    def delivered(self) -> int:
        return sum(cursor.seq for cursor in self.state.cursors())


def server(data: Path) -> Flask:
    data.mkdir(exist_ok=True)
    register_device(data, DEVICE, SECRET)
    return create_app(CommunityConfig(data))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with SyncState.open(tmp_path / "sync.db") as state:
        world = World(tmp_path, state, Wire(server(tmp_path / "server")))
        yield world
        close_app(world.wire.app)


def people(world: World, count: int, seed: int = 1) -> None:
    gate = Gate.open(world.journal, seed=seed)
    gate.pass_by(count)
    gate.close()


def test_everything_arrives_once_and_new_work_within_one_idle_wait(world: World) -> None:
    people(world, 10)
    world.live(2)
    assert world.counts()["passages"] == 10
    people(world, 1)
    world.live(1.6)
    assert world.counts()["passages"] == 11
    assert world.counts()["events"] == world.delivered()


def test_idle_it_reports_once_a_minute_and_sends_nothing_else(world: World) -> None:
    people(world, 1)
    world.live(2)
    world.wire.calls.clear()
    world.live(600)
    assert world.wire.calls == ["heartbeat"] * 10


def failing(reply: Reply) -> Spoil:
    return lambda _what, _deliver: reply


def cut(_what: str, _deliver: Callable[[], Reply]) -> Reply:
    raise SyncError("connection refused")


def lost(_what: str, deliver: Callable[[], Reply]) -> Reply:
    """The server stores it; the answer never arrives."""
    deliver()
    raise SyncError("connection reset")


def torn(_what: str, deliver: Callable[[], Reply]) -> Reply:
    whole = deliver()
    return Reply(whole.status, whole.media, whole.body[:-3])


def other_head(what: str, deliver: Callable[[], Reply]) -> Reply:
    whole = deliver()
    body = json.loads(whole.body)
    if what == "events":
        body["head"] = "00" * 32
    return Reply(whole.status, whole.media, json.dumps(body).encode())


LIES: dict[str, Spoil] = {
    "cut": cut,
    "answer lost": lost,
    "answer torn": torn,
    "another head": other_head,
    "login page": failing(Reply(200, "text/html", b"<html>Please log in</html>")),
    "empty": failing(Reply(200, "application/json", b"{}")),
    "redirect": failing(Reply(302, "text/html", b"")),
    "error": failing(Reply(500, "application/problem+json", b"{}")),
    "not modified": failing(Reply(304, "", b"")),
    "busy": failing(Reply(429, "text/plain", b"", retry_after="5")),
    "unknown": failing(Reply(401, "application/problem+json", b'{"code": "SECRET_WRONG"}')),
}


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_moves_the_cursor_and_afterwards_nothing_is_lost_or_there_twice(
    world: World, lie: str
) -> None:
    people(world, 6)
    world.wire.spoil = LIES[lie]
    world.live(300)
    assert world.delivered() == 0
    assert world.state.facts()["online"] is False
    world.wire.spoil = honest
    world.live(130)
    assert world.counts()["passages"] == 6
    assert world.counts()["forks"] == world.counts()["rejected"] == 0
    assert world.delivered() == world.counts()["events"]
    assert world.state.facts()["online"] is True


def test_waits_double_up_to_a_minute_and_end_with_the_first_success(world: World) -> None:
    people(world, 1)
    world.wire.spoil = cut
    waits = [round(wait) for wait in world.live(400)]
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    world.wire.spoil = honest
    world.live(61)
    world.wire.spoil = cut
    people(world, 1)
    assert round(world.sync.turn()) == 1


def test_chance_spreads_the_waits(world: World) -> None:
    world.wire.spoil = cut
    world.chance = 0.25
    assert [world.sync.turn(), world.sync.turn()] == [0.25, 0.25]  # the second one only says how long to go
    world.now += 0.25
    assert world.sync.turn() == 0.5


def test_new_work_does_not_hammer_a_server_in_trouble(world: World) -> None:
    world.wire.spoil = cut
    gate = Gate.open(world.journal)
    for _ in range(60):
        gate.pass_by(1)
        world.live(1)
    gate.close()
    assert len(world.wire.calls) <= 7


def test_a_server_that_asks_for_quiet_gets_it(world: World) -> None:
    people(world, 1)
    world.wire.spoil = failing(Reply(503, "text/plain", b"", retry_after="120"))
    world.chance = 0.0
    world.live(119)
    assert len(world.wire.calls) == 1
    world.live(2)
    assert len(world.wire.calls) == 2


def test_offline_is_said_once_not_every_turn(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world.wire.spoil = cut
    world.live(300)
    assert caplog.text.count("offline") == 1
    world.wire.spoil = honest
    world.live(100)
    assert caplog.text.count("the server answers") == 1


def test_a_server_put_back_from_a_backup_gets_again_what_it_lost(world: World) -> None:
    people(world, 4)
    world.live(2)
    backup = world.directory / "backup"
    close_app(world.wire.app)
    shutil.copytree(world.directory / "server", backup)
    world.wire.app = server(world.directory / "server")
    people(world, 8)
    set_aside(world.journal, UnixTime(1.7e9))
    people(world, 3, seed=2)
    world.live(70)
    before = world.counts()
    assert before["passages"] == 15
    close_app(world.wire.app)
    world.wire.app = server(backup)
    assert world.counts()["passages"] == 4
    world.live(200)
    assert world.counts() == before
    assert world.state.facts()["rewinds"] >= 2


def test_a_server_that_lost_everything_is_filled_again_on_the_next_passage(world: World) -> None:
    people(world, 5)
    world.live(2)
    close_app(world.wire.app)
    world.wire.app = server(world.directory / "new")
    people(world, 1)
    world.live(10)
    assert world.counts()["passages"] == 6


def test_a_restored_kiosk_is_a_fork_kept_apart_and_alarmed(world: World) -> None:
    people(world, 2)
    copy = world.journal.read_bytes()
    people(world, 3, seed=5)
    world.live(2)
    for side in world.journal.parent.glob("journal.db-*"):
        side.unlink()
    world.journal.write_bytes(copy)
    people(world, 6, seed=6)
    world.live(70)
    counts = world.counts()
    assert counts["forks"] > 0
    assert counts["passages"] == 5  # the first story stands; the second one is kept beside it
    (cursor,) = world.state.cursors()
    assert cursor.forked
    assert cursor.seq == events_of(world.journal)[-1].seq
    calls = len(world.wire.calls)
    world.live(600)
    assert len(world.wire.calls) - calls == 10  # and nothing is sent round and round


def test_a_rejected_event_waits_in_the_dead_letters_and_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.community.judge.MAX_BODY_BYTES", 100)
    people(world, 2)
    world.wire.spoil = lost
    world.live(5)
    world.wire.spoil = honest
    world.live(70)
    letters = world.state.dead_letters()
    assert {letter.reason for letter in letters} == {"BODY_TOO_LARGE"}
    assert len(letters) == world.counts()["rejected"] == 2
    stored = {event.seq: event for event in events_of(world.journal)}
    for letter in letters:
        assert json.loads(letter.line)[2] == stored[letter.seq].body  # type: ignore[index]
    assert world.delivered() == world.counts()["events"] == 5


def test_batches_shrink_for_a_server_that_finds_them_too_large(world: World) -> None:
    people(world, 20)

    def small(what: str, deliver: Callable[[], Reply]) -> Reply:
        answer = deliver()
        sent = json.loads(answer.body) if what == "events" else {"first": 0, "last": 0}
        if sent["last"] - sent["first"] >= 5:
            return Reply(413, "text/html", b"<h1>413</h1>")
        return answer

    world.wire.spoil = small
    world.live(60)
    assert world.delivered() == 23


def test_a_heartbeat_answered_about_other_epochs_moves_nothing(world: World) -> None:
    people(world, 2)
    world.live(2)

    def about_others(what: str, deliver: Callable[[], Reply]) -> Reply:
        answer = deliver()
        if what == "events":
            return answer
        body: Any = json.loads(answer.body)
        body["positions"] = [{"epoch": "ff" * 8, "seq": 0, "head": "00" * 32}]
        return Reply(200, "application/json", json.dumps(body).encode())

    world.wire.spoil = about_others
    world.live(70)
    assert world.delivered() == 5


def test_a_liar_who_says_it_holds_more_moves_nothing_forward(world: World) -> None:
    people(world, 4)
    events = events_of(world.journal)
    epoch = str(events[0].fields()["epoch"])
    world.outbox.limit = 3
    world.sync.step()
    ahead = {"epoch": epoch, "seq": 6, "head": events[5].hash}

    def further(what: str, deliver: Callable[[], Reply]) -> Reply:
        if what == "heartbeat":
            return Reply(200, "application/json", json.dumps({"positions": [ahead]}).encode())
        body = {"code": "PREV_UNKNOWN", "positions": [ahead]}
        return Reply(409, "application/problem+json", json.dumps(body).encode())

    world.wire.spoil = further
    world.live(200)
    assert world.state.cursor(epoch).seq <= 3
    world.wire.spoil = honest
    world.live(130)
    assert world.counts()["events"] == world.delivered() == 7


def test_a_journal_that_can_not_be_read_now_does_not_stop_the_heartbeat(world: World) -> None:
    people(world, 1)
    world.live(1)
    world.journal.rename(world.journal.with_suffix(".away"))
    world.journal.mkdir()
    world.wire.calls.clear()
    world.live(125)
    assert world.wire.calls.count("heartbeat") == 2

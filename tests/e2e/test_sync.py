"""Real processes, real sockets, kill -9: nothing lost, nothing twice, the chain on the server verifies.

The longer proofs: KIOSK_SYNC_CUTS requests and as many answers are cut (20 by default), and the server is
killed KIOSK_SYNC_KILLS times (3 by default).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk.errors import SyncError
from kiosk.model import DeviceId, Seconds
from kiosk.passage.chain import ZERO, chain_hash
from kiosk.passage.sync import HttpServer
from kiosk.passage.sync_outbox import Outbox
from kiosk.passage.sync_state import SyncState
from kiosk.passage.sync_turns import Sync
from tests.journals import DEVICE, Gate, events_of
from tests.loopback import Cut, Scripted, Wire
from web.community.devices import register_device, write_secret

PATIENCE_S = 15.0
CUTS = int(os.environ.get("KIOSK_SYNC_CUTS", "20"))
KILLS = int(os.environ.get("KIOSK_SYNC_KILLS", "3"))


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that happens in another process."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"waited {PATIENCE_S} s in vain for {what}")
        time.sleep(0.01)


def kiosk(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kiosk.commands", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> int:
    process.send_signal(how)
    return process.wait(PATIENCE_S)


@dataclass
class World:
    """One gate's journal, a community server and what carries one to the other."""

    directory: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = self.directory / "journal.db"
        self.config = self.directory / "kiosk.toml"
        self.data = self.directory / "server"
        self.data.mkdir()
        self.secret = self.directory / "secret"
        register_device(self.data, DEVICE, write_secret(self.secret))

    # -- processes -----------------------------------------------------------------------------------

    def server(self, port: int = 0) -> tuple[subprocess.Popen[bytes], int]:
        """A community server, once it accepts connections."""
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        process = kiosk(
            "community", "run", "--data", self.data, "--listen", f"127.0.0.1:{port}", "--port-file", port_file
        )
        self.processes.append(process)
        until(port_file.exists, "the server's port")
        return process, int(port_file.read_text())

    def sync(self, port: int, *more: str) -> subprocess.Popen[bytes]:
        """kiosk sync towards a port."""
        self.config.write_text(
            f'[gate]\nid = "east"\ndevice = "{DEVICE}"\ncommunity = "c1"\nsimulated = true\n'
            '[camera]\nsource = "simulated"\n[thermometer]\ndriver = "simulated"\n'
            f'[journal]\npath = "{self.journal}"\n'
            f'[sync]\nurl = "http://127.0.0.1:{port}"\nsecret_file = "{self.secret}"\n'
            f'database = "{self.directory / "sync.db"}"\ninterval_s = 0.1\nheartbeat_s = 1\n'
        )
        process = kiosk("sync", "--config", self.config, *more)
        self.processes.append(process)
        return process

    def people(self, count: int, seed: int = 1) -> None:
        gate = Gate.open(self.journal, seed=seed)
        gate.pass_by(count)
        gate.close()

    # -- what is where -------------------------------------------------------------------------------

    def on_server(self, question: str) -> list[Any]:
        with closing(sqlite3.connect(self.data / "community.db", timeout=PATIENCE_S)) as connection:
            return connection.execute(question).fetchall()

    def events_on_server(self) -> int:
        return int(self.on_server("SELECT count(*) FROM events")[0][0])

    def cursor(self) -> int:
        database = self.directory / "sync.db"
        if not database.exists():
            return 0
        with closing(sqlite3.connect(database, timeout=PATIENCE_S)) as connection:
            known = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'cursors'"
            ).fetchone()[0]
            rows = connection.execute("SELECT sum(seq) FROM cursors").fetchone() if known else (0,)
        return int(rows[0] or 0)

    def delivered(self) -> bool:
        return self.cursor() == len(events_of(self.journal))

    def nothing_lost_and_nothing_twice(self) -> None:
        """Server and journal hold the same events, byte by byte, and the server's chain verifies."""
        journal = events_of(self.journal)
        rows = self.on_server("SELECT seq, header, salt, body, hash FROM events ORDER BY seq")
        assert [row[0] for row in rows] == [event.seq for event in journal]
        prev = ZERO
        for (_, header, salt, body, digest), event in zip(rows, journal, strict=True):
            assert (header, salt, body, digest.hex()) == (event.header, event.salt, event.body, event.hash)
            prev = chain_hash(prev, header, salt, body)
            assert prev == digest
        passages = [event.seq for event in journal if event.kind == "passage"]
        assert [row[0] for row in self.on_server("SELECT seq FROM passages ORDER BY seq")] == passages
        assert self.on_server("SELECT count(*) FROM forks") == [(0,)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for process in world.processes:
        if process.poll() is None:
            end(process, signal.SIGKILL)


def test_everything_written_reaches_the_server_and_both_stop_cleanly(world: World) -> None:
    server, port = world.server()
    sync = world.sync(port)
    gate = Gate.open(world.journal)
    gate.pass_by(30)
    until(world.delivered, "the first thirty")
    gate.pass_by(5)
    until(world.delivered, "those who came while sync was idle")
    gate.close()
    assert end(sync) == 0
    assert end(server) == 0
    world.nothing_lost_and_nothing_twice()


def test_once_delivers_and_ends_and_status_tells_how_it_went(world: World) -> None:
    world.people(60)
    _, port = world.server()
    assert world.sync(port, "--once").wait(PATIENCE_S) == 0
    world.nothing_lost_and_nothing_twice()
    world.people(2)
    asked = subprocess.run(
        [sys.executable, "-m", "kiosk.commands", "sync", "status", "--json", "--config", world.config],
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    status = json.loads(asked.stdout)
    assert status["online"] is True
    assert status["pending"] == 4
    assert status["dead_letters"] == 0
    assert [entry["seq"] for entry in status["epochs"]] == [63]


def test_once_without_a_server_says_so(world: World) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    world.people(1)
    assert world.sync(port, "--once").wait(PATIENCE_S) == 3


def patient(world: World, url: str) -> Generator[float, None, None]:
    """This process as sync: real sockets, real files, but it never waits; yields the waits it would keep."""
    now = [0.0]
    secret = world.secret.read_text().strip()
    with (
        SyncState.open(world.directory / "sync.db") as state,
        HttpServer(url, DEVICE, lambda: secret) as server,
    ):
        sync = Sync(
            outbox=Outbox(world.journal, state, time.time),
            state=state,
            server=server,
            health=dict,
            idle_s=Seconds(0.1),
            heartbeat_s=Seconds(20),
            clock=lambda: now[0],
            wall=time.time,
            random=Random(0).random,
        )
        while True:
            wait = sync.turn()
            now[0] += wait
            yield wait


@pytest.mark.slow
def test_connections_cut_anywhere_lose_and_duplicate_nothing(world: World) -> None:
    random = Random(7)
    _, port = world.server()
    requests = [Cut(up=random.randrange(1, 4000)) for _ in range(CUTS)]
    answers = [Cut(down=random.randrange(1, 900)) for _ in range(CUTS)]
    cuts = [cut for pair in zip(requests, answers, strict=True) for cut in pair]
    seed = 0
    with Wire(port, cuts=cuts) as wire, closing(patient(world, wire.url)) as turns:
        while wire.cuts:
            world.people(random.randrange(1, 20), seed=(seed := seed + 1))
            for _ in range(3):
                next(turns)
        while not world.delivered():
            next(turns)
    assert len(events_of(world.journal)) > CUTS
    world.nothing_lost_and_nothing_twice()


@pytest.mark.slow
def test_a_server_killed_at_any_moment_loses_and_duplicates_nothing(world: World) -> None:
    random = Random(11)
    server, port = world.server()
    with closing(patient(world, f"http://127.0.0.1:{port}")) as turns:
        for kill in range(KILLS):
            world.people(random.randrange(5, 40), seed=kill)
            threading.Timer(random.uniform(0, 0.02), server.kill).start()
            while server.poll() is None:
                next(turns)
            server, _ = world.server(port)
        while not world.delivered():
            next(turns)
    world.nothing_lost_and_nothing_twice()


def test_a_server_killed_between_commit_and_answer(world: World) -> None:
    """Its answer never leaves: the kiosk sends again, and the server knows the events already."""
    world.people(20)
    server, port = world.server()
    killed: list[bool] = []

    def kill_once(answer: bytes) -> bool:
        if killed or b'"statuses"' not in answer:
            return True
        killed.append(True)
        end(server, signal.SIGKILL)
        return False

    with Wire(port, before_answer=kill_once) as wire:
        world.sync(wire.port)
        until(lambda: bool(killed), "the answer that must not arrive")
        assert world.events_on_server() == 23  # committed
        assert world.cursor() == 0  # and not acknowledged
        world.people(4)
        world.server(port)
        until(world.delivered, "the second server's answer")
    world.nothing_lost_and_nothing_twice()


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Nobody else can write this database meanwhile."""
    with closing(sqlite3.connect(database, timeout=PATIENCE_S, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_sync_killed_between_answer_and_cursor(world: World) -> None:
    """Its own database is held, so it has the answer and can't write it down; then it dies."""
    world.people(1)
    _, port = world.server()
    first = world.sync(port)
    until(world.delivered, "the first delivery, which also makes the database")
    end(first, signal.SIGKILL)
    world.people(9)
    answered: list[bytes] = []

    def note(answer: bytes) -> bool:
        if b'"statuses"' in answer:
            answered.append(answer)
        return True

    before = world.cursor()
    with Wire(port, before_answer=note) as wire:
        with held(world.directory / "sync.db"):
            sync = world.sync(wire.port)
            until(lambda: bool(answered), "an answer")
            until(lambda: world.events_on_server() == len(events_of(world.journal)), "the commit")
            end(sync, signal.SIGKILL)
        assert world.cursor() == before
        world.sync(wire.port)
        until(world.delivered, "the cursor of the next sync")
    world.nothing_lost_and_nothing_twice()


def test_the_server_being_away_for_a_while_costs_nothing(world: World) -> None:
    server, port = world.server()
    sync = world.sync(port)
    world.people(3)
    until(world.delivered, "the first ones")
    end(server, signal.SIGKILL)
    world.people(10)
    assert sync.poll() is None
    world.server(port)
    until(world.delivered, "those who passed while it was away")
    world.nothing_lost_and_nothing_twice()


def drip(connection: socket.socket, _request: bytes) -> None:
    """An answer that never ends, a byte at a time: each one begins the socket's patience anew."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 10_000:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def test_an_answer_fed_byte_by_byte_is_cut_off(tmp_path: Path) -> None:
    with Scripted(drip) as server:
        slow = HttpServer(server.url, DeviceId("kiosk-7"), lambda: "s" * 43, read_s=5, total_s=0.4)
        began = time.monotonic()
        with slow, pytest.raises(SyncError):
            slow.post("events", b"", {})
        assert time.monotonic() - began < 3


def silent(_connection: socket.socket, _request: bytes) -> None:
    """Takes the request and says nothing."""


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with Scripted(silent) as server:
        began = time.monotonic()
        with (
            HttpServer(server.url, DeviceId("kiosk-7"), lambda: "s" * 43, read_s=0.2) as mute,
            pytest.raises(SyncError, match=r"[Tt]imeout|timed out"),
        ):
            mute.post("events", b"", {})
        assert time.monotonic() - began < 3


def test_the_server_listens_to_this_machine_only(world: World) -> None:
    process = kiosk("community", "run", "--data", world.data, "--listen", "0.0.0.0:0")
    assert process.wait(PATIENCE_S) == 2

"""A batch is stored whole and once, or not at all; the answer says what the server computed itself."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from kiosk.model import EventKind
from kiosk.passage.chain import ZERO, StoredEvent, chain_hash
from tests.journals import DEVICE, REFER, REFUSE, Gate, chained, events_of, request_of
from tests.unit.web.community.conftest import OTHER, OTHER_SECRET, Api
from web.community.context import community
from web.community.judge import Passage, Rejection, Setting, judge
from web.community.problems import Problem, ProblemCode
from web.community.wire import MAX_PLAIN_BYTES, Line, gunzip, read_head

EPOCH = "00112233aabbccdd"
PASSAGE = {"verdict": "ADMIT", "reasons": ["PASS_VALID"]}


@pytest.fixture
def journal(tmp_path: Path) -> list[StoredEvent]:
    gate = Gate.open(tmp_path / "journal.db")
    gate.pass_by(5)
    gate.pass_by(1, REFER)
    gate.pass_by(1, REFUSE)
    gate.close()
    return events_of(tmp_path / "journal.db")


def epoch_of(events: list[StoredEvent]) -> str:
    return str(events[0].fields()["epoch"])


def stored(app: Flask) -> list[tuple[str, bytes | None, str | None, bytes]]:
    """The main chain as the database has it."""
    with community(app).store.reading() as connection:
        return connection.execute(
            "SELECT header, salt, body, hash FROM events ORDER BY epoch, seq"
        ).fetchall()


def test_a_batch_is_answered_with_the_head_of_its_lines(api: Api, journal: list[StoredEvent]) -> None:
    answer = api.send(journal, epoch_of(journal))
    assert answer.status_code == 200
    assert answer.json == {
        "epoch": epoch_of(journal),
        "first": 1,
        "last": 10,
        "head": journal[-1].hash,
        "statuses": [{"status": "accepted", "first": 1, "last": 10}],
        "positions": [{"epoch": epoch_of(journal), "seq": 10, "head": journal[-1].hash}],
    }
    assert api.counts() == {
        "events": 10,
        "passages": 7,
        "admit": 5,
        "refer": 1,
        "refuse": 1,
        "rejected": 0,
        "forks": 0,
    }


def test_the_server_keeps_the_exact_bytes_and_its_chain_verifies(
    app: Flask, api: Api, journal: list[StoredEvent]
) -> None:
    api.send(journal, epoch_of(journal))
    prev = ZERO
    for (header, salt, body, digest), event in zip(stored(app), journal, strict=True):
        assert (header, salt, body) == (event.header, event.salt, event.body)
        assert salt is not None
        assert body is not None
        prev = chain_hash(prev, header, salt, body)
        assert digest == prev


def test_sent_again_nothing_is_there_twice(api: Api, journal: list[StoredEvent]) -> None:
    epoch = epoch_of(journal)
    api.send(journal[:6], epoch)
    answer = api.send(journal[3:], epoch)
    assert answer.json is not None
    assert answer.json["statuses"] == [
        {"status": "duplicate", "first": 4, "last": 6},
        {"status": "accepted", "first": 7, "last": 10},
    ]
    assert api.counts()["events"] == 10
    assert api.counts()["passages"] == 7


def test_a_gap_is_refused_and_the_kiosk_told_where_to_go_on(api: Api, journal: list[StoredEvent]) -> None:
    epoch = epoch_of(journal)
    api.send(journal[:2], epoch)
    answer = api.send(journal[5:], epoch)
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "PREV_UNKNOWN"
    assert answer.json["positions"] == [{"epoch": epoch, "seq": 2, "head": journal[1].hash}]
    assert api.counts()["events"] == 2


def test_a_gap_in_an_unknown_epoch_leaves_nothing_behind(api: Api, journal: list[StoredEvent]) -> None:
    answer = api.send(journal[5:], epoch_of(journal))
    assert answer.json is not None
    assert answer.json["positions"] == [{"epoch": epoch_of(journal), "seq": 0, "head": "00" * 32}]
    assert api.counts()["events"] == 0


def test_other_events_at_the_same_places_are_a_fork_kept_apart(app: Flask, api: Api) -> None:
    shared = chained(EPOCH, [PASSAGE] * 3)
    first = chained(EPOCH, [PASSAGE | {"gate": 1}] * 2, start=4, prev=shared[-1].hash)
    second = chained(EPOCH, [PASSAGE | {"gate": 2}] * 3, start=4, prev=shared[-1].hash)
    api.send([*shared, *first], EPOCH)
    before = stored(app)
    answer = api.send([shared[-1], *second], EPOCH)
    assert answer.json is not None
    assert answer.json["statuses"] == [
        {"status": "duplicate", "first": 3, "last": 3},
        {"status": "fork", "first": 4, "last": 6},
    ]
    assert answer.json["head"] == second[-1].hash
    assert answer.json["positions"] == [{"epoch": EPOCH, "seq": 6, "head": second[-1].hash}]
    assert stored(app) == before
    assert api.counts()["forks"] == 3
    assert api.counts()["passages"] == 5


def test_a_fork_goes_on_being_one_and_a_heartbeat_does_not_ask_for_it_again(api: Api) -> None:
    main = chained(EPOCH, [PASSAGE] * 2)
    other = chained(EPOCH, [PASSAGE | {"gate": 2}] * 5)
    api.send(main, EPOCH)
    api.send(other[:3], EPOCH)
    answer = api.send(other[3:], EPOCH)
    assert answer.json is not None
    assert answer.json["statuses"] == [{"status": "fork", "first": 4, "last": 5}]
    place = {"epoch": EPOCH, "seq": 5, "head": other[-1].hash}
    beaten = api.beat(place)
    assert beaten.json is not None
    assert beaten.json["positions"] == [place]


@pytest.mark.parametrize(
    ("body", "header", "reason"),
    [
        ("no json", {}, "BODY_UNREADABLE"),
        ("[1]", {}, "BODY_UNREADABLE"),
        ("{}", {}, "PASSAGE_INCOMPLETE"),
        ('{"verdict":"ADMIT","reasons":[]}', {}, "PASSAGE_INCOMPLETE"),
        ('{"verdict":"ADMIT","reasons":["<b>"]}', {}, "PASSAGE_INCOMPLETE"),
        ('{"verdict":"MAYBE","reasons":["PASS_VALID"]}', {}, "PASSAGE_INCOMPLETE"),
        ('{"verdict":{},"reasons":["PASS_VALID"]}', {}, "PASSAGE_INCOMPLETE"),
        ("[" * 60_000, {}, "BODY_UNREADABLE"),
        ('"' + "x" * 70_000 + '"', {}, "BODY_TOO_LARGE"),
        ("{}", {"device": "kiosk-8", "kind": "call"}, "HEADER_MISPLACED"),
        ("{}", {"epoch": "ffffffffffffffff", "kind": "call"}, "HEADER_MISPLACED"),
        ("{}", {"seq": 7, "kind": "call"}, "HEADER_MISPLACED"),
        ("{}", {"more": "x" * 3000}, "HEADER_UNREADABLE"),
    ],
)
def test_a_rejected_event_is_a_stub_and_the_chain_goes_on(
    app: Flask, api: Api, body: str, header: dict[str, Any], reason: str
) -> None:
    first = chained(EPOCH, [body], **header)
    rest = chained(EPOCH, [PASSAGE], start=2, prev=first[0].hash)
    answer = api.send([*first, *rest], EPOCH)
    assert answer.json is not None
    assert answer.json["statuses"] == [
        {"status": "rejected", "first": 1, "last": 1, "reason": reason},
        {"status": "accepted", "first": 2, "last": 2},
    ]
    assert answer.json["head"] == rest[-1].hash
    _, salt, text, _ = stored(app)[0]
    assert (salt, text) == (None, None)
    assert api.counts()["rejected"] == 1
    # Its answer was lost: it is told again, so that the kiosk keeps the body.
    again = api.send([*first, *rest], EPOCH)
    assert again.json is not None
    assert [run["status"] for run in again.json["statuses"]] == ["rejected", "duplicate"]


def test_what_this_server_does_not_know_yet_is_accepted(api: Api) -> None:
    newer = chained(EPOCH, [{"verdict": "REFER", "reasons": ["SOMETHING_NEW"], "added": 1}])
    other = chained(EPOCH, ["{}"], start=2, prev=newer[-1].hash, kind="volunteer_left", v=2)
    answer = api.send([*newer, *other], EPOCH)
    assert answer.json is not None
    assert answer.json["statuses"] == [{"status": "accepted", "first": 1, "last": 2}]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["ADMIT", "ntp"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("verdict", "reasons", "reading", "gate", "direction", "simulated", "wall", "clock", "kind")


@given(
    header=st.dictionaries(st.sampled_from(FIELDS), ANYTHING),
    body=st.dictionaries(st.sampled_from(FIELDS), ANYTHING),
    kind=st.sampled_from([*EventKind]),
)
def test_no_event_whatever_it_holds_stops_the_ones_behind_it(
    header: dict[str, object], body: dict[str, object], kind: EventKind
) -> None:
    fields = {"device": DEVICE, "epoch": EPOCH, "seq": 1, **header, "kind": kind}
    line = Line(1, json.dumps(fields), b"", json.dumps(body), b"")
    assert isinstance(judge(DEVICE, EPOCH, line), Passage | Setting | Rejection)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"Journal_Head": ""}, 400, "HEAD_UNREADABLE"),
        ({"Journal_Head": f"{EPOCH};1;2"}, 400, "HEAD_UNREADABLE"),
        ({"Journal_Head": f"{EPOCH};0;1;{'0' * 64}"}, 400, "HEAD_UNREADABLE"),
        ({"Journal_Head": f"{EPOCH};2;1;{'0' * 64}"}, 400, "HEAD_UNREADABLE"),
        ({"Journal_Head": f"{EPOCH};1;501;{'0' * 64}"}, 413, "BATCH_TOO_LARGE"),
        ({"Journal_Head": f"{EPOCH};1;3;{'0' * 64}"}, 400, "LINE_UNREADABLE"),
        ({"Journal_Head": f"{EPOCH};1;2;{'0' * 64}"}, 422, "HEAD_MISMATCH"),
        ({"Journal_Prev": "1" * 64}, 400, "HEAD_UNREADABLE"),
        ({"Journal_Prev": "x"}, 400, "HEAD_UNREADABLE"),
        ({"Content_Type": "text/plain"}, 415, "TYPE_WRONG"),
        ({"Content_Encoding": "br"}, 415, "ENCODING_WRONG"),
    ],
)
def test_a_batch_that_does_not_hold_together_is_refused_whole(
    api: Api, changed: dict[str, str], status: int, code: str
) -> None:
    answer = api.send(chained(EPOCH, [PASSAGE] * 2), EPOCH, **changed)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["code"] == code
    assert api.counts()["events"] == 0


def test_one_changed_byte_anywhere_in_the_lines_is_noticed(api: Api) -> None:
    events = chained(EPOCH, [PASSAGE] * 3)
    body, headers = request_of(events, EPOCH)
    lines = gzip.decompress(body)
    for place in range(0, len(lines), 7):
        changed = bytearray(lines)
        changed[place] ^= 1
        answer = api.client.post(
            f"/api/v1/devices/{DEVICE}/events",
            data=gzip.compress(bytes(changed), compresslevel=1),
            headers=api.headers | headers,
        )
        assert answer.status_code in (400, 422), lines[place : place + 20]
    assert api.counts()["events"] == 0


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"{}",
        b'["a","b"]',
        b'["a","AAAA","c"]',
        b'["a",1,"c"]',
        b'["\\ud800","' + b"A" * 22 + b'==","c"]',
        b'["a","' + b"A" * 22 + b'==","\\ud800"]',
        b'["a","' + b"*" * 22 + b'==","c"]',
        b"\xff",
        b"[" * 5000,
    ],
)
def test_a_line_that_is_no_event_is_refused(api: Api, line: bytes) -> None:
    headers = request_of(chained(EPOCH, ["{}"]), EPOCH)[1]
    answer = api.client.post(
        f"/api/v1/devices/{DEVICE}/events", data=gzip.compress(line + b"\n"), headers=api.headers | headers
    )
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (400, "LINE_UNREADABLE")


def test_a_gzip_bomb_is_refused_before_it_swells() -> None:
    bomb = gzip.compress(b"\n" * (200 * 1024 * 1024))
    with pytest.raises(Problem) as refused:
        gunzip(bomb)
    assert refused.value.code is ProblemCode.BATCH_TOO_LARGE
    assert gunzip(gzip.compress(b"x" * MAX_PLAIN_BYTES)) == b"x" * MAX_PLAIN_BYTES


@given(st.binary(max_size=200), st.integers(0, 60))
def test_gunzip_takes_one_whole_member_and_nothing_else(data: bytes, cut: int) -> None:
    packed = gzip.compress(data)
    assert gunzip(packed) == data
    for torn in (packed[: len(packed) - 1 - cut], packed + b"x", data, packed + packed):
        if torn == packed:
            continue
        with pytest.raises(Problem):
            gunzip(torn)


@given(st.text(max_size=120))
def test_any_head_is_read_or_refused(text: str) -> None:
    with suppress(Problem):
        claim = read_head(text, "0" * 64)
        assert 1 <= claim.first <= claim.last


def test_too_large_a_request_is_refused(api: Api) -> None:
    answer = api.client.post(
        f"/api/v1/devices/{DEVICE}/events",
        data=b"x" * (2 * 1024 * 1024 + 1),
        headers=api.headers | request_of(chained(EPOCH, ["{}"]), EPOCH)[1],
    )
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (413, "BATCH_TOO_LARGE")


def test_a_kiosk_writes_only_its_own_chain(api: Api, journal: list[StoredEvent]) -> None:
    body, headers = request_of(journal, epoch_of(journal))
    address = f"/api/v1/devices/{OTHER}/events"
    assert api.client.post(address, data=body, headers=api.headers | headers).status_code == 401
    own = {"Authorization": f"Bearer {OTHER_SECRET}"}
    answer = api.client.post(address, data=body, headers=own | headers)
    # With its own secret it can only harm itself: every header names another device.
    assert answer.json is not None
    assert {run["reason"] for run in answer.json["statuses"]} == {"HEADER_MISPLACED"}
    assert api.counts()["events"] == 0


def test_a_full_disk_stores_nothing_and_says_when_to_come_again(
    app: Flask, api: Api, journal: list[StoredEvent]
) -> None:
    store = community(app).store
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    answer = api.send(journal, epoch_of(journal))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert api.counts()["events"] == 0
    assert api.send(journal, epoch_of(journal)).status_code == 200
    assert api.counts()["events"] == 10


def test_positions_outlive_a_restart(
    app: Flask, api: Api, journal: list[StoredEvent], tmp_path: Path
) -> None:
    api.send(journal[:4], epoch_of(journal))
    answer = api.beat({"epoch": epoch_of(journal), "seq": 9, "head": journal[8].hash})
    assert answer.json is not None
    assert answer.json["positions"] == [{"epoch": epoch_of(journal), "seq": 4, "head": journal[3].hash}]
    with sqlite3.connect(tmp_path / "community" / "community.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_several_epochs_of_one_device_stand_side_by_side(api: Api) -> None:
    one, two = chained("aa" * 8, [PASSAGE] * 2), chained("bb" * 8, [PASSAGE] * 3)
    api.send(two, "bb" * 8)
    api.send(one, "aa" * 8)
    answer = api.beat(
        {"epoch": "aa" * 8, "seq": 0, "head": "00" * 32}, {"epoch": "cc" * 8, "seq": 0, "head": "00" * 32}
    )
    assert answer.json is not None
    assert [place["seq"] for place in answer.json["positions"]] == [2, 0]
    assert api.counts()["passages"] == 5

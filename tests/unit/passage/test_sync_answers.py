"""Nothing but the right answer acknowledges; every other one is told apart and none is believed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import NotAcknowledged, ServerBusy, ServerRefused, SyncError
from kiosk.model import Seconds
from kiosk.passage.sync_answers import (
    BACKOFF_BASE,
    BACKOFF_LIMIT,
    RETRY_AFTER_LIMIT,
    Ack,
    Reply,
    Sent,
    ServerBehind,
    backoff,
    read_ack,
    read_positions,
    retry_after,
)

EPOCH, HEAD, OTHER = "00112233aabbccdd", "ab" * 32, "cd" * 32
SENT = Sent(EPOCH, 11, 14, HEAD)
RIGHT: dict[str, Any] = {
    "epoch": EPOCH,
    "first": 11,
    "last": 14,
    "head": HEAD,
    "statuses": [{"status": "accepted", "first": 11, "last": 14}],
    "positions": [{"epoch": EPOCH, "seq": 14, "head": HEAD}],
}


def reply(body: object, status: int = 200, media: str = "application/json", **more: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, media, data, **more)


def run(status: str, first: int, last: int, **more: object) -> dict[str, object]:
    return {"status": status, "first": first, "last": last, **more}


def test_the_right_answer_acknowledges() -> None:
    assert read_ack(reply(RIGHT), SENT) == Ack([], forked=False)


def test_rejected_and_forked_events_are_told() -> None:
    runs = [
        run("duplicate", 11, 11),
        run("rejected", 12, 12, reason="BODY_UNREADABLE"),
        run("rejected", 13, 13, reason="<b>not a code</b>"),
        run("fork", 14, 14),
    ]
    assert read_ack(reply(RIGHT | {"statuses": runs}), SENT) == Ack(
        [(12, "BODY_UNREADABLE"), (13, "UNSAID")], True
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"epoch": "ff" * 8},
        {"first": 10},
        {"first": "11"},
        {"last": 13},
        {"last": 15},
        {"head": OTHER},
        {"head": None},
        {"head": HEAD.upper()},
        {"statuses": None},
        {"statuses": []},
        {"statuses": [1]},
        {"statuses": [run("accepted", 11, 13)]},
        {"statuses": [run("accepted", 11, 15)]},
        {"statuses": [run("accepted", 10, 14)]},
        {"statuses": [run("accepted", 11, 12), run("accepted", 12, 14)]},
        {"statuses": [run("accepted", 11, 12), run("accepted", 14, 14)]},
        {"statuses": [run("accepted", 11, 14), run("accepted", 15, 14)]},
        {"statuses": [run("thanks", 11, 14)]},
        {"statuses": [{"status": [], "first": 11, "last": 14}]},
        {"statuses": [run("accepted", 11, 14.0)]},  # type: ignore[arg-type]
        {"positions": None},
        {"positions": []},
        {"positions": [{"epoch": EPOCH, "seq": 13, "head": HEAD}]},
        {"positions": [{"epoch": "ff" * 8, "seq": 14, "head": HEAD}]},
        {"positions": [{"epoch": EPOCH, "seq": True, "head": HEAD}]},
        {"positions": [{"epoch": EPOCH, "seq": 14, "head": "x"}]},
    ],
)
def test_an_answer_that_is_not_about_exactly_this_batch_acknowledges_nothing(changed: dict[str, Any]) -> None:
    with pytest.raises(NotAcknowledged):
        read_ack(reply(RIGHT | changed), SENT)


@pytest.mark.parametrize(
    "wrong",
    [
        reply(b"<html>Please log in</html>", media="text/html"),
        reply(RIGHT, media="text/html"),
        reply(RIGHT, media=""),
        reply(RIGHT, status=201),
        reply(RIGHT, status=204),
        reply(RIGHT, status=302),
        reply(RIGHT, status=304),
        reply(RIGHT, status=500),
        reply(json.dumps(RIGHT).encode()[:-1]),
        reply(b""),
        reply(b"[]"),
        reply(b"\xff"),
        reply(b"[" * 100_000),
        reply(RIGHT, status=409),
    ],
)
def test_something_else_than_the_server_acknowledges_nothing(wrong: Reply) -> None:
    with pytest.raises(NotAcknowledged):
        read_ack(wrong, SENT)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 20) | st.sampled_from([EPOCH, HEAD, "accepted"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RIGHT, "status", "seq"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*RIGHT]), VALUES, min_size=1), st.sampled_from([200, 409, 400, 503]))
def test_no_answer_breaks_the_reader_and_none_but_the_right_one_passes(
    changed: dict[str, Any], status: int
) -> None:
    media = "application/json" if status == 200 else "application/problem+json"
    with suppress(SyncError):
        read_ack(reply({**RIGHT, **changed, "code": "PREV_UNKNOWN"}, status, media), SENT)
        assert {**RIGHT, **changed}["head"] == HEAD
        assert status == 200


@given(st.binary(max_size=80), st.sampled_from([200, 302, 409, 429, 500]), st.text(max_size=30))
def test_any_bytes_are_told_from_an_answer(body: bytes, status: int, header: str) -> None:
    for media in ("application/json", "application/problem+json"):
        with pytest.raises(SyncError):
            read_ack(Reply(status, media, body, header, header), SENT)
        with suppress(SyncError):
            read_positions(Reply(status, media, body))


def problem(code: str, **more: object) -> dict[str, object]:
    return {"code": code, "title": code, "status": 0, **more}


def test_a_server_that_is_behind_says_where_it_stands() -> None:
    held = [{"epoch": EPOCH, "seq": 4, "head": OTHER}]
    answer = reply(problem("PREV_UNKNOWN", positions=held), 409, "application/problem+json")
    with pytest.raises(ServerBehind) as behind:
        read_ack(answer, SENT)
    assert (behind.value.position.seq, behind.value.position.head) == (4, OTHER)


@pytest.mark.parametrize("held", [None, [], [{"epoch": "ff" * 8, "seq": 4, "head": OTHER}], [{"seq": 4}]])
def test_behind_without_a_place_moves_nothing(held: object) -> None:
    answer = reply(problem("PREV_UNKNOWN", positions=held), 409, "application/problem+json")
    with pytest.raises(NotAcknowledged):
        read_ack(answer, SENT)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, problem("SECRET_WRONG"), "SECRET_WRONG"),
        (422, problem("HEAD_MISMATCH"), "HEAD_MISMATCH"),
        (413, problem("BATCH_TOO_LARGE"), "BATCH_TOO_LARGE"),
        (400, {"code": 7}, ""),
        (403, [], ""),
    ],
)
def test_a_refusal_keeps_its_code(status: int, body: object, code: str) -> None:
    with pytest.raises(ServerRefused) as refused:
        read_ack(reply(body, status, "application/problem+json"), SENT)
    assert refused.value.problem == code


def test_a_proxys_413_is_too_large_as_well() -> None:
    with pytest.raises(ServerRefused) as refused:
        read_ack(reply(b"<h1>Too large</h1>", 413, "text/html"), SENT)
    assert refused.value.problem == "BATCH_TOO_LARGE"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_is_busy_whoever_says_it(status: int) -> None:
    with pytest.raises(ServerBusy) as busy:
        read_ack(reply(b"<html>", status, "text/html", retry_after="30"), SENT)
    assert busy.value.retry_after == 30


DATE = "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("30", "", 30),
        (" 0 ", "", 0),
        ("99999999999", "", RETRY_AFTER_LIMIT),
        ("Sat, 21 Nov 2026 10:02:00 GMT", DATE, 120),
        ("Sat, 21 Nov 2026 09:00:00 GMT", DATE, 0),
        ("Sat, 21 Nov 2037 09:00:00 GMT", DATE, RETRY_AFTER_LIMIT),
        ("Sat, 21 Nov 2026 10:02:00 GMT", "", None),
        ("", DATE, None),
        ("-5", "", None),
        ("soon", DATE, None),
        ("٣", "", None),
    ],
)
def test_retry_after_is_obeyed_within_bounds(header: str, date: str, seconds: float | None) -> None:
    assert retry_after(Reply(503, "", b"", header, date)) == seconds


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 900))
def test_waits_grow_stay_bounded_and_never_undercut_what_was_asked(
    failures: int, random: float, asked: float | None
) -> None:
    wait = backoff(failures, random, None if asked is None else Seconds(asked))
    assert (asked or 0) <= wait <= (asked or 0) + BACKOFF_LIMIT


def test_waits_double_up_to_a_minute() -> None:
    spans = [backoff(failures, 0.999999) for failures in range(1, 9)]
    assert [round(span) for span in spans] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff(5, 0.0) == Seconds(0)
    assert BACKOFF_BASE < BACKOFF_LIMIT

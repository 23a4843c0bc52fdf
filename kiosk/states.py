"""The gate's states, what can happen in them, and the one table of where that leads.

docs/gate.md draws :data:`TRANSITIONS`; a test keeps drawing and table equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class State(StrEnum):
    """Where the gate stands with the person before it."""

    STARTING = "starting"
    IDLE = "idle"
    FAULT = "fault"
    AWAITING_PASS = "awaiting_pass"
    READING = "reading"
    ANSWERED = "answered"
    STOPPED = "stopped"


class Input(StrEnum):
    """What can happen to it."""

    READY = "ready"
    PART_LOST = "part_lost"
    PARTS_BACK = "parts_back"
    PASS_SETTLED = "pass_settled"
    PASS_TO_READ = "pass_to_read"
    FOREHEAD = "forehead"
    COMPANION = "companion"
    READING_DONE = "reading_done"
    RETRY = "retry"
    GAVE_UP = "gave_up"
    LIGHT_OVER = "light_over"
    SHOWN_AGAIN = "shown_again"
    CALL = "call"
    STOP = "stop"


class Transition(NamedTuple):
    """Where an input leads, and what is done on the way (a method of :class:`Gate`)."""

    target: State
    action: str


_S, _I, _T = State, Input, Transition


def _resting(state: State) -> dict[tuple[State, Input], Transition]:
    """What IDLE and FAULT have in common: a person may come at any time, with parts missing or not."""
    return {
        (state, _I.PASS_SETTLED): _T(_S.ANSWERED, "answer"),
        (state, _I.PASS_TO_READ): _T(_S.READING, "begin_reading"),
        (state, _I.FOREHEAD): _T(_S.AWAITING_PASS, "ask_for_pass"),
        (state, _I.COMPANION): _T(_S.READING, "begin_reading"),
        (state, _I.SHOWN_AGAIN): _T(_S.ANSWERED, "answer_again"),
        (state, _I.CALL): _T(_S.ANSWERED, "answer"),
        (state, _I.STOP): _T(_S.STOPPED, "stop"),
    }


TRANSITIONS: Final[Mapping[tuple[State, Input], Transition]] = {
    (_S.STARTING, _I.READY): _T(_S.IDLE, "rest"),
    (_S.STARTING, _I.PART_LOST): _T(_S.FAULT, "rest"),
    (_S.STARTING, _I.STOP): _T(_S.STOPPED, "stop"),
    **_resting(_S.IDLE),
    (_S.IDLE, _I.PART_LOST): _T(_S.FAULT, "rest"),
    **_resting(_S.FAULT),
    (_S.FAULT, _I.PARTS_BACK): _T(_S.IDLE, "rest"),
    (_S.AWAITING_PASS, _I.PASS_SETTLED): _T(_S.ANSWERED, "answer"),
    (_S.AWAITING_PASS, _I.PASS_TO_READ): _T(_S.READING, "begin_reading"),
    (_S.AWAITING_PASS, _I.GAVE_UP): _T(_S.IDLE, "count_and_rest"),
    (_S.AWAITING_PASS, _I.CALL): _T(_S.ANSWERED, "answer"),
    (_S.AWAITING_PASS, _I.STOP): _T(_S.STOPPED, "stop"),
    (_S.READING, _I.READING_DONE): _T(_S.ANSWERED, "answer"),
    (_S.READING, _I.RETRY): _T(_S.READING, "ask_again"),
    (_S.READING, _I.PASS_TO_READ): _T(_S.READING, "change_person"),
    (_S.READING, _I.PASS_SETTLED): _T(_S.ANSWERED, "change_person_and_answer"),
    (_S.READING, _I.CALL): _T(_S.ANSWERED, "answer"),
    (_S.READING, _I.STOP): _T(_S.STOPPED, "close_and_stop"),
    (_S.ANSWERED, _I.PASS_SETTLED): _T(_S.ANSWERED, "answer"),
    (_S.ANSWERED, _I.PASS_TO_READ): _T(_S.READING, "begin_reading"),
    (_S.ANSWERED, _I.COMPANION): _T(_S.READING, "begin_reading"),
    (_S.ANSWERED, _I.CALL): _T(_S.ANSWERED, "answer"),
    (_S.ANSWERED, _I.LIGHT_OVER): _T(_S.IDLE, "rest"),
    (_S.ANSWERED, _I.STOP): _T(_S.STOPPED, "stop"),
}
"""Every other pair is ignored on purpose: a forehead while a light is on only opens a window."""

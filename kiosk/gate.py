"""The gate: one table of states, one thread that owns them all.

``turn()`` is called again and again by whoever owns the time (a real loop, a test, the demo). It polls
the parts, turns what they say into inputs, and each input moves the state along :data:`TRANSITIONS`.
docs/gate.md draws that table; a test keeps drawing and table equal.

Where green comes from: ``_answer`` alone calls ``lamp.admit``, with the receipt of a record that the
journal has made durable. Everything that fails on the way there ends in another light.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from kiosk.config import GateConfig
from kiosk.devices import Clock, Lamp, Speaker
from kiosk.errors import SensorStuck
from kiosk.judge import Judge
from kiosk.model import (
    CodeRead,
    Decision,
    EventKind,
    Light,
    Monotonic,
    PassCheck,
    Prompt,
    Reading,
    Receipt,
    Sample,
    Screening,
    Seconds,
    Verdict,
)
from kiosk.passage import indicator
from kiosk.passage.arrival import SWALLOW_S, CodeFilter, CodeJudgement, Companions, ForeheadWatch
from kiosk.passage.body_temperature import Window, screen
from kiosk.passage.decision import judged
from kiosk.person import Passage, Person
from kiosk.surroundings import Parts, Surroundings

RETRIES: Final = 2
"""Windows without a usable reading after the first one; then a volunteer measures."""
SHOW_PASS_S: Final = Seconds(5.0)
"""How long a forehead without a pass is asked for one."""
NEXT_CODE_S: Final = Seconds(1.0)
"""A code of somebody else seen this recently is taken to be still there."""
ABSENT_S: Final = Seconds(1.0)
STALE_S: Final = Seconds(2.0)
"""A code in an older picture says nothing about who is there now (the gate was held up)."""
MOST_CODES: Final = 8
"""Looked at in one picture; nobody holds up more, and each signature takes its time."""


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


class Gate:
    """Judges one person after the other. For one thread; ``turn()`` never blocks on a device."""

    def __init__(
        self,
        config: GateConfig,
        parts: Parts,
        surroundings: Surroundings,
        *,
        clock: Clock,
        lamp: Lamp,
        speaker: Speaker,
    ) -> None:
        self.state = State.STARTING
        self.light = Light.DARK
        self.person: Person | None = None
        self.observers: list[Callable[[Passage], None]] = []
        self.surroundings = surroundings
        self._config = config
        self._parts = parts
        self._clock = clock
        self._lamp = lamp
        self._speaker = speaker
        self._foreheads = ForeheadWatch(parts.spec)
        self._codes = CodeFilter()
        self._companions = Companions()
        self.judge = Judge(config, parts, surroundings)
        self._window: Window | None = None
        self._spent = False
        self._owes_forehead = False
        self._forehead_at = Monotonic(float("-inf"))
        self._answered_at = Monotonic(float("-inf"))
        self._light_until = Monotonic(float("inf"))
        self._next: tuple[PassCheck, CodeRead] | None = None
        self._queued: set[str] = set()
        self._policy = surroundings.policy
        self._last: Passage | None = None
        self._last_seen = Monotonic(float("-inf"))
        self._arriving: Person | None = None

    # -- the loop --------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Poll everything once and act on it. Raises only what is a defect or a dead thread."""
        now = self._clock.monotonic()
        if self._lamp.failure is not None:
            raise self._lamp.failure
        samples = [_rounded(sample) for sample in self._parts.thermometer.poll(now)]
        codes = self._parts.camera.poll(now)
        self.surroundings.turn(now, samples)
        self._mind_parts(now)
        self._mind_policy()
        self._mind_foreheads(samples)
        self._mind_button(now)
        self._mind_codes(codes)
        self._mind_window(self._clock.monotonic())
        self._mind_time(self._clock.monotonic())

    def monotonic(self) -> Monotonic:
        """The gate's own clock."""
        return self._clock.monotonic()

    def stop(self) -> None:
        """Close the passage at hand, say so in the journal, go dark."""
        self._fire(Input.STOP)

    def _fire(self, what: Input) -> None:
        transition = TRANSITIONS.get((self.state, what))
        if transition is None:
            return
        self.state = transition.target
        getattr(self, f"_{transition.action}")(self._clock.monotonic())

    # -- what comes in ---------------------------------------------------------------------------------

    def _mind_parts(self, now: Monotonic) -> None:
        if self.state is State.STARTING:
            self._note_start(now)
        if self.surroundings.faulty:
            self._fire(Input.PART_LOST)
        else:
            self._fire(Input.READY)
            self._fire(Input.PARTS_BACK)

    def _note_start(self, now: Monotonic) -> None:
        body = {"gate": self._config.id, "simulated": self._config.simulated}
        self.surroundings.journal.write_or_hold(EventKind.STARTED, body, now)
        self.surroundings.context_id(now)

    def _mind_policy(self) -> None:
        """Who may follow a household is for the policy in force now, not for the one it passed under."""
        if self.surroundings.policy == self._policy:
            return
        self._policy = self.surroundings.policy
        self._companions.forget()
        person = self.person
        if self.state is State.READING and person is not None and person.companion:
            person.companion = False
            person.check = person.check if person.code_at is not None else None

    def _mind_foreheads(self, samples: Sequence[Sample]) -> None:
        if self._parts.thermometer.fault is not None:
            self._foreheads.forget()
        for sample in samples:
            arrived = self._foreheads.feed(sample)
            if arrived or not self._foreheads.present:
                self._spent = False
            if arrived:
                self._forehead(sample)
            if self._window is not None and not self._spent:
                self._window.feed(sample)

    def _forehead(self, sample: Sample) -> None:
        if not self.surroundings.reads_foreheads or self._belongs_to_the_answered(sample.at):
            return
        self._forehead_at = sample.at
        if self.state is State.READING:
            return
        self._open_window(sample.at)
        follows = self._companions.peek(sample.at) if self.state is not State.AWAITING_PASS else None
        if follows is None:
            self._fire(Input.FOREHEAD)
        else:
            self._arrive(Person(sample.at, check=follows, companion=True))

    def _belongs_to_the_answered(self, now: Monotonic) -> bool:
        """Who was answered by the pass alone may still lean in: that is nobody new."""
        owes, self._owes_forehead = self._owes_forehead, False
        return owes and self.state is not State.READING and now - self._answered_at < SWALLOW_S

    def _mind_button(self, now: Monotonic) -> None:
        pressed = self._parts.button.poll(now) if self._parts.button is not None else ()
        if any(pressed) and not self._call_stands():
            self._arriving = self.person if self.state is State.READING else Person(now)
            if self._arriving is not None:
                self._arriving.called = True
            self._fire(Input.CALL)
            self._arriving = None

    def _call_stands(self) -> bool:
        """The last call is being answered: pressing again says nothing new."""
        return self.state is State.ANSWERED and self._last is not None and self._last.person.called

    def _mind_codes(self, codes: Sequence[CodeRead]) -> None:
        now = self._clock.monotonic()
        fresh = [code for code in codes[-MOST_CODES:] if now - code.at <= STALE_S]
        judged = [(self.surroundings.check(code.text), code) for code in fresh]
        signed = {code.at for check, code in judged if check.facts is not None}
        # With several codes in one picture the one that can be admitted is the one that is meant.
        for check, code in sorted(judged, key=lambda pair: not pair[0].valid):
            if check.facts is None and code.at in signed:
                # An address on the same sheet, a poster behind: nobody of their own.
                self._codes.taken(check.token, code.at)
            else:
                self._code(check, code)

    def _code(self, check: PassCheck, code: CodeRead) -> None:
        if self.state is State.READING and self.person is not None:
            self._code_while_reading(check, code, self.person)
            return
        if self._must_wait(check.token):
            return
        judgement = self._codes.judge(check.token, check.facts is not None, code.at, self._new_face(check))
        if judgement is CodeJudgement.NEW:
            self._arrive(self._person_with(check, code))
        elif judgement is CodeJudgement.SAME:
            self._answer_again(check, code)

    def _must_wait(self, token: str) -> bool:
        """Was in view already while somebody else was read: their answer is seen for half its time first."""
        if self.state is not State.ANSWERED or token not in self._queued:
            return False
        return self._clock.monotonic() < (self._answered_at + self._light_until) / 2

    def _new_face(self, check: PassCheck) -> bool:
        """A forehead has come since the last answer. Under green it is still the one that was let in."""
        last = self._last
        own_green = self.state is State.ANSWERED and self.light is Light.ADMIT
        if own_green and last is not None and last.person.token == check.token:
            return False
        return self._forehead_at > self._answered_at

    def _code_while_reading(self, check: PassCheck, code: CodeRead, person: Person) -> None:
        if check.token == person.token:
            person.seen_at = code.at
            self._codes.taken(check.token, code.at)
            return
        if self._codes.still_there(check.token, code.at):
            # Of somebody who has had an answer.
            return
        if person.code_at is not None or not person.companion:
            self._queue(check, code)
            return
        # Somebody who came behind a household shows a code after all.
        counts, follows = judged(check, person.check)
        if follows:
            person.code_at = person.seen_at = code.at
            person.read_at = self._clock.monotonic()
        elif check.valid and self._foreheads.present:
            # Held over a child's head: a forehead is never given to another pass than it came for.
            self._queue(check, code)
        else:
            self._arrive(self._shown(counts, code))

    def _queue(self, check: PassCheck, code: CodeRead) -> None:
        """Somebody behind holds up a pass. Codes that are none replace nobody: they may hang on the wall."""
        if check.facts is not None:
            self._next = (check, code)
            self._queued.add(check.token)

    def _person_with(self, check: PassCheck, code: CodeRead) -> Person:
        counts, follows = judged(check, self._companions.peek(code.at))
        return self._shown(counts, code, companion=follows)

    def _shown(self, check: PassCheck | None, code: CodeRead, *, companion: bool = False) -> Person:
        read_at = self._clock.monotonic()
        return Person(code.at, check, companion, code_at=code.at, read_at=read_at, seen_at=code.at)

    def _arrive(self, person: Person) -> None:
        self._arriving = person
        if not self.judge.needs_reading(person):
            self._fire(Input.PASS_SETTLED)
        elif person.code_at is None:
            self._fire(Input.COMPANION)
        else:
            self._fire(Input.PASS_TO_READ)
        self._arriving = None

    def _mind_window(self, now: Monotonic) -> None:
        if self.state is not State.READING or self._window is None or self.person is None:
            return
        fault = self._parts.thermometer.fault
        if fault is not None:
            stuck = isinstance(fault, SensorStuck)
            self._read(Reading(Screening.SENSOR_STUCK if stuck else Screening.SENSOR_FAULT))
        elif self._window.finished(now):
            self._read(self._screen(self._window, now))

    def _screen(self, window: Window, now: Monotonic) -> Reading:
        return screen(
            window.samples,
            self._parts.spec,
            self.surroundings.site,
            opened_at=window.opened_at,
            background=window.background,
            ambient=self.surroundings.air(now),
            environment=self.surroundings.environment,
        )

    def _read(self, reading: Reading) -> None:
        if self.person is None:
            return
        self.person.reading = reading
        if reading.screening is not Screening.RETRY:
            self._fire(Input.READING_DONE)
        elif self._somebody_else_waits():
            check, code = self._next or (None, None)
            if check is not None and code is not None:
                self._arrive(self._person_with(check, code))
        elif self.person.tries >= RETRIES:
            self._fire(Input.READING_DONE)
        else:
            self._fire(Input.RETRY)

    def _somebody_else_waits(self) -> bool:
        """Nobody leaned in and only another pass is in view: the person has gone, the next one is here."""
        if self._next is None or self._foreheads.present or self.person is None:
            return False
        since = self._clock.monotonic() - NEXT_CODE_S
        own = self.person.seen_at
        return self._next[1].at >= since and (own is None or own < since)

    def _mind_time(self, now: Monotonic) -> None:
        if self.state is State.ANSWERED and now >= self._light_until:
            self._fire(Input.LIGHT_OVER)
        if self.state is State.AWAITING_PASS and now - self._forehead_at > SHOW_PASS_S:
            self._fire(Input.GAVE_UP)
        if self.state in (State.IDLE, State.FAULT):
            self._rest_as_it_is()
        self._count_codes(self._codes.take_count(now), now)

    def _count_codes(self, count: int | None, now: Monotonic) -> None:
        if count:
            body = {"what": "codes", "count": count}
            self.surroundings.journal.write_or_hold(EventKind.COUNTED, body, now)

    # -- what is done: the actions of the table -------------------------------------------------------

    def _rest(self, _now: Monotonic) -> None:
        self.person = None
        self._rest_as_it_is()

    def _rest_as_it_is(self) -> None:
        light = indicator.idle(self.surroundings.faulty, not self.surroundings.gate_open)
        if self.light is not light:
            self._show(light)

    def _count_and_rest(self, now: Monotonic) -> None:
        body = {"what": "forehead without a pass", "count": 1}
        self.surroundings.journal.write_or_hold(EventKind.COUNTED, body, now)
        self._window = None
        self._rest(now)

    def _ask_for_pass(self, _now: Monotonic) -> None:
        self._speaker.say(Prompt.SHOW_PASS)

    def _begin_reading(self, now: Monotonic) -> None:
        self.person, self._next = self._arriving, None
        self._queued.clear()
        self._take_code(self.person, now)
        if self._window is None or not self._foreheads.present or self._spent:
            self._open_window(now)
        self._show(Light.HOLD_STILL)
        self._speaker.say(Prompt.HOLD_STILL)

    def _ask_again(self, now: Monotonic) -> None:
        if self.person is not None and self.person.reading is not None:
            self.person.tries += 1
            self._speaker.say(indicator.retry_prompt(self.person.reading, self.person.tries))
            self.person.reading = None
        self._open_window(now)

    def _change_person(self, now: Monotonic) -> None:
        self._close_person(now)
        self._begin_reading(now)

    def _change_person_and_answer(self, now: Monotonic) -> None:
        self._close_person(now)
        self._answer(now)

    def _close_person(self, now: Monotonic) -> None:
        """Who walked away has been here: exactly one record, and no light."""
        person = self.person
        if person is None or (person.companion and person.code_at is None):
            return
        if person.reading is None:
            person.reading = Reading(Screening.RETRY, note="left unanswered")
        if person.token is not None:
            self._codes.forget(person.token)
        self.judge.record(person, now)

    def _answer(self, now: Monotonic) -> None:
        person = self._arriving if self._arriving is not None else self.person
        if person is None:
            return
        self.person = person
        self._take_code(person, now)
        decision, receipt = self.judge.record(person, now)
        self._light_up(person, decision, receipt)
        self._remember(person, decision)

    def _take_code(self, person: Person | None, now: Monotonic) -> None:
        if person is not None and person.token is not None:
            self._codes.taken(person.token, now)
            self._last_seen = now

    def _light_up(self, person: Person, decision: Decision, receipt: Receipt | None) -> None:
        answer = indicator.answer(decision, attended=self.judge.attended, cold=self.surroundings.cold)
        if decision.verdict is Verdict.ADMIT and receipt is not None:
            self.light = Light.ADMIT
            self._lamp.admit(receipt)
        else:
            self._show(answer.light)
        self._answered_at = self._clock.monotonic()
        self._light_until = Monotonic(self._answered_at + answer.seconds)
        self._speaker.say(answer.prompt)
        words = person.reading.samples if person.reading is not None else ()
        last_word = words[-1].at if words else None
        self._last = Passage(decision, answer.light, person, receipt, last_word, self._answered_at)
        for observer in self.observers:
            observer(self._last)

    def _remember(self, person: Person, decision: Decision) -> None:
        self._spent = self._foreheads.present and (person.reading is not None or person.called)
        self._owes_forehead = person.reading is None and not self._foreheads.present
        self._window = None
        self._next = None
        now, check = self._answered_at, person.check
        if person.companion:
            self._companions.take(now)
        if decision.verdict is not Verdict.ADMIT or check is None or person.companion:
            return
        self.judge.admitted(person, now)
        self._companions.admitted(check, self.surroundings.policy, now)

    def _answer_again(self, check: PassCheck, code: CodeRead) -> None:
        """The last answer once more for who holds the same code up again; green is never relit."""
        last = self._last
        if last is None or last.person.token != check.token:
            return
        came_back = code.at - self._last_seen > ABSENT_S
        self._last_seen = code.at
        if not came_back:
            return
        if self.state in (State.IDLE, State.FAULT) and last.light is not Light.ADMIT:
            self.state = State.ANSWERED
            self._show(last.light)
            answer = indicator.answer(
                last.decision, attended=self.judge.attended, cold=self.surroundings.cold
            )
            self._light_until = Monotonic(self._clock.monotonic() + answer.seconds)

    def _close_and_stop(self, now: Monotonic) -> None:
        self._close_person(now)
        self._stop(now)

    def _stop(self, now: Monotonic) -> None:
        self._lamp.close()
        self.light = Light.DARK
        self._count_codes(self._codes.take_count(now, final=True), now)
        self.surroundings.journal.write_or_hold(EventKind.STOPPED, {}, now)

    # -- helpers ---------------------------------------------------------------------------------------

    def _show(self, light: Light) -> None:
        self.light = light
        self._lamp.show(light)

    def _open_window(self, now: Monotonic) -> None:
        self._window = Window(self._parts.spec, now, self._foreheads.background)


def _rounded(sample: Sample) -> Sample:
    """Times in whole milliseconds, as they are stored: a recheck computes with the same numbers."""
    return replace(sample, at=Monotonic(round(sample.at, 3)))

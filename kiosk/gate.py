"""The gate: one table of states, one thread that owns them all.

``turn()`` is called again and again by whoever owns the time (a real loop, a test, the demo). It polls
the parts, turns what they say into inputs, and each input moves the state along :data:`TRANSITIONS`.
docs/gate.md draws that table; a test keeps drawing and table equal.

Where green comes from: ``_answer`` alone calls ``lamp.admit``, with the receipt of a record that the
journal has made durable. Everything that fails on the way there ends in another light.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from kiosk.config import GateConfig
from kiosk.devices import Clock, Lamp
from kiosk.errors import SensorStuck
from kiosk.judge import Judge
from kiosk.model import (
    CodeRead,
    Decision,
    EventKind,
    Light,
    Monotonic,
    Prompt,
    Reading,
    Receipt,
    Sample,
    Screening,
    Seconds,
    Verdict,
)
from kiosk.passage import indicator
from kiosk.passage.arrival import SWALLOW_S
from kiosk.passage.body_temperature import Window, screen
from kiosk.person import Passage, Person
from kiosk.seeing import Seeing, Shown
from kiosk.sensing import LONG_AGO, Sensing
from kiosk.states import TRANSITIONS, Input, State, Transition
from kiosk.surroundings import Parts, Surroundings
from kiosk.voice import Voice

RETRIES: Final = 2
"""Windows without a usable reading after the first one; then a volunteer measures."""
SHOW_PASS_S: Final = Seconds(5.0)
"""How long a forehead without a pass is asked for one."""
KNOWN_S: Final = Seconds(8.0)
"""A forehead that comes later than this after the code was last seen may be somebody else's."""
OBEY_S: Final = Seconds(1.5)
"""From a prompt to a forehead that is uncovered. Ours."""
MAKE_WAY_S: Final = Seconds(2.0)
"""From a new pass to the last person's forehead being gone; then who shows it is asked to step back. Ours."""
SLOW_S: Final = Seconds(2.0)
"""A record that took longer to write comes too late for a green light: the person may have gone."""
WHOSE: Final = "whose forehead is not known"


__all__ = ["TRANSITIONS", "Gate", "Input", "State", "Transition"]


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
        speaker: Voice,
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
        self._sensing = Sensing(parts.spec)
        self.judge = Judge(config, parts, surroundings)
        self._seeing = Seeing(surroundings, self.judge, self._sensing, clock=clock)
        self._answered_at = LONG_AGO
        self._light_until = Monotonic(float("inf"))
        self._policy = surroundings.policy
        self._last: Passage | None = None
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
        self._mind_spent(now)
        self._mind_window(self._clock.monotonic())
        self._mind_time(self._clock.monotonic())
        self._speaker.turn(now, nobody=self.state is State.IDLE and not self._sensing.present)

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
        self._seeing.companions.forget()
        person = self.person
        if self.state is State.READING and person is not None and person.companion:
            person.companion = False
            if person.code_at is None:
                person.check = person.text = None

    def _mind_foreheads(self, samples: Sequence[Sample]) -> None:
        if self._parts.thermometer.fault is not None:
            self._sensing.lost()
        for sample in samples:
            if self._sensing.feed(sample):
                self._forehead(sample)
            if self.state is State.READING and self.person is not None and self._sensing.present:
                self._link(self.person, sample.at)

    def _link(self, person: Person, at: Monotonic) -> None:
        known = not person.stranger
        person.link(at, KNOWN_S)
        if known and person.stranger:
            # From here on, or what is left of the old window would be all the time to find the phone in.
            self._sensing.open(at)
            self._speaker.say(Prompt.SHOW_PASS)

    def _forehead(self, sample: Sample) -> None:
        reading = self.state is State.READING
        if not self.surroundings.reads_foreheads or not self._sensing.arrive(sample, reading=reading):
            return
        if reading:
            return
        follows = self._seeing.companions.peek(sample.at) if self.state is not State.AWAITING_PASS else None
        if follows is None:
            self._fire(Input.FOREHEAD)
        else:
            self._arrive(Person(sample.at, follows.check, companion=True, text=follows.text))

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
        for check, code in self._seeing.in_order(codes, self._clock.monotonic()):
            if self.state is State.READING and self.person is not None:
                seen = self._seeing.look_past(check, code, self.person)
            else:
                seen = self._seeing.look(check, code, self._shown(), self._clock.monotonic())
            if seen.person is not None:
                self._arrive(seen.person)
            elif seen.again:
                self._fire(Input.SHOWN_AGAIN)

    def _shown(self) -> Shown:
        lit = self.state is State.ANSWERED
        # Half of the time that an answer is lit belongs to the one who got it.
        half = Monotonic((self._answered_at + self._light_until) / 2) if lit else LONG_AGO
        return Shown(self._last, lit, self._answered_at, half)

    def _arrive(self, person: Person) -> None:
        self._arriving = person
        if not self.judge.needs_reading(person):
            self._fire(Input.PASS_SETTLED)
        elif person.code_at is None:
            self._fire(Input.COMPANION)
        else:
            self._fire(Input.PASS_TO_READ)
        self._arriving = None

    def _mind_spent(self, now: Monotonic) -> None:
        """Two who change places quickly look like one: the second would wait for a reading in vain."""
        person = self.person
        if self.state is not State.READING or person is None or person.sent_back:
            return
        if self._sensing.in_the_way and now - person.since > MAKE_WAY_S:
            person.sent_back = True
            self._sensing.open(now)
            self._speaker.say(Prompt.STEP_BACK)

    def _mind_window(self, now: Monotonic) -> None:
        window = self._sensing.window
        if self.state is not State.READING or window is None:
            return
        fault = self._parts.thermometer.fault
        if fault is not None:
            stuck = isinstance(fault, SensorStuck)
            self._read(Reading(Screening.SENSOR_STUCK if stuck else Screening.SENSOR_FAULT))
        elif window.finished(now) and not self._waits_for_code(window, now):
            self._read(self._screen(window, now))

    def _waits_for_code(self, window: Window, now: Monotonic) -> bool:
        """A forehead without its code for so long has been asked for it, and is given the time."""
        stranger = self.person is not None and self.person.stranger
        return stranger and now - window.opened_at < SHOW_PASS_S

    def _screen(self, window: Window, now: Monotonic) -> Reading:
        return screen(
            window.samples,
            self._parts.spec,
            self.surroundings.site,
            opened_at=window.opened_at,
            background=window.background,
            ambient=self.surroundings.weather.air(now),
            environment=self.surroundings.environment,
            baseline=self.surroundings.baseline.value(now),
            drift=self.surroundings.baseline.drift is not None,
            outdoor=self.surroundings.outdoor(now),
            settled=self.surroundings.weather.settled(self.person.since if self.person else window.opened_at),
        )

    def _read(self, reading: Reading) -> None:
        if self.person is None:
            return
        if self.person.stranger and reading.forehead_celsius is not None:
            reading = Reading(Screening.RETRY, opened_at=reading.opened_at, note=WHOSE)
        self.person.reading = reading
        behind = self._seeing.next_person()
        if behind is not None and self._seeing.in_doubt(self.person):
            # Two passes and one forehead: it is given to neither, and asked for again.
            self._sensing.spend(reading)
            self.person.reading = Reading(Screening.RETRY, opened_at=reading.opened_at, note=WHOSE)
            self._arrive(behind)
        elif reading.screening is not Screening.RETRY:
            self._fire(Input.READING_DONE)
        elif behind is not None and self._seeing.took_over(self.person, self._clock.monotonic()):
            self._arrive(behind)
        elif self.person.tries >= RETRIES:
            self._fire(Input.READING_DONE)
        else:
            self._fire(Input.RETRY)

    def _mind_time(self, now: Monotonic) -> None:
        if self.state is State.ANSWERED and now >= self._light_until:
            self._fire(Input.LIGHT_OVER)
        if self.state is State.AWAITING_PASS and now - self._sensing.arrived_at > SHOW_PASS_S:
            self._fire(Input.GAVE_UP)
        if self.state in (State.IDLE, State.FAULT):
            self._rest_as_it_is()
        self._count_codes(self._seeing.filter.take_count(now), now)

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
        self._sensing.close()
        self._rest(now)

    def _ask_for_pass(self, _now: Monotonic) -> None:
        self._speaker.say(Prompt.SHOW_PASS)

    def _begin_reading(self, now: Monotonic) -> None:
        self.person = self._arriving
        self._seeing.begin(self.person, now)
        self._sensing.begin(now)
        self._show(Light.HOLD_STILL)
        self._speaker.say(Prompt.HOLD_STILL)

    def _ask_again(self, now: Monotonic) -> None:
        person = self.person
        if person is not None and person.reading is not None:
            person.tries += 1
            asked = indicator.retry_prompt(person.reading, person.tries)
            asked = Prompt.STEP_BACK if self._sensing.in_the_way else asked
            self._speaker.say(Prompt.SHOW_PASS if person.stranger else asked)
            # A hat was measured steadily: without a pause it would be again, before it is off.
            steady = person.reading.raw_celsius is not None
            now = Monotonic(now + OBEY_S) if steady else now
            person.reading = None
        self._sensing.open(now)

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
        self._seeing.left(person)
        person.left = True
        self.judge.record(person, now)

    def _answer(self, now: Monotonic) -> None:
        person = self._arriving if self._arriving is not None else self.person
        if person is None:
            return
        self.person = person
        self._seeing.take(person, now)
        decision, receipt = self.judge.record(person, now)
        words = person.reading.samples if person.reading is not None else ()
        known_at = min(now, words[-1].at) if words else now
        if self._clock.monotonic() - known_at > SLOW_S and decision.verdict is Verdict.ADMIT:
            decision, receipt = self.judge.take_back(receipt, self._clock.monotonic()), None
        self._light_up(person, decision, receipt)
        self._remember(person, decision)

    def _light_up(self, person: Person, decision: Decision, receipt: Receipt | None) -> None:
        answer = indicator.answer(decision, attended=self.judge.attended, cold=self.surroundings.weather.cold)
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
        now, check = self._answered_at, person.check
        self._sensing.answered(now, person.reading, called=person.called, owes=SWALLOW_S)
        self._seeing.next = None
        if person.companion:
            self._seeing.companions.take(now)
        self.judge.remember(person, decision, now)
        high = person.reading is not None and person.reading.screening is Screening.HIGH
        if person.companion and high:
            # The child may lean in once more; who follows now is for the volunteer that is coming.
            self._seeing.companions.forget()
        if decision.verdict is Verdict.ADMIT and check is not None and not person.companion:
            self._seeing.companions.admitted(check, person.text or "", self.surroundings.policy, now)

    def _answer_again(self, now: Monotonic) -> None:
        """The last answer once more for who holds the same code up again; green is never relit."""
        last = self._last
        if last is None:
            return
        self._show(last.light)
        answer = indicator.answer(
            last.decision, attended=self.judge.attended, cold=self.surroundings.weather.cold
        )
        self._speaker.remind(answer.prompt)
        self._light_until = Monotonic(now + answer.seconds)

    def _close_and_stop(self, now: Monotonic) -> None:
        self._close_person(now)
        self._stop(now)

    def _stop(self, now: Monotonic) -> None:
        self._lamp.close()
        self.light = Light.DARK
        self._count_codes(self._seeing.filter.take_count(now, final=True), now)
        self.surroundings.close(now)
        self.surroundings.journal.write_or_hold(EventKind.STOPPED, {}, now)

    # -- helpers ---------------------------------------------------------------------------------------

    def _show(self, light: Light) -> None:
        self.light = light
        self._lamp.show(light)


def _rounded(sample: Sample) -> Sample:
    """Times in whole milliseconds, as they are stored: a recheck computes with the same numbers."""
    return replace(sample, at=Monotonic(round(sample.at, 3)))

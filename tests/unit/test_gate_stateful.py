"""Anything may happen at a gate, in any order. Green comes after a record of rule 1, and only then.

``KIOSK_STREET_N`` is the number of stories (12 by default; a long proof takes thousands).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from drivers.simulated.lamp import SimulatedLamp
from kiosk.errors import DeviceAbsent, DeviceStalled, JournalError, JournalFull, SensorError, SensorStuck
from kiosk.gate import State
from kiosk.judge import Judge
from kiosk.model import (
    Attended,
    Category,
    Celsius,
    ClockState,
    Decision,
    Direction,
    EventKind,
    EventSeq,
    Light,
    Mode,
    Monotonic,
    Receipt,
    Seconds,
    Verdict,
)
from kiosk.passage.journal import JournalReader, set_asides
from kiosk.passage.journal_file import side_files
from kiosk.passes.status import Status
from kiosk.person import Person
from tests.street import AIR, START, WALL, Street, assert_sound, forehead, memory_folder

STORIES: Final = int(os.environ.get("KIOSK_STREET_N", "12"))
STEPS: Final = 40
DAY: Final = 86_400
LEASE_S: Final = 2.0
DIP_C: Final = 1.0
LATEST_S: Final = 6.0
"""A reading rests on words of the last window: nothing warmer or colder than before that counts."""
JUNK: Final = ("", "https://example.org", "GP1:NCF", "GP1:" + "A" * 3000, "\ud800 \x00 通行证", "gp1:abc")

BROKEN: Final[tuple[tuple[str, object], ...]] = (
    ("camera_fault", DeviceAbsent("unplugged")),
    ("camera_fault", DeviceStalled("no frame for 2 s")),
    ("sensor_fault", SensorError("PEC wrong")),
    ("sensor_fault", SensorStuck("stuck")),
    ("sensor_fault", DeviceAbsent("gone")),
    ("disk_error", JournalFull("no space left")),
    ("disk_error", JournalError("I/O error")),
    ("die", Celsius(10.0)),
    ("die", Celsius(15.9)),
    ("die", Celsius(33.0)),
    ("die", Celsius(-60.0)),
)


class WatchedLamp(SimulatedLamp):
    """A lamp that looks into the journal on the disk before it lights green."""

    def __init__(self, street: WatchedStreet) -> None:
        super().__init__(clock=street.clock)
        self.admitted_at: list[Monotonic] = []
        self._new: list[tuple[Monotonic, dict[str, Any]]] = []
        self._street = street

    def admit(self, receipt: Receipt) -> None:
        now = self._street.clock.monotonic()
        self._new.append((now, self._street.recorded(receipt)))
        self.admitted_at.append(now)
        super().admit(receipt)

    def take_new(self) -> list[tuple[Monotonic, dict[str, Any]]]:
        """Time and record of each green since the last call."""
        new, self._new = self._new, []
        return new


class WatchedStreet(Street):
    """Keeps what only an onlooker knows: every record that was asked for, every text that is genuine."""

    def __init__(self, folder: Path, **gate: Any) -> None:
        self.genuine: dict[str, int] = {}
        """Text of a pass to its status index."""
        self.revoked: set[int] = set()
        self.judged = 0
        self.lamps: list[WatchedLamp] = []
        super().__init__(folder, **gate)

    def _lamp(self) -> SimulatedLamp:
        self.lamps.append(WatchedLamp(self))
        return self.lamps[-1]

    def restart(self, *anything: Any) -> None:
        super().restart(*anything)
        self.watch()

    def watch(self) -> None:
        """Count what the judge is asked."""
        judge = self.gate.judge
        record: Callable[[Person, Monotonic], tuple[Decision, Receipt | None]] = judge.record

        def counted(person: Person, now: Monotonic) -> tuple[Decision, Receipt | None]:
            self.judged += 1
            return record(person, now)

        judge.record = counted  # type: ignore[method-assign]
        assert isinstance(judge, Judge)

    def recorded(self, receipt: Receipt) -> dict[str, Any]:
        """The event that a receipt stands for, as another process reads it; fails when it is not there."""
        [event] = JournalReader(self.config.journal.path).events(EventSeq(receipt.seq - 1), 1)
        assert (event.seq, event.hash) == (receipt.seq, receipt.head)
        body = event.content()
        assert body is not None
        return body


class AtTheGate(RuleBasedStateMachine):
    """Rules are what may happen; between any two of them some time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.warmth: list[tuple[float, float | None]] = []
        self.passes: list[str] = []
        self.used: list[float] = []
        """When each forehead came that somebody was let in with."""
        self.clock_told_lies = False
        self.manifest = b""

    @initialize(
        direction=st.sampled_from(Direction),
        attended=st.sampled_from(Attended),
        commissioned=st.sampled_from([True, True, True, False]),
    )
    def open(self, direction: Direction, attended: Attended, commissioned: bool) -> None:
        folder = self.closing.enter_context(memory_folder())
        self.street = self.closing.enter_context(
            WatchedStreet(folder, commissioned=commissioned, direction=direction, attended=attended)
        )
        self.street.watch()
        self.commissioned = commissioned
        self.forehead(None)
        self.wait(1.0)

    # -- people ------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.1, 0.3, 1.0, 2.0, 4.0, 6.0, 12.0]))
    def wait(self, seconds: float) -> None:
        self.street.run(seconds)

    @rule(category=st.sampled_from(Category), life=st.sampled_from([10 * DAY, 60 * DAY]))
    def show_a_new_pass(self, category: Category, life: int) -> None:
        issued = self.street.trust.issuer.issue(category, now=START, life=Seconds(life))
        self.street.genuine[issued.text] = issued.facts.status_index
        self.passes.append(issued.text)
        self.show([issued.text])

    @rule(picks=st.lists(st.integers(0, 11), min_size=1, max_size=3))
    def show_passes_again(self, picks: list[int]) -> None:
        known = [*self.passes, *JUNK]
        self.show([known[-pick % len(known)] for pick in picks])

    @rule(text=st.sampled_from(JUNK) | st.text(max_size=40))
    def show_junk(self, text: str) -> None:
        self.show([text])

    @rule(
        pick=st.integers(0, 3),
        place=st.integers(0, 999),
        other=st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"),
    )
    def show_a_forgery(self, pick: int, place: int, other: str) -> None:
        if self.passes:
            text = self.passes[pick % len(self.passes)]
            at = 4 + place % (len(text) - 4)
            self.show([text[:at] + other + text[at + 1 :]])

    @rule()
    def show_nothing(self) -> None:
        self.show([])

    @rule(above=st.sampled_from([None, None, -3.0, 0.0, 0.0, 0.0, 0.3, 0.6, 0.9, 1.5, 9.0]))
    def forehead(self, above: float | None) -> None:
        self.street.warmth = WALL if above is None else forehead(above)
        self.warmth.append((self.street.clock.monotonic(), above))
        self.street.run(0.1)

    @rule(above=st.sampled_from([0.0, 0.3, 0.6, 0.9]), category=st.sampled_from(Category))
    def pass_by(self, above: float, category: Category) -> None:
        """Somebody who does everything right, so that stories get anywhere."""
        self.forehead(None)
        self.street.run(0.5)
        self.show_a_new_pass(category, 60 * DAY)
        self.street.run(0.3)
        self.forehead(above)
        self.street.run(2.0)
        self.show([])
        self.forehead(None)

    @rule(above=st.sampled_from([0.0, 0.6, 1.5]), children=st.integers(1, 5))
    def a_family(self, above: float, children: int) -> None:
        """A parent with the household's pass, and children behind, the last one perhaps feverish."""
        self.pass_by(0.0, Category.HOUSEHOLD)
        for child in range(children):
            self.street.run(0.6)
            self.forehead(above if child == children - 1 else 0.0)
            self.street.run(2.0)
            self.forehead(None)

    @rule(people=st.integers(2, 3))
    def a_friend_with_a_cool_head(self, people: int) -> None:
        """Stays before the sensor while others hold up their passes."""
        self.forehead(0.0)
        for _ in range(people):
            self.show_a_new_pass(Category.RESIDENT, 60 * DAY)
            self.street.run(3.5)

    @rule(mode=st.sampled_from(Mode), above=st.sampled_from([0.0, 0.6]))
    def the_mode_changes_behind_a_family(self, mode: Mode, above: float) -> None:
        self.pass_by(0.0, Category.HOUSEHOLD)
        self.new_lists(mode, revoke=False)
        self.forehead(above)
        self.street.run(2.0)
        self.forehead(None)

    @rule(gap=st.sampled_from([0.0, 0.2, 0.5, 1.0]), people=st.integers(2, 4))
    def a_queue_in_a_hurry(self, gap: float, people: int) -> None:
        """Each one holds up the phone while the one before is still there."""
        for _ in range(people):
            self.show_a_new_pass(Category.RESIDENT, 60 * DAY)
            self.street.run(gap)
            self.forehead(0.0)
            self.street.run(1.5)
            self.forehead(None)
            self.street.run(gap)

    @rule()
    def press_the_button(self) -> None:
        self.street.button.press()
        self.street.run(0.1)

    def show(self, texts: list[str]) -> None:
        self.street.shown = texts
        self.street.run(0.1)

    # -- faults --------------------------------------------------------------------------------------------

    @rule(broken=st.sampled_from(BROKEN))
    def something_breaks(self, broken: tuple[str, object]) -> None:
        setattr(self.street, *broken)

    @rule()
    def everything_is_mended(self) -> None:
        street = self.street
        street.camera_fault = street.sensor_fault = street.disk_error = None
        street.die = AIR
        street.clock.set_state(ClockState.SIMULATED)
        street.run(8.0)

    @rule(seconds=st.sampled_from([-40 * DAY, -3600, 3600, 40 * DAY]))
    def clock_jumps(self, seconds: float) -> None:
        self.clock_told_lies = True
        self.street.clock.jump(seconds)

    @rule()
    def nobody_vouches_for_the_clock(self) -> None:
        self.street.clock.set_state(ClockState.UNTRUSTED)

    @rule()
    def the_journal_is_moved_away(self) -> None:
        path = self.street.config.journal.path
        taken = path.with_name(f"taken-{self.street.clock.monotonic()}.db")
        for old, new in zip((path, *side_files(path)), (taken, *side_files(taken)), strict=True):
            if old.exists():
                old.rename(new)

    @rule(mode=st.sampled_from(Mode), revoke=st.booleans())
    def new_lists(self, mode: Mode, revoke: bool) -> None:
        street = self.street
        if revoke and self.passes:
            street.revoked.add(street.genuine[self.passes[-1]])
        marked = dict.fromkeys(street.revoked, Status.REVOKED)
        if not self.manifest:
            street.trust.publish(street.trust_time(0), mode=mode, marked=marked)
        street.run(1.2)

    @rule()
    def lists_are_tampered_with_or_mended(self) -> None:
        file = self.street.trust.lists / "manifest"
        if self.manifest:
            file.write_bytes(self.manifest)
            self.manifest = b""
        else:
            self.manifest = file.read_bytes()
            file.write_bytes(self.manifest[:-5])
        self.street.run(1.2)

    @rule()
    def restart(self) -> None:
        # What waits in memory for a disk that takes nothing ends with the process: docs/faults.md says so.
        self.street.disk_error = None
        self.street.run(3.0)
        self.street.gate.stop()
        self.street.restart()
        self.street.run(0.2)

    # -- what must always hold -----------------------------------------------------------------------------

    @invariant()
    def the_lamp_tells_the_truth(self) -> None:
        for lamp in self.street.lamps if hasattr(self, "street") else ():
            for at, body in lamp.take_new():
                self.assert_rule_1(at, body)
            for change in list(lamp.history)[:-1]:
                if change.outputs.green or change.outputs.relay:
                    assert any(0 <= change.at - at < LEASE_S for at in lamp.admitted_at)
                lamp.history.popleft()
        if hasattr(self, "street") and self.street.state() in (State.IDLE, State.FAULT):
            assert self.street.light_now() in (Light.IDLE, Light.FAULT)

    def assert_rule_1(self, at: Monotonic, body: dict[str, Any]) -> None:
        assert body["verdict"] == "ADMIT"
        assert "late" not in body
        policy = self.settings_of(body)["policy"]
        gate, shown = body["gate"], body["pass"]
        assert (shown["format"], shown["reason"]) == ("native", "PASS_VALID")
        assert shown["category"] not in policy["shut_out"]
        assert gate["open"]
        assert gate["trust"]
        assert gate["journal"]
        assert not gate["called"]
        assert gate["companion"] or not gate["passback"]
        assert gate["lists_age_s"] <= policy["lists_max_age_s"]
        assert policy["companions"] > 0 or not gate["companion"]
        self.assert_forehead(at, body, policy)

    def assert_forehead(self, at: Monotonic, body: dict[str, Any], policy: dict[str, Any]) -> None:
        direction = self.street.config.gate.direction
        required = {
            Direction.IN: policy["temperature_in"],
            Direction.OUT: policy["temperature_out"],
            Direction.BOTH: policy["temperature_in"] or policy["temperature_out"],
        }[direction]
        screening = body["screening"]
        if screening == "NOT_REQUIRED":
            assert not required
        elif screening == "ENVIRONMENT":
            assert policy["environment_admits"]
            assert "TEMPERATURE_SUSPENDED" in body["reasons"]
        elif "TEMPERATURE_NOT_REQUIRED" in body["reasons"]:
            # The policy has changed while the forehead was read: that it gave no result does not count.
            assert not required
            assert screening not in ("NORMAL", "GUARD", "HIGH")
        else:
            assert self.commissioned
            assert screening == "NORMAL" or (screening == "GUARD" and policy["guard_admits"])
            seen = self.seen_since(at - LATEST_S)
            assert any(above is not None and -1.6 <= above < 0.8 for above in seen), seen
            self.assert_not_served(at)

    def assert_not_served(self, at: float) -> None:
        """One look of a forehead, from its coming to its going, serves one person."""
        there = [came for came, went in self.looks() if came <= at and went > at - LATEST_S]
        free = [came for came in there if came not in self.used]
        assert free, f"two people were let in with one look, the second at {at}"
        self.used.append(free[0])

    def looks(self) -> list[tuple[float, float]]:
        """From when to when each forehead was there; a deep dip is another head coming by."""
        came, last, found = None, 0.0, []
        for when, above in [*self.warmth, (float("inf"), None)]:
            gone = above is None or above < last - DIP_C
            if came is not None and gone:
                found.append((came, when))
            if above is None:
                came = None
            elif came is None or gone:
                came = when
            last = last if above is None else above
        return found

    def seen_since(self, since: float) -> list[float | None]:
        """Every forehead that has stood before the sensor since then, °C above normal."""
        before = [above for at, above in self.warmth if at <= since][-1:]
        return before + [above for at, above in self.warmth if at > since]

    def settings_of(self, body: dict[str, Any]) -> dict[str, Any]:
        for context in self.street.events(EventKind.CONTEXT):
            if context["id"] == body["context"]:
                return context
        raise AssertionError("the settings of a passage are not in its journal")

    # -- the end ---------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if hasattr(self, "street"):
                self.heal()
                self.assert_well()
                self.assert_nobody_lost()
        finally:
            self.closing.close()

    def heal(self) -> None:
        self.show([])
        self.forehead(None)
        self.everything_is_mended()
        if self.manifest:
            self.lists_are_tampered_with_or_mended()
        # Longer than a die is doubted that was broken when the gate started.
        self.street.run(70.0)
        # A journal that was taken away is noticed when there is something to write.
        self.press_the_button()
        self.street.run(6.0)

    def assert_well(self) -> None:
        """Whatever happened, it is over: nothing but a clock that lied is still doubted.

        Except that a gate which nobody has commissioned says so until somebody does.
        """
        new = self.street.gate.surroundings.site.commissioning is None
        left = set(self.street.faults()) - {"environment"} - ({"screening"} if new else set())
        assert left <= ({"clock", "directory"} if self.clock_told_lies else set())
        assert self.street.state() in (State.IDLE, State.FAULT)
        if not self.clock_told_lies and not new:
            assert self.street.state() is State.IDLE

    def assert_nobody_lost(self) -> None:
        """Every judgement is one record: in this journal, or in one that was taken or set aside."""
        path = self.street.config.journal.path
        self.street.kiosk.close()
        files = [path, *set_asides(path), *sorted(path.parent.glob("taken-*.db"))]
        bodies = [
            event.content() or {}
            for file in files
            for event in JournalReader(file).walk()
            if event.kind == EventKind.PASSAGE
        ]
        assert len(bodies) == self.street.judged
        heads = [passage.receipt.head for passage in self.street.answers if passage.receipt is not None]
        assert len(set(heads)) == len(heads)
        admitted = sum(passage.decision.verdict is Verdict.ADMIT for passage in self.street.answers)
        assert admitted == sum(body["verdict"] == "ADMIT" for body in bodies)
        assert_sound(path)


@pytest.mark.parametrize("stories", [STORIES])
def test_whatever_happens_green_follows_rule_1_and_nobody_is_lost(stories: int) -> None:
    run_state_machine_as_test(
        AtTheGate,
        settings=settings(
            max_examples=stories,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

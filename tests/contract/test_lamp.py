"""One suite for the lamp on (mock) pins and the simulated one: what a person at the gate sees, and when."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.lamp import GpioLamp
from drivers.light_patterns import OFF, Outputs
from drivers.simulated.lamp import SimulatedLamp
from kiosk.errors import DeviceError
from kiosk.model import Light, Receipt, Seconds, Verdict
from tests.contract.lamps import ADMITTED, RIGS, Opener, Rig, gpio_rig, simulated_rig

SHOWN = [light for light in Light if light is not Light.ADMIT]


@pytest.fixture(params=sorted(RIGS))
def opener(request: pytest.FixtureRequest) -> Opener:
    return RIGS[request.param]


@pytest.fixture
def rig(opener: Opener) -> Iterator[Rig]:
    with opener() as rig:
        yield rig


# -- rhythms: the values of DESIGN.md, not of the table ---------------------------------------------------


def test_dark_until_told_otherwise(rig: Rig) -> None:
    rig.clock.advance(60)
    assert rig.history() == []
    assert rig.lamp.light is Light.DARK


def test_idle_is_one_short_blip_every_three_seconds(rig: Rig) -> None:
    rig.show(Light.IDLE)
    rig.clock.advance(9.5)
    assert rig.on("red") == [(2.9, 3.0), (5.9, 6.0), (8.9, 9.0)]
    assert rig.on("green") == rig.on("buzzer") == rig.on("relay") == []


def test_hold_still_is_a_double_blip_until_the_answer(rig: Rig) -> None:
    rig.show(Light.HOLD_STILL)
    rig.clock.advance(2.0)
    assert rig.on("red") == [(0.0, 0.1), (0.25, 0.35), (1.25, 1.35), (1.5, 1.6)]
    rig.clock.advance(60)
    assert rig.lamp.light is Light.HOLD_STILL


def test_refer_blinks_slowly_for_four_seconds_with_one_short_beep(rig: Rig) -> None:
    rig.show(Light.REFER)
    rig.clock.advance(10)
    assert rig.on("red") == [(0.0, 0.5), (1.0, 1.5), (2.0, 2.5), (3.0, 3.5)]
    assert rig.on("buzzer") == [(0.0, 0.2)]


def test_refuse_blinks_fast_for_three_seconds_with_three_beeps(rig: Rig) -> None:
    rig.show(Light.REFUSE)
    rig.clock.advance(10)
    assert rig.on("red") == [(n * 0.25, n * 0.25 + 0.125) for n in range(12)]
    assert rig.on("buzzer") == [(0.0, 0.15), (0.3, 0.45), (0.6, 0.75)]


def test_fault_is_steady_red_with_one_long_beep(rig: Rig) -> None:
    rig.show(Light.FAULT)
    rig.clock.advance(3600)
    assert rig.on("red") == [(0.0, None)]
    assert rig.on("buzzer") == [(0.0, 1.0)]


def test_admit_is_steady_green_for_two_seconds_and_one_relay_pulse(rig: Rig) -> None:
    rig.admit()
    rig.clock.advance(10)
    assert rig.on("green") == [(0.0, 2.0)]
    assert rig.on("relay") == [(0.0, 0.8)]
    assert rig.on("red") == rig.on("buzzer") == []


def test_dark_puts_everything_out(rig: Rig) -> None:
    rig.show(Light.FAULT)
    rig.clock.advance(0.5)
    rig.show(Light.DARK)
    rig.clock.advance(60)
    assert rig.on("red") == [(0.0, 0.5)]
    assert rig.on("buzzer") == [(0.0, 0.5)]


def test_a_silent_gate_never_beeps(opener: Opener) -> None:
    with opener(buzzer_on=False) as rig:
        for light in (Light.REFER, Light.REFUSE, Light.FAULT):
            rig.show(light)
            rig.clock.advance(5)
        assert rig.on("buzzer") == []


# -- from one light to the next --------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [Light.REFER, Light.REFUSE, Light.ADMIT])
def test_an_answer_goes_back_to_idle_by_itself(rig: Rig, answer: Light) -> None:
    rig.show(Light.IDLE)
    if answer is Light.ADMIT:
        rig.admit()
    else:
        rig.show(answer)
    assert rig.lamp.light is answer
    rig.clock.advance(4.0)
    assert rig.lamp.light is Light.IDLE
    blips = len(rig.on("red"))
    rig.clock.advance(3.2)
    assert len(rig.on("red")) == blips + 1


def test_an_answer_goes_back_to_the_fault_that_was_on(rig: Rig) -> None:
    rig.show(Light.FAULT)
    rig.clock.advance(10)
    rig.admit()
    rig.clock.advance(10)
    # 150 ms dark on both sides: two steady lights would look alike to who sees no colour.
    assert rig.on("red") == [(0.0, 10.0), (12.15, None)]
    assert rig.on("green") == [(10.15, 12.0)]
    assert rig.on("buzzer") == [(0.0, 1.0)]


def test_idle_told_during_an_answer_lets_it_run_its_time(rig: Rig) -> None:
    rig.show(Light.FAULT)
    rig.clock.advance(1)
    rig.admit()
    rig.clock.advance(0.5)
    rig.show(Light.IDLE)
    rig.clock.advance(3.0)
    assert rig.on("green") == [(1.15, 3.0)]
    assert rig.on("relay") == [(1.15, 1.95)]
    assert rig.lamp.light is Light.IDLE


@pytest.mark.parametrize("light", [Light.HOLD_STILL, Light.REFER, Light.REFUSE, Light.FAULT, Light.DARK])
def test_any_other_light_ends_green_at_once_and_a_fault_opens_the_relay_too(rig: Rig, light: Light) -> None:
    rig.admit()
    rig.clock.advance(0.3)
    rig.show(light)
    # The next person's light never shuts the gate on the one who was let in; a fault does.
    shuts = light in (Light.FAULT, Light.DARK)
    assert rig.outputs() == Outputs(buzzer=rig.outputs().buzzer, relay=not shuts)
    rig.clock.advance(5)
    assert rig.on("green") == [(0.0, 0.3)]
    assert rig.on("relay") == [(0.0, 0.3 if shuts else 0.8)]
    if light is not Light.DARK:
        assert rig.on("red")[0][0] == 0.45


def test_a_newly_read_pass_ends_the_last_answer_with_a_dark_moment(rig: Rig) -> None:
    rig.show(Light.REFUSE)
    rig.clock.advance(1.05)
    rig.show(Light.HOLD_STILL)
    rig.clock.advance(0.2)
    assert rig.on("red")[-2:] == [(1.0, 1.05), (1.2, None)]


def test_a_dark_moment_is_not_cut_short_by_a_quick_answer(rig: Rig) -> None:
    rig.show(Light.REFER)
    rig.clock.advance(1.0)
    rig.show(Light.HOLD_STILL)
    rig.clock.advance(0.05)
    rig.admit()
    rig.clock.advance(3)
    assert rig.on("green") == [(1.15, 3.05)]
    assert rig.on("red") == [(0.0, 0.5)]


def test_two_admits_in_a_row_are_two_leases_and_two_pulses(rig: Rig) -> None:
    rig.admit()
    rig.clock.advance(0.5)
    rig.admit()
    rig.clock.advance(10)
    assert rig.on("green") == [(0.0, 0.5), (0.65, 2.5)]
    assert rig.on("relay") == [(0.0, 0.5), (0.65, 1.45)]


def test_pulses_longer_than_green_stay_two_pulses(opener: Opener) -> None:
    with opener(relay_pulse_s=Seconds(3.0)) as rig:
        rig.admit()
        rig.clock.advance(2.5)
        rig.admit()
        rig.clock.advance(10)
        assert rig.on("relay") == [(0.0, 2.5), (2.65, 5.65)]
        assert rig.on("green") == [(0.0, 2.0), (2.65, 4.5)]


def test_telling_the_same_light_again_does_not_restart_it(rig: Rig) -> None:
    rig.show(Light.IDLE)
    for _ in range(12):
        rig.clock.advance(0.5)
        rig.show(Light.IDLE)
    assert rig.on("red") == [(2.9, 3.0), (5.9, 6.0)]


def test_the_next_person_referred_sees_and_hears_a_new_answer(rig: Rig) -> None:
    rig.show(Light.REFER)
    rig.clock.advance(2.25)
    rig.show(Light.REFER)
    rig.clock.advance(4.5)
    assert rig.on("red")[2:5] == [(2.0, 2.25), (2.4, 2.9), (3.4, 3.9)]
    assert rig.on("buzzer") == [(0.0, 0.2), (2.4, 2.6)]


# -- what must not happen --------------------------------------------------------------------------------


def test_green_can_not_be_shown(rig: Rig) -> None:
    with pytest.raises(ValueError, match="receipt"):
        rig.show(Light.ADMIT)
    rig.clock.advance(5)
    assert rig.history() == []


@pytest.mark.parametrize("verdict", [Verdict.REFER, Verdict.REFUSE, None])
def test_a_record_that_is_no_admit_lights_nothing(rig: Rig, verdict: Verdict | None) -> None:
    with pytest.raises(ValueError, match="receipt"):
        rig.admit(Receipt("epoch", 7, "00", verdict))  # type: ignore[arg-type]
    rig.clock.advance(5)
    assert rig.history() == []


@pytest.mark.parametrize("pulse", [0.0, -0.8, 3.001, float("nan"), float("inf")])
def test_an_unsafe_relay_pulse_is_refused(opener: Opener, pulse: float) -> None:
    with pytest.raises(ValueError, match="relay pulse"), opener(relay_pulse_s=Seconds(pulse)):
        pass


def test_closed_is_dark_and_stays_dark(rig: Rig) -> None:
    rig.show(Light.IDLE)
    rig.admit()
    rig.clock.advance(0.5)
    rig.lamp.close()
    rig.lamp.close()
    assert rig.outputs() == OFF
    assert rig.on("green") == rig.on("relay") == [(0.0, 0.5)]
    with pytest.raises(DeviceError, match="closed"):
        rig.lamp.admit(ADMITTED)
    with pytest.raises(DeviceError, match="closed"):
        rig.lamp.show(Light.IDLE)
    rig.clock.advance(60)
    assert rig.outputs() == OFF
    assert not rig.lamp.alive
    assert rig.lamp.light is Light.DARK


def test_an_exception_while_green_is_dark(opener: Opener) -> None:
    with contextlib.suppress(ZeroDivisionError), opener() as rig:
        rig.admit()
        rig.clock.advance(0.5)
        assert rig.outputs() == Outputs(green=True, relay=True)
        raise ZeroDivisionError
    assert rig.outputs() == OFF


def test_the_simulated_lamp_offers_all_that_the_real_one_does() -> None:
    def public(lamp: type) -> dict[str, object]:
        members = inspect.getmembers(lamp, lambda member: not inspect.isclass(member))
        return {name: member for name, member in members if not name.startswith("_")}

    real, simulated = public(GpioLamp), public(SimulatedLamp)
    assert set(real) <= set(simulated)
    for name, member in real.items():
        if inspect.isfunction(member):
            other = simulated[name]
            assert callable(other)
            assert inspect.signature(member) == inspect.signature(other), name


# -- any sequence ------------------------------------------------------------------------------------------

Move = tuple[str, object]
MOVES: st.SearchStrategy[list[Move]] = st.lists(
    st.one_of(
        st.tuples(st.just("show"), st.sampled_from(SHOWN)),
        st.tuples(st.just("admit"), st.none()),
        st.tuples(st.just("advance"), st.integers(0, 5_000).map(lambda ms: ms / 1000)),
    ),
    max_size=25,
)


def _played(rig: Rig, moves: list[Move]) -> list[tuple[float, Outputs]]:
    for name, argument in moves:
        if name == "show":
            rig.show(argument)  # type: ignore[arg-type]
        elif name == "admit":
            rig.admit()
        else:
            rig.clock.advance(argument)  # type: ignore[arg-type]
    return rig.history()


@given(moves=MOVES, pulse=st.sampled_from([0.8, 3.0]))
@settings(max_examples=60)
def test_the_simulated_lamp_does_exactly_what_the_real_one_does(moves: list[Move], pulse: float) -> None:
    with gpio_rig(Seconds(pulse)) as real, simulated_rig(Seconds(pulse)) as simulated:
        assert _played(real, moves) == _played(simulated, moves)


class LampMachine(RuleBasedStateMachine):
    """Any order of show, admit and time; checked against what a person may see, not against the table."""

    PULSE = Seconds(0.8)
    opener: Opener = staticmethod(simulated_rig)

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self.rig = self._stack.enter_context(self.opener(relay_pulse_s=self.PULSE))
        self.admits: list[float] = []

    def teardown(self) -> None:
        self._stack.close()
        assert self.rig.outputs() == OFF

    @rule(light=st.sampled_from(SHOWN))
    def show(self, light: Light) -> None:
        self.rig.show(light)

    @rule()
    def admit(self) -> None:
        self.admits.append(self.rig.clock.monotonic())
        self.rig.admit()

    @rule(verdict=st.sampled_from([Verdict.REFER, Verdict.REFUSE, None]))
    def admit_without_proof(self, verdict: Verdict | None) -> None:
        with pytest.raises(ValueError, match="receipt"):
            self.rig.admit(Receipt("epoch", 2, "00", verdict))  # type: ignore[arg-type]

    @rule(milliseconds=st.integers(0, 4_000))
    def wait(self, milliseconds: int) -> None:
        self.rig.clock.advance(milliseconds / 1000)

    @invariant()
    def green_only_within_two_seconds_of_an_admit(self) -> None:
        for begin, end in self.rig.on("green"):
            self._within(begin, end, 2.0, 2.0)

    @invariant()
    def relay_closed_only_within_one_pulse_after_an_admit(self) -> None:
        for begin, end in self.rig.on("relay"):
            self._within(begin, end, self.PULSE, 0.15 + self.PULSE)

    @invariant()
    def never_more_pulses_than_admits(self) -> None:
        assert len(self.rig.on("relay")) <= len(self.admits)

    @invariant()
    def never_red_and_green(self) -> None:
        assert not any(outputs.red and outputs.green for _, outputs in self.rig.history())

    def _within(self, begin: float, end: float | None, longest: float, latest: float) -> None:
        until = self.rig.clock.monotonic() if end is None else end
        assert until - begin <= longest + 1e-6
        assert any(at - 1e-6 <= begin and until <= at + latest + 1e-6 for at in self.admits)


class LongPulseMachine(LampMachine):
    PULSE = Seconds(3.0)


class GpioLampMachine(LampMachine):
    opener = staticmethod(gpio_rig)


TestLampMachine = LampMachine.TestCase
TestLongPulseMachine = LongPulseMachine.TestCase
TestGpioLampMachine = GpioLampMachine.TestCase
for case in (TestLampMachine, TestLongPulseMachine, TestGpioLampMachine):
    case.settings = settings(max_examples=50, stateful_step_count=25)

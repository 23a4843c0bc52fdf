"""People at a gate: what they do of themselves, what they do for a light, and that none of them is lost."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.simulated.thermal import PARTS
from drivers.simulated.visitor import Phase, Visit
from drivers.simulated.world import Tally, World
from kiosk import scenario
from kiosk.devices import Simulator
from kiosk.errors import Usage
from kiosk.model import Celsius, Light, Monotonic, Prompt
from kiosk.scenario import people
from tests.unit.drivers.simulated.street import STARTED, TURN, Gate, play

ANNA = play("anna:", "2 anna")
QUEUE = play("anna:", "\n".join(f"{at} anna" for at in range(1, 11)))


def since_start(time: float | None) -> float:
    assert time is not None
    return time - STARTED


# -- one person --------------------------------------------------------------------------------------------


def test_a_person_walks_up_shows_the_code_leans_in_and_leaves() -> None:
    gate = Gate(ANNA)
    (visit,) = gate.run_through()
    assert since_start(visit.stepped_up_at) == pytest.approx(3.0)
    assert since_start(visit.code_visible_at) == pytest.approx(3.5), "reach .5 s"
    assert visit.read_at is not None
    assert visit.in_place_at == pytest.approx(visit.read_at + 0.6), "lean-in .6 s after the light"
    assert visit.answer is Light.ADMIT
    assert since_start(visit.left_at) == pytest.approx(since_start(visit.answered_at) + 1.6)
    assert not visit.called


def test_nobody_leans_in_before_the_light_asks_for_it() -> None:
    gate = Gate(ANNA)
    gate.deaf_until = 15.0
    seen: list[bool] = []
    gate.watch.append(lambda: seen.append(gate.warm and gate.lamp.light is Light.IDLE))
    gate.run(14.9)
    assert gate.world.scene(gate.clock.monotonic()).phase is Phase.SHOWING
    gate.run(5.0)
    assert not any(seen)
    assert gate.visit("anna.1").answer is Light.ADMIT


def test_whoever_gets_no_answer_presses_the_button_and_leaves_in_the_end() -> None:
    gate = Gate(ANNA)
    gate.deaf_until = 1000.0
    gate.run(24.0)
    assert gate.button.poll(gate.clock.monotonic())
    assert gate.visit("anna.1").called
    (visit,) = gate.run_through()
    assert visit.gave_up
    assert visit.answer is None
    assert since_start(visit.left_at) == pytest.approx(3.0 + 40.0 + 1.6, abs=0.1)
    assert gate.world.tally() == Tally(came=1, answered=0, gave_up=1, waiting=0)


def test_a_person_without_a_pass_leans_in_and_presses_the_button() -> None:
    gate = Gate(play("anna: pass = 'none'", "2 anna"))
    gate.deaf_until = 1000.0
    gate.run(10.9)
    assert gate.warm
    assert not gate.button.poll(gate.clock.monotonic())
    gate.run(0.3)
    assert gate.button.poll(gate.clock.monotonic())


def test_a_hat_stays_on_until_the_voice_asks() -> None:
    gate = Gate(play("anna: hat = true", "2 anna"))
    (visit,) = gate.run_through()
    asked = next(spoken.at for spoken in gate.speaker.history if spoken.prompt is Prompt.UNCOVER_FOREHEAD)
    assert visit.answer is Light.ADMIT
    assert visit.answered_at is not None
    assert asked + 1.0 < visit.answered_at < asked + 3.5


def test_without_a_voice_people_understand_by_themselves() -> None:
    gate = Gate(play("anna: hat = true", "2 anna"), voice=False)
    (visit,) = gate.run_through()
    assert visit.answer is Light.ADMIT
    assert visit.read_at is not None
    assert visit.answered_at is not None
    assert visit.answered_at - visit.read_at > 6.0


def test_haste_pulls_back_once_and_comes_again_when_asked() -> None:
    gate = Gate(play("anna: hasty = true", "2 anna"))
    warm: list[bool] = []
    gate.watch.append(lambda: warm.append(gate.warm))
    (visit,) = gate.run_through()
    times_in = sum(now and not before for before, now in pairwise(warm))
    assert times_in == 2
    assert visit.answer is Light.ADMIT


def test_who_is_asked_to_step_back_does_and_comes_close_again() -> None:
    gate = Gate(ANNA)
    gate.reading_s = 60.0
    warm: list[tuple[float, bool]] = []
    gate.watch.append(lambda: warm.append((gate.elapsed, gate.warm)))
    gate.run(6.0)
    assert gate.warm
    gate.speaker.say(Prompt.STEP_BACK)
    gate.run(4.0)
    changes = [(at, now) for (_, before), (at, now) in pairwise(warm) if at > 6.0 and before is not now]
    (left, away), (back, here) = changes
    assert (away, here) == (False, True)
    assert left < 7.2
    assert 1.0 < back - left < 2.0, "long enough to be seen gone"
    gate.run(10.0)
    assert gate.warm, "asked once, obeyed once"


@pytest.mark.parametrize("height_cm", [170, 185, 198])
def test_who_is_tall_bends_down_to_a_low_sensor_and_shows_no_cheek(height_cm: int) -> None:
    scenario = play(f"tall: pass = 'none'; height_cm = {height_cm}; fever = 2.0", "2 tall")
    low = dataclasses.replace(scenario, site=dataclasses.replace(scenario.site, sensor_height_cm=122))
    gate = Gate(low)
    gate.reading_s = 60.0
    gate.run(6.0)
    assert gate.world.warmth(PARTS["xBA"], gate.clock.monotonic()) > 34.4 + 2.0 - 0.6


def test_a_small_child_is_out_of_reach_until_it_is_lifted() -> None:
    gate = Gate(play("child: pass = 'none'; height_cm = 110", "2 child"))
    gate.run(6.0)
    assert not gate.warm
    gate.speaker.say(Prompt.COME_CLOSER)
    gate.run(1.5)
    assert not gate.warm, "lifting takes its time"
    gate.run(1.0)
    assert gate.warm


@pytest.mark.parametrize("who", ["height_cm = 125; lifted = false", "height_cm = 110; lifted = false"])
def test_nobody_gets_up_from_a_wheelchair_or_grows_because_a_voice_asks(who: str) -> None:
    gate = Gate(play(f"anna: pass = 'none'; {who}", "2 anna"))
    gate.run(6.0)
    gate.speaker.say(Prompt.COME_CLOSER)
    gate.run(8.0)
    assert not gate.warm


def test_a_sensor_at_the_height_of_who_sits_is_reached_sitting_and_standing() -> None:
    cast = "wheelchair: height_cm = 125; lifted = false\ntall: height_cm = 180"
    scenario = play(cast, "2 wheelchair\n20 tall")
    low = dataclasses.replace(scenario, site=dataclasses.replace(scenario.site, sensor_height_cm=125))
    visits = Gate(low).run_through()
    assert [visit.answer for visit in visits] == [Light.ADMIT] * 2


def test_a_child_behind_its_family_is_lifted_without_being_asked() -> None:
    cast = "father: category = 'household'; household = true; companions = 1; companion_kind = 'child'\n"
    gate = Gate(play(cast + "child: pass = 'none'; height_cm = 110", "1 father"))
    father, child = gate.run_through()
    assert (father.answer, child.answer) == (Light.ADMIT, Light.ADMIT)
    assert child.stepped_up_at is not None
    assert child.answered_at is not None
    assert child.answered_at - child.stepped_up_at < 5.0


def test_a_helmet_takes_longer_to_take_off_than_a_hat() -> None:
    answered = []
    for uncover in (1.0, 4.0):
        (visit,) = Gate(play(f"anna: hat = true; uncover_s = {uncover}", "2 anna")).run_through()
        assert visit.answered_at is not None
        answered.append(visit.answered_at)
    assert answered[1] - answered[0] > 2.5


def test_a_person_whose_reading_is_forgotten_shows_the_code_again() -> None:
    gate = Gate(ANNA)
    gate.reading_s = 1000.0
    gate.run(5.0)
    assert gate.world.scene(gate.clock.monotonic()).phase is Phase.LEANING
    gate.deaf_until = gate.elapsed + 3.0
    gate.lamp.show(Light.IDLE)
    gate.run(2.5)
    assert gate.world.scene(gate.clock.monotonic()).phase is Phase.SHOWING


# -- the queue ---------------------------------------------------------------------------------------------


def test_one_after_the_other_steps_up_while_the_light_is_still_on() -> None:
    gate = Gate(QUEUE)
    visits = gate.run_through()
    for one, following in pairwise(visits):
        assert one.answered_at is not None
        assert following.stepped_up_at == pytest.approx(one.answered_at + 0.8 + 1.0)
    assert [visit.answer for visit in visits] == [Light.ADMIT] * 10


def test_the_light_of_the_person_before_is_nobody_elses() -> None:
    gate = Gate(play("anna:", "1 anna\n1.1 anna"))
    gate.verdict = lambda visit: Light.REFER
    gate.run(4.6)
    first = gate.visit("anna.1")
    assert first.answer is Light.REFER
    gate.deaf_until = 1000.0
    gate.run(3.0)
    assert gate.lamp.light is Light.REFER
    second = gate.visit("anna.2")
    assert second.code_visible_at is not None
    assert second.answer is None
    # Answered with the same light while the first one's is still on, without a hold still between.
    gate.lamp.show(Light.REFER)
    gate.run(0.3)
    assert second.answer is Light.REFER


@pytest.mark.parametrize("turn_s", [0.02, 0.25, 1.0])
def test_a_slow_machine_loses_nobody(turn_s: float) -> None:
    gate = Gate(QUEUE)
    gate.turn_s = turn_s
    visits = gate.run_through()
    assert [visit.person.id for visit in visits] == [f"anna.{n}" for n in range(1, 11)]
    assert all(visit.answer is Light.ADMIT for visit in visits)


def test_a_gate_that_hangs_for_minutes_finds_everybody_still_in_the_queue() -> None:
    gate = Gate(QUEUE)
    gate.run(1.5)
    gate.clock.advance(300.0)
    visits = gate.run_through()
    assert len(visits) == 10
    assert sum(visit.gave_up for visit in visits) <= 1, "only who stood before the gate"
    assert sum(visit.answer is Light.ADMIT for visit in visits) >= 9


def test_a_family_passes_behind_its_head() -> None:
    cast = "mother: category = 'household'; household = true; companions = 2; companion_kind = 'child'\n"
    gate = Gate(play(cast + "child: pass = 'none'; height_cm = 150\nanna:", "1 mother\n1.5 anna"))
    visits = gate.run_through()
    assert [visit.person.id for visit in visits] == ["mother.1", "mother.1.1", "mother.1.2", "anna.1"]
    assert all(visit.answer is Light.ADMIT for visit in visits)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.02, 3.0), st.sampled_from(list(Light))), max_size=60))
def test_whatever_the_lamp_does_everybody_is_counted_once(lights: list[tuple[float, Light]]) -> None:
    lamp = _Lamp()
    world = World(QUEUE, lamp, started=STARTED)
    now = STARTED
    for wait, light in lights:
        now = Monotonic(now + wait)
        lamp.light, lamp.since = light, now
        world.step(now)
        tally = world.tally()
        assert tally.came == tally.answered + tally.gave_up + tally.waiting
        assert world.scene(now).phase in Phase
    lamp.light = Light.DARK
    for turn in range(600):
        world.step(Monotonic(now + turn))
    assert world.done
    assert world.tally().waiting == 0
    assert world.tally().came == 10


@dataclasses.dataclass
class _Lamp:
    light: Light = Light.DARK
    since: Monotonic = STARTED


# -- the same again ------------------------------------------------------------------------------------------


def test_the_same_scenario_is_the_same_morning() -> None:
    one, two = (_ordinary_run() for _ in range(2))
    assert one == two
    assert len(one) == len(people(scenario.load("ordinary")))


def _ordinary_run() -> list[Visit]:
    gate = Gate(scenario.load("ordinary"))
    gate.turn_s = TURN * 2
    return gate.run_through()


# -- weather and faults --------------------------------------------------------------------------------------


def test_faults_begin_and_end_in_their_time_and_are_told() -> None:
    rest = '[[faults]]\nkind = "clock_jump"\nfrom = 3\nuntil = 5\njump_s = 3600\n'
    gate = Gate(play(rest=rest))
    gate.run(10)
    (began, span, on), (ended, _, off) = gate.faults
    assert (on, off) == (True, False)
    assert span.jump_s == 3600
    assert began == pytest.approx(3.0, abs=TURN)
    assert ended == pytest.approx(5.0, abs=TURN)


def test_a_trainer_switches_faults_on_and_off() -> None:
    rest = '[[faults]]\nkind = "disk_full"\nfrom = 1\nuntil = 100\n'
    gate = Gate(play(rest=rest))
    trainer: Simulator = gate.world
    gate.run(2.0)
    trainer.inject("camera_gone", True)
    trainer.inject("disk_full", False)
    gate.run(1.0)
    trainer.inject("camera_gone", False)
    told = [(span.kind.value, on) for _, span, on in gate.faults]
    assert told == [("disk_full", True), ("camera_gone", True), ("disk_full", False), ("camera_gone", False)]
    gate.run(5.0)
    assert len(gate.faults) == 4, "what the trainer ended stays ended"
    with pytest.raises(Usage, match="camera_gone"):
        trainer.inject("camera_gon", True)


def test_a_trainer_sends_people_and_changes_the_weather() -> None:
    cast = (
        "anna:\nmother: companions = 1; companion_kind = 'child'\nchild: pass = 'none'\ncopy: pass = 'shared'"
    )
    gate = Gate(play(cast))
    trainer: Simulator = gate.world
    gate.run(1.0)
    assert gate.world.done
    trainer.send("anna")
    trainer.send("mother")
    assert [person.kind.name for person in gate.world.queue] == ["anna", "mother", "child"]
    visits = gate.run_through()
    assert all(visit.answer is Light.ADMIT for visit in visits)
    assert len({visit.person.id for visit in visits}) == 3
    for nobody in ("bertha", "copy"):
        with pytest.raises(Usage):
            trainer.send(nobody)
    trainer.weather(Celsius(-5), Celsius(18))
    assert gate.world.air(gate.clock.monotonic()).outdoor == Celsius(-5)


def test_who_comes_next_is_known_ahead() -> None:
    gate = Gate(QUEUE)
    assert [person.id for person in gate.world.coming(3)] == ["anna.1", "anna.2", "anna.3"]
    gate.run(6.0)
    ahead = gate.world.coming(4)
    assert gate.world.current is not None
    assert gate.world.current.person in ahead
    assert len(ahead) == 4

"""One suite for the real speaker, over a stand-in player of real processes, and for the simulated one."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from drivers.simulated.speaker import SimulatedSpeaker
from drivers.speaker import AlsaSpeaker
from kiosk.errors import DeviceAbsent
from kiosk.model import Prompt
from tests.contract.speakers import RIGS, Rig


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param]() as made:
        yield made


def test_it_is_silent_until_it_is_told_something(rig: Rig) -> None:
    rig.pass_time(60.0)
    assert rig.heard() == []
    assert rig.sounding() == 0
    assert rig.speaker.speaking is None
    assert rig.speaker.fault is None


@pytest.mark.parametrize("prompt", Prompt)
def test_each_prompt_is_heard_as_itself(rig: Rig, prompt: Prompt) -> None:
    rig.say(prompt)
    assert rig.speaker.speaking is prompt
    assert rig.heard() == [(prompt, False)]
    assert rig.sounding() == 1


def test_a_prompt_comes_to_its_end_by_itself_and_is_not_repeated(rig: Rig) -> None:
    rig.say(Prompt.GO_AHEAD)
    rig.finish()
    assert rig.speaker.speaking is None
    assert rig.sounding() == 0
    rig.pass_time(60.0)
    assert rig.heard() == [(Prompt.GO_AHEAD, False)]


def test_the_next_prompt_cuts_the_last_one_off(rig: Rig) -> None:
    rig.say(Prompt.WAIT_FOR_VOLUNTEER)
    rig.pass_time(0.5)
    rig.say(Prompt.HOLD_STILL)
    assert rig.speaker.speaking is Prompt.HOLD_STILL
    assert rig.sounding() == 1
    rig.say(Prompt.GO_AHEAD)
    assert rig.sounding() == 1
    assert [prompt for prompt, _ in rig.heard()] == [
        Prompt.WAIT_FOR_VOLUNTEER,
        Prompt.HOLD_STILL,
        Prompt.GO_AHEAD,
    ]


def test_the_same_prompt_again_begins_anew(rig: Rig) -> None:
    rig.say(Prompt.COME_CLOSER)
    rig.say(Prompt.COME_CLOSER)
    assert rig.sounding() == 1
    assert rig.heard() == [(Prompt.COME_CLOSER, False)] * 2


def test_quiet_hours_have_a_volume_of_their_own(rig: Rig) -> None:
    rig.say(Prompt.GO_AHEAD, quiet=True)
    rig.say(Prompt.GO_AHEAD)
    assert rig.heard() == [(Prompt.GO_AHEAD, True), (Prompt.GO_AHEAD, False)]


def test_closed_is_silent_for_good(rig: Rig) -> None:
    rig.say(Prompt.WAIT_FOR_VOLUNTEER)
    rig.speaker.close()
    rig.speaker.close()
    assert rig.sounding() == 0
    rig.say(Prompt.GO_AHEAD)
    assert rig.heard() == [(Prompt.WAIT_FOR_VOLUNTEER, False)]
    assert rig.speaker.speaking is None


def test_a_card_that_goes_is_a_fault_and_one_that_comes_back_none(rig: Rig) -> None:
    rig.say(Prompt.SHOW_PASS)
    rig.finish()
    rig.unplug()
    rig.say(Prompt.GO_AHEAD)
    rig.pass_time(0.2)
    assert isinstance(rig.speaker.fault, DeviceAbsent)
    assert rig.speaker.speaking is None
    assert rig.sounding() == 0
    rig.plug_in()
    assert rig.speaker.fault is None
    rig.say(Prompt.HOLD_STILL)
    assert rig.speaker.speaking is Prompt.HOLD_STILL


def test_nothing_that_was_said_into_a_fault_is_made_up_for(rig: Rig) -> None:
    rig.unplug()
    rig.say(Prompt.GO_AHEAD)
    rig.pass_time(0.2)
    before = rig.heard()
    rig.plug_in()
    rig.pass_time(60.0)
    assert rig.heard() == before
    assert rig.sounding() == 0


def test_both_offer_the_same() -> None:
    """What a gate is composed with can be exchanged; the simulated one has its history besides."""
    assert _offers(AlsaSpeaker) - {"step"} == _offers(SimulatedSpeaker) - {"last"} | {"fault"}
    for name in ("start", "say", "close"):
        real, simulated = (getattr(kind, name) for kind in (AlsaSpeaker, SimulatedSpeaker))
        assert inspect.signature(real) == inspect.signature(simulated)


def _offers(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}

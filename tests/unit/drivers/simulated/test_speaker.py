"""The simulated speaker keeps what was said."""

from __future__ import annotations

from drivers.simulated.clock import VirtualClock
from drivers.simulated.speaker import SimulatedSpeaker
from kiosk.model import Prompt


def test_prompts_are_kept_with_their_times() -> None:
    clock = VirtualClock()
    speaker = SimulatedSpeaker(clock)
    assert speaker.last is None
    speaker.say(Prompt.SHOW_PASS)
    clock.advance(2)
    speaker.say(Prompt.GO_AHEAD)
    assert [(said.at, said.prompt) for said in speaker.history] == [
        (0.0, Prompt.SHOW_PASS),
        (2.0, Prompt.GO_AHEAD),
    ]
    assert speaker.last is Prompt.GO_AHEAD


def test_closed_is_silent() -> None:
    speaker = SimulatedSpeaker(VirtualClock())
    speaker.close()
    speaker.close()
    speaker.say(Prompt.GO_AHEAD)
    assert speaker.last is None

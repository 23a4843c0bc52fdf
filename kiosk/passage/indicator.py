"""From a verdict to what the person sees and hears. Nothing here knows why, beyond what may be shown.

Every REFER looks and sounds the same, whatever its reason: a held pass must not be told from an
unreadable one by bystanders. The one exception speaks of the weather, not of the person.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kiosk.model import Decision, Light, Prompt, Reading, Reason, Seconds, Verdict


class Answer(NamedTuple):
    """Light and spoken prompt, and for how many seconds the light stays."""

    light: Light
    prompt: Prompt
    seconds: Seconds


SECONDS: Final = {Light.ADMIT: Seconds(2.0), Light.REFER: Seconds(4.0), Light.REFUSE: Seconds(3.0)}
_LIGHTS: Final = {Verdict.ADMIT: Light.ADMIT, Verdict.REFER: Light.REFER, Verdict.REFUSE: Light.REFUSE}


def answer(decision: Decision, *, attended: bool, cold: bool = False) -> Answer:
    """What a decision looks and sounds like.

    ``attended`` False: nobody is there to refer to, so the person is sent elsewhere. ``cold``: the
    surroundings are too cold to measure, which is then said instead of the general sentence.
    """
    light = _LIGHTS[decision.verdict]
    return Answer(light, _prompt(decision, attended, cold), SECONDS[light])


def _prompt(decision: Decision, attended: bool, cold: bool) -> Prompt:
    if decision.verdict is Verdict.ADMIT:
        return Prompt.GO_AHEAD
    if decision.verdict is Verdict.REFUSE:
        closed = Reason.GATE_CLOSED in decision.reasons
        return Prompt.GO_ELSEWHERE if closed else Prompt.NOT_ADMITTED
    if not attended:
        return Prompt.GO_ELSEWHERE
    # Only where it is the leading reason: a hold listed before it keeps the general sentence.
    by_hand = decision.reasons[0] is Reason.MEASURE_BY_HAND
    return Prompt.COLD_OUTSIDE if by_hand and cold else Prompt.WAIT_FOR_VOLUNTEER


def idle(fault: bool, closed: bool) -> Light:
    """The light between people. ``fault``: a part that is needed is down.

    A closed gate goes on blipping: dark would say "no power", and whoever shows a pass is told where
    to go. A fault shows at a closed gate too, so that it is mended before opening.
    """
    del closed
    return Light.FAULT if fault else Light.IDLE


SKIN_IN_VIEW: Final = -6.0
"""Deviation, °C, above which a low reading is skin behind hair or a hat, not mostly background. Ours."""


def retry_prompt(reading: Reading, attempt: int = 1) -> Prompt:
    """What to ask of a person whose reading was unusable; the second ``attempt`` says the other thing.

    A steady but low reading is usually a hat or hair; anything else is distance or movement.
    """
    covered = reading.deviation is not None and reading.deviation > SKIN_IN_VIEW
    if covered == (attempt % 2 == 1):
        return Prompt.UNCOVER_FOREHEAD
    return Prompt.COME_CLOSER

"""What is heard at a gate: the right words at the right moment, once, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import words
from kiosk.config import Config, OpeningHours
from kiosk.model import Category, Celsius, ClockState, Light, Mode, Monotonic, Prompt, Seconds
from kiosk.voice import AFTER_S, CALM_S, Announcements
from tests.data import REPOSITORY
from tests.street import WALL, Street, forehead, memory_folder

EVERY = Seconds(600.0)
NIGHT = (OpeningHours(0x7F, 22 * 60, 24 * 60), OpeningHours(0x7F, 0, 6 * 60))
DAY_S = 86_400


class Heard(Street):
    """A street whose speaker has settings of its own."""

    def __init__(self, folder: Path, hours: tuple[OpeningHours, ...] = (), **speaker: Any) -> None:
        self._speaker_settings = speaker
        super().__init__(folder, hours=hours)
        self.restart()

    def _assemble(self, *arguments: Any, **named: Any) -> Any:
        settings = replace(self.config.speaker, **self._speaker_settings)
        self.config: Config = replace(self.config, speaker=settings)
        return super()._assemble(*arguments, **named)

    def said(self, since: float = 0.0) -> list[Prompt]:
        """Everything that was said, in order."""
        return [spoken.prompt for spoken in self.speaker.history if spoken.at >= since]

    def until(self, hour: float) -> None:
        """The next time it is that late on the wall (the policy's time zone), without anybody coming."""
        ahead = (hour * 3600 - (self.clock.wall() + 8 * 3600)) % DAY_S
        self.leap(ahead)
        self.run(1.0)


@pytest.fixture
def street() -> Iterator[Heard]:
    with memory_folder() as folder, Heard(folder) as made:
        made.run(1.0)
        yield made


@pytest.fixture
def announcing() -> Iterator[Heard]:
    with memory_folder() as folder, Heard(folder, announce_every_min=10, quiet_hours=NIGHT) as made:
        made.run(1.0)
        yield made


# -- a passage ---------------------------------------------------------------------------------------------


def test_a_resident_hears_hold_still_and_then_go_ahead(street: Heard) -> None:
    street.pass_by(street.issue().text)
    street.run(20.0)
    assert street.said() == [Prompt.HOLD_STILL, Prompt.GO_AHEAD]


def test_each_prompt_comes_with_its_light(street: Heard) -> None:
    street.pass_by(street.issue().text)
    lights = {change.light: change.at for change in reversed(street.lamp.history)}
    for spoken, light in zip(street.speaker.history, (Light.HOLD_STILL, Light.ADMIT), strict=True):
        assert spoken.at == pytest.approx(lights[light], abs=0.2)


def test_who_holds_the_phone_up_for_half_a_minute_is_told_once(street: Heard) -> None:
    street.pass_by(street.issue().text, stays=30.0)
    assert street.said() == [Prompt.HOLD_STILL, Prompt.GO_AHEAD]


def test_of_a_family_each_hears_both(street: Heard) -> None:
    street.pass_by(street.issue(Category.HOUSEHOLD).text)
    for _ in range(2):
        street.pass_by(None)
    assert street.said() == [Prompt.HOLD_STILL, Prompt.GO_AHEAD] * 3


def test_a_hat_and_then_distance_are_asked_for_before_a_volunteer(street: Heard) -> None:
    street.shown, street.warmth = [street.issue().text], forehead(-3.0)
    street.run(25.0)
    assert street.said() == [
        Prompt.HOLD_STILL,
        Prompt.UNCOVER_FOREHEAD,
        Prompt.COME_CLOSER,
        Prompt.WAIT_FOR_VOLUNTEER,
    ]


def test_who_keeps_showing_a_referred_pass_is_told_again_but_not_each_time(street: Heard) -> None:
    text = street.issue().text
    street.pass_by(text, above=1.6)
    assert street.said() == [Prompt.HOLD_STILL, Prompt.WAIT_FOR_VOLUNTEER]
    for _ in range(8):
        street.run(1.5)
        street.pass_by(text, above=None, stays=0.2)
    assert len(street.answers) == 1
    assert street.said()[2:] == [Prompt.WAIT_FOR_VOLUNTEER] * 2, "every ten seconds in 24"


def test_in_the_cold_the_weather_is_said_and_not_the_person() -> None:
    with memory_folder() as folder, Heard(folder) as street:
        street.trust.publish(street.trust_time(0), mode=Mode.EMERGENCY)
        street.die = Celsius(12.0)
        street.run(80.0)
        began = street.clock.monotonic()
        street.pass_by(street.issue().text, above=None)
        assert street.said(began) == [Prompt.COLD_OUTSIDE]


def test_a_forehead_without_a_pass_is_asked_for_one_once(street: Heard) -> None:
    street.pass_by(None, stays=20.0)
    assert street.said() == [Prompt.SHOW_PASS]


def test_a_forged_pass_is_told_so_without_a_why(street: Heard) -> None:
    text = street.issue().text
    street.pass_by(text[:-6] + text[-6:][::-1], above=None)
    assert len(street.said()) == 1
    assert street.said()[0] in (Prompt.NOT_ADMITTED, Prompt.WAIT_FOR_VOLUNTEER)


# -- one after the other -----------------------------------------------------------------------------------


def test_the_next_person_never_hears_what_was_meant_for_the_last(street: Heard) -> None:
    for above in (1.6, 0.0, 1.6, 0.0):
        came = street.clock.monotonic()
        street.shown, street.warmth = [street.issue().text], forehead(above)
        street.run(0.3)
        assert street.said(came) == [Prompt.HOLD_STILL]
        assert street.speaker.speaking is Prompt.HOLD_STILL
        answered = len(street.answers) + 1
        while len(street.answers) < answered:
            street.run(0.05)
        street.shown, street.warmth = [], WALL
        street.run(0.5)
        assert street.speaker.speaking in (Prompt.GO_AHEAD, Prompt.WAIT_FOR_VOLUNTEER)


def test_who_takes_the_place_of_another_too_quickly_is_told_to_step_back_and_then_passes(
    street: Heard,
) -> None:
    street.shown, street.warmth = [street.issue().text], forehead(0.0)
    while not street.answers:
        street.run(0.05)
    street.shown = [street.issue().text]  # and the sensor sees no gap between the two heads
    street.run(3.0)
    assert street.said()[-2:] == [Prompt.HOLD_STILL, Prompt.STEP_BACK]
    street.warmth = WALL
    street.run(1.5)
    street.warmth = forehead(0.1)
    street.run(3.0)
    assert len(street.answers) == 2
    assert street.said()[-1] is Prompt.GO_AHEAD
    assert street.said().count(Prompt.STEP_BACK) == 1


def test_who_changes_places_as_people_do_is_not_told_to_step_back(street: Heard) -> None:
    street.shown = [street.issue().text]
    for answered in range(1, 4):
        street.warmth = forehead(0.0)
        while len(street.answers) < answered:
            street.run(0.05)
        street.shown = [street.issue().text]
        street.run(1.0)
        street.warmth = WALL
        street.run(0.4)
    assert Prompt.STEP_BACK not in street.said()


# -- loudness ----------------------------------------------------------------------------------------------


def test_at_night_prompts_are_softer_and_still_there() -> None:
    with memory_folder() as folder, Heard(folder, quiet_hours=NIGHT) as street:
        street.until(21.5)
        street.pass_by(street.issue().text)
        street.until(23.0)
        street.pass_by(street.issue().text)
        assert [spoken.quiet for spoken in street.speaker.history] == [False, False, True, True]


def test_a_time_that_is_not_known_is_no_reason_to_whisper() -> None:
    with memory_folder() as folder, Heard(folder, quiet_hours=NIGHT) as street:
        street.until(23.0)
        street.clock.set_state(ClockState.UNTRUSTED)
        street.leap(3 * 3600)
        street.run(1.0)
        street.pass_by(None, stays=1.0)
        assert [(spoken.prompt, spoken.quiet) for spoken in street.speaker.history] == [
            (Prompt.SHOW_PASS, False)
        ]


# -- announcements -----------------------------------------------------------------------------------------


def test_by_default_nothing_is_announced(street: Heard) -> None:
    for _ in range(30):
        street.leap(120.0)
        street.run(1.0)
    assert street.said() == []


def test_an_announcement_comes_every_ten_minutes_while_nobody_is_there(announcing: Heard) -> None:
    announcing.until(8.0)
    began = announcing.clock.monotonic()
    for _ in range(60):
        announcing.leap(29.0)
        announcing.run(1.0)
    assert announcing.said(began) in ([Prompt.KEEP_DISTANCE] * 3, [Prompt.KEEP_DISTANCE] * 4)


def test_an_announcement_waits_for_who_is_at_the_gate(announcing: Heard) -> None:
    announcing.until(8.0)
    announcing.run(20.0)
    announcing.leap(EVERY)
    came = announcing.clock.monotonic()
    announcing.pass_by(announcing.issue().text)
    assert announcing.said(came) == [Prompt.HOLD_STILL, Prompt.GO_AHEAD]
    announcing.run(AFTER_S + CALM_S)
    assert announcing.said(came)[2:] == [Prompt.KEEP_DISTANCE]


def test_a_person_cuts_an_announcement_off(announcing: Heard) -> None:
    announcing.until(8.0)
    announcing.leap(EVERY)
    while announcing.speaker.last is not Prompt.KEEP_DISTANCE:
        announcing.run(0.05)
    announcing.shown = [announcing.issue().text]
    announcing.run(0.3)
    assert announcing.speaker.speaking is Prompt.HOLD_STILL


def test_quiet_hours_silence_announcements_until_the_morning(announcing: Heard) -> None:
    announcing.until(22.1)
    began = announcing.clock.monotonic()
    for _ in range(40):
        announcing.leap(EVERY)
        announcing.run(0.1)
    assert announcing.said(began) == []
    announcing.until(6.1)
    for _ in range(20):
        announcing.leap(60.0)
        announcing.run(0.1)
    assert announcing.said(began)[0] is Prompt.KEEP_DISTANCE


def test_a_time_that_is_not_known_silences_announcements(announcing: Heard) -> None:
    announcing.until(8.0)
    announcing.clock.set_state(ClockState.UNTRUSTED)
    began = announcing.clock.monotonic()
    for _ in range(20):
        announcing.leap(120.0)
        announcing.run(0.1)
    assert announcing.said(began) == []


def test_a_closed_gate_announces_nothing() -> None:
    with (
        memory_folder() as folder,
        Heard(folder, hours=(OpeningHours(0x7F, 9 * 60, 10 * 60),), announce_every_min=5) as street,
    ):
        for hour, announces in ((9.1, True), (10.1, False)):
            street.until(hour)
            began = street.clock.monotonic()
            for _ in range(30):
                street.leap(60.0)
                street.run(0.1)
            assert bool(street.said(began)) is announces


def test_an_announcement_waits_for_who_leans_in_without_a_pass(announcing: Heard) -> None:
    announcing.until(8.0)
    announcing.run(20.0)
    announcing.leap(EVERY - 30.0)
    came = announcing.clock.monotonic()
    announcing.pass_by(None, stays=40.0)
    assert announcing.said(came) == [Prompt.SHOW_PASS]
    announcing.run(AFTER_S + CALM_S)
    assert announcing.said(came)[1:] == [Prompt.KEEP_DISTANCE]


def test_a_gate_that_can_not_see_does_not_speak_to_the_street(announcing: Heard) -> None:
    announcing.until(8.0)
    announcing.camera_gone = True
    began = announcing.clock.monotonic()
    for _ in range(20):
        announcing.run(1.0)
        announcing.leap(120.0)
    assert announcing.said(began) == []


moments = st.lists(st.tuples(st.floats(0.01, 120.0), st.booleans(), st.booleans()), min_size=1, max_size=80)


@given(moments, st.floats(0.0, 900.0))
def test_announcements_never_come_into_anybodys_way(
    turns: list[tuple[float, bool, bool]], every: float
) -> None:
    now = Monotonic(0.0)
    plan = Announcements(Seconds(every), now)
    spoke = busy = made = 0.0
    for step, nobody, speaks in turns:
        now = Monotonic(now + step)
        if speaks:
            plan.spoke(now)
            spoke = now
        busy = busy if nobody else now
        if plan.due(now, nobody=nobody):
            assert every > 0
            assert nobody
            assert now - busy >= CALM_S
            assert now - spoke >= AFTER_S
            assert now - made >= every - 1e-6, "but for rounding"
            plan.made(now)
            made = now


# -- the page ----------------------------------------------------------------------------------------------


def test_the_page_says_every_prompt_in_the_words_of_the_gate() -> None:
    page = (REPOSITORY / "docs" / "speaker.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z_]+) \| ([^|`]+) \| ([^|`]+) \|$", page, re.MULTILINE)
    told = {name: (zh, en) for name, zh, en in rows}
    assert told == {str(each): (words.prompt(each, "zh"), words.prompt(each, "en")) for each in Prompt}

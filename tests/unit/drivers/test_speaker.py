"""The real speaker over a stand-in player: what it is fed, how it dies, what goes wrong and comes back."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
import time
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from drivers import sound
from drivers.aplay import LATE_S, Aplay, Clip, Playing
from drivers.clock import SystemClock
from drivers.prompt_sounds import PromptSounds, file_name
from drivers.simulated.clock import VirtualClock
from drivers.speaker import AlsaSpeaker
from drivers.tones import tone
from kiosk.errors import (
    DeviceAbsent,
    DeviceBusy,
    DeviceError,
    DevicePermission,
    DeviceStalled,
    PromptsMissing,
)
from kiosk.model import Monotonic, Prompt
from tests.aplay import StandIn, Watched
from tests.contract.speakers import QUIET, VOLUME, AlsaRig, alsa_rig, speech_folder, spoken

TONES = PromptSounds(None, ("zh", "en"))


@pytest.fixture
def rig() -> Iterator[AlsaRig]:
    with alsa_rig() as made:
        yield made


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# -- what is played -----------------------------------------------------------------------------------------


def test_the_player_gets_raw_samples_at_the_volume_and_is_told_their_format(rig: AlsaRig) -> None:
    rig.say(Prompt.GO_AHEAD)
    began = rig.player.begun[-1]
    assert began.words == "C --quiet -t raw -f S16_LE -c 1 -r 22050 -D plughw:7"
    fed = array("h", began.fed)
    first = spoken(Prompt.GO_AHEAD, "zh")
    assert fed[: len(first)] == sound.scaled(first, VOLUME)
    assert sound.peak(fed) == spoken(Prompt.GO_AHEAD, "en")[0] * VOLUME // 100


def test_the_card_is_tried_once_at_start_with_silence(rig: AlsaRig) -> None:
    rig.pass_time(120.0)
    (began,) = rig.player.begun
    assert began.trial
    assert set(began.fed) == {0}


def test_silenced_plays_nothing_and_still_cuts_off(tmp_path: Path) -> None:
    with StandIn(tmp_path) as player:
        clock = VirtualClock()
        with AlsaSpeaker(TONES, Watched(player), volume=VOLUME, quiet_volume=0, clock=clock) as speaker:
            rig = AlsaRig(speaker, clock, player, TONES)
            rig.pass_time(1.0)
            rig.say(Prompt.SHOW_PASS)
            rig.say(Prompt.GO_AHEAD, quiet=True)
            assert speaker.speaking is None
            assert speaker.fault is None
            assert [began.gone for began in player.begun if not began.trial] == [True]


def test_of_two_prompts_at_once_the_newer_is_heard(rig: AlsaRig) -> None:
    rig.speaker.say(Prompt.SHOW_PASS)
    rig.say(Prompt.GO_AHEAD)
    assert rig.heard() == [(Prompt.GO_AHEAD, False)]


def test_a_key_pressed_for_the_gate_does_not_reach_the_player(rig: AlsaRig) -> None:
    """Ctrl-C in a terminal goes to everything of its session; the gate silences its own player."""
    rig.say(Prompt.GO_AHEAD)
    assert os.getsid(rig.player.begun[-1].pid) != os.getsid(0)


# -- how it dies --------------------------------------------------------------------------------------------


def test_a_player_that_heeds_no_signal_is_silenced_all_the_same(rig: AlsaRig) -> None:
    rig.player.works("stubborn")
    rig.say(Prompt.WAIT_FOR_VOLUNTEER)
    rig.say(Prompt.GO_AHEAD)
    assert rig.player.begun[-2].gone
    rig.speaker.close()
    assert rig.player.begun[-1].gone


def test_a_hundred_prompts_leave_no_process_and_no_open_file(rig: AlsaRig) -> None:
    for prompt in Prompt:  # each prompt's sound is kept open once
        rig.say(prompt)
        rig.say(prompt, quiet=True)
    before = open_descriptors()
    for number in range(100):
        rig.say(list(Prompt)[number % len(Prompt)])
        if number % 3 == 0:
            rig.finish()
    rig.finish()
    assert rig.sounding() == 0
    assert open_descriptors() < before
    rig.speaker.close()
    assert all(began.gone for began in rig.player.begun)


def test_closing_gives_back_every_descriptor(tmp_path: Path) -> None:
    before = open_descriptors()
    with alsa_rig() as rig:
        rig.say(Prompt.GO_AHEAD)
    assert open_descriptors() == before


class DeadDisk(PromptSounds):
    """Reading from it does not come back before the test lets it."""

    def __init__(self) -> None:
        super().__init__(None, ("zh",))
        self.asked, self.let_go = threading.Event(), threading.Event()

    def load(self, prompt: Prompt) -> sound.Samples:
        self.asked.set()
        self.let_go.wait(20.0)
        return super().load(prompt)


def test_closing_waits_for_no_dead_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.speaker.JOIN_S", 0.05)
    disk = DeadDisk()
    with StandIn(tmp_path) as player:
        speaker = AlsaSpeaker(disk, Watched(player), volume=80, quiet_volume=20, clock=SystemClock())
        speaker.start()
        assert disk.asked.wait(20.0)
        closing = threading.Thread(target=speaker.close, daemon=True)
        closing.start()
        closing.join(10.0)
        ended = not closing.is_alive()
        disk.let_go.set()
        for thread in (closing, *(each for each in threading.enumerate() if each.name == "speaker")):
            thread.join(10.0)
    assert ended, "the gate would never have stopped"


# -- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("aplay: main:831: audio open error: No such file or directory", DeviceAbsent),
        ("aplay: main:831: audio open error: No such device", DeviceAbsent),
        ("aplay: main:831: audio open error: Device or resource busy", DeviceBusy),
        ("aplay: main:831: audio open error: Permission denied", DevicePermission),
        ("aplay: pcm_write:2146: write error: Input/output error", DeviceError),
        ("\x1b[31m\xff", DeviceError),
    ],
)
def test_what_the_player_complains_about_becomes_a_fault_in_words(
    rig: AlsaRig, said: str, kind: type[DeviceError]
) -> None:
    rig.player.fails(said)
    rig.say(Prompt.GO_AHEAD)
    rig.pass_time(0.2)
    assert type(rig.speaker.fault) is kind
    assert str(rig.speaker.fault).startswith("speaker: plughw:7: ")
    assert str(rig.speaker.fault).isprintable()


def test_a_player_that_is_not_installed_is_a_fault_with_its_package() -> None:
    clock = VirtualClock()
    card = Aplay("default", "no-such-aplay")
    with AlsaSpeaker(TONES, card, volume=VOLUME, quiet_volume=QUIET, clock=clock) as speaker:
        speaker.step(clock.monotonic())
        assert isinstance(speaker.fault, DeviceAbsent)
        assert "alsa-utils" in str(speaker.fault)


def test_a_player_that_may_not_be_run_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "aplay").write_text("no program")
    clock = VirtualClock()
    card = Aplay("default", str(tmp_path / "aplay"))
    with AlsaSpeaker(TONES, card, volume=VOLUME, quiet_volume=QUIET, clock=clock) as speaker:
        speaker.step(clock.monotonic())
        assert speaker.fault is not None
        assert "can't be started" in str(speaker.fault)


def test_a_card_that_takes_no_sound_is_given_up_and_tried_again(rig: AlsaRig) -> None:
    rig.say(Prompt.GO_AHEAD)
    began = rig.player.begun[-1]
    lasts = len(began.fed) / 2 / sound.RATE
    rig.pass_time(lasts + LATE_S - 0.1)
    assert rig.speaker.fault is None
    rig.pass_time(0.3)
    assert isinstance(rig.speaker.fault, DeviceStalled)
    assert began.gone
    rig.pass_time(2.0)
    assert rig.speaker.fault is None, "the trial went through"


class InTheKernel(Playing):
    """A player that waits in a driver, where no signal reaches it, until the card is pulled out."""

    pulled_out = False

    def stop(self) -> bool:
        return self.pulled_out and super().stop()

    def gone(self) -> bool:
        return self.pulled_out and super().gone()


class HangingCard(Watched):
    def __init__(self, player: StandIn) -> None:
        super().__init__(player)
        self.last: InTheKernel | None = None

    def play(self, clip: Clip, now: Monotonic) -> Playing:
        playing = super().play(clip, now)
        if self.player.begun[-1].trial:
            return playing
        self.last = InTheKernel(playing._child, self.device, playing._late)
        return self.last


def test_a_player_that_can_not_be_killed_is_waited_for_and_nothing_piles_up(tmp_path: Path) -> None:
    with StandIn(tmp_path) as player:
        clock, card = VirtualClock(), HangingCard(player)
        with AlsaSpeaker(TONES, card, volume=VOLUME, quiet_volume=QUIET, clock=clock) as speaker:
            rig = AlsaRig(speaker, clock, player, TONES)
            rig.pass_time(0.2)
            rig.say(Prompt.GO_AHEAD)
            for _ in range(5):
                rig.say(Prompt.HOLD_STILL)
                rig.pass_time(2.0)
            assert isinstance(speaker.fault, DeviceStalled)
            assert len(rig.heard()) == 1
            assert card.last is not None
            card.last.pulled_out = True
            os.kill(player.begun[-1].pid, signal.SIGKILL)
            player.ended(player.begun[-1])
            rig.pass_time(40.0)
            assert speaker.fault is None
            assert rig.sounding() == 0


def test_a_missing_card_is_tried_again_after_1_2_4_to_30_s_and_never_heard(rig: AlsaRig) -> None:
    rig.unplug()
    rig.say(Prompt.GO_AHEAD)
    rig.pass_time(0.1)
    tried = []
    count = len(rig.player.begun)
    for second in range(160):
        rig.pass_time(1.0)
        if len(rig.player.begun) > count:
            tried.append(second)
            count = len(rig.player.begun)
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps[:4] == [2, 4, 8, 16]
    assert set(gaps[4:]) == {30}
    assert all(began.trial for began in rig.player.begun[-len(tried) :])
    rig.plug_in()
    assert rig.speaker.fault is None
    rig.unplug()
    rig.say(Prompt.GO_AHEAD)
    rig.player.works()
    rig.pass_time(1.2)
    assert rig.speaker.fault is None, "the next fault is a first one again"


def test_a_prompt_is_tried_in_a_fault_too_and_ends_it(rig: AlsaRig) -> None:
    rig.unplug()
    for _ in range(6):
        rig.say(Prompt.GO_AHEAD)
        rig.pass_time(0.1)
    rig.player.works()
    rig.say(Prompt.HOLD_STILL)
    rig.finish()
    assert rig.speaker.fault is None


def test_a_defect_within_costs_the_voice_and_not_the_gate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(PromptSounds):
        def load(self, prompt: Prompt) -> array[int]:
            if prompt is Prompt.SHOW_PASS and not mended:
                raise RuntimeError("a defect")
            return super().load(prompt)

    mended: list[bool] = []
    clock = VirtualClock()
    with (
        StandIn(tmp_path) as player,
        AlsaSpeaker(Broken(None, ("en",)), Watched(player), volume=9, quiet_volume=0, clock=clock) as speaker,
        caplog.at_level(logging.ERROR),
    ):
        speaker.start()
        clock.wait_for_threads(1)
        speaker.say(Prompt.SHOW_PASS)
        clock.advance(0.1)
        assert speaker.fault is not None
        assert "a defect" in str(speaker.fault)
        mended.append(True)
        clock.advance(60.0)
        assert speaker.fault is None
    assert "the speaker's thread failed" in caplog.text


# -- files --------------------------------------------------------------------------------------------------


def test_a_missing_file_is_a_tone_and_a_fault_until_it_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (tmp_path / "player").mkdir()
    clock = VirtualClock()
    with StandIn(tmp_path / "player") as player:
        files = PromptSounds(folder, ("zh", "en"))
        with AlsaSpeaker(files, Watched(player), volume=100, quiet_volume=50, clock=clock) as speaker:
            rig = AlsaRig(speaker, clock, player, TONES)
            rig.pass_time(0.1)
            assert isinstance(speaker.fault, PromptsMissing)
            rig.say(Prompt.GO_AHEAD)
            assert player.begun[-1].fed == tone(Prompt.GO_AHEAD).tobytes()
            rig.finish()
            assert isinstance(speaker.fault, PromptsMissing), "the card is well, the files are not"
            speech_folder(folder)
            rig.pass_time(31.0)
            assert speaker.fault is None
            rig.say(Prompt.GO_AHEAD)
            assert player.begun[-1].fed.startswith(spoken(Prompt.GO_AHEAD, "zh").tobytes())


def test_one_damaged_file_costs_its_own_language_alone(tmp_path: Path) -> None:
    folder = speech_folder(tmp_path)
    (folder / file_name(Prompt.GO_AHEAD, "zh")).write_bytes(b"RIFF")
    files = PromptSounds(folder, ("zh", "en"))
    played = files.load(Prompt.GO_AHEAD)
    assert played[: len(tone(Prompt.GO_AHEAD))] == tone(Prompt.GO_AHEAD)
    english = spoken(Prompt.GO_AHEAD, "en")
    assert played[-len(english) :] == english
    files.load(Prompt.HOLD_STILL)
    assert "GO_AHEAD" in str(files.problem)
    assert "HOLD_STILL" not in str(files.problem)


# -- threads, and the real program --------------------------------------------------------------------------


def test_saying_something_does_not_wait_for_the_player(tmp_path: Path) -> None:
    """The player is not even there before the thread has its turn: whoever says something goes on at once."""
    clock = VirtualClock()
    with (
        StandIn(tmp_path) as player,
        AlsaSpeaker(TONES, Watched(player), volume=VOLUME, quiet_volume=QUIET, clock=clock) as speaker,
    ):
        speaker.say(Prompt.GO_AHEAD)
        assert player.begun == []
        speaker.start()
        clock.wait_for_threads(1)
        said = [speaker.speaking]
        speaker.say(Prompt.HOLD_STILL)
        clock.advance(0.0)
        said.append(speaker.speaking)
        assert said == [Prompt.GO_AHEAD, Prompt.HOLD_STILL]
        speaker.close()
        assert all(began.gone for began in player.begun)


def require_aplay() -> None:
    if shutil.which("aplay") is None:
        sentence = "no aplay here (Debian: alsa-utils): the real program was not tried"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)


def played_through(speaker: AlsaSpeaker, clock: SystemClock) -> None:
    ends = time.monotonic() + 10
    while (speaker.step(clock.monotonic()) is not None or speaker.speaking) and speaker.fault is None:
        assert time.monotonic() < ends


def test_the_real_program_plays_on_the_null_device() -> None:
    require_aplay()
    clock = SystemClock()
    with AlsaSpeaker(TONES, Aplay("null"), volume=VOLUME, quiet_volume=QUIET, clock=clock) as speaker:
        played_through(speaker, clock)
        for prompt in (Prompt.GO_AHEAD, Prompt.HOLD_STILL):
            speaker.say(prompt)
            played_through(speaker, clock)
        assert speaker.fault is None


def test_the_real_program_says_that_a_card_is_not_there() -> None:
    require_aplay()
    clock = SystemClock()
    with AlsaSpeaker(TONES, Aplay("hw:31"), volume=VOLUME, quiet_volume=QUIET, clock=clock) as speaker:
        played_through(speaker, clock)
        assert isinstance(speaker.fault, DeviceAbsent)

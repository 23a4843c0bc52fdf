"""The two speakers of the contract, each on a virtual clock."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

from drivers import sound
from drivers.prompt_sounds import PromptSounds, file_name
from drivers.simulated.clock import VirtualClock
from drivers.simulated.speaker import LASTS_S, SimulatedSpeaker
from drivers.speaker import LONGEST_RETRY, AlsaSpeaker
from kiosk.devices import Speaker
from kiosk.errors import DeviceAbsent
from kiosk.model import Prompt
from tests.aplay import StandIn, Watched

VOLUME: Final = 80
QUIET: Final = 20


class AnySpeaker(Speaker, Protocol):
    """What both of them offer to who composes and watches the gate, beside what the gate asks for."""

    @property
    def speaking(self) -> Prompt | None: ...

    def start(self) -> None: ...


class Rig:
    """A speaker, and what is heard of it."""

    speaker: AnySpeaker
    clock: VirtualClock

    def say(self, prompt: Prompt, *, quiet: bool = False) -> None:
        """The gate says it, and a moment passes."""
        self.speaker.say(prompt, quiet=quiet)
        self.pass_time(0.0)

    def pass_time(self, seconds: float) -> None:
        raise NotImplementedError

    def heard(self) -> list[tuple[Prompt, bool]]:
        """Every prompt that began, and whether at the night's volume."""
        raise NotImplementedError

    def sounding(self) -> int:
        """How many of them are heard now."""
        raise NotImplementedError

    def finish(self) -> None:
        """The prompt that is being said comes to its end."""
        raise NotImplementedError

    def unplug(self) -> None:
        raise NotImplementedError

    def plug_in(self) -> None:
        """And the longest back-off passes."""
        raise NotImplementedError


def spoken(prompt: Prompt, language: str) -> array[int]:
    """A different sound for each."""
    number = list(Prompt).index(prompt) * 2 + (language == "en")
    return array("h", [10_000 + 100 * number] * (2_000 + number))


def speech_folder(folder: Path, languages: tuple[str, ...] = ("zh", "en")) -> Path:
    """Every prompt rendered."""
    for prompt in Prompt:
        for language in languages:
            sound.save(spoken(prompt, language), folder / file_name(prompt, language))
    return folder


class AlsaRig(Rig):
    """The real driver over a stand-in player; stepped by the test, in whose thread it then runs."""

    def __init__(
        self, speaker: AlsaSpeaker, clock: VirtualClock, player: StandIn, files: PromptSounds
    ) -> None:
        self.speaker: AlsaSpeaker = speaker
        self.clock = clock
        self.player = player
        self._names = {
            sound.scaled(files.load(prompt), volume).tobytes(): (prompt, volume == QUIET)
            for volume in (QUIET, VOLUME)
            for prompt in Prompt
        }

    def pass_time(self, seconds: float) -> None:
        ends = self.clock.monotonic() + seconds
        while (following := self._settle()) is not None and following <= ends:
            self.clock.advance(following - self.clock.monotonic())
        self.clock.advance(ends - self.clock.monotonic())

    def _settle(self) -> float | None:
        """Step until nothing is left to do at this time."""
        following = self.speaker.step(self.clock.monotonic())
        while following is not None and following <= self.clock.monotonic():
            following = self.speaker.step(self.clock.monotonic())
        return following

    def heard(self) -> list[tuple[Prompt, bool]]:
        return [self._names[began.fed] for began in self.player.begun if not began.trial]

    def sounding(self) -> int:
        return sum(not began.gone for began in self.player.begun)

    def finish(self) -> None:
        self.player.end(self.player.begun[-1])
        self.pass_time(0.1)

    def unplug(self) -> None:
        self.player.fails("aplay: main:831: audio open error: No such file or directory")

    def plug_in(self) -> None:
        self.player.works()
        self.pass_time(LONGEST_RETRY + 1.0)


class SimulatedRig(Rig):
    """The simulated speaker."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.speaker: SimulatedSpeaker = SimulatedSpeaker(self.clock)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def heard(self) -> list[tuple[Prompt, bool]]:
        return [(said.prompt, said.quiet) for said in self.speaker.history]

    def sounding(self) -> int:
        return int(self.speaker.speaking is not None)

    def finish(self) -> None:
        self.pass_time(LASTS_S)

    def unplug(self) -> None:
        self.speaker.fault = DeviceAbsent("speaker: unplugged")

    def plug_in(self) -> None:
        self.speaker.fault = None


@contextmanager
def alsa_rig() -> Iterator[AlsaRig]:
    with tempfile.TemporaryDirectory(prefix="kiosk-speaker-") as name, StandIn(Path(name)) as player:
        folder = Path(name) / "prompts"
        folder.mkdir()
        files = PromptSounds(speech_folder(folder), ("zh", "en"))
        clock = VirtualClock()
        with AlsaSpeaker(
            files,
            Watched(player),
            volume=VOLUME,
            quiet_volume=QUIET,
            clock=clock,
        ) as speaker:
            rig = AlsaRig(speaker, clock, player, PromptSounds(folder, ("zh", "en")))
            rig.pass_time(0.1)
            yield rig


@contextmanager
def simulated_rig() -> Iterator[SimulatedRig]:
    yield SimulatedRig()


Opener = Callable[[], AbstractContextManager[Rig]]
RIGS: dict[str, Opener] = {"alsa": alsa_rig, "simulated": simulated_rig}

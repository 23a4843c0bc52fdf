"""The sound of each prompt: rendered speech in the configured languages, one after the other, or tones.

Files are named PROMPT.language.wav, such as GO_AHEAD.zh.wav. They come from set-up (drivers.speech), or are
recordings of somebody's own; a language whose file can't be used has its tone in that place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from drivers import sound
from drivers.sound import Samples
from drivers.tones import tone
from kiosk.errors import PromptsMissing, SoundUnusable
from kiosk.model import Prompt, Seconds

BETWEEN_S: Final = Seconds(0.3)
"""Pause between the languages."""


def file_name(prompt: Prompt, language: str) -> str:
    """Where a prompt's speech lies in the folder."""
    return f"{prompt}.{language}.wav"


class PromptSounds:
    """Reads files; for one thread. ``folder`` None: tones for everything, and nothing is missing."""

    def __init__(self, folder: Path | None, languages: tuple[str, ...]) -> None:
        self._folder = folder
        self._languages = languages
        self._unusable: dict[Prompt, SoundUnusable] = {}

    @property
    def problem(self) -> PromptsMissing | None:
        """Tones stand in for speech that could not be loaded; what is wrong with the first file."""
        if not self._unusable:
            return None
        names = ", ".join(sorted(self._unusable))
        return PromptsMissing(f"speaker: tones instead of {names} ({next(iter(self._unusable.values()))})")

    def unusable(self) -> tuple[Prompt, ...]:
        """Prompts of which a file could not be used when it was last looked at."""
        return tuple(self._unusable)

    def load(self, prompt: Prompt) -> Samples:
        """A prompt at full volume. Never fails: what can't be read is a tone, and a :attr:`problem`."""
        self._unusable.pop(prompt, None)
        joined = sound.silence(Seconds(0.0))
        for part in self._parts(prompt):
            if joined:
                joined += sound.silence(BETWEEN_S)
            joined += part
        return joined

    def _parts(self, prompt: Prompt) -> Iterator[Samples]:
        """One after the other; the tone at most once, since it says the same in every language."""
        spoken = [self._speech(prompt, language) for language in self._languages]
        toned = False
        for samples in spoken:
            if samples is not None:
                yield samples
            elif not toned:
                toned = True
                yield tone(prompt)

    def _speech(self, prompt: Prompt, language: str) -> Samples | None:
        if self._folder is None:
            return None
        try:
            return sound.load(self._folder / file_name(prompt, language))
        except SoundUnusable as error:
            self._unusable[prompt] = error
            return None

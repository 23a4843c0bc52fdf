"""Speech files for the speaker, rendered at set-up by espeak-ng (GPL-3, a program that is called).

The engine's part is small and replaceable: any recording of somebody's own voice under the same names, in
another folder, is as good. What was rendered from which words, by which engine and voice, stands beside the
files in ``rendered.json``: a file is rendered again when any of it changed, or when the file did.

The Mandarin voice is ``cmn-latn-pinyin``, not ``cmn``: in espeak-ng 1.51 (Debian 12) the latter turns
characters into pinyin and reads that as English (espeak-ng issues 1044 and 1236); in 1.52 (Debian 13) both
say the same. What would be pronounced is looked at first, and a voice that switches languages is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from drivers import sound
from drivers.prompt_sounds import file_name
from drivers.sound import Samples
from kiosk.errors import SoundUnusable, SpeechError
from kiosk.files import write_atomic
from kiosk.model import Prompt, Seconds

PROGRAM: Final = "espeak-ng"
LIST: Final = "rendered.json"
LONGEST_RUN_S: Final = Seconds(30.0)
"""A sentence takes some 20 ms; an engine that takes so long hangs."""
_FORM: Final = 1
"""Of what is done to the engine's sound (pauses cut, peak); another one renders everything anew."""
_SWITCH: Final = re.compile(r"\([a-z]{2,3}(-[a-z]+)*\)")
"""How espeak-ng marks, among phonemes, that it goes on in another language."""


class Voice(NamedTuple):
    """A voice of the engine and its pace in words a minute, slower than its usual 175."""

    name: str
    pace: int


VOICES: Final[Mapping[str, Voice]] = {"zh": Voice("cmn-latn-pinyin", 160), "en": Voice("en-us", 150)}


class Rendered(NamedTuple):
    """What a run did, as file names."""

    made: tuple[str, ...]
    kept: tuple[str, ...]


Speak = Callable[[str, Voice], Samples]
"""A sentence spoken; SpeechError when it can't be."""


class Espeak:
    """The engine."""

    def __init__(self, program: str = PROGRAM) -> None:
        """SpeechError when it is not installed."""
        self._program = program
        said = self._run("--version").decode("utf-8", "replace")
        self.version = re.sub(r"\s*Data at:.*", "", said.strip(), flags=re.DOTALL)
        """As it calls itself."""

    def __call__(self, text: str, voice: Voice) -> Samples:
        """The sentence, as loud as every other, without pauses around it."""
        self._refuse_switching(text, voice)
        with tempfile.TemporaryDirectory(prefix="kiosk-speech-") as folder:
            file = Path(folder) / "said.wav"
            self._run(*_spoken_by(voice), "-s", str(voice.pace), "-w", str(file), text=text)
            try:
                return sound.normalised(sound.load(file))
            except SoundUnusable as error:
                raise SpeechError(f"{self._program} made no usable sound of {text!r}: {error}") from error

    def _refuse_switching(self, text: str, voice: Voice) -> None:
        phonemes = self._run(*_spoken_by(voice), "-q", "-x", text=text).decode("utf-8", "replace")
        if _SWITCH.search(phonemes):
            raise SpeechError(
                f"the voice {voice.name} of {self.version} reads {text!r} in another language:"
                f" {phonemes.strip()}"
            )

    def _run(self, *arguments: str, text: str = "") -> bytes:
        try:
            done = subprocess.run(
                [self._program, *arguments],
                input=text.encode(),
                capture_output=True,
                check=True,
                timeout=LONGEST_RUN_S,
            )
        except FileNotFoundError as error:
            raise SpeechError(
                f"{self._program} is not installed: apt-get install espeak-ng, or speaker.voice = 'tones'"
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip() or f"it ended with {error.returncode}"
            raise SpeechError(f"{self._program} {' '.join(arguments[:2])}: {said}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SpeechError(f"{self._program}: {error}") from error
        return done.stdout


def _spoken_by(voice: Voice) -> tuple[str, ...]:
    return ("-v", voice.name, "-b", "1", "--stdin")  # -b 1: the text is UTF-8, whatever the locale says


def render(
    folder: Path,
    words: Callable[[Prompt, str], str],
    languages: tuple[str, ...],
    speak: Speak,
    engine: str,
    *,
    voices: Mapping[str, Voice] = VOICES,
) -> Rendered:
    """Bring a folder up to date: every prompt in every language, and only what has changed.

    Each file is written whole or not at all, and named in the list only once it is there: a run that was cut
    short is gone on with by the next. SpeechError when a voice is missing; OSError when the folder can't be
    written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = _listed(folder)
    made, kept = [], []
    for prompt in Prompt:
        for language in languages:
            name, text, voice = file_name(prompt, language), words(prompt, language), voices[language]
            of = _fingerprint(text, voice, engine)
            if listed.get(name) == {"of": of, "is": _hash(folder / name)}:
                kept.append(name)
                continue
            sound.save(speak(text, voice), folder / name)
            listed[name] = {"of": of, "is": _hash(folder / name)}
            write_atomic(folder / LIST, json.dumps(listed, indent=1, sort_keys=True).encode(), mode=0o644)
            made.append(name)
    return Rendered(tuple(made), tuple(kept))


def _fingerprint(text: str, voice: Voice, engine: str) -> str:
    return hashlib.sha256(json.dumps([_FORM, engine, *voice, text]).encode()).hexdigest()


def _hash(file: Path) -> str:
    """Of what a file holds; of nothing when it is not there."""
    with suppress(OSError):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return ""


def _listed(folder: Path) -> dict[str, object]:
    """What earlier runs made; a list that can't be read means that nothing is known, and all is rendered."""
    try:
        listed = json.loads((folder / LIST).read_bytes())
    except (OSError, ValueError):
        return {}
    return listed if isinstance(listed, dict) else {}

"""The speaker: prompts on a sound card through ALSA, one at a time, the next one cutting the last one off.

A thread of its own loads files, starts and kills the player (drivers.aplay): a slow disk, a card that hangs
or one that is not there never holds up the gate. What fails is a fault with back-off and nothing more: the
lamp says everything by itself.

Wiring: any card that ALSA knows. An I2S amplifier (MAX98357A and the like: BCM 18, 19 and 21) comes up with
``dtoverlay=hifiberry-dac``; a USB speaker needs nothing. docs/speaker.md says how to find its name.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

from drivers import sound
from drivers.aplay import Aplay, Clip, Playing
from drivers.clock import WakingClock
from drivers.prompt_sounds import PromptSounds
from kiosk.errors import DeviceError, DeviceStalled
from kiosk.model import Monotonic, Prompt, Seconds

FIRST_RETRY: Final = Seconds(1.0)
LONGEST_RETRY: Final = Seconds(30.0)
"""Also how often files that could not be used are looked at again."""
LOOK_S: Final = Seconds(0.05)
"""How often a playing child is asked whether it has ended."""
TRIAL_S: Final = Seconds(0.05)
"""Length of the silence that is played to find out whether the card is there."""
JOIN_S: Final = Seconds(2.0)

_log = logging.getLogger(__name__)


class _Wish(NamedTuple):
    """What to say, and how loud."""

    prompt: Prompt
    quiet: bool


class AlsaSpeaker:
    """Plays prompts on an ALSA device.

    ``say()``, ``fault`` and ``speaking`` may be used from any thread and return at once; ``close()`` too, it
    waits for the thread. Nothing is heard before ``start()``, unless a test calls ``step()`` itself.
    """

    def __init__(
        self,
        sounds: PromptSounds,
        card: Aplay,
        *,
        volume: int,
        quiet_volume: int,
        clock: WakingClock,
    ) -> None:
        """Opens nothing yet: that the card is missing is found out by the first step, as a fault.

        ``volume`` and ``quiet_volume``: 0 to 100 %, 0 is silent.
        """
        self._sounds = sounds
        self._card = card
        self._volumes = {False: volume, True: quiet_volume}
        self._clock = clock
        self._wake = clock.event()
        self._wishes: deque[_Wish] = deque(maxlen=1)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._clips: dict[_Wish, Clip] = {}
        self._trial = Clip(sound.silence(TRIAL_S))
        self._playing: Playing | None = None
        self._hangs: Playing | None = None
        self._said: Prompt | None = None
        self._failure: DeviceError | None = None
        self._missing: DeviceError | None = None
        self._wait = FIRST_RETRY
        self._try_at: Monotonic | None = clock.monotonic()
        self._look_again_at = Monotonic(float("-inf"))
        self._to_load = list(Prompt)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- for the gate ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread; it tries the card and loads the files."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
            self._thread.start()

    def say(self, prompt: Prompt, *, quiet: bool = False) -> None:
        """Say it now, cutting off what is being said; nothing once closed. ``quiet``: the night's volume."""
        self._wishes.append(_Wish(prompt, quiet))
        self._wake.set()

    @property
    def speaking(self) -> Prompt | None:
        """What is being said."""
        return self._said

    @property
    def fault(self) -> DeviceError | None:
        """Why nothing is heard, or why tones are instead of speech; None: all is well."""
        return self._failure or self._missing

    def close(self) -> None:
        """Silence, and the thread ended. Any number of times, from any thread.

        A thread that a dead disk holds ends with the process: nobody waits for it.
        """
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)
        if not self._lock.acquire(timeout=JOIN_S):
            _log.warning("the speaker's thread hangs")
            return
        try:
            self._release()
        finally:
            self._lock.release()

    # -- for the thread ----------------------------------------------------------------------------------

    def step(self, now: Monotonic) -> Monotonic | None:
        """Do what is due at this time; when to come back, None: when woken. Never raises DeviceError."""
        with self._lock:
            if self._closed:
                return None
            if self._hangs is not None and not self._hangs.gone():
                # The card is not free, so nothing else can be played on it either.
                self._wishes.clear()
                return Monotonic(now + FIRST_RETRY)
            self._hangs = None
            try:
                self._mind_playing(now)
                self._mind_wish(now)
                self._mind_trial(now)
            except DeviceError as error:
                self._failed(error, now)
            return self._idle(now)

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            try:
                following = self.step(self._clock.monotonic())
            except Exception as error:  # noqa: BLE001 top of a thread: a defect costs the voice, not the gate
                _log.exception("the speaker's thread failed")
                with self._lock:
                    self._failed(DeviceError(f"speaker: {error}"), self._clock.monotonic())
                following = self._try_at
            self._wake.wait(None if following is None else max(0.0, following - self._clock.monotonic()))
        with self._lock:
            self._release()

    # -- within ------------------------------------------------------------------------------------------

    def _mind_playing(self, now: Monotonic) -> None:
        if self._playing is not None and not self._playing.going(now):
            self._hush()
            self._failure, self._try_at, self._wait = None, None, FIRST_RETRY

    def _mind_wish(self, now: Monotonic) -> None:
        try:
            wish = self._wishes.popleft()
        except IndexError:
            return
        self._hush()
        if self._volumes[wish.quiet] == 0:
            return
        self._playing = self._card.play(self._clip(wish), now)
        self._said = wish.prompt

    def _mind_trial(self, now: Monotonic) -> None:
        if self._playing is None and self._try_at is not None and now >= self._try_at:
            self._playing = self._card.play(self._trial, now)

    def _idle(self, now: Monotonic) -> Monotonic | None:
        """Load a file while there is nothing else to do; when to go on."""
        if self._wishes:
            return now
        if self._to_load:
            self._clip(_Wish(self._to_load.pop(0), quiet=False))
            return now
        if self._playing is not None:
            return Monotonic(now + LOOK_S)
        again = self._look_again(now)
        return again if self._try_at is None else min(self._try_at, again or self._try_at)

    def _look_again(self, now: Monotonic) -> Monotonic | None:
        """Files that could not be used may have come; None: none is missing."""
        unusable = self._sounds.unusable()
        if not unusable:
            return None
        if now >= self._look_again_at:
            self._look_again_at = Monotonic(now + LONGEST_RETRY)
            for prompt in unusable:
                self._forget(prompt)
            self._to_load = list(unusable)
            return now
        return self._look_again_at

    def _clip(self, wish: _Wish) -> Clip:
        """The prompt at its volume; made once, and again after its files were looked at again."""
        if wish not in self._clips:
            samples = self._sounds.load(wish.prompt)
            self._clips[wish] = Clip(sound.scaled(samples, self._volumes[wish.quiet]))
            self._missing = self._sounds.problem
        return self._clips[wish]

    def _forget(self, prompt: Prompt) -> None:
        for quiet in (False, True):
            clip = self._clips.pop(_Wish(prompt, quiet), None)
            if clip is not None:
                clip.close()

    def _hush(self) -> None:
        """Nothing is heard any more. DeviceStalled when the player can't be ended: the card hangs."""
        playing, self._playing, self._said = self._playing, None, None
        if playing is not None and not playing.stop():
            self._hangs = playing
            raise DeviceStalled(f"speaker: {self._card.device} hangs, and its player with it")

    def _release(self) -> None:
        with suppress(DeviceStalled):
            self._hush()
        for clip in (self._trial, *self._clips.values()):
            clip.close()

    def _failed(self, error: DeviceError, now: Monotonic) -> None:
        self._failure = error
        self._try_at = Monotonic(now + self._wait)
        self._wait = Seconds(min(self._wait * 2, LONGEST_RETRY))
        with suppress(DeviceStalled):
            self._hush()

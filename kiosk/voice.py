"""What the gate says and when: prompts at once, announcements in a quiet moment, both softer at night.

A prompt answers somebody, so it is said at any time; in quiet hours at the night's volume. An announcement
is for nobody in particular: it waits until the gate has had nobody before it and said nothing for a while,
and quiet hours, a closed gate, or not knowing which of them it is, silence it.
"""

from __future__ import annotations

from typing import Final

from kiosk.config import SpeakerConfig
from kiosk.devices import Clock, Speaker
from kiosk.hours import is_open
from kiosk.model import Monotonic, Prompt, Seconds
from kiosk.surroundings import Surroundings

CALM_S: Final = Seconds(5.0)
"""Nobody has been at the gate for so long."""
AFTER_S: Final = Seconds(10.0)
"""From the beginning of the last prompt: it is over, and its echo too. Ours."""
LATER_S: Final = Seconds(60.0)
"""An announcement that may not be made now is thought of again after so long."""


class Announcements:
    """When the next announcement is due. Pure: told the time, says yes or no."""

    def __init__(self, every: Seconds, now: Monotonic) -> None:
        """``every``: from one to the next, 0 for never; the first comes that long after ``now``."""
        self._every = every
        self._due_at = Monotonic(now + every)
        self._spoke_at = self._busy_at = now

    def spoke(self, now: Monotonic) -> None:
        """Something was said."""
        self._spoke_at = now

    def silent(self, now: Monotonic) -> bool:
        """Nothing was said for a while."""
        return now - self._spoke_at >= AFTER_S

    def due(self, now: Monotonic, *, nobody: bool) -> bool:
        """One should be made now; ``nobody`` is at the gate. To be asked on every turn."""
        if not nobody:
            self._busy_at = now
        calm = now - self._busy_at >= CALM_S and self.silent(now)
        return self._every > 0 and now >= self._due_at and calm

    def made(self, now: Monotonic) -> None:
        """The next is due after the usual time: what was missed in a rush is not made up for."""
        self._due_at = Monotonic(now + self._every)

    def postpone(self, now: Monotonic) -> None:
        """Not now; it stays due."""
        self._due_at = Monotonic(now + LATER_S)


class Voice:
    """Stands between the gate and its speaker. For the gate thread only."""

    def __init__(
        self, speaker: Speaker, config: SpeakerConfig, surroundings: Surroundings, clock: Clock
    ) -> None:
        self._speaker = speaker
        self._clock = clock
        self._quiet_hours = config.quiet_hours
        self._surroundings = surroundings
        self._announcements = Announcements(Seconds(60.0 * config.announce_every_min), clock.monotonic())

    def say(self, prompt: Prompt) -> None:
        """Say it at once, cutting off what is being said."""
        self._announcements.spoke(self._clock.monotonic())
        # A time that is not known is no reason to whisper to whoever stands in the traffic.
        self._speaker.say(prompt, quiet=self._quiet() is True)

    def remind(self, prompt: Prompt) -> None:
        """Say it once more to who asks again, unless something has only just been said."""
        if self._announcements.silent(self._clock.monotonic()):
            self.say(prompt)

    def turn(self, now: Monotonic, *, nobody: bool) -> None:
        """Make an announcement if it is time for one; ``nobody`` is at the gate."""
        if not self._announcements.due(now, nobody=nobody):
            return
        if self._may_announce():
            self._announcements.made(now)
            self.say(Prompt.KEEP_DISTANCE)
        else:
            self._announcements.postpone(now)

    def _may_announce(self) -> bool:
        return self._quiet() is False and self._surroundings.gate_open is True

    def _quiet(self) -> bool | None:
        """Whether these are quiet hours; None: the time is not known well enough to say."""
        if not self._quiet_hours:
            return False
        policy = self._surroundings.policy
        return is_open(self._quiet_hours, self._surroundings.interval, policy.time_zone)

"""Three tries, some milliseconds apart, without ever waiting: the polls between them return."""

from __future__ import annotations

from typing import Final

from kiosk.errors import DeviceError, SensorError
from kiosk.model import BusCounts, Monotonic, Seconds

TRIES: Final = 3
APART_S: Final = Seconds(0.02)


class Tries:
    """Counts the tries of one reading. For one thread."""

    def __init__(self, name: str, counts: BusCounts) -> None:
        self._name = name
        self._counts = counts
        self._errors: list[DeviceError] = []

    def worked(self) -> None:
        """The reading succeeded."""
        self._errors.clear()

    def failed(self, error: DeviceError, now: Monotonic) -> Monotonic:
        """When to try again; after the third failure raises what it was.

        A part that answered wrongly in one of them is there: only silence three times is absence.
        """
        self._errors.append(error)
        if len(self._errors) < TRIES:
            self._counts.retries += 1
            return Monotonic(now + APART_S)
        self._counts.failures += 1
        answered = [one for one in self._errors if isinstance(one, SensorError)]
        self._errors = []
        raise _given_up(answered[-1] if answered else error)


def _given_up(error: DeviceError) -> DeviceError:
    return type(error)(f"{error} (tried {TRIES} times)")

"""The whole journal verified while the gate is already running: it takes too long to wait for at start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Final

from kiosk.errors import JournalError
from kiosk.passage.chain_walk import Verification
from kiosk.passage.journal_reader import JournalReader

PAUSE_S: Final = 0.02
"""Left to the gate after each page of 500 events: 240,000 events then take some ten seconds longer."""


def check_whole(path: Path, stop: Event | None = None, pause_s: float = 0.0) -> Verification:
    """Every link, then SQLite's quick_check, on read-only connections. JournalError when it can't be read."""
    reader = JournalReader(path)
    found = reader.verify(stop=stop, pause_s=pause_s)
    if not found.ok or (stop is not None and stop.is_set()):
        return found
    complaint = reader.quick_check(stop)
    return found if complaint is None else replace(found, ok=False, problem=f"quick_check: {complaint}")


class BackgroundCheck:
    """One :func:`check_whole` in a thread of its own. ``result`` may be read from any thread."""

    def __init__(self, path: Path, pause_s: float = PAUSE_S) -> None:
        """Nothing runs before :meth:`start`."""
        self.result: Verification | None = None
        """None while it runs (or was stopped); then what was found."""
        self._path = path
        self._pause_s = pause_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name="journal-check", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> Verification | None:
        """Wait for the result, at most ``timeout_s`` seconds."""
        self._thread.join(timeout_s)
        return self.result

    def stop(self) -> None:
        """End it early and wait for its thread; any number of times, started or not."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            found = check_whole(self._path, self._stop, self._pause_s)
        except JournalError as error:
            found = Verification(False, problem=str(error))
        if not self._stop.is_set():
            self.result = found

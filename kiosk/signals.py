"""A clean stop: SIGTERM and SIGINT end the loop, and everything is then closed in order.

Not a threading.Event: its set() takes a lock that the main thread may be holding when the signal comes,
and would then wait for itself. A flag and a pipe need none (signal(7), pipe(7)).
"""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Final, Self

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Within ``with StopSignals() as stop:`` these signals set ``stop``. Main thread only.

    Outside of the block nothing can be waited for. A second SIGINT raises KeyboardInterrupt as usual, for
    a loop that does not look at ``stop``. ``is_set()``, ``set()`` and ``wait()`` are those of an Event and
    may be called from any thread.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._set = False
        self._old: dict[signal.Signals, signal._HANDLER] = {}
        self._pipe: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        self._pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in SIGNALS:
            self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        pipe, self._pipe = self._pipe, None
        for end in pipe or ():
            os.close(end)

    def is_set(self) -> bool:
        """Whether the process shall stop."""
        return self._set

    def set(self) -> None:
        """Stop without a signal."""
        already, self._set = self._set, True
        if self._pipe is not None and not already:
            os.write(self._pipe[1], b"!")

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is set, at most ``timeout`` seconds; whether it is set."""
        if self._pipe is not None and not self._set:
            # The byte is never read: once set, every wait returns at once.
            select.select([self._pipe[0]], [], [], timeout)
        return self._set

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 signal's signature
        if self._set and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)
        self.set()

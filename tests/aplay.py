"""A stand-in for ALSA's aplay: a real process that keeps what it was fed, and plays until it is told to end.

It says on a named pipe that it has begun, so that a test waits for it and never sleeps.
"""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

from drivers.aplay import Aplay, Clip, Playing
from kiosk.model import Monotonic

PATIENCE_S: Final = 10.0
SCRIPT: Final = """#!/bin/sh
cd "{folder}"
cat >$$.pcm
mode=$(cat mode)
echo "$$ $LC_ALL $*" >news
case $mode in
    play) ;;
    stubborn) trap '' TERM INT HUP ;;
    *) printf '%s\\n' "ALSA lib pcm.c:2666:(snd_pcm_open_noupdate) something" "$mode" >&2; exit 1 ;;
esac
# The silence by which the speaker tries its card ends by itself.
[ "$(wc -c <$$.pcm)" -lt {shortest} ] || read -r _ <end
"""
SHORTEST: Final = 4_000
"""Bytes of a sound that is taken for a prompt."""


class Began(NamedTuple):
    """One start of the player."""

    pid: int
    words: str
    """LC_ALL and the arguments."""
    fed: bytes

    @property
    def trial(self) -> bool:
        """Only to find out whether the card is there."""
        return len(self.fed) < SHORTEST

    @property
    def gone(self) -> bool:
        """Ended, and its end taken: not even a zombie is left."""
        return not Path(f"/proc/{self.pid}").exists()


class StandIn:
    """The program's folder, and what has been played."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "aplay"
        self.begun: list[Began] = []
        self._folder = folder
        self.works()
        self.program.write_text(SCRIPT.format(folder=folder, shortest=SHORTEST))
        self.program.chmod(stat.S_IRWXU)
        for name in ("news", "end"):
            os.mkfifo(folder / name)
        # Read and written here, so that nobody waits for the other side to come.
        self._news, self._end = (os.open(folder / name, os.O_RDWR) for name in ("news", "end"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (self._news, self._end):
            os.close(descriptor)

    def works(self, how: str = "play") -> None:
        """From now on it plays; ``stubborn``: whatever it is asked to do."""
        (self._folder / "mode").write_text(how)

    def fails(self, words: str) -> None:
        """From now on it complains and ends."""
        (self._folder / "mode").write_text(words)

    def next(self) -> Began:
        """Wait for the next start."""
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._news], [], [], PATIENCE_S)
            assert ready, "nothing was played"
            line += os.read(self._news, 1)
        pid, _, words = line.decode().strip().partition(" ")
        began = Began(int(pid), words, (self._folder / f"{pid}.pcm").read_bytes())
        self.begun.append(began)
        return began

    @property
    def plays(self) -> bool:
        """It does not fail."""
        return (self._folder / "mode").read_text() in ("play", "stubborn")

    def quiet(self) -> bool:
        """Nothing else has been started."""
        return not select.select([self._news], [], [], 0)[0]

    def end(self, began: Began) -> None:
        """Let it play to its end (one that fails has ended already)."""
        os.write(self._end, b"\n")
        self.ended(began)

    def ended(self, began: Began) -> None:
        """Wait until it is over, without taking its end: that is the speaker's."""
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, began.pid, os.WEXITED | os.WNOWAIT)


class Watched(Aplay):
    """Comes back when the child has begun, or has ended where it ends by itself."""

    def __init__(self, player: StandIn, device: str = "plughw:7") -> None:
        super().__init__(device, str(player.program))
        self.player = player

    def play(self, clip: Clip, now: Monotonic) -> Playing:
        playing = super().play(clip, now)
        began = self.player.next()
        if began.trial or not self.player.plays:
            self.player.ended(began)
        return playing

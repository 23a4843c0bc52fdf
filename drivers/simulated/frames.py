"""Pictures of the scenario's people, rendered ahead in a process of their own.

The gate's process asks for people in the order in which they will come and reads finished pictures from
files in memory, one picture at a time; numpy and the drawing stay on the other side of a pipe. One line of
JSON asks, one line answers. A renderer that dies is DeviceStalled for the camera, never a wait without end.

``python -m drivers.simulated.frames DIRECTORY WIDTH HEIGHT SEED`` is that other process.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self

from kiosk.errors import DeviceStalled
from kiosk.model import Seconds
from kiosk.scenario import Carrier, PassKind, Person, Showing

AHEAD: Final = 8
"""People rendered ahead: 15 MB of pictures at 640x480."""
WAIT_S: Final = Seconds(10.0)
"""Real time after which a picture that does not come means that the renderer hangs."""
LEAVE_S: Final = Seconds(2.0)
SHOTS_EACH: Final = 6
MEMORY_FOLDER: Final = Path("/dev/shm")  # noqa: S108 - memory, and only if there is room; mkdtemp makes 0700
NICE: Final = 5
"""The gate's own work comes first."""
FOREIGN_TEXT: Final = "https://example.org/canteen/menu"
"""Shown by who was to show a real photograph where there is none."""
NO_PHOTOGRAPHS: Final = "there are no photographs: who was to show one showed a drawn code of somebody else's"
_BACKGROUND: Final = ""
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})


@dataclass(frozen=True, slots=True)
class Picture:
    """One finished picture: luma, row by row."""

    luma: bytes
    label: str


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for, and what has come of it: names of the shots, empty until then."""

    file: Path
    label: str
    shots: tuple[str, ...] = ()


class Renderer:
    """The gate's end of the renderer. For one thread.

    ``texts``: what each person's code says (person id to text); ``issue`` is asked for people that a
    trainer sends later. ``photographs``: folder of real pictures, or None. :attr:`notes` says in words
    what could not be shown as the scenario wants it.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        *,
        seed: int,
        width: int = 640,
        height: int = 480,
        issue: Callable[[Person], str | None] | None = None,
        photographs: Path | None = None,
        ahead: int = AHEAD,
    ) -> None:
        self.width, self.height = width, height
        self.ahead = ahead
        self.notes: list[str] = []
        self.render_ms: list[float] = []
        """Renderer's time for each person so far."""
        self._texts = texts
        self._issue = issue
        self._issued: dict[str, str | None] = {}
        self._photographs = _pictures(photographs)
        self._seed = seed
        self._orders: dict[str, _Order] = {}
        self._count = 0
        self._unread = b""
        self._closed = False
        self._lost = False
        """The process was found to have ended or to hang."""
        self.folder = Path(tempfile.mkdtemp(prefix="kiosk-frames-", dir=_roomy((ahead + 1) * self._bytes)))
        try:
            self._process = self._spawn()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of the renderer's process."""
        return self._process.pid

    # -- for the camera ----------------------------------------------------------------------------

    def want(self, people: Sequence[Person]) -> None:
        """These are needed next, in this order; everybody else's pictures are thrown away."""
        keep = {person.id for person in people}
        for person_id in [key for key in self._orders if key not in keep and key != _BACKGROUND]:
            self._orders.pop(person_id).file.unlink(missing_ok=True)
        for person in people[: self.ahead]:
            if person.shows_code and person.id not in self._orders:
                self._order(person)
        self._take_answers(0.0)

    def ready(self, person: Person) -> bool:
        """Whether this person's pictures are there."""
        self._take_answers(0.0)
        order = self._orders.get(person.id)
        return not person.shows_code or (order is not None and bool(order.shots))

    def picture(self, person: Person | None, shot: str) -> Picture:
        """One shot (a name of painting's lists); waits for it in real time.

        DeviceStalled when the renderer is gone or takes more than 10 s.
        """
        key = _BACKGROUND if person is None else person.id
        if person is not None and key not in self._orders:
            self._order(person)
        order = self._finished(key)
        if shot not in order.shots and person is None:
            raise DeviceStalled(f"simulated camera: {self.notes[-1] if self.notes else 'no pictures'}")
        if shot not in order.shots:
            # Nothing could be drawn for this person (a note says why): they stand there without a code.
            return self.picture(None, "near")
        with order.file.open("rb", buffering=0) as file:
            luma = os.pread(file.fileno(), self._size, order.shots.index(shot) * self._size)
        return Picture(luma, f"{order.label} {shot}".strip())

    def revive(self) -> None:
        """Start a new process if the old one has ended or hangs; what it still owed is asked for again."""
        if self._closed or not (self._lost or self._process.poll() is not None):
            return
        self._end()
        self._process = self._spawn()
        for key, order in list(self._orders.items()):
            if not order.shots and key != _BACKGROUND:
                del self._orders[key]

    def close(self) -> None:
        """End the process and remove its pictures; any number of times."""
        if self._closed:
            return
        self._closed = True
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- orders ------------------------------------------------------------------------------------

    @property
    def _size(self) -> int:
        return self.width * self.height

    @property
    def _bytes(self) -> int:
        return self._size * SHOTS_EACH

    def _order(self, person: Person) -> None:
        photograph = self._photograph(person)
        request = {
            "id": person.id,
            "text": None if photograph else self._text(person),
            "phone": person.kind.carrier is Carrier.PHONE,
            "brightness": person.kind.brightness,
            "dark_mode": person.kind.dark_mode,
            "code_mm": person.code_mm,
            "seed": person.seed,
            "showing": asdict(person.kind.showing),
            "photograph": str(photograph) if photograph else None,
        }
        self._ask(person.id, request, photograph.name if photograph else person.id)

    def _ask(self, key: str, request: Mapping[str, Any], label: str) -> None:
        self._count += 1
        file = self.folder / f"{self._count}.luma"
        self._orders[key] = _Order(file, label)
        line = json.dumps({**request, "file": file.name}) + "\n"
        pipe = self._process.stdin
        # A pipe broken here means that the process is gone: whoever waits for the picture says so.
        with suppress(BrokenPipeError, ValueError):
            if pipe is not None:
                pipe.write(line.encode())
                pipe.flush()

    def _text(self, person: Person) -> str | None:
        owner = person.code_of or person.id
        if owner in self._texts:
            return self._texts[owner]
        if person.kind.pass_kind is PassKind.PHOTOGRAPH:
            return FOREIGN_TEXT
        if person.kind.text is not None:
            return person.kind.text
        if owner not in self._issued:
            self._issued[owner] = self._issue(person) if self._issue is not None else None
            if self._issued[owner] is None:
                self._note(f"{person.id} had no pass to show: none was issued")
        return self._issued[owner]

    def _photograph(self, person: Person) -> Path | None:
        """The picture the scenario names, else one by the person's seed; None where there are none."""
        if person.kind.pass_kind is not PassKind.PHOTOGRAPH:
            return None
        if not self._photographs:
            self._note(NO_PHOTOGRAPHS)
            return None
        named = self._photographs.get(person.kind.photograph or "")
        return named or Random(person.seed).choice(list(self._photographs.values()))  # noqa: S311

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    # -- the process -----------------------------------------------------------------------------------

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._unread, self._lost = b"", False
        arguments = [str(self.folder), str(self.width), str(self.height), str(self._seed)]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "drivers.simulated.frames", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                # Control-C at the terminal is for the gate; this process ends with its pipe.
                start_new_session=True,
            )
        self._process = process
        self._ask(_BACKGROUND, {"id": _BACKGROUND}, "")
        return process

    def _finished(self, key: str) -> _Order:
        deadline = time.monotonic() + WAIT_S
        while not self._orders[key].shots:
            left = deadline - time.monotonic()
            self._lost = left <= 0
            if self._lost:
                raise DeviceStalled(f"simulated camera: no picture within {WAIT_S:.0f} s")
            self._lost = not self._take_answers(left)
            if self._lost:
                raise DeviceStalled(f"simulated camera: the renderer has ended{self._last_words()}")
        return self._orders[key]

    def _take_answers(self, wait: float) -> bool:
        """Read what the renderer has said, waiting at most so long for it; False when it is gone."""
        pipe = self._process.stdout
        if pipe is None or pipe.closed:
            return False
        while select.select([pipe], [], [], wait)[0]:
            got = os.read(pipe.fileno(), 65_536)
            if not got:
                return False
            *lines, self._unread = (self._unread + got).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
            wait = 0.0
        return True

    def _take(self, answer: Mapping[str, Any]) -> None:
        order = self._orders.get(answer["id"])
        if order is None or order.file.name != answer["file"]:
            # Nobody waits for it any more.
            (self.folder / answer["file"]).unlink(missing_ok=True)
            return
        if "error" in answer:
            self._note(f"{answer['id'] or 'the camera'} has no picture: {answer['error']}")
        if answer["id"] != _BACKGROUND:
            self.render_ms.append(answer["ms"])
        self._orders[answer["id"]] = _Order(order.file, order.label, tuple(answer["shots"]) or ("",))

    def _last_words(self) -> str:
        with suppress(OSError, IndexError):
            return ": " + (self.folder / "log").read_text(errors="replace").strip().splitlines()[-1]
        return ""

    def _end(self) -> None:
        process = self._process
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _pictures(folder: Path | None) -> dict[str, Path]:
    if folder is None or not folder.is_dir():
        return {}
    return {file.name: file for file in sorted(folder.iterdir()) if file.suffix.lower() in _PICTURES}


def _roomy(needed: int) -> Path:
    """Memory where there is room for twice what is needed, else the usual place for temporary files.

    A container's /dev/shm is often 64 MB for everybody.
    """
    with suppress(OSError):
        if os.access(MEMORY_FOLDER, os.W_OK) and shutil.disk_usage(MEMORY_FOLDER).free >= 2 * needed:
            return MEMORY_FOLDER
    return Path(tempfile.gettempdir())


# -- the other process -----------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Render what standard input asks for until it ends, then remove everything: nobody is left to."""
    from drivers.simulated.painting import Painter

    os.nice(NICE)
    folder = Path(arguments[0])
    painter = Painter(int(arguments[1]), int(arguments[2]), int(arguments[3]))
    for line in sys.stdin:
        began = time.process_time()
        request = json.loads(line)
        answer = {"id": request["id"], "file": request["file"], **_render(painter, folder, request)}
        answer["ms"] = round((time.process_time() - began) * 1000, 1)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _render(painter: Any, folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    from drivers.simulated.painting import Subject

    file = request.pop("file")
    showing = Showing(**request.pop("showing", {}))
    if request["id"] == _BACKGROUND:
        shots = painter.backgrounds()
    else:
        photograph = request.pop("photograph")
        picture = Path(photograph) if photograph else None
        shots = painter.person(Subject(**request, showing=showing, photograph=picture))
    names = []
    try:
        with (folder / file).open("wb") as out:
            for shot, luma in shots:
                out.write(luma.tobytes())
                names.append(shot)
    except (ValueError, OSError) as error:
        return {"shots": [], "error": str(error)}
    return {"shots": names}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

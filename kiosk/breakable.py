"""What a scenario can break of a simulated gate that is no part of the street: disk, decoders, button.

Each stands in the place of the real thing and passes everything on; while its fault is on it fails as the
real one does, so that whatever notices and mends it is the product's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from drivers.qr_decode import QrDecoder
from drivers.qr_libraries import Library, load_libraries
from kiosk.devices import CallButton
from kiosk.errors import DecoderError, DeviceAbsent, JournalError, JournalFull
from kiosk.fitted import Presses
from kiosk.journal_keeper import Writer
from kiosk.model import CodeRead, EventKind, EventSeq, Frame, Monotonic, Receipt, Verdict
from kiosk.scenario import FaultKind

IsOn = Callable[[FaultKind], object]
"""Something true while a fault of this kind lasts."""


class BreakableDecoder(QrDecoder):
    """The real decoders. Also tells what was read in which picture."""

    def __init__(
        self,
        symbologies: Sequence[str],
        is_on: IsOn,
        on_read: Callable[[str, list[str]], None] | None = None,
    ) -> None:
        libraries, _ = load_libraries(symbologies)
        super().__init__(symbologies, libraries=[_Breakable(library, is_on) for library in libraries])
        self._on_read = on_read

    def decode(self, frame: Frame) -> list[CodeRead]:
        """Every code in a frame of a video."""
        reads = super().decode(frame)
        if reads and self._on_read is not None:
            self._on_read(frame.label, [read.text for read in reads])
        return reads


class _Breakable:
    """One decoder's library."""

    def __init__(self, library: Library, is_on: IsOn) -> None:
        self.name = library.name
        self._library = library
        self._is_on = is_on

    def read(self, frame: Frame) -> list[CodeRead]:
        if self._is_on(FaultKind.DECODER_FAILING):
            raise DecoderError(f"simulated: {self.name} fails on every frame")
        return self._library.read(frame)


class BreakableButton(Presses):
    """The call button, with a cable."""

    def __init__(self, button: CallButton, is_on: IsOn) -> None:
        super().__init__(button)
        self._is_on = is_on
        self._demand_cable()

    def poll(self, now: Monotonic) -> Sequence[bool]:
        """(True,) when it was pressed since the last poll; a press during the fault rings nowhere."""
        pressed = super().poll(now)
        self._demand_cable()
        return pressed

    def close(self) -> None:
        """The button itself belongs to whoever made it: it is needed again."""

    def _demand_cable(self) -> None:
        if self._is_on(FaultKind.BUTTON_GONE):
            raise DeviceAbsent("simulated call button: no cable")


class BreakableDisk:
    """The journal on a disk that can be full or fail."""

    def __init__(self, journal: Writer, is_on: IsOn) -> None:
        self._journal = journal
        self._is_on = is_on

    @property
    def epoch(self) -> str:
        """Name of the run of numbers."""
        return self._journal.epoch

    @property
    def seq(self) -> EventSeq:
        """Number of the newest event."""
        return self._journal.seq

    @property
    def disk_full(self) -> bool:
        """The scenario has filled the disk, or it is full."""
        return bool(self._is_on(FaultKind.DISK_FULL)) or self._journal.disk_full

    def append(
        self, kind: EventKind, body: Mapping[str, object], *, verdict: Verdict | None = None
    ) -> Receipt:
        """Durable append; JournalError while the disk takes nothing."""
        self._demand_disk()
        return self._journal.append(kind, body, verdict=verdict)

    def written(
        self, kind: EventKind, body: Mapping[str, object], after: EventSeq, verdict: Verdict | None = None
    ) -> EventSeq | None:
        """Whether exactly this event stands there."""
        return self._journal.written(kind, body, after, verdict)

    def write_counted(self) -> Receipt | None:
        """Events that came too fast; JournalError while the disk takes nothing."""
        self._demand_disk()
        return self._journal.write_counted()

    def reclaim(self) -> bool:
        """Try to have the reserve again."""
        return not self.disk_full and self._journal.reclaim()

    def close(self) -> None:
        """Release the file."""
        self._journal.close()

    def _demand_disk(self) -> None:
        if self._is_on(FaultKind.DISK_FULL):
            raise JournalFull("simulated: no space left on the disk")
        if self._is_on(FaultKind.JOURNAL_FAILING):
            raise JournalError("simulated: input/output error")

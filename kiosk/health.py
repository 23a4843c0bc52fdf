"""What works and what does not, part by part; changes become events and lights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kiosk.errors import KioskError
from kiosk.model import EventKind

CAMERA: Final = "camera"
THERMOMETER: Final = "thermometer"
AIR: Final = "air"
OUTDOOR: Final = "outdoor"
"""The part that measures the air outside."""
OUTDOOR_ENTRY: Final = "outdoor_entry"
"""What somebody entered for it."""
BUTTON: Final = "button"
SPEAKER: Final = "speaker"
JOURNAL: Final = "journal"
DISK: Final = "disk"
CHAIN: Final = "chain"
"""The older part of the journal; the newest links are verified at start."""
DIRECTORY: Final = "directory"
ENVIRONMENT: Final = "environment"
SCREENING: Final = "screening"
"""Whether readings are judged at all: UNCOMMISSIONED, DRIFT."""
BASELINE: Final = "baseline"
"""The file that keeps it over a restart (kiosk.baseline_keeper)."""
CLOCK: Final = "clock"
SECRET: Final = "secret"
"""By which this device names codes that are no pass."""
FLOOR: Final = "floor"
"""The newest proven time, kept over a restart (kiosk.timekeeping)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A part went wrong or came back."""

    kind: EventKind
    part: str
    code: str
    message: str

    def body(self) -> dict[str, object]:
        """For the journal."""
        return {"part": self.part, "code": self.code, "message": self.message}


@dataclass(slots=True)
class Health:
    """Faults by part. For the gate thread only; :meth:`snapshot` may be handed on."""

    faults: dict[str, Change] = field(default_factory=dict)

    def note(self, part: str, code: str | None, message: str = "") -> Change | None:
        """Take in how a part is (``code`` None: well); the change, if it is one."""
        before = self.faults.get(part)
        if code is None:
            if before is None:
                return None
            del self.faults[part]
            return Change(EventKind.RECOVERED, part, before.code, "")
        change = Change(EventKind.FAULT, part, code, message)
        self.faults[part] = change
        return None if before is not None and before.code == code else change

    def note_error(self, part: str, error: KioskError | None) -> Change | None:
        """The same from an exception."""
        return self.note(part, None) if error is None else self.note(part, error.code, str(error))

    def bad(self, *parts: str) -> bool:
        """True when any of these parts has a fault."""
        return any(part in self.faults for part in parts)

    def snapshot(self) -> dict[str, str]:
        """Part to code, of what is wrong now."""
        return {part: change.code for part, change in self.faults.items()}

"""One tree of errors. Every leaf has a stable code; leaves also inherit the builtin that fits.

A code never changes its meaning: logs, the journal, exit messages and the panel all quote it.
"""

from __future__ import annotations

from typing import ClassVar


class KioskError(Exception):
    """Base of everything the product raises on purpose. ``code`` is stable; ``str()`` is for people."""

    code: ClassVar[str] = "KIOSK"


# -- configuration and files ---------------------------------------------------------------------


class ConfigError(KioskError, ValueError):
    """The configuration can't be used. ``problems`` holds every mistake found, not only the first."""

    code = "CONFIG"

    def __init__(self, message: str, problems: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class ConfigUnreadable(ConfigError):
    """The configuration file is not there, or may not be read, or is no configuration at all."""

    code = "CONFIG_UNREADABLE"


class UnsafePermissions(KioskError, PermissionError):
    """A secret file may be read by others than its owner."""

    code = "UNSAFE_PERMISSIONS"


# -- devices ---------------------------------------------------------------------------------------


class DeviceError(KioskError, OSError):
    """A device does not answer as it should: a state of the gate, never a crash."""

    code = "DEVICE"


class DeviceAbsent(DeviceError):
    """The device, its bus or its kernel driver is not there."""

    code = "DEVICE_ABSENT"


class DevicePermission(DeviceError):
    """The process may not open the device."""

    code = "DEVICE_PERMISSION"


class DeviceBusy(DeviceError):
    """Somebody else (a kernel driver, another process) holds the device."""

    code = "DEVICE_BUSY"


class DeviceStalled(DeviceError, TimeoutError):
    """The device is there but delivers nothing."""

    code = "DEVICE_STALLED"


class SensorError(DeviceError):
    """The thermometer answered with something that is not a measurement."""

    code = "SENSOR_FAULT"


class WrongChecksum(SensorError):
    """An answer came over the bus with a checksum that does not fit: whatever it says, it is not believed."""


class SensorStuck(SensorError):
    """The same raw word for longer than a living sensor's noise allows."""

    code = "SENSOR_STUCK"


class DecoderError(DeviceError):
    """A decoder failed on a frame. The frame is counted and dropped."""

    code = "DECODER"


class PictureError(DeviceError):
    """A picture file can't be used as a frame; the other pictures are not affected."""

    code = "PICTURE"


class PictureMissing(PictureError, FileNotFoundError):
    """There is no such file."""

    code = "PICTURE_MISSING"


class PictureUnreadable(PictureError, PermissionError):
    """The file is there but may not be read, or is not an ordinary file."""

    code = "PICTURE_UNREADABLE"


class PictureBroken(PictureError, ValueError):
    """The file is no picture of a known kind, or is cut short or damaged."""

    code = "PICTURE_BROKEN"


class PictureTooLarge(PictureError, ValueError):
    """More bytes or pixels than a pass needs: a decompression bomb, or a mistake."""

    code = "PICTURE_TOO_LARGE"


# -- calibration -------------------------------------------------------------------------------------


class CalibrationError(KioskError, ValueError):
    """What was measured, or what is on file, is no ground to calibrate or to judge by."""

    code = "CALIBRATION"


class TooFewPeople(CalibrationError):
    """Not enough people have been measured at this gate to say what is normal here."""

    code = "TOO_FEW_PEOPLE"


class MixedReadings(CalibrationError):
    """Enough people were measured, but by different parts or under different settings."""

    code = "MIXED_READINGS"


class DoubtfulReadings(CalibrationError):
    """The people measured do not look like one healthy crowd at one place."""

    code = "DOUBTFUL_READINGS"


class ReferenceUnstable(CalibrationError):
    """The thermometer did not settle on the reference."""

    code = "REFERENCE_UNSTABLE"


class TimeUnproven(CalibrationError):
    """A date is needed and no clock of this machine can be believed."""

    code = "TIME_UNPROVEN"


class PromptsMissing(DeviceError):
    """Rendered speech is missing or damaged: tones are played in its place."""

    code = "PROMPTS_MISSING"


class SoundUnusable(KioskError, ValueError):
    """A file holds no sound that can be played as it is."""

    code = "SOUND_UNUSABLE"


class SpeechError(KioskError, RuntimeError):
    """The speech engine, a voice of it or the folder for its files is missing."""

    code = "SPEECH"


# -- passes and trust -------------------------------------------------------------------------------


class PassError(KioskError, ValueError):
    """A text is not an acceptable pass. ``reason`` is one of :class:`kiosk.model.Reason`."""

    code = "PASS"

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class TrustError(KioskError, ValueError):
    """A signed list can't be trusted: signature, expiry, hash or shape."""

    code = "TRUST"


class TrustExpired(TrustError):
    """The root's trust list has surely expired: nothing it names may be believed any more."""

    code = "TRUST_EXPIRED"


class DirectoryMissing(TrustError):
    """There are no signed lists on this gate yet."""

    code = "DIRECTORY_MISSING"


# -- journal ------------------------------------------------------------------------------------------


class JournalError(KioskError, RuntimeError):
    """The journal can't take or give an event. ``errno`` is the system's number where there is one."""

    code = "JOURNAL"

    def __init__(self, message: str = "", errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class JournalFull(JournalError):
    """No space on the disk that holds the journal, even after the reserve was released."""

    code = "DISK_FULL"


class JournalDamaged(JournalError):
    """The chain or the file does not verify. The file is set aside whole, never emptied."""

    code = "JOURNAL_DAMAGED"


class JournalLocked(JournalError):
    """Another process writes this journal: there is one writer."""

    code = "JOURNAL_LOCKED"


# -- sync ----------------------------------------------------------------------------------------------


class SyncError(KioskError, ConnectionError):
    """The community server could not be reached or did not answer as the protocol demands."""

    code = "SYNC"


class NotAcknowledged(SyncError):
    """An answer did not repeat epoch, first, last and head: the cursor stays where it was."""

    code = "NOT_ACKNOWLEDGED"


class ServerRefused(SyncError):
    """The community server understood the request and said no. ``problem`` is its stable code."""

    code = "SERVER_REFUSED"

    def __init__(self, message: str, problem: str = "") -> None:
        super().__init__(message)
        self.problem = problem


class ServerBusy(SyncError):
    """The community server asked to be left alone; ``retry_after`` in seconds, None when it did not say."""

    code = "SERVER_BUSY"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


# -- web -----------------------------------------------------------------------------------------------


class UndeclaredEndpoint(KioskError, RuntimeError):
    """A web endpoint does not say who may call it: the app does not start."""

    code = "UNDECLARED_ENDPOINT"


# -- running ---------------------------------------------------------------------------------------------


class RefusedRoot(KioskError, PermissionError):
    """This command must not run as root."""

    code = "REFUSED_ROOT"


class Usage(KioskError, ValueError):
    """A command was called with arguments that make no sense together."""

    code = "USAGE"

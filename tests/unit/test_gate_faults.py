"""docs/faults.md, row by row: each failure has the light, code, answer, event and end that stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from drivers.qr_decode import FrameReader, QrDecoder
from drivers.qr_libraries import Zxing
from kiosk import health
from kiosk.baseline_file import FILE_NAME as BASELINE_FILE
from kiosk.errors import (
    DecoderError,
    DeviceAbsent,
    DeviceBusy,
    DeviceError,
    DevicePermission,
    DeviceStalled,
    JournalError,
    JournalFull,
    PromptsMissing,
    SensorStuck,
)
from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    CodeRead,
    EntryFrom,
    EventKind,
    Frame,
    Light,
    Monotonic,
    Reading,
    Reason,
    Screening,
    Seconds,
    UnixTime,
    Verdict,
)
from kiosk.outdoor import FILE_NAME as OUTDOOR_FILE
from kiosk.outdoor import OutdoorEntry
from kiosk.passage.baseline import FEWEST
from kiosk.passage.journal import BackgroundCheck, Journal, JournalReader, set_asides
from kiosk.passage.journal_file import side_files
from kiosk.passage.site import corrected_with
from kiosk.passes import manifest as manifests
from kiosk.passes.manifest import Blob
from kiosk.passes.signed_lists import (
    digest,
    peek_manifest,
    read_trust,
    sign_manifest,
    sign_trust,
)
from kiosk.person import Passage
from kiosk.reference_check import FILE_NAME as CHECK_FILE
from kiosk.reference_check import ReferenceCheck
from kiosk.supervision import Part, Supervised
from tests import codes
from tests.data import REPOSITORY
from tests.street import Street, assert_sound, memory_folder, unplugged

PAGE: Final = REPOSITORY / "docs" / "faults.md"
DAY: Final = 86_400
RECOVERY_S: Final = 45.0
"""The longest back-off and what it takes to be well again."""
BLANK: Final = bytes(64 * 48)

Provoked = AbstractContextManager[object]


@dataclass(frozen=True)
class Row:
    """One line of the page."""

    failure: str
    light: Light
    part: str
    code: str
    verdict: Verdict | None
    reason: Reason | None


def rows() -> list[Row]:
    """The table of the page."""
    table = PAGE.read_text(encoding="utf-8").split("<!-- table: begin -->")[1].split("<!-- table: end -->")[0]
    cells = [re.split(r" *\| *", line.strip("| \n")) for line in table.strip().splitlines()[2:]]
    return [_row(*line[:5]) for line in cells]


def _row(failure: str, light: str, part: str, code: str, answer: str) -> Row:
    verdict, _, reason = answer.partition(" ")
    if verdict == "none":
        return Row(failure, Light(light), part, code, None, None)
    return Row(failure, Light(light), part, code, Verdict(verdict), Reason(reason))


# -- a street that can be broken everywhere -----------------------------------------------------------------


class Breakable(Street):
    """Real pictures, real decoders, an air thermometer and a call button that can be pulled out."""

    def __init__(self, folder: Path) -> None:
        self.decoder_fails = self.libraries_gone = self.air_gone = self.button_gone = False
        self.frames_stop = False
        self.indoors = Celsius(24.0)
        self.life = Seconds(60 * DAY)
        super().__init__(folder)
        self.air = Supervised("air", lambda: Vane(self))
        self.restart()

    def _camera(self) -> Part[CodeRead]:
        return Supervised("camera", lambda: FrameReader(Lens(self), self._decoder()))

    def _decoder(self) -> QrDecoder:
        return QrDecoder(libraries=[] if self.libraries_gone else [Failing(self)])

    def _button(self) -> Part[bool]:
        return Supervised("button", lambda: Button(self))

    def somebody(self) -> Passage | None:
        """A person with a good pass and a normal forehead."""
        issued = self.trust.issuer.issue(Category.RESIDENT, now=self.trust_time(-60), life=self.life)
        return self.pass_by(issued.text)

    def renew(self) -> None:
        """The root signs a new trust list, the directory a new manifest."""
        trust, now = self.trust, self.trust_time(0)
        old = peek_manifest((trust.lists / "manifest").read_bytes())
        blob = (trust.lists / "blobs" / old.blob(manifests.TRUST).file_name).read_bytes()
        listed = read_trust(blob, trust.roots)
        renewed = replace(listed, seq=listed.seq + 1, issued_at=now, expires=UnixTime(now + 365 * DAY))
        signed = sign_trust(renewed, trust.root)
        named = Blob(digest(signed), len(signed))
        (trust.lists / "blobs" / named.file_name).write_bytes(signed)
        manifest = replace(
            old,
            seq=old.seq + 1,
            issued_at=now,
            expires=UnixTime(now + DAY),
            trust_seq=renewed.seq,
            files={**old.files, manifests.TRUST: named},
        )
        (trust.lists / "manifest").write_bytes(sign_manifest(manifest, trust.directory))


class Lens:
    """A camera that takes real pictures of the codes held up, five a second."""

    def __init__(self, street: Breakable) -> None:
        self._street = street
        self._last = Monotonic(0.0)

    def poll(self, now: Monotonic) -> Frame | None:
        if self._street.camera_gone:
            raise DeviceAbsent("camera: unplugged")
        if self._street.camera_fault is not None:
            raise self._street.camera_fault
        if now - self._last < 0.1999 or self._street.frames_stop:
            return None
        self._last = now
        if not self._street.shown:
            return Frame(BLANK, 64, 48, now)
        size, luma = picture(self._street.shown[0])
        return Frame(luma, *size, now)

    def close(self) -> None:
        """Nothing to release."""


@cache
def picture(text: str) -> tuple[tuple[int, int], bytes]:
    drawn = codes.qr(text, scale=3)
    return drawn.size, drawn.tobytes()


class Failing:
    """zxing, until it is told to fail."""

    name: Final = "zxing"

    def __init__(self, street: Breakable) -> None:
        self._street = street
        self._library = Zxing()

    def read(self, frame: Frame) -> list[CodeRead]:
        if self._street.decoder_fails:
            raise DecoderError("zxing: out of order")
        return self._library.read(frame)


class Vane:
    """An air thermometer, one value a second."""

    def __init__(self, street: Breakable) -> None:
        self._street = street
        self._last = Monotonic(0.0)

    def poll(self, now: Monotonic) -> Sequence[Celsius]:
        if self._street.air_gone:
            raise DeviceAbsent("air thermometer: unplugged")
        if now - self._last < 1.0:
            return ()
        self._last = now
        return (self._street.indoors,)

    def close(self) -> None:
        """Nothing to release."""


class Button:
    """A call button that nobody presses unless the street does."""

    def __init__(self, street: Breakable) -> None:
        self._street = street

    def poll(self, now: Monotonic) -> Sequence[bool]:
        if self._street.button_gone:
            raise DeviceAbsent("call button: unplugged")
        return (True,) if self._street.button.poll(now) else ()

    def close(self) -> None:
        """Nothing to release."""


# -- how each failure is brought about, and taken away ----------------------------------------------------


@contextmanager
def setting(street: object, name: str, value: object) -> Iterator[None]:
    """An attribute of the street, for a while."""
    before = getattr(street, name)
    setattr(street, name, value)
    yield
    setattr(street, name, before)


def switch(name: str, value: object = True) -> Callable[[Breakable], Provoked]:
    return lambda street: setting(street, name, value)


def broken_disk(error: JournalError) -> Callable[[Breakable], Provoked]:
    """Noticed with the next thing to write: somebody without a pass looks in."""

    @contextmanager
    def provoke(street: Breakable) -> Iterator[None]:
        with setting(street, "disk_error", error):
            street.pass_by(None, stays=6.0)
            yield

    return provoke


def silent(error: DeviceError) -> Callable[[Breakable], Provoked]:
    return lambda street: setting(street.speaker, "fault", error)


@contextmanager
def libraries_missing(street: Breakable) -> Iterator[None]:
    with setting(street, "libraries_gone", True):
        street.restart()
        yield


@contextmanager
def another_writer(street: Breakable) -> Iterator[None]:
    street.kiosk.close()
    path, config = street.config.journal.path, street.config
    other = Journal.open(
        path, device=config.gate.device, clock=street.clock, reserve_bytes=1 << 20, simulated=True
    )
    with closing(other):
        street.restart()
        yield


@contextmanager
def old_event_changed(street: Breakable) -> Iterator[None]:
    keeper = street.gate.surroundings.journal
    for number in range(1100):
        keeper.write_or_hold(EventKind.COUNTED, {"number": number}, street.clock.monotonic())
    street.change_event(5)
    check = BackgroundCheck(street.config.journal.path, pause_s=0)
    street.restart(check)
    street.run(0.1)
    assert check.join(20.0) is not None
    yield
    street.restart()


@contextmanager
def no_lists(street: Breakable, content: bytes | None = None) -> Iterator[None]:
    """At a start: later ones would stay in force."""
    manifest = street.trust.lists / "manifest"
    kept = manifest.read_bytes()
    street.kiosk.close()
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)
    street.restart()
    yield
    manifest.write_bytes(kept)


def tampered(street: Breakable) -> bytes:
    kept = bytearray((street.trust.lists / "manifest").read_bytes())
    kept[-3] ^= 1
    return bytes(kept)


@contextmanager
def newer_refused(street: Breakable) -> Iterator[None]:
    manifest = street.trust.lists / "manifest"
    kept = manifest.read_bytes()
    manifest.write_bytes(tampered(street))
    yield
    manifest.write_bytes(kept)


@contextmanager
def days_without_news(street: Breakable, days: float) -> Iterator[None]:
    street.leap(days * DAY)
    yield
    street.renew()


@contextmanager
def clock_jumps(street: Breakable, seconds: float) -> Iterator[None]:
    street.clock.jump(seconds)
    with setting(street, "life", Seconds(20 * DAY)):
        yield
    street.clock.jump(-seconds)


@contextmanager
def clock_unproven(street: Breakable) -> Iterator[None]:
    street.clock.set_state(ClockState.UNTRUSTED)
    yield
    street.clock.set_state(ClockState.SIMULATED)


@contextmanager
def floor_unwritable(street: Breakable) -> Iterator[None]:
    floor = street.config.journal.path.with_name("clock.json")
    floor.unlink(missing_ok=True)
    floor.mkdir()
    (floor / "in the way").touch()
    street.restart()
    yield
    (floor / "in the way").unlink()
    floor.rmdir()
    street.leap(60)


@contextmanager
def street_before_the_door(street: Breakable, outdoor: float | None) -> Iterator[None]:
    """People come from the street now, and this is how warm it is there."""
    usual = street.config
    gate = replace(usual.gate, entry_from=EntryFrom.OUTDOORS)
    street.config = replace(usual, gate=gate)
    entry = usual.journal.path.with_name(OUTDOOR_FILE)
    if outdoor is not None:
        OutdoorEntry(Celsius(outdoor), street.trust_time(0), "a volunteer").save(entry)
    street.restart()
    yield
    OutdoorEntry(Celsius(18.0), street.trust_time(0), "a volunteer").save(entry)


@contextmanager
def entry_damaged(street: Breakable) -> Iterator[None]:
    entry = street.config.journal.path.with_name(OUTDOOR_FILE)
    entry.write_text("{")
    yield
    OutdoorEntry(Celsius(18.0), street.trust_time(0), "a volunteer").save(entry)


@contextmanager
def readings_shifted(street: Breakable) -> Iterator[None]:
    baseline = street.gate.surroundings.baseline
    for number in range(FEWEST):
        reading = Reading(Screening.GUARD, deviation=Celsius(0.7))
        baseline.take(reading, str(number), street.clock.monotonic())
    yield
    part = f"{street.config.thermometer.driver} {street.config.thermometer.variant}"
    at = street.trust_time(0)
    now = corrected_with(street.gate.surroundings.site)
    check = ReferenceCheck(at, "BB-7", Celsius(35.0), Celsius(35.0), part, simulated=True, corrections=now)
    check.save(street.config.journal.path.with_name(CHECK_FILE))


@contextmanager
def baseline_unwritable(street: Breakable) -> Iterator[None]:
    file = street.config.journal.path.with_name(BASELINE_FILE)
    file.unlink(missing_ok=True)
    file.mkdir()
    (file / "in the way").touch()
    street.gate.surroundings.baseline.take(
        Reading(Screening.NORMAL, deviation=Celsius(0.0)), "somebody", street.clock.monotonic()
    )
    street.leap(60)
    yield
    (file / "in the way").unlink()
    file.rmdir()
    street.leap(60)


PROVOKE: Final[dict[str, Callable[[Breakable], Provoked]]] = {
    "camera unplugged": switch("camera_gone"),
    "camera delivers no frames": switch("frames_stop"),
    "decoders fail on every frame": switch("decoder_fails"),
    "decoder libraries missing": libraries_missing,
    "thermometer unplugged": switch("sensor_fault", DeviceAbsent("thermometer: nothing answers at 0x5A")),
    "thermometer's bus may not be opened": switch("sensor_fault", DevicePermission("I2C bus 1: group i2c")),
    "a kernel driver holds the thermometer": switch("sensor_fault", DeviceBusy("thermometer: unbind 1-005a")),
    "thermometer's bus is stuck": switch("sensor_fault", DeviceStalled("thermometer: SDA or SCL low")),
    "bus noise": switch("sensor_fault", unplugged()),
    "thermometer stuck": switch("sensor_fault", SensorStuck("thermometer: the same word for 60 s")),
    "thermometer delivers nothing": switch("sensor_silent"),
    "thermometer's own temperature impossible": switch("die", Celsius(-273.15)),
    "air thermometer unplugged": switch("air_gone"),
    "air temperature impossible": switch("indoors", Celsius(-60.0)),
    "air outside not known": lambda street: street_before_the_door(street, None),
    "too cold outside": lambda street: street_before_the_door(street, -5.0),
    "outdoor entry damaged": entry_damaged,
    "all readings have shifted": readings_shifted,
    "baseline can't be saved": baseline_unwritable,
    "call button unplugged": switch("button_gone"),
    "speaker unplugged": silent(DeviceAbsent("speaker: default: no such card")),
    "speech not rendered": silent(PromptsMissing("speaker: tones instead of SHOW_PASS")),
    "disk full, reserve used up": broken_disk(JournalFull("journal.db: no space left")),
    "journal can't be written": broken_disk(JournalError("journal.db: the disk does not write")),
    "journal written by another process": another_writer,
    "an old event changed": old_event_changed,
    "no signed lists": no_lists,
    "signed lists tampered with, none before": lambda street: no_lists(street, tampered(street)),
    "newer lists refused, older in force": newer_refused,
    "lists too old": lambda street: days_without_news(street, 8),
    "trust list expired": lambda street: days_without_news(street, 400),
    "clock jumps ahead": lambda street: clock_jumps(street, 40 * DAY),
    "clock set back": lambda street: clock_jumps(street, -DAY),
    "clock not trusted": clock_unproven,
    "proven time can't be saved": floor_unwritable,
    "lobby too cold": switch("indoors", Celsius(12.0)),
}


# -- the rows -----------------------------------------------------------------------------------------------


def test_every_row_is_tried_and_everything_tried_has_a_row() -> None:
    assert [row.failure for row in rows()] == list(PROVOKE)


def test_every_part_that_can_fail_stands_on_the_page() -> None:
    named = re.findall(
        r"^\|[^|]*\| (?:idle|fault) \| ([a-z_]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    parts = {value for name, value in vars(health).items() if name.isupper() and isinstance(value, str)}
    assert set(named) - {"none"} == parts


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.failure)
def test_a_failure_is_as_the_page_says_and_ends_by_itself(row: Row) -> None:
    with memory_folder() as folder, Breakable(folder) as street:
        street.run(2.0)
        assert_admitted(street)
        street.run(3.0)
        with PROVOKE[row.failure](street):
            began = street.clock.monotonic()
            street.run(6.0)
            assert street.faults() == {row.part: row.code}
            assert street.light_now() is row.light
            assert_answered(street, row)
            assert green_after(street, began) is (row.verdict is Verdict.ADMIT)
        ended = street.clock.monotonic()
        while street.faults() and street.clock.monotonic() < ended + RECOVERY_S:
            street.run(1.0)
        assert street.faults() == {}
        street.run(5.0)
        assert street.light_now() is Light.IDLE
        assert_admitted(street)
        told = street.told()
        assert ("fault", row.part, row.code) in told
        assert {part for kind, part, _ in told if kind == "recovered"} >= {row.part} or row.part == "chain"
        street.kiosk.close()
        if row.part != "chain":
            assert_sound(street.config.journal.path)


def assert_admitted(street: Breakable) -> None:
    passage = street.somebody()
    assert passage is not None
    assert passage.decision.verdict is Verdict.ADMIT


def assert_answered(street: Breakable, row: Row) -> None:
    passage = street.somebody()
    if row.verdict is None:
        assert passage is None, "a gate that can't see answers nobody by itself"
        street.button.press()
        street.run(0.2)
        passage, expected = street.answers[-1], (Verdict.REFER, Reason.CALLED)
    else:
        assert row.reason is not None
        expected = (row.verdict, row.reason)
    assert passage is not None
    assert (passage.decision.verdict, passage.decision.reasons[0]) == expected


def green_after(street: Breakable, since: Monotonic) -> bool:
    return any(change.outputs.green for change in street.lamp.history if change.at >= since)


# -- a damaged journal is mended at once --------------------------------------------------------------------


def overwrite(path: Path) -> None:
    """What a dying card leaves of the journal: none of its pages, nor those of SQLite's side files."""
    for file in (path, *side_files(path)):
        if file.exists():
            with file.open("r+b") as opened:
                opened.write(bytes([0x5A]) * file.stat().st_size)


def genesis(path: Path) -> dict[str, object]:
    return JournalReader(path).events(limit=1)[0].content() or {}


@pytest.fixture
def street() -> Iterator[Breakable]:
    with memory_folder() as folder, Breakable(folder) as made:
        made.run(2.0)
        yield made


def test_a_journal_found_damaged_at_a_start_is_set_aside_and_people_go_on_passing(street: Breakable) -> None:
    assert_admitted(street)
    path = street.config.journal.path
    street.kiosk.close()
    overwrite(path)
    street.restart()
    street.run(2.0)
    assert street.faults() == {}
    assert street.light_now() is Light.IDLE
    [aside] = set_asides(path)
    assert genesis(path)["set_aside"] == aside.name
    assert_admitted(street)
    assert_sound(path)


@pytest.mark.parametrize("how", ["overwritten", "removed", "moved away"])
def test_a_journal_lost_while_the_gate_runs_costs_one_person_a_green_and_nobody_a_record(
    street: Breakable, how: str
) -> None:
    assert_admitted(street)
    street.run(3.0)
    path, began = street.config.journal.path, street.clock.monotonic()
    if how == "overwritten":
        overwrite(path)
    elif how == "removed":
        path.unlink()
    else:
        path.rename(path.with_name("elsewhere"))
    issued = street.trust.issuer.issue(Category.RESIDENT, now=street.trust_time(-60), life=street.life)
    passage = street.pass_by(issued.text, stays=1.4)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.JOURNAL_FAULT
    assert not green_after(street, began)
    street.run(8.0)
    assert street.faults() == {}
    assert street.light_now() is Light.IDLE
    [late] = street.events(EventKind.PASSAGE)
    assert (late["verdict"], late["gate"]["journal"]) == ("REFER", False)
    assert_admitted(street)
    assert_sound(path)
    told = [code for kind, part, code in street.told() if (kind, part) == ("fault", "journal")]
    assert told in (["JOURNAL"], ["JOURNAL_DAMAGED"])


# -- more than one thing at a time --------------------------------------------------------------------------


def test_everything_pulled_out_at_once_and_put_back(street: Breakable) -> None:
    street.camera_gone = street.air_gone = street.button_gone = True
    street.sensor_fault, street.disk_error = unplugged(), JournalFull("journal.db: no space left")
    street.clock.set_state(ClockState.UNTRUSTED)
    street.run(60.0)
    assert set(street.faults()) == {"camera", "air", "button", "thermometer", "journal", "clock"}
    assert street.light_now() is Light.FAULT
    street.camera_gone = street.air_gone = street.button_gone = False
    street.sensor_fault = street.disk_error = None
    street.clock.set_state(ClockState.SIMULATED)
    street.run(RECOVERY_S)
    assert street.faults() == {}
    assert_admitted(street)
    told = street.told()
    for part in ("camera", "air", "button", "thermometer", "journal", "clock"):
        assert [kind for kind, named, _ in told if named == part] == ["fault", "recovered"]
    assert_sound(street.config.journal.path)


def test_a_reading_that_the_sensor_breaks_off_admits_nobody(street: Breakable) -> None:
    began = street.clock.monotonic()
    street.shown = [
        street.trust.issuer.issue(Category.RESIDENT, now=street.trust_time(0), life=street.life).text
    ]
    street.run(0.5)
    street.sensor_fault = SensorStuck("thermometer: the same word for more than 60 s")
    street.run(0.5)
    assert street.answers[-1].decision.reasons[0] is Reason.SENSOR_STUCK
    assert not green_after(street, began)

"""What a verdict rests on besides the person: lists, time, weather, working parts. Changes become events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kiosk import health, record
from kiosk.baseline_keeper import BaselineKeeper
from kiosk.config import GateConfig
from kiosk.devices import Speaker
from kiosk.directory import Directory, DirectoryWatch
from kiosk.errors import DirectoryMissing, JournalDamaged, JournalFull, TrustExpired
from kiosk.hourly import Hourly
from kiosk.hours import is_open
from kiosk.journal_keeper import JournalKeeper
from kiosk.model import (
    BusCounts,
    Celsius,
    CodeRead,
    EventKind,
    Monotonic,
    PassCheck,
    Reason,
    Sample,
    Screening,
    ThermometerSpec,
    TimeInterval,
)
from kiosk.outdoor import Outdoors
from kiosk.passage.body_temperature import Site
from kiosk.passage.journal import BackgroundCheck
from kiosk.passes.context import PassContext
from kiosk.passes.formats import check
from kiosk.passes.status import StatusLists
from kiosk.policy import EMERGENCY, Policy
from kiosk.supervision import Part
from kiosk.timekeeping import FloorFile, TimeKeeper
from kiosk.weather import Weather

SAVE_AGAIN_S: Final = 60.0
CLOCK_UNTRUSTED: Final = "CLOCK_UNTRUSTED"
FLOOR_NOT_SAVED: Final = "FLOOR_NOT_SAVED"
BASELINE_NOT_SAVED: Final = "BASELINE_NOT_SAVED"
ENTRY_DAMAGED: Final = "OUTDOOR_ENTRY_DAMAGED"


@dataclass(frozen=True, slots=True)
class Parts:
    """The devices of a gate, already supervised."""

    camera: Part[CodeRead]
    thermometer: Part[Sample]
    spec: ThermometerSpec
    air: Part[Celsius] | None
    button: Part[bool] | None
    outdoor: Part[Celsius] | None = None
    """The air outside, where a part measures it."""
    bus: BusCounts | None = None
    """What the thermometer's bus did; None: there is no bus."""


class Surroundings:
    """Polled once a turn by the gate, and asked by it for what holds now. For the gate thread only."""

    def __init__(
        self,
        *,
        config: GateConfig,
        site: Site,
        parts: Parts,
        time: TimeKeeper,
        lists: DirectoryWatch,
        floor: FloorFile,
        journal: JournalKeeper,
        outdoors: Outdoors,
        baseline: BaselineKeeper,
        hourly: Hourly,
        token_key: bytes,
        chain: BackgroundCheck | None = None,
        speaker: Speaker | None = None,
    ) -> None:
        """``chain``: verifies the whole journal once, beside the running gate; None: nobody does."""
        self.health = health.Health()
        self.interval: TimeInterval = time.interval()
        """What is known of the time: one answer for all questions of a turn."""
        self.site = site
        self.journal = journal
        self._config = config
        self._parts = parts
        self._time = time
        self._floor = floor
        self._lists = lists
        self._token_key = token_key
        self._chain = chain
        self._chain_runs = False
        self._speaker = speaker
        self._directory: Directory | None = None
        self.weather = Weather(site, parts.air, parts.outdoor, outdoors, journal.write_or_hold)
        self.baseline = baseline
        self.hourly = hourly
        self._context = ""
        self._save_floor_at = Monotonic(float("-inf"))

    # -- what holds now ----------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """The policy in force; without verified lists the stricter default, and nobody is admitted."""
        return EMERGENCY if self._directory is None else self._directory.policy

    @property
    def trusted(self) -> bool:
        """There are verified lists to judge a pass by."""
        return self._directory is not None

    @property
    def environment(self) -> str | None:
        """Why the surroundings allow no reading, if they do not."""
        return self.weather.problem

    @property
    def gate_open(self) -> bool | None:
        """Inside the opening hours, or surely outside; None: the time is not known well enough to say."""
        return is_open(self._config.hours, self.interval, self.policy.time_zone)

    @property
    def temperature_required(self) -> bool:
        """This gate's people need a reading."""
        return self.policy.temperature_required(self._config.direction)

    @property
    def reads_foreheads(self) -> bool:
        """A reading is required and can be had: foreheads then tell people apart."""
        return self.temperature_required and self.environment is None

    @property
    def faulty(self) -> bool:
        """Something without which nobody can be admitted does not work: the resting light says so."""
        needed = [health.CAMERA, health.JOURNAL]
        if self.temperature_required:
            needed.append(health.THERMOMETER)
        if self.reads_foreheads:
            needed.append(health.SCREENING)
        return self.health.bad(*needed) or self._useless_lists() is not None or self.gate_open is None

    def lists_age_s(self) -> int | None:
        """Age of the lists in whole seconds; None without lists."""
        return None if self._directory is None else int(self._directory.age(self.interval))

    def outdoor(self, now: Monotonic) -> Celsius | None:
        """Air outside, °C, if anything fresh tells it."""
        return self.weather.outdoor(now, self.interval)

    def check(self, text: str) -> PassCheck:
        """Judge the text of a code by the lists and the time that hold now."""
        directory = self._directory
        context = PassContext(
            trust=None if directory is None else directory.trust,
            status=StatusLists() if directory is None else directory.status,
            interval=self.interval,
            policy=self.policy,
            gate=self._config.id,
            community=self._config.community,
            token_key=self._token_key,
        )
        return check(text, context)

    # -- once a turn ---------------------------------------------------------------------------------

    def turn(self, now: Monotonic, samples: Sequence[Sample]) -> None:
        """Look at everything once and journal what changed."""
        self.interval = self._time.interval()
        self._look_at_weather(now, samples)
        self._look_at_lists(now)
        self._look_at_clock(now)
        self._note_parts(now)
        self._look_at_chain(now)
        self._look_at_baseline(now)
        if self.hourly.due(now):
            self._tell_counts(now)
        self.journal.turn(now)

    def close(self, now: Monotonic) -> None:
        """The gate stops: what is only in memory goes on record."""
        self._tell_counts(now)
        self.baseline.close(now, self.interval)

    def context_id(self, now: Monotonic) -> str:
        """Name of the settings in force; journaled when they change (the keeper tells a new epoch)."""
        context = record.context(self.policy, self.site, self._parts.spec, self._config.direction)
        name = str(context["id"])
        if self._context != name:
            self.journal.write_or_hold(EventKind.CONTEXT, context, now)
            self._context = name
        return name

    def _look_at_weather(self, now: Monotonic, samples: Sequence[Sample]) -> None:
        self.weather.turn(now, self.interval, samples)
        damage = self.weather.entry_damage
        code = None if damage is None else ENTRY_DAMAGED
        self._change(self.health.note(health.OUTDOOR_ENTRY, code, damage or ""), now)
        problem = self.environment if self.temperature_required else None
        self._change(self.health.note(health.ENVIRONMENT, problem), now)

    def _look_at_lists(self, now: Monotonic) -> None:
        fresh = self._lists.poll(now, self.interval)
        if fresh is not None:
            # The first one was on the disk already and proves nothing about how late it is.
            self._time.raise_floor(fresh.manifest_iat, fresh=self._directory is not None)
            self._directory = fresh
            self._time.max_gap = fresh.policy.max_gap_s
            self.interval = self._time.interval()
            self.journal.write_or_hold(EventKind.DIRECTORY, _summary(fresh), now)
        useless = self._useless_lists()
        if useless is not None and self._directory is not None:
            self._change(self.health.note(health.DIRECTORY, useless), now)
        else:
            self._change(self.health.note_error(health.DIRECTORY, self._lists.error), now)

    def _useless_lists(self) -> str | None:
        """Why nobody can be admitted by the lists in force, if so; that newer ones were refused is none."""
        directory = self._directory
        if directory is None:
            return DirectoryMissing.code
        if directory.trust_expired(self.interval):
            return TrustExpired.code
        too_old = directory.age(self.interval) > directory.policy.lists_max_age_s
        return str(Reason.LISTS_TOO_OLD) if too_old else None

    def _look_at_clock(self, now: Monotonic) -> None:
        for notice in self._time.take_notices():
            ahead = round(notice.seconds, 3)
            body = {"event": str(notice.event), "ahead_s": ahead, "clock": str(notice.state)}
            self.journal.write_or_hold(EventKind.CLOCK, body, now)
        self._change(self.health.note(health.CLOCK, self._clock_problem()), now)
        self._save_floor(now)

    def _clock_problem(self) -> str | None:
        return None if self.interval.trusted else CLOCK_UNTRUSTED

    def _save_floor(self, now: Monotonic) -> None:
        if now < self._save_floor_at:
            return
        try:
            self._floor.save(self._time.floor, now)
        except OSError as error:
            self._save_floor_at = Monotonic(now + SAVE_AGAIN_S)
            self._change(self.health.note(health.FLOOR, FLOOR_NOT_SAVED, str(error)), now)
        else:
            self._change(self.health.note(health.FLOOR, None), now)

    def _note_parts(self, now: Monotonic) -> None:
        parts: Sequence[tuple[str, Part[Any] | None]] = (
            (health.CAMERA, self._parts.camera),
            (health.THERMOMETER, self._parts.thermometer),
            (health.AIR, self._parts.air),
            (health.OUTDOOR, self._parts.outdoor),
            (health.BUTTON, self._parts.button),
        )
        for name, part in parts:
            if part is not None:
                self._change(self.health.note_error(name, part.fault), now)
        if self._speaker is not None:
            self._change(self.health.note_error(health.SPEAKER, self._speaker.fault), now)
        # The journal's own faults can't be journaled while they last; the keeper holds them in order.
        self._change(self.health.note_error(health.JOURNAL, self.journal.fault), now)
        # The journal writes the events of a full disk itself, with the space it kept for them.
        full = self.journal.writer is not None and self.journal.writer.disk_full
        self.health.note(health.DISK, JournalFull.code if full else None)

    def _look_at_chain(self, now: Monotonic) -> None:
        """At start only the newest links were verified; what is wrong with older ones is said, and kept."""
        if self._chain is None or self.journal.writer is None:
            return
        if not self._chain_runs:
            self._chain_runs = True
            self._chain.start()
        found = self._chain.result
        if found is not None and not found.ok:
            change = self.health.note(health.CHAIN, JournalDamaged.code, found.problem or "")
            self._change(change, now)

    def _look_at_baseline(self, now: Monotonic) -> None:
        bus = self._parts.bus
        self.baseline.turn(now, self.interval, "" if bus is None else bus.chip)
        failed = self.baseline.save_error
        code = None if failed is None else BASELINE_NOT_SAVED
        self._change(self.health.note(health.BASELINE, code, str(failed or "")), now)
        problem = self._screening_problem() if self.temperature_required else None
        message = str(self.baseline.drift or "") if problem is Screening.DRIFT else ""
        self._change(self.health.note(health.SCREENING, problem, message), now)

    def _screening_problem(self) -> Screening | None:
        """Why no reading is judged here, however well the thermometer works."""
        if self.site.commissioning is None:
            return Screening.UNCOMMISSIONED
        return Screening.DRIFT if self.baseline.drift is not None else None

    def _tell_counts(self, now: Monotonic) -> None:
        body = self.hourly.take(now) | self.baseline.summary(now)
        self.journal.write_or_hold(EventKind.HOURLY, body, now)

    def _change(self, change: health.Change | None, now: Monotonic) -> None:
        if change is not None:
            self.journal.write_or_hold(change.kind, change.body(), now)


def _summary(directory: Directory) -> dict[str, object]:
    """Body of a directory event: which lists came into force."""
    manifest = directory.manifest
    return {
        "seq": manifest.seq,
        "issued_at": int(manifest.issued_at),
        "trust_seq": manifest.trust_seq,
        "mode": str(manifest.mode),
    }

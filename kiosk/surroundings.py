"""What a verdict rests on besides the person: lists, time, air, working parts. Changes become events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kiosk import health, record
from kiosk.config import GateConfig
from kiosk.directory import Directory, DirectoryWatch
from kiosk.errors import JournalFull
from kiosk.hours import is_open
from kiosk.journal_keeper import JournalKeeper
from kiosk.model import (
    Celsius,
    CodeRead,
    EventKind,
    Monotonic,
    PassCheck,
    Sample,
    ThermometerSpec,
    TimeInterval,
)
from kiosk.passage.body_temperature import EnvironmentWatch, Site
from kiosk.passes.context import PassContext
from kiosk.passes.formats import check
from kiosk.passes.status import StatusLists
from kiosk.policy import EMERGENCY, Policy
from kiosk.supervision import Part
from kiosk.timekeeping import FloorFile, TimeKeeper

AIR_KEEPS_S: Final = 60.0
"""An air temperature older than this no longer counts."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The devices of a gate, already supervised."""

    camera: Part[CodeRead]
    thermometer: Part[Sample]
    spec: ThermometerSpec
    air: Part[Celsius] | None
    button: Part[bool] | None


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
        token_key: bytes,
    ) -> None:
        self.health = health.Health()
        self.site = site
        self.journal = journal
        self._config = config
        self._parts = parts
        self._time = time
        self._floor = floor
        self._lists = lists
        self._token_key = token_key
        self._directory: Directory | None = None
        self._environment = EnvironmentWatch(site)
        self._air: tuple[Monotonic, Celsius] | None = None
        self._context: Mapping[str, Any] = {}
        self._context_at: tuple[str, str] | None = None

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
    def interval(self) -> TimeInterval:
        """What is known of the time."""
        return self._time.interval()

    @property
    def environment(self) -> str | None:
        """Why the surroundings allow no reading, if they do not."""
        return self._environment.problem

    @property
    def cold(self) -> bool:
        """The cold is what speaks against a reading: people may be told."""
        return self._environment.cold

    @property
    def gate_open(self) -> bool:
        """Inside the opening hours, as far as the time is proven."""
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
        needed = [health.CAMERA, health.JOURNAL, health.DIRECTORY]
        if self.temperature_required:
            needed.append(health.THERMOMETER)
        return self.health.bad(*needed)

    def lists_age_s(self) -> int | None:
        """Age of the lists in whole seconds; None without lists."""
        return None if self._directory is None else int(self._directory.age(self.interval))

    def air(self, now: Monotonic) -> Celsius | None:
        """Air temperature by a part of its own, if there is a fresh one."""
        if self._air is None or now - self._air[0] > AIR_KEEPS_S:
            return None
        return self._air[1]

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
        self._look_at_air(now, samples)
        self._look_at_lists(now)
        self._look_at_clock(now)
        self._note_parts(now)
        self.journal.turn(now)

    def context_id(self, now: Monotonic) -> str:
        """Name of the settings in force; journaled when they changed or a new journal began."""
        context = record.context(self.policy, self.site, self._parts.spec, self._config.direction)
        writer = self.journal.writer
        epoch = "" if writer is None else writer.epoch
        if self._context_at != (epoch, context["id"]):
            self.journal.write_or_hold(EventKind.CONTEXT, context, now)
            self._context_at = (epoch, context["id"])
        return str(context["id"])

    def _look_at_air(self, now: Monotonic, samples: Sequence[Sample]) -> None:
        for celsius in self._parts.air.poll(now) if self._parts.air is not None else ():
            self._air = (now, celsius)
        air = self.air(now)
        for sample in samples:
            self._environment.feed(sample.at, sample.ambient_celsius, air, self.interval)
        problem = self.environment if self.temperature_required else None
        self._change(self.health.note(health.ENVIRONMENT, problem), now)

    def _look_at_lists(self, now: Monotonic) -> None:
        fresh = self._lists.poll(now, self.interval)
        if fresh is not None:
            # The first one was on the disk already and proves nothing about how late it is.
            self._time.raise_floor(fresh.manifest_iat, fresh=self._directory is not None)
            self._directory = fresh
            self._time.max_gap = fresh.policy.max_gap_s
            self.journal.write_or_hold(EventKind.DIRECTORY, _summary(fresh), now)
        self._change(self.health.note_error(health.DIRECTORY, self._lists.error), now)

    def _look_at_clock(self, now: Monotonic) -> None:
        for notice in self._time.take_notices():
            ahead = round(notice.seconds, 3)
            body = {"event": str(notice.event), "ahead_s": ahead, "clock": str(notice.state)}
            self.journal.write_or_hold(EventKind.CLOCK, body, now)
        try:
            self._floor.save(self._time.floor, now)
        except OSError as error:
            self._change(self.health.note(health.CLOCK, "FLOOR_NOT_SAVED", str(error)), now)
        else:
            self._change(self.health.note(health.CLOCK, None), now)

    def _note_parts(self, now: Monotonic) -> None:
        parts: Sequence[tuple[str, Part[Any] | None]] = (
            (health.CAMERA, self._parts.camera),
            (health.THERMOMETER, self._parts.thermometer),
            (health.AIR, self._parts.air),
            (health.BUTTON, self._parts.button),
        )
        for name, part in parts:
            if part is not None:
                self._change(self.health.note_error(name, part.fault), now)
        # The journal's own faults can't be journaled while they last; the keeper holds them in order.
        self._change(self.health.note_error(health.JOURNAL, self.journal.fault), now)
        # The journal writes the events of a full disk itself, with the space it kept for them.
        full = self.journal.writer is not None and self.journal.writer.disk_full
        self.health.note(health.DISK, JournalFull.code if full else None)

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

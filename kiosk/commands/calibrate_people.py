"""Whose foreheads a journal holds: one reading a person, all of them by one part under one calibration.

A person is a pass: the same pass again is the same person, and the newest reading counts. Companions and
people without a code can't be told apart and are left out. So is a reading for which the gate had no use
(a miss, the wrong weather, DRIFT).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from kiosk import record
from kiosk.config import Config
from kiosk.errors import JournalDamaged, MixedReadings, TooFewPeople
from kiosk.model import ClockState, EventKind, EventSeq, Screening, UnixTime
from kiosk.passage.commissioning import Crowd, Forehead, are_foreheads, crowd
from kiosk.passage.journal import JournalReader, StoredEvent
from kiosk.passage.site import as_configured

USED: Final = frozenset({Screening.UNCOMMISSIONED, Screening.NORMAL, Screening.GUARD, Screening.HIGH})
MEASURING: Final = (
    "supply_volts",
    "rated_volts",
    "calibration",
    "emissivity",
    "die_offset",
    "entry_from",
)
"""Of a site, what a forehead's figure rests on; thresholds and the present commissioning are not."""

Kind = str
"""Part, its corrections, and whether the air has a thermometer of its own, as one text to compare."""


class Measured(NamedTuple):
    """One person's newest reading of one kind."""

    seq: EventSeq
    body: record.Body
    settings: record.Body
    wall: UnixTime
    clock: ClockState
    simulated: bool


@dataclass(slots=True)
class People:
    """Everybody a journal knows, oldest first within each kind of reading."""

    kinds: dict[Kind, dict[str, Measured]] = field(default_factory=dict)
    nameless: int = 0
    """Readings of companions, or without a pass: nobody can say whose they are."""
    simulated: bool = False
    """At least one event of the journal is simulated."""

    @property
    def newest(self) -> Kind | None:
        """Kind of the newest reading; None when there is none."""
        return max(self.kinds, key=lambda kind: list(self.kinds[kind].values())[-1].seq, default=None)

    @property
    def present(self) -> list[Measured]:
        """Everybody measured as the newest one was, oldest first."""
        return [] if self.newest is None else list(self.kinds[self.newest].values())

    @property
    def others(self) -> int:
        """People of whom there are only readings of other kinds."""
        present = self.kinds[self.newest] if self.newest is not None else {}
        return len({token for people in self.kinds.values() for token in people} - set(present))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The people a site's normal rests on."""

    crowd: Crowd
    since: UnixTime
    until: UnixTime
    clock: ClockState
    """Of the newest reading: why ``until`` may be believed."""
    simulated: bool


def gather(reader: JournalReader, after: EventSeq) -> People:
    """Read the journal once; JournalDamaged when its chain does not hold, JournalError when it can't be read.

    ``after``: only passages above this number, for who knows that the part or the place was another before.
    """
    found = reader.verify()
    if not found.ok:
        raise JournalDamaged(f"{reader.path} does not verify: {found.problem}")
    settings = {str(content["id"]): content for content in _settings(reader)}
    people = People(simulated=bool(found.simulated))
    for event in reader.walk(after):
        if event.kind == EventKind.PASSAGE:
            try:
                _take(event, settings, people)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise JournalDamaged(f"event {event.seq} is no passage: {error!r}") from None
    return people


def _settings(reader: JournalReader) -> Iterator[record.Body]:
    for event in reader.walk():
        content = event.content() if event.kind == EventKind.CONTEXT else None
        if content is not None and content.get("id") == record.context_id(content):
            yield content


def _take(event: StoredEvent, settings: Mapping[str, record.Body], people: People) -> None:
    body = event.content()
    reading = None if body is None else body.get("reading")
    if body is None or not isinstance(reading, dict) or reading.get("forehead") is None:
        return
    context = settings.get(str(body.get("context")))
    if context is None or reading.get("screening") not in USED:
        return
    token = _token(body)
    if token is None:
        people.nameless += 1
        return
    same = people.kinds.setdefault(_kind(context, own_air=reading.get("air") is not None), {})
    same.pop(token, None)  # the newest reading stands last
    header = event.fields()
    wall, clock = UnixTime(header["wall"]), ClockState(header["clock"])
    same[token] = Measured(event.seq, body, context, wall, clock, header["simulated"] is True)


def _token(body: record.Body) -> str | None:
    """The pseudonym of who was measured; None where several people share one."""
    shown, gate = body.get("pass"), body.get("gate")
    if not isinstance(shown, dict) or not isinstance(gate, dict) or gate.get("companion") is not False:
        return None
    return str(shown["token"])


def _kind(context: record.Body, *, own_air: bool) -> Kind:
    site = {name: context["site"].get(name) for name in MEASURING}
    return json.dumps([_alike(context["thermometer"]), _alike(site), own_air], sort_keys=True)


# -- what they say ----------------------------------------------------------------------------------------


def running(people: People) -> Crowd | None:
    """The figures so far, however few they are; None before the first."""
    foreheads = [_forehead(measured) for measured in people.present]
    good = _good(foreheads)
    return crowd(good, len(foreheads) - len(good)) if good else None


def choose(people: People, config: Config, fewest: int) -> Chosen:
    """The newest ``fewest`` people with a forehead.

    TooFewPeople when there are not so many; MixedReadings when there were, but by other parts or settings,
    or when the configuration has changed since the newest of them; JournalDamaged when what is on record
    does not follow from its words.
    """
    _same_settings(people, config)
    present = people.present
    foreheads = [_forehead(measured) for measured in present]
    good, count = _newest(foreheads, fewest)
    if len(good) < fewest:
        _too_few(len(good), count - len(good), people.others, fewest)
    first, last = present[-count], present[-1]
    simulated = people.simulated or any(measured.simulated for measured in present[-count:])
    return Chosen(
        crowd=crowd(good, count - len(good)),
        since=first.wall,
        until=last.wall,
        clock=last.clock,
        simulated=simulated,
    )


def _newest(foreheads: Sequence[Forehead], fewest: int) -> tuple[list[Forehead], int]:
    """The newest foreheads and out of how many readings they come: each miss makes room for an older one."""
    count = min(fewest, len(foreheads))
    while True:
        good = _good(foreheads[len(foreheads) - count :])
        if len(good) >= fewest or count == len(foreheads):
            return good, count
        count = min(len(foreheads), count + fewest - len(good))


def _good(foreheads: Sequence[Forehead]) -> list[Forehead]:
    kept = are_foreheads(foreheads)
    return [forehead for forehead, good in zip(foreheads, kept, strict=True) if good]


def _too_few(people: int, missed: int, others: int, fewest: int) -> None:
    misses = f" ({missed} more were no forehead: a hat, or a miss)" if missed else ""
    if people + others >= fewest:
        raise MixedReadings(
            f"{people} of {fewest} people measured so far as this gate measures now{misses}; {others} others "
            "were measured by another part or under other settings, and can't be mixed with them"
        )
    raise TooFewPeople(f"{people} of {fewest} people measured so far{misses}")


def _forehead(measured: Measured) -> Forehead:
    """Computed again from the words, so that nothing but what the sensor saw counts."""
    reading, _ = record.recompute(measured.body, measured.settings)
    if reading is None or reading.forehead_celsius is None or reading.ambient_celsius is None:
        raise JournalDamaged(f"event {measured.seq}: its words make no forehead")
    return Forehead(reading.forehead_celsius, reading.ambient_celsius)


def _same_settings(people: People, config: Config) -> None:
    """What was measured must be what the gate will measure with from now on."""
    if not people.present:
        return
    newest = people.present[-1].settings
    site = as_configured(config).to_map()
    now = {name: site[name] for name in MEASURING}
    now |= {"variant": config.thermometer.variant, "air thermometer": config.air.driver != "none"}
    own_air = people.present[-1].body["reading"].get("air") is not None
    then = {**newest["site"], "variant": newest["thermometer"]["variant"], "air thermometer": own_air}
    differs = [
        f"{name} is {_said(now[name])}, was {_said(then.get(name))}"
        for name in now
        if _differ(now[name], then.get(name))
    ]
    if differs:
        raise MixedReadings(
            f"the configuration was changed after the newest reading: {'; '.join(differs)}. People measured "
            "before can't be mixed with those measured from now on"
        )


def _differ(one: Any, other: Any) -> bool:
    return bool(_alike(one) != _alike(other))


def _alike(value: Any) -> Any:
    """Numbers as they are compared: an old context may say 0 where a new one says 0.0."""
    if isinstance(value, Mapping):
        return {name: _alike(part) for name, part in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _said(value: Any) -> str:
    return (
        ", ".join(f"{name} {part}" for name, part in value.items()) if isinstance(value, dict) else str(value)
    )

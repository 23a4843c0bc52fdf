"""From a scenario's TOML to :class:`kiosk.scenario_data.Scenario`, with every mistake at once.

Whoever writes a scenario gets the table and key of each problem, and "did you mean" for a key or a name
that is nearly right. The shape is documented by the commented file ``scenarios/ordinary.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from kiosk.errors import ConfigError
from kiosk.model import (
    Category,
    Celsius,
    ClockState,
    Direction,
    EntryFrom,
    Mode,
    Reason,
    Seconds,
    UnixTime,
    Verdict,
    WeeklyWindow,
)
from kiosk.scenario_data import (
    VARIANTS,
    Air,
    Burst,
    Call,
    Carrier,
    FaultKind,
    FaultSpan,
    Flow,
    Kind,
    PassKind,
    Scenario,
    Showing,
    Site,
    Spread,
    Weather,
    WeatherPoint,
)
from kiosk.validators import choice, did_you_mean, flag, name, number, one_of, text, whole

T = TypeVar("T")
Check = Callable[[object], T]

DAY: Final = 86_400
_MISSING: Final = object()
_TIME = number(0, 7 * DAY, "s")
_OFFSET = number(-3650 * DAY, 3650 * DAY, "s")
_AIR = number(-40, 50, "°C")
_FILE_NAME = re.compile(r"[\w][\w .()-]{0,120}\Z")
_VALIDITY: Final = {
    PassKind.EXPIRED: (-30 * DAY, -DAY),
    PassKind.NOT_YET_VALID: (DAY, 30 * DAY),
    PassKind.SCREENSHOT: (-3600, -600),
}
_ALWAYS: Final = (-DAY, 30 * DAY)


class _Table:
    """One TOML table being read: takes keys one by one and notes what is wrong with them."""

    def __init__(self, raw: object, where: str, problems: list[str]) -> None:
        self.where = where
        self.problems = problems
        if not isinstance(raw, Mapping):
            self.note("", "must be a table")
            raw = {}
        self.raw: Mapping[str, Any] = raw
        self._known: list[str] = []

    def note(self, key: str, problem: str) -> None:
        place = ".".join(part for part in (self.where, key) if part)
        self.problems.append(f"{place}: {problem}" if place else problem)

    def take(self, key: str, check: Check[T], default: Any = _MISSING) -> T:
        """The checked value; the default when the key is absent; anything after a mistake was noted."""
        self._known.append(key)
        value = self.raw.get(key, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                self.note(key, "is missing")
            return default  # type: ignore[no-any-return]
        try:
            return check(value)
        except ValueError as error:
            self.note(key, str(error))
            return default  # type: ignore[no-any-return]

    def tables(self, key: str) -> list[_Table]:
        """An array of tables, possibly absent."""
        self._known.append(key)
        found = self.raw.get(key, [])
        if not isinstance(found, Sequence) or isinstance(found, str):
            self.note(key, "must be a list of tables")
            return []
        where = f"{self.where}.{key}" if self.where else key
        return [_Table(entry, f"{where}[{place}]", self.problems) for place, entry in enumerate(found, 1)]

    def table(self, key: str) -> _Table:
        self._known.append(key)
        return _Table(self.raw.get(key, {}), f"{self.where}.{key}" if self.where else key, self.problems)

    def finish(self) -> None:
        """Note every key that nobody took."""
        for key in self.raw:
            if key not in self._known:
                self.note(key, f"is not known{did_you_mean(key, self._known)}")


def read(source: str, scenario_id: str) -> Scenario:
    """Parse and check; ConfigError with all problems."""
    problems: list[str] = []
    try:
        raw = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"scenario {scenario_id}: {error}") from error
    scenario = _scenario(_Table(raw, "", problems), scenario_id)
    if not problems:
        _check_references(scenario, problems)
    if problems:
        raise ConfigError(f"scenario {scenario_id}: {len(problems)} mistake(s)", tuple(problems))
    return scenario


def _scenario(top: _Table, scenario_id: str) -> Scenario:
    arrivals = top.tables("arrivals")
    scenario = Scenario(
        id=scenario_id,
        title=top.take("title", text(200)),
        title_zh=top.take("title_zh", text(200), None),
        seed=top.take("seed", whole(0, 2**32)),
        starts=top.take("starts", _moment),
        clock=top.take("clock", choice(ClockState), ClockState.SIMULATED),
        mode=top.take("mode", choice(Mode), Mode.ROUTINE),
        patience_s=Seconds(top.take("patience_s", number(5, 600, "s"), 40.0)),
        site=_site(top.table("site")),
        weather=_weather(top),
        cast=_cast(top),
        calls=tuple(_call(entry) for entry in arrivals if "who" in entry.raw),
        flows=tuple(_flow(entry) for entry in arrivals if "who" not in entry.raw),
        faults=tuple(_fault(entry) for entry in top.tables("faults")),
    )
    top.finish()
    return scenario


def _site(table: _Table) -> Site:
    site = Site(
        direction=table.take("direction", choice(Direction), Direction.IN),
        entry_from=table.take("entry_from", choice(EntryFrom), EntryFrom.INDOORS),
        site_normal=Celsius(table.take("site_normal", number(30, 37, "°C"))),
        healthy_sd=Celsius(table.take("healthy_sd", number(0, 1, "°C"))),
        variant=table.take("variant", one_of(*VARIANTS)),
        distance_cm=table.take("distance_cm", number(1, 40, "cm")),
        sensor_height_cm=table.take("sensor_height_cm", number(80, 200, "cm"), 150.0),
        die_offset=Celsius(table.take("die_offset", number(0, 8, "°C"), 0.6)),
        air_thermometer=table.take("air_thermometer", flag(), True),
        outdoor_thermometer=table.take("outdoor_thermometer", flag(), True),
    )
    table.finish()
    return site


def _weather(top: _Table) -> Weather:
    points = []
    for table in top.tables("weather"):
        at = Seconds(table.take("at", _TIME, 0.0))
        outdoor, indoor = table.take("outdoor", _AIR, 20.0), table.take("indoor", _AIR, 20.0)
        points.append(WeatherPoint(at, Air(Celsius(outdoor), Celsius(indoor))))
        table.finish()
    if not points:
        top.note("weather", "needs at least one point")
    if points != sorted(points, key=lambda point: point.at):
        top.note("weather", "must be in order of time")
    return Weather(tuple(points))


def _cast(top: _Table) -> Mapping[str, Kind]:
    everybody = top.table("people").raw
    raw = top.table("cast").raw
    kinds = {}
    for key, own in raw.items():
        entry = {**everybody, **own} if isinstance(own, Mapping) else own
        kinds[key] = _kind(_Table(entry, f"cast.{key}", top.problems), key)
    return kinds


def _kind(table: _Table, key: str) -> Kind:
    try:
        name()(key)
    except ValueError as error:
        table.note("", f"the name {error}")
    pass_kind = table.take("pass", choice(PassKind), PassKind.VALID)
    valid_from, valid_until = _VALIDITY.get(pass_kind, _ALWAYS)
    kind = Kind(
        name=key,
        title=table.take("title", text(80)),
        title_zh=table.take("title_zh", text(80), None),
        pass_kind=pass_kind,
        category=table.take("category", choice(Category), Category.RESIDENT),
        household=table.take("household", flag(), False),
        valid_from_s=Seconds(table.take("valid_from_s", _OFFSET, valid_from)),
        valid_until_s=Seconds(table.take("valid_until_s", _OFFSET, valid_until)),
        window=table.take("window", _window, None),
        text=table.take("text", text(2000), None),
        photograph=table.take("photograph", _file_name, None),
        carrier=table.take("carrier", choice(Carrier), Carrier.PAPER),
        brightness=table.take("brightness", number(0.05, 1), 0.85),
        dark_mode=table.take("dark_mode", flag(), False),
        code_mm=table.take("code_mm", _spread(15, 120, "mm"), Spread(52.0, 2.0, 15.0)),
        showing=_showing(table),
        skin=table.take("skin", _spread(-4, 4, "°C"), None),
        fever=Celsius(table.take("fever", number(0, 5, "°C"), 0.0)),
        damp=Celsius(table.take("damp", number(0, 3, "°C"), 0.0)),
        height_cm=table.take("height_cm", _spread(60, 220, "cm"), Spread(167.0, 8.0, 60.0)),
        lifted=table.take("lifted", flag(), True),
        reach_s=table.take("reach_s", _spread(0.05, 60, "s"), Spread(0.5, 0.2, 0.05)),
        lean_s=table.take("lean_s", _spread(0.05, 60, "s"), Spread(0.6, 0.3, 0.05)),
        hat=table.take("hat", flag(), False),
        hat_share=table.take("hat_share", number(0, 1), 0.45),
        uncover_s=Seconds(table.take("uncover_s", number(0.2, 60, "s"), 1.0)),
        hasty=table.take("hasty", flag(), False),
        indoors_s=table.take("indoors_s", _spread(0, DAY, "s"), Spread(3600.0)),
        companions=table.take("companions", whole(0, 10), 0),
        companion_kind=table.take("companion_kind", name(), None),
        expect=table.take("expect", choice(Verdict), None),
        because=table.take("because", choice(Reason), None),
    )
    _check_kind(kind, table)
    table.finish()
    return kind


def _showing(table: _Table) -> Showing:
    return Showing(
        glare=table.take("glare", number(0, 1), 0.0),
        drops=table.take("drops", whole(0, 200), 0),
        cracked=table.take("cracked", flag(), False),
        tilt_deg=table.take("tilt_deg", number(0, 40, "°"), 0.0),
        shake=table.take("shake", number(0.1, 10), 1.0),
    )


def _check_kind(kind: Kind, table: _Table) -> None:
    if (kind.text is None) == (kind.pass_kind is PassKind.UNKNOWN):
        table.note("text", 'belongs to pass = "unknown", and to nothing else')
    if kind.photograph is not None and kind.pass_kind is not PassKind.PHOTOGRAPH:
        table.note("photograph", 'belongs to pass = "photograph"')
    if (kind.companion_kind is None) != (kind.companions == 0):
        table.note("companions", "needs companion_kind, and companion_kind a number of companions")
    if kind.valid_until_s <= kind.valid_from_s:
        table.note("valid_until_s", "must be later than valid_from_s")


def _call(table: _Table) -> Call:
    call = Call(
        at=Seconds(table.take("at", _TIME)),
        who=table.take("who", name()),
        name=table.take("name", name(), None),
        code_of=table.take("code_of", name(), None),
        expect=table.take("expect", choice(Verdict), None),
        because=table.take("because", choice(Reason), None),
    )
    table.finish()
    return call


def _flow(table: _Table) -> Flow:
    flow = Flow(
        start=Seconds(table.take("from", _TIME, 0.0)),
        until=Seconds(table.take("until", _TIME)),
        per_hour=table.take("per_hour", number(0, 3600), 0.0),
        mix=table.take("mix", _mix, {}),
        bursts=tuple(_burst(entry) for entry in table.tables("bursts")),
    )
    table.finish()
    return flow


def _burst(table: _Table) -> Burst:
    burst = Burst(
        at=Seconds(table.take("at", _TIME)),
        people=table.take("people", whole(1, 1000)),
        within_s=Seconds(table.take("within_s", _TIME)),
    )
    table.finish()
    return burst


def _fault(table: _Table) -> FaultSpan:
    fault = FaultSpan(
        kind=table.take("kind", choice(FaultKind)),
        start=Seconds(table.take("from", _TIME)),
        until=Seconds(table.take("until", _TIME)),
        share=table.take("share", number(0.01, 1), 0.5),
        jump_s=table.take("jump_s", _OFFSET, 0.0),
    )
    table.finish()
    return fault


# -- values ----------------------------------------------------------------------------------------


def _spread(low: float, high: float, unit: str) -> Check[Spread]:
    """A figure for everybody, or ``{ mean = .5, sd = .2 }``."""
    figure = number(low, high, unit)

    def check(value: object) -> Spread:
        if not isinstance(value, Mapping):
            return Spread(figure(value), 0.0, low)
        if set(value) != {"mean", "sd"}:
            raise ValueError("must be a number, or { mean = ..., sd = ... }")
        return Spread(figure(value["mean"]), number(0, high - low, unit)(value["sd"]), low)

    return check


def _moment(value: object) -> UnixTime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a date and time with its offset, such as 2026-11-23T08:00:00+08:00")
    return UnixTime(value.timestamp())


def _window(value: object) -> WeeklyWindow:
    if not isinstance(value, Mapping) or set(value) != {"days", "from", "until"}:
        raise ValueError('must be { days = [1, 2], from = "07:00", until = "20:00" }, 1 is Monday')
    days = value["days"]
    if not isinstance(days, list) or not days:
        raise ValueError("days must be a list of 1 (Monday) to 7")
    bits = sum(1 << (whole(1, 7)(day) - 1) for day in set(days))
    return WeeklyWindow(bits, _minute(value["from"]), _minute(value["until"]))


def _minute(value: object) -> int:
    match = re.fullmatch(r"([01]\d|2[0-4]):([0-5]\d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must give times as "07:00"')
    return int(match[1]) * 60 + int(match[2])


def _mix(value: object) -> Mapping[str, float]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError("must give a weight for each kind of person: { resident = 8, courier = 1 }")
    return {name()(key): number(0.001, 1e6)(weight) for key, weight in value.items()}


def _file_name(value: object) -> str:
    if not isinstance(value, str) or not _FILE_NAME.match(value):
        raise ValueError("must be the plain name of a picture, without a folder")
    return value


# -- what refers to what ---------------------------------------------------------------------------


def _check_references(scenario: Scenario, problems: list[str]) -> None:
    for kind in scenario.cast.values():
        _check_companions(kind, scenario.cast, problems)
    seen: dict[str, Call] = {}
    for call in sorted(scenario.calls, key=lambda call: call.at):
        _check_call(call, scenario.cast, seen, problems)
    for flow in scenario.flows:
        problems.extend(_unknown_kind(key, scenario.cast) for key in flow.mix if key not in scenario.cast)
        problems.extend(
            f"arrivals: {key} shows a shared code: it can't come in a flow"
            for key in flow.mix
            if key in scenario.cast and scenario.cast[key].pass_kind is PassKind.SHARED
        )
        if flow.until <= flow.start:
            problems.append("arrivals: until must be later than from")
    problems.extend(
        f"faults: {span.kind}: until must be later than from"
        for span in scenario.faults
        if span.until <= span.start
    )


def _check_companions(kind: Kind, cast: Mapping[str, Kind], problems: list[str]) -> None:
    if kind.companion_kind is None:
        return
    companion = cast.get(kind.companion_kind)
    if companion is None:
        problems.append(f"cast.{kind.name}.companion_kind: {_unknown_kind(kind.companion_kind, cast)}")
    elif companion.companion_kind is not None:
        problems.append(f"cast.{kind.name}.companion_kind: a companion can't have companions")


def _check_call(call: Call, cast: Mapping[str, Kind], seen: dict[str, Call], problems: list[str]) -> None:
    kind = cast.get(call.who)
    if kind is None:
        problems.append(f"arrivals: {_unknown_kind(call.who, cast)}")
    elif (kind.pass_kind is PassKind.SHARED) != (call.code_of is not None):
        problems.append(f'arrivals: {call.who}: code_of belongs to pass = "shared", and to nothing else')
    if call.code_of is not None and not _has_pass(seen.get(call.code_of), cast):
        problems.append(f"arrivals: code_of = {call.code_of!r} names nobody who came before with a pass")
    if call.name is not None:
        if call.name in seen:
            problems.append(f"arrivals: two people are named {call.name!r}")
        seen[call.name] = call


def _has_pass(call: Call | None, cast: Mapping[str, Kind]) -> bool:
    return call is not None and call.who in cast and cast[call.who].pass_kind.issued


def _unknown_kind(key: str, cast: Mapping[str, Kind]) -> str:
    return f"{key!r} is not in the cast{did_you_mean(key, list(cast))}"

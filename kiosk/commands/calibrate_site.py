"""``kiosk calibrate commission``: what is normal at this gate, from the people on record."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kiosk.commands.arguments import number
from kiosk.commands.calibrate_people import Chosen, People, choose, gather
from kiosk.config import Config, find, load
from kiosk.errors import CalibrationError, ConfigError, DoubtfulReadings, Usage
from kiosk.files import write_atomic
from kiosk.model import EventSeq, UnixTime
from kiosk.passage.commissioning import Crowd, Doubt
from kiosk.passage.journal import JournalReader
from kiosk.passage.site import FEWEST_PEOPLE, Commissioning, as_configured, measured_with
from kiosk.validators import whole

USUAL_NAME: Final = "commissioning.json"
_PEOPLE: Final = whole(FEWEST_PEOPLE, 100_000, because="fewer say too little about what is normal here")
DOUBTS: Final = {
    Doubt.WIDE_SPREAD: "they spread more than one crowd at one place does: is the part aimed at foreheads?",
    Doubt.NARROW_SPREAD: "they are more alike than people are: one person with many passes, or a wall?",
    Doubt.TWO_CROWDS: "there seem to be two kinds of people: some from the street, some from indoors?",
    Doubt.MANY_HIGH: "many read high: an epidemic, or sun on their faces? Measure on another day",
    Doubt.MANY_MISSED: "many were no forehead (hats, or a miss): is the part aimed at foreheads?",
}


def configure_commission(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``commission``."""
    add_journal(parser)
    parser.add_argument(
        "--people",
        type=_PEOPLE.argument,
        default=FEWEST_PEOPLE,
        metavar="N",
        help=f"the newest so many, at least {FEWEST_PEOPLE} ({FEWEST_PEOPLE})",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the record (default: screening.commissioning, or beside FILE)",
    )
    parser.add_argument(
        "--accept-doubts", action="store_true", help="make the record whatever speaks against it"
    )


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Which passages count."""
    parser.add_argument(
        "--journal", type=Path, metavar="FILE", help="another journal than the configured one"
    )
    parser.add_argument(
        "--after",
        type=number,
        default=0,
        metavar="NUMBER",
        help="only passages above this number of the journal (the part or the place was another before)",
    )


# -- commission --------------------------------------------------------------------------------------------


def commission(arguments: argparse.Namespace) -> int:
    """Make the record; CalibrationError when these people can't say what is normal."""
    file = find(arguments.config)
    config = load(file)
    out = _out(arguments.out, config, file)
    people = gathered(arguments, config)
    chosen = choose(people, config, arguments.people)
    _refuse_doubts(chosen.crowd, accepted=arguments.accept_doubts)
    made = _record(chosen, config)
    before = _present(out)
    text = json.dumps(made.to_map(), indent=1) + "\n"
    saved(out, lambda path: write_atomic(path, text.encode(), 0o644))
    value = (
        out.name if file is not None and out.parent.resolve() == file.parent.resolve() else str(out.resolve())
    )
    setting = f"commissioning = {json.dumps(value, ensure_ascii=False)}"
    if arguments.json:
        print(json.dumps(_plain(chosen, made, people) | {"ok": True, "file": str(out), "setting": setting}))
    else:
        print("\n".join(_told(chosen, made, people, before, config)))
        print("\n".join(_next_steps(out, setting, config)))
    return 0


def _out(named: Path | None, config: Config, file: Path | None) -> Path:
    if named is not None:
        return named
    if config.screening.commissioning is not None:
        return config.screening.commissioning
    if file is None:
        raise Usage("where should the record go? Name --out FILE, or the gate's configuration")
    return file.parent / USUAL_NAME


def gathered(arguments: argparse.Namespace, config: Config) -> People:
    """Everybody on record; JournalError when it can't be read, or does not verify."""
    return gather(JournalReader(arguments.journal or config.journal.path), EventSeq(arguments.after))


def _refuse_doubts(found: Crowd, *, accepted: bool) -> None:
    if found.doubts and not accepted:
        reasons = "; ".join(DOUBTS[doubt] for doubt in found.doubts)
        raise DoubtfulReadings(
            f"{_figures(found)}: {reasons}. (--accept-doubts makes the record all the same)"
        )


def _record(chosen: Chosen, config: Config) -> Commissioning:
    """The same people make the same record: its time is that of the newest of them."""
    simulated = chosen.simulated or config.gate.simulated
    try:
        return Commissioning.make(
            chosen.crowd.normal,
            chosen.crowd.people,
            iso(chosen.until),
            simulated=simulated,
            measured_with=measured_with(as_configured(config), config.thermometer.variant),
        )
    except ConfigError as error:
        raise DoubtfulReadings(str(error)) from None


def iso(at: UnixTime) -> str:
    """ISO 8601, UTC."""
    return datetime.fromtimestamp(round(at), UTC).isoformat()


def _present(path: Path) -> Commissioning | None:
    with suppress(ConfigError):
        return Commissioning.load(path, simulated=True)
    return None


def saved(path: Path, save: Callable[[Path], None]) -> None:
    """Save, or say which file can't be written and why (the temporary one's name says nothing)."""
    try:
        save(path)
    except OSError as error:
        raise CalibrationError(
            f"{path} can't be written: {error.strerror or error}. Run this as a user who may write there"
        ) from None


def _plain(chosen: Chosen, made: Commissioning, people: People) -> dict[str, Any]:
    return {
        "record": made.to_map(),
        "crowd": rounded(chosen.crowd),
        "doubts": [str(doubt) for doubt in chosen.crowd.doubts],
        "since": iso(chosen.since),
        "until": iso(chosen.until),
        "available": len(people.present),
        "nameless": people.nameless,
        "others": people.others,
        "simulated": made.simulated,
    }


def rounded(found: Crowd) -> dict[str, Any]:
    """Plain data for JSON."""
    return {
        name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(found).items()
    }


def _figures(found: Crowd) -> str:
    return f"{found.people} people, median {found.normal:.2f} °C, spread (sd) {found.sd:.2f}"


def _told(
    chosen: Chosen, made: Commissioning, people: People, before: Commissioning | None, config: Config
) -> Iterator[str]:
    found = chosen.crowd
    marked = "SIMULATED: " if made.simulated else ""
    yield f"{marked}normal here is {found.normal:.2f} ± {found.standard_error:.2f} °C, at air of 24.1 °C"
    yield f"  {found.people} people from {iso(chosen.since)} to {iso(chosen.until)}"
    if not chosen.clock.trusted:
        yield "  (by a clock that could not be believed)"
    yield f"  spread (sd) {found.sd:.2f} °C, 5 % below {found.p5:.2f}, 5 % above {found.p95:.2f}"
    yield f"  air from {found.coldest:.1f} to {found.warmest:.1f} °C; {found.high} people .8 °C or more above"
    if found.missed:
        yield f"  left out: {found.missed} who read so low that the gate would ask again"
    yield from (f"  doubt accepted: {DOUBTS[doubt]}" for doubt in found.doubts)
    if len(people.present) > found.people + found.missed:
        yield f"  {len(people.present)} people are on record: --people takes more of them"
    if before is not None:
        yield f"  replaces {before.site_normal:.2f} °C ({before.people} people, {before.made_at})"
    if made.simulated and not config.gate.simulated:
        yield "  this gate is real and will refuse a SIMULATED record"


def _next_steps(out: Path, setting: str, config: Config) -> Iterator[str]:
    yield f"Written to {out} (id {_id_of(out)})"
    if config.screening.commissioning is None or config.screening.commissioning.resolve() != out.resolve():
        yield "Add to the gate's configuration:"
        yield "  [screening]"
        yield f"  {setting}"
    yield "The gate reads it when it starts: systemctl restart kiosk-gate"


def _id_of(out: Path) -> str:
    return Commissioning.load(out, simulated=True).id

"""``kiosk calibrate status``: what the gate's figures rest on, and how many people are measured so far."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kiosk.commands.calibrate_people import People, running
from kiosk.commands.calibrate_site import DOUBTS, add_journal, gathered, iso, rounded
from kiosk.config import Config, find, load
from kiosk.errors import CalibrationError, ConfigError, JournalError
from kiosk.model import UnixTime
from kiosk.outdoor import FILE_NAME as OUTDOOR_FILE
from kiosk.outdoor import OutdoorEntry
from kiosk.passage.commissioning import Doubt
from kiosk.passage.site import FEWEST_PEOPLE, Commissioning, as_configured, measured_with
from kiosk.reference_check import FILE_NAME as CHECK_FILE
from kiosk.reference_check import ReferenceCheck


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``status``."""
    add_journal(parser)


def status(arguments: argparse.Namespace) -> int:
    """Say what is known; 0 even where that is nothing."""
    config = load(find(arguments.config))
    try:
        people: People | None = gathered(arguments, config)
        problem = ""
    except JournalError as error:
        people, problem = None, f"{error.code}: {error}"
    found = None if people is None else running(people)
    state = config.journal.path.parent
    plain = {
        "people": 0 if found is None else found.people,
        "needed": FEWEST_PEOPLE,
        "crowd": None if found is None else rounded(found),
        "doubts": [] if found is None else [str(doubt) for doubt in found.doubts],
        "nameless": 0 if people is None else people.nameless,
        "others": 0 if people is None else people.others,
        "journal_problem": problem or None,
        "commissioning": _asked(partial(_commissioning, config)),
        "calibration": _calibration(config),
        "reference_check": _asked(partial(_checked, state / CHECK_FILE)),
        "outdoor": _asked(partial(_outdoor, state / OUTDOOR_FILE)),
    }
    print(json.dumps(plain) if arguments.json else "\n".join(_said(plain)))
    return 0


def _asked(load_it: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """What a file says, or why it can't be used."""
    try:
        return load_it()
    except (ConfigError, CalibrationError) as error:
        return {"problem": str(error)}


def _commissioning(config: Config) -> dict[str, Any] | None:
    path = config.screening.commissioning
    if path is None:
        return None
    record = Commissioning.load(path, simulated=config.gate.simulated)
    older = (config.thermometer.calibrated_on or "") > record.made_at[:10]
    fits = record.fits(measured_with(as_configured(config), config.thermometer.variant))
    return {**record.to_map(), "older_than_calibration": older, "fits": fits}


def _calibration(config: Config) -> dict[str, Any]:
    part = config.thermometer
    return {
        "gain": part.gain,
        "offset": part.offset,
        "calibrated_on": part.calibrated_on,
        "reference": part.reference,
    }


def _checked(path: Path) -> dict[str, Any] | None:
    check = ReferenceCheck.load(path)
    return None if check is None else {**check.to_map(), "error": round(check.error, 3), "fits": check.fits}


def _outdoor(path: Path) -> dict[str, Any] | None:
    entry = OutdoorEntry.load(path)
    return None if entry is None else entry.to_map()


def _said(plain: dict[str, Any]) -> Iterator[str]:
    crowd, record, part = plain["crowd"], plain["commissioning"], plain["calibration"]
    median = "" if crowd is None else f", median {crowd['normal']:.2f} °C, spread (sd) {crowd['sd']:.2f}"
    yield f"people measured: {plain['people']} of {plain['needed']}{median}"
    if plain["journal_problem"]:
        yield f"  the journal can't be read: {plain['journal_problem']}"
    if plain["others"]:
        yield f"  {plain['others']} others by another part or under other settings: not to be mixed with them"
    if plain["nameless"]:
        yield f"  {plain['nameless']} readings of companions or without a code: nobody knows whose they are"
    yield from (f"  doubt: {DOUBTS[Doubt(doubt)]}" for doubt in plain["doubts"])
    yield f"commissioning: {_one(record, _said_record, 'none: every reading is UNCOMMISSIONED')}"
    made = part["calibrated_on"]
    against = f" of {made} against {part['reference']}" if made else ": none, the part as delivered"
    yield f"calibration{against} (gain {part['gain']:g}, offset {part['offset']:g} °C)"
    yield f"check with a reference: {_one(plain['reference_check'], _said_check, 'none yet')}"
    yield f"entered for outdoors: {_one(plain['outdoor'], _said_outdoor, 'nothing')}"


def _one(what: dict[str, Any] | None, say: Callable[[dict[str, Any]], str], nothing: str) -> str:
    if what is None:
        return nothing
    return f"can't be used: {what['problem']}" if "problem" in what else say(what)


def _said_record(record: dict[str, Any]) -> str:
    marked = "SIMULATED, " if record["simulated"] else ""
    anew = "; older than the calibration: commission anew" if record["older_than_calibration"] else ""
    if not record["fits"]:
        anew = "; made with another part or other settings, so the gate is UNCOMMISSIONED: commission anew"
    return f"{marked}{record['site_normal']:.2f} °C, {record['people']} people, {record['made_at']}{anew}"


def _said_check(check: dict[str, Any]) -> str:
    outcome = "fits" if check["fits"] else "does NOT fit: calibrate again, or replace the part"
    return f"{iso(UnixTime(check['at']))}, {check['reference']}: {check['error']:+.2f} °C, {outcome}"


def _said_outdoor(entry: dict[str, Any]) -> str:
    return f"{entry['celsius']:g} °C, {iso(UnixTime(entry['at']))}, by {entry['source']} (holds for 3 hours)"

"""``kiosk calibrate commission | status | points | check | outdoor``: what the gate's figures rest on.

``commission`` finds what is normal here from the people on record, ``status`` says how far that is;
``points`` finds the thermometer's calibration from two known temperatures, ``check`` compares it with one;
``outdoor`` says how warm it is outside.

Exit codes: 0 done, 1 refused or does not fit, 2 wrong usage or configuration, 3 a fault. Any user may
run it who may read the journal and write the file in question.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kiosk.commands import calibrate_part, calibrate_site, calibrate_status
from kiosk.commands.calibrate_reference import proven_time
from kiosk.config import find, load
from kiosk.errors import CalibrationError
from kiosk.model import Celsius
from kiosk.outdoor import ENTRY_KEEPS_S, FILE_NAME, OutdoorEntry
from kiosk.passage.environment import COLDEST
from kiosk.validators import number

Action = Callable[[argparse.Namespace], int]

SOURCE: Final = "volunteer"
_OUTDOOR: Final = number(-40, 50, "°C")


def configure(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each thing to do."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    site, part = calibrate_site, calibrate_part
    site.configure_commission(
        _add(actions, "commission", site.commission, "what is normal here, from the people measured so far")
    )
    told = "what the gate rests on, and how many people are measured"
    calibrate_status.configure(_add(actions, "status", calibrate_status.status, told))
    part.configure_points(
        _add(actions, "points", part.points, "gain and offset, from two known temperatures")
    )
    part.configure_check(
        _add(actions, "check", part.check, "compare the thermometer with one known temperature; ends DRIFT")
    )
    _configure_outdoor(_add(actions, "outdoor", outdoor, "enter the temperature of the air outside"))


def _add(actions: Any, name: str, action: Action, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the gate's configuration (default: $KIOSK_CONFIG, then /etc)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines for people")
    parser.set_defaults(action=action)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; what can't be calibrated is the answer "no", with its code."""
    action: Action = arguments.action
    try:
        return action(arguments)
    except CalibrationError as error:
        print(f"kiosk: {error.code}: {error}", file=sys.stderr)
        if arguments.json:
            print(json.dumps({"ok": False, "code": error.code, "message": str(error)}))
        return 1


# -- outdoor -------------------------------------------------------------------------------------------------


def _configure_outdoor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("celsius", type=_OUTDOOR.argument, metavar="CELSIUS", help=_OUTDOOR.wanted)


def outdoor(arguments: argparse.Namespace) -> int:
    """Write the entry that the gate looks for."""
    config = load(find(arguments.config))
    entry = OutdoorEntry(Celsius(arguments.celsius), proven_time(config), SOURCE)
    path = config.journal.path.parent / FILE_NAME
    calibrate_site.saved(path, entry.save)
    until = datetime.fromtimestamp(entry.at + ENTRY_KEEPS_S, UTC).astimezone()
    if arguments.json:
        told = {"ok": True, "file": str(path), **entry.to_map(), "until": until.isoformat()}
        print(json.dumps(told | {"simulated": config.gate.simulated}))
        return 0
    marked = "SIMULATED: " if config.gate.simulated else ""
    hours = f"{ENTRY_KEEPS_S / 3600:g} hours"
    print(f"{marked}Outside: {entry.celsius:g} °C, until {until:%Y-%m-%d %H:%M} ({hours}). Written to {path}")
    if entry.celsius < COLDEST:
        print(
            f"Below {COLDEST:g} °C: where people come from outdoors the gate gives no automatic result, "
            "a volunteer measures."
        )
    return 0

"""``kiosk calibrate points`` and ``check``: the thermometer against things of known temperature."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from kiosk.commands.calibrate_reference import SIMULATED_ROOM, Looked, look_at, proven_time, room
from kiosk.commands.calibrate_site import saved
from kiosk.config import Config, find, load
from kiosk.errors import Usage
from kiosk.model import Celsius, UnixTime
from kiosk.passage.reference_body import Reference, calibrated, supplied, two_points
from kiosk.passage.site import Calibration, Site, as_configured, corrected_with
from kiosk.reference_check import FILE_NAME, TOLERANCE, ReferenceCheck
from kiosk.timekeeping import given_time
from kiosk.validators import day, number, text

_DAY: Final = day()
_TRUE: Final = number(-70, 380, "°C")
_NEAR: Final = number(30, 45, "°C", because="farther from foreheads a check says little about them")
_EMISSIVITY: Final = number(0.9, 1)
AHEAD_S: Final = 86_400.0


def _named(given: str) -> str:
    if not given.strip():
        raise argparse.ArgumentTypeError("say what was looked at: a certificate's or inventory number")
    return text(80).argument(given)


class Point(NamedTuple):
    """A known temperature and what the part said of it, both as a sensor set to emissivity 1 sees them."""

    true: Celsius
    measured: Celsius
    """After the supply correction."""


def configure_points(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``points``."""
    _add_reference(parser)
    parser.add_argument(
        "--point",
        action="append",
        default=[],
        metavar="TRUE=MEASURED",
        help="twice: the reference's temperature and what the part said, uncorrected; nothing is measured",
    )
    parser.add_argument("--date", type=_DAY.argument, metavar="DAY", help="of the calibration (today)")


def configure_check(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``check``."""
    _add_reference(parser)
    parser.add_argument(
        "--true", type=_NEAR.argument, required=True, metavar="CELSIUS", help="the reference's temperature"
    )
    parser.add_argument("--at", metavar="TIME", help="when this is, where no clock can be believed")


def _add_reference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reference",
        type=_named,
        required=True,
        metavar="ID",
        help="its certificate or inventory number",
    )
    parser.add_argument(
        "--reference-emissivity",
        type=_EMISSIVITY.argument,
        default=1.0,
        metavar="E",
        help="of its surface (1: a black body, or a certificate of radiance temperature)",
    )
    parser.add_argument(
        "--surroundings",
        type=_TRUE.argument,
        metavar="CELSIUS",
        help="the room that it mirrors (default: as the part's own temperature says)",
    )


# -- points ------------------------------------------------------------------------------------------------


def points(arguments: argparse.Namespace) -> int:
    """Find gain and offset, and say what to write into the configuration; changes nothing itself."""
    config = load(find(arguments.config))
    made_on = _made_on(arguments.date, config)
    site = as_configured(config)
    given = [_point_given(item, arguments, site) for item in arguments.point]
    if len(given) not in (0, 2):
        raise Usage("--point: give two, or none to measure both")
    one, other = given or [_point_measured(which, arguments, config, site) for which in ("first", "second")]
    found = two_points(one, other, made_on, arguments.reference)
    if arguments.json:
        print(
            json.dumps(
                {"ok": True, **_plain(found), "points": [one, other], "simulated": config.gate.simulated}
            )
        )
    else:
        print("\n".join(_found(found, (one, other), config, arguments.reference_emissivity)))
    return 0


def _made_on(asked: str | None, config: Config) -> str:
    """Day of the calibration; a proven clock is the only one that may say today."""
    if asked is None:
        return f"{datetime.fromtimestamp(proven_time(config), UTC).astimezone():%Y-%m-%d}"
    today = datetime.now(UTC).date()
    if not config.gate.simulated and (date.fromisoformat(asked) - today).total_seconds() > AHEAD_S:
        raise Usage(f"--date {asked} is still to come: a calibration from the future would never grow old")
    return asked


def _point_given(item: str, arguments: argparse.Namespace, site: Site) -> Point:
    true, _, measured = item.partition("=")
    try:
        known, said = Celsius(_TRUE.from_text(true)), Celsius(_TRUE.from_text(measured))
    except ValueError as error:
        raise Usage(f"--point {item}: TRUE=MEASURED, two numbers: {error}") from None
    reference = Reference(known, arguments.reference_emissivity, arguments.surroundings)
    return Point(reference.seen, supplied(said, site))


def _point_measured(which: str, arguments: argparse.Namespace, config: Config, site: Site) -> Point:
    typed = _asked(f"Hold the {which} reference before the part as near as a forehead; its temperature, °C: ")
    reference, looked = _looked_at(typed, arguments, config)
    point = Point(reference.seen, supplied(looked.look.raw, site))
    look = looked.look
    print(f"  it says {look.raw:.2f} °C (sd {look.sd:.2f}, {look.samples} readings)", file=sys.stderr)
    return point


def _asked(question: str) -> Celsius:
    print(question, end="", file=sys.stderr, flush=True)
    try:
        return Celsius(_TRUE.from_text(input()))
    except EOFError:
        raise Usage("nobody answers: give --point TRUE=MEASURED twice instead") from None
    except ValueError as error:
        raise Usage(f"the reference's temperature {error}") from None


def _looked_at(true: Celsius, arguments: argparse.Namespace, config: Config) -> tuple[Reference, Looked]:
    """Look; the room that the reference mirrors is known afterwards, from the part's own temperature."""
    emissivity = arguments.reference_emissivity
    guess = SIMULATED_ROOM if arguments.surroundings is None else arguments.surroundings
    looked = look_at(config, Reference(true, emissivity, guess))
    around = room(config, looked.look) if arguments.surroundings is None else arguments.surroundings
    return Reference(true, emissivity, around), looked


def _plain(found: Calibration) -> dict[str, object]:
    return {
        "gain": found.gain,
        "offset": found.offset,
        "calibrated_on": found.made_on,
        "reference": found.reference,
    }


def _found(found: Calibration, two: tuple[Point, Point], config: Config, emissivity: float) -> Iterator[str]:
    for true, measured in two:
        now = found.gain * measured + found.offset
        yield f"# a perfect sensor sees {true:.2f} °C, this part {measured:.2f}, corrected {now:.2f}"
    if emissivity == 1:
        yield "# the reference is taken for a black body (--reference-emissivity)"
    if config.gate.simulated:
        yield "# SIMULATED: of no use for a real part"
    yield "# Write this into the gate's configuration and start the gate anew:"
    yield "[thermometer]"
    for name, value in _plain(found).items():
        yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
    if config.screening.commissioning is not None:
        yield "# What is normal here was found without this calibration: commission the gate anew."


# -- check -------------------------------------------------------------------------------------------------


def check(arguments: argparse.Namespace) -> int:
    """Compare and write it down for the gate; 1 when the part does not fit."""
    config = load(find(arguments.config))
    at = proven_time(config) if arguments.at is None else given_time(arguments.at).lo
    reference, looked = _looked_at(Celsius(arguments.true), arguments, config)
    site = as_configured(config)
    made = ReferenceCheck(
        at=UnixTime(round(at, 3)),
        reference=arguments.reference,
        measured=Celsius(round(calibrated(looked.look.raw, site), 3)),
        true=Celsius(round(reference.seen, 3)),
        part=looked.part,
        simulated=config.gate.simulated,
        corrections=corrected_with(site),
    )
    path = config.journal.path.parent / FILE_NAME
    saved(path, made.save)
    if arguments.json:
        outcome = {"error": round(made.error, 3), "tolerance": TOLERANCE, "fits": made.fits, "ok": made.fits}
        print(json.dumps(made.to_map() | outcome | {"file": str(path)}))
    else:
        print("\n".join(_compared(made, looked)))
    return 0 if made.fits else 1


def _compared(made: ReferenceCheck, looked: Looked) -> Iterator[str]:
    marked = "SIMULATED: " if made.simulated else ""
    yield (
        f"{marked}{made.reference} is seen as {made.true:.2f} °C, the part reads {made.measured:.2f} "
        f"({made.error:+.2f}; sd {looked.look.sd:.2f}, {looked.look.samples} readings)"
    )
    if made.fits:
        yield f"It fits, within {TOLERANCE:g} °C. A gate in DRIFT goes on with it."
    else:
        yield f"It does NOT fit ({TOLERANCE:g} °C is the limit): calibrate again, or replace the part."

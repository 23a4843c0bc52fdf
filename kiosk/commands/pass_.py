"""``kiosk pass issue | show | verify``: make a pass, explain any code in words, judge one as a gate would.

``verify`` exits with 0 when the pass is valid here and now, 1 when it is not.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kiosk import directory, words
from kiosk.commands.trust_folder import lists_and_roots
from kiosk.config import find, load
from kiosk.errors import Usage
from kiosk.model import Category, CommunityId, GateId, Monotonic, PassCheck, Seconds, UnixTime, WeeklyWindow
from kiosk.passes import explain, formats
from kiosk.passes.context import TOKEN_KEY_BYTES, PassContext
from kiosk.passes.issue import IssuedPass, household_id
from kiosk.passes.symbol import symbol, write_pictures
from kiosk.passes.trust import MAX_LIFE, DemoTrust, open_demo
from kiosk.timekeeping import given_time
from kiosk.validators import choice, name, weekly_span

_PICTURE: Final = re.compile(r"(?!GP1:)(?!\w+://).+\.(png|jpe?g|webp|bmp|gif)", re.IGNORECASE | re.DOTALL)
"""What is surely meant as a file; a pass or a web address may end so as well."""
_LIFE: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="issue | show | verify")
    _configure_issue(actions.add_parser("issue", help="make a pass: its text, a PNG and an SVG"))
    _configure_show(actions.add_parser("show", help="say in words what any code is and claims"))
    _configure_verify(actions.add_parser("verify", help="judge a pass as a gate would"))


def run(arguments: argparse.Namespace) -> int:
    """Run one of the three."""
    return int(arguments.handler(arguments))


# -- issue -----------------------------------------------------------------------------------------


def _configure_issue(parser: argparse.ArgumentParser) -> None:
    kinds = f"{', '.join(Category)} (default: resident)"
    parser.set_defaults(handler=_issue)
    parser.add_argument("--trust", type=Path, required=True, metavar="DIR", help="made by kiosk trust init")
    parser.add_argument("--category", type=choice(Category).argument, default=Category.RESIDENT, help=kinds)
    parser.add_argument("--life", type=_life, default="30d", help="such as 300s, 12h, 30d (default)")
    parser.add_argument("--from", dest="begins", metavar="TIME", help="valid from then instead of from now")
    parser.add_argument("--household", metavar="LABEL", help="becomes a pseudonym; the label goes nowhere")
    for option, purpose in (
        ("--gate", "valid at this gate only"),
        ("--community", "and in this community only"),
    ):
        _add_names(parser, option, f"{purpose}; repeatable")
    parser.add_argument("--window", type=_window, metavar="SPAN", help="such as 'Mon-Fri 07:00-20:00'")
    parser.add_argument(
        "--to", type=Path, default=Path(), metavar="DIR", help="where the pictures go; made if need be"
    )
    _add_common(parser)


def _add_names(parser: argparse.ArgumentParser, option: str, purpose: str) -> None:
    parser.add_argument(
        option, type=name().argument, action="append", default=[], metavar="NAME", help=purpose
    )


def _life(text: str) -> Seconds:
    found = _LIFE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number and s, m, h or d, such as 30d")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > MAX_LIFE:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than the trust list allows ({MAX_LIFE:.0f} s)")
    return Seconds(seconds)


def _window(text: str) -> WeeklyWindow:
    return WeeklyWindow(*weekly_span().argument(text))


def _issue(arguments: argparse.Namespace) -> int:
    trust = _issuers_folder(arguments.trust)
    issued = _issued(trust, arguments)
    stem = arguments.to / f"pass-{issued.facts.pass_id}"
    try:
        arguments.to.mkdir(parents=True, exist_ok=True)
        pictures = write_pictures(issued.text, stem)
    except OSError as error:
        raise Usage(f"{stem.parent}: the pictures can't be written there: {error.strerror}") from None
    trust.record(issued)
    if arguments.json:
        print(json.dumps(_issued_plain(issued, pictures)))
    else:
        print(issued.text, *pictures, sep="\n")
    return 0


def _issuers_folder(folder: Path) -> DemoTrust:
    if not (folder / "issuer.json").exists():
        raise Usage(f"--trust {folder}: no issuer's keys there: `kiosk trust init --to DIR` makes some")
    return open_demo(folder)


def _issued(trust: DemoTrust, arguments: argparse.Namespace) -> IssuedPass:
    label = arguments.household
    return trust.issuer.issue(
        arguments.category,
        now=UnixTime(int(given_time(arguments.at).lo)),
        life=arguments.life,
        not_before=given_time(arguments.begins, "--from").lo if arguments.begins else None,
        household=household_id(label, trust.household_key) if label else None,
        gates=tuple(map(GateId, arguments.gate)),
        communities=tuple(map(CommunityId, arguments.community)),
        window=arguments.window,
    )


def _issued_plain(issued: IssuedPass, pictures: tuple[Path, Path]) -> dict[str, Any]:
    png, svg = map(str, pictures)
    plain = {"text": issued.text, "png": png, "svg": svg, "characters": len(issued.text)}
    return plain | {"qr_version": symbol(issued.text).version, "facts": explain.plain(issued.facts)}


# -- show ------------------------------------------------------------------------------------------


def _configure_show(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(handler=_show)
    _add_code(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a code instead of words")


def _show(arguments: argparse.Namespace) -> int:
    texts = read_codes(arguments.code)
    for text in texts:
        lines = explain.in_words(text)
        if arguments.json:
            print(json.dumps({"text": text, "words": lines}))
        else:
            print("\n".join(lines))
    return 0 if texts else _no_code(arguments.code)


# -- verify ----------------------------------------------------------------------------------------


def _configure_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(handler=_verify)
    _add_code(parser)
    parser.add_argument(
        "--trust", type=Path, metavar="DIR", help="from kiosk trust init, or a folder of lists"
    )
    parser.add_argument(
        "--root", type=Path, action="append", default=[], metavar="PEM", help="with bare lists"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a gate's lists, roots and names instead")
    parser.add_argument("--gate", type=name().argument, help="judge as this gate")
    parser.add_argument("--community", type=name().argument, help="and in this community")
    _add_common(parser)


def _verify(arguments: argparse.Namespace) -> int:
    context = _context(arguments)
    texts = read_codes(arguments.code)
    checks = [formats.check(text, context) for text in texts]
    for text, check in zip(texts, checks, strict=True):
        if arguments.json:
            print(json.dumps(_check_plain(text, check)))
        else:
            print(_check_words(check))
    if not texts:
        return _no_code(arguments.code)
    return 0 if all(check.valid for check in checks) else 1


def _context(arguments: argparse.Namespace) -> PassContext:
    """A gate's view: the lists of ``--trust``, or else everything from the configuration."""
    config = load(find(arguments.config))
    lists, roots = config.directory.path, config.directory.roots
    community = arguments.community or config.gate.community
    if arguments.trust is not None:
        lists, keys = lists_and_roots(arguments.trust, arguments.root)
        community = arguments.community or _community_of(arguments.trust) or config.gate.community
    else:
        lists, keys = lists_and_roots(lists, arguments.root, roots)
    interval = given_time(arguments.at)
    found = directory.load(lists, keys, interval)
    return PassContext(
        trust=found.trust,
        status=found.status,
        interval=interval,
        policy=found.policy,
        gate=GateId(arguments.gate or config.gate.id),
        community=CommunityId(community),
        token_key=secrets.token_bytes(TOKEN_KEY_BYTES),
    )


def _community_of(trust: Path) -> str | None:
    try:
        return str(json.loads((trust / "issuer.json").read_bytes())["community"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_plain(text: str, check: PassCheck) -> dict[str, Any]:
    plain: dict[str, Any] = {"text": text, "format": check.format, "valid": check.valid}
    plain |= {"reason": str(check.reason), "token": check.token}
    return plain | {"facts": None if check.facts is None else explain.plain(check.facts)}


def _check_words(check: PassCheck) -> str:
    answer = "VALID" if check.valid else "NOT VALID"
    line = f"{answer}: {check.reason}: {words.reason(check.reason, 'en')}"
    facts = check.facts
    if facts is None:
        return line
    until = explain.when(facts.expires)
    return f"{line}\n  {facts.category} pass {facts.pass_id} of {facts.issuer}, until {until}"


# -- what the three share --------------------------------------------------------------------------


def _add_code(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "code", metavar="CODE", help="a code's text, a picture of it, or - for standard input"
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", metavar="TIME", help="judge or date at this time instead of now")
    parser.add_argument("--json", action="store_true", help="one JSON object a code instead of words")


def read_codes(code: str) -> list[str]:
    """The texts meant by an argument: standard input, every code in a picture, or the argument itself.

    :class:`Usage` for what can only be meant as a picture and is none: a folder, a file that is not there.
    """
    if code == "-":
        # The newline that ends a line is the terminal's; a space would be data and stays.
        return [sys.stdin.read().removesuffix("\n").removesuffix("\r")]
    if _is(code, Path.is_file):
        return _codes_in(Path(code))
    if _is(code, Path.is_dir):
        raise Usage(f"{code}: a folder; name a picture, a code's text, or - for standard input")
    if _PICTURE.fullmatch(code):
        raise Usage(f"{code}: there is no such picture")
    return [code]


def _is(code: str, kind: Callable[[Path], bool]) -> bool:
    try:
        return bool(code) and kind(Path(code))
    except (OSError, ValueError):
        return False


def _codes_in(picture: Path) -> list[str]:
    # Only a picture needs the decoders; a text must be readable on a machine that has none.
    from drivers.picture_folder import PictureFolder
    from drivers.qr_decode import QrDecoder

    source = PictureFolder(picture)
    frame = source.poll(Monotonic(0.0))
    if frame is None:
        raise Usage("; ".join(problem.message for problem in source.problems) or f"{picture}: no picture")
    return [read.text for read in QrDecoder().decode_still(frame)]


def _no_code(code: str) -> int:
    print(f"{code}: no code found in this picture", file=sys.stderr)
    return 1

"""``kiosk trust init | show | verify``: the keys and signed lists that passes and gates hang on.

``init`` makes a whole chain of trust in a new folder, for demos and first steps. ``show`` says what signed
lists hold, ``verify`` whether a gate would take them: exit code 0 when it would, 1 when not.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kiosk import directory
from kiosk.commands.trust_folder import lists_and_roots
from kiosk.directory import Directory
from kiosk.errors import TrustError
from kiosk.model import CommunityId, IssuerId, Seconds, UnixTime
from kiosk.passes.explain import when
from kiosk.passes.status import PASSES_A_CHUNK
from kiosk.passes.trust import DEMO_COMMUNITY, DEMO_ISSUER, DemoTrust, init_demo
from kiosk.passes.trust_list import IssuerKey
from kiosk.timekeeping import given_time
from kiosk.validators import name, whole

MOST_PASSES = 10_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="init | show | verify")
    _configure_init(actions.add_parser("init", help="make demo keys and signed lists in a new folder"))
    for action, purpose in (("show", "say what signed lists hold"), ("verify", "would a gate take them?")):
        _configure_lists(actions.add_parser(action, help=purpose))


def _configure_init(parser: argparse.ArgumentParser) -> None:
    named, size = name(), whole(1, MOST_PASSES)
    parser.set_defaults(handler=_init)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--community", type=named.argument, default=str(DEMO_COMMUNITY), metavar="NAME")
    parser.add_argument("--issuer", type=named.argument, default=str(DEMO_ISSUER), metavar="NAME")
    parser.add_argument(
        "--passes", type=size.argument, default=PASSES_A_CHUNK, metavar="N", help="status list"
    )
    _add_common(parser)


def _configure_lists(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(handler=_look)
    parser.add_argument("folder", type=Path, help="what init made, or a folder of signed lists (with --root)")
    parser.add_argument("--root", type=Path, action="append", metavar="PEM", help="a root's public key")
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", metavar="TIME", help="judge or date at this time instead of now")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines for people")


def run(arguments: argparse.Namespace) -> int:
    """Run one of the three."""
    return int(arguments.handler(arguments))


def _init(arguments: argparse.Namespace) -> int:
    made = init_demo(
        arguments.to,
        UnixTime(int(given_time(arguments.at).lo)),
        community=CommunityId(arguments.community),
        issuer=IssuerId(arguments.issuer),
        status_size=arguments.passes,
    )
    if arguments.json:
        print(json.dumps({"folder": str(made.folder), "root": str(made.root_file), "lists": str(made.lists)}))
    else:
        print("\n".join(_made(made)))
    return 0


def _made(made: DemoTrust) -> list[str]:
    return [
        f"Demo keys and signed lists are in {made.folder}",
        f"  {made.root_file}    the root's public key: name it in directory.roots of a gate's configuration",
        f"  {made.lists}       the signed lists: name the folder in directory.path",
        f"  {made.folder / 'keys'}        private keys: whoever has them can issue passes",
        f"Next: kiosk pass issue --trust {made.folder}",
    ]


# -- show and verify -------------------------------------------------------------------------------


def _look(arguments: argparse.Namespace) -> int:
    interval = given_time(arguments.at)
    lists, roots = lists_and_roots(arguments.folder, arguments.root)
    try:
        found = directory.load(lists, roots, interval)
    except TrustError as error:
        return _refused(error, arguments.json)
    if arguments.json:
        print(json.dumps(_plain(found) | {"ok": True}))
    elif arguments.action == "verify":
        print(f"A gate takes these lists: signed {_hours(found.age(interval))} ago, {found.mode} in force.")
    else:
        print("\n".join(_lines(found)))
    return 0


def _refused(error: TrustError, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"ok": False, "code": error.code, "message": str(error)}))
    else:
        print(f"A gate would refuse these lists: {error} ({error.code})")
    return 1


def _plain(found: Directory) -> dict[str, Any]:
    return found.summary() | {
        "trust_expires": int(found.trust.expires),
        "issuers": [_issuer(entry) for entry in found.trust.issuers],
        "policies": {str(mode): policy.to_map() for mode, policy in found.policies.items()},
    }


def _issuer(entry: IssuerKey) -> dict[str, Any]:
    plain = entry.to_map()
    return plain | {"kid": entry.key.kid.hex(), "spki": entry.key.spki.hex()}


def _lines(found: Directory) -> list[str]:
    return [
        f"Trust list {found.trust.seq}, until {when(found.trust.expires)}",
        *(line for entry in found.trust.issuers for line in _issuer_lines(entry)),
        f"Manifest {found.manifest.seq}, signed {when(found.manifest_iat)}, mode {found.mode}",
        *(f"  {name}  {blob.size} bytes" for name, blob in sorted(found.manifest.files.items())),
    ]


def _issuer_lines(entry: IssuerKey) -> list[str]:
    life = "any life" if entry.max_life is None else f"passes of at most {entry.max_life / 86400:g} days"
    state = "REVOKED" if entry.revoked else f"until {when(entry.expires)}"
    return [
        f"  issuer {entry.issuer}, key {entry.key.kid.hex()} ({entry.key.algorithm.name}), {state}",
        f"    may issue {', '.join(entry.categories)} in {', '.join(entry.communities)}; {life}",
    ]


def _hours(age: Seconds) -> str:
    return f"{age / 3600:.1f} hours"

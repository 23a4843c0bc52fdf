"""``kiosk bench NAME``: measure one part of the product. Each bench is a module of ``kiosk.bench``."""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from kiosk.errors import Usage

BENCHES: Final = {
    "screening": "who with a fever is found and who without is bothered, beside other rules",
    "journal": "appends, bytes and flushes an event, beside other ways of being durable",
    "gate": "times from code to light, waiting, readiness and memory",
    "qr": "photographs of codes: how many are read, how soon, beside each decoder alone",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The name of the bench; everything after it is the bench's own."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"  {name:<10} {purpose}" for name, purpose in BENCHES.items())
    parser.add_argument("name", choices=list(BENCHES), metavar="NAME", help="which one (below)")
    parser.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="...", help="its own arguments (NAME --help)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Import that bench alone and run it."""
    name = arguments.name
    if find_spec(f"kiosk.bench.{name}") is None:
        raise Usage(f"bench {name} is not part of this installation")
    module = import_module(f"kiosk.bench.{name}")
    parser = argparse.ArgumentParser(prog=f"kiosk bench {name}", description=BENCHES[name])
    module.configure(parser)
    return int(module.run(parser.parse_args(arguments.rest)))

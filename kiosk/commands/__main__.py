"""The ``kiosk`` command: finds the module of a subcommand and runs it.

A command is a module of this package with ``configure(parser)`` and ``run(arguments) -> int``; it is
imported only when it is called, so that ``kiosk gate`` never pays for what the demo needs.
Exit codes: 0 done, 1 the answer is "no" (a check failed), 2 wrong usage or configuration, 3 a fault.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from kiosk.errors import ConfigError, KioskError, Usage

COMMANDS: Final = {
    "demo": "watch people walk past a simulated gate",
    "gate": "run the gate on this machine's devices",
    "sync": "carry the journal to the community server",
    "community": "the server that kiosks report to",
    "check": "say what a picture of a pass would get",
    "config": "show, compare or check a configuration",
    "pass": "issue, show or verify passes",
    "trust": "make and show signed lists",
    "journal": "list, show, verify, export or recheck the journal",
    "bench": "measure speed, memory and bytes",
}
EXIT_USAGE = 2
EXIT_FAULT = 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every expected error is one line on standard error and an exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    name = words[0] if words else ""
    if name not in COMMANDS:
        return _overview(name)
    module = import_module(f"kiosk.commands.{_module_name(name)}")
    parser = argparse.ArgumentParser(prog=f"kiosk {name}", description=COMMANDS[name])
    module.configure(parser)
    try:
        return int(module.run(parser.parse_args(words[1:])))
    except (Usage, ConfigError) as error:
        return _complain(error, EXIT_USAGE)
    except KioskError as error:
        return _complain(error, EXIT_FAULT)
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): nothing is wrong.
        sys.stderr.close()
        return 0


def _module_name(command: str) -> str:
    """Module of a command; ``pass`` is a Python keyword."""
    name = command.replace("-", "_")
    return name if (Path(__file__).parent / f"{name}.py").exists() else f"{name}_"


def _overview(name: str) -> int:
    asked = name in ("-h", "--help", "help")
    out = sys.stdout if asked else sys.stderr
    if name and not asked:
        print(f"kiosk: there is no command {name!r}", file=out)
    print("usage: kiosk COMMAND [...]\n", file=out)
    for command, purpose in COMMANDS.items():
        print(f"  {command:<10} {purpose}", file=out)
    return 0 if asked else EXIT_USAGE


def _complain(error: KioskError, code: int) -> int:
    print(f"kiosk: {error.code}: {error}", file=sys.stderr)
    for problem in getattr(error, "problems", ()):
        print(f"  {problem}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

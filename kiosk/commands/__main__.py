"""The ``kiosk`` command: finds the module of a subcommand and runs it.

A command is a module of this package with ``configure(parser)`` and ``run(arguments) -> int``; it is
imported only when it is called, so that ``kiosk gate`` never pays for what the demo needs.
Exit codes: 0 done, 1 the answer is "no" (a check failed), 2 wrong usage or configuration, 3 a fault,
130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import Final

from kiosk.errors import ConfigError, KioskError, Usage
from kiosk.validators import did_you_mean

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
    "calibrate": "find what is normal here, check the thermometer, enter the air outside",
    "bench": "measure speed, memory and bytes",
}
EXIT_USAGE = 2
EXIT_FAULT = 3
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as a shell says it."""
SYSTEM: Final = "SYSTEM"
"""Code of what the operating system refused where nothing more is known of it."""
TRACEBACK_VARIABLE: Final = "KIOSK_TRACEBACK"
"""Set to anything: an error of the operating system is shown with where it happened."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every expected error is one line on standard error and an exit code."""
    _print_anything()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = _run(words[0] if words else "", words[1:])
        sys.stdout.flush()  # here, where a full disk or a closed pipe still gets its sentence
        return code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (Usage, ConfigError) as error:
        return _complain(error, EXIT_USAGE)
    except KioskError as error:
        return _complain(error, EXIT_FAULT)
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): nothing is wrong.
        _discard_output()
        return 0
    except OSError as error:
        return _refused_by_the_system(error)


def _run(name: str, words: list[str]) -> int:
    if name in ("--version", "-V"):
        print(f"kiosk {metadata.version('checkpoint-kiosk')}")
        return 0
    if name not in COMMANDS:
        return _overview(name)
    module = import_module(f"kiosk.commands.{_module_name(name)}")
    parser = argparse.ArgumentParser(prog=f"kiosk {name}", description=COMMANDS[name])
    module.configure(parser)
    try:
        given = parser.parse_args(words)
    except SystemExit:
        # Help or a wrong word: what was printed is flushed here, where a full disk is noticed.
        sys.stdout.flush()
        raise
    return int(module.run(given))


def _print_anything() -> None:
    """A terminal that lacks a letter shows a question mark instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _module_name(command: str) -> str:
    """Module of a command; ``pass`` is a Python keyword."""
    name = command.replace("-", "_")
    return name if (Path(__file__).parent / f"{name}.py").exists() else f"{name}_"


def _overview(name: str) -> int:
    asked = name in ("-h", "--help", "help")
    out = sys.stdout if asked else sys.stderr
    if name and not asked:
        print(f"kiosk: there is no command {name!r}{did_you_mean(name, tuple(COMMANDS))}", file=out)
    print("usage: kiosk COMMAND [...]   (kiosk COMMAND --help, kiosk --version)\n", file=out)
    for command, purpose in COMMANDS.items():
        print(f"  {command:<10} {purpose}", file=out)
    return 0 if asked else EXIT_USAGE


def _complain(error: KioskError, code: int) -> int:
    print(f"kiosk: {error.code}: {error}", file=sys.stderr)
    for problem in getattr(error, "problems", ()):
        print(f"  {problem}", file=sys.stderr)
    return code


def _refused_by_the_system(error: OSError) -> int:
    """A folder that can't be written, a full disk, a name too long: what and why, without a traceback."""
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    print(f"kiosk: {SYSTEM}: {place}{error.strerror or error}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    return EXIT_FAULT


def _discard_output() -> None:
    """Let what could not be written go: the interpreter would try again at its end, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m kiosk.commands.speech``: render the speaker's prompts at set-up.

No command of ``kiosk``: people have no need of it, and it is called by what installs or updates a gate. Exit
codes as everywhere: 0 done (also when nothing had changed), 2 wrong usage or configuration, 3 a fault.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drivers.speech import Espeak, render
from kiosk import words
from kiosk.commands.__main__ import EXIT_FAULT, EXIT_USAGE
from kiosk.config import find, load
from kiosk.errors import ConfigError, KioskError


def main(arguments: list[str] | None = None) -> int:
    """Render what has changed, say how much, return an exit code."""
    parser = argparse.ArgumentParser(prog="python -m kiosk.commands.speech", description=main.__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="default: speaker.prompts of the configuration")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: $KIOSK_CONFIG, then /etc/kiosk")
    given = parser.parse_args(arguments)
    try:
        speaker = load(find(given.config)).speaker
        folder = given.folder or speaker.prompts
        engine = Espeak()
        done = render(folder, words.prompt, speaker.languages, engine, engine.version)
    except ConfigError as error:
        return _complain(error, EXIT_USAGE)
    except (KioskError, OSError) as error:
        return _complain(error, EXIT_FAULT)
    print(f"{folder}: {len(done.made)} prompts rendered, {len(done.kept)} unchanged ({engine.version})")
    return 0


def _complain(error: Exception, code: int) -> int:
    print(f"speech: {error}", file=sys.stderr)
    for problem in getattr(error, "problems", ()):
        print(f"  {problem}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

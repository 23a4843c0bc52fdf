"""Options that several commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from kiosk.config import find, load
from kiosk.errors import Usage
from kiosk.words import LANGUAGES

USUAL_LANGUAGE: Final = "en"
MOST_DIGITS: Final = 15
"""Of a number of events: more than any journal will ever hold."""


def add_language(parser: argparse.ArgumentParser, what: str) -> None:
    """``--language zh|en``; ``what`` is in that language."""
    parser.add_argument(
        "--language",
        "--lang",
        choices=LANGUAGES,
        default=USUAL_LANGUAGE,
        help=f"{what} (default: {USUAL_LANGUAGE})",
    )


def add_journal(parser: argparse.ArgumentParser) -> None:
    """``--journal FILE``, or ``--config FILE`` that names it."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--journal", type=Path, metavar="FILE", help="the journal itself")
    place.add_argument("--config", type=Path, metavar="FILE", help="the configuration that names it")


def journal_path(arguments: argparse.Namespace) -> Path:
    """The journal that is meant; :class:`Usage` for a folder."""
    if arguments.journal is None:
        return load(find(arguments.config)).journal.path
    path = Path(arguments.journal)
    if path.is_dir():
        raise Usage(f"--journal {path}: a folder; name the journal's file in it, such as journal.db")
    return path


def count(text: str) -> int:
    """A whole number, at least 1."""
    return _whole(text, 1)


def number(text: str) -> int:
    """A whole number, at least 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, at least {least}")
    return int(text)

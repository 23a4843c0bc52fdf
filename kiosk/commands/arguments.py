"""Options that several commands have in common."""

from __future__ import annotations

import argparse
from typing import Final

from kiosk.words import LANGUAGES

USUAL_LANGUAGE: Final = "en"


def add_language(parser: argparse.ArgumentParser, what: str) -> None:
    """``--language zh|en``; ``what`` is in that language."""
    parser.add_argument(
        "--language",
        "--lang",
        choices=LANGUAGES,
        default=USUAL_LANGUAGE,
        help=f"{what} (default: {USUAL_LANGUAGE})",
    )

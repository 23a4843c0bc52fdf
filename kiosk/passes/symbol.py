"""A pass as a picture: a QR symbol at level M in one alphanumeric segment, with the quiet zone it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import segno

QUIET_ZONE: Final = 4
"""Modules (ISO/IEC 18004)."""
PAPER_MM: Final = 50.0
"""Least width of the symbol on paper, without the quiet zone."""
MODULE_MM: Final = 0.9
"""Least width of one module on paper."""
_PIXELS: Final = 8


def symbol(text: str) -> segno.QRCode:
    """The symbol: level M exactly, so that a given text always has the same version."""
    return segno.make_qr(text, error="m", boost_error=False, mode="alphanumeric")


def modules(made: segno.QRCode) -> int:
    """Modules along one side, without the quiet zone."""
    return int(made.symbol_size(border=0)[0])


def write_pictures(text: str, stem: Path) -> tuple[Path, Path]:
    """``stem``.png for screens and ``stem``.svg for paper, at the size that a gate's camera reads."""
    made = symbol(text)
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    made.save(str(png), border=QUIET_ZONE, scale=_PIXELS)
    made.save(str(svg), border=QUIET_ZONE, scale=paper_module(made), unit="mm")
    return png, svg


def paper_module(made: segno.QRCode) -> float:
    """Width of one module on paper, mm: the symbol is then at least 50 mm wide."""
    return max(MODULE_MM, PAPER_MM / modules(made))

"""Where commands find signed lists and the root keys to verify them with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kiosk.errors import TrustError, Usage
from kiosk.passes.keys import PublicKey

REMEDY: Final = "`kiosk trust init --to DIR` makes lists to try things with"


def lists_and_roots(
    folder: Path, named: Sequence[Path] | None, configured: Sequence[Path] = ()
) -> tuple[Path, list[PublicKey]]:
    """What ``kiosk trust init`` made, or a bare folder of lists whose roots are named.

    ``named``: by ``--root``; ``configured``: by directory.roots, if none are. :class:`Usage` when there are
    no lists, when no root is named and none lies there, and when what was named is no key.
    """
    lists = folder if (folder / "manifest").exists() else folder / "lists"
    if not (lists / "manifest").exists():
        raise Usage(f"{folder}: no signed lists there; {REMEDY}")
    if not named and not configured and not (folder / "root.pub").exists():
        raise Usage(f"{folder}: no root.pub there; name the root's public key with --root")
    if named:
        return lists, named_roots(named)
    return lists, [PublicKey.load(path) for path in configured or (folder / "root.pub",)]


def named_roots(paths: Sequence[Path]) -> list[PublicKey]:
    """The keys of ``--root``; :class:`Usage` for a file that is none."""
    return [_named_root(path) for path in paths]


def _named_root(path: Path) -> PublicKey:
    if not path.is_file():
        raise Usage(f"--root {path}: there is no such file")
    try:
        return PublicKey.load(path)
    except TrustError:
        raise Usage(f"--root {path}: not a public key in PEM, as root.pub of `kiosk trust init` is") from None

"""Where commands find signed lists and the root keys to verify them with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kiosk.errors import Usage
from kiosk.passes.keys import PublicKey


def lists_and_roots(folder: Path, roots: Sequence[Path]) -> tuple[Path, list[PublicKey]]:
    """What ``kiosk trust init`` made, or a bare folder of lists whose roots are named.

    :class:`Usage` when no root is named and none lies there.
    """
    lists = folder if (folder / "manifest").exists() else folder / "lists"
    if not roots and not (folder / "root.pub").exists():
        raise Usage(f"{folder}: no root.pub there; name the root's public key with --root")
    return lists, [PublicKey.load(path) for path in roots or (folder / "root.pub",)]

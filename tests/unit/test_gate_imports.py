"""What the gate's process does not carry: 60 MB have no room for it, and a start no time."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "cv2", "flask", "werkzeug", "requests", "urllib3", "rich", "waitress", "segno")
LOADED = """
import importlib, sys
importlib.import_module(sys.argv[1])
from drivers.qr_decode import QrDecoder
assert QrDecoder().live
print(*sys.modules)
"""


@pytest.mark.parametrize("module", ["kiosk.commands.gate", "kiosk.assembly", "kiosk.simulation"])
def test_the_gate_loads_nothing_heavy_not_even_with_its_decoders(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, module], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "kiosk" in loaded
    assert not loaded & set(HEAVY)


def test_the_command_itself_imports_no_other_command() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "import kiosk.commands.gate, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    commands = {name for name in answer.stdout.split() if name.startswith("kiosk.commands.")}
    assert commands == {"kiosk.commands.gate"}
    assert "kiosk.simulation" not in answer.stdout.split()

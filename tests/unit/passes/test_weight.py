"""What checking passes brings into the gate's process, which must stay small and start quickly."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("PIL", "cbor2.tool", "drivers", "flask", "numpy", "requests", "rich", "segno", "sqlite3", "web")


def test_a_gate_that_checks_passes_loads_nothing_it_does_not_need() -> None:
    program = "import sys, kiosk.passes.formats, kiosk.directory, kiosk.timekeeping; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stdout.split())

"""``python -m kiosk.commands.demo_child PARENT COMMAND...``: a command that ends when its parent does.

A demo that is killed outright can't stop its children; the kernel can (PR_SET_PDEATHSIG, prctl(2)). The
signal is SIGTERM, which every command takes as "stop in order".
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from kiosk.commands import __main__ as kiosk

PR_SET_PDEATHSIG: Final = 1


def main(words: Sequence[str]) -> int:
    """The command's exit code; OSError on a kernel that has no such signal."""
    parent = int(words[0])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        return 0  # it ended before the kernel knew whom to tell
    return kiosk.main(list(words[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

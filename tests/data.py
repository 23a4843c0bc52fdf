"""Where the shared conformance data lies: photographs of codes, pass vectors, temperatures.

It is too large and too differently licensed to live in the repository. Tests that need it are skipped
with a sentence where it is absent, except under CI: there a missing data set is a failure, because a
suite that silently checks nothing is green for the wrong reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
VARIABLE = "KIOSK_CONFORMANCE_DATA"


def conformance_data() -> Path:
    """The data folder; skips the calling test when it is absent, fails it under ``CI=true``."""
    folder = Path(os.environ.get(VARIABLE) or REPOSITORY / ".." / "shared" / "data").resolve()
    if (folder / "README.md").is_file():
        return folder
    sentence = f"no conformance data in {folder}: set {VARIABLE} to the folder that holds it"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)

"""``kiosk gate`` runs real devices only, and says where the simulated ones run."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.commands import gate
from kiosk.commands.__main__ import main

SIMULATED = """
[gate]
id = "east"
device = "kiosk-7"
community = "c1"
simulated = true
[camera]
source = "simulated"
[thermometer]
driver = "simulated"
"""


def test_a_simulated_configuration_is_refused_and_the_help_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(SIMULATED)
    assert main(["gate", "--config", str(file)]) != 0
    assert "kiosk demo" in capsys.readouterr().err
    assert "simulated devices is refused" in " ".join((gate.__doc__ or "").split())

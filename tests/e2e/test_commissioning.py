"""A new gate measures a hundred people, ``kiosk calibrate commission`` says what is normal, the gate judges.

The gate, its journal and the commands are the real ones; people and time are simulated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk.commands.__main__ import main
from kiosk.commands.config import as_toml
from kiosk.config import load
from kiosk.model import Reason, Screening, Verdict
from kiosk.passage.site import Commissioning
from tests.street import SITE_NORMAL, Street, assert_sound, memory_folder

PEOPLE = 104
FEVERISH = frozenset({7, 23, 41, 66, 90})
"""One in twenty has a fever of 1.5 °C on that day, and nobody knows who."""


@pytest.fixture
def street() -> Iterator[Street]:
    with memory_folder() as folder, Street(folder, commissioned=False) as street:
        yield street


def config_file(street: Street, *more: str, offset: float = 0.0) -> Path:
    """The gate's configuration as it would stand on its disk."""
    path = street.config.journal.path.parent.parent / f"kiosk{offset:g}.toml"
    config = street.config
    calibrated: dict[str, Any] = {}
    if offset:
        calibrated = {"offset": offset, "calibrated_on": "2026-12-01", "reference": "another"}
    config = replace(
        config,
        camera=replace(config.camera, source="simulated"),
        thermometer=replace(config.thermometer, driver="simulated", distance_cm=1.0, **calibrated),
    )
    text = "\n".join(as_toml(config))
    for line in more:
        text = text.replace(f"# {line.split(' = ')[0]} is not set", line)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_check_with_a_reference_ends_drift(capsys: pytest.CaptureFixture[str]) -> None:
    with memory_folder() as folder, Street(folder) as street:
        street.config = replace(
            street.config, thermometer=replace(street.config.thermometer, driver="simulated")
        )
        street.restart()
        street.run(5.0)
        wrong, right = config_file(street, offset=0.4), config_file(street)
        words = ["check", "--reference", "black body BB-7", "--true", "37"]
        assert main(["calibrate", *words, "--config", str(wrong)]) == 1
        street.run(3.0)
        assert screened(street) is Screening.DRIFT, "a thermometer that reads wrong judges nobody"
        street.run(60.0)
        mended = config_file(street, offset=0.1)
        assert main(["calibrate", *words, "--config", str(mended)]) == 0
        street.run(3.0)
        assert screened(street) is Screening.DRIFT, "this gate still measures without that offset"
        street.run(60.0)
        assert main(["calibrate", *words, "--config", str(right)]) == 0
        street.run(3.0)
        assert screened(street) is Screening.NORMAL
        assert "A gate in DRIFT goes on with it" in capsys.readouterr().out


def screened(street: Street) -> Screening | None:
    answer = street.pass_by(street.issue().text)
    return None if answer is None or answer.person.reading is None else answer.person.reading.screening


def test_a_hundred_people_commission_a_gate(street: Street, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(5)
    street.run(5.0)  # until the thermometer knows what stands there when nobody does
    for index in range(PEOPLE):
        fever = 1.5 if index in FEVERISH else 0.0
        street.pass_by(street.issue().text, above=random.gauss(0.0, 0.35) + fever, stays=2.0)
        if index == 62:
            file = config_file(street)
            assert main(["calibrate", "commission", "--config", str(file)]) == 1
            assert "TOO_FEW_PEOPLE: 63 of 100 people" in capsys.readouterr().err
            assert main(["calibrate", "status", "--config", str(file)]) == 0
            assert "people measured: 63 of 100, median 3" in capsys.readouterr().out
    assert len(street.answers) == PEOPLE
    assert {answer.decision.verdict for answer in street.answers} == {Verdict.REFER}
    assert {answer.decision.reasons for answer in street.answers} == {
        (Reason.UNCOMMISSIONED, Reason.PASS_VALID)
    }

    file = config_file(street)
    assert main(["calibrate", "commission", "--config", str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    record = file.parent / "commissioning.json"
    assert answer["file"] == str(record)
    assert answer["setting"] == 'commissioning = "commissioning.json"'
    assert (answer["simulated"], answer["doubts"], answer["crowd"]["people"]) == (True, [], 100)
    found = Commissioning.load(record, simulated=True)
    assert found.site_normal == pytest.approx(SITE_NORMAL, abs=0.1), "a few with a fever move it by .03 °C"

    street.config = load(config_file(street, answer["setting"]))
    street.restart()
    street.run(5.0)
    healthy = street.pass_by(street.issue().text, above=0.0)
    assert healthy is not None
    assert healthy.person.reading is not None
    assert healthy.person.reading.screening is Screening.NORMAL
    assert healthy.decision.verdict is Verdict.ADMIT
    hot = street.pass_by(street.issue().text, above=1.5)
    assert hot is not None
    assert hot.person.reading is not None
    assert hot.person.reading.screening is Screening.HIGH
    assert hot.decision.verdict is Verdict.REFER
    street.kiosk.close()
    assert_sound(street.config.journal.path)

"""``kiosk calibrate commission``, ``status`` and ``outdoor``: what is written, refused, and said."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kiosk.assembly import site_of
from kiosk.commands.__main__ import main
from kiosk.config import load
from kiosk.errors import ConfigError
from kiosk.model import Celsius
from kiosk.outdoor import OutdoorEntry
from kiosk.passage.site import Commissioning
from tests.street import Street, memory_folder
from tests.unit.commands.gates import asked, measured, real, simulated


def normal_people(count: int = 100) -> list[float]:
    """34.0 °C, half a degree up and down."""
    return [33.5 + (index * 37 % 101) / 100 for index in range(count)]


def test_a_record_of_a_simulated_gate_is_made_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = simulated(tmp_path)
    measured(file, normal_people(120))
    assert main(["calibrate", "commission", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "SIMULATED: normal here is 34.00 ± 0.04 °C" in said
    assert "100 people from " in said
    assert "120 people are on record: --people takes more of them" in said
    assert 'commissioning = "commissioning.json"' in said
    assert "starts: systemctl restart kiosk-gate" in said
    path = tmp_path / "commissioning.json"
    record = Commissioning.load(path, simulated=True)
    assert record.people == 100
    assert record.site_normal == pytest.approx(34.0, abs=0.02)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "the gate is another user"


def test_the_same_people_make_the_same_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path)
    measured(file, normal_people(110))
    words = ["commission", "--config", file]
    first, again = asked(capsys, *words), asked(capsys, *words, "--out", tmp_path / "again.json")
    assert first["record"] == again["record"]
    assert again["setting"] == 'commissioning = "again.json"'
    assert asked(capsys, *words, "--people", "110")["record"]["people"] == 110


def test_a_new_record_says_what_it_replaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path)
    measured(file, normal_people())
    old = Commissioning.make(Celsius(33.5), 140, "2026-05-01T10:00:00+00:00", simulated=True)
    (tmp_path / "here.json").write_text(json.dumps(old.to_map()), encoding="utf-8")
    file = simulated(tmp_path, '[screening]\ncommissioning = "here.json"')
    assert main(["calibrate", "commission", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "replaces 33.50 °C (140 people, 2026-05-01T10:00:00+00:00)" in said
    assert "Add to the gate" not in said, "the configuration names it already"
    status = asked(capsys, "status", "--config", file)
    assert status["commissioning"]["site_normal"] == pytest.approx(34.0, abs=0.02)


def test_doubts_refuse_until_they_are_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path)
    measured(file, [33.4, 34.9] * 50)
    refused = asked(capsys, "commission", "--config", file, code=1)
    assert refused["code"] == "DOUBTFUL_READINGS"
    assert "two kinds of people" in refused["message"]
    assert not (tmp_path / "commissioning.json").exists()
    assert "TWO_CROWDS" in asked(capsys, "status", "--config", file)["doubts"]
    accepted = asked(capsys, "commission", "--config", file, "--accept-doubts")
    assert "TWO_CROWDS" in accepted["doubts"]
    assert (tmp_path / "commissioning.json").exists()


def test_a_crowd_that_reads_like_no_forehead_makes_no_record_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = simulated(tmp_path)
    measured(file, [value + 3.5 for value in normal_people()])
    answer = asked(capsys, "commission", "--config", file, "--accept-doubts", code=1)
    assert answer["code"] == "DOUBTFUL_READINGS"
    assert "no healthy forehead reads that" in answer["message"]


def test_a_simulated_journal_makes_a_simulated_record_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = real(tmp_path)
    measured(file, normal_people(), simulated=True)
    assert main(["calibrate", "commission", "--config", str(file)]) == 0
    assert "this gate is real and will refuse a SIMULATED record" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="SIMULATED: this gate is real"):
        Commissioning.load(tmp_path / "commissioning.json", simulated=False)


def test_a_real_journal_makes_a_real_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = real(tmp_path)
    measured(file, normal_people(), simulated=False)
    answer = asked(capsys, "commission", "--config", file)
    assert answer["simulated"] is False
    record = Commissioning.load(tmp_path / "commissioning.json", simulated=False)
    assert record.site_normal == pytest.approx(34.0, abs=0.02), "supply and emissivity are corrected"


@pytest.mark.parametrize(
    "changed",
    [
        'offset = -0.4\ncalibrated_on = "2026-11-22"\nreference = "BB-7"',
        "supply_volts = 3.0",
        "emissivity = 0.95",
        "die_offset = 3.0",
    ],
)
def test_a_record_made_under_other_settings_makes_nobody_normal(
    changed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a new offset of -.4 °C the normal of before would call a fever .4 °C milder."""
    file = real(tmp_path)
    measured(file, normal_people(), simulated=False)
    assert asked(capsys, "commission", "--config", file)["ok"]
    text = file.read_text(encoding="utf-8") + '[screening]\ncommissioning = "commissioning.json"\n'
    file.write_text(text, encoding="utf-8")
    assert site_of(load(file)).commissioning is not None
    assert asked(capsys, "status", "--config", file)["commissioning"]["fits"] is True
    file.write_text(text.replace("[journal]", f"{changed}\n[journal]"), encoding="utf-8")
    assert site_of(load(file)).commissioning is None, "UNCOMMISSIONED until commissioned anew"
    assert main(["calibrate", "status", "--config", str(file)]) == 0
    assert "the gate is UNCOMMISSIONED: commission anew" in capsys.readouterr().out


def test_a_real_gate_wants_to_know_what_its_normal_was_measured_with(tmp_path: Path) -> None:
    file = real(tmp_path)
    bare = Commissioning.make(Celsius(34.0), 140, "2026-05-01T10:00:00+00:00", simulated=False)
    (tmp_path / "here.json").write_text(json.dumps(bare.to_map()), encoding="utf-8")
    text = file.read_text(encoding="utf-8") + '[screening]\ncommissioning = "here.json"\n'
    file.write_text(text, encoding="utf-8")
    assert site_of(load(file)).commissioning is None


def test_status_says_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path)
    measured(file, normal_people(63))
    assert main(["calibrate", "status", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "people measured: 63 of 100, median 34.0" in said
    assert "commissioning: none: every reading is UNCOMMISSIONED" in said
    assert "calibration: none, the part as delivered" in said
    assert "check with a reference: none yet" in said
    assert "entered for outdoors: nothing" in said


def test_status_says_what_can_not_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path, '[screening]\ncommissioning = "gone.json"')
    (tmp_path / "reference_check.json").write_text("{}", encoding="utf-8")
    (tmp_path / "outdoor.json").write_text("[]", encoding="utf-8")
    assert main(["calibrate", "status", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.count("can't be used: ") == 3


def test_a_calibration_after_the_commissioning_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Commissioning.make(Celsius(34.0), 140, "2026-05-01T10:00:00+00:00", simulated=True)
    (tmp_path / "here.json").write_text(json.dumps(old.to_map()), encoding="utf-8")
    file = simulated(tmp_path, '[screening]\ncommissioning = "here.json"')
    later = 'gain = 1.01\noffset = -0.2\ncalibrated_on = "2026-06-01"\nreference = "BB-7"\n[journal]'
    file.write_text(file.read_text(encoding="utf-8").replace("[journal]", later), encoding="utf-8")
    assert main(["calibrate", "status", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "older than the calibration: commission anew" in said
    assert "calibration of 2026-06-01 against BB-7 (gain 1.01, offset -0.2 °C)" in said


def test_a_refusal_has_its_code_and_says_so_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = simulated(tmp_path)
    measured(file, normal_people(99))
    answer = asked(capsys, "commission", "--config", file, code=1)
    assert (answer["ok"], answer["code"]) == (False, "TOO_FEW_PEOPLE")
    assert answer["message"] == "99 of 100 people measured so far"
    assert not (tmp_path / "commissioning.json").exists(), "nothing was written"


def test_fewer_than_a_hundred_can_t_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["calibrate", "commission", "--people", "99"])
    assert "fewer say too little" in capsys.readouterr().err


def test_a_journal_that_is_not_there_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "commission", "--config", str(simulated(tmp_path))]) == 3
    assert "journal.db" in capsys.readouterr().err
    answer = asked(capsys, "status", "--config", simulated(tmp_path))
    assert answer["people"] == 0
    assert "journal.db" in answer["journal_problem"]


def test_a_file_that_can_t_be_written_is_named(
    folder_without_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_without_root / "gate"
    folder.mkdir()
    file = simulated(folder)
    folder.chmod(0o555)
    assert main(["calibrate", "outdoor", "20", "--config", str(file)]) == 1
    said = capsys.readouterr().err
    assert "outdoor.json can't be written: Permission denied" in said
    assert "a user who may" in said


def test_the_air_outside_is_entered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path)
    assert main(["calibrate", "outdoor", "-5", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("SIMULATED: Outside: -5 °C, until")
    assert "no automatic result" in said
    entry = OutdoorEntry.load(tmp_path / "outdoor.json")
    assert entry is not None
    assert (entry.celsius, entry.source) == (-5.0, "volunteer")
    assert stat.S_IMODE((tmp_path / "outdoor.json").stat().st_mode) == 0o644
    answer = asked(capsys, "outdoor", "21.5", "--config", file)
    assert answer["celsius"] == 21.5
    assert answer["simulated"] is True


@pytest.mark.parametrize("celsius", ["-41", "51", "nan", "warm", "1e3"])
def test_air_that_nobody_breathes_is_refused(celsius: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", "outdoor", celsius])
    assert ended.value.code == 2
    assert "-40 to 50 °C" in capsys.readouterr().err


def test_the_gate_takes_up_what_was_entered(capsys: pytest.CaptureFixture[str]) -> None:
    with memory_folder() as folder, Street(folder, entry_from="outdoors") as street:
        street.run(5.0)
        file = simulated(street.config.journal.path.parent)
        assert main(["calibrate", "outdoor", "21", "--config", str(file)]) == 0
        street.run(3.0)
        assert street.gate.surroundings.outdoor(street.clock.monotonic()) == 21.0
    capsys.readouterr()

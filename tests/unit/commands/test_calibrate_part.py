"""``kiosk calibrate points`` and ``check``: simulated, and the real driver over a simulated bus."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.mlx90614 import SPECS, Mlx90614
from drivers.simulated.clock import VirtualClock
from drivers.simulated.i2c_bus import SimulatedI2cBus
from drivers.simulated.i2c_parts import Steady, WiredMlx90614
from drivers.simulated.reference_body import SimulatedReferenceBody
from kiosk.commands.__main__ import main
from kiosk.commands.calibrate_reference import Bench, look_at, proven_time
from kiosk.config import load
from kiosk.errors import SensorError, TimeUnproven
from kiosk.model import Celsius, ClockState, Monotonic
from kiosk.passage.journal_beside import WriterLock, is_being_written
from kiosk.passage.reference_body import Reference
from kiosk.reference_check import ReferenceCheck
from tests.street import START
from tests.unit.commands.gates import asked, real, simulated


def test_calibration_is_found_from_two_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = simulated(tmp_path)
    words = ["points", "--config", file, "--reference", "BB-7", "--date", "2026-11-22"]
    answer = asked(capsys, *words, "--point", "34=34.1", "--point", "40=40.2")
    assert answer["gain"] == pytest.approx(6 / 6.1, abs=1e-4)
    assert answer["gain"] * 34.1 + answer["offset"] == pytest.approx(34.0, abs=2e-3)
    assert (answer["calibrated_on"], answer["reference"]) == ("2026-11-22", "BB-7")
    assert answer["simulated"] is True


def test_what_is_printed_can_be_written_into_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", str(simulated(tmp_path)), "--reference", 'bath "A"', "--date", "2026-11-22"]
    assert main(["calibrate", "points", *words, "--point", "34=34.1", "--point", "40=40.2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    settings = "\n".join(line for line in lines if " = " in line and not line.startswith("#"))
    file = simulated(tmp_path, name="calibrated.toml")
    text = file.read_text(encoding="utf-8").replace("supply_volts = 3.0", f"supply_volts = 3.0\n{settings}")
    file.write_text(text, encoding="utf-8")
    part = load(file).thermometer
    assert (part.gain, part.calibrated_on, part.reference) == (0.98361, "2026-11-22", 'bath "A"')
    assert any("SIMULATED" in line for line in lines)


def test_the_supply_is_corrected_before_the_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["points", "--config", real(tmp_path), "--reference", "BB-7", "--date", "2026-11-22"]
    answer = asked(capsys, *words, "--point", "34=34.18", "--point", "40=40.18")
    assert (answer["gain"], answer["offset"]) == (1.0, pytest.approx(0.0, abs=1e-3))


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--point", "34=34"], 2, "give two"),
        (["--point", "34=34", "--point", "40"], 2, "TRUE=MEASURED"),
        (["--point", "34=34", "--point", "37=37"], 1, "CALIBRATION: the points lie 3.0 °C apart"),
        (["--point", "34=34", "--point", "40=41"], 1, "can't be corrected: gain"),
        (["--point", "34=34", "--point", "60=60"], 1, "too far from foreheads"),
        (
            ["--reference-emissivity", "0.95", "--point", "34=34", "--point", "40=40"],
            1,
            "the room is needed too",
        ),
        ([], 2, "nobody answers"),
    ],
)
def test_points_that_are_none_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    words = ["--config", str(simulated(tmp_path)), "--reference", "BB-7", "--date", "2026-11-22"]
    assert main(["calibrate", "points", *words, *more]) == code
    assert sentence in capsys.readouterr().err


def test_both_points_can_be_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("34\n40.0\n"))
    words = [
        "points",
        "--config",
        simulated(tmp_path),
        "--reference",
        "BB-7",
        "--reference-emissivity",
        "0.95",
    ]
    answer = asked(capsys, *words, "--date", "2026-11-22")
    assert answer["gain"] == pytest.approx(1.0, abs=0.01), "a simulated part is perfect, a plate is not"
    assert answer["gain"] * 37 + answer["offset"] == pytest.approx(37.0, abs=0.05)
    assert answer["points"][1][0] == pytest.approx(39.26, abs=0.05)


def test_a_calibration_from_the_future_would_never_grow_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", str(real(tmp_path)), "--reference", "BB-7", "--date", "2999-01-01"]
    assert main(["calibrate", "points", *words, "--point", "34=34", "--point", "40=40"]) == 2
    assert "still to come" in capsys.readouterr().err


def test_a_reference_has_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["calibrate", "check", "--config", str(simulated(tmp_path)), "--reference", " ", "--true", "37"])
    assert "say what was looked at" in capsys.readouterr().err


def test_a_check_that_fits_is_written_for_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = asked(capsys, "check", "--config", simulated(tmp_path), "--reference", "BB-7", "--true", "37.5")
    path = tmp_path / "reference_check.json"
    check = ReferenceCheck.load(path)
    assert check is not None
    assert (check.fits, check.simulated, check.reference) == (True, True, "BB-7")
    assert check.part == "simulated xAA"
    assert answer["fits"] is True
    assert abs(answer["error"]) < 0.05
    told = asked(capsys, "status", "--config", simulated(tmp_path))["reference_check"]
    assert told["fits"] is True


@pytest.mark.parametrize("true", ["22", "29.9", "45.1", "nan"])
def test_a_check_far_from_foreheads_is_none(
    true: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wall of 22 °C fits any part, also one that reads a fever half a degree too low."""
    words = ["--config", str(simulated(tmp_path)), "--reference", "wall", "--true", true]
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", "check", *words])
    assert ended.value.code == 2
    assert "30 to 45 °C" in capsys.readouterr().err
    assert not (tmp_path / "reference_check.json").exists()


def test_a_check_that_does_not_fit_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = '[thermometer]\noffset = 0.4\ncalibrated_on = "2026-01-01"\nreference = "x"'
    file = simulated(tmp_path)
    text = file.read_text(encoding="utf-8").replace("[thermometer]", wrong)
    file.write_text(text, encoding="utf-8")
    words = ["--config", str(file), "--reference", "BB-7", "--true", "37.5"]
    assert main(["calibrate", "check", *words]) == 1
    said = capsys.readouterr().out
    assert "(+0.4" in said
    assert "calibrate again, or replace the part" in said
    check = ReferenceCheck.load(tmp_path / "reference_check.json")
    assert check is not None
    assert not check.fits


# -- time -----------------------------------------------------------------------------------------------


def test_an_unproven_clock_dates_nothing(tmp_path: Path) -> None:
    config = load(real(tmp_path))
    clock = VirtualClock(START, state=ClockState.UNTRUSTED)
    with pytest.raises(TimeUnproven, match="no clock of this machine can be believed"):
        proven_time(config, clock)
    clock.set_state(ClockState.NTP)
    assert proven_time(config, clock) == START


# -- the real driver ------------------------------------------------------------------------------------


def on_a_bus(celsius: float) -> Bench:
    clock = VirtualClock()
    bus = SimulatedI2cBus(1)
    bus.attach(WiredMlx90614(Steady(celsius, 25.0), clock=clock, variant="xCC", settling_s=0.14))
    part = Mlx90614.on(1, variant="xCC", clock=clock, opener=bus.opener, devices=Path("/nonexistent"))
    return Bench(lambda: part, clock, clock.advance)


def test_the_real_driver_looks_at_a_reference(tmp_path: Path) -> None:
    config = load(real(tmp_path))
    looked = look_at(config, Reference(Celsius(37.5)), on_a_bus(37.5))
    assert looked.look.raw == pytest.approx(37.5, abs=0.03)
    assert looked.look.samples > 100
    assert looked.part == "mlx90614 xCC 123456789abcdef0"


@pytest.mark.parametrize("words", [["check", "--true", "37.5", "--at", "2026-11-22T08:00+08:00"], ["points"]])
def test_no_reference_is_held_before_a_gate_that_runs(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = real(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("37.5\n"))
    monkeypatch.setattr(SystemClock, "state", lambda _: ClockState.NTP)
    lock = WriterLock(load(file).journal.path)
    assert main(["calibrate", *words, "--config", str(file), "--reference", "BB-7"]) == 2
    lock.release()
    assert "the gate runs: stop it first (systemctl stop kiosk-gate)" in capsys.readouterr().err


def test_asking_whether_a_gate_runs_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert not is_being_written(path)
    assert list(tmp_path.iterdir()) == []
    lock = WriterLock(path)
    assert is_being_written(path)
    lock.release()
    assert not is_being_written(path)


def test_without_the_part_it_is_a_fault_and_no_calibration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--reference", "BB-7", "--true", "37.5", "--at", "2026-11-22T08:00+08:00"]
    nowhere = real(tmp_path).read_text(encoding="utf-8").replace("[thermometer]", "[thermometer]\nbus = 29")
    (tmp_path / "real.toml").write_text(nowhere, encoding="utf-8")
    assert main(["calibrate", "check", "--config", str(tmp_path / "real.toml"), *words]) == 3
    assert "DEVICE_ABSENT" in capsys.readouterr().err
    assert not (tmp_path / "reference_check.json").exists()


def test_a_die_that_can_t_be_is_a_fault(tmp_path: Path) -> None:
    clock = VirtualClock()
    broken = SimulatedReferenceBody(SPECS["xAA"], Celsius(37.0), started=Monotonic(0.0), die=Celsius(120.0))
    with pytest.raises(SensorError, match="its own temperature reads 120"):
        look_at(
            load(simulated(tmp_path)), Reference(Celsius(37.0)), Bench(lambda: broken, clock, clock.advance)
        )

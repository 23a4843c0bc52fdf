"""The layers hold, and would be seen not to: each contract fails on one wrong import."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data import REPOSITORY

PACKAGES = ("kiosk", "drivers", "web")
LINTER = Path(sys.executable).with_name("lint-imports")
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}

WRONG = {
    "layers": [
        ("kiosk/errors.py", "kiosk.model"),
        ("kiosk/model.py", "kiosk.devices"),
        ("kiosk/config.py", "kiosk.policy"),
        ("kiosk/policy.py", "kiosk.gate"),
        ("kiosk/passes/trust.py", "kiosk.control"),
        ("kiosk/passage/decision.py", "drivers.lamp"),
        ("kiosk/gate.py", "drivers.lamp"),
        ("kiosk/gate.py", "kiosk.assembly"),
        ("kiosk/control/__init__.py", "web.panel"),
        ("drivers/lamp.py", "kiosk.assembly"),
        ("kiosk/assembly.py", "web.panel"),
        ("kiosk/assembly.py", "kiosk.commands"),
        ("web/community/__init__.py", "kiosk.commands"),
    ],
    "steps": [
        ("kiosk/passage/arrival.py", "kiosk.passage.body_temperature"),
        ("kiosk/passage/body_temperature.py", "kiosk.passage.decision"),
        ("kiosk/passage/decision.py", "kiosk.passage.journal"),
        ("kiosk/passage/indicator.py", "kiosk.passage.decision"),
        ("kiosk/passage/journal.py", "kiosk.passage.sync"),
        ("kiosk/passage/sync.py", "kiosk.passage.arrival"),
    ],
    "drivers": [
        ("drivers/lamp.py", "kiosk.config"),
        ("drivers/lamp.py", "kiosk.scenario"),
        ("drivers/qr_decode.py", "kiosk.passes.formats"),
        ("drivers/simulated/lamp.py", "kiosk.policy"),
        ("drivers/lamp.py", "kiosk.gate"),
    ],
    "web": [
        ("web/community/__init__.py", "kiosk.gate"),
        ("web/community/__init__.py", "kiosk.assembly"),
        ("web/community/__init__.py", "kiosk.passage.sync"),
        ("web/panel/__init__.py", "kiosk.passage.body_temperature"),
        ("web/panel/__init__.py", "drivers.lamp"),
    ],
    "hardware": [
        ("kiosk/gate.py", "gpiozero"),
        ("kiosk/assembly.py", "lgpio"),
        ("kiosk/passage/body_temperature.py", "smbus2"),
        ("kiosk/passes/native.py", "pyzbar.pyzbar"),
        ("kiosk/health.py", "picamera2"),
        ("web/panel/__init__.py", "zxingcpp"),
    ],
    "network": [
        ("kiosk/gate.py", "requests"),
        ("kiosk/passage/journal.py", "urllib3"),
        ("drivers/lamp.py", "requests"),
        ("web/community/__init__.py", "requests"),
    ],
    "pages": [
        ("kiosk/gate.py", "flask"),
        ("kiosk/control/__init__.py", "werkzeug.http"),
        ("drivers/lamp.py", "waitress"),
    ],
    "numpy": [
        ("kiosk/gate.py", "numpy"),
        ("drivers/qr_decode.py", "numpy"),
        ("drivers/simulated/frames.py", "numpy"),
        ("web/community/__init__.py", "numpy"),
    ],
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three packages and the contracts, to be spoiled."""
    folder = tmp_path_factory.mktemp("layers")
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


@pytest.fixture
def spoiled(copy: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The copy while one of its files has one import more."""
    file, imported = request.param
    original = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(f"{original}\nimport {imported}\n", encoding="utf-8")
    yield copy
    (copy / file).write_text(original, encoding="utf-8")


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [LINTER, "--no-logo", "--cache-dir", folder / ".cache", *chosen],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_layers_hold(copy: Path) -> None:
    answer = lint(copy)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in answer.stdout


@pytest.mark.parametrize(
    ("contract", "spoiled"),
    [(contract, wrong) for contract, imports in WRONG.items() for wrong in imports],
    indirect=["spoiled"],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}->{value[1]}",
)
def test_a_wrong_import_breaks_its_contract(contract: str, spoiled: Path) -> None:
    answer = lint(spoiled, contract)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "Contracts: 0 kept, 1 broken." in answer.stdout


def test_every_contract_is_shown_to_fail() -> None:
    assert set(WRONG) == set(CONTRACTS)


def test_every_module_has_its_layer() -> None:
    named = {
        name.strip().removeprefix("kiosk.")
        for layer in CONTRACTS["layers"]["layers"]
        for name in layer.split(":")
        if name.strip().startswith("kiosk.")
    }
    there = {
        path.stem for path in (REPOSITORY / "kiosk").iterdir() if path.suffix == ".py" or _is_package(path)
    }
    assert there - {"__init__"} == named


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").is_file()


@pytest.mark.parametrize("module", ["kiosk.gate", "kiosk.assembly"])
def test_the_gate_loads_nothing_that_it_has_no_use_for(module: str) -> None:
    heavy = ["numpy", "flask", "requests", "rich", "sqlalchemy", "pytest", "hypothesis"]
    program = f"import sys, {module}; print(*(set({heavy!r}) & sys.modules.keys()))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""

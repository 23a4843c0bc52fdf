"""``kiosk trust``: makes a chain of trust once, and says whether a gate would take what is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.commands.__main__ import main
from kiosk.passes.keys import SigningKey
from kiosk.passes.trust import DemoTrust, init_demo
from tests.unit.passes.kit import NOW

AT = ["--at", "2026-11-21T00:00Z"]
LATER = ["--at", "2027-11-22T00:00Z"]


@pytest.fixture
def made(tmp_path: Path) -> DemoTrust:
    return init_demo(tmp_path / "trust", NOW)


def test_init_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new"
    assert main(["trust", "init", "--to", str(folder), "--community", "lane4"]) == 0
    told = capsys.readouterr().out
    assert str(folder / "root.pub") in told
    assert f"kiosk pass issue --trust {folder}" in told
    assert json.loads((folder / "issuer.json").read_text())["community"] == "lane4"


def test_init_never_overwrites(made: DemoTrust, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    assert main(["trust", "init", "--to", str(made.folder)]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()} == before


def test_init_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "init", "--to", str(tmp_path / "new"), "--json", *AT]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["root"]).is_file()
    assert (Path(told["lists"]) / "manifest").is_file()


@pytest.mark.parametrize(
    "options",
    [
        ["--community", "Lane 4"],
        ["--issuer", "../x"],
        ["--passes", "0"],
        ["--passes", "many"],
        ["--at", "soon"],
    ],
)
def test_init_refuses_what_could_not_be_used(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    assert exit_code(["trust", "init", "--to", str(folder), *options]) == 2
    assert capsys.readouterr().err
    assert not folder.exists()


def test_show_tells_issuers_files_and_times(made: DemoTrust, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "show", str(made.folder), *AT]) == 0
    told = capsys.readouterr().out
    for part in (
        "issuer demo",
        made.issuer.key.public.kid.hex(),
        "400 days",
        "mode routine",
        "status/demo/0/0",
    ):
        assert part in told


def test_show_as_json(made: DemoTrust, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "show", str(made.folder), "--json", *AT]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert told["issuers"][0]["kid"] == made.issuer.key.public.kid.hex()
    assert told["policies"]["emergency"]["shut_out"] == ["visitor"]


def test_verify_says_yes(made: DemoTrust, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "verify", str(made.folder), *AT]) == 0
    assert "A gate takes these lists" in capsys.readouterr().out


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_verify_says_no_and_why(made: DemoTrust, form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "verify", str(made.folder), *form, *LATER]) == 1
    assert "TRUST_EXPIRED" in capsys.readouterr().out
    manifest = made.lists / "manifest"
    manifest.write_bytes(manifest.read_bytes()[:-1])
    assert main(["trust", "verify", str(made.folder), *form, *AT]) == 1
    assert "TRUST" in capsys.readouterr().out


def test_bare_lists_are_verified_with_the_roots_that_are_named(
    made: DemoTrust, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = str(made.lists)
    assert main(["trust", "verify", lists, *AT]) == 2
    assert "--root" in capsys.readouterr().err
    assert main(["trust", "verify", lists, "--root", str(made.root_file), *AT]) == 0
    stranger = tmp_path / "stranger.pub"
    stranger.write_bytes(SigningKey.generate().public.pem())
    assert main(["trust", "verify", lists, "--root", str(stranger), *AT]) == 1


def test_what_is_no_key_and_what_are_no_lists_is_said(
    made: DemoTrust, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["trust", "show", str(folder)]) == 2
        assert f"{folder}: no signed lists there; `kiosk trust init --to DIR`" in capsys.readouterr().err
    issuer = made.folder / "issuer.json"
    for path, told in ((tmp_path / "nope", "no such file"), (issuer, "not a public key in PEM")):
        assert main(["trust", "verify", str(made.lists), "--root", str(path)]) == 2
        assert f"--root {path}: " in (said := capsys.readouterr().err)
        assert told in said


def exit_code(arguments: list[str]) -> int:
    """Of a command line that argparse itself may refuse."""
    try:
        return main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)

"""The repository keeps what it promises: pinned packages, whole installs, one set of checks, living links."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from kiosk.commands.__main__ import COMMANDS
from tests.data import REPOSITORY

PACKAGES = ("kiosk", "drivers", "web")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
LISTS = ("base", "demo", "dev", "device")
DISTRIBUTIONS_OWN = {"numpy", "simplejpeg", "picamera2", "av", "lgpio"}


def pinned(name: str) -> dict[str, str]:
    """Package and version of each entry of a requirements list."""
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))


def asked(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", item)[0].lower() for item in requirements}


# -- requirements ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_by_version_and_hash(name: str) -> None:
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[0-9][^\s;]*( ; [^\\]+)? \\\n", entry), entry
        assert all(
            re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in entry.splitlines()[1:]
        )


@pytest.mark.parametrize("name", LISTS)
def test_no_list_says_where_packages_come_from(name: str) -> None:
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host", text)


def test_the_lists_hold_what_the_project_asks_for() -> None:
    project, extras = PROJECT["project"], PROJECT["project"]["optional-dependencies"]
    base, demo, dev = asked(project["dependencies"]), asked(extras["demo"]), asked(extras["dev"])
    assert base <= set(pinned("base"))
    assert base | demo <= set(pinned("demo"))
    assert base | demo | dev <= set(pinned("dev"))
    assert base - DISTRIBUTIONS_OWN <= set(pinned("device"))


def test_a_smaller_list_never_changes_what_a_larger_one_installed() -> None:
    assert pinned("base").items() <= pinned("demo").items() <= pinned("dev").items()
    assert pinned("device").items() <= pinned("dev").items()


def test_the_device_leaves_the_cameras_libraries_to_the_distribution() -> None:
    assert not DISTRIBUTIONS_OWN & set(pinned("device"))


@pytest.mark.parametrize("name", LISTS)
def test_the_build_needs_nothing_that_is_not_pinned(name: str) -> None:
    (wanted,) = PROJECT["build-system"]["requires"]
    least = re.fullmatch(r"setuptools>=(\d+)", wanted)
    assert least
    assert int(pinned(name)["setuptools"].split(".")[0]) >= int(least[1])


# -- what an install gets ------------------------------------------------------------------------------------


def test_every_package_on_disk_is_listed() -> None:
    on_disk = {
        ".".join(path.parent.relative_to(REPOSITORY).parts)
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("__init__.py")
    }
    assert on_disk == set(PROJECT["tool"]["setuptools"]["packages"])


def test_an_installed_kiosk_has_every_file(tmp_path: Path) -> None:
    for name in (*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, tmp_path / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", "wheels", "."], cwd=tmp_path, check=True, timeout=120)
    (wheel,) = (tmp_path / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    there = {
        str(path.relative_to(REPOSITORY))
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path for path in inside if ".dist-info/" not in path} == there
    assert any(path.endswith("licenses/LICENSE") for path in inside)


def test_the_licence_is_what_the_project_says() -> None:
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


# -- one set of checks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["ruff check", "ruff format --check", "mypy", "lint-imports"])
def test_ci_and_the_hook_run_the_same_checks(tool: str) -> None:
    for file in (".ci/run", ".pre-commit-config.yaml"):
        assert f".venv/bin/{tool}" in (REPOSITORY / file).read_text(encoding="utf-8")


def test_both_run_the_tests() -> None:
    assert "./setup.sh test" in (REPOSITORY / ".ci/run").read_text(encoding="utf-8")
    hook = (REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert ".venv/bin/pytest" in hook
    assert "repo: local" in hook
    assert "http" not in hook, "a hook fetches nothing"


@pytest.mark.parametrize("script", ["setup.sh", ".ci/run", "requirements/update.sh", "tests/setup/run.sh"])
def test_scripts_can_be_run_and_parse(script: str) -> None:
    file = REPOSITORY / script
    assert file.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", file], check=True)


# -- documents -----------------------------------------------------------------------------------------------

PAGES = [REPOSITORY / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((REPOSITORY / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


def test_the_first_screen_of_the_readme_has_the_two_commands() -> None:
    first = "\n".join((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()[:40])
    assert "./setup.sh demo" in first
    assert "./setup.sh test" in first
    assert "SIMULATED" in first


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.name != "README.md" and page.name not in readme] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`kiosk {command}" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_every_module_of_the_gate_is_in_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    there = {path.stem for path in (REPOSITORY / "kiosk").glob("*.py")} - {"__init__"}
    named = {
        word
        for line in readme.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`(\w+)`", line)
    }
    assert there <= named


def test_every_package_has_its_licence_listed() -> None:
    page = (REPOSITORY / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \|", page, re.MULTILINE))
    assert set(pinned("demo")) <= listed


def test_the_changelog_has_this_version() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {PROJECT['project']['version']}" in changelog

"""``kiosk config show | diff | check``: what is in force, what a file changes, and whether it may be used.

Exit codes: show 0; diff 0 nothing changed, 1 something is; check 0 usable, 1 mistakes; all: 2 when the file
can't be read, or (show, diff) can't be used.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kiosk.config import Config, find, load, settings
from kiosk.errors import ConfigError, ConfigUnreadable, Usage


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("what", choices=_ACTIONS, help="in force / different from the defaults / mistakes")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the same as --config FILE")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: $KIOSK_CONFIG, then /etc/kiosk")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines for people")


def run(arguments: argparse.Namespace) -> int:
    """Run one of the three."""
    if arguments.file is not None and arguments.config is not None:
        raise Usage("name the file once: FILE and --config FILE are the same")
    return _ACTIONS[arguments.what](find(arguments.file or arguments.config), arguments.json)


# -- show ------------------------------------------------------------------------------------------------


def _show(path: Path | None, as_json: bool) -> int:
    config = load(path)
    if as_json:
        print(json.dumps(_plain(config), indent=2))
    else:
        print("\n".join(as_toml(config)))
    return 0


def as_toml(config: Config) -> Iterator[str]:
    """Lines of a file that gives this configuration again; settings left out stand as comments."""
    section = ""
    for setting in settings().values():
        if setting.section != section:
            yield f"[{setting.section}]" if not section else f"\n[{setting.section}]"
            section = setting.section
        value = plain_value(getattr(getattr(config, section), setting.name))
        yield (
            f"# {setting.name} is not set"
            if value is None
            else f"{setting.name} = {_toml(value, setting.name)}"
        )


def plain_value(value: Any) -> Any:
    """What JSON and TOML have a word for."""
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _plain(config: Config) -> dict[str, dict[str, Any]]:
    plain: dict[str, dict[str, Any]] = {}
    for setting in settings().values():
        section = plain.setdefault(setting.section, {})
        section[setting.name] = plain_value(getattr(getattr(config, setting.section), setting.name))
    return plain


def _toml(value: Any, name: str = "") -> str:
    if name == "address":
        return f"0x{value:02X}"  # as the part's data sheet and i2cdetect have it
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's numbers, truth values and (printable) strings are TOML's.
    return json.dumps(value, ensure_ascii=False)


# -- diff ------------------------------------------------------------------------------------------------


def _diff(path: Path | None, as_json: bool) -> int:
    shipped, mine = _plain(load(None)), _plain(load(path))
    changed = {
        setting.key: {"default": shipped[setting.section][setting.name], "value": value}
        for setting in settings().values()
        if (value := mine[setting.section][setting.name]) != shipped[setting.section][setting.name]
    }
    if as_json:
        print(json.dumps(changed, indent=2))
    else:
        print("\n".join(_changes(changed)) or "Nothing differs from the defaults.")
    return 1 if changed else 0


def _changes(changed: dict[str, dict[str, Any]]) -> Iterator[str]:
    for key, sides in changed.items():
        value, default = (_shown(sides[side], key) for side in ("value", "default"))
        yield f"{key} = {value}    (default: {default})"


def _shown(value: Any, key: str) -> str:
    return "not set" if value is None else _toml(value, key.rpartition(".")[2])


# -- check -----------------------------------------------------------------------------------------------


def _check(path: Path | None, as_json: bool) -> int:
    try:
        load(path)
        problems: tuple[Any, ...] = ()
    except ConfigUnreadable:
        raise
    except ConfigError as error:
        problems = error.problems
    if as_json:
        print(json.dumps(_verdict(path, problems), indent=2))
    else:
        print("\n".join(_sentences(path, problems)))
    return 1 if problems else 0


def _verdict(path: Path | None, problems: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "file": None if path is None else str(path),
        "ok": not problems,
        "problems": [{"line": item.line, "key": item.key, "reason": item.reason} for item in problems],
    }


def _sentences(path: Path | None, problems: tuple[Any, ...]) -> Iterator[str]:
    named = path or "the shipped defaults (there is no file)"
    if problems:
        yield f"{named}: {len(problems)} to mend"
    else:
        yield f"{named}: can be used"
    yield from map(str, problems)


_ACTIONS = {"show": _show, "diff": _diff, "check": _check}

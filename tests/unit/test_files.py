"""Files that a power cut leaves whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.files import read_json, write_atomic, write_new

Write = Callable[[Path, bytes, int], None]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", [write_atomic, write_new])
def test_a_file_is_there_whole_with_its_mode_and_nothing_beside_it(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "secret", b"content", 0o600)
    assert (tmp_path / "secret").read_bytes() == b"content"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["secret"]


def test_what_is_there_is_replaced_by_one_and_kept_by_the_other(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_new(file, b"new")
    assert file.read_bytes() == b"old"
    write_atomic(file, b"new")
    assert file.read_bytes() == b"new"
    assert names(tmp_path) == ["secret"]


@pytest.mark.parametrize("write", [write_atomic, write_new])
def test_the_name_appears_only_when_the_content_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    """What a power cut at the flush would leave: not the empty file of that name."""

    def cut(handle: int) -> None:
        raise OSError(5, "the power fails here")

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(OSError, match="the power fails"):
        write(tmp_path / "secret", b"content", 0o600)
    assert names(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"null", b"{", b"\xff", b"[" * 4000, b"9" * 5000, b" " * 5000 + b"{}"])
def test_what_is_no_json_is_no_answer(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "note.json"
    assert read_json(file) is None, "nobody wrote it"
    file.write_bytes(data)
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        read_json(file)
    file.write_bytes(b'{"celsius": 3}')
    assert read_json(file) == {"celsius": 3}

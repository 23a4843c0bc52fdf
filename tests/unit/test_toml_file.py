"""A mistake is told with the line it stands in, however the file is written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import ConfigError, ConfigUnreadable
from kiosk.toml_file import LARGEST_BYTES, Document, Problem, read_document

TRICKY = '''\
# guard = 1, in a comment
[gate]
elsewhere = """
guard = 2
[screening]
"""
hours = [
  "guard",   # in a value
  'high = 3',
]
id = "screening.guard = 4"

[ screening ]   # with spaces
"guard" = 5
high=6
thermometer.bus = 7

[speaker]
languages = [ "zh",
  "en" ]
inline = { guard = 8, high = 9 }
'''


def document(text: str) -> Document:
    return Document(None, text, tomllib.loads(text))


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("gate",), 2),
        (("gate", "elsewhere"), 3),
        (("gate", "hours"), 7),
        (("gate", "id"), 11),
        (("screening",), 13),
        (("screening", "guard"), 14),
        (("screening", "high"), 15),
        (("screening", "thermometer"), 16),
        (("screening", "thermometer", "bus"), 16),
        (("speaker", "languages"), 19),
        (("speaker", "inline", "guard"), 21),
        (("speaker", "guard"), None),
        (("lamp",), None),
    ],
)
def test_finds_the_line_of_a_key(names: tuple[str, ...], line: int | None) -> None:
    assert document(TRICKY).line(*names) == line


def test_dotted_keys_and_inline_sections_have_lines_too() -> None:
    text = "screening.guard = 1\nlamp = { buzzer = true }\n"
    assert document(text).line("screening", "guard") == 1
    assert document(text).line("lamp", "buzzer") == 2


VALUES = st.sampled_from(["1", '"a"', '["b",\n "a"]'])


@given(st.lists(st.sampled_from(["a", "b", "ab", "ba"]), unique=True, min_size=1), st.data())
def test_the_line_is_the_one_written(names: list[str], data: st.DataObject) -> None:
    filler = st.sampled_from(["", "# a = 1", "#ab", "\t"])
    lines, expected = ["[s]"], {}
    for name in names:
        lines += data.draw(st.lists(filler, max_size=2))
        lines.append(f"{name} = {data.draw(VALUES)}")
        expected[name] = "\n".join(lines).count("\n") + 1 - lines[-1].count("\n")
    found = document("\n".join(lines))
    assert {name: found.line("s", name) for name in names} == expected


# -- files that are no configuration ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"[gate]\nid = east\n", 2, "not TOML: Invalid value"),
        (b"[gate]\nid 'east'\n", 2, "not TOML: Expected '='"),
        (b"[gate]\r\nid = 'a'\r\nid = 'b'\r\n", 3, "not TOML: Cannot overwrite"),
        (b"[gate]\n[pins]\n[gate]\n", 3, "not TOML: Cannot declare"),
        (b'[gate]\nid = "east', None, "end of the file"),
        (b"[gate]\nid = '\xff\xfe'\n", 2, "not UTF-8"),
        (b"\x00", 1, "not TOML"),
        (b"a = " + b"9" * 5000, None, "integer"),
        (b"a = " + b"[" * 20_000, None, "nested too deeply"),
    ],
)
def test_says_where_the_syntax_is_wrong(tmp_path: Path, data: bytes, line: int | None, words: str) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError) as refused:
        read_document(file)
    (problem,) = refused.value.problems
    assert isinstance(problem, Problem)
    assert problem.line == line
    assert words in problem.reason


def test_a_byte_order_mark_and_windows_lines_are_no_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_bytes(b"\xef\xbb\xbf[gate]\r\nid = 'east'\r\n")
    assert read_document(file).tables == {"gate": {"id": "east"}}
    assert read_document(file).line("gate", "id") == 2


def test_a_file_that_can_not_be_read_is_one_sentence_with_its_name(tmp_path: Path) -> None:
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (LARGEST_BYTES + 1))
    for path, words in (
        (tmp_path / "absent.toml", "No such file"),
        (tmp_path, "directory"),
        (huge, "larger than"),
    ):
        with pytest.raises(ConfigUnreadable, match=words) as refused:
            read_document(path)
        assert str(path) in str(refused.value)


def test_a_file_that_may_not_be_read_says_so(folder_without_root: Path) -> None:
    file = folder_without_root / "kiosk.toml"
    file.touch(mode=0)
    with pytest.raises(ConfigUnreadable, match="Permission denied"):
        read_document(file)


@given(st.binary(max_size=60) | st.text(alphabet="[]{}=\"'#.,\n agt1", max_size=40).map(str.encode))
def test_any_bytes_are_a_document_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(data)
    try:
        read = read_document(file)
    except ConfigError:
        return
    assert isinstance(read.tables, dict)

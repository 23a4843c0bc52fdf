"""The bench counts what there is: right, wrong, unread, read too late, and read where nothing is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from drivers.qr_peers import PEERS
from kiosk.bench import photographs, qr
from kiosk.bench.photographs import Photograph
from kiosk.bench.qr import Candidate, Tally
from kiosk.commands.__main__ import main
from kiosk.errors import DeviceAbsent
from kiosk.model import Frame, Monotonic
from tests import codes

PROMISED = ["decode_rate", "wrong", "ms_code", "ms_no_code"]
EMPTY = Frame(bytes(64 * 48), 64, 48, Monotonic(0))


class Material:
    """A manifest with its folders, as the shared data set has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = folder / "manifest.json"
        self.images, self.negatives = folder / "images", folder / "negatives"
        self.images.mkdir()
        self.negatives.mkdir()
        self.entries: list[dict[str, Any]] = []
        for number in range(3):
            self.street(number).save(self.negatives / f"{number}.png")

    @staticmethod
    def street(number: int) -> Image.Image:
        picture = Image.linear_gradient("L").resize((640, 480)).rotate(90 * number)
        ImageDraw.Draw(picture).rectangle((80 * number, 60, 80 * number + 40, 300), fill=20)
        return picture

    def add(self, name: str, text: str | None, picture: Image.Image) -> None:
        picture.save(self.images / name)
        self.entries.append({"file": name, "text": text, "kind": "photo", "w": picture.width})

    def words(self, *more: str) -> list[str]:
        self.manifest.write_text(json.dumps(self.entries), encoding="utf-8")
        return ["bench", "qr", "--manifest", str(self.manifest), "--images", str(self.images), *more]

    def with_negatives(self, *more: str) -> list[str]:
        return self.words("--negatives", str(self.negatives), *more)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    made = Material(tmp_path)
    made.add("good.png", "one\ntwo", codes.qr("one\r\ntwo"))
    made.add("mislabelled.png", "GP1:ONE", codes.qr("GP1:OTHER"))
    made.add("blank.png", "GP1:NOBODY", Image.new("L", (200, 200), 180))
    made.add("unknown.png", None, codes.qr("nobody vouches for this"))
    return made


def figures(capsys: pytest.CaptureFixture[str], words: list[str]) -> dict[str, Any]:
    assert main(words) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_json_has_the_promised_keys(capsys: pytest.CaptureFixture[str], material: Material) -> None:
    answer = figures(capsys, material.with_negatives("--json"))
    assert list(answer) == ["vga", "camera", "original", "frames_per_view"]
    assert answer["frames_per_view"] == 4
    for size in ("vga", "camera", "original"):
        assert list(answer[size]) == ["kiosk", "pyzbar", "zxing"]
        for reader in answer[size].values():
            assert list(reader)[:4] == PROMISED
            assert reader["ms_code"] > 0
            assert reader["ms_no_code"] > 0


def test_right_wrong_and_unread_are_told_apart_and_the_unknown_counts_nowhere(
    capsys: pytest.CaptureFixture[str], material: Material
) -> None:
    answer = figures(capsys, material.with_negatives("--json", "--frames-per-view", "2"))
    for size in ("vga", "camera", "original"):
        for reader in answer[size].values():
            assert reader["n"] == 3
            assert reader["decode_rate"] == pytest.approx(1 / 3, abs=1e-4)
            assert reader["wrong"] == 1
            assert reader["misread"] == [{"file": "mislabelled.png", "text": "GP1:OTHER"}]
            assert reader["missed"] == ["mislabelled.png", "blank.png"]
            assert reader["false_reads"] == 0


def test_a_misread_picture_is_named_on_standard_error(
    capsys: pytest.CaptureFixture[str], material: Material
) -> None:
    assert main(material.with_negatives("--frames-per-view", "1")) == 0
    told = capsys.readouterr()
    assert "vga: mislabelled.png was read as 'GP1:OTHER'" in told.err
    assert "3 of 3 photographs" in told.err
    lines = told.out.splitlines()
    assert lines[0] == "3 photographs with a known text (1 more without), 3 pictures without a code"
    assert [line.split()[:3] for line in lines[2:5]] == [
        ["vga", "kiosk", "33.3%"],
        ["vga", "pyzbar", "33.3%"],
        ["vga", "zxing", "33.3%"],
    ]
    assert "Linux" in lines[-1]


def test_a_code_among_the_pictures_without_one_is_a_false_read(
    capsys: pytest.CaptureFixture[str], material: Material
) -> None:
    codes.beside([codes.qr("https://example.org/menu")], size=(640, 480)).save(material.negatives / "9.png")
    answer = figures(capsys, material.with_negatives("--json", "--frames-per-view", "1"))
    assert all(answer[size]["zxing"]["false_reads"] == 1 for size in ("vga", "camera", "original"))
    assert all(answer[size]["kiosk"]["false_reads"] >= 1 for size in ("vga", "camera", "original"))


def test_without_negatives_pictures_lie_on_grey_and_an_empty_frame_has_no_cost(
    capsys: pytest.CaptureFixture[str], material: Material
) -> None:
    answer = figures(capsys, material.words("--json", "--frames-per-view", "1"))
    assert answer["vga"]["kiosk"]["decode_rate"] == pytest.approx(1 / 3, abs=1e-4)
    assert answer["vga"]["kiosk"]["ms_no_code"] is None


# -- counting ------------------------------------------------------------------------------------------


def late(text: str, frame: int) -> Candidate:
    """Reads the text with this frame of every view of four, and nothing before."""
    calls = iter(range(1, 1000))
    return Candidate(lambda _: [text] if (next(calls) - 1) % 4 + 1 == frame else [], 4)


def photograph(text: str, name: str = "a.png") -> Photograph:
    return Photograph(name, Path(name), text)


def test_the_frame_that_was_read_first_decides_after_how_many_it_counts() -> None:
    tally = Tally()
    tally.show(photograph("x", "first"), EMPTY, late("x", 1))
    tally.show(photograph("x", "third"), EMPTY, late("x", 3))
    tally.show(photograph("x", "never"), EMPTY, late("x", 9))
    assert tally.first_right == {"first": 1, "third": 3, "never": None}
    assert [tally.rate(frames) for frames in (1, 2, 3, 4)] == [0.3333, 0.3333, 0.6667, 0.6667]
    figures = qr.figures(tally, 4)
    assert figures["decode_rate"] == 0.6667
    assert figures["decode_rate_after"] == {"1": 0.3333, "2": 0.3333, "4": 0.6667}
    assert figures["frames_p95"] == 3
    assert figures["missed"] == ["never"]
    assert tally.code.calls == 12


def test_a_right_text_does_not_hide_a_wrong_one_and_each_wrong_one_counts_once() -> None:
    tally = Tally()
    tally.show(photograph("x"), EMPTY, Candidate(lambda _: ["x", "y"], 4))
    assert (tally.rate(4), tally.misread) == (1.0, [("a.png", "y")])


def test_nothing_is_right_that_differs_in_more_than_line_ends() -> None:
    one = photograph("a\r\nb ")
    assert one.is_right("a\nb ")
    for read in ("a\nb", "A\nb ", "a b ", ""):
        assert not one.is_right(read)
    assert not Photograph("a.png", Path("a.png"), None).is_right("")


def test_the_scene_is_the_same_every_time_and_never_enlarges() -> None:
    negatives = [Material.street(number) for number in range(3)]
    assert photographs.backgrounds(negatives, 9) == photographs.backgrounds(negatives, 9)
    white = Image.new("L", (100, 50), 255)
    shown = photographs.scene(white, Image.new("L", (64, 48), 0), (640, 480))
    assert shown.size == (640, 480)
    assert shown.getbbox() == (270, 215, 370, 265)
    large = Image.new("L", (2000, 1000), 255)
    assert photographs.scene(large, Image.new("L", (64, 48), 0), (640, 480)).getbbox() == (0, 80, 640, 400)
    assert large.size == (2000, 1000)


# -- wrong usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("{}", "a list of pictures"),
        ('["a.png"]', "needs a file"),
        ('[{"file": "a.png", "text": 5}]', "needs a file"),
        ('[{"file": "../a.png", "text": "x"}]', "not inside"),
        ('[{"file": "gone.png", "text": "x"}]', "not there, such as gone.png"),
        ('[{"file": "good.png", "text": null}]', "no picture in it has a known text"),
    ],
)
def test_a_manifest_that_is_none_is_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], material: Material, manifest: str | None, sentence: str
) -> None:
    words = material.words()
    material.manifest.unlink()
    if manifest is not None:
        material.manifest.write_text(manifest)
    assert main(words) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_a_picture_that_is_none_is_named(capsys: pytest.CaptureFixture[str], material: Material) -> None:
    (material.images / "good.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(material.words()) == 3
    assert "good.png: not a picture" in capsys.readouterr().err


def test_no_frames_and_no_negatives_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], material: Material, tmp_path: Path
) -> None:
    assert main(material.words("--frames-per-view", "0")) == 2
    (tmp_path / "nothing").mkdir()
    assert main(material.words("--negatives", str(tmp_path / "nothing"))) == 2
    assert main(material.words("--negatives", str(tmp_path / "absent"))) == 3
    assert "no picture in it" in capsys.readouterr().err


# -- the peers -----------------------------------------------------------------------------------------


def test_the_peers_are_the_libraries_as_they_come() -> None:
    """pyzbar's own faults are left in: they are what it is compared by."""
    pyzbar, zxing = (PEERS[name]() for name in ("pyzbar", "zxing"))
    assert pyzbar(codes.frame(codes.qr("GP1:A"))) == zxing(codes.frame(codes.qr("GP1:A"))) == ["GP1:A"]
    part = codes.series("SERIES:" + "ABCDEFGH" * 30, version=5)[0]
    pyzbar(codes.frame(part))  # whatever it makes of it, the bench goes on
    chinese = codes.frame(codes.qr("MECARD:N:測試;;".encode()))
    assert zxing(chinese) == ["MECARD:N:測試;;"]
    assert pyzbar(chinese) != zxing(chinese)


def test_a_peer_that_is_not_installed_ends_the_bench_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    with pytest.raises(DeviceAbsent, match="nothing to compare with"):
        PEERS["zxing"]()


def test_the_bench_needs_no_numpy(material: Material) -> None:
    """It has to run on a device, where there is none."""
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from kiosk.commands.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = material.words("--json", "--frames-per-view", "1")
    subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, timeout=60)

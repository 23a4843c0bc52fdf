"""Pictures of people: readable by the real decoders, rendered elsewhere; no failure of the renderer hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from PIL import Image

from drivers.qr_decode import QrDecoder
from drivers.simulated import frames
from drivers.simulated.frames import FOREIGN_TEXT, NO_PHOTOGRAPHS, Renderer
from kiosk.errors import DeviceStalled
from kiosk.model import Frame, Monotonic
from kiosk.scenario import Person, people
from tests.codes import qr
from tests.data import conformance_data
from tests.unit.drivers.simulated.street import play

PASS = (
    "GP1:6BFOXN%TS3DH0YOJ58S S-W5HDC *M0II5XHC9B5G2+$N IOP-IA%NFQGRJPC%OQHIZC4.OI1RM8ZA.A5:S9MKN4NN3F85QNCY0O"
)
"""As long as half a pass; the tests add the other half."""
CARRIERS = {
    "paper": "carrier = 'paper'",
    "phone": "carrier = 'phone'; brightness = 0.9",
    "dim": "carrier = 'phone'; brightness = 0.3",
    "dark": "carrier = 'phone'; dark_mode = true",
}
READABLE = ("tilted", "sharp", "glare", "shade")


def text_of(person: Person) -> str:
    return PASS + f"{crc32(person.id.encode()):012d}" + PASS[4:92]


def crowd(*kinds: str, each: int = 1) -> tuple[Person, ...]:
    cast = "\n".join(
        f"{kind}: {CARRIERS.get(kind, kind)}; code_mm = {{ mean = 52, sd = 2 }}" for kind in kinds
    )
    return people(play(cast, "\n".join(f"{n} {kind}" for kind in kinds for n in range(each))))


@pytest.fixture
def decoder() -> QrDecoder:
    return QrDecoder()


@pytest.fixture(scope="module")
def studio() -> Iterator[Renderer]:
    """A renderer for everybody who asks."""
    with Renderer({}, seed=1, issue=text_of, ahead=20) as renderer:
        yield renderer


@pytest.fixture
def two() -> Iterator[tuple[Renderer, Person, Person]]:
    """A renderer, and two people to render."""
    first, second = crowd("paper", each=2)
    with Renderer({first.id: text_of(first), second.id: text_of(second)}, seed=1) as renderer:
        yield renderer, first, second


def look(renderer: Renderer, person: Person | None, shot: str) -> Frame:
    picture = renderer.picture(person, shot)
    return Frame(picture.luma, renderer.width, renderer.height, Monotonic(0), picture.label)


# -- readable ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height", "each"), [(640, 480, 3), (1280, 960, 1)])
def test_every_carrier_can_be_read(width: int, height: int, each: int, decoder: QrDecoder) -> None:
    group = crowd(*CARRIERS, each=each)
    texts = {person.id: text_of(person) for person in group}
    read: Counter[str] = Counter()
    with Renderer(texts, seed=1, width=width, height=height) as renderer:
        for person in group:
            seen = {shot: decoder.decode(look(renderer, person, shot)) for shot in READABLE}
            assert {code.text for codes in seen.values() for code in codes} == {texts[person.id]}
            read.update(shot for shot, codes in seen.items() if codes)
    assert read["sharp"] == read["tilted"] == len(group)
    assert sum(read.values()) >= 0.9 * len(READABLE) * len(group)


SPOILED = {
    "drops = 25": 0.8,
    "glare = 0.9": 0.8,
    "cracked = true": 0.8,
    "cracked = true; glare = 0.7": 0.5,
    "tilt_deg = 15": 0.9,
    "shake = 3": 0.9,
    "drops = 40; glare = 0.6": 0.5,
}
"""What spoils a phone's picture, and the share of looks that must be read all the same."""


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_spoiled_phone_is_read_after_some_looks(spoiled: str, studio: Renderer, decoder: QrDecoder) -> None:
    name = f"spoiled-{list(SPOILED).index(spoiled)}"
    cast = f"{name}: carrier = 'phone'; code_mm = 52; {spoiled}"
    group = people(play(cast, "\n".join([f"1 {name}"] * 6)))
    read = 0
    for person in group:
        looks = [decoder.decode(look(studio, person, shot)) for shot in READABLE]
        assert {code.text for codes in looks for code in codes} <= {text_of(person)}, "nothing is misread"
        read += sum(map(bool, looks))
    assert read >= SPOILED[spoiled] * len(READABLE) * len(group)


@pytest.mark.parametrize("spoiled", ["drops = 30", "glare = 0.9", "cracked = true"])
def test_what_spoils_a_picture_can_be_seen(spoiled: str) -> None:
    pictures = []
    for how in ("shake = 1", spoiled):
        (person,) = people(play(f"anna: carrier = 'phone'; {how}", "1 anna"))
        with Renderer({person.id: text_of(person)}, seed=1) as renderer:
            pictures.append(renderer.picture(person, "sharp").luma)
    assert sum(abs(a - b) > 40 for a, b in zip(*pictures, strict=True)) > 800


def test_a_code_on_its_way_up_is_seldom_readable_from_the_start(studio: Renderer, decoder: QrDecoder) -> None:
    group = crowd("paper", each=6)
    assert not any(decoder.decode(look(studio, person, "coming")) for person in group)
    raised = [look(studio, person, "raising") for person in group]
    assert sum(bool(decoder.decode(frame)) for frame in raised) < 6


def test_where_nobody_shows_anything_there_is_no_code(studio: Renderer, decoder: QrDecoder) -> None:
    for shot in ("empty", "near"):
        frame = look(studio, None, shot)
        assert len(frame.luma) == 640 * 480
        assert decoder.decode(frame) == []


def test_the_same_person_looks_the_same_every_time(two: tuple[Renderer, Person, Person]) -> None:
    renderer, first, second = two
    with Renderer({first.id: text_of(first)}, seed=1) as other:
        assert other.picture(first, "glare") == renderer.picture(first, "glare")
    assert renderer.picture(first, "sharp") != renderer.picture(second, "sharp")


# -- what cannot be shown ----------------------------------------------------------------------------------


def test_a_text_that_fits_no_code_leaves_empty_hands_and_a_note(decoder: QrDecoder) -> None:
    (person,) = crowd("paper")
    with Renderer({person.id: "x" * 4000}, seed=1) as renderer:
        assert decoder.decode(look(renderer, person, "sharp")) == []
        assert "no code holds 4000 characters" in renderer.notes[0]


def test_who_has_no_pass_is_asked_about_once(decoder: QrDecoder) -> None:
    one, two = crowd("paper", "phone")
    asked: list[str] = []

    def issue(person: Person) -> str | None:
        asked.append(person.id)
        return text_of(one) if person is one else None

    with Renderer({}, seed=1, issue=issue) as renderer:
        for _ in range(2):
            assert decoder.decode(look(renderer, one, "sharp"))[0].text == text_of(one)
            assert decoder.decode(look(renderer, two, "sharp")) == []
        assert asked == [one.id, two.id]
        assert renderer.notes == [f"{two.id} had no pass to show: none was issued"]


def test_a_shared_code_is_the_other_persons(decoder: QrDecoder) -> None:
    owner, copy = people(play("anna:\ncopy: pass = 'shared'", "1 anna name = 'a'\n2 copy code_of = 'a'"))
    with Renderer({owner.id: text_of(owner)}, seed=1) as renderer:
        assert decoder.decode(look(renderer, copy, "sharp"))[0].text == text_of(owner)


def test_a_scenarios_own_text_needs_no_issuer(studio: Renderer, decoder: QrDecoder) -> None:
    (person,) = people(play("menu: pass = 'unknown'; text = 'https://example.org/通行'", "1 menu"))
    assert decoder.decode(look(studio, person, "sharp"))[0].text == "https://example.org/通行"


# -- photographs -------------------------------------------------------------------------------------------


def photographers(named: str | None = None) -> Person:
    name = f"; photograph = '{named}'" if named else ""
    return people(play(f"poster: pass = 'photograph'{name}", "1 poster"))[0]


def test_a_photograph_is_shown_as_it_is(tmp_path: Path, decoder: QrDecoder) -> None:
    for name in ("a.png", "b.png"):
        qr(f"text of {name}").save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    with Renderer({}, seed=1, photographs=tmp_path) as renderer:
        frame = look(renderer, photographers("b.png"), "sharp")
    assert decoder.decode(frame)[0].text == "text of b.png"
    assert frame.label == "b.png sharp"
    assert renderer.notes == []


def test_a_photograph_that_is_not_there_is_replaced_by_another(tmp_path: Path, decoder: QrDecoder) -> None:
    qr("the only one").save(tmp_path / "a.png")
    with Renderer({}, seed=1, photographs=tmp_path) as renderer:
        assert decoder.decode(look(renderer, photographers("gone.png"), "sharp"))[0].text == "the only one"


@pytest.mark.parametrize("folder", [None, "empty", "absent"])
def test_without_photographs_a_drawn_code_is_shown_and_said(
    folder: str | None, tmp_path: Path, decoder: QrDecoder
) -> None:
    (tmp_path / "empty").mkdir()
    where = None if folder is None else tmp_path / folder
    with Renderer({}, seed=1, photographs=where) as renderer:
        assert decoder.decode(look(renderer, photographers(), "sharp"))[0].text == FOREIGN_TEXT
        assert renderer.notes == [NO_PHOTOGRAPHS]


def test_a_file_that_is_no_picture_leaves_empty_hands(tmp_path: Path, decoder: QrDecoder) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture at all")
    with Renderer({}, seed=1, photographs=tmp_path) as renderer:
        assert decoder.decode(look(renderer, photographers(), "sharp")) == []
        assert "a.png" in renderer.notes[0]


@pytest.mark.conformance
def test_the_shipped_scenarios_photographs_are_readable(decoder: QrDecoder) -> None:
    from kiosk import scenario

    shown = [p for p in people(scenario.load("ordinary")) if p.kind.photograph is not None]
    with Renderer({}, seed=1, photographs=conformance_data() / "qr/images") as renderer:
        for person in shown:
            frame = look(renderer, person, "sharp")
            assert person.kind.photograph is not None
            assert frame.label.startswith(person.kind.photograph)
            assert decoder.decode(frame)
    assert len(shown) >= 2


# -- the process -------------------------------------------------------------------------------------------


def test_people_are_ready_one_by_one_and_forgotten_when_they_are_gone(
    two: tuple[Renderer, Person, Person],
) -> None:
    renderer, first, second = two
    assert not renderer.ready(first)
    renderer.want([first, second])
    renderer.picture(first, "sharp")
    assert renderer.ready(first)
    renderer.picture(second, "sharp")
    renderer.want([second])
    assert not renderer.ready(first)
    assert renderer.ready(second)
    assert len(renderer.render_ms) == 2
    assert len(list(renderer.folder.glob("*.luma"))) == 2, "the backgrounds and one person"


def test_only_a_few_people_are_rendered_ahead() -> None:
    group = crowd("paper", each=8)
    with Renderer({person.id: text_of(person) for person in group}, seed=1, ahead=3) as renderer:
        renderer.want(group)
        renderer.picture(group[2], "sharp")
        time.sleep(0.05)
        assert not renderer.ready(group[3])


def test_a_killed_renderer_is_a_stalled_camera_until_it_is_revived(
    two: tuple[Renderer, Person, Person], decoder: QrDecoder
) -> None:
    renderer, first, second = two
    renderer.picture(first, "sharp")
    os.kill(renderer.pid, signal.SIGKILL)
    began = time.monotonic()
    with pytest.raises(DeviceStalled, match="has ended"):
        renderer.picture(second, "sharp")
    assert time.monotonic() - began < 2
    assert decoder.decode(look(renderer, first, "sharp")), "what was there still is"
    renderer.revive()
    assert decoder.decode(look(renderer, second, "sharp"))[0].text == text_of(second)


def test_a_stopped_renderer_is_a_stalled_camera(
    two: tuple[Renderer, Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer, first, _ = two
    renderer.picture(None, "empty")
    monkeypatch.setattr(frames, "WAIT_S", 0.3)
    os.kill(renderer.pid, signal.SIGSTOP)
    try:
        with pytest.raises(DeviceStalled, match="no picture within"):
            renderer.picture(first, "sharp")
    finally:
        os.kill(renderer.pid, signal.SIGCONT)


def test_closing_leaves_neither_process_nor_pictures(two: tuple[Renderer, Person, Person]) -> None:
    renderer, first, _ = two
    renderer.picture(first, "sharp")
    pid, folder = renderer.pid, renderer.folder
    renderer.close()
    renderer.close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_gate_leaves_neither_process_nor_pictures() -> None:
    code = (
        "from drivers.simulated.frames import Renderer; import time\n"
        "renderer = Renderer({}, seed=1); renderer.picture(None, 'empty')\n"
        "print(renderer.folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as gate:
        assert gate.stdout is not None
        folder = Path(gate.stdout.readline().strip())
        assert folder.is_dir()
        gate.kill()
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()


def test_the_gates_process_never_loads_numpy() -> None:
    code = (
        "import sys, drivers.simulated.qr_camera, drivers.simulated.mlx90614, kiosk.scenario\n"
        "from drivers.simulated.frames import Renderer\n"
        "with Renderer({}, seed=1) as renderer: renderer.picture(None, 'empty')\n"
        "print(sorted({'numpy', 'segno', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pictures_lie_in_memory_only_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(frames, "MEMORY_FOLDER", tmp_path)
    with Renderer({}, seed=1) as renderer:
        assert renderer.folder.parent == tmp_path
        assert renderer.folder.stat().st_mode & 0o777 == 0o700
    with Renderer({}, seed=1, ahead=10**9) as renderer:
        assert renderer.folder.parent != tmp_path


def test_a_full_disk_is_said_and_does_not_hang() -> None:
    """/dev/full takes no byte; the renderer writes its pictures through a link to it."""
    (person,) = crowd("paper")
    with Renderer({person.id: text_of(person)}, seed=1) as renderer:
        renderer.picture(None, "near")
        (renderer.folder / "2.luma").symlink_to("/dev/full")
        assert renderer.picture(person, "sharp") == renderer.picture(None, "near")
        assert "No space left" in renderer.notes[0]


def test_a_photograph_of_any_shape_fits(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 200), "white").save(tmp_path / "a.png")
    with Renderer({}, seed=1, photographs=tmp_path) as renderer:
        assert len(renderer.picture(photographers(), "sharp").luma) == 640 * 480

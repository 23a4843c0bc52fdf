"""What the decoders deliver, what they must not deliver, and that no frame brings them down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps
from pyzbar import pyzbar

from drivers.picture_folder import PictureFolder
from drivers.qr_decode import BLIND_FRAMES, IN_TURN, STALL_S, FrameReader, QrDecoder, TwoEqualReads
from drivers.qr_libraries import LINEAR, Library, Zbar, Zxing
from drivers.simulated.clock import VirtualClock
from kiosk.errors import ConfigError, DecoderError, DeviceAbsent, DeviceStalled
from kiosk.model import CodeRead, Frame, Monotonic, Seconds
from tests.codes import bars, bars_of, beside, frame, linear, micro_qr, qr, series

PASS = "GP1:" + "6BFOXN*TS0BI$ZD8UHNAW1KA%$O:WF/ H*JMU967HRLX8LDD2CW/+61 4960F6" * 3
KINDS = zxingcpp.BarcodeFormat
Make = Callable[[], QrDecoder]
Spoil = Callable[[Image.Image], Image.Image]


def texts(reads: Sequence[CodeRead]) -> list[str]:
    return sorted(read.text for read in reads)


def only(library: Library) -> QrDecoder:
    return QrDecoder(libraries=[library])


def seen_within_four(decoder: QrDecoder, picture: Image.Image) -> list[str]:
    """What a video of the same picture gives after four frames."""
    reads = [read for at in range(4) for read in decoder.decode(frame(picture, float(at)))]
    return sorted({read.text for read in reads})


DECODERS = {
    "both": QrDecoder,
    "pyzbar alone": lambda: only(Zbar()),
    "zxing alone": lambda: only(Zxing()),
}
each_decoder = pytest.mark.parametrize("make", DECODERS.values(), ids=DECODERS.keys())


# -- what is read ------------------------------------------------------------------------------------------


@each_decoder
def test_a_pass_is_read_in_the_first_frame_with_that_frames_time(make: Make) -> None:
    (read,) = make().decode(frame(qr(PASS, scale=4), at=17.25))
    assert (read.text, read.symbology, read.at) == (PASS, "QRCode", 17.25)


@each_decoder
def test_every_code_of_a_frame_is_read_and_each_once(make: Make) -> None:
    scene = beside([qr(PASS, 3), qr("https://example.org/menu"), qr(PASS, 4)])
    assert texts(make().decode(frame(scene))) == sorted([PASS, "https://example.org/menu"])


@pytest.mark.parametrize("luma", [bytearray, memoryview], ids=["bytearray", "memoryview"])
@each_decoder
def test_a_frame_may_be_any_kind_of_buffer(make: Make, luma: type[bytearray]) -> None:
    given = frame(qr(PASS, 3))
    assert texts(make().decode(Frame(luma(given.luma), given.width, given.height, Monotonic(0)))) == [PASS]


def shaded(picture: Image.Image) -> Image.Image:
    """The shadow of a hand across it, soft at the edge: white there is darker than black elsewhere."""
    bright = picture.point(lambda level: 120 + level // 2)
    shadow = picture.point(lambda level: 10 + level // 4)
    hand = Image.new("L", picture.size, 0)
    hand.paste(255, (0, picture.height // 3, picture.width, 2 * picture.height // 3))
    return Image.composite(shadow, bright, hand.filter(ImageFilter.GaussianBlur(6)))


@pytest.mark.parametrize(
    ("rescued_by", "spoil"),
    [
        ("adaptive", shaded),
        ("unsharp", lambda picture: picture.filter(ImageFilter.GaussianBlur(2.6))),
        ("inverted", ImageOps.invert),
    ],
    ids=["shade", "defocus", "light on dark"],
)
def test_pyzbar_alone_reads_what_plain_zbar_does_not_within_four_frames(
    rescued_by: str, spoil: Spoil
) -> None:
    spoiled = spoil(beside([qr(PASS, 5)]))
    assert Zbar().read(frame(spoiled)) == []
    decoder = only(Zbar())
    reads = [read for at in range(4) for read in decoder.decode(frame(spoiled, float(at)))]
    assert {read.text for read in reads} == {PASS}
    assert f"pyzbar {rescued_by}" in {read.decoder for read in reads}


def test_a_phone_in_dark_mode_is_read_at_once() -> None:
    assert texts(QrDecoder().decode(frame(ImageOps.invert(beside([qr(PASS)]))))) == [PASS]


def test_a_camera_frame_is_read_by_pyzbar_alone_at_the_size_of_a_real_pass() -> None:
    # 8 pixels a module over 1280x960, off the middle.
    scene = beside([qr(PASS, 8)], size=(1280, 960))
    assert seen_within_four(only(Zbar()), scene) == [PASS]


@each_decoder
def test_a_still_is_read_through_blur_and_reversal(make: Make) -> None:
    spoiled = ImageOps.invert(beside([qr(PASS, 5)])).filter(ImageFilter.GaussianBlur(1.5))
    assert texts(make().decode_still(frame(spoiled))) == [PASS]


def test_a_still_of_a_phones_camera_is_read_at_full_and_at_reduced_size() -> None:
    small_code = beside([qr("far away", 4)], size=(4000, 3000))
    large_code = beside([qr("very near", 90)], size=(4000, 3000)).filter(ImageFilter.GaussianBlur(20))
    assert texts(QrDecoder().decode_still(frame(small_code))) == ["far away"]
    assert texts(QrDecoder().decode_still(frame(large_code))) == ["very near"]


@each_decoder
def test_nothing_is_read_where_there_is_nothing(make: Make) -> None:
    empty = frame(Image.effect_noise((640, 480), 60))
    assert seen_within_four(make(), Image.effect_noise((640, 480), 60)) == []
    assert make().decode_still(empty) == []


# -- pyzbar's faults ---------------------------------------------------------------------------------------


@each_decoder
def test_a_code_of_a_series_takes_no_other_code_with_it(make: Make) -> None:
    part = series("SERIES:" + "ABCDEFGH" * 30, version=5)[0]
    decoder = make()
    assert PASS in texts(decoder.decode(frame(beside([part, qr(PASS, 4)]))))
    assert decoder.failures == 0


def test_a_part_of_a_series_is_no_text_of_pyzbars() -> None:
    part = series("SERIES:" + "ABCDEFGH" * 30, version=5)[0]
    assert Zbar().read(frame(part)) == []


def test_zbar_is_always_told_which_symbologies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself it tries them all: three times the time, and assertions of its DataBar decoder."""
    asked: list[object] = []
    decode = pyzbar.decode

    def spy(image: object, symbols: object = None) -> object:
        asked.append(symbols)
        return decode(image, symbols)

    monkeypatch.setattr(pyzbar, "decode", spy)
    seen_within_four(only(Zbar()), qr(PASS))
    only(Zbar(["EAN13"])).decode(frame(qr(PASS)))
    kinds = pyzbar.ZBarSymbol
    assert asked == [[kinds.QRCODE]] * 4 + [[kinds.QRCODE, kinds.EAN13, kinds.UPCE]]


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=120))
def test_a_binary_payload_is_never_an_ascii_text_and_an_ascii_one_is_exact(payload: bytes) -> None:
    picture = frame(qr(payload, 4))
    by_zxing = texts(Zxing().read(picture))
    by_zbar = texts(Zbar().read(picture))
    if payload.isascii():
        assert by_zxing == [payload.decode("ascii")]
        assert by_zbar in ([], by_zxing)
    else:
        assert by_zbar == []
        assert len(by_zxing) == 1
        assert not by_zxing[0].isascii()


def test_a_binary_code_is_a_text_for_the_format_step_to_refer() -> None:
    payload = b"\x89PNG\r\n\x1a\n\x00\xff\xfe"
    assert texts(QrDecoder().decode(frame(qr(payload)))) == [payload.decode("latin-1")]


def test_chinese_is_readable_for_the_volunteer() -> None:
    assert texts(QrDecoder().decode(frame(qr("MECARD:N:測試;;".encode())))) == ["MECARD:N:測試;;"]


# -- other symbologies -------------------------------------------------------------------------------------


CARDS = {
    "Code128": ("AB-1234", KINDS.Code128),
    "Code39": ("AB+1234", KINDS.Code39Std),
    "EAN13": ("4006381333931", KINDS.EAN13),
}
"""What can be asked for, by its name in the configuration."""
STRANGERS = {
    "UPC-E": ("01234565", KINDS.UPCE),
    "EAN-8": ("96385074", KINDS.EAN8),
    "Codabar": ("A1234A", KINDS.Codabar),
    "ITF": ("123456", KINDS.ITF),
    "Code 93": ("AB12", KINDS.Code93),
    "DataBar": ("0950110153003", KINDS.DataBarOmni),
    "Data Matrix": ("AB12", KINDS.DataMatrix),
    "Aztec": ("AB12", KINDS.Aztec),
    "PDF417": ("AB12", KINDS.PDF417),
    "Micro QR": ("12345", KINDS.MicroQRCode),
    "rMQR": ("12345", KINDS.RMQRCode),
}
"""What nobody can ask for."""
LIBRARIES = {"pyzbar": Zbar, "zxing": Zxing}
each_library = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES.keys())


@pytest.mark.parametrize("kind", [*CARDS, *STRANGERS])
@each_decoder
def test_codes_that_were_not_asked_for_are_not_read(make: Make, kind: str) -> None:
    picture = linear(*(CARDS | STRANGERS)[kind], scale=4)
    assert seen_within_four(make(), picture) == []
    assert make().decode_still(frame(picture)) == []


@pytest.mark.parametrize("asked", CARDS)
@each_library
def test_each_kind_of_card_is_read_when_asked_for_and_none_of_the_others(
    library: type[Zbar] | type[Zxing], asked: str
) -> None:
    decoder = QrDecoder([asked], libraries=[library([asked])])
    for name, (text, kind) in CARDS.items():
        picture = linear(text, kind, scale=4)
        expected = [text] if name == asked else []
        assert seen_within_four(decoder, picture) == expected
        assert texts(decoder.decode_still(frame(picture))) in ([], expected)


@pytest.mark.parametrize("kind", STRANGERS)
@each_library
def test_asking_for_all_cards_there_are_reads_nothing_else(
    library: type[Zbar] | type[Zxing], kind: str
) -> None:
    """zbar alone would hand out a UPC-E as the EAN-13 that it stands for."""
    decoder = QrDecoder(LINEAR, libraries=[library(LINEAR)])
    picture = linear(*STRANGERS[kind], scale=4)
    assert seen_within_four(decoder, picture) == []
    assert decoder.decode_still(frame(picture)) == []


@pytest.mark.parametrize(
    ("name", "check", "other"),
    [
        # Module ranges of the check symbol, and of another one of the same alphabet to stand in for it.
        ("EAN13", slice(-10, -3), slice(-24, -17)),
        ("Code128", slice(-24, -13), slice(11, 22)),
    ],
)
@each_library
def test_a_card_whose_check_digit_is_wrong_is_not_read(
    library: type[Zbar] | type[Zxing], name: str, check: slice, other: slice
) -> None:
    text, kind = CARDS[name]
    modules = bars_of(text, kind)
    decoder = QrDecoder([name], libraries=[library([name])])
    assert seen_within_four(decoder, bars(modules)) == [text], "as it was printed"
    assert modules[check] != modules[other]
    modules[check] = modules[other]
    for picture in (bars(modules), bars(modules, scale=3), bars(modules, scale=6)):
        assert seen_within_four(decoder, picture) == []
        assert decoder.decode_still(frame(picture)) == []


def ean13(twelve: str) -> str:
    """With its check digit (GS1 General Specifications 7.9)."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve))
    return twelve + str(-total % 10)


PRINTABLE = "".join(map(chr, range(33, 127)))
CODE_39 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-.$/+%"


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.tuples(st.just("Code128"), st.text(PRINTABLE, min_size=4, max_size=16)),
        st.tuples(st.just("Code39"), st.text(CODE_39, min_size=4, max_size=12)),
        st.tuples(st.just("EAN13"), st.text("0123456789", min_size=12, max_size=12).map(ean13)),
    )
)
def test_both_decoders_agree_on_a_card_to_the_letter(card: tuple[str, str]) -> None:
    name, text = card
    picture = frame(linear(text, CARDS[name][1], scale=3))
    for library in (Zbar([name]), Zxing([name])):
        assert {(read.text, read.symbology) for read in library.read(picture)} == {(text, name)}


def test_micro_qr_is_not_read_because_it_is_read_into_noise() -> None:
    """Micro QR's checksum is so weak that zxing-cpp finds "010" in a crumpled cloth of the photographs."""
    assert Zxing(LINEAR).read(frame(micro_qr("12345"))) == []


@pytest.mark.parametrize("name", CARDS)
@each_library
def test_a_bar_code_counts_when_a_second_frame_agrees(library: type[Zbar] | type[Zxing], name: str) -> None:
    text, kind = CARDS[name]
    decoder = QrDecoder([name], libraries=[library([name])])
    picture = linear(text, kind, scale=4)
    first, second = (decoder.decode(frame(picture, at)) for at in (0.0, 0.1))
    assert first == []
    assert [(read.text, read.symbology, read.at) for read in second] == [(text, name, 0.1)]


def test_a_bar_code_in_one_still_needs_two_views() -> None:
    picture = linear("AB-1234", KINDS.Code128)
    assert texts(QrDecoder(["Code128"]).decode_still(frame(picture))) == ["AB-1234"]


def bar(text: str, at: float, decoder: str = "pyzbar plain") -> CodeRead:
    return CodeRead(text, "EAN13", decoder, Monotonic(at))


def test_equal_reads_are_of_the_same_text_by_another_look_and_not_long_ago() -> None:
    twice = TwoEqualReads(Seconds(2))
    looks = [
        (bar("1", 0.0), False),
        (bar("2", 0.1), False),
        (bar("2", 0.1), False),  # a second copy in the same look
        (bar("2", 0.1, "pyzbar wide adaptive"), False),  # errs as the first may have done
        (bar("2", 0.1, "zxing plain"), True),
        (bar("2", 0.2), True),
        (bar("1", 2.1), False),  # the first look at it is forgotten
        (bar("1", 4.1), True),
    ]
    assert [twice.accept(read) for read, _ in looks] == [expected for _, expected in looks]


class SeesACard:
    """Reads the same EAN-13 into whatever it is shown."""

    name = "zxing"

    def read(self, frame: Frame) -> list[CodeRead]:
        return [CodeRead("4006381333931", "EAN13", self.name, frame.at)]


def test_a_card_is_believed_only_from_views_that_leave_its_bars_alone() -> None:
    """Sharpened, a real EAN-13 became another number with a right check digit."""
    decoder = QrDecoder(["EAN13"], libraries=[SeesACard()])
    empty = Image.new("L", (1280, 960))
    views = [view for row in IN_TURN for view in row if view.decoder == "zxing"]
    believed = {view.name for view in views if decoder._attempt(frame(empty), view)}
    assert believed == {"smoothed"}
    assert {view.name for view in views} - believed == {
        "contrast",
        "sharpened",
        "enlarged",
        "reduced contrast",
    }
    reads = [read for at in range(8) for read in decoder.decode(frame(empty, float(at)))]
    assert {read.decoder for read in reads} == {"zxing plain"}


def test_in_a_still_another_view_by_the_same_decoder_is_another_look() -> None:
    twice = TwoEqualReads(still=True)
    looks = [bar("1", 0.0), bar("1", 0.0), bar("1", 0.0, "pyzbar adaptive")]
    assert [twice.accept(read) for read in looks] == [False, False, True]


def test_an_unknown_symbology_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="Codabar"):
        QrDecoder(["Codabar"])


# -- failures ----------------------------------------------------------------------------------------------


class Broken:
    """A library that fails on every frame while ``broken``."""

    def __init__(self, name: str = "pyzbar") -> None:
        self.name = name
        self.broken = True
        self.frames = 0

    def read(self, frame: Frame) -> list[CodeRead]:
        self.frames += 1
        if self.broken:
            raise DecoderError("no")
        return []


class Silence:
    """zxing-cpp before a code that it can't make out."""

    name = "zxing"

    def read(self, frame: Frame) -> list[CodeRead]:
        return []


def test_one_decoder_failing_is_counted_and_the_other_still_reads() -> None:
    decoder = QrDecoder(libraries=[Zxing(), Broken()])
    assert seen_within_four(decoder, qr(PASS)) == [PASS]
    assert decoder.failures == 2
    assert decoder.blind_frames == 0


def test_whatever_the_foreign_code_raises_is_a_failure_of_that_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    zbar = Zbar()

    def explode(*arguments: object, **options: object) -> object:
        raise KeyError(PASS)

    monkeypatch.setattr("pyzbar.pyzbar.decode", explode)
    monkeypatch.setattr("zxingcpp.read_barcodes", explode)
    decoder = QrDecoder(libraries=[Zxing(), zbar])
    assert decoder.decode(frame(qr(PASS))) == []
    assert decoder.failures == 2
    assert PASS not in decoder.last_failure  # errors may quote the code; counters and messages must not


@settings(max_examples=60)
@given(
    st.binary(max_size=400),
    st.integers(-2, 30),
    st.integers(-2, 30),
    st.sampled_from([bytes, bytearray, memoryview]),
)
def test_no_frame_brings_the_decoder_down(
    luma: bytes, width: int, height: int, kind: type[bytes | bytearray | memoryview]
) -> None:
    decoder = QrDecoder(LINEAR)
    broken = Frame(kind(luma), width, height, Monotonic(0))
    assert [decoder.decode(broken) for _ in range(4)] == [[]] * 4
    assert decoder.decode_still(broken) == []
    if width <= 0 or height <= 0 or len(luma) != width * height:
        assert decoder.failures > 0
    assert texts(decoder.decode(frame(qr(PASS)))) == [PASS]


def test_every_decoder_has_its_looks_in_any_four_frames_whichever_came_first() -> None:
    zxing, zbar = Broken("zxing"), Broken("pyzbar")
    zxing.broken = zbar.broken = False
    decoder = QrDecoder(libraries=[zxing, zbar])
    empty = frame(Image.new("L", (64, 48)))
    for _ in range(8):
        before = (zxing.frames, zbar.frames)
        for _ in range(4):
            decoder.decode(empty)
        # As it is each time, four views in turn (and once in eight the dearest); two views by zbar.
        assert zxing.frames - before[0] in (4 + 4, 4 + 5)
        assert zbar.frames - before[1] == 2
        decoder.decode(empty)


def test_any_four_rows_have_all_views_but_the_dearest_and_any_eight_have_it_too() -> None:
    names = {(view.decoder, view.name) for row in IN_TURN for view in row}
    for start in range(len(IN_TURN)):
        rows = [IN_TURN[(start + step) % len(IN_TURN)] for step in range(8)]
        seen = [{(view.decoder, view.name) for row in rows[:count] for view in row} for count in (4, 8)]
        assert names - seen[0] <= {("zxing", "enlarged")}
        assert seen[1] == names


@pytest.mark.parametrize(("size", "looks"), [((640, 480), (17, 4)), ((1280, 960), (19, 6))])
def test_only_a_frame_larger_than_vga_is_also_looked_at_reduced(
    size: tuple[int, int], looks: tuple[int, int]
) -> None:
    zxing, zbar = Broken("zxing"), Broken("pyzbar")
    zxing.broken = zbar.broken = False
    decoder = QrDecoder(libraries=[zxing, zbar])
    for at in range(8):
        decoder.decode(frame(Image.new("L", size), float(at)))
    assert (zxing.frames, zbar.frames) == looks


def test_a_pass_off_the_middle_that_only_pyzbar_could_read_is_read_by_it() -> None:
    """Large, near and in a corner: not in the middle 640x480 that the other views look at."""
    scene = Image.new("L", (1280, 960), 200)
    scene.paste(qr(PASS, 8), (1280 - 8 * 57, 0))
    decoder = QrDecoder(libraries=[Silence(), Zbar()])
    assert seen_within_four(decoder, scene) == [PASS]


# -- one decoder missing -----------------------------------------------------------------------------------

WITHOUT = {
    # Real failures of the real imports, in a process of its own.
    "pyzbar": "import ctypes.util; ctypes.util.find_library = lambda name: None",
    "zxing": "import sys; sys.modules['zxingcpp'] = None",
}
ASK = """
import json
from PIL import Image
from drivers.qr_decode import QrDecoder
from kiosk.errors import DeviceAbsent
from kiosk.model import Frame
picture = Image.open({picture!r}).convert("L")
try:
    decoder = QrDecoder()
    reads = decoder.decode(Frame(picture.tobytes(), *picture.size, 0.0))
    print(json.dumps([decoder.live, dict(decoder.missing), [read.text for read in reads]]))
except DeviceAbsent as error:
    print(json.dumps([[], str(error), []]))
"""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "pass.png"
    qr(PASS).save(file)
    return file


def in_a_process_without(*names: str, picture: Path) -> tuple[list[str], Any, list[str]]:
    program = "\n".join([*(WITHOUT[name] for name in names), ASK.format(picture=str(picture))])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    live, missing, found = json.loads(done.stdout)
    return live, missing, found


def test_without_libzbar_zxing_reads_and_it_is_said(picture: Path) -> None:
    live, missing, found = in_a_process_without("pyzbar", picture=picture)
    assert (live, found) == (["zxing"], [PASS])
    assert "libzbar0" in missing["pyzbar"]


def test_without_zxing_pyzbar_reads_and_it_is_said(picture: Path) -> None:
    live, missing, found = in_a_process_without("zxing", picture=picture)
    assert (live, found) == (["pyzbar"], [PASS])
    assert "zxing-cpp" in missing["zxing"]


def test_without_both_there_is_no_reader_at_all(picture: Path) -> None:
    live, message, _ = in_a_process_without("zxing", "pyzbar", picture=picture)
    assert live == []
    assert "libzbar0" in message
    assert "zxing-cpp" in message


def test_here_both_are_live() -> None:
    decoder = QrDecoder()
    assert decoder.live == ("zxing", "pyzbar")
    assert decoder.missing == {}


def test_the_gates_process_needs_no_numpy(picture: Path) -> None:
    used = ASK.format(picture=str(picture)) + "\nimport sys; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", used], capture_output=True, check=True)


def test_no_library_given_is_no_decoder() -> None:
    with pytest.raises(DeviceAbsent):
        QrDecoder(libraries=[])


# -- the reader --------------------------------------------------------------------------------------------


class Frames:
    """A camera that hands out the frames it was given, then none."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = list(frames)
        self.closed = 0

    def poll(self, now: Monotonic) -> Frame | None:
        return self.frames.pop(0) if self.frames else None

    def close(self) -> None:
        self.closed += 1


class Slow:
    """A library that takes its time on a virtual clock."""

    name = "zxing"

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.looks = 0

    def read(self, frame: Frame) -> list[CodeRead]:
        self.looks += 1
        self.clock.advance(self.seconds)
        return []


def test_a_read_carries_the_time_of_its_frame_not_of_the_poll() -> None:
    camera = Frames([frame(qr(PASS), at=3.5)])
    reader = FrameReader(camera, QrDecoder())
    assert [(read.text, read.at) for read in reader.poll(Monotonic(9))] == [(PASS, 3.5)]
    assert reader.poll(Monotonic(10)) == []
    reader.close()
    reader.close()
    assert camera.closed == 2


@pytest.mark.parametrize(("seconds", "slow"), [(0.2, 0), (0.6, 1)])
def test_a_frame_that_takes_too_long_is_counted(seconds: float, slow: int) -> None:
    clock = VirtualClock()
    library = Slow(clock, seconds)
    camera = Frames([frame(Image.new("L", (64, 48)))])
    reader = FrameReader(camera, QrDecoder(libraries=[library]), clock=clock, limit_s=Seconds(1))
    reader.poll(clock.monotonic())
    assert reader.slow_frames == slow
    assert reader.slowest_s == pytest.approx(library.looks * seconds)


def test_a_decoder_that_never_works_again_is_a_broken_device_and_may_recover() -> None:
    empty = frame(Image.new("L", (64, 48)))
    library = Broken("zxing")
    reader = FrameReader(Frames([empty] * (BLIND_FRAMES + 2)), QrDecoder(libraries=[library]))
    for _ in range(BLIND_FRAMES - 1):
        assert reader.poll(Monotonic(0)) == []
    with pytest.raises(DecoderError, match="no decoder works"):
        reader.poll(Monotonic(0))
    library.broken = False
    assert reader.poll(Monotonic(0)) == []
    assert reader.decoder.blind_frames == 0


# -- a camera that delivers no frames ------------------------------------------------------------------


class Silent:
    """A camera that opens well and delivers frames only when it is told to."""

    def __init__(self) -> None:
        self.delivers = False

    def poll(self, now: Monotonic) -> Frame | None:
        return frame(Image.new("L", (64, 48)), at=now) if self.delivers else None

    def close(self) -> None:
        """Nothing to release."""


def polled(reader: FrameReader, start: float, seconds: float, step: float = 0.1) -> float | None:
    """Poll for so long; how long it took until the camera was said to have stalled, None if it was not."""
    for turn in range(round(seconds / step)):
        try:
            reader.poll(Monotonic(start + turn * step))
        except DeviceStalled:
            return turn * step
    return None


def test_a_camera_without_frames_has_stalled_after_two_seconds() -> None:
    assert polled(FrameReader(Silent(), QrDecoder()), 100.0, 10.0) == pytest.approx(STALL_S, abs=0.11)


def test_frames_without_a_code_are_all_a_camera_needs() -> None:
    camera = Silent()
    camera.delivers = True
    reader = FrameReader(camera, QrDecoder())
    assert polled(reader, 0.0, 10.0) is None
    camera.delivers = False
    assert polled(reader, 10.0, 1.5) is None
    camera.delivers = True
    assert polled(reader, 12.0, 0.1) is None
    camera.delivers = False
    assert polled(reader, 12.2, 1.5) is None, "the silence before that frame counts no more"


def test_a_reader_that_was_not_polled_says_nothing_about_the_camera() -> None:
    reader = FrameReader(Silent(), QrDecoder())
    for at in (0.0, 100.0, 200.0):
        assert reader.poll(Monotonic(at)) == []


def test_pictures_that_have_all_been_shown_are_no_stalled_camera(tmp_path: Path) -> None:
    qr(PASS).save(tmp_path / "pass.png")
    reader = FrameReader(PictureFolder(tmp_path), QrDecoder())
    assert [read.text for read in reader.poll(Monotonic(0.0))] == [PASS]
    assert polled(reader, 0.1, 60.0) is None

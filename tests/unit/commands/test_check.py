"""``kiosk check``: what people are told of a photograph, and that it never says ADMIT."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kiosk.commands.__main__ import main
from kiosk.commands.check import PictureGate
from kiosk.model import (
    Category,
    CommunityId,
    Direction,
    GateId,
    Reason,
    Seconds,
    TimeInterval,
    UnixTime,
    Verdict,
)
from kiosk.passes import claims, cose, native
from kiosk.passes.context import PassContext
from kiosk.passes.cose import Kind
from kiosk.passes.issue import IssuedPass
from kiosk.passes.keys import SigningKey
from kiosk.passes.status import Status, StatusLists
from kiosk.passes.trust import DemoTrust, init_demo
from kiosk.policy import ROUTINE
from tests.codes import beside, linear, qr

NOW = UnixTime(1_795_219_200)
AT = "2026-11-21T00:00:00Z"
DAY = Seconds(86_400)


@dataclass
class Desk:
    """A place with lists, where pictures are made and checked."""

    trust: DemoTrust
    folder: Path
    capture: pytest.CaptureFixture[str]

    def issue(self, life: Seconds = DAY, **limits: Any) -> IssuedPass:
        return self.trust.issuer.issue(Category.RESIDENT, now=NOW, life=life, **limits)

    def picture(self, *texts: str | bytes, name: str = "picture.png") -> str:
        beside([qr(text, 4) for text in texts] or [Image.new("L", (200, 200), 128)]).save(self.folder / name)
        return str(self.folder / name)

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main(["check", *words])
        out, err = self.capture.readouterr()
        return code, out, err

    def with_lists(self, *words: str, at: str = AT) -> tuple[int, list[dict[str, Any]]]:
        """Checked as JSON with the lists that hold."""
        code, out, _ = self.run(*words, "--directory", str(self.trust.folder), "--at", at, "--json")
        return code, [json.loads(line) for line in out.splitlines()]

    def config(self, *lines: str) -> str:
        """A gate's configuration with these lists and some settings more."""
        file = self.folder / "kiosk.toml"
        directory = (f"path = {str(self.trust.lists)!r}", f"roots = [{str(self.trust.root_file)!r}]")
        file.write_text("\n".join(["[directory]", *directory, "[gate]", 'community = "demo"', *lines]))
        return str(file)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("KIOSK_CONFIG", raising=False)
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Desk(init_demo(tmp_path / "trust", NOW), folder, capsys)


def answer(desk: Desk, *texts: str | bytes, at: str = AT) -> tuple[str | None, list[str]]:
    """Verdict and reasons for a picture of these codes."""
    _, (line,) = desk.with_lists(desk.picture(*texts), at=at)
    assert sorted(line["texts"]) == sorted(t if isinstance(t, str) else t.decode("latin-1") for t in texts)
    return line["verdict"], line["reasons"]


# -- verdicts ----------------------------------------------------------------------------------------------


def test_a_good_pass_lacks_only_the_reading(desk: Desk) -> None:
    text = desk.issue().text
    picture = desk.picture(text)
    code, (line,) = desk.with_lists(picture)
    assert code == 0
    assert line == {
        "picture": picture,
        "texts": [text],
        "verdict": "REFER",
        "reasons": ["NO_READING", "PASS_VALID"],
    }


def test_even_where_nobody_is_measured_a_picture_is_not_admitted(desk: Desk) -> None:
    config = desk.config('direction = "out"')
    code, out, _ = desk.run(desk.picture(desk.issue().text), "--config", config, "--at", AT, "--json")
    line = json.loads(out)
    assert (code, line["verdict"]) == (0, "REFER")
    assert line["reasons"] == ["NO_READING", "PASS_VALID", "TEMPERATURE_NOT_REQUIRED"]


def forged(desk: Desk) -> str:
    """Signed by a stranger in the issuer's name."""
    stranger = SigningKey.generate()
    kid = desk.trust.issuer.key.public.kid
    forger = replace(stranger, public=replace(stranger.public, kid=kid))
    return native.write(cose.sign(claims.write(desk.issue().facts), forger, Kind.PASS))


def test_a_forged_an_expired_and_a_revoked_pass_are_refused(desk: Desk) -> None:
    assert answer(desk, forged(desk)) == ("REFUSE", ["BAD_SIGNATURE"])
    assert answer(desk, desk.issue().text, at="2026-11-23T00:00:00Z") == ("REFUSE", ["EXPIRED"])
    revoked = desk.issue()
    desk.trust.publish(NOW, marked={revoked.facts.status_index: Status.REVOKED})
    assert answer(desk, revoked.text) == ("REFUSE", ["REVOKED"])


def test_what_is_no_pass_is_referred(desk: Desk) -> None:
    assert answer(desk, "https://example.org/menu") == ("REFER", ["PASS_UNKNOWN"])
    assert answer(desk, b"\x00\xff\xfe binary")[0] == "REFER"
    assert answer(desk, desk.issue().text[:150])[0] == "REFER"


def test_of_several_codes_the_best_decides_and_all_are_listed(desk: Desk) -> None:
    good, bad = desk.issue().text, forged(desk)
    assert answer(desk, "https://example.org", bad, good) == ("REFER", ["NO_READING", "PASS_VALID"])
    assert answer(desk, bad, "https://example.org") == ("REFER", ["PASS_UNKNOWN"])


def test_without_lists_every_pass_is_referred_and_it_is_said_why(desk: Desk) -> None:
    nothing = desk.folder / "empty.toml"
    nothing.write_text(f"[directory]\npath = {str(desk.folder / 'nowhere')!r}\n")
    words = (desk.picture(desk.issue().text), "--config", str(nothing), "--at", AT, "--json")
    code, out, err = desk.run(*words)
    assert (code, json.loads(out)["verdict"], json.loads(out)["reasons"]) == (0, "REFER", ["NO_TRUST"])
    assert "no signed lists" in err
    assert "--directory" in err
    assert "kiosk trust init --to DIR" in err
    _, out, _ = desk.run(desk.picture("https://example.org"), *words[1:])
    assert json.loads(out)["reasons"] == ["NO_TRUST", "PASS_UNKNOWN"]


def test_expired_lists_vouch_for_nobody(desk: Desk) -> None:
    verdict, reasons = answer(desk, desk.issue(Seconds(399 * DAY)).text, at="2027-11-30T00:00:00Z")
    assert (verdict, reasons) == ("REFER", ["NO_TRUST"])


def test_old_lists_are_a_reason(desk: Desk) -> None:
    assert answer(desk, desk.issue(Seconds(30 * DAY)).text, at="2026-11-30T00:00:00Z") == (
        "REFER",
        ["LISTS_TOO_OLD", "PASS_VALID"],
    )


@given(st.text(max_size=200), st.sampled_from(Direction))
def test_no_text_whatever_is_admitted(text: str, direction: Direction) -> None:
    context = PassContext(
        trust=None,
        status=StatusLists(),
        interval=TimeInterval.exactly(NOW),
        policy=replace(ROUTINE, temperature_in=False, unsigned_admits=True),
        gate=GateId("g"),
        community=CommunityId("c"),
        token_key=bytes(16),
    )
    gate = PictureGate(context, direction, is_open=True, lists_age_s=0)
    for candidate in (text, "GP1:" + text):
        assert gate.judge(candidate)[1].verdict is not Verdict.ADMIT


# -- the gate that is asked ----------------------------------------------------------------------------------


def test_a_configuration_says_which_gate_it_is_and_when_it_is_open(desk: Desk) -> None:
    picture = desk.picture(desk.issue(gates=(GateId("east"),)).text)
    asked = (picture, "--at", AT, "--json", "--config")

    def reasons(*lines: str) -> list[str]:
        return list(json.loads(desk.run(*asked, desk.config(*lines))[1])["reasons"])

    def hours(span: str) -> tuple[str, ...]:
        return 'id = "east"', f'hours = ["Mon-Sun {span}"]', 'elsewhere = "the west gate"'

    assert reasons('id = "east"') == ["NO_READING", "PASS_VALID"]
    assert reasons('id = "west"') == ["WRONG_GATE"]
    # 00:00 UTC is eight in the morning where the policy's time zone is.
    assert reasons(*hours("09:00-20:00")) == ["GATE_CLOSED", "PASS_VALID"]
    assert reasons(*hours("07:00-20:00")) == ["NO_READING", "PASS_VALID"]


def test_gate_and_community_may_be_named(desk: Desk) -> None:
    picture = desk.picture(desk.issue(gates=(GateId("east"),)).text)
    assert desk.with_lists(picture, "--gate", "east")[1][0]["reasons"] == ["NO_READING", "PASS_VALID"]
    _, (line,) = desk.with_lists(picture, "--gate", "east", "--community", "elsewhere")
    assert line["reasons"] == ["ISSUER_NOT_ALLOWED"]


def test_lists_and_root_may_lie_apart(desk: Desk) -> None:
    apart = ("--directory", str(desk.trust.lists), "--root", str(desk.trust.root_file), "--at", AT, "--json")
    _, out, _ = desk.run(desk.picture(desk.issue().text), *apart)
    assert json.loads(out)["reasons"] == ["NO_READING", "PASS_VALID"]


CARDS = {
    "Code128": ("AB-1234", zxingcpp.BarcodeFormat.Code128),
    "Code39": ("AB+1234", zxingcpp.BarcodeFormat.Code39Std),
    "EAN13": ("4006381333931", zxingcpp.BarcodeFormat.EAN13),
}


@pytest.mark.parametrize("name", CARDS)
def test_bar_codes_are_read_where_the_gate_reads_them_and_nowhere_else(desk: Desk, name: str) -> None:
    for each, card in CARDS.items():
        linear(*card).save(desk.folder / f"{each}.png")
    cards = {each: str(desk.folder / f"{each}.png") for each in CARDS}
    assert desk.with_lists(cards[name])[0] == 1, "the default is QR codes alone"
    config = desk.config("[camera]", f'linear_symbologies = ["{name}"]')
    code, out, _ = desk.run(*cards.values(), "--config", config, "--at", AT, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    told = {Path(answer["picture"]).stem: (answer["texts"], answer["reasons"]) for answer in answers}
    assert code == 1
    assert told.pop(name) == ([CARDS[name][0]], ["PASS_UNKNOWN"])
    assert list(told.values()) == [([], ["NO_CODE"])] * 2


def test_named_lists_that_do_not_verify_are_an_error_not_an_answer(desk: Desk) -> None:
    stranger = init_demo(desk.folder / "other", NOW)
    wrong = ("--directory", str(desk.trust.lists), "--root", str(stranger.root_file), "--at", AT)
    code, out, err = desk.run(desk.picture(desk.issue().text), *wrong)
    assert (code, out) == (3, "")
    assert "TRUST" in err


# -- pictures ------------------------------------------------------------------------------------------------


def test_a_picture_without_a_code_has_no_verdict_and_exit_code_1(desk: Desk) -> None:
    picture = desk.picture()
    code, (line,) = desk.with_lists(picture)
    assert code == 1
    assert line == {"picture": picture, "texts": [], "verdict": None, "reasons": ["NO_CODE"]}


def test_what_can_not_be_opened_is_said_and_the_others_are_still_read(desk: Desk) -> None:
    good = desk.picture("https://example.org", name="b.png")
    broken = desk.folder / "a.png"
    broken.write_bytes(b"no picture")
    missing = str(desk.folder / "c.png")
    code, lines = desk.with_lists(str(desk.folder), missing)
    assert code == 1
    assert [(line["picture"], line["verdict"]) for line in lines] == [
        (str(broken), None),
        (good, "REFER"),
        (missing, None),
    ]
    assert [line.get("error", {}).get("code") for line in lines] == [
        "PICTURE_BROKEN",
        None,
        "PICTURE_MISSING",
    ]


def test_a_missing_file_is_one_line_on_standard_error(desk: Desk) -> None:
    missing = desk.folder / "c.png"
    code, out, err = desk.run(desk.picture("x", name="b.png"), str(missing), "--at", AT)
    assert code == 1
    assert len(out.splitlines()) == 1
    assert f"kiosk: PICTURE_MISSING: {missing}: no such file" in err.splitlines()


def test_an_empty_folder_is_not_a_success(desk: Desk) -> None:
    code, lines = desk.with_lists(str(desk.folder))
    assert code == 1
    assert lines[0]["error"]["code"] == "PICTURE_MISSING"


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", ["For a volunteer", "The pass is valid"]), ("zh", ["请志愿者处理", "通行证有效"])],
)
def test_one_line_says_verdict_reasons_and_text(desk: Desk, language: str, said: Sequence[str]) -> None:
    text = desk.issue().text
    directory = ("--directory", str(desk.trust.folder))
    code, out, _ = desk.run(desk.picture(text), *directory, "--at", AT, "--language", language)
    (line,) = out.splitlines()
    assert code == 0
    assert line.startswith(str(desk.folder))
    assert all(word in line for word in ["REFER", text[:30], f"{len(text)} characters", *said])


def test_no_control_character_of_a_code_or_a_name_reaches_the_terminal(desk: Desk) -> None:
    attack = "\x1b[2J\x1b]0;owned\x07\r\u202egnp\x9b1m"
    picture = desk.picture(attack.encode(), name="a\x1b[31m.png")
    code, out, err = desk.run(picture, picture + "\x1b\udcff", "--at", AT)
    assert code == 1
    for line in [*out.splitlines(), *err.splitlines()]:
        assert line.isprintable()
    assert "\\x1b" in out


# -- usage ---------------------------------------------------------------------------------------------------


def test_no_picture_is_wrong_usage(desk: Desk) -> None:
    with pytest.raises(SystemExit) as ended:
        desk.run()
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--at", "yesterday"),
        ("--at", "2026-11-21T08:00"),
        ("--directory", "/nowhere"),
        ("--config", "/nowhere.toml"),
        ("--root", "/nowhere.pub"),
        ("--root", __file__),
        ("--directory", "/tmp"),
    ],
)
def test_arguments_that_make_no_sense_are_wrong_usage(desk: Desk, words: Sequence[str]) -> None:
    code, out, err = desk.run(desk.picture("x"), *words)
    assert (code, out) == (2, "")
    assert words[1] in err
    assert "Errno" not in err
    assert "PEM" not in err or "root.pub" in err


def test_every_reason_it_gives_is_a_stable_code(desk: Desk) -> None:
    for texts in ([], ["x"], [desk.issue().text], [forged(desk)]):
        _, (line,) = desk.with_lists(desk.picture(*texts))
        assert set(line["reasons"]) <= set(Reason)

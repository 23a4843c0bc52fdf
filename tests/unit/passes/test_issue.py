"""Issuing: fresh pseudonyms, spread indexes, and pictures that a decoder reads back."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
import zxingcpp
from PIL import Image

from kiosk.errors import PassError, TrustError
from kiosk.model import Category, CommunityId, GateId, IssuerId, Seconds, UnixTime, WeeklyWindow
from kiosk.passes.context import PassContext
from kiosk.passes.issue import Issuer, household_id
from kiosk.passes.keys import SigningKey
from kiosk.passes.symbol import MODULE_MM, PAPER_MM, modules, paper_module, symbol, write_pictures
from kiosk.passes.trust import DemoTrust
from tests.unit.passes import kit
from tests.unit.passes.kit import DAY, NOW


def issuer(size: int = 1000, **options: object) -> Issuer:
    return Issuer(IssuerId("demo"), SigningKey.generate(), status_size=size, **options)  # type: ignore[arg-type]


def test_what_is_issued_is_valid_and_says_what_was_asked_for(demo: DemoTrust, gate: PassContext) -> None:
    household = household_id("12-3-401", demo.household_key)
    issued = demo.issuer.issue(
        Category.COURIER,
        now=NOW,
        life=Seconds(DAY),
        household=household,
        gates=(kit.GATE, GateId("west")),
        communities=(CommunityId("demo"),),
        window=WeeklyWindow(127, 0, 1440),
    )
    check = kit.check(issued.text, gate)
    assert check.valid
    assert check.facts == issued.facts
    assert issued.facts.household == household
    assert (issued.facts.issued_at, issued.facts.not_before, issued.facts.expires) == (NOW, NOW, NOW + DAY)


def test_a_pass_may_begin_later(demo: DemoTrust) -> None:
    begins = UnixTime(NOW + DAY)
    facts = demo.issuer.issue(Category.VISITOR, now=NOW, not_before=begins, life=Seconds(3600)).facts
    assert (facts.issued_at, facts.not_before, facts.expires) == (NOW, begins, begins + 3600)


def test_passes_share_neither_id_nor_status_index() -> None:
    office = issuer(size=300)
    facts = [office.issue(Category.RESIDENT, now=NOW, life=Seconds(60)).facts for _ in range(300)]
    assert len({one.pass_id for one in facts}) == 300
    assert {one.status_index for one in facts} == set(range(300))
    # In order of issue they would tell who moved in together.
    assert [one.status_index for one in facts] != sorted(one.status_index for one in facts)
    with pytest.raises(TrustError, match="full"):
        office.issue(Category.RESIDENT, now=NOW, life=Seconds(60))


def test_the_last_free_index_of_a_large_list_is_found() -> None:
    """Random tries alone would miss it more often than not, and call the list full."""
    office = issuer(size=20_000, used=tuple(set(range(20_000)) - {7}))
    assert office.issue(Category.RESIDENT, now=NOW, life=Seconds(60)).facts.status_index == 7
    with pytest.raises(TrustError, match="full"):
        office.issue(Category.RESIDENT, now=NOW, life=Seconds(60))


def test_indexes_given_out_before_are_left_alone() -> None:
    office = issuer(size=4, used=(0, 1, 3))
    assert office.issue(Category.RESIDENT, now=NOW, life=Seconds(60)).facts.status_index == 2


def test_a_simulation_gets_the_same_passes_again() -> None:
    key = SigningKey.generate()

    def texts() -> list[str]:
        office = Issuer(IssuerId("demo"), key, status_size=1000, random_bytes=Random(7).randbytes)
        return [office.issue(Category.RESIDENT, now=NOW, life=Seconds(60)).text for _ in range(5)]

    assert texts() == texts()


def test_a_household_has_one_pseudonym_under_one_key() -> None:
    assert household_id("12-3-401", b"key") == household_id("12-3-401", b"key")
    assert household_id("12-3-401", b"key") != household_id("12-3-402", b"key")
    assert household_id("12-3-401", b"key") != household_id("12-3-401", b"another")
    assert re.fullmatch("[0-9a-f]{12}", household_id("幸福里 12 号楼 3-401", b"key"))


def test_a_pass_that_no_camera_reads_is_not_issued(demo: DemoTrust) -> None:
    many = tuple(GateId(f"gate-with-a-long-name-{number:02}") for number in range(32))
    with pytest.raises(PassError) as caught:
        kit.issue(demo, gates=many)
    assert caught.value.reason == "PASS_TOO_LONG"


@pytest.mark.parametrize("life", [0, -1])
def test_a_life_that_ends_before_it_begins_is_refused(life: int) -> None:
    with pytest.raises(PassError):
        issuer().issue(Category.RESIDENT, now=NOW, life=Seconds(life))


def test_the_picture_holds_the_text(demo: DemoTrust, tmp_path: Path) -> None:
    text = kit.issue(demo)
    png, svg = write_pictures(text, tmp_path / "pass.of.today")
    assert (png.name, svg.name) == ("pass.of.today.png", "pass.of.today.svg")
    with Image.open(png) as picture:
        reads = zxingcpp.read_barcodes(picture.convert("L"))
    assert [read.text for read in reads] == [text]


def test_paper_is_printed_large_enough(demo: DemoTrust, tmp_path: Path) -> None:
    for text in (kit.issue(demo), kit.issue(demo, household=None), "GP1:" + "A" * 900):
        made = symbol(text)
        _, svg = write_pictures(text, tmp_path / "pass")
        found = re.search(r'width="([0-9.]+)mm" height="([0-9.]+)mm"', svg.read_text())
        assert found is not None
        whole, side = float(found[1]), modules(made)
        assert whole == pytest.approx(paper_module(made) * (side + 8))
        assert paper_module(made) >= MODULE_MM
        assert paper_module(made) * side >= PAPER_MM - 1e-9


def test_a_symbol_is_one_alphanumeric_segment_at_level_m(demo: DemoTrust) -> None:
    made = symbol(kit.issue(demo))
    assert (made.error, made.mode, modules(made)) == ("M", "alphanumeric", 49)

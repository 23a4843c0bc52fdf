"""The screening bench: people made by hand, with figures that can be counted, and what breaks a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.bench import screening as bench
from kiosk.bench.screening_data import BrokenData, Volunteer, read
from kiosk.bench.screening_peers import (
    Judged,
    Regression,
    Share,
    auc,
    naive,
    sensitivity,
    slope,
    specificity,
)
from kiosk.commands.__main__ import main
from kiosk.errors import CalibrationError
from kiosk.model import Celsius, Screening
from tests.data import conformance_data

PAGE = Path(__file__).parents[3] / "docs" / "figures.md"
HEADER = (
    "device,id,group,date,time,gender,age,Ta,RH,dist,oralF,oralM,"
    "fhc_1,fhc_2,fhc_3,fhc_4,fhmax_1,fhmax_2,fhmax_3,fhmax_4,canthi_1,canthi_2,canthi_3,canthi_4"
)
FIGURES = [
    "n",
    "positives_38",
    "auc_38",
    "sensitivity_38",
    "specificity",
    "guard_rate_healthy",
    "slope",
    "naive",
    "regression",
]
PEER = ["auc_38", "sensitivity_38", "specificity", "slope"]
DAY = datetime(2016, 11, 17)  # noqa: DTZ001 - the study's local time
NORMAL = 34.0


def line(
    forehead: float | str = NORMAL,
    oral: float | str = 36.8,
    *,
    minute: int = 0,
    device: str = "FLIR",
    ambient: float | str = 24.1,
) -> str:
    at = DAY + timedelta(minutes=minute)
    person = f"{device},1,1,{at:%y-%m-%d},{at:%H:%M:%S},Male,21-25,{ambient},28,0.8,36.8,{oral}"
    return f"{person},{forehead},,,{forehead},,,,,,,,"


def people(foreheads: Sequence[float], orals: Sequence[float]) -> list[Volunteer]:
    moments = (DAY + timedelta(minutes=5 * index) for index in range(len(foreheads)))
    return [
        Volunteer(at, 2, Celsius(forehead), Celsius(24.1), Celsius(oral))
        for at, forehead, oral in zip(moments, foreheads, orals, strict=True)
    ]


def written(folder: Path, lines: Iterable[str], header: str = HEADER) -> Path:
    path = folder / "people.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


# -- figures that can be counted ----------------------------------------------------------------------------


def test_a_tie_counts_half() -> None:
    rows = [Judged(Celsius(oral), score, False) for oral, score in [(38.0, 1.0), (37.9, 1.0), (36.0, 0.0)]]
    assert auc(rows) == 0.75


def test_who_lies_between_37_5_and_38_is_neither_right_nor_wrong() -> None:
    rows = [Judged(Celsius(37.5), 1.0, True), Judged(Celsius(37.49), 0.0, True)]
    assert sensitivity(rows) == Share(0, 0)
    assert sensitivity(rows).rate is None
    assert specificity(rows) == Share(0, 1)


def test_without_anybody_ill_there_is_no_area_under_a_curve() -> None:
    assert auc([Judged(Celsius(37.0), 1.0, True)]) is None


def test_a_share_of_few_people_has_a_wide_interval() -> None:
    low, high = Share(18, 19).interval()
    assert (round(low, 3), round(high, 3)) == (0.754, 0.991)  # Wilson's score, computed by hand
    assert Share(0, 0).interval() == (0.0, 1.0)


def test_a_regression_finds_the_plane_it_was_given() -> None:
    rows = [
        Volunteer(DAY, 2, Celsius(x), Celsius(a), Celsius(20 + 0.5 * x - 0.1 * a))
        for x in (33.0, 34.0, 36.0)
        for a in (20.0, 23.0, 24.0)
    ]
    fitted = Regression.fit(rows)
    assert fitted == pytest.approx((20.0, 0.5, -0.1))
    assert slope([35.0, 40.0], [fitted.predicted(x, 24.0) for x in (35.0, 40.0)]) == 0.5


def test_a_regression_in_a_room_of_one_temperature_rests_on_the_forehead_alone() -> None:
    fitted = Regression.fit(people([33.0, 34.0, 35.0], [36.0, 36.5, 37.0]))
    assert fitted == pytest.approx((19.5, 0.5, 0.0))


def test_the_naive_rule_finds_nobody_whose_skin_is_cool() -> None:
    assert [row.positive for row in naive(people([36.4, 37.3], [39.0, 38.0]))] == [False, True]


# -- through the product ---------------------------------------------------------------------------------


def crowd() -> list[Volunteer]:
    """120 people: 100 at 34.0 °C, then healthy ones in every class and ill ones found and missed."""
    foreheads = [NORMAL] * 100 + [34.4, 34.6, 34.9, 35.2] + [36.0, 34.1] + [NORMAL] * 14
    orals = [36.8] * 100 + [37.0, 37.0, 37.0, 37.6] + [38.4, 38.0] + [36.9] * 14
    return people(foreheads, orals)


def test_everybody_is_judged_as_at_a_gate() -> None:
    camera = bench.measure("FLIR", crowd())
    figures = camera.figures
    assert camera.normal == pytest.approx(34.0, abs=0.011), "a word is .02 °C"
    assert (figures.n, figures.positives_38) == (120, 2)
    assert figures.sensitivity_38 == 0.5
    assert figures.specificity == round(116 / 117, 4), "one of 117 healthy people reads .9 above normal"
    assert figures.guard_rate_healthy == round(1 / 117, 4)
    # Of 118 people below 38 °C the ill one at 36.0 beats all, the one at 34.1 beats the 114 at 34.0.
    assert figures.auc_38 == round((118 + 114) / (2 * 118), 4)
    assert figures.naive.sensitivity_38 == 0.0
    assert camera.without == {}


def test_a_miss_has_no_result_and_is_not_called_found_or_spared_by_luck() -> None:
    foreheads = [NORMAL] * 100 + [31.0, 31.0]
    camera = bench.measure("FLIR", people(foreheads, [36.8] * 101 + [38.5]))
    assert camera.without == {"RETRY": 2}
    assert camera.figures.sensitivity_38 == 0.0


def test_the_air_of_the_day_is_taken_into_account() -> None:
    [person] = people([NORMAL - 0.17 * 4], [36.8])
    cold = Volunteer(person.at, 2, person.forehead, Celsius(20.1), person.oral)
    made = bench.commission(people([NORMAL] * 100, [36.8] * 100))
    [answer] = bench.judge([cold], replace(bench.CAMERA, commissioning=made))
    assert answer.result is Screening.NORMAL
    assert answer.reading.deviation == pytest.approx(0.0, abs=0.02)


def test_a_slow_shift_of_everybody_is_followed_however_long_the_study_takes() -> None:
    shifted = people([NORMAL] * 100 + [NORMAL + 0.4] * 120, [36.8] * 220)
    slow = [
        Volunteer(DAY + timedelta(days=index), 2, who.forehead, who.ambient, who.oral)
        for index, who in enumerate(shifted)
    ]
    made = bench.commission(slow[:100])
    answers = list(bench.judge(slow, replace(bench.CAMERA, commissioning=made)))
    assert answers[100].reading.baseline == bench.NONE
    assert answers[-1].reading.baseline == pytest.approx(0.4, abs=0.02)


def test_fewer_than_a_hundred_people_make_no_site() -> None:
    with pytest.raises(CalibrationError, match="camera X: 99 people"):
        bench.measure("X", people([NORMAL] * 99, [36.8] * 99))


@given(st.floats(32.0, 36.0))
def test_nothing_is_drawn_toward_normal_wherever_normal_is(normal: float) -> None:
    made = bench.commission(people([normal] * 100, [36.8] * 100))
    assert bench.product_slope(made) == pytest.approx(1.0, abs=0.002)


def test_the_part_of_the_slope_really_needs_its_corrections() -> None:
    said = [bench.as_reported(Celsius(skin), bench.AIR) for skin in (37.0, 40.0)]
    assert said[0] == pytest.approx(36.36, abs=0.02), "-.24 emissivity, -.57 of its own, +.18 supply"
    assert slope([37.0, 40.0], said) < 0.96, "left alone it would miss the target"


# -- what is told -------------------------------------------------------------------------------------------


def two_cameras(folder: Path) -> Path:
    orals = {110: 38.4, 111: 38.0}
    rows = [
        line(36.0 if index in orals else NORMAL, orals.get(index, 36.8), minute=index, device=device)
        for device in ("FLIR", "ICI")
        for index in range(120)
    ]
    rows[-1] = line(35.0, 36.8, minute=119, device="ICI")
    return written(folder, rows)


def test_the_json_has_exactly_the_promised_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = two_cameras(tmp_path)
    assert main(["bench", "screening", "--data", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == [*FIGURES, "cameras"]
    assert list(answer["cameras"]) == ["FLIR", "ICI"]
    for figures in answer["cameras"].values():
        assert list(figures) == FIGURES
        assert list(figures["naive"]) == list(figures["regression"]) == PEER
    assert answer["n"] == 120
    assert answer["specificity"] == answer["cameras"]["ICI"]["specificity"] < 1.0
    assert answer["cameras"]["FLIR"]["specificity"] == 1.0


def test_the_worst_of_each_figure_stands_above() -> None:
    one: dict[str, Any] = {"n": 5, "auc_38": None, "slope": 1.01, "guard_rate_healthy": 0.1, "naive": {}}
    two: dict[str, Any] = {"n": 7, "auc_38": 0.9, "slope": 0.98, "guard_rate_healthy": 0.2, "naive": {}}
    assert bench.worst([one, two]) == {
        "n": 5,
        "auc_38": 0.9,
        "slope": 0.98,
        "guard_rate_healthy": 0.2,
        "naive": {},
    }


def test_a_missed_target_is_said_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = two_cameras(tmp_path)
    assert main(["bench", "screening", "--data", str(path), "--check"]) == 0
    said = capsys.readouterr()
    assert "120 people, 2 of them ill" in said.out
    assert "(0.34 to 1.00)" in said.out, "two of two people prove little"
    cool = path.read_text(encoding="utf-8").replace("38.4,36.0,,,36.0", "38.4,34.0,,,34.0")
    path.write_text(cool, encoding="utf-8")
    assert main(["bench", "screening", "--data", str(path), "--check"]) == 1
    assert "missed: sensitivity_38 is 0.5, not at least 0.89" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*FIGURES, "cameras", "kiosk bench screening"])
def test_the_page_of_figures_says_what_each_of_them_is(name: str) -> None:
    assert name in PAGE.read_text(encoding="utf-8")


# -- files ------------------------------------------------------------------------------------------------


def test_missing_values_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [line(), line(""), line(oral=""), line(ambient="NaN"), "", line(minute=3)]
    study = read(written(tmp_path, rows))
    assert len(study.cameras["FLIR"]) == 2
    assert study.left_out == {"FLIR": 3}


def test_the_mean_is_of_the_readings_that_are_there(tmp_path: Path) -> None:
    row = line(34.0).replace(",34.0,,,34.0,", ",34.0,,35.0,34.5,")
    [who] = read(written(tmp_path, [row])).cameras["FLIR"]
    assert who.forehead == pytest.approx(34.5)


def test_people_come_in_the_order_of_date_and_time(tmp_path: Path) -> None:
    rows = [line(35.0, minute=9 * 60 + 30), line(34.0, minute=0).replace("00:00:00", "9:05:00"), line(33.0)]
    path = written(tmp_path, rows)
    assert [who.forehead for who in read(path).cameras["FLIR"]] == [33.0, 34.0, 35.0]


def test_an_unknown_moment_stands_where_it_stands_in_the_file(tmp_path: Path) -> None:
    rows = [line(33.0), line(34.0).replace("00:00:00", ""), line(35.0, minute=1)]
    assert [who.forehead for who in read(written(tmp_path, rows)).cameras["FLIR"]] == [33.0, 34.0, 35.0]


def test_other_columns_and_their_order_do_not_matter(tmp_path: Path) -> None:
    header = "fhc_4,fhc_3,fhc_2,fhc_1,oralM,Ta,time,date,device,more"
    path = tmp_path / "people.csv"
    path.write_bytes(f"\ufeff{header}\r\n,,,34.2,36.9,24,10:00:00,2017-02-01,ICI,x\r\n".encode())
    [who] = read(path).cameras["ICI"]
    assert (who.forehead, who.oral, who.at.year) == (34.2, 36.9, 2017)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (line("34,2"), r"line 3: 26 fields, not 24"),
        (line("warm"), r"line 3: fhc_1: 'warm' is not a number"),
        (line("inf"), r"line 3: fhc_1: inf is no temperature"),
        (line(oral="1e9"), r"line 3: oralM: 1e9 is no temperature"),
        (line(device=""), r"line 3: device: it is blank"),
        (line().replace("16-11-17", "17/11/16"), r"line 3: date and time: '17/11/16 00:00:00' is not like"),
        (line()[:40], r"line 3: \d+ fields, not 24"),
        ('"' + line(), r"fields, not 24"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, broken: str, sentence: str) -> None:
    with pytest.raises(BrokenData, match=sentence):
        read(written(tmp_path, [line(), broken, line()]))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenData, match="line 1: there is no column oralM, fhc_2"):
        read(written(tmp_path, [], HEADER.replace("oralM", "oralX").replace("fhc_2", "x")))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", HEADER.encode()])
def test_a_file_without_people_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(BrokenData, match=r"people\.csv"):
        read(path)


# -- the study ---------------------------------------------------------------------------------------------


@pytest.mark.conformance
def test_the_public_study_meets_the_design(capsys: pytest.CaptureFixture[str]) -> None:
    data = conformance_data() / "temperature" / "face_oral_group1.csv"
    assert main(["bench", "screening", "--data", str(data), "--check", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["n"], answer["positives_38"]) == (539, 19)
    assert answer["cameras"]["FLIR"]["auc_38"] == pytest.approx(0.967, abs=0.002)
    assert answer["cameras"]["ICI"]["auc_38"] == pytest.approx(0.964, abs=0.002)
    assert answer["naive"]["sensitivity_38"] == answer["regression"]["sensitivity_38"] == 0.0
    assert answer["regression"]["slope"] < 0.5

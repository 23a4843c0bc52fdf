"""What people see: newest first, in words of their language, SIMULATED unmissable, nothing personal."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from kiosk.model import Reason, Verdict
from tests.journals import ADMIT, DEVICE, REFER, REFUSE, Gate, chained, events_of, request_of
from tests.unit.web.community.conftest import OTHER, OTHER_SECRET, SECRET, Api, Now
from web.community import wording
from web.community.app import CommunityConfig, close_app, create_app
from web.community.context import community
from web.community.devices import register_device
from web.community.listing import PAGE, Filter, Place, passages
from web.community.schema import MIGRATIONS
from web.community.store import Store

WALL = 1_798_761_600.0
EPOCH = "00112233aabbccdd"


def deliver(api: Api, path: Path, people: int = 0, *, simulated: bool = True, mixed: bool = True) -> None:
    gate = Gate.open(path, simulated=simulated)
    gate.pass_by(people, ADMIT)
    if mixed:
        gate.pass_by(1, REFER)
        gate.pass_by(1, REFUSE)
    gate.close()
    events = events_of(path)
    for start in range(0, len(events), 500):
        answer = api.send(events[start : start + 500], str(events[0].fields()["epoch"]))
        assert answer.status_code == 200


def passage(reason: str = "PASS_VALID", **more: object) -> dict[str, object]:
    return {"verdict": "ADMIT", "reasons": [reason]} | more


def verdicts(page: str) -> list[str]:
    return re.findall(r'class="verdict (\w+)"', page)


def shown_times(page: str) -> list[str]:
    return re.findall(r'class="when">\s*<time datetime="([^"]+)"', page)


def test_the_list_is_newest_first_with_reasons_in_words(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 3)
    page = api.client.get("/passages?lang=en").text
    assert verdicts(page) == ["refuse", "refer", "admit", "admit", "admit"]
    times = shown_times(page)
    assert times == sorted(times, reverse=True)
    assert wording.Words("en").reason(Reason.TEMPERATURE_HIGH) in page
    assert "TEMPERATURE_HIGH" not in page
    assert "east" in page


def test_chinese_is_chinese_and_the_browser_is_asked(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db")
    chinese = api.client.get("/passages", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert '<html lang="zh-Hans">' in chinese.text
    assert wording.Words("zh").reason(Reason.TEMPERATURE_HIGH) in chinese.text
    assert chinese.headers["Content-Language"] == "zh"
    english = api.client.get("/passages", headers={"Accept-Language": "en-GB"})
    assert '<html lang="en">' in english.text
    assert '<html lang="en">' in api.client.get("/passages?lang=en", headers={"Accept-Language": "zh"}).text
    assert '<html lang="zh-Hans">' in api.client.get("/passages?lang=xx").text


def test_a_chosen_language_is_kept_by_every_link(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", PAGE)
    page = api.client.get("/passages?lang=en").text
    links = [link for link in re.findall(r'href="(/[^"]+)"', page) if not link.startswith("/static")]
    assert links
    assert all("lang=" in link for link in links)
    assert api.client.get("/?lang=en").headers["Location"] == "/passages?lang=en"


def test_simulated_records_can_not_be_missed(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 2)
    for language in ("zh", "en"):
        page = api.client.get(f"/passages?lang={language}").text
        assert page.count('class="simulated-banner"') == 1
        assert page.count('class="simulated"') == len(verdicts(page)) == 4
        assert "SIMULATED" in page


EVERY_PAGE = [
    "/passages",
    "/passages?verdict=REFUSE&gate=nowhere",
    "/kiosks",
    "/nothing",
    "/passages?before=x",
]


@pytest.mark.parametrize("path", EVERY_PAGE)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_a_server_with_a_simulated_kiosk_says_so(
    api: Api, tmp_path: Path, path: str, language: str
) -> None:
    def banners() -> int:
        text = api.client.get(path, headers={"Accept-Language": language}).text
        return text.count(wording.page(language)["simulated_here"])  # type: ignore[arg-type]

    assert banners() == 0
    deliver(api, tmp_path / "journal.db", mixed=False)
    assert banners() == 1, "no passage yet, but the kiosk has said what it is"


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_kiosk_registered_as_simulated_need_not_have_spoken(tmp_path: Path, path: str) -> None:
    register_device(tmp_path, DEVICE, SECRET, simulated=True)
    app = create_app(CommunityConfig(tmp_path))
    assert "SIMULATED" in app.test_client().get(path).text
    close_app(app)


def test_a_simulated_kiosk_is_marked_and_a_real_one_beside_it_is_not(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", simulated=True)
    body, headers = request_of(chained(EPOCH, [passage()], device=OTHER), EPOCH)
    secret = {"Authorization": f"Bearer {OTHER_SECRET}"}
    answer = api.client.post(f"/api/v1/devices/{OTHER}/events", data=body, headers=headers | secret)
    assert answer.status_code == 200
    names = re.findall(r"<h2>(.*?)</h2>", api.client.get("/kiosks?lang=en").text)
    assert names == [f'{DEVICE} <strong class="simulated">SIMULATED</strong>', OTHER]


def test_a_server_knows_again_what_was_simulated(tmp_path: Path) -> None:
    register_device(tmp_path, DEVICE, SECRET)
    app = create_app(CommunityConfig(tmp_path))
    deliver(Api(app.test_client(), Now()), tmp_path / "journal.db", 1)
    close_app(app)
    again = create_app(CommunityConfig(tmp_path))
    assert "SIMULATED" in again.test_client().get("/nothing").text
    close_app(again)


def test_a_database_of_the_first_version_learns_what_was_simulated(tmp_path: Path) -> None:
    database = tmp_path / "community.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as old:
        for statement in MIGRATIONS[0]:
            old.execute(statement)
        old.execute("PRAGMA user_version = 1")
        for number, name in ((1, "real"), (2, "played")):
            old.execute("INSERT INTO devices VALUES (?, ?, 0, 0, NULL, NULL)", (number, name))
            old.execute("INSERT INTO epochs VALUES (?, ?, 'aa', 1, X'00', 0, 'g', 'in')", (number, number))
            row = (number, 1, 0, "ntp", "g", "in", "ADMIT", '["PASS_VALID"]', number == 2)
            old.execute("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    store = Store(database, Now())
    assert store.simulated == {"played"}
    store.close()


def test_an_error_is_a_page_in_the_readers_language_with_a_way_back(api: Api) -> None:
    for path, status, english, chinese in (
        ("/nothing", 404, "There is no such page.", "没有这个页面"),
        ("/passages?verdict=MAYBE", 400, "does not have", "看不懂"),
        ("/static/nothing.css", 404, "There is no such page.", "没有这个页面"),
    ):
        joined = path + ("&" if "?" in path else "?")
        for language, words in (("en", english), ("zh", chinese)):
            answer = api.client.get(f"{joined}lang={language}")
            assert answer.status_code == status
            assert words in answer.text
            assert f'<a class="button" href="/passages?lang={language}">' in answer.text
            ways = re.findall(r'<a href="(/[^"]+)"', answer.text)
            assert [api.client.get(way).status_code for way in ways] == [200, 200], "passages and kiosks"
    assert "can only be looked at" in api.client.post("/passages?lang=en").text


def test_a_page_that_finds_no_database_says_so_in_words(api: Api, app: Flask) -> None:
    with community(app).store.reading() as connection:
        connection.execute("ALTER TABLE passages RENAME TO gone")
    answer = api.client.get("/passages?lang=en")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Please try again in a moment" in answer.text


def test_a_clock_that_is_right_is_off_by_plus_nothing(api: Api) -> None:
    api.client.post(
        f"/api/v1/devices/{DEVICE}/heartbeat",
        json={"v": 1, "sent_at": api.now.value - 0.4, "epochs": [], "health": {}},
        headers=api.headers,
    )
    page = api.client.get("/kiosks?lang=en").text
    assert "+0 s" in page
    assert "-0" not in re.sub(r"\d\d\d\d-\d\d-\d\d|datetime=\S+", "", page)


def test_real_records_do_not_say_so(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 2, simulated=False)
    page = api.client.get("/passages?lang=en").text
    assert len(verdicts(page)) == 4
    assert "SIMULATED" not in page


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"simulated": True}, {}),
        ({"clock": "simulated"}, {}),
        ({}, {"simulated": True}),
        ({"simulated": "yes"}, {}),
    ],
)
def test_one_mark_of_simulation_is_enough(api: Api, header: dict[str, Any], body: dict[str, Any]) -> None:
    api.send(chained(EPOCH, [passage(**body)], **header), EPOCH)
    assert 'class="simulated"' in api.client.get("/passages").text


def test_all_passages_are_reached_page_by_page_each_once(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 2 * PAGE + 5)
    address: str | None = "/passages?lang=en"
    seen: list[str] = []
    while address:
        page = api.client.get(address).text
        seen += shown_times(page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) == 2 * PAGE + 7
    assert seen == sorted(seen, reverse=True)


def test_what_arrives_meanwhile_does_not_move_the_next_page(api: Api) -> None:
    first = chained(EPOCH, [passage() for _ in range(PAGE + 1)], wall=WALL)
    api.send(first, EPOCH)
    page = api.client.get("/passages?lang=en").text
    found = re.search(r'href="([^"]+)" rel="next"', page)
    assert found is not None
    api.send(chained(EPOCH, [passage()], start=PAGE + 2, prev=first[-1].hash, wall=WALL + 60), EPOCH)
    assert len(verdicts(api.client.get(found[1].replace("&amp;", "&")).text)) == 1


def test_the_list_can_be_narrowed(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 3)
    west = chained(EPOCH, ['{"gate":"west"}'], kind="started")
    api.send([*west, *chained(EPOCH, [passage()], start=2, prev=west[0].hash)], EPOCH)
    assert verdicts(api.client.get("/passages?verdict=REFER").text) == ["refer"]
    assert verdicts(api.client.get("/passages?gate=west").text) == ["admit"]
    assert verdicts(api.client.get("/passages?gate=west&verdict=REFUSE").text) == []
    assert len(verdicts(api.client.get("/passages?gate=&verdict=").text)) == 6
    assert "No passages match" in api.client.get("/passages?gate=north&lang=en").text


@pytest.mark.parametrize(
    "query", ["verdict=MAYBE", "before=x", "before=1.2", "before=1.2.3.4", "before=9e9.1.1"]
)
def test_a_query_that_makes_no_sense_is_said(api: Api, query: str) -> None:
    assert api.client.get(f"/passages?{query}").status_code == 400


def test_places_survive_the_address() -> None:
    place = Place(1_798_761_600_123, 4, 17)
    assert Place.parse(str(place)) == place


def test_a_record_without_proven_time_stands_where_it_arrived(api: Api) -> None:
    api.now.value = WALL + 3600
    early = chained(EPOCH, [passage()], wall=12.0, clock="untrusted")
    api.send(early, EPOCH)
    page = api.client.get("/passages?lang=en").text
    assert shown_times(page) == ["2027-01-01T09:00:00+08:00"]
    assert "not proven" in page


def test_times_are_relative_under_an_hour_and_absolute_after(api: Api) -> None:
    events = chained(EPOCH, [passage()], wall=WALL)
    api.send(events, EPOCH)
    for later, words in ((20, "just now"), (600, "10 min ago"), (3600, "2027-01-01"), (-500, "2027-01-01")):
        api.now.value = WALL + later
        assert words in api.client.get("/passages?lang=en").text


def test_nothing_that_names_a_person_or_a_pass_is_shown(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 5)
    pages = "".join(api.client.get(path).text for path in ("/passages?lang=en", "/kiosks?lang=en"))
    for event in events_of(tmp_path / "journal.db"):
        content = event.content() or {}
        for name in ("token", "household", "issuer"):
            value = content.get("pass", {}).get(name) if content.get("pass") else None
            assert value is None or value not in pages
    assert "°C" not in pages


def test_hostile_text_stays_text(api: Api) -> None:
    gate = chained(EPOCH, ['{"gate":"<script>alert(1)</script>"}'], kind="started")
    odd = passage("UNHEARD_OF", reading={"screening": "<img src=x>"})
    api.send([*gate, *chained(EPOCH, [odd], start=2, prev=gate[0].hash)], EPOCH)
    page = api.client.get("/passages?lang=en&gate=<script>").text
    assert "<script>" not in page
    assert "<img" not in page
    page = api.client.get("/passages?lang=en").text
    assert "UNHEARD_OF" in page
    assert "kiosk-7" in page  # a gate's name that is no name: the device's stands for it


def test_contradictions_and_stubs_are_an_alarm(api: Api) -> None:
    api.send(chained(EPOCH, [passage()]), EPOCH)
    assert "alarm" not in api.client.get("/passages").text
    api.send(chained(EPOCH, [passage("CALLED")]), EPOCH)
    api.send(chained("ff" * 8, ["{}"]), "ff" * 8)
    page = api.client.get("/passages?lang=en").text
    assert page.count('class="alarm"') == 2
    assert "cloned or restored" in page
    kiosks = api.client.get("/kiosks?lang=en").text
    assert kiosks.count('class="bad"') == 2


def test_an_empty_server_says_what_will_happen(api: Api) -> None:
    assert "arrive by themselves" in api.client.get("/passages?lang=en").text
    assert "No kiosk has spoken" in api.client.get("/kiosks?lang=en").text


def test_pages_hold_no_script_and_no_style_of_their_own(api: Api, tmp_path: Path) -> None:
    deliver(api, tmp_path / "journal.db", 2)
    for path in ("/passages", "/kiosks"):
        page = api.client.get(path).text
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page)
        assert not re.search(r'(src|href)="(https?:)?//', page)


def test_every_word_is_there_in_both_languages() -> None:
    chinese, english = wording.page("zh"), wording.page("en")
    assert chinese.keys() == english.keys()
    assert all(chinese.values())
    assert all(english.values())
    for verdict in Verdict:
        assert wording.Words("zh").verdict(verdict) != wording.Words("en").verdict(verdict)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """WCAG 2.2, contrast ratio."""
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def tokens(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#\w{6});", css))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough_in_both_themes(theme: str) -> None:
    css = (Path(wording.__file__).parent / "static" / "community.css").read_text()
    colours = tokens(css.split("@media")[0])
    if theme == "dark":
        colours |= tokens(css.split("@media (prefers-color-scheme: dark)")[1].split("\n}\n")[0])
        assert luminance(colours["page"]) < luminance(colours["text"])
    for background in ("page", "card"):
        for text in ("text", "quiet", "accent"):
            assert contrast(colours[text], colours[background]) >= 4.5, (text, background)
    assert contrast(colours["accent-text"], colours["accent"]) >= 4.5
    assert contrast(colours["simulated-text"], colours["simulated"]) >= 7
    for state in ("admit", "refer", "refuse", "fault"):
        assert contrast("#ffffff", colours[state]) >= 7, state


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(gate="east"),
        Filter(verdict=Verdict.REFER),
        Filter(before=Place(1, 1, 1)),
        Filter("east", Verdict.ADMIT, Place(1, 1, 1)),
    ],
)
def test_a_page_costs_the_same_whatever_there_is(app: Flask, wanted: Filter) -> None:
    with community(app).store.reading() as connection:
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        passages(connection, wanted)
        connection.set_trace_callback(None)
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}"))
    assert "USING" in plan
    assert "TEMP B-TREE" not in plan

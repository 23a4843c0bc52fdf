"""An admin's file: only what it names changes, all its mistakes come at once, unsafe values are refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from kiosk import config as module
from kiosk.commands.config import as_toml, plain_value
from kiosk.config import DEFAULTS_PATH, OpeningHours, find, load, settings
from kiosk.errors import ConfigError, ConfigUnreadable
from kiosk.model import Attended, Direction, EntryFrom
from kiosk.toml_file import Problem
from tests.data import REPOSITORY

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writer(text: str) -> Path:
        file = tmp_path / "kiosk.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return writer


def mistakes(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(path)
    return [str(problem) for problem in refused.value.problems]


# -- what holds ------------------------------------------------------------------------------------------


def test_without_a_file_the_shipped_defaults_hold_and_are_safe() -> None:
    config = load(None)
    assert config.gate.simulated is False
    assert config.gate.entry_from is EntryFrom.OUTDOORS
    assert (config.screening.guard, config.screening.high) == (0.5, 0.8)
    assert config.screening.commissioning is None, "nobody is measured against figures from elsewhere"
    assert config.sync.url == "", "nothing is sent anywhere before an admin says where"
    assert (config.pins.red, config.pins.green, config.pins.relay) == (17, 27, 23)
    assert config.lamp.relay_pulse_s == 0.8


def test_a_file_overrides_only_what_it_names(write: Write) -> None:
    config = load(write('[gate]\nid = "east-1"\ndirection = "out"\n[screening]\nguard = 0.45\n'))
    assert (config.gate.id, config.gate.direction, config.screening.guard) == ("east-1", Direction.OUT, 0.45)
    assert config.gate.attended is Attended.ALWAYS
    assert config.pins == load(None).pins


def test_an_empty_file_changes_nothing(write: Write) -> None:
    assert load(write("")) == load(None)


def test_relative_paths_start_at_the_folder_of_the_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('[journal]\npath = "data/journal.db"\n[directory]\nroots = ["a.pub", "/b.pub"]\n')
    monkeypatch.chdir(tmp_path)
    config = load(Path("kiosk.toml"))
    assert config.journal.path == tmp_path / "data/journal.db"
    assert config.directory.roots == (tmp_path / "a.pub", Path("/b.pub"))


def test_hours_are_read_as_spans_of_the_week(write: Write) -> None:
    config = load(write('[gate]\nhours = ["Mon-Fri 06:30-22:00", "Sun 08:00-24:00"]\nelsewhere = "Lane 4"\n'))
    assert config.gate.hours == (OpeningHours(0b11111, 390, 1320), OpeningHours(0b1000000, 480, 1440))
    assert [str(span) for span in config.gate.hours] == ["Mon,Tue,Wed,Thu,Fri 06:30-22:00", "Sun 08:00-24:00"]


def test_a_configuration_does_not_change_under_way() -> None:
    with pytest.raises(FrozenInstanceError):
        load(None).lamp.relay_pulse_s = 60  # type: ignore[misc, assignment]


# -- which file --------------------------------------------------------------------------------------------


def test_the_named_file_wins_over_the_variable_and_the_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "usual.toml"
    monkeypatch.setattr(module, "USUAL_PATH", usual)
    monkeypatch.delenv("KIOSK_CONFIG", raising=False)
    assert find() is None
    usual.touch()
    assert find() == usual
    monkeypatch.setenv("KIOSK_CONFIG", "/from/the/variable.toml")
    assert find() == Path("/from/the/variable.toml")
    assert find(Path("named.toml")) == Path("named.toml")


def test_a_named_file_that_is_missing_is_never_replaced_by_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIOSK_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigUnreadable, match=r"absent\.toml"):
        load(find())


# -- what is refused ---------------------------------------------------------------------------------------


def test_all_mistakes_come_at_once_with_line_key_reason_and_what_was_meant(write: Write) -> None:
    told = mistakes(
        write(
            "[gate]\n"
            'id = "East Gate"\n'
            'atended = "always"\n'
            'direction = "inn"\n'
            "\n"
            "[pin]\n"
            "red = 5\n"
            "\n"
            "[pins]\n"
            "green = 17\n"
            "[screening]\n"
            "guard = 45.0\n"
        )
    )
    assert [line.split(": ")[0] for line in told] == [f"line {n}" for n in (2, 3, 4, 6, 10, 12)]
    assert "gate.id: must be 1 to 32 characters" in told[0]
    assert "gate.atended: there is no such setting (did you mean 'attended'?)" in told[1]
    assert "gate.direction: must be one of in, out, both (did you mean 'in'?)" in told[2]
    assert "pin: there is no such section (did you mean 'pins'?)" in told[3]
    assert "pins.red and pins.green are both pin 17" in told[4]
    assert (
        "screening.guard: must be a number from 0.3 to 0.8 °C: a threshold outside could never alarm"
        in told[5]
    )


SIMULATED = '[gate]\nsimulated = true\n[camera]\nsource = "simulated"\n[thermometer]\ndriver = "simulated"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # a configuration that can't alarm
        ("[screening]\nguard = 0.81", "never alarm"),
        ("[screening]\nguard = 0.29", "never alarm"),
        ("[screening]\nhigh = 1.6", "never alarm"),
        ("[screening]\nhigh = 45", "never alarm"),
        ("[screening]\nhigh = nan", "must be a number"),
        ("[screening]\nhigh = inf", "must be a number"),
        ("[screening]\nhigh = '0.8'", "must be a number"),
        ("[screening]\nguard = 0.8", "guard (0.8) must lie below high (0.8)"),
        ("[screening]\nguard = 0.7\nhigh = 0.6", "guard (0.7) must lie below high (0.6)"),
        # a calibration that hides a faulty part
        ("[thermometer]\ngain = 1.04", "faulty"),
        ("[thermometer]\ngain = 0.96", "faulty"),
        ("[thermometer]\noffset = 0.6", "faulty"),
        ("[thermometer]\noffset = -0.6", "faulty"),
        ("[thermometer]\noffset = 0.2", "its day and what it was made against"),
        ("[thermometer]\noffset = 0.2\ncalibrated_on = 2026-03-01", "its day and what it was made against"),
        ("[thermometer]\ncalibrated_on = 2026-02-30", "Invalid"),
        # a thermometer that can't see a forehead
        ("[thermometer]\nvariant = 'xCK'", "can't be xCK"),
        ("[thermometer]\nvariant = 'xcc'", "did you mean 'xCC'?"),
        ("[thermometer]\nvariant = 'xAA'", "nine tenths"),
        ("[thermometer]\ndistance_cm = 5.1", "nine tenths"),
        ("[thermometer]\nvariant = 'DCH'\ndistance_cm = 16", "nine tenths"),
        ("[thermometer]\nvariant = 'DCI'\ndistance_cm = 31", "must be a number"),
        ("[thermometer]\nsupply_volts = 5", "outside its data sheet"),
        ("[thermometer]\nemissivity = 0.5", "human skin"),
        ("[thermometer]\naddress = 0x03", "reserved"),
        # two parts that answer at once
        ("[air]\ndriver = 'sht3x'\naddress = 0x45\n[outdoor]\ndriver = 'sht3x'", "air and outdoor are both"),
        (
            "[thermometer]\naddress = 0x44\n[air]\ndriver = 'sht3x'",
            "thermometer and air are both address 0x44 of bus 1",
        ),
        ("[air]\ndriver = 'sht3x'\naddress = 0x46", "pin ADDR high"),
        ("[air]\ndriver = 'simulated'", "never mixed"),
        (SIMULATED + "[outdoor]\ndriver = 'sht3x'", "never mixed"),
        # pins
        ("[pins]\nred = 2", "I2C"),
        ("[pins]\nbutton = 3", "I2C"),
        ("[pins]\nbuzzer = 0", "EEPROM"),
        ("[pins]\nred = 18", "I2S"),
        ("[pins]\nred = 21", "I2S"),
        ("[pins]\nred = 14", "serial console"),
        ("[pins]\nred = 28", "0 to 27"),
        ("[pins]\nred = -1", "0 to 27"),
        ("[pins]\nred = true", "whole number"),
        ("[pins]\ngreen = 5", "pulled up"),
        ("[pins]\nrelay = 6", "pulled up"),
        ("[pins]\nrelay = 27", "pins.green and pins.relay are both pin 27"),
        ("[pins]\nbutton = 24", "pins.buzzer and pins.button are both pin 24"),
        # lamp
        ("[lamp]\nrelay_pulse_s = 3.1", "second person"),
        ("[lamp]\nrelay_pulse_s = 0", "0.1 to 3"),
        ("[lamp]\nbuzzer = 1", "true or false"),
        # real beside simulated
        ("[camera]\nsource = 'simulated'", "never mixed"),
        ("[thermometer]\ndriver = 'simulated'", "never mixed"),
        ("[gate]\nsimulated = true", "never mixed"),
        (SIMULATED.replace("driver = 'simulated'", "").replace('driver = "simulated"', ""), "never mixed"),
        (SIMULATED.replace('source = "simulated"', 'source = "webcam"'), "never mixed"),
        (SIMULATED.replace('source = "simulated"', 'source = "pictures"'), "must be one of"),
        # people sent nowhere
        ("[gate]\nattended = 'never'", "must say where people go"),
        ("[gate]\nattended = 'shifts'", "must say where people go"),
        ("[gate]\nhours = ['Mon 08:00-09:00']", "must say where people go"),
        ("[gate]\nhours = ['Mon-Fri 22:00-06:00']", "two spans"),
        # server
        ("[sync]\nurl = 'http://community.example'", "https"),
        ("[sync]\nurl = 'https://community.example'", "secret"),
        ("[sync]\nurl = 'https://community.example'\nsecret_file = 's'", "gate.device: must be given"),
        ("[journal]\npath = 'a.db'\n[sync]\ndatabase = 'a.db'", "same place"),
        # shape
        ("gate = 5", "must be a section"),
        ("[gate]\n[gate.pins]\nred = 5", "no such setting"),
        ("[[pins]]\nred = 5", "must be a section"),
        ("direction = 'in'", "it belongs under [gate]"),
        ("[lamp]\nred_pin = 17", "it is 'red' under [pins]"),
        ("[lamp]\nrelay = 23", "it is 'relay' under [pins]"),
        ("[gate]\nbuzzer = true", "it is 'buzzer' under [pins] or [lamp]"),
        ("[gate]\nsync_url = 'https://x'", "it is 'url' under [sync]"),
        ("[speaker]\nlanguages = []", "1 to 64"),
        ("[speaker]\nlanguages = ['de']", "item 1"),
        ("[speaker]\ndriver = 'simulated'", "never mixed"),
        (SIMULATED + "[speaker]\ndriver = 'alsa'", "never mixed"),
        ("[speaker]\nvolume = 101", "0 to 100 %"),
        ("[speaker]\nvolume = 20", "can't be louder"),
        ("[speaker]\ndevice = '-h'", "aplay -L lists them"),
        ("[speaker]\nquiet_hours = ['Mon-Sun 22:00-06:00']", "two spans"),
        ("[speaker]\nannounce_every_min = 0.5", "whole number"),
        ("[camera]\nlinear_symbologies = ['code128']", "did you mean 'Code128'?"),
    ],
)
def test_refuses_what_is_unsafe_or_meaningless(write: Write, text: str, words: str) -> None:
    told = mistakes(write(text))
    assert any(words in line for line in told), told


@pytest.mark.parametrize(
    "text",
    [
        SIMULATED,
        SIMULATED.replace('driver = "simulated"', 'driver = "none"'),
        SIMULATED + "[air]\ndriver = 'simulated'\n[outdoor]\ndriver = 'simulated'",
        SIMULATED + "[speaker]\ndriver = 'simulated'",
        SIMULATED + "[speaker]\ndriver = 'none'",
        "[speaker]\ndriver = 'alsa'\ndevice = 'plughw:CARD=Headphones,DEV=0'\nvolume = 0\nquiet_volume = 0",
        "[air]\ndriver = 'sht3x'\n[outdoor]\ndriver = 'sht3x'",
        "[air]\ndriver = 'sht3x'\naddress = 0x45\n[outdoor]\ndriver = 'sht3x'\nbus = 3",
        "[thermometer]\naddress = 0x44",
        "[thermometer]\nvariant = 'xAA'\ndistance_cm = 1.5",
        "[thermometer]\nvariant = 'DCH'\ndistance_cm = 15",
        "[thermometer]\nvariant = 'DCI'\ndistance_cm = 30",
        "[thermometer]\nsupply_volts = 5\nrated_volts = 5",
        "[thermometer]\nsupply_volts = 3.6",
        "[thermometer]\ngain = 1.03\noffset = -0.5\ncalibrated_on = 2026-03-01\nreference = 'bath 7'",
        "[screening]\nguard = 0.3\nhigh = 0.5",
        "[screening]\nguard = 0.8\nhigh = 1.5",
        "[gate]\nattended = 'never'\nelsewhere = 'the east gate'",
        "[gate]\ndevice = 'kiosk-7'\n[sync]\nurl = 'https://community.example'\nsecret_file = 'secret'",
        "[pins]\nred = 27\ngreen = 17",
        "[lamp]\nrelay_pulse_s = 3",
    ],
)
def test_accepts_what_is_safe(write: Write, text: str) -> None:
    """And what the file says is then in force, next to the defaults of all it does not name."""
    config, shipped, given = load(write(text)), load(None), tomllib.loads(text)
    for setting in settings().values():
        value = plain_value(getattr(getattr(config, setting.section), setting.name))
        said = given.get(setting.section, {}).get(setting.name)
        usual = plain_value(getattr(getattr(shipped, setting.section), setting.name))
        if said is None or setting.name in ("secret_file", "pictures"):  # a path gets its folder
            assert (value is None) is (said is None and usual is None), setting.key
            assert said is not None or value == usual, setting.key
        else:
            assert value == (str(said) if isinstance(said, date) else said), setting.key


def test_a_mistake_between_settings_is_told_where_the_file_makes_it(write: Write) -> None:
    assert mistakes(write("\n[thermometer]\n\nvariant = 'xAA'"))[0].startswith(
        "line 4: thermometer.distance_cm: at 5 cm"
    )


def test_one_mistake_does_not_hide_another(write: Write) -> None:
    told = mistakes(write("[pins]\nred = 99\nbuzzer = 22\n[screening]\nguard = 9\nhigh = 9\n"))
    assert len(told) == 4


def test_an_unknown_setting_is_never_ignored_and_its_value_never_told(write: Write) -> None:
    told = mistakes(write("[sync]\nsecret = 'hunter2'\n"))
    assert "did you mean 'secret_file'?" in told[0]
    assert "hunter2" not in told[0]


@profile(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(sorted(settings())),
        st.sampled_from(
            ["true", "0.5", "17", "-1", "nan", '"in"', '"xAA"', '["zh"]', "[]", "{}", "1979-05-27"]
        ),
        min_size=1,
    )
)
def test_any_values_give_a_configuration_or_reasons(
    tmp_path_factory: pytest.TempPathFactory, chosen: dict[str, str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text("".join(f"{key} = {value}\n" for key, value in chosen.items()))
    problems: tuple[object, ...] = ()
    try:
        load(file)
    except ConfigError as error:
        problems = error.problems
    assert all(isinstance(problem, Problem) and problem.line for problem in problems)


# -- defaults and documentation hold each other to account -------------------------------------------------


def test_default_toml_names_every_setting_with_a_comment_above_it() -> None:
    lines = DEFAULTS_PATH.read_text(encoding="utf-8").splitlines()
    section, commented = "", set()
    for above, line in zip(["", *lines], lines, strict=False):
        section = line.strip("[]") if line.startswith("[") else section
        named = re.match(r"(?:# )?([a-z_]+) = ", line)
        if named and above.startswith("#"):
            commented.add(f"{section}.{named[1]}")
    # One comment may explain several settings in a row.
    together = {"screening.high", "thermometer.offset"}
    together |= {f"pins.{name}" for name in ("green", "buzzer", "button", "relay")}
    assert set(settings()) - commented == together


def test_what_may_be_left_out_is_left_out_of_the_defaults_and_nothing_else() -> None:
    config = load(None)
    unset = [
        key for key, item in settings().items() if getattr(getattr(config, item.section), item.name) is None
    ]
    assert unset == [key for key, item in settings().items() if item.optional]


def test_every_setting_and_its_default_are_documented() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.*?) \|", page, re.MULTILINE))
    assert list(rows) == list(settings())
    config = load(None)
    for key, item in settings().items():
        value = plain_value(getattr(getattr(config, item.section), item.name))
        shown = (
            "not set"
            if value is None
            else f"`0x{value:02X}`"
            if key.endswith(".address")
            else f"`{_written(value)}`"
        )
        assert rows[key] == shown, key


def test_what_does_nothing_yet_is_marked_in_the_file_and_on_the_page() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    on_page = set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|.*\*\*\(later", page, re.MULTILINE))
    section, comment, in_file = "", "", set()
    for line in DEFAULTS_PATH.read_text(encoding="utf-8").splitlines():
        section = line.strip("[]") if line.startswith("[") else section
        named = re.match(r"(?:# )?([a-z_]+) = ", line)
        if named and "(later" in comment:
            in_file.add(f"{section}.{named[1]}")
        comment = comment + line if line.startswith("#") and not named else ""
    assert in_file == on_page
    assert "gate.elsewhere" in on_page


def _written(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def test_every_section_of_the_model_is_a_section_of_the_file() -> None:
    assert list(dict.fromkeys(item.section for item in settings().values())) == [
        field.name for field in fields(module.Config)
    ]


def test_what_show_prints_loads_as_the_same_configuration(write: Write) -> None:
    config = load(
        write(
            '[gate]\nhours = ["Mon-Fri 06:30-22:00"]\nelsewhere = "东门 \\"4\\" \\\\ é"\n'
            '[directory]\nroots = ["a.pub"]\n[screening]\nhigh = 0.9\n'
        )
    )
    assert load(write("\n".join(as_toml(config)))) == config

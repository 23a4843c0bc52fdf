"""Putting the gate together over what an earlier run, or a power cut, has left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from kiosk.assembly import Kiosk, real
from kiosk.config import load
from kiosk.errors import DeviceAbsent
from kiosk.fitted import Openers
from kiosk.model import EventKind, Light, Reason
from tests.aplay import StandIn
from tests.mock_pins import MockPins
from tests.street import Street, memory_folder


@pytest.fixture
def street() -> Iterator[Street]:
    with memory_folder() as folder, Street(folder) as made:
        made.run(1.0)
        yield made


def secret(street: Street) -> Path:
    return street.config.journal.path.with_name("token.key")


def token_of(street: Street, text: str) -> str:
    """What the records call a code that is no pass."""
    street.pass_by(text, above=None, stays=6.0)
    street.run(6.0)
    token: str = street.events(EventKind.PASSAGE)[-1]["pass"]["token"]
    return token


@pytest.mark.parametrize("left", [b"", b"half a key"])
def test_a_secret_cut_short_by_a_power_cut_is_made_anew_and_the_journal_says_so(
    street: Street, left: bytes
) -> None:
    before = token_of(street, "https://example.org/menu")
    street.kiosk.close()
    secret(street).write_bytes(left)
    street.restart()
    street.run(1.0)
    assert street.faults() == {}
    assert street.light_now() is Light.IDLE
    assert street.told() == [
        ("fault", "secret", "SECRET_DAMAGED"),
        ("recovered", "secret", "SECRET_DAMAGED"),
    ]
    assert len(secret(street).read_bytes()) == 32
    assert secret(street).stat().st_mode & 0o777 == 0o600
    assert token_of(street, "https://example.org/menu") != before
    passage = street.pass_by(street.issue().text)
    assert passage is not None
    assert passage.decision.reasons[0] is Reason.PASS_VALID


def test_a_sound_secret_gives_a_code_the_same_name_after_a_restart(street: Street) -> None:
    before = token_of(street, "https://example.org/menu")
    street.restart()
    street.run(1.0)
    assert token_of(street, "https://example.org/menu") == before
    assert street.told() == []


# -- the speaker of a real gate -----------------------------------------------------------------------------


def real_gate(folder: Path, speaker: str) -> Kiosk:
    """A gate on this machine, of which nothing is there but pins and perhaps a sound card."""
    file = folder / "kiosk.toml"
    file.write_text(
        f"[journal]\npath = 'journal/journal.db'\nreserve_mb = 1\n[directory]\npath = 'lists'\n"
        f"[sync]\ndatabase = 'sync.db'\n[speaker]\nprompts = 'prompts'\n{speaker}\n"
    )
    config = load(file)

    def absent() -> NoReturn:
        raise DeviceAbsent("not here")

    return real(config, pins=MockPins(), openers=replace(Openers.of(config), frames=absent, button=absent))


def test_a_real_gate_plays_on_its_card_and_leaves_no_player_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programs").mkdir()
    with StandIn(tmp_path / "programs") as player:
        monkeypatch.setenv("PATH", f"{player.program.parent}:{os.environ['PATH']}")
        with real_gate(tmp_path, 'driver = "alsa"\ndevice = "plughw:3"\nvoice = "tones"') as kiosk:
            assert player.next().words.endswith("-D plughw:3")
            kiosk.gate.turn()
            assert "speaker" not in kiosk.gate.surroundings.health.snapshot()
        assert player.begun[0].gone


def test_a_real_gate_says_that_its_speech_was_never_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programs").mkdir()
    with StandIn(tmp_path / "programs") as player:
        monkeypatch.setenv("PATH", f"{player.program.parent}:{os.environ['PATH']}")
        with real_gate(tmp_path, 'driver = "alsa"') as kiosk:
            player.next()
            ends = time.monotonic() + 10
            while kiosk.gate.surroundings.health.snapshot().get("speaker") != "PROMPTS_MISSING":
                kiosk.gate.turn()
                assert time.monotonic() < ends


def test_a_gate_without_a_speaker_misses_nothing(tmp_path: Path) -> None:
    with real_gate(tmp_path, 'driver = "none"') as kiosk:
        kiosk.gate.turn()
        assert "speaker" not in kiosk.gate.surroundings.health.snapshot()

"""Putting the gate together over what an earlier run, or a power cut, has left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.model import EventKind, Light, Reason
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

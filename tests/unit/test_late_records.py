"""A passage whose record the disk took before it failed: one person, one answer, and a record that tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from kiosk.commands.journal_view import show_list
from kiosk.errors import JournalError, JournalFull
from kiosk.model import EventKind, Reason, Receipt, Verdict
from kiosk.passage.journal import JournalReader, StoredEvent
from tests.street import Street, assert_sound, memory_folder


@pytest.fixture
def street() -> Iterator[Street]:
    with memory_folder() as folder, Street(folder) as made:
        made.run(2.0)
        yield made


def passages(street: Street) -> list[StoredEvent]:
    return JournalReader(street.config.journal.path).events(kind=EventKind.PASSAGE)


def take_and_fail(street: Street, error: JournalError) -> Callable[[], None]:
    """From now on the disk takes passages and then fails; call the answer to end that."""
    writer = street.gate.surroundings.journal.writer
    assert writer is not None
    take = writer.append
    failing = True

    def append(kind: EventKind, body: Mapping[str, object], *, verdict: Verdict | None = None) -> Receipt:
        receipt = take(kind, body, verdict=verdict)
        if failing and kind is EventKind.PASSAGE:
            raise error
        return receipt

    def end() -> None:
        nonlocal failing
        failing = False

    writer.append = append  # type: ignore[method-assign]
    return end


@pytest.mark.parametrize("error", [JournalError("I/O error"), JournalFull("no space left")])
def test_an_admit_on_the_disk_that_was_never_shown_is_named_by_the_refer_that_was(
    street: Street, error: JournalError, capsys: pytest.CaptureFixture[str]
) -> None:
    end = take_and_fail(street, error)
    passage = street.pass_by(street.issue().text, stays=1.5)
    assert passage is not None
    assert passage.decision.verdict is Verdict.REFER
    assert passage.decision.reasons[0] is Reason.JOURNAL_FAULT
    assert street.green_seconds() == 0
    end()
    street.run(6.0)
    first, late = passages(street)
    body, after = first.content() or {}, late.content() or {}
    assert (body["verdict"], after["verdict"]) == ("ADMIT", "REFER")
    assert after["late"]["instead_of"] == first.seq
    assert body["pass"] == after["pass"]
    show_list([late], "en")
    assert f"instead of event {first.seq}" in capsys.readouterr().out
    street.kiosk.close()
    assert_sound(street.config.journal.path)

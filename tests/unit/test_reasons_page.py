"""docs/reasons.md holds every reason code, its verdict and its words, as the product says them."""

from __future__ import annotations

from kiosk import words
from kiosk.model import Reason, Verdict
from kiosk.passage.decision import TABLE
from tests.data import REPOSITORY

PAGE = REPOSITORY / "docs" / "reasons.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def verdicts(reason: Reason) -> str:
    asked = {row.verdict for row in TABLE if row.reason is reason}
    return " or ".join(verdict for verdict in Verdict if verdict in asked)


def table() -> str:
    lines = ["| code | verdict | in English | in Chinese |", "|---|---|---|---|"]
    lines += [
        f"| `{reason}` | {verdicts(reason)} | {words.reason(reason, 'en')} | {words.reason(reason, 'zh')} |"
        for reason in Reason
    ]
    return "\n".join(lines)


def test_the_page_says_what_the_gate_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page[page.index(BEGIN) + len(BEGIN) : page.index(END)].strip() == table()


def test_every_reason_can_be_given() -> None:
    assert [reason for reason in Reason if not verdicts(reason)] == []

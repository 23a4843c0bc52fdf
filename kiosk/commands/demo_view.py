"""The terminal view of the demo: what a volunteer beside the gate would see, and the figures of the hour."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from rich import box
from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kiosk import words
from kiosk.model import Celsius, Light, Prompt, Reason, Verdict

ROWS: Final = 10
LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
HOUR: Final = timedelta(hours=1)
_STYLES: Final = {
    Verdict.ADMIT: "bold white on #085C31",
    Verdict.REFER: "bold white on #8A4700",
    Verdict.REFUSE: "bold white on #A11F18",
}
_IN_FAVOUR: Final = {
    Reason.PASS_VALID,
    Reason.COMPANION,
    Reason.TEMPERATURE_NORMAL,
    Reason.TEMPERATURE_SUSPENDED,
    Reason.TEMPERATURE_NOT_REQUIRED,
}
_MARKS: Final = {Verdict.ADMIT: "✔", Verdict.REFER: "?", Verdict.REFUSE: "✖"}


@dataclass(frozen=True, slots=True)
class Row:
    """One answered person, as shown."""

    at: datetime
    who: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    forehead: Celsius | None
    deviation: Celsius | None

    @property
    def measured(self) -> str:
        """Forehead and what it is above or below normal here: "34.6 °C +0.9"."""
        if self.forehead is None:
            return ""
        above = "" if self.deviation is None else f" {self.deviation:+.1f}"
        return f"{self.forehead:.1f} °C{above}"


@dataclass(slots=True)
class Scene:
    """What the view shows now; the demo keeps it up to date."""

    title: str
    language: str
    wall: datetime = LONG_AGO
    light: Light = Light.DARK
    red: bool = False
    green: bool = False
    relay: bool = False
    who: str = ""
    prompt: Prompt | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=500))

    def last_hour(self) -> Counter[Verdict]:
        """Verdicts of the last 60 minutes."""
        return Counter(row.verdict for row in self.rows if self.wall - row.at <= HOUR)


def render(scene: Scene) -> RenderableType:
    """The whole screen: lamp and person on top, then the last passages, then figures and faults."""
    top = Table.grid(expand=True)
    top.add_column(width=24)
    top.add_column(ratio=1)
    top.add_row(_lamp(scene), _person(scene))
    return Group(_title(scene), top, _passages(scene), _foot(scene))


def say(console: Console, row: Row, language: str) -> None:
    """One line a passage, where there is no screen to draw on."""
    line = Text(f"{_clock(row.at)} ").append_text(_verdict(row.verdict))
    why = " ".join(part for part in (_reasons(row, language), row.measured) if part)
    console.print(line.append(f" {row.who}: {why}"), soft_wrap=True, highlight=False)


def _title(scene: Scene) -> RenderableType:
    text = Text(f" {scene.title}   {_clock(scene.wall)} ", style="bold")
    text.append("  SIMULATED 模拟  ", style="bold black on yellow")
    return text


def _lamp(scene: Scene) -> RenderableType:
    red = Text("●", style="bold bright_red" if scene.red else "grey30")
    green = Text("●", style="bold bright_green" if scene.green else "grey30")
    body = Text.assemble(red, "  ", green, "   ", words.light(scene.light, scene.language))
    gate = "gate released" if scene.relay else ""
    return Panel(Group(body, Text(gate, style="green")), title="lamp", height=4, box=box.ROUNDED)


def _person(scene: Scene) -> RenderableType:
    said = words.prompt(scene.prompt, scene.language) if scene.prompt is not None else ""
    body = Group(Text(scene.who or "nobody at the gate"), Text(f"“{said}”" if said else "", style="italic"))
    return Panel(body, title="at the gate", height=4, box=box.ROUNDED)


def _passages(scene: Scene) -> RenderableType:
    table = Table(expand=True, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("time", width=8)
    table.add_column("answer", width=10)
    table.add_column("who", ratio=2)
    table.add_column("why", ratio=3)
    table.add_column("forehead", justify="right", width=13)
    newest = list(scene.rows)[-ROWS:][::-1]
    for row in newest:
        table.add_row(
            _clock(row.at), _verdict(row.verdict), row.who, _reasons(row, scene.language), row.measured
        )
    for _ in range(ROWS - len(newest)):
        table.add_row("", "", "", "", "")
    return table


def _foot(scene: Scene) -> RenderableType:
    hour = scene.last_hour()
    figures = "   ".join(f"{_MARKS[verdict]} {verdict} {hour[verdict]}" for verdict in Verdict)
    line = Text(f" last hour: {hour.total()} people   {figures}   {scene.server}")
    if not scene.faults:
        return Group(line, Text(" everything works", style="green"))
    names = ", ".join(f"{part}: {code}" for part, code in sorted(scene.faults.items()))
    return Group(line, Text(f" not working: {names}", style="bold red"))


def _verdict(verdict: Verdict) -> Text:
    return Text(f" {_MARKS[verdict]} {verdict} ", style=_STYLES[verdict])


def _reasons(row: Row, language: str) -> str:
    """Why, in words; what speaks for a person is only said of who was admitted."""
    admitted = row.verdict is Verdict.ADMIT
    told = [reason for reason in row.reasons if admitted or reason not in _IN_FAVOUR]
    return "; ".join(words.reason(reason, language) for reason in told)


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S")


def closing(scene: Scene, lines: list[str]) -> RenderableType:
    """The summary when the last person has gone."""
    return Panel(Align.left(Text("\n".join(lines))), title=scene.title, box=box.ROUNDED)

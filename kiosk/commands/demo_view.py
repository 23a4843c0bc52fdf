"""The terminal view of the demo: what a volunteer beside the gate would see, and the figures of the hour.

It fits the terminal: figures and faults stand above the passages, of which as many are shown as there is
room for. What is cut off a narrow line is its end, never the mark that all of this is SIMULATED.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from rich import box
from rich.align import Align
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from kiosk import words
from kiosk.commands.demo_faults import FaultLog, Trouble, listed
from kiosk.commands.demo_words import answer, counted, said
from kiosk.model import Celsius, Light, Prompt, Reason, Verdict

HEAD_LINES: Final = 8
"""Title, the two boxes, figures, two lines of faults."""
FOOT_LINES: Final = 2
"""How to stop it, and one to spare: what fills a terminal to its last line scrolls."""
FEWEST_LINES: Final = 5
"""Of the passages: their heading and two lines, however low the terminal is."""
MOST_LINES: Final = 33
TIME_CELLS: Final = 8
RECENT: Final = 3
"""Faults that are over and still shown."""
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
_ANSWER_CELLS: Final = {"en": 10, "zh": 16}


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
        # + 0.0: what rounds to nothing is +0.0, never -0.0.
        above = "" if self.deviation is None else f" {round(self.deviation, 1) + 0.0:+.1f}"
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
    faults: FaultLog = field(default_factory=FaultLog)
    server: str = ""
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=500))

    def last_hour(self) -> Counter[Verdict]:
        """Verdicts of the last 60 minutes."""
        return Counter(row.verdict for row in self.rows if self.wall - row.at <= HOUR)


def render(scene: Scene, height: int) -> RenderableType:
    """The whole screen, of at most so many lines (but never fewer than 15)."""
    top = Table.grid(expand=True)
    top.add_column(width=24)
    top.add_column(ratio=1)
    top.add_row(_lamp(scene), _person(scene))
    room = min(max(height - HEAD_LINES - FOOT_LINES, FEWEST_LINES), MOST_LINES)
    # The last line is short: there the terminal echoes ^C without moving anything.
    stop = Text(f" {said('stop', scene.language)}", style="dim")
    return Group(
        _title(scene), top, _figures(scene), *_faults(scene), _Cut(_passages(scene, room), room), stop
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """The passages in exactly so many lines: as many as fit whole, then empty lines."""

    table: RenderableType
    lines: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self.table, options.update(height=None), pad=False)
        kept = self.lines
        while kept > FEWEST_LINES and kept < len(lines) and not _begins(lines[kept]):
            kept -= 1
        shown = lines[:kept]
        for line in [*shown, *[[]] * (self.lines - len(shown))]:
            yield from line
            yield Segment.line()


def _begins(line: Sequence[Segment]) -> bool:
    """Whether a passage begins here: the lines that it goes on in have no time."""
    return bool("".join(segment.text for segment in line)[:TIME_CELLS].strip())


def say(console: Console, row: Row, language: str) -> None:
    """One line a passage, where there is no screen to draw on."""
    line = Text(f"{_clock(row.at)} ").append_text(_verdict(row.verdict, language))
    why = " ".join(part for part in (_reasons(row, language), row.measured) if part)
    console.print(line.append(f" {row.who}: {why}"), soft_wrap=True, highlight=False)


def tell_faults(console: Console, news: Iterable[Trouble], at: datetime, language: str) -> None:
    """One line for each fault that has begun or ended."""
    for trouble in news:
        style = "bold red" if trouble.ended is None else "green"
        line = Text.assemble(f"{_clock(at)}  ! ", (trouble.news(language), style))
        console.print(line, soft_wrap=True, highlight=False)


def _line(text: Text) -> Text:
    """One line of the screen, whatever its width."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _title(scene: Scene) -> RenderableType:
    mark = (" SIMULATED 模拟 ", "bold black on yellow")
    return _line(Text.assemble(mark, (f" {_clock(scene.wall)}  {scene.title}", "bold")))


def _lamp(scene: Scene) -> RenderableType:
    red = Text("●", style="bold bright_red" if scene.red else "grey30")
    green = Text("●", style="bold bright_green" if scene.green else "grey30")
    body = Text.assemble(red, "  ", green, "   ", words.light(scene.light, scene.language))
    gate = said("released", scene.language) if scene.relay else ""
    title = said("lamp", scene.language)
    return Panel(Group(body, Text(gate, style="green")), title=title, height=4, box=box.ROUNDED)


def _person(scene: Scene) -> RenderableType:
    prompt = words.prompt(scene.prompt, scene.language) if scene.prompt is not None else ""
    who = _line(Text(scene.who or said("nobody", scene.language)))
    body = Group(who, _line(Text(f"“{prompt}”" if prompt else "", style="italic")))
    return Panel(body, title=said("at the gate", scene.language), height=4, box=box.ROUNDED)


def _figures(scene: Scene) -> RenderableType:
    hour = scene.last_hour()
    people = counted("people", hour.total(), scene.language)
    parts = [said("last hour", scene.language, people=people)]
    parts += [f"{_MARKS[verdict]} {answer(verdict, scene.language)} {hour[verdict]}" for verdict in Verdict]
    return _line(Text(" " + "  ".join([*parts, scene.server])))


def _faults(scene: Scene) -> tuple[RenderableType, RenderableType]:
    """What does not work now, and what was mended lately."""
    log, language = scene.faults, scene.language
    broken, mended = log.now(), log.past(RECENT)
    now = Text(f" {said('all works', language)}", style="green")
    if broken:
        now = Text(f" {said('not working', language, what=listed(broken, language))}", style="bold red")
    before = said("worked again", language, what=listed(mended, language)) if mended else ""
    return _line(now), _line(Text(f" {before}", style="yellow"))


def _passages(scene: Scene, most: int) -> RenderableType:
    """The newest passages first; long words (Chinese has no blanks) go on in the next line."""
    table = Table(expand=True, box=box.SIMPLE_HEAD, show_edge=False)
    language = scene.language
    table.add_column(said("time", language), width=TIME_CELLS)
    table.add_column(said("answer", language), width=_ANSWER_CELLS[language])
    table.add_column(said("who", language), ratio=2, overflow="fold")
    table.add_column(said("why", language), ratio=3, overflow="fold")
    table.add_column(said("forehead", language), justify="right", width=12)
    for row in list(scene.rows)[-most:][::-1]:
        why = _reasons(row, language)
        table.add_row(_clock(row.at), _verdict(row.verdict, language), row.who, why, row.measured)
    return table


def _verdict(verdict: Verdict, language: str) -> Text:
    return Text(f" {_MARKS[verdict]} {answer(verdict, language)} ", style=_STYLES[verdict])


def _reasons(row: Row, language: str) -> str:
    """Why, in words; what speaks for a person is only said of who was admitted."""
    admitted = row.verdict is Verdict.ADMIT
    told = [reason for reason in row.reasons if admitted or reason not in _IN_FAVOUR]
    return "; ".join(words.reason(reason, language) for reason in told)


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S")


def closing(scene: Scene, lines: list[str]) -> RenderableType:
    """The summary when the last person has gone."""
    title = scene.title.partition(":")[0]
    return Panel(Align.left(Text("\n".join(lines))), title=title, box=box.ROUNDED)

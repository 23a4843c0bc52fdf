"""Scenarios: a seed, a site, weather, a cast, arrivals and faults, read from ``scenarios/<id>.toml``.

``load`` reads and checks one; ``people`` draws everybody who will come. Both are pure: the same file
gives the same people on every machine, figure by figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from random import Random

from kiosk.errors import ConfigError
from kiosk.model import Celsius, Seconds
from kiosk.scenario_data import (
    Air,
    Burst,
    Call,
    Carrier,
    FaultKind,
    FaultSpan,
    Flow,
    Kind,
    PassKind,
    Person,
    Scenario,
    Showing,
    Site,
    Spread,
    Weather,
    WeatherPoint,
)
from kiosk.scenario_file import read

__all__ = [
    "Air",
    "Burst",
    "Call",
    "Carrier",
    "FaultKind",
    "FaultSpan",
    "Flow",
    "Kind",
    "PassKind",
    "Person",
    "Scenario",
    "Showing",
    "Site",
    "Spread",
    "Weather",
    "WeatherPoint",
    "draw",
    "ids",
    "load",
    "people",
    "translated",
]

CHILL = Spread(1.0, 0.4, low=0.2)
"""Spread of how strongly cold works: 33.2 ± 1.5 °C on entry from -5 °C (design: temperature)."""


def ids() -> tuple[str, ...]:
    """Every scenario that is shipped."""
    files = resources.files("kiosk") / "scenarios"
    return tuple(sorted(Path(file.name).stem for file in files.iterdir() if file.name.endswith(".toml")))


def load(name: str | Path) -> Scenario:
    """A shipped scenario by its id, or one from a TOML file; ConfigError with every mistake found."""
    if isinstance(name, Path):
        try:
            return read(name.read_text(encoding="utf-8"), name.stem)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"scenario {name}: {error}") from error
    if name not in ids():
        raise ConfigError(f"there is no scenario {name!r}: choose from {', '.join(ids())}")
    file = resources.files("kiosk") / "scenarios" / f"{name}.toml"
    return read(file.read_text(encoding="utf-8"), name)


def translated(scenario: Scenario, language: str) -> Scenario:
    """The same with its titles in this language, "zh" or "en", where the file has them."""
    if language != "zh":
        return scenario
    cast = {key: replace(kind, title=kind.title_zh or kind.title) for key, kind in scenario.cast.items()}
    return replace(scenario, title=scenario.title_zh or scenario.title, cast=cast)


def people(scenario: Scenario) -> tuple[Person, ...]:
    """Everybody who comes, in order of arrival; companions right behind their head."""
    coming = [
        *scenario.calls,
        *(call for flow in enumerate(scenario.flows) for call in _stream(scenario, *flow)),
    ]
    coming.sort(key=lambda call: call.at)
    drawn: list[Person] = []
    numbers: Counter[str] = Counter()
    for call in coming:
        numbers[call.who] += 1
        drawn.extend(draw(scenario, call, f"{call.who}.{numbers[call.who]}"))
    return tuple(drawn)


def draw(scenario: Scenario, call: Call, usual: str) -> Iterator[Person]:
    """The person who answers a call, then the companions; ``usual`` names who has no name of their own.

    Made-up names have a dot, which names in a file can't have.
    """
    kind = scenario.cast[call.who]
    head = call.name or usual
    household = head if kind.household else None
    first = _person(scenario, kind, head, call.at, household, call.code_of, None)
    yield replace(first, expect=call.expect or first.expect, because=call.because or first.because)
    if kind.companion_kind is not None:
        companion = scenario.cast[kind.companion_kind]
        for place in range(1, kind.companions + 1):
            shared = head if companion.pass_kind is PassKind.SHARED else None
            yield _person(scenario, companion, f"{head}.{place}", call.at, household, shared, head)


def _person(
    scenario: Scenario,
    kind: Kind,
    name: str,
    at: Seconds,
    household: str | None,
    code_of: str | None,
    companion_of: str | None,
) -> Person:
    # A generator of one's own: a person added to a file changes at most later ones of the same kind.
    rng = Random(f"{scenario.seed}/{name}")  # noqa: S311 - a simulation, not a secret
    skin = kind.skin or Spread(0.0, scenario.site.healthy_sd)
    return Person(
        id=name,
        kind=kind,
        arrives_s=at,
        household=household,
        code_of=code_of,
        companion_of=companion_of,
        code_mm=kind.code_mm.draw(rng),
        skin=Celsius(skin.draw(rng)),
        chill=CHILL.draw(rng),
        height_cm=kind.height_cm.draw(rng),
        reach_s=Seconds(kind.reach_s.draw(rng)),
        lean_s=Seconds(kind.lean_s.draw(rng)),
        indoors_s=Seconds(kind.indoors_s.draw(rng)),
        seed=rng.getrandbits(32),
        expect=kind.expect,
        because=kind.because,
    )


def _stream(scenario: Scenario, place: int, flow: Flow) -> Iterator[Call]:
    """Random arrivals of a flow: exponential gaps, then the bursts spread evenly over their time."""
    rng = Random(f"{scenario.seed}/flow/{place}")  # noqa: S311 - a simulation, not a secret
    kinds, weights = list(flow.mix), list(flow.mix.values())
    at = flow.start
    while flow.per_hour > 0:
        at = Seconds(at + rng.expovariate(flow.per_hour / 3600.0))
        if at >= flow.until:
            break
        yield Call(at, rng.choices(kinds, weights)[0])
    for burst in flow.bursts:
        for _ in range(burst.people):
            yield Call(Seconds(burst.at + rng.uniform(0.0, burst.within_s)), rng.choices(kinds, weights)[0])

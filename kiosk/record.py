"""What a passage leaves in the journal, and the way back: body of an event <-> model.

A body keeps the raw words (delta-coded) and every fact the verdict rests on, so that ``kiosk journal
recheck`` can compute both again years later. What is the same for many passages (policy, site,
calibration) stands once in a context event, named by a hash of its own content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate, pairwise
from typing import Any, Final

from kiosk.errors import ConfigError, JournalDamaged
from kiosk.model import (
    Category,
    Celsius,
    Corrections,
    Decision,
    Direction,
    IssuerId,
    Monotonic,
    PassCheck,
    PassFacts,
    PassId,
    RawWord,
    Reading,
    Reason,
    Sample,
    Screening,
    Seconds,
    ThermometerSpec,
    UnixTime,
)
from kiosk.passage.baseline import CLAMP
from kiosk.passage.body_temperature import Note, Site, Surroundings, screen
from kiosk.passage.decision import Circumstances, decide
from kiosk.policy import Policy

Body = Mapping[str, Any]

_UNMEASURED: Final = frozenset(
    {Screening.NOT_REQUIRED, Screening.ENVIRONMENT, Screening.SENSOR_FAULT, Screening.SENSOR_STUCK}
)
"""Why nothing was measured; any other result is only believed with the words it came from."""
_WORDLESS: Final = frozenset({Screening.RETRY, Screening.SENSOR_FAULT, Screening.SENSOR_STUCK})
"""A person who walked away, a sensor that failed in between: there are no words to compute with."""
_SCREENED: Final = frozenset({Note.NO_SAMPLES, Note.AIR_IMPLAUSIBLE})
"""What ``screen`` itself says of a window without words."""
_COMPUTED: Final = (
    "screening",
    "raw",
    "forehead",
    "ambient",
    "deviation",
    "uncertainty",
    "corrections",
    "environment",
    "note",
)
"""What of a stored reading follows from its words."""


def context(policy: Policy, site: Site, spec: ThermometerSpec, direction: Direction) -> dict[str, Any]:
    """Body of a context event. Its ``id`` is what passages refer to."""
    content = {
        "policy": policy.to_map(),
        "site": site.to_map(),
        "thermometer": {
            "variant": spec.variant,
            "settling_s": spec.settling_s,
            "noise_c": spec.noise_c,
        },
        "direction": str(direction),
    }
    return {"id": context_id(content), **content}


def context_id(content: Body) -> str:
    """The name that settings have: a hash of everything but the name and the remark that they came late."""
    settings = {name: value for name, value in content.items() if name not in ("id", "late")}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def passage(
    facts: Circumstances,
    decision: Decision,
    reading: Reading | None,
    details: Mapping[str, Any],
) -> dict[str, Any]:
    """Body of a passage event. ``details`` holds what is not recomputed: times, tries, context id."""
    return {
        **_outcome(facts, decision),
        **details,
        "pass": None if facts.check is None else _pass(facts.check),
        "gate": {
            "companion": facts.companion,
            "passback": facts.passback,
            "open": facts.gate_open,
            "trust": facts.trust,
            "lists_age_s": facts.lists_age_s,
            "journal": facts.journal_ok,
            "called": facts.called,
            "high_before": facts.high_before,
            "left": facts.left,
        },
        "reading": None if reading is None else _reading(reading),
    }


def _outcome(facts: Circumstances, decision: Decision) -> dict[str, Any]:
    return {
        "verdict": str(decision.verdict),
        "reasons": [str(reason) for reason in decision.reasons],
        "mode": str(facts.policy.mode),
        "screening": None if facts.screening is None else str(facts.screening),
    }


def _pass(check: PassCheck) -> dict[str, Any]:
    shown: dict[str, Any] = {"format": check.format, "token": check.token, "reason": str(check.reason)}
    if check.facts is not None:
        shown["issuer"] = check.facts.issuer
        shown["category"] = str(check.facts.category)
        shown["household"] = check.facts.household
        shown["expires"] = int(check.facts.expires)
    return shown


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "screening": str(reading.screening),
        "opened": _digits(reading.opened_at),
        "raw": _digits(reading.raw_celsius),
        "forehead": _digits(reading.forehead_celsius),
        "ambient": _digits(reading.ambient_celsius),
        "deviation": _digits(reading.deviation),
        "uncertainty": _digits(reading.uncertainty),
        "corrections": _corrections(reading.corrections),
        "baseline": reading.baseline,
        "background": reading.background,
        "air": reading.air,
        "environment": reading.environment,
        "outdoor": reading.outdoor,
        "settled": reading.settled,
        "drift": reading.drift,
        "note": reading.note,
        "words": encode_words(reading.samples),
    }


def _corrections(made: Corrections | None) -> dict[str, float | None] | None:
    """What was added, °C, in the order in which it was; the factors stand in the context's site."""
    if made is None:
        return None
    return {name: _digits(value) for name, value in asdict(made).items()}


def _digits(value: float | None) -> float | None:
    # For people and exports; an exact value comes from the words again, a time is one of their milliseconds.
    return None if value is None else round(value, 3)


def encode_words(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Times in ms since boot and both words, each as first value and then differences."""
    return {
        "ms": _deltas([round(sample.at * 1000) for sample in samples]),
        "object": _deltas([int(sample.object_word) for sample in samples]),
        "ambient": _deltas([int(sample.ambient_word) for sample in samples]),
    }


def decode_words(words: Mapping[str, Any]) -> tuple[Sample, ...]:
    """Inverse of :func:`encode_words`; JournalDamaged when the three lists do not match."""
    try:
        columns = [list(accumulate(_whole(words[name]))) for name in ("ms", "object", "ambient")]
        rows = list(zip(*columns, strict=True))
        return tuple(Sample(Monotonic(ms / 1000), RawWord(seen), RawWord(die)) for ms, seen, die in rows)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise JournalDamaged(f"the words of a reading can't be read: {error}") from None


def _whole(values: Sequence[object]) -> list[int]:
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(whole) != len(values):
        raise ValueError("a word is a whole number")
    return whole


def _deltas(values: Sequence[int]) -> list[int]:
    return [*values[:1], *(later - earlier for earlier, later in pairwise(values))]


# -- the way back --------------------------------------------------------------------------------------


def recompute(body: Body, settings: Body) -> tuple[Reading | None, Circumstances]:
    """Reading and circumstances of a stored passage, computed again under its context event.

    JournalDamaged when a field is missing or not what it should be.
    """
    try:
        return _recompute(body, settings)
    except ConfigError as error:
        # Before all else, as it is a ValueError too.
        raise JournalDamaged(f"its settings are none of this version of kiosk: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise JournalDamaged(f"a passage can't be computed again: {error!r}") from None


def differences(body: Body, settings: Body) -> dict[str, tuple[Any, Any]]:
    """What is on record but does not follow from it: name to (stored, computed). Empty: all of it does.

    JournalDamaged when it can't be computed again.
    """
    reading, facts = recompute(body, settings)
    pairs = {name: (body.get(name), value) for name, value in _outcome(facts, decide(facts)).items()}
    if reading is not None:
        stored, again = body["reading"], _reading(reading)
        pairs |= {f"reading.{name}": (stored.get(name), again[name]) for name in _COMPUTED}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _recompute(body: Body, settings: Body) -> tuple[Reading | None, Circumstances]:
    stored, shown, gate = body["reading"], body["pass"], body["gate"]
    reading = None if stored is None else _screen_again(stored, settings)
    return reading, Circumstances(
        policy=Policy.from_map(settings["policy"]),
        direction=Direction(settings["direction"]),
        check=None if shown is None else _check(shown),
        screening=_unmeasured(body) if reading is None else reading.screening,
        companion=_flag(gate, "companion"),
        passback=_flag(gate, "passback"),
        gate_open=None if gate["open"] is None else _flag(gate, "open"),
        trust=_flag(gate, "trust"),
        lists_age_s=None if gate["lists_age_s"] is None else _number(gate, "lists_age_s"),
        journal_ok=_flag(gate, "journal"),
        called=_flag(gate, "called"),
        high_before=_flag(gate, "high_before"),
        left=_flag(gate, "left"),
    )


def _flag(group: Body, name: str) -> bool:
    value = group[name]
    if not isinstance(value, bool):
        raise TypeError(f"{name} is neither true nor false")
    return value


def _number(group: Body, name: str) -> float:
    value = group[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is no number")
    return value


def _celsius(group: Body, name: str) -> Celsius | None:
    return None if group[name] is None else Celsius(_number(group, name))


def _baseline(stored: Body) -> Celsius:
    """As no gate subtracts more, more is no explanation of a result."""
    baseline = _number(stored, "baseline")
    if not abs(baseline) <= CLAMP:
        raise ValueError(f"a baseline of {baseline} °C")
    return Celsius(baseline)


def _unmeasured(body: Body) -> Screening | None:
    screening = None if body["screening"] is None else Screening(body["screening"])
    return screening if screening in _UNMEASURED else None


def _screen_again(stored: Body, settings: Body) -> Reading:
    samples = decode_words(stored["words"])
    screening = Screening(stored["screening"])
    if not samples and screening in _WORDLESS and _SCREENED.isdisjoint(stored["note"].split()):
        return Reading(screening, note=stored["note"])
    part = settings["thermometer"]
    return screen(
        samples,
        ThermometerSpec(part["variant"], Seconds(part["settling_s"]), Celsius(part["noise_c"])),
        Site.from_map(settings["site"]),
        opened_at=Monotonic(_number(stored, "opened")),
        background=_celsius(stored, "background"),
        ambient=_celsius(stored, "air"),
        environment=None if stored["environment"] is None else Surroundings(stored["environment"]),
        baseline=_baseline(stored),
        outdoor=_celsius(stored, "outdoor"),
        settled=_flag(stored, "settled"),
        drift=_flag(stored, "drift"),
    )


def _check(shown: Body) -> PassCheck:
    form, token = shown["format"], shown["token"]
    if not isinstance(form, str) or not isinstance(token, str):
        raise TypeError("format and token are texts")
    facts = None
    if "issuer" in shown:
        facts = PassFacts(
            pass_id=PassId(token),
            issuer=IssuerId(shown["issuer"]),
            category=Category(shown["category"]),
            expires=UnixTime(_number(shown, "expires")),
            household=shown["household"],
        )
    return PassCheck(form, Reason(shown["reason"]), token, facts)

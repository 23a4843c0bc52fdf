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
from typing import Any

from kiosk.errors import JournalDamaged
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
    Verdict,
)
from kiosk.passage.body_temperature import Site, screen
from kiosk.passage.decision import Circumstances
from kiosk.policy import Policy

Body = Mapping[str, Any]


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
    text = json.dumps(content, sort_keys=True)
    return {"id": hashlib.sha256(text.encode()).hexdigest()[:12], **content}


def passage(
    facts: Circumstances,
    decision: Decision,
    reading: Reading | None,
    details: Mapping[str, Any],
) -> dict[str, Any]:
    """Body of a passage event. ``details`` holds what is not recomputed: times, tries, context id."""
    return {
        "verdict": str(decision.verdict),
        "reasons": [str(reason) for reason in decision.reasons],
        "mode": str(facts.policy.mode),
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
        },
        "reading": None if reading is None else _reading(reading),
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
        "opened": reading.opened_at,
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
        "note": reading.note,
        "words": encode_words(reading.samples),
    }


def _corrections(made: Corrections | None) -> dict[str, float | None] | None:
    """What was added, °C, in the order in which it was; the factors stand in the context's site."""
    if made is None:
        return None
    return {name: _digits(value) for name, value in asdict(made).items()}


def _digits(value: float | None) -> float | None:
    # For people and exports; the exact value comes from the words again.
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
        columns = [list(accumulate(words[name])) for name in ("ms", "object", "ambient")]
        rows = list(zip(*columns, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalDamaged(f"the words of a reading can't be read: {error}") from None
    return tuple(Sample(Monotonic(ms / 1000), RawWord(seen), RawWord(die)) for ms, seen, die in rows)


def _deltas(values: Sequence[int]) -> list[int]:
    return [*values[:1], *(later - earlier for earlier, later in pairwise(values))]


def recompute(body: Body, settings: Body) -> tuple[Reading | None, Circumstances]:
    """Reading and circumstances of a stored passage, computed again under its context event.

    JournalDamaged when a field is missing or not what it should be.
    """
    try:
        return _recompute(body, settings)
    except (KeyError, TypeError, ValueError) as error:
        raise JournalDamaged(f"a passage can't be computed again: {error!r}") from None


def _recompute(body: Body, settings: Body) -> tuple[Reading | None, Circumstances]:
    reading = _screen_again(body["reading"], settings) if body["reading"] is not None else None
    gate, shown = body["gate"], body["pass"]
    return reading, Circumstances(
        policy=Policy.from_map(settings["policy"]),
        direction=Direction(settings["direction"]),
        check=None if shown is None else _check(shown),
        screening=None if reading is None else reading.screening,
        companion=gate["companion"],
        passback=gate["passback"],
        gate_open=gate["open"],
        trust=gate["trust"],
        lists_age_s=gate["lists_age_s"],
        journal_ok=gate["journal"],
        called=gate["called"],
    )


def _screen_again(stored: Body, settings: Body) -> Reading:
    samples = decode_words(stored["words"])
    screening = Screening(stored["screening"])
    if screening in (Screening.SENSOR_FAULT, Screening.SENSOR_STUCK):
        # What the bus said is not in the words; there is nothing to compute.
        return Reading(screening, samples)
    part = settings["thermometer"]
    return screen(
        samples,
        ThermometerSpec(part["variant"], Seconds(part["settling_s"]), Celsius(part["noise_c"])),
        Site.from_map(settings["site"]),
        opened_at=Monotonic(stored["opened"]),
        background=stored["background"],
        ambient=stored["air"],
        environment=stored["environment"],
        baseline=Celsius(stored["baseline"]),
    )


def _check(shown: Body) -> PassCheck:
    facts = None
    if "issuer" in shown:
        facts = PassFacts(
            pass_id=PassId(shown["token"]),
            issuer=IssuerId(shown["issuer"]),
            category=Category(shown["category"]),
            expires=UnixTime(shown["expires"]),
            household=shown["household"],
        )
    return PassCheck(shown["format"], Reason(shown["reason"]), shown["token"], facts)


def decision_of(body: Body) -> Decision:
    """The verdict as it was recorded."""
    return Decision(Verdict(body["verdict"]), tuple(Reason(reason) for reason in body["reasons"]))

"""One table from what is known about a passage to the verdict and its reasons.

Each row of :data:`TABLE` says when it applies and which verdict it asks for; the worst one wins and all
that apply are on record. ADMIT needs more than the absence of objections: one row must speak for the
pass and one for the forehead. REFUSE is only asked for by what is certain; a temperature never refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from kiosk.model import Decision, Direction, Mode, PassCheck, Reason, Screening, Verdict
from kiosk.policy import Policy

SIGNED_FORMATS: Final = frozenset({"native"})
"""Formats whose PASS_VALID rests on an issuer's signature; any other is an unsigned code to this table."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything a verdict rests on. The server and ``journal recheck`` build it again from a record."""

    policy: Policy
    direction: Direction
    check: PassCheck | None
    """The person's own code or, for a companion, the household pass they follow (:func:`judged`)."""
    screening: Screening | None
    """None: not measured (yet)."""
    companion: bool = False
    passback: bool = False
    """This pass went this way a moment ago."""
    gate_open: bool | None = True
    """By the opening hours; None: the time is not known well enough to say."""
    trust: bool = True
    """There are signed lists to judge a pass by."""
    lists_age_s: float | None = 0
    """Seconds since the lists were signed; None: not known."""
    journal_ok: bool = True
    high_before: bool = False
    """Who came with this pass a while ago read HIGH, or GUARD where that is referred: the same sensor is no
    second opinion."""
    left: bool = False
    """Gone, or the gate was stopped, before an answer: nobody is admitted who did not see it."""
    called: bool = False
    """Somebody pressed the call button."""


Condition = Callable[[Circumstances], bool]


class Row(NamedTuple):
    """One reason: when it applies, and the verdict it asks for."""

    reason: Reason
    applies: Condition
    verdict: Verdict


# -- the pass ------------------------------------------------------------------------------------------


def judged(own: PassCheck | None, household: PassCheck | None) -> tuple[PassCheck | None, bool]:
    """Which check counts for a person who may be a companion, and whether as a companion.

    A companion shows no code, the family's phone, or something that is no pass at all. Whoever shows a
    pass that an issuer signed, or a forgery, is judged by that: a hold can't be walked around by
    following a neighbour.
    """
    if household is None or (own is not None and _stands_alone(own, household)):
        return own, False
    return household, True


def _stands_alone(own: PassCheck, household: PassCheck) -> bool:
    """The family's own code stands alone too once it no longer is what it was."""
    if own.token == household.token:
        return not own.valid
    return own.facts is not None or own.reason in _CERTAIN


def _vouched(c: Circumstances) -> bool:
    """A verified pass stands behind this person: the first half of what ADMIT needs."""
    if c.check is None or not c.check.valid or c.check.facts is None:
        return False
    return c.check.format in SIGNED_FORMATS or _unsigned_welcome(c.policy)


def _unsigned_welcome(policy: Policy) -> bool:
    return policy.unsigned_admits and policy.mode is Mode.ROUTINE


def _fails(reason: Reason) -> Condition:
    return lambda c: c.check is not None and c.check.reason is reason


def _without_standing(c: Circumstances) -> bool:
    """A text that says nothing certain: unknown, or an unsigned code that the policy does not admit."""
    if c.check is None or _vouched(c):
        return False
    return c.check.reason is Reason.PASS_UNKNOWN or c.check.reason not in _CHECKED


def _no_code(c: Circumstances) -> bool:
    return (c.check is None and not c.called) or _fails(Reason.NO_CODE)(c)


def _lists_too_old(c: Circumstances) -> bool:
    if _fails(Reason.LISTS_TOO_OLD)(c):
        return True
    # Written so that an age that is not a number counts as too old.
    return c.trust and not (c.lists_age_s is not None and c.lists_age_s <= c.policy.lists_max_age_s)


def _shut_out(c: Circumstances) -> bool:
    facts = c.check.facts if c.check is not None else None
    return (facts is not None and facts.category in c.policy.shut_out) or _fails(Reason.CATEGORY_SHUT_OUT)(c)


def _passback(c: Circumstances) -> bool:
    return (c.passback and not c.companion) or _fails(Reason.ANTI_PASSBACK)(c)


def _no_trust(c: Circumstances) -> bool:
    return not c.trust or _fails(Reason.NO_TRUST)(c)


# -- the forehead --------------------------------------------------------------------------------------


def _required(c: Circumstances) -> bool:
    return c.policy.temperature_required(c.direction)


def _reads(screening: Screening) -> Condition:
    """A result counts wherever one was taken, required or not."""
    return lambda c: c.screening is screening


def _missing(screening: Screening) -> Condition:
    """A result that is none matters only where one is required."""
    return lambda c: c.screening is screening and _required(c)


def _guard(admits: bool) -> Condition:
    return lambda c: c.screening is Screening.GUARD and c.policy.guard_admits is admits


def _environment(admits: bool) -> Condition:
    return lambda c: _missing(Screening.ENVIRONMENT)(c) and c.policy.environment_admits is admits


_RESULTS: Final = (Screening.NORMAL, Screening.GUARD, Screening.HIGH)


def _not_required(c: Circumstances) -> bool:
    return not _required(c) and c.screening not in _RESULTS and _vouched(c)


def _no_reading(c: Circumstances) -> bool:
    """Tried in vain, gone before an answer, or not tried although all else would let the person through."""
    if c.left:
        return True
    if not _required(c) or c.high_before:
        return False
    if c.screening is Screening.RETRY:
        return True
    return c.screening in (None, Screening.NOT_REQUIRED) and _settled(c) is Verdict.ADMIT


# -- the table -----------------------------------------------------------------------------------------

_A, _REFER, _REFUSE = Verdict.ADMIT, Verdict.REFER, Verdict.REFUSE
_R = Reason

PASS_ROWS: Final[tuple[Row, ...]] = (
    Row(_R.GATE_CLOSED, lambda c: c.gate_open is False or _fails(_R.GATE_CLOSED)(c), _REFUSE),
    Row(_R.CATEGORY_SHUT_OUT, _shut_out, _REFUSE),
    Row(_R.BAD_SIGNATURE, _fails(_R.BAD_SIGNATURE), _REFUSE),
    Row(_R.KEY_REVOKED, _fails(_R.KEY_REVOKED), _REFUSE),
    Row(_R.ISSUER_MISMATCH, _fails(_R.ISSUER_MISMATCH), _REFUSE),
    Row(_R.EXPIRED, _fails(_R.EXPIRED), _REFUSE),
    Row(_R.REVOKED, _fails(_R.REVOKED), _REFUSE),
    Row(_R.JOURNAL_FAULT, lambda c: not c.journal_ok, _REFER),
    Row(_R.CALLED, lambda c: c.called, _REFER),
    Row(_R.NO_TRUST, _no_trust, _REFER),
    Row(_R.LISTS_TOO_OLD, _lists_too_old, _REFER),
    Row(_R.HOURS_UNCERTAIN, lambda c: c.gate_open is None or _fails(_R.HOURS_UNCERTAIN)(c), _REFER),
    Row(_R.NO_CODE, _no_code, _REFER),
    Row(_R.NOT_ASCII, _fails(_R.NOT_ASCII), _REFER),
    Row(_R.PASS_TOO_LONG, _fails(_R.PASS_TOO_LONG), _REFER),
    Row(_R.PASS_UNKNOWN, _without_standing, _REFER),
    Row(_R.BAD_BASE45, _fails(_R.BAD_BASE45), _REFER),
    Row(_R.BAD_CBOR, _fails(_R.BAD_CBOR), _REFER),
    Row(_R.BAD_COSE, _fails(_R.BAD_COSE), _REFER),
    Row(_R.KEY_UNKNOWN, _fails(_R.KEY_UNKNOWN), _REFER),
    Row(_R.ALG_MISMATCH, _fails(_R.ALG_MISMATCH), _REFER),
    Row(_R.KEY_OUTSIDE_WINDOW, _fails(_R.KEY_OUTSIDE_WINDOW), _REFER),
    Row(_R.BAD_CLAIMS, _fails(_R.BAD_CLAIMS), _REFER),
    Row(_R.EXTRA_CLAIMS, _fails(_R.EXTRA_CLAIMS), _REFER),
    Row(_R.NOT_YET_VALID, _fails(_R.NOT_YET_VALID), _REFER),
    Row(_R.TIME_UNCERTAIN, _fails(_R.TIME_UNCERTAIN), _REFER),
    Row(_R.ISSUER_NOT_ALLOWED, _fails(_R.ISSUER_NOT_ALLOWED), _REFER),
    Row(_R.LIFE_TOO_LONG, _fails(_R.LIFE_TOO_LONG), _REFER),
    Row(_R.STATUS_UNKNOWN, _fails(_R.STATUS_UNKNOWN), _REFER),
    Row(_R.HELD, _fails(_R.HELD), _REFER),
    Row(_R.WRONG_GATE, _fails(_R.WRONG_GATE), _REFER),
    Row(_R.OUTSIDE_WINDOW, _fails(_R.OUTSIDE_WINDOW), _REFER),
    Row(_R.ANTI_PASSBACK, _passback, _REFER),
    Row(_R.PASS_VALID, lambda c: _vouched(c) and not c.companion, _A),
    Row(_R.COMPANION, lambda c: _vouched(c) and c.companion, _A),
)
FOREHEAD_ROWS: Final[tuple[Row, ...]] = (
    Row(_R.TEMPERATURE_HIGH, lambda c: c.high_before or _reads(Screening.HIGH)(c), _REFER),
    Row(_R.TEMPERATURE_GUARD, _guard(admits=False), _REFER),
    Row(_R.MEASURE_BY_HAND, _environment(admits=False), _REFER),
    Row(_R.NO_READING, _no_reading, _REFER),
    Row(_R.UNCOMMISSIONED, _missing(Screening.UNCOMMISSIONED), _REFER),
    Row(_R.DRIFT, _missing(Screening.DRIFT), _REFER),
    Row(_R.SENSOR_FAULT, _missing(Screening.SENSOR_FAULT), _REFER),
    Row(_R.SENSOR_STUCK, _missing(Screening.SENSOR_STUCK), _REFER),
    Row(_R.TEMPERATURE_NORMAL, _reads(Screening.NORMAL), _A),
    Row(_R.TEMPERATURE_GUARD, _guard(admits=True), _A),
    Row(_R.TEMPERATURE_SUSPENDED, _environment(admits=True), _A),
    Row(_R.TEMPERATURE_NOT_REQUIRED, _not_required, _A),
)
TABLE: Final[tuple[Row, ...]] = PASS_ROWS + FOREHEAD_ROWS
"""Rows in the order in which reasons of equal weight are listed."""

_CERTAIN: Final = frozenset(row.reason for row in PASS_ROWS if row.verdict is Verdict.REFUSE)
_CHECKED: Final = frozenset(row.reason for row in PASS_ROWS if row.verdict is not Verdict.ADMIT)


# -- answers -------------------------------------------------------------------------------------------


def decide(c: Circumstances) -> Decision:
    """The verdict of the worst row that applies, with every reason, worst first."""
    found = _applying(TABLE, c)
    reasons = tuple(dict.fromkeys(row.reason for row in found))
    silent = _silent(found)
    if silent is not None and (not found or found[0].verdict is Verdict.ADMIT):
        return Decision(Verdict.REFER, (silent, *reasons))
    return Decision(found[0].verdict, reasons)


def _silent(found: list[Row]) -> Reason | None:
    """Which half of ADMIT nothing speaks for. A reason or result that has no row yet ends here: REFER."""
    if not any(row in PASS_ROWS for row in found):
        return Reason.PASS_UNKNOWN
    if not any(row in FOREHEAD_ROWS for row in found):
        return Reason.NO_READING
    return None


def needs_reading(c: Circumstances) -> bool:
    """True when the pass alone does not settle it and the policy requires a reading not taken yet."""
    if c.screening is not None or c.high_before or c.left or not _required(c):
        return False
    return _settled(c) is Verdict.ADMIT


def _settled(c: Circumstances) -> Verdict:
    return max((row.verdict for row in _applying(PASS_ROWS, c)), key=_severity, default=Verdict.REFER)


def _applying(rows: tuple[Row, ...], c: Circumstances) -> list[Row]:
    # sorted() is stable: rows of equal weight stay in the order of the table.
    return sorted((row for row in rows if row.applies(c)), key=lambda row: -row.verdict.severity)


def _severity(verdict: Verdict) -> int:
    return verdict.severity

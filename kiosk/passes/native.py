"""The native pass, ``GP1:``: a CWT in COSE_Sign1 in Base45, and the order in which it is checked.

Length, characters, Base45, strict CBOR, COSE shape; then the key (known, of this algorithm, inside its
window, not revoked) and the signature; only then are the claims read at all, and judged in the order of
:data:`CHECKS`. The first check that fails is the reason. No claim is believed before the signature holds.

Two doubts are carried past the signature instead of ending the check: a key's or the trust list's window
that the gate's uncertain time neither surely meets nor surely misses. A forged pass is so refused as
forged even then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kiosk.errors import PassError
from kiosk.model import PassCheck, PassFacts, Reason, UnixTime
from kiosk.passes import base45, claims, cose
from kiosk.passes.claims import Claims
from kiosk.passes.context import PassContext
from kiosk.passes.cose import Kind, Sign1
from kiosk.passes.opaque import token
from kiosk.passes.status import Status
from kiosk.passes.times import inside, judge
from kiosk.passes.trust_list import IssuerKey, TrustList

NAME: Final = "native"
PREFIX: Final = "GP1:"
MAX_LENGTH: Final = 1024
"""Characters; a pass with 32 gates and 32 communities is no pass for a camera any more."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """A pass whose signature held, and what is still open about it."""

    claims: Claims
    issuer: IssuerKey
    doubt: Reason | None
    context: PassContext

    @property
    def facts(self) -> PassFacts:
        return self.claims.facts


def check(text: str, context: PassContext) -> PassCheck:
    """The first check that failed, or PASS_VALID; never raises, whatever ``text`` holds."""
    try:
        verified = _verify(read(text), context)
    except PassError as error:
        return PassCheck(NAME, Reason(error.reason), token(text, context.token_key))
    failed = (reason for one in CHECKS if (reason := one(verified)) is not None)
    return PassCheck(NAME, next(failed, Reason.PASS_VALID), verified.facts.pass_id, verified.facts)


def read(text: str) -> Sign1:
    """The message in a text that begins with the prefix, not verified; :class:`PassError`."""
    if len(text) > MAX_LENGTH:
        raise PassError(Reason.PASS_TOO_LONG, f"{len(text)} characters")
    if not text.isascii():
        raise PassError(Reason.NOT_ASCII)
    return cose.read(base45.decode(text.removeprefix(PREFIX)))


def write(message: bytes) -> str:
    """The text for a signed message."""
    return PREFIX + base45.encode(message)


# -- key and signature -----------------------------------------------------------------------------


def _verify(message: Sign1, context: PassContext) -> _Verified:
    trust, doubt = _usable_trust(context)
    candidates = trust.candidates(message.kid, NAME)
    if not candidates:
        raise PassError(Reason.KEY_UNKNOWN)
    failures = []
    for issuer in candidates:
        failure, key_doubt = _try_key(message, issuer, context)
        if failure is None:
            return _Verified(claims.read(message.payload), issuer, doubt or key_doubt, context)
        failures.append(failure)
    # Another key of the same short id does not make a bad signature less bad: the furthest step counts.
    raise PassError(max(failures, key=_STEPS.index))


def _usable_trust(context: PassContext) -> tuple[TrustList, Reason | None]:
    trust = context.trust
    if trust is None:
        raise PassError(Reason.NO_TRUST, "there is no trust list")
    state = judge(context.interval, None, trust.expires)
    if state is Reason.EXPIRED:
        raise PassError(Reason.NO_TRUST, "the trust list has expired")
    return trust, state


_STEPS: Final = (
    Reason.ALG_MISMATCH,
    Reason.KEY_OUTSIDE_WINDOW,
    Reason.KEY_REVOKED,
    Reason.BAD_SIGNATURE,
)


def _try_key(message: Sign1, issuer: IssuerKey, context: PassContext) -> tuple[Reason | None, Reason | None]:
    """What failed with this key, and what stays in doubt if nothing did."""
    if message.algorithm != issuer.key.algorithm:
        return Reason.ALG_MISMATCH, None
    window = judge(context.interval, issuer.not_before, issuer.expires)
    if window in (Reason.EXPIRED, Reason.NOT_YET_VALID):
        return Reason.KEY_OUTSIDE_WINDOW, None
    if issuer.revoked:
        return Reason.KEY_REVOKED, None
    if not cose.verifies(message, issuer.key, Kind.PASS):
        return Reason.BAD_SIGNATURE, None
    return None, window


# -- claims, in order ------------------------------------------------------------------------------


def _owner(verified: _Verified) -> Reason | None:
    return None if verified.facts.issuer == verified.issuer.issuer else Reason.ISSUER_MISMATCH


def _times(verified: _Verified) -> Reason | None:
    """A pass that claims to have been issued in the future is no more valid than one that starts there."""
    facts = verified.facts
    starts = max((at for at in (facts.not_before, facts.issued_at) if at is not None), default=None)
    return judge(verified.context.interval, starts, facts.expires) or verified.doubt


def _right_to_issue(verified: _Verified) -> Reason | None:
    allowed = verified.issuer.may_issue(verified.facts.category, verified.context.community)
    return None if allowed else Reason.ISSUER_NOT_ALLOWED


def _life(verified: _Verified) -> Reason | None:
    """From issue to end; a pass that does not say when it was issued has no known life."""
    longest, facts = verified.issuer.max_life, verified.facts
    if longest is None:
        return None
    since: UnixTime | None = facts.not_before if facts.issued_at is None else facts.issued_at
    too_long = since is None or facts.expires - since > longest
    return Reason.LIFE_TOO_LONG if too_long else None


def _status(verified: _Verified) -> Reason | None:
    facts = verified.facts
    status = verified.context.status.lookup(facts.issuer, facts.status_list, facts.status_index)
    return _STATUS_REASONS[status]


_STATUS_REASONS: Final = {
    Status.VALID: None,
    Status.REVOKED: Reason.REVOKED,
    Status.HELD: Reason.HELD,
    None: Reason.STATUS_UNKNOWN,
}


def _place(verified: _Verified) -> Reason | None:
    facts, context = verified.facts, verified.context
    wrong_gate = facts.gates and context.gate not in facts.gates
    wrong_community = facts.communities and context.community not in facts.communities
    return Reason.WRONG_GATE if wrong_gate or wrong_community else None


def _window(verified: _Verified) -> Reason | None:
    window, context = verified.facts.window, verified.context
    if window is None:
        return None
    if not context.interval.trusted:
        return Reason.TIME_UNCERTAIN
    return None if inside(window, context.interval.lo, context.policy.time_zone) else Reason.OUTSIDE_WINDOW


def _extras(verified: _Verified) -> Reason | None:
    """Last, so that something this gate can't read never hides that a pass was revoked."""
    return Reason.EXTRA_CLAIMS if verified.claims.extras else None


CHECKS: Final[tuple[Callable[[_Verified], Reason | None], ...]] = (
    _owner,
    _times,
    _right_to_issue,
    _life,
    _status,
    _place,
    _window,
    _extras,
)
"""What is judged once the signature held, in this order (anti-passback follows at the gate)."""

"""The claims of a native pass (CWT, RFC 8392) and how they are written: pseudonyms and rights only.

Claims 1 iss, 4 exp (mandatory), 5 nbf, 6 iat, 7 cti, and one private-use claim, -65537: an array of
status list, status index, category, then optionally household, gates, communities, weekly window. An
absent element in the middle is null, an absent tail is left out: one set of rights, one encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kiosk.errors import PassError
from kiosk.model import (
    Category,
    CommunityId,
    GateId,
    HouseholdId,
    IssuerId,
    PassFacts,
    PassId,
    Reason,
    UnixTime,
    WeeklyWindow,
)
from kiosk.passes import cbor
from kiosk.passes.shapes import LATEST, NAME, NAME_WORDS

ISS: Final = 1
EXP: Final = 4
NBF: Final = 5
IAT: Final = 6
CTI: Final = 7
RIGHTS: Final = -65537
"""RFC 8392 leaves the integers below -65536 to us; each such label costs 5 bytes, so there is only one."""
PASS_ID_BYTES: Final = 8
HOUSEHOLD_BYTES: Final = 6
MOST_LISTS: Final = 1 << 16
MOST_INDEXES: Final = 1 << 32
MOST_PLACES: Final = 32
_KNOWN: Final = {ISS, EXP, NBF, IAT, CTI, RIGHTS}
_CATEGORIES: Final = tuple(Category)
_REQUIRED: Final = 3
_ELEMENTS: Final = 7


@dataclass(frozen=True, slots=True)
class Claims:
    """What a pass says; ``extras`` when it says more than this gate understands."""

    facts: PassFacts
    extras: bool


def write(facts: PassFacts) -> bytes:
    """The payload for these facts; :class:`PassError` when :func:`read` would not give them back."""
    payload = cbor.encode(_to_map(facts))
    if read(payload).facts != facts:
        raise PassError(Reason.BAD_CLAIMS, "claims out of range")
    return payload


def _to_map(facts: PassFacts) -> dict[int, Any]:
    times = {EXP: facts.expires, NBF: facts.not_before, IAT: facts.issued_at}
    claims: dict[int, Any] = {label: int(at) for label, at in times.items() if at is not None}
    return claims | {ISS: str(facts.issuer), CTI: bytes.fromhex(facts.pass_id), RIGHTS: _rights(facts)}


def _rights(facts: PassFacts) -> list[Any]:
    window = facts.window
    optional = [
        bytes.fromhex(facts.household) if facts.household else None,
        list(map(str, facts.gates)) or None,
        list(map(str, facts.communities)) or None,
        [window.days, window.from_minute, window.to_minute] if window else None,
    ]
    while optional and optional[-1] is None:
        optional.pop()
    return [facts.status_list, facts.status_index, _CATEGORIES.index(facts.category), *optional]


def read(payload: bytes) -> Claims:
    """The claims in a payload whose signature held; :class:`PassError` BAD_CLAIMS or EXTRA_CLAIMS.

    EXTRA_CLAIMS is raised only for a category that this gate does not know; other extras are reported.
    """
    claims = _claims(payload)
    rights = claims.get(RIGHTS)
    if not isinstance(rights, list) or len(rights) < _REQUIRED:
        raise _bad("no list of rights")
    times = _times(claims)
    known = rights[:_ELEMENTS]
    facts = PassFacts(
        pass_id=PassId(_data(claims.get(CTI), PASS_ID_BYTES).hex()),
        issuer=IssuerId(_name(claims.get(ISS))),
        expires=times[EXP],
        not_before=times.get(NBF),
        issued_at=times.get(IAT),
        status_list=_integer(known[0], MOST_LISTS),
        status_index=_integer(known[1], MOST_INDEXES),
        category=_category(known[2]),
        **_optional(known[_REQUIRED:]),
    )
    return Claims(facts, extras=len(rights) > _ELEMENTS or not set(claims) <= _KNOWN)


def _claims(payload: bytes) -> dict[Any, Any]:
    try:
        claims = cbor.read_deterministic(payload)
    except PassError as error:
        raise _bad(str(error)) from None
    if not isinstance(claims, dict):
        raise _bad("the payload is not a map")
    return claims


def _optional(elements: list[Any]) -> dict[str, Any]:
    """The elements after the required ones, by the name of the fact they become."""
    if elements and elements[-1] is None:
        raise _bad("an absent tail is written out")
    readers = {"household": _household, "gates": _gates, "communities": _communities, "window": _window}
    pairs = zip(readers.items(), elements, strict=False)
    return {name: read_one(item) for (name, read_one), item in pairs if item is not None}


def _household(value: Any) -> HouseholdId:
    return HouseholdId(_data(value, HOUSEHOLD_BYTES).hex())


def _gates(value: Any) -> tuple[GateId, ...]:
    return tuple(GateId(name) for name in _names(value))


def _communities(value: Any) -> tuple[CommunityId, ...]:
    return tuple(CommunityId(name) for name in _names(value))


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PLACES:
        raise _bad("not a list of places")
    return [_name(item) for item in value]


def _window(value: Any) -> WeeklyWindow:
    if not isinstance(value, list) or len(value) != _REQUIRED:
        raise _bad("not a weekly window")
    days, start, end = (_integer(item, limit) for item, limit in zip(value, (128, 1440, 1441), strict=True))
    if days == 0 or start == end:
        raise _bad("an empty weekly window")
    return WeeklyWindow(days, start, end)


def _times(claims: dict[Any, Any]) -> dict[int, UnixTime]:
    times = {at: UnixTime(_integer(claims[at], LATEST + 1)) for at in (EXP, NBF, IAT) if at in claims}
    if EXP not in times:
        raise _bad("no expiry")
    if max((times[at] for at in (NBF, IAT) if at in times), default=-1) >= times[EXP]:
        raise _bad("ends before it begins")
    return times


def _integer(value: Any, limit: int) -> int:
    if type(value) is not int or not 0 <= value < limit:
        raise _bad(f"not a whole number below {limit}")
    return value


def _data(value: Any, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise _bad(f"not {size} bytes")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise _bad(f"not an id of {NAME_WORDS}")
    return value


def _category(value: Any) -> Category:
    position = _integer(value, MOST_LISTS)
    if position >= len(_CATEGORIES):
        raise PassError(Reason.EXTRA_CLAIMS, f"category {position} is newer than this gate")
    return _CATEGORIES[position]


def _bad(message: str) -> PassError:
    return PassError(Reason.BAD_CLAIMS, f"claims: {message}")

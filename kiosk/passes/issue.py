"""Issuing native passes: fresh pseudonyms, unused random status indexes, a signature.

Runs on the community server, in ``kiosk pass issue`` and in simulations; a gate never issues.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from kiosk.errors import PassError, TrustError
from kiosk.model import (
    Category,
    CommunityId,
    GateId,
    HouseholdId,
    IssuerId,
    PassFacts,
    PassId,
    Reason,
    Seconds,
    UnixTime,
    WeeklyWindow,
)
from kiosk.passes import claims, cose, native
from kiosk.passes.cose import Kind
from kiosk.passes.keys import SigningKey

_TRIES: Final = 1000


@dataclass(frozen=True, slots=True)
class IssuedPass:
    """A pass and what it says."""

    text: str
    facts: PassFacts


class Issuer:
    """One issuer's key and its current status list. Not to be shared between threads.

    ``random_bytes`` is the system's source unless a simulation wants the same passes again.
    """

    def __init__(
        self,
        name: IssuerId,
        key: SigningKey,
        *,
        status_size: int,
        status_list: int = 0,
        used: Iterable[int] = (),
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.name = name
        self.key = key
        self._status_list = status_list
        self._status_size = status_size
        self._used = set(used)
        self._random = random_bytes

    def issue(
        self,
        category: Category,
        *,
        now: UnixTime,
        life: Seconds,
        not_before: UnixTime | None = None,
        household: HouseholdId | None = None,
        gates: tuple[GateId, ...] = (),
        communities: tuple[CommunityId, ...] = (),
        window: WeeklyWindow | None = None,
    ) -> IssuedPass:
        """A new pass, ending ``life`` seconds after it begins; :class:`PassError` if it can't be written."""
        starts = now if not_before is None else not_before
        facts = PassFacts(
            pass_id=PassId(self._random(claims.PASS_ID_BYTES).hex()),
            issuer=self.name,
            category=category,
            expires=UnixTime(int(starts + life)),
            not_before=UnixTime(int(starts)),
            issued_at=UnixTime(int(now)),
            household=household,
            gates=gates,
            communities=communities,
            window=window,
            status_list=self._status_list,
            status_index=self._unused_index(),
        )
        return IssuedPass(self.sign(facts), facts)

    def sign(self, facts: PassFacts) -> str:
        """The text for exactly these facts; :class:`PassError` when they are out of range or too long."""
        text = native.write(cose.sign(claims.write(facts), self.key, Kind.PASS))
        if len(text) > native.MAX_LENGTH:
            raise PassError(Reason.PASS_TOO_LONG, f"{len(text)} characters")
        return text

    def _unused_index(self) -> int:
        """Random, so that an index says nothing about when a pass was issued or to whom."""
        for _ in range(_TRIES):
            index = int.from_bytes(self._random(8), "big") % self._status_size
            if index not in self._used:
                break
        else:
            index = self._one_of_the_last()
        self._used.add(index)
        return index

    def _one_of_the_last(self) -> int:
        """Of a list that is nearly full, where trying at random takes long."""
        free = [index for index in range(self._status_size) if index not in self._used]
        if not free:
            raise TrustError("the status list is full: begin another one")
        return free[int.from_bytes(self._random(8), "big") % len(free)]


def household_id(label: str, community_key: bytes) -> HouseholdId:
    """The pseudonym of a household under one community's key; the same label gives the same pseudonym."""
    full = hmac.digest(community_key, label.encode(), hashlib.sha256)
    return HouseholdId(full[: claims.HOUSEHOLD_BYTES].hex())

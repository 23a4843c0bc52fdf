"""What a pass is judged against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kiosk.model import CommunityId, GateId, TimeInterval
from kiosk.passes.status import StatusLists
from kiosk.passes.trust_list import TrustList
from kiosk.policy import Policy

TOKEN_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class PassContext:
    """The gate's lists, time and place for one check. ``trust`` is None while there are no lists.

    ``token_key`` is this device's own secret: with it a text becomes a token that nobody can guess back.
    """

    trust: TrustList | None
    status: StatusLists
    interval: TimeInterval
    policy: Policy
    gate: GateId
    community: CommunityId
    token_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.token_key) < TOKEN_KEY_BYTES:
            raise ValueError(f"the token key needs at least {TOKEN_KEY_BYTES} bytes")

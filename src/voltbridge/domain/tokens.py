"""Identification tokens and what authorizing one comes to (2.0.1 block C).

Tokens compare without regard to case (2.0.1 Part 2, IdTokenType: a case-insensitive string).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from voltbridge.domain.tariffs import TariffText

__all__ = ["Authorization", "AuthorizationFallback", "AuthorizationStatus", "IdToken", "Token", "TokenFilter"]

_LONGEST_COMMON: Final = 36
_LONGEST_OLDEST: Final = 20
"""Characters that a token may have in most versions, and in the oldest."""


class AuthorizationStatus(StrEnum):
    """Union of the statuses of all versions."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    CONCURRENT_TX = "ConcurrentTx"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    NO_CREDIT = "NoCredit"
    NOT_ALLOWED_TYPE_EVSE = "NotAllowedTypeEVSE"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"
    UNKNOWN = "Unknown"


class AuthorizationFallback(StrEnum):
    """What a token is worth while the operator's own authorization service gives no answer."""

    ACCEPT_KNOWN = "accept-known"
    """What it is worth by the tokens kept here."""
    REJECT = "reject"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class IdToken:
    """A token as presented. ``type`` is None where the version does not tell it: then any type matches."""

    id_token: str
    type: str | None = None
    additional_info: tuple[tuple[str, str], ...] = ()
    """Pairs of (additionalIdToken, type)."""

    @property
    def key(self) -> str:
        """The form under which tokens compare."""
        return self.id_token.casefold()


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the operator keeps it. ``status`` is the operator's word; expiry and concurrency are judged later."""

    id_token: str
    type: str
    status: AuthorizationStatus
    created_at: datetime
    updated_at: datetime
    group_id_token: str | None = None
    group_type: str | None = None
    expires_at: datetime | None = None
    allow_concurrent: bool = False
    """Whether more than one transaction at a time may run on this token."""
    language: str | None = None
    personal_message: str | None = None
    note: str | None = None
    station_ids: tuple[str, ...] = ()
    """Where the token is valid; empty means everywhere."""

    @property
    def key(self) -> str:
        """The form under which tokens compare."""
        return self.id_token.casefold()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and may still not do what the operator means, in plain words."""
        found = []
        if len(self.id_token) > _LONGEST_COMMON:
            found.append(f"longer than {_LONGEST_COMMON} characters: most stations cannot present it")
        elif len(self.id_token) > _LONGEST_OLDEST:
            found.append(f"longer than {_LONGEST_OLDEST} characters: older stations cannot present it")
        if self.group_id_token is not None and len(self.group_id_token) > _LONGEST_OLDEST:
            found.append(f"the group is longer than {_LONGEST_OLDEST} characters: older stations are not told of it")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer to "may this token charge here?"."""

    status: AuthorizationStatus
    token: Token | None = None
    """The stored token that matched, or None when none did."""
    cache_expires_at: datetime | None = None
    tariff_text: TariffText | None = None
    """What the driver is shown of the tariff (I01)."""

    @property
    def accepted(self) -> bool:
        """Whether charging may go on."""
        return self.status is AuthorizationStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Which tokens to list; what is None does not matter."""

    type: str | None = None
    status: AuthorizationStatus | None = None
    group_id_token: str | None = None
    """Without regard to case."""

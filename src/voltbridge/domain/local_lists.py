"""Local authorization lists: the tokens a station judges by itself (2.0.1 block D; 1.6 3.5.2, 5.15).

The operator selects tokens for a station; what the station has is known from what it accepted, under a version number
that both sides keep. Where the two numbers differ nobody knows what the station has, and the whole list is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from voltbridge.domain.token_rules import judge_token
from voltbridge.domain.tokens import AuthorizationStatus, IdToken, Token

__all__ = [
    "LARGEST_VERSION",
    "ListChange",
    "LocalList",
    "LocalListState",
    "TokenSelection",
    "changes_between",
    "entry_of",
]

LARGEST_VERSION: Final = 2**31 - 1
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class LocalListState(StrEnum):
    """Where a station's list stands."""

    PENDING = "Pending"
    """Never sent."""
    CURRENT = "Current"
    """The station has what is selected."""
    STALE = "Stale"
    """Tokens or the selection have changed since."""
    DRIFTED = "Drifted"
    """The station tells another version than the one it was given."""
    FAILED = "Failed"
    """The station refused it, or did not answer."""
    NOT_SUPPORTED = "NotSupported"
    """The station has no local list."""


@dataclass(frozen=True, slots=True)
class TokenSelection:
    """Which tokens a list has: those that any of these names. Nothing named is an empty list."""

    all_tokens: bool = False
    types: tuple[str, ...] = ()
    group_id_tokens: tuple[str, ...] = ()
    """Without regard to case."""
    id_tokens: tuple[str, ...] = ()
    """Without regard to case."""
    include_refused: bool = False
    """Also tokens that are not accepted at the station, so that it refuses them while it is offline."""
    without_id_tokens: tuple[str, ...] = ()
    """Left out whatever else names them, such as customers whom the station was to forget. Without regard to case."""

    def names(self, token: Token) -> bool:
        """Whether the token is among those selected, whatever it is worth."""
        if token.key in {text.casefold() for text in self.without_id_tokens}:
            return False
        return (
            self.all_tokens
            or token.type in self.types
            or (token.group_id_token or "").casefold() in {group.casefold() for group in self.group_id_tokens}
            or token.key in {text.casefold() for text in self.id_tokens}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalList:
    """A station's list: what the operator wants, and what came of it."""

    station_id: str
    selection: TokenSelection
    updated_at: datetime
    """When the operator last changed the selection."""
    automatic: bool = True
    """Whether the station is brought up to date whenever tokens change and it is connected."""
    state: LocalListState = LocalListState.PENDING
    problem: str | None = None
    version: int = 0
    """The last one that the station accepted; 0: none."""
    protocol: str | None = None
    """In which version of the protocol it did."""
    entries: int = 0
    """How many tokens the station has."""
    sent_at: datetime | None = None
    verified_at: datetime | None = None
    """When the station last told the version."""


@dataclass(frozen=True, slots=True)
class ListChange:
    """One token that a station is to add (or replace) or to remove."""

    token: Token
    removed: bool = False


def entry_of(token: Token, selection: TokenSelection, station_id: str, now: datetime) -> Token | None:
    """The token as it stands in this station's list, without what stations are not told; None: it has no place there.

    Its status is what it is worth at the station at this moment.
    """
    if not selection.names(token):
        return None
    status = judge_token(IdToken(token.id_token, token.type), token, station_id=station_id, now=now)
    if status is not AuthorizationStatus.ACCEPTED and not selection.include_refused:
        return None
    return replace(
        token,
        status=status,
        created_at=_EPOCH,
        updated_at=_EPOCH,
        allow_concurrent=False,
        note=None,
        station_ids=(),
    )


def changes_between(has: Mapping[str, Token], wanted: Mapping[str, Token]) -> list[ListChange]:
    """What makes one list of the other. Removals come first: a list that is full has no room for additions."""
    removed: Iterable[Token] = (token for key, token in has.items() if key not in wanted)
    put: Iterable[Token] = (token for key, token in wanted.items() if has.get(key) != token)
    return [*(ListChange(token, removed=True) for token in removed), *map(ListChange, put)]

"""Of tokens and local lists."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from voltbridge.csms.event_data.fields import OwnId, Reason
from voltbridge.domain.local_lists import LocalListState
from voltbridge.domain.tokens import AuthorizationStatus

__all__ = [
    "LocalListDrifted",
    "LocalListFailed",
    "LocalListSelected",
    "LocalListStale",
    "LocalListUpdated",
    "TokenAnonymised",
    "TokenAuthorized",
]


class TokenAuthorized(Struct):
    """What a station was told of a token."""

    id_token: Annotated[str | None, Meta(description="Null for a secret one.")]
    type: str | None
    status: AuthorizationStatus
    reason: Reason | UnsetType = UNSET


class TokenAnonymised(Struct):
    """A token was taken out of what is kept."""

    id: OwnId
    pseudonym: Annotated[str, Meta(description="What stands in its place.")]
    records: Annotated[int, Meta(description="How many records were changed or removed.")]


class LocalListSelected(Struct):
    """The operator has chosen what a station's list is to have."""

    state: LocalListState


class LocalListStale(Struct):
    """Tokens have changed that the list has, or should have."""

    version: Annotated[int, Meta(description="The version that the station has.")]


class LocalListDrifted(Struct):
    """A station tells another version than the one it was given."""

    expected: int
    told: int


class LocalListUpdated(Struct):
    """A station has taken changes, or a whole list."""

    version: int
    entries: Annotated[int, Meta(description="How many tokens it has now.")]
    messages: Annotated[int, Meta(description="How many it took.")]
    full: bool
    left_out: Annotated[int, Meta(description="Selected tokens that the station's version cannot tell apart.")]


class LocalListFailed(Struct):
    """A list could not be brought up to date."""

    state: LocalListState
    problem: str

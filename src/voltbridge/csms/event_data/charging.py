"""Of charging profiles, vehicles' needs and sites."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = [
    "Answered",
    "ChargingNeedsOffered",
    "ChargingProfileCleared",
    "ChargingProfileDeleted",
    "ChargingProfileKept",
    "ChargingProfileSet",
    "SiteAbout",
    "SiteLimitFailed",
    "SiteLimitSet",
]


class ChargingProfileKept(Struct):
    """A named profile of the operator."""

    id: int
    name: str


class ChargingProfileDeleted(Struct):
    """A named profile that is no more."""

    id: int


class ChargingProfileSet(Struct):
    """A profile that a station has taken."""

    id: int
    evse_id: int
    purpose: str
    stack_level: int


class ChargingProfileCleared(Struct):
    """Profiles that a station has no more."""

    ids: list[int]


class Answered(Struct):
    """What the station was answered."""

    answer: str


class ChargingNeedsOffered(Struct):
    """What became of the schedule that a vehicle was offered."""

    evse_id: int
    transaction_id: Annotated[str, Meta(description="The protocol's id.")]
    profile_id: int | None
    problem: Annotated[str | None, Meta(description="Why it was not taken; null: it was.")]


class SiteAbout(Struct):
    """Which site."""

    site_id: str


class SiteLimitSet(Struct):
    """A share of a site that a station has taken."""

    site_id: str
    evse_id: int
    transaction_id: Annotated[str, Meta(description="The protocol's id.")]
    limit_a: float
    former_limit_a: float


class SiteLimitFailed(Struct):
    """A share of a site that a station has not taken."""

    site_id: str
    evse_id: int
    problem: str

"""What site load management needs of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from voltbridge.bus.ports import Subscription
from voltbridge.csms.commands.kinds import Answer
from voltbridge.domain.charging_profiles import ChargingProfile, InstalledProfile
from voltbridge.domain.composite_schedule import RunningTransaction
from voltbridge.domain.site_load import Site
from voltbridge.domain.stations import LiveStation

__all__ = ["Connected", "Happenings", "Profiles", "SiteBook"]


class SiteBook(Protocol):
    """Stored sites; there are few."""

    async def all(self) -> Sequence[Site]:
        """In the order of their ids."""

    async def put(self, site: Site) -> bool:
        """Add it or replace the one of its id; whether it was added."""

    async def delete(self, site_id: str) -> None:
        """Raises NotFound."""


class Profiles(Protocol):
    """The part of smart charging that carries limits to stations."""

    def running(self, station_id: str, evse_id: int) -> RunningTransaction | None: ...

    async def present(self, station_id: str) -> Sequence[InstalledProfile]: ...

    async def offer(self, live: LiveStation, evse_id: int, profile: ChargingProfile) -> Answer:
        """Raises a CallFailed, InvalidValue, Unsupported."""


class Connected(Protocol):
    """The stations connected now."""

    def get(self, station_id: str) -> LiveStation | None: ...


class Happenings(Protocol):
    """The part of the bus that events come from."""

    def subscribe(self, *, capacity: int = 1000, live: bool = True) -> Subscription: ...

"""What smart charging asks of the storage, the stations and the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from voltbridge.domain.charging_profiles import (
    ChargingLimit,
    ChargingProfile,
    InstalledProfile,
    NamedProfile,
    ProfileCriteria,
    RateUnit,
)
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.composite_schedule import CompositeSchedule
from voltbridge.domain.evses import Connector
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "Calls",
    "Connected",
    "ConnectorBook",
    "InstalledBook",
    "KnownStations",
    "LimitBook",
    "Outcomes",
    "ProfileBook",
    "Words",
]


class ProfileBook(Protocol):
    """The operator's named profiles."""

    async def get(self, id: int) -> NamedProfile | None: ...

    async def list(self, page: PageRequest) -> Page[NamedProfile]:
        """In the order of their ids. Raises InvalidCursor."""

    async def add(self, named: NamedProfile) -> NamedProfile:
        """Keep a new one; the next free id is given to one with id 0. Raises AlreadyExists."""

    async def replace(self, named: NamedProfile) -> None:
        """Raises NotFound."""

    async def delete(self, id: int) -> None:
        """Raises NotFound."""


class InstalledBook(Protocol):
    """What stations have."""

    async def of_station(self, station_id: str) -> Sequence[InstalledProfile]: ...

    async def put(self, profiles: Sequence[InstalledProfile]) -> None:
        """Each replaces one of the same station and id."""

    async def remove(self, station_id: str, profile_ids: Sequence[int]) -> None: ...


class LimitBook(Protocol):
    """Limits from outside."""

    async def of_station(self, station_id: str) -> Sequence[ChargingLimit]: ...

    async def put(self, limit: ChargingLimit) -> None:
        """Replaces one of the same station, EVSE and source."""

    async def remove(self, station_id: str, source: str, evse_id: int | None) -> None:
        """Of one EVSE, or (None) of all."""


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class Connected(Protocol):
    """The stations connected now."""

    def get(self, station_id: str) -> LiveStation | None: ...


class Calls(Protocol):
    """The door to the stations."""

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The response. Raises InvalidCall or a CallFailed."""


class Outcomes(Protocol):
    """Commands that wait for what a station tells later."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None: ...


class ConnectorBook(Protocol):
    """The connectors that stations have shown."""

    async def of_station(self, station_id: str) -> Sequence[Connector]: ...


class Words(Protocol):
    """What a version's translator says and reads; each translator module is one."""

    def set_request(self, evse_id: int, profile: ChargingProfile) -> Payload:
        """Raises Unsupported."""

    def clear_requests(self, criteria: ProfileCriteria) -> Sequence[Payload]:
        """As many as it takes. Raises Unsupported."""

    def clear_answer(self, response: Any) -> CommandAnswer: ...

    def composite_request(self, evse_id: int, duration_s: int, unit: RateUnit | None) -> Payload: ...

    def composite_answer(self, response: Any) -> CommandAnswer: ...

    def composite_of(self, response: Any, duration_s: int) -> CompositeSchedule | None: ...

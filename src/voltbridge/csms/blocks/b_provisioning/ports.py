"""What provisioning asks of the storage, of the connected stations, and of each version's translator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station, StationFilter, StationSettings
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Announcements", "Calls", "Connected", "Questions", "Stations"]


class Stations(Protocol):
    """The operator's list of stations."""

    async def get(self, station_id: str) -> Station | None:
        """The station, or None when it is unknown."""

    async def list(self, wanted: StationFilter, page: PageRequest) -> Page[Station]:
        """Stations in the order of their ids. Raises InvalidCursor."""

    async def inbox(self, page: PageRequest) -> Page[Station]:
        """Stations that wait for the operator's decision, newest first. Raises InvalidCursor."""

    async def add(self, settings: StationSettings) -> None:
        """Make a station known. Raises AlreadyExists."""

    async def save_settings(self, settings: StationSettings) -> None:
        """Replace the operator's half of a station. Raises NotFound."""

    async def delete(self, station_id: str) -> None:
        """Forget a station, but not its transactions. Raises NotFound."""


class Connected(Protocol):
    """The stations this node is connected to."""

    def get(self, station_id: str) -> LiveStation | None: ...

    def ids(self) -> frozenset[str]: ...


class Announcements(Protocol):
    """The part of the bus that tells every node of changes."""

    def announce(self, topic: str, station_id: str) -> None: ...

    def on_announcement(self, topic: str, react: Callable[[str], Awaitable[None]]) -> None: ...

    def is_connected(self, station_id: str) -> bool: ...


class Calls(Protocol):
    """The one door to the stations."""

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The station's response. Raises a CallFailed."""


class Questions(Protocol):
    """What the CSMS asks of its own accord, in the words of one version; each translator module is one."""

    def trigger_boot(self) -> Payload:
        """Ask for a boot, so that a station just adopted need not wait for its retry interval."""

    def trigger_status(self, connectors: Iterable[tuple[int, int]]) -> list[Payload]:
        """Ask for the status of every connector; those known are given as (EVSE id, connector id)."""

    def probe(self, request_id: int) -> Payload:
        """Ask for everything that can be configured or read."""

    def probed(self, answer: Payload) -> dict[str, Any] | None:
        """What the answer to ``probe`` itself reports, as an event's data; None where reports follow it."""

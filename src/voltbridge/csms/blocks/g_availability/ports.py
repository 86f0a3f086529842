"""What availability asks of the storage and of the connected stations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from voltbridge.domain.evses import Connector
from voltbridge.domain.stations import LiveStation, Station

__all__ = ["CommandOutcomes", "Connected", "ConnectorBook", "KnownStations"]


class ConnectorBook(Protocol):
    """The stored connectors."""

    async def of_station(self, station_id: str) -> list[Connector]:
        """All connectors of a station; none for one that never told of any."""


class KnownStations(Protocol):
    """Which stations there are."""

    async def get(self, station_id: str) -> Station | None: ...


class Connected(Protocol):
    """The stations this node is connected to."""

    def get(self, station_id: str) -> LiveStation | None: ...


class CommandOutcomes(Protocol):
    """Commands whose outcome is that connectors show another status."""

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        """The outcome is there; None when nobody awaits it."""

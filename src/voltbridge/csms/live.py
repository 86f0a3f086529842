"""The stations whose connections this node owns, with their state in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from voltbridge.domain.stations import LiveStation

__all__ = ["LiveStations", "StationStates"]


class StationStates(Protocol):
    """Where a station's state is read from when it connects; the storage provides it."""

    async def load(self, station_id: str) -> LiveStation | None:
        """What is stored of a station, or None when it is unknown. Raises StorageUnavailable."""


class LiveStations:
    """Connected stations by id."""

    __slots__ = ("_stations",)

    def __init__(self) -> None:
        self._stations: dict[str, LiveStation] = {}

    def get(self, station_id: str) -> LiveStation | None:
        return self._stations.get(station_id)

    def add(self, live: LiveStation) -> None:
        """Enter a station; replaces an earlier entry of the same id."""
        self._stations[live.station_id] = live

    def remove(self, live: LiveStation) -> None:
        """Drop a station, unless a newer connection has replaced its entry."""
        if self._stations.get(live.station_id) is live:
            del self._stations[live.station_id]

    def ids(self) -> frozenset[str]:
        """The ids of all stations connected now."""
        return frozenset(self._stations)

    def __iter__(self) -> Iterator[LiveStation]:
        return iter(list(self._stations.values()))

    def __len__(self) -> int:
        return len(self._stations)

"""The stations whose connections this node owns, with their state in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from voltbridge.domain.stations import LiveStation

__all__ = ["LiveStations", "Reading", "StationStates"]


class StationStates(Protocol):
    """Where a station's state is read from when it connects; the storage provides it."""

    async def load(self, station_id: str) -> LiveStation | None:
        """What is stored of a station, or None when it is unknown. Raises StorageUnavailable."""


@dataclass(slots=True, eq=False)
class Reading:
    """A station's state is being read from the storage."""

    overtaken: bool = False
    """Whether the state was changed meanwhile, so that what was read may be what was before."""


class LiveStations:
    """Connected stations by id."""

    __slots__ = ("_readings", "_stations")

    def __init__(self) -> None:
        self._stations: dict[str, LiveStation] = {}
        self._readings: dict[str, list[Reading]] = {}

    def get(self, station_id: str) -> LiveStation | None:
        return self._stations.get(station_id)

    def add(self, live: LiveStation) -> None:
        """Enter a station; replaces an earlier entry of the same id."""
        self._stations[live.station_id] = live

    def remove(self, live: LiveStation) -> None:
        """Drop a station, unless a newer connection has replaced its entry."""
        if self._stations.get(live.station_id) is live:
            del self._stations[live.station_id]

    @contextlib.contextmanager
    def reading(self, station_id: str) -> Iterator[Reading]:
        """For the time in which the state of a station is read to become its memory."""
        reading = Reading()
        readings = self._readings.setdefault(station_id, [])
        readings.append(reading)
        try:
            yield reading
        finally:
            readings.remove(reading)
            if not readings:
                del self._readings[station_id]

    def changed(self, station_id: str) -> None:
        """The state of a station was changed by somebody else than the worker of its connection.

        To be told once the change is in the storage or the journal, and together with the change of the memory: who
        reads the state just now, and is not in here yet, has to read it again.
        """
        for reading in self._readings.get(station_id, ()):
            reading.overtaken = True

    def ids(self) -> frozenset[str]:
        """The ids of all stations connected now."""
        return frozenset(self._stations)

    def __iter__(self) -> Iterator[LiveStation]:
        return iter(list(self._stations.values()))

    def __len__(self) -> int:
        return len(self._stations)

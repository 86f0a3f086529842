"""What admission asks of the storage."""

from __future__ import annotations

from typing import Protocol

from voltbridge.domain.stations import Station, StationSettings

__all__ = ["StationBook"]


class StationBook(Protocol):
    """The stations we know, by identity."""

    async def get(self, station_id: str) -> Station | None:
        """The station, or None when nobody provisioned it and it never asked to join."""

    async def add(self, settings: StationSettings) -> None:
        """Make a station known. Raises AlreadyExists."""

    async def waiting(self) -> int:
        """How many stations wait for the operator's decision."""

"""What commands need of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from voltbridge.domain.commands import Command, CommandFilter, Operation, OperationState
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station, StationFilter
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Calls", "CommandBook", "Connected", "KnownStations", "OperationBook"]


class Calls(Protocol):
    """The door to the stations."""

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The response. Raises InvalidCall or a CallFailed."""


class Connected(Protocol):
    """The stations connected now."""

    def get(self, station_id: str) -> LiveStation | None: ...

    def ids(self) -> frozenset[str]: ...


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...

    async def list(self, wanted: StationFilter, page: PageRequest) -> Page[Station]:
        """In the order of their ids. Raises InvalidCursor."""


class CommandBook(Protocol):
    """Stored commands; they are written through the journal. Everything raises StorageUnavailable."""

    async def get(self, id: int) -> Command | None: ...

    async def list(self, wanted: CommandFilter, page: PageRequest) -> Page[Command]:
        """Newest first. Raises InvalidCursor."""

    async def after(self, wanted: CommandFilter, id: int, limit: int) -> Sequence[Command]:
        """With larger ids, oldest first."""

    async def unfinished(self, after: int, limit: int) -> Sequence[Command]:
        """Queued, sent, or waiting for an outcome; with larger ids, oldest first."""


class OperationBook(Protocol):
    """Stored operations, with their commands counted. Everything raises StorageUnavailable."""

    async def save(self, operation: Operation) -> None: ...

    async def get(self, id: int) -> Operation | None: ...

    async def list(self, state: OperationState | None, page: PageRequest) -> Page[Operation]:
        """Newest first. Raises InvalidCursor."""

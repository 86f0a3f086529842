"""What commands need of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from voltbridge.domain.commands import Command, CommandFilter, Operation, OperationState
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState
from voltbridge.domain.stations import LiveStation, Station, StationFilter
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Calls", "CommandBook", "Connected", "KnownStations", "OperationBook", "RolloutBook"]


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


class RolloutBook(Protocol):
    """Stored rollouts. Everything raises StorageUnavailable."""

    async def save(self, rollout: Rollout) -> None: ...

    async def get(self, id: int) -> Rollout | None: ...

    async def list(self, state: RolloutState | None, page: PageRequest) -> Page[Rollout]:
        """Newest first. Raises InvalidCursor."""

    async def unfinished(self) -> Sequence[Rollout]: ...

    async def add_members(self, members: Sequence[RolloutMember]) -> None: ...

    async def put_members(self, members: Sequence[RolloutMember]) -> None:
        """Replace those of the same position."""

    async def members(
        self, rollout_id: int, page: PageRequest, state: MemberState | None = None
    ) -> Page[RolloutMember]:
        """In their order. Raises InvalidCursor."""

    async def of_command(self, station_id: str, command_id: int) -> RolloutMember | None:
        """The station that was sent this command."""

    async def next_waiting(self, rollout_id: int, stage: int, limit: int) -> Sequence[RolloutMember]: ...

    async def open_in(self, rollout_id: int, stage: int) -> int:
        """How many of the stage, and of those before, have not come to their end."""

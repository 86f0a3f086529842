"""What messages on displays ask of the storage, the commands and the device model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from voltbridge.domain.device_model import Attribute, StationVariable
from voltbridge.domain.display_messages import DisplayMessage
from voltbridge.domain.stations import Station
from voltbridge.domain.transactions import Transaction
from voltbridge.protocol.structs import Payload

__all__ = ["KnownStations", "MessageBook", "Outcomes", "Transactions", "Variables", "Words"]


class MessageBook(Protocol):
    """What is known of stations' messages. All raise StorageUnavailable."""

    async def of_station(self, station_id: str) -> Sequence[DisplayMessage]:
        """In the order of their ids."""

    async def put(self, messages: Sequence[DisplayMessage]) -> None:
        """Each in the place of one of the same station and id."""

    async def forget(self, station_id: str, ids: Sequence[int]) -> None: ...


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class Transactions(Protocol):
    """The stored transactions."""

    async def find(self, station_id: str, transaction_id: str) -> Transaction | None:
        """By the protocol's id."""


class Variables(Protocol):
    """The device model, for what displays can do."""

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]:
        """By the attributes' keys."""


class Outcomes(Protocol):
    """Commands whose outcome is a report."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None: ...


class Words(Protocol):
    """How a version says it; a module is one. A version without words has no messages on displays."""

    def set_request(self, message: DisplayMessage) -> Payload:
        """Raises Unsupported."""

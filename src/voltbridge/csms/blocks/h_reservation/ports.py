"""What reservations ask of the storage, of the commands and of the versions' translators."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from voltbridge.domain.commands import Command, CommandAnswer
from voltbridge.domain.device_model import Attribute, StationVariable
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.reservations import Reservation, ReservationChange, ReservationFilter, ReservationTerms
from voltbridge.domain.stations import Station
from voltbridge.protocol.structs import Payload

__all__ = ["Commands", "KnownStations", "ReservationBook", "Variables", "Words"]


class ReservationBook(Protocol):
    """The stored reservations. Everything raises StorageUnavailable; what changes something is durable on return."""

    async def add(self, make: Callable[[int], Reservation]) -> Reservation:
        """Keep what ``make`` makes of an id that no reservation has had."""

    async def get(self, id: int) -> Reservation | None: ...

    async def of_command(self, command_id: int) -> Reservation | None:
        """The reservation that a command asked for."""

    async def change(
        self, station_id: str, id: int, rule: Callable[[Reservation], Reservation]
    ) -> ReservationChange | None:
        """Keep what the rule makes of a station's reservation; nothing comes between its reading and its writing.

        None where the station has no such reservation. The rule runs on another thread and must be pure.
        """

    async def list(self, wanted: ReservationFilter, page: PageRequest) -> Page[Reservation]:
        """Newest first. Raises InvalidCursor."""

    async def open_of(self, station_id: str, evse_id: int) -> Sequence[Reservation]:
        """The open reservations of an EVSE; with 0 those of the whole station, with or without an EVSE."""

    async def stations_with_open(self) -> Collection[str]:
        """Ids of the stations that have open reservations."""

    async def due(self, now: datetime, limit: int) -> Sequence[Reservation]:
        """Open ones whose time is over, the oldest first."""

    async def next_expiry(self) -> datetime | None:
        """The first moment at which an open one expires."""

    async def unexplained(self, limit: int) -> Sequence[Reservation]:
        """Requested ones without an answer and without a problem."""


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class Commands(Protocol):
    """What sends commands."""

    async def submit(
        self,
        station_id: str,
        name: str,
        parameters: Mapping[str, Any] | msgspec.Struct,
        *,
        timeout_s: float | None = None,
    ) -> Command:
        """The command with the station's answer. Raises NotFound, Unsupported, InvalidValue, StationNotConnected."""


class Variables(Protocol):
    """The stations' device models as far as known."""

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]:
        """What is known of them, by their keys."""


class Words(Protocol):
    """What a version's translator says and reads; each translator module is one."""

    TELLS_THE_END: bool
    """Whether stations say when they remove a reservation that was not used."""

    def reserve_request(self, id: int, terms: ReservationTerms) -> Payload:
        """Raises Unsupported."""

    def reserve_answer(self, response: Any) -> CommandAnswer: ...

    def cancel_request(self, id: int) -> Payload: ...

    def cancel_answer(self, response: Any) -> CommandAnswer: ...

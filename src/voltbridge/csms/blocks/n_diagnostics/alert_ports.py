"""What alerts and events ask of the storage and of other blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from voltbridge.csms.blocks.g_availability.service import ReportedStatus
from voltbridge.domain.alerts import Alert, AlertChange, AlertFilter, Observed
from voltbridge.domain.device_model import Variable
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation

__all__ = ["ActualValues", "AlertBook", "Availability", "Notices", "Severities"]


class AlertBook(Protocol):
    """The alerts of every station. Everything raises StorageUnavailable."""

    async def get(self, id: int) -> Alert | None: ...

    async def list(self, wanted: AlertFilter, page: PageRequest) -> Page[Alert]:
        """Newest first. Raises InvalidCursor."""

    async def observe(
        self, station_id: str, said: Sequence[Observed], now: datetime, new_id: Callable[[], int]
    ) -> Sequence[AlertChange]:
        """Take over what a station says, in that order: what became of which alerts."""

    async def healthy(
        self, station_id: str, evse_id: int, connector_id: int, at: datetime, now: datetime
    ) -> Sequence[Alert]:
        """Close what is open about a connector's own errors: what was closed."""

    async def monitors_gone(self, station_id: str, gone: Mapping[int, int | None], now: datetime) -> Sequence[Alert]:
        """Monitors have other numbers now, or (None) are gone; close the alerts of the latter: what was closed."""

    async def change(self, id: int, decide: Callable[[Alert], Alert]) -> Alert:
        """Replace an alert by what ``decide`` makes of it. Raises NotFound and what that raises."""


class Availability(Protocol):
    """Where the status of connectors goes."""

    def status(self, live: LiveStation, said: ReportedStatus) -> None:
        """Raises OcppError for numbers no connector can have."""


class ActualValues(Protocol):
    """Where values that events tell go."""

    async def told_by_events(self, station_id: str, values: Mapping[Variable, str]) -> None: ...


class Notices(Protocol):
    """Where a message is kept as it came."""

    def note(self, live: LiveStation, type: str, message: Struct) -> None: ...


class Severities(Protocol):
    """What is known of monitors."""

    async def severities(self, station_id: str, ids: Sequence[int]) -> Mapping[int, int]: ...

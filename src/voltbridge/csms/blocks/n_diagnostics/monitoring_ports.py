"""What monitoring asks of the storage, the stations, the device model and each version's translator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from voltbridge.csms.blocks.b_provisioning.message_limits import Call, MessageLimits
from voltbridge.csms.blocks.n_diagnostics.monitoring_parameters import GetMonitoringReport
from voltbridge.domain.device_model import Attribute, StationVariable
from voltbridge.domain.monitoring import (
    EventNotificationType,
    Monitor,
    MonitorCleared,
    MonitorFilter,
    MonitoringBase,
    MonitoringReport,
    MonitoringState,
    MonitorSet,
    WantedMonitor,
)
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.protocol.structs import Payload

__all__ = ["Connected", "KnownStations", "MonitorBook", "MonitorWatch", "MonitoringWords", "Outcomes", "Variables"]


class MonitorBook(Protocol):
    """Monitors as stations accepted or reported them. Everything raises StorageUnavailable."""

    async def list(self, wanted: MonitorFilter, page: PageRequest) -> Page[Monitor]:
        """By component and variable. Raises InvalidCursor."""

    async def known(self, station_id: str, ids: Sequence[int]) -> dict[int, Monitor]:
        """Those of these numbers."""

    async def count(self, station_id: str) -> int: ...

    async def put(self, some: Sequence[Monitor]) -> None:
        """Each in the place of one of the same station and number."""

    async def remove(self, station_id: str, ids: Sequence[int]) -> None: ...

    async def remove_kinds(self, station_id: str, kinds: Sequence[EventNotificationType]) -> Sequence[int]:
        """Forget those that are known to come from there: their numbers."""

    async def expect_report(self, report: MonitoringReport) -> None: ...

    async def forget_report(self, station_id: str, request_id: int) -> None: ...

    async def nothing_there(self, report: MonitoringReport) -> Mapping[int, int | None]:
        """There are no monitors of those that were asked for, and no report will come. Which are gone."""

    async def add_part(
        self, station_id: str, request_id: int, seq_no: int, is_last: bool, at: datetime, told: Sequence[Monitor]
    ) -> tuple[MonitoringReport, bool, Mapping[int, int | None]]:
        """Note a part of a report: the report as it is now, whether this part has completed it, and which are gone.

        A number that is gone stands with the one that the same monitor has now, or None.
        """

    async def reports(self, station_id: str) -> Sequence[MonitoringReport]:
        """The newest first."""

    async def state(self, station_id: str) -> MonitoringState: ...

    async def set_state(self, station_id: str, **changes: Any) -> None:
        """Names and values are those of ``MonitoringState``."""


class MonitorWatch(Protocol):
    """Who wants to know that monitors are gone."""

    async def monitors_gone(self, station_id: str, gone: Mapping[int, int | None]) -> None:
        """Each with the number it has now, or None."""


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class Connected(Protocol):
    """The stations connected now."""

    def get(self, station_id: str) -> LiveStation | None: ...


class Variables(Protocol):
    """The device model: what a station takes in one message, and how it is called."""

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]: ...

    async def limits(
        self, live: LiveStation, call: Call, message: str, count: int, component: str = ...
    ) -> MessageLimits: ...

    def caller(self, live: LiveStation) -> Call: ...


class Outcomes(Protocol):
    """Where the end of a command is told."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None: ...


class MonitoringWords(Protocol):
    """How monitoring is spoken of in one version; each translator module of monitoring is one."""

    def base_request(self, base: MonitoringBase) -> Payload: ...

    def level_request(self, severity: int) -> Payload: ...

    def set_request(self, monitors: Sequence[WantedMonitor]) -> Payload:
        """Raises Unsupported."""

    def set_results(self, monitors: Sequence[WantedMonitor], response: Any) -> list[MonitorSet]:
        """One for each that was sent, in that order."""

    def clear_request(self, ids: Sequence[int]) -> Payload: ...

    def clear_results(self, ids: Sequence[int], response: Any) -> list[MonitorCleared]:
        """One for each that was sent, in that order."""

    def report_request(self, wanted: GetMonitoringReport, request_id: int) -> Payload: ...

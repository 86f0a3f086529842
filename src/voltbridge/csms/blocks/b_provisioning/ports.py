"""What provisioning asks of the storage, of the connected stations, and of each version's translator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from voltbridge.csms.blocks.b_provisioning.variable_parameters import Report
from voltbridge.domain.configurations import Configuration, DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    Characteristics,
    ReadResult,
    ReadStatus,
    StationReportParts,
    StationVariable,
    VariableFilter,
    WriteResult,
)
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station, StationFilter, StationSettings
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "Announcements",
    "Calls",
    "ConfigurationBook",
    "Connected",
    "Outcomes",
    "Passwords",
    "Questions",
    "Stations",
    "VariableBook",
    "VariableWords",
]


class Stations(Protocol):
    """The operator's list of stations."""

    async def get(self, station_id: str) -> Station | None:
        """The station, or None when it is unknown."""

    async def list(self, wanted: StationFilter, page: PageRequest) -> Page[Station]:
        """Stations in the order of their ids. Raises InvalidCursor."""

    async def inbox(self, page: PageRequest) -> Page[Station]:
        """Stations that wait for the operator's decision, newest first. Raises InvalidCursor."""

    async def add(self, settings: StationSettings) -> None:
        """Make a station known. Raises AlreadyExists."""

    async def save_settings(self, settings: StationSettings) -> None:
        """Replace the operator's half of a station. Raises NotFound."""

    async def delete(self, station_id: str) -> None:
        """Forget a station, but not its transactions. Raises NotFound."""


class Connected(Protocol):
    """The stations this node is connected to."""

    def get(self, station_id: str) -> LiveStation | None: ...

    def changed(self, station_id: str) -> None:
        """Something of what is stored of a station was changed by another than its worker."""

    def ids(self) -> frozenset[str]: ...


class Announcements(Protocol):
    """The part of the bus that tells every node of changes."""

    def announce(self, topic: str, station_id: str) -> None: ...

    def on_announcement(self, topic: str, react: Callable[[str], Awaitable[None]]) -> None: ...

    def is_connected(self, station_id: str) -> bool: ...


class Calls(Protocol):
    """The one door to the stations."""

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The station's response. Raises a CallFailed."""


class Questions(Protocol):
    """What the CSMS asks of its own accord, in the words of one version; each translator module is one."""

    def trigger_boot(self) -> Payload:
        """Ask for a boot, so that a station just adopted need not wait for its retry interval."""

    def trigger_status(self, connectors: Iterable[tuple[int, int]]) -> list[Payload]:
        """Ask for the status of every connector; those known are given as (EVSE id, connector id)."""


class VariableWords(Protocol):
    """How variables are read and written in one version; each translator module of variables is one."""

    @property
    def MOST_WRITTEN(self) -> int | None:  # noqa: N802 - a constant of the module
        """How many attributes one message writes at most; None: as many as the station takes."""

    @property
    def ANSWERS_WITH_REPORT(self) -> bool:  # noqa: N802
        """Whether the answer to ``report_request`` is the report."""

    def unknown(self, attribute: Attribute) -> ReadStatus | None:
        """Why no station of this version can have the attribute; None when one can."""

    def characteristics(self, attribute: Attribute) -> Characteristics | None:
        """What the specification itself says of the values; None where only the station can tell."""

    def refusal(self, value: DesiredValue) -> str | None:
        """Why the value cannot be sent; None when it can."""

    def read_request(self, attributes: Sequence[Attribute]) -> Payload:
        """Asks for the values."""

    def read_results(self, attributes: Sequence[Attribute], response: Any) -> list[ReadResult]:
        """One for each that was asked for, in that order."""

    def write_request(self, values: Sequence[DesiredValue]) -> Payload:
        """Sets the values."""

    def write_results(self, values: Sequence[DesiredValue], response: Any) -> list[WriteResult]:
        """One for each that was sent, in that order."""

    def written(self, request: Any) -> list[DesiredValue]:
        """What a request that sets values sets."""

    def report_request(self, wanted: Report, request_id: int) -> Payload:
        """Asks for a report. Raises Unsupported."""

    def reported(self, response: Any, station_id: str, at: datetime) -> list[StationVariable]:
        """What the answer to ``report_request`` itself reports; nothing where the report comes later."""


class VariableBook(Protocol):
    """What stations have told of their device model. Everything raises StorageUnavailable."""

    async def list(self, wanted: VariableFilter, page: PageRequest) -> Page[StationVariable]:
        """By component and variable. Raises InvalidCursor."""

    async def known(self, station_id: str, attributes: Iterable[Attribute]) -> dict[str, StationVariable]:
        """What is known of these attributes, by their keys."""

    async def put_values(self, values: Sequence[StationVariable]) -> None:
        """Note values; what was known besides stays where it is not told anew."""

    async def note_values(self, station_id: str, values: Sequence[StationVariable], most: int) -> None:
        """As ``put_values``; what is not known yet is left out where the station has so many attributes."""

    async def put_all(self, station_id: str, values: Sequence[StationVariable]) -> None:
        """Note everything there is; anything else is forgotten."""

    async def expect_report(self, report: StationReportParts) -> None:
        """Note that a report was asked for."""

    async def forget_report(self, station_id: str, request_id: int) -> None:
        """No such report will come."""

    async def add_part(
        self,
        station_id: str,
        request_id: int,
        seq_no: int,
        is_last: bool,
        at: datetime,
        told: Sequence[StationVariable],
        most: int,
    ) -> tuple[StationReportParts, bool]:
        """Note a part of a report: the report as it is now, and whether this part has completed it.

        What is not known yet is left out where the station has ``most`` attributes.
        """

    async def reports(self, station_id: str) -> Sequence[StationReportParts]:
        """The newest first."""


class ConfigurationBook(Protocol):
    """The desired configurations."""

    async def list(self) -> list[Configuration]:
        """All, in the order of their names."""

    async def put(self, configuration: Configuration) -> bool:
        """Add it or replace the one of its name; whether it was added."""

    async def delete(self, name: str) -> None:
        """Raises NotFound."""


class Outcomes(Protocol):
    """Where the end of a command is told."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None: ...


class Passwords(Protocol):
    """Where the passwords of stations are changed."""

    async def set_password(self, station_id: str, password: str | None = None) -> str: ...

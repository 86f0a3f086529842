"""What logs ask of the storage, of files and of commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from voltbridge.csms.blocks.n_diagnostics.logs_parameters import LogOrder
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.files import FilePurpose, StoredFile
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_logs import LogUpload
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.protocol.structs import Payload

__all__ = ["FileAddresses", "KnownStations", "LogBook", "LogWords", "Notices", "Outcomes"]


class LogBook(Protocol):
    """Logs of stations. Everything raises StorageUnavailable."""

    async def put(self, log: LogUpload) -> None:
        """Add or replace it."""

    async def get(self, id: int) -> LogUpload | None: ...

    async def of_request(self, station_id: str, request_id: int) -> LogUpload | None: ...

    async def current(self, station_id: str) -> LogUpload | None:
        """The newest that has not ended; else the newest."""

    async def list(self, station_id: str, page: PageRequest) -> Page[LogUpload]:
        """Newest first. Raises InvalidCursor."""

    async def open(self, station_id: str | None = None) -> Sequence[LogUpload]:
        """Those that have not ended, of one station or of all; oldest first."""


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class FileAddresses(Protocol):
    """The addresses at which stations deliver files."""

    def speaks(self, protocol: TransferProtocol) -> bool: ...

    async def expect(
        self,
        live: LiveStation,
        purpose: FilePurpose,
        name: str,
        reference: str,
        expires_at: datetime,
        protocol: TransferProtocol | None = None,
    ) -> str:
        """Raises InvalidValue when there is no address that the station can use."""

    async def close_addresses(self, reference: str) -> None: ...

    async def delivered_for(self, reference: str) -> StoredFile | None:
        """The file that was delivered on this behalf, if any."""


class Outcomes(Protocol):
    """Commands whose outcome a station tells."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None: ...


class Notices(Protocol):
    """Keeps what stations tell as events."""

    def note(self, live: LiveStation, type: str, message: Struct) -> None: ...


class LogWords(Protocol):
    """The messages of one version."""

    def log_request(self, order: LogOrder) -> Payload:
        """Raises Unsupported."""

    def plain_request(self, order: LogOrder) -> Payload | None:
        """The older message for the same, without a number; None where there is none."""

    def log_answer(self, response: Any) -> CommandAnswer:
        """Of either; ``info`` has the ``filename``, where it was told."""

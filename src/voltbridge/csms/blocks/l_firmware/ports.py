"""What firmware management asks of the storage, of files and of commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from voltbridge.csms.blocks.l_firmware.parameters import PublishOrder, UpdateOrder
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.files import StoredFile
from voltbridge.domain.firmware import FirmwareImage, FirmwareUpdate, PublishedFirmware
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.protocol.structs import Payload

__all__ = [
    "FileAddresses",
    "FirmwareWords",
    "ImageBook",
    "KnownStations",
    "Notices",
    "Outcomes",
    "PublishedBook",
    "UpdateBook",
]


class ImageBook(Protocol):
    """Firmware images. Everything raises StorageUnavailable."""

    async def add(self, image: FirmwareImage) -> None: ...

    async def get(self, id: int) -> FirmwareImage | None: ...

    async def list(self, page: PageRequest) -> Page[FirmwareImage]:
        """Newest first. Raises InvalidCursor."""

    async def delete(self, id: int) -> bool:
        """Whether there was one."""

    async def of_file(self, file_id: int) -> FirmwareImage | None:
        """An image made of this file."""


class UpdateBook(Protocol):
    """Updates of stations. Everything raises StorageUnavailable."""

    async def put(self, update: FirmwareUpdate) -> None:
        """Add or replace it."""

    async def of_request(self, station_id: str, request_id: int) -> FirmwareUpdate | None: ...

    async def current(self, station_id: str) -> FirmwareUpdate | None:
        """The newest that has not ended; else the newest."""

    async def list(self, station_id: str, page: PageRequest) -> Page[FirmwareUpdate]:
        """Newest first. Raises InvalidCursor."""

    async def open(self, station_id: str | None = None) -> Sequence[FirmwareUpdate]:
        """Those that have not ended, of one station or of all; oldest first."""


class PublishedBook(Protocol):
    """What local controllers publish. Everything raises StorageUnavailable."""

    async def put(self, published: PublishedFirmware) -> None:
        """Add or replace it."""

    async def of_station(self, station_id: str) -> Sequence[PublishedFirmware]: ...

    async def delete(self, station_id: str, checksum: str) -> bool:
        """Whether there was one."""


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class FileAddresses(Protocol):
    """Files, and the addresses at which stations fetch them."""

    async def get(self, id: int) -> StoredFile:
        """Raises NotFound."""

    def speaks(self, protocol: TransferProtocol) -> bool: ...

    async def offer(
        self,
        live: LiveStation,
        file: StoredFile,
        reference: str,
        expires_at: datetime,
        protocol: TransferProtocol | None = None,
    ) -> str:
        """Raises InvalidValue when there is no address that the station can use."""

    async def close_addresses(self, reference: str) -> None: ...


class Outcomes(Protocol):
    """Commands whose outcome a station tells."""

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None: ...

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        """The command's id; None when none waits for it."""

    async def correct(self, id: int, completed: bool, data: Mapping[str, Any]) -> None:
        """What was told of a command before was not so. Raises StorageUnavailable."""


class Notices(Protocol):
    """Keeps what stations tell as events."""

    def note(self, live: LiveStation, type: str, message: Struct) -> None: ...


class FirmwareWords(Protocol):
    """The messages of one version."""

    def update_request(self, order: UpdateOrder) -> Payload:
        """Raises Unsupported."""

    def update_answer(self, response: Any) -> CommandAnswer: ...

    def publish_request(self, order: PublishOrder) -> Payload:
        """Raises Unsupported."""

    def unpublish_request(self, checksum: str) -> Payload:
        """Raises Unsupported."""

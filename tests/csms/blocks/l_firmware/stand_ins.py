"""Stand-ins for what firmware management asks of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.files import StoredFile
from voltbridge.domain.firmware import FirmwareImage, FirmwareUpdate, PublishedFirmware
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation

__all__ = ["Images", "Outside", "Published", "Updates"]


class Updates:
    """Updates; nothing can be had of them while ``gone``."""

    def __init__(self) -> None:
        self.all: dict[int, FirmwareUpdate] = {}
        self.gone = False

    async def put(self, update: FirmwareUpdate) -> None:
        if self.gone:
            raise StorageUnavailable("gone")
        self.all[update.id] = update

    async def of_request(self, station_id: str, request_id: int) -> FirmwareUpdate | None:
        return next((one for one in self.all.values() if one.request_id == request_id), None)

    async def current(self, station_id: str) -> FirmwareUpdate | None:
        return max(self.all.values(), key=lambda one: (one.state.is_open, one.id), default=None)

    async def list(self, station_id: str, page: PageRequest) -> Page[FirmwareUpdate]:
        return Page(tuple(self.all.values()))

    async def open(self, station_id: str | None = None) -> Sequence[FirmwareUpdate]:
        if self.gone:
            raise StorageUnavailable("gone")
        return [one for one in self.all.values() if one.state.is_open]


class Images:
    """There are none."""

    async def add(self, image: FirmwareImage) -> None:
        raise AssertionError

    async def get(self, id: int) -> FirmwareImage | None:
        return None

    async def list(self, page: PageRequest) -> Page[FirmwareImage]:
        return Page(())

    async def delete(self, id: int) -> bool:
        return False

    async def of_file(self, file_id: int) -> FirmwareImage | None:
        return None


class Outside:
    """Files, commands and notices, as far as they are asked."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None, Any]] = []
        self.corrected: list[tuple[int, bool, Any]] = []
        self.closed: list[str] = []

    async def get(self, id: int) -> StoredFile:
        raise AssertionError

    def speaks(self, protocol: TransferProtocol) -> bool:
        return protocol is not TransferProtocol.SFTP

    async def offer(self, *args: Any) -> str:
        raise AssertionError

    async def close_addresses(self, reference: str) -> None:
        self.closed.append(reference)

    def progress(self, station_id: str, kind: str, correlation: str | None, data: Mapping[str, Any]) -> int | None:
        self.told.append(("progress", correlation, data))
        return None

    def conclude(
        self, station_id: str, kind: str, correlation: str | None, completed: bool, data: Mapping[str, Any]
    ) -> int | None:
        self.told.append(("completed" if completed else "failed", correlation, data))
        return None

    async def correct(self, id: int, completed: bool, data: Mapping[str, Any]) -> None:
        self.corrected.append((id, completed, data))

    def note(self, live: LiveStation, type: str, message: Struct) -> None:
        pass


class Published:
    """Nothing is published."""

    async def put(self, published: PublishedFirmware) -> None:
        raise AssertionError

    async def of_station(self, station_id: str) -> Sequence[PublishedFirmware]:
        return ()

    async def delete(self, station_id: str, checksum: str) -> bool:
        return False

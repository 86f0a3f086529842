"""Files over a real socket and a real disk, with what is known of them kept in memory."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from tests.csms.fakes import World

from voltbridge.clock import SystemClock
from voltbridge.csms.files.disk import Disk
from voltbridge.csms.files.endpoint import FileEndpoint
from voltbridge.csms.files.service import FileService
from voltbridge.csms.files.traffic import Traffic
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.files import FileFilter, FileGrant, FilePurpose, StoredFile
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings

__all__ = ["Books", "Site", "content", "live", "opened"]


class Books:
    """Files and grants."""

    def __init__(self) -> None:
        self.files: dict[int, StoredFile] = {}
        self.grants: dict[str, FileGrant] = {}

    async def add(self, file: StoredFile, delivered: FileGrant | None = None) -> None:
        self.files[file.id] = file
        if delivered is not None:
            self.grants[delivered.token_hash] = delivered

    async def get(self, id: int) -> StoredFile | None:
        return self.files.get(id)

    async def list(self, wanted: FileFilter, page: PageRequest) -> Page[StoredFile]:
        return Page(tuple(reversed(self.files.values())))

    async def delete(self, id: int) -> bool:
        return self.files.pop(id, None) is not None

    async def known(self, ids: Collection[int]) -> set[int]:
        return set(ids) & set(self.files)

    async def delivered_before(self, moment: datetime, limit: int) -> Sequence[int]:
        old = [file.id for file in self.files.values() if file.station_id and file.created_at < moment]
        return old[:limit]


class Grants:
    """The half of the books that is about addresses."""

    def __init__(self, books: Books) -> None:
        self._grants = books.grants

    async def put(self, grant: FileGrant) -> None:
        self._grants[grant.token_hash] = grant

    async def get(self, token_hash: str) -> FileGrant | None:
        return self._grants.get(token_hash)

    async def close(self, reference: str, at: datetime) -> None:
        for key, grant in self._grants.items():
            if grant.reference == reference:
                self._grants[key] = replace(grant, closed_at=at)

    async def delivered(self, reference: str) -> int | None:
        found = [grant.file_id for grant in self._grants.values() if grant.reference == reference]
        return found[0] if found else None

    async def known(self, token_hashes: Collection[str]) -> set[str]:
        return set(token_hashes) & set(self._grants)

    async def prune(self, before: datetime) -> int:
        old = [key for key, grant in self._grants.items() if grant.expires_at < before]
        for key in old:
            del self._grants[key]
        return len(old)


def live(station_id: str = "CS-1", base_url: str | None = None) -> LiveStation:
    settings = StationSettings(station_id, RegistrationStatus.ACCEPTED, datetime(2026, 1, 1).astimezone())
    station = LiveStation(station_id, settings, StationReport(station_id), RegistrationStatus.ACCEPTED)
    station.base_url = base_url
    return station


async def content(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@dataclass
class Site:
    """The endpoint on a free port, and a client."""

    world: World
    files: FileService
    books: Books
    disk: Disk
    root: Path
    endpoint: FileEndpoint
    traffic: Traffic
    url: str = ""
    session: aiohttp.ClientSession = field(init=False)

    async def stored(self, data: bytes, name: str = "firmware.bin") -> StoredFile:
        return await self.files.add(name, FilePurpose.FIRMWARE, "application/octet-stream", content(data))

    async def download(
        self,
        file: StoredFile,
        *,
        seconds: float = 3600,
        station_id: str = "CS-1",
        protocol: TransferProtocol | None = None,
    ) -> str:
        expires_at = self.world.clock.now() + timedelta(seconds=seconds)
        return await self.files.offer(live(station_id, self.url), file, "update:1", expires_at, protocol)

    async def upload(
        self,
        *,
        seconds: float = 3600,
        station_id: str = "CS-1",
        name: str = "log.bin",
        protocol: TransferProtocol | None = None,
    ) -> str:
        expires_at = self.world.clock.now() + timedelta(seconds=seconds)
        station = live(station_id, self.url)
        return await self.files.expect(station, FilePurpose.LOG, name, "log:1", expires_at, protocol)

    def content_of(self, file: StoredFile) -> bytes:
        return self.disk.path(file.id).read_bytes()

    @property
    def delivered(self) -> list[StoredFile]:
        return [file for file in self.books.files.values() if file.station_id is not None]

    def parts(self) -> list[str]:
        return self.disk.parts()


@contextlib.asynccontextmanager
async def opened(
    root: Path, *, stall_s: float = 10.0, at_once: int = 200, largest_bytes: int = 1 << 30
) -> AsyncIterator[Site]:
    world, books, disk = World(), Books(), Disk(root, reserve_bytes=0)
    files = FileService(books, Grants(books), disk, world.events, world.ids, world.clock, largest_bytes=largest_bytes)
    traffic = Traffic(at_once)
    endpoint = FileEndpoint(files, traffic, SystemClock(), stall_s=stall_s)
    site = Site(world, files, books, disk, root, endpoint, traffic)
    server = web.Server(endpoint.serve, access_log=None, lingering_time=0)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    bound = web.TCPSite(runner, "127.0.0.1", 0)
    await bound.start()
    host, port = runner.addresses[0][:2]
    site.url = f"http://{host}:{port}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as site.session:
        try:
            yield site
        finally:
            await runner.cleanup()
            files.close()

"""What time does to logs: silence, an upload that never comes, a restart in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from tests.csms.blocks.l_firmware.stand_ins import Outside
from tests.csms.fakes import START, FakeStations, World

from voltbridge.csms.blocks.n_diagnostics import v201
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import GetLog
from voltbridge.csms.commands.kinds import CommandRun, Context, RequestIds
from voltbridge.domain.commands import Command, CommandState
from voltbridge.domain.file_transfer import TransferProtocol
from voltbridge.domain.files import FileGrant, FilePurpose, StoredFile, TransferWay
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_logs import LogState, LogUpload, UploadStatus
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v201 as wire
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

TOLD = wire.LogStatusNotificationRequest(status=wire.UploadLogStatusEnumType.UPLOADING)


class Logs:
    def __init__(self) -> None:
        self.all: dict[int, LogUpload] = {}

    async def put(self, log: LogUpload) -> None:
        self.all[log.id] = log

    async def get(self, id: int) -> LogUpload | None:
        return self.all.get(id)

    async def of_request(self, station_id: str, request_id: int) -> LogUpload | None:
        return next((one for one in self.all.values() if one.request_id == request_id), None)

    async def current(self, station_id: str) -> LogUpload | None:
        return max(self.all.values(), key=lambda one: (one.state.is_open, one.id), default=None)

    async def list(self, station_id: str, page: PageRequest) -> Page[LogUpload]:
        return Page(tuple(self.all.values()))

    async def open(self, station_id: str | None = None) -> Sequence[LogUpload]:
        return [one for one in self.all.values() if one.state.is_open]


class Addresses(Outside):
    def __init__(self) -> None:
        super().__init__()
        self.until: list[datetime] = []
        self.file: StoredFile | None = None

    def speaks(self, protocol: TransferProtocol) -> bool:
        return protocol is not TransferProtocol.SFTP

    async def expect(
        self,
        live: LiveStation,
        purpose: FilePurpose,
        name: str,
        reference: str,
        expires_at: datetime,
        protocol: TransferProtocol | None = None,
    ) -> str:
        self.until.append(expires_at)
        return "http://csms.example.com/files/x/"

    async def delivered_for(self, reference: str) -> StoredFile | None:
        return self.file


def a_file(moment: datetime) -> StoredFile:
    return StoredFile(
        id=7,
        name="x",
        purpose=FilePurpose.LOG,
        media_type="text/plain",
        size_bytes=3,
        sha256="",
        md5="",
        created_at=moment,
        station_id="CS-1",
    )


@dataclass
class Site:
    world: World = field(default_factory=World)
    logs: Logs = field(default_factory=Logs)
    outside: Addresses = field(default_factory=Addresses)

    def __post_init__(self) -> None:
        settings = StationSettings("CS-1", RegistrationStatus.ACCEPTED, START)
        self.live = LiveStation("CS-1", settings, StationReport("CS-1"))
        self.restart()

    def restart(self) -> None:
        world, outside = self.world, self.outside
        words: Any = {Version.V201: v201}
        self.service = LogService(
            self.logs, FakeStations(), outside, outside, outside, words, world.events, world.clock
        )

    async def ask(self) -> LogUpload:
        clock, id = self.world.clock, self.world.ids.next()
        command = Command(
            id=id, station_id="CS-1", name="x", parameters={}, state=CommandState.SENT, created_at=clock.now()
        )
        numbers = RequestIds(clock)
        context = Context("CS-1", Version.V201, self.live, self.service, numbers, clock.now())

        async def call(request: Payload) -> Any:
            return wire.GetLogResponse(status=wire.LogStatusEnumType.ACCEPTED)

        wanted = GetLog(deliver_within_s=100.0)
        run = CommandRun(
            command=command, parameters=wanted, context=context, call=call, expect=lambda correlation: None
        )
        await self.service.ask(run)
        return self.logs.all[id]

    async def tell(self, status: UploadStatus, log: LogUpload) -> None:
        await self.service.told(self.live, status, log.request_id, "log.status", TOLD)

    async def deliver(self, log: LogUpload) -> None:
        now = self.world.clock.now()
        grant = FileGrant(
            token_hash="x",
            way=TransferWay.UPLOAD,
            station_id="CS-1",
            purpose=FilePurpose.LOG,
            name="x",
            reference=f"log:{log.id}",
            created_at=now,
            expires_at=now,
        )
        await self.service.delivered(grant, a_file(now))

    async def later(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        for _ in range(20):
            await checkpoint()

    def state(self, log: LogUpload) -> tuple[LogState, str | None]:
        now = self.logs.all[log.id]
        return now.state, now.problem


async def test_said_to_be_uploaded_and_no_file_comes() -> None:
    site = Site()
    log = await site.ask()
    await site.tell(UploadStatus.UPLOADED, log)
    await site.later(59)
    assert site.state(log) == (LogState.PENDING, None)
    await site.later(2)
    assert site.state(log) == (LogState.FAILED, "the station says that it is uploaded, and no file has come")
    assert site.outside.told[-1][0] == "failed"
    await site.deliver(log)
    assert site.state(log) == (LogState.DELIVERED, None), "late is better than never"


async def test_a_file_that_comes_soon_after_is_the_end() -> None:
    site = Site()
    log = await site.ask()
    await site.tell(UploadStatus.UPLOADED, log)
    await site.deliver(log)
    await site.later(1000)
    assert site.state(log) == (LogState.DELIVERED, None)
    assert site.outside.told[-1][0] == "completed"


async def test_silence_is_failure_after_a_while_even_over_a_restart() -> None:
    site = Site()
    log = await site.ask()
    await site.service.close()
    site.restart()
    await site.service.start()
    await site.later(99)
    assert site.state(log)[0] is LogState.PENDING
    await site.later(2)
    assert site.state(log) == (LogState.FAILED, "no file has come, and the station told nothing at all")


async def test_a_station_that_tells_something_after_all_is_given_time() -> None:
    site = Site()
    log = await site.ask()
    await site.later(101)
    assert site.state(log)[0] is LogState.FAILED
    await site.tell(UploadStatus.UPLOADING, log)
    await site.later(599)
    assert site.state(log) == (LogState.PENDING, None)
    await site.later(2)
    assert site.state(log) == (LogState.FAILED, "no file has come, and the station told nothing since Uploading")


async def test_a_file_that_came_just_before_the_program_ended_is_found() -> None:
    site = Site()
    log = await site.ask()
    await site.service.close()
    site.restart()
    site.outside.file = a_file(START)
    await site.service.start()
    assert site.state(log) == (LogState.DELIVERED, None)
    assert site.outside.told[-1][0] == "completed"


async def test_the_address_outlives_the_wait() -> None:
    site = Site()
    await site.ask()
    assert (site.outside.until[0] - site.world.clock.now()).total_seconds() == 86_500


async def test_a_file_of_something_else_is_no_log() -> None:
    site = Site()
    log = await site.ask()
    await site.deliver(LogUpload(**{**{name: getattr(log, name) for name in log.__slots__}, "id": 99}))
    assert site.state(log) == (LogState.PENDING, None)


async def test_what_is_told_in_the_last_moment_counts() -> None:
    site = Site()
    log = await site.ask()
    of_request, may_read = site.logs.of_request, asyncio.Event()

    async def slow(station_id: str, request_id: int) -> LogUpload | None:
        await may_read.wait()
        return await of_request(station_id, request_id)

    site.logs.of_request = slow  # type: ignore[method-assign]
    telling = asyncio.create_task(site.tell(UploadStatus.UPLOADED, log))
    await site.later(101)
    may_read.set()
    await telling
    await site.later(0)
    assert site.state(log) == (LogState.PENDING, None)
    await site.later(61)
    assert site.state(log) == (LogState.FAILED, "the station says that it is uploaded, and no file has come")

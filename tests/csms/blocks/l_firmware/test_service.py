"""What time does to updates: silence, activation that is not proven, and a restart of the program in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from anyio.lowlevel import checkpoint
from tests.csms.blocks.l_firmware.stand_ins import Images, Outside, Updates
from tests.csms.fakes import FakeStations, World

from voltbridge.csms.blocks.l_firmware import v16, v201
from voltbridge.csms.blocks.l_firmware.parameters import UpdateFirmware
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.csms.commands.kinds import CommandRun, Context, RequestIds
from voltbridge.domain.commands import Command, CommandState
from voltbridge.domain.firmware import FirmwareStatus, FirmwareUpdate, UpdateState
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16 as wire16
from voltbridge.protocol import v201 as wire
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

ACCEPTED = wire.UpdateFirmwareResponse(status=wire.UpdateFirmwareStatusEnumType.ACCEPTED)
TOLD = wire.FirmwareStatusNotificationRequest(status=wire.FirmwareStatusEnumType.DOWNLOADING)


@dataclass
class Site:
    world: World = field(default_factory=World)
    updates: Updates = field(default_factory=Updates)
    outside: Outside = field(default_factory=Outside)
    live: LiveStation = field(init=False)
    numbers: RequestIds = field(init=False)
    service: FirmwareService = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = RequestIds(self.world.clock)
        settings = StationSettings("CS-1", RegistrationStatus.ACCEPTED, self.world.clock.now())
        self.live = LiveStation("CS-1", settings, StationReport("CS-1", firmware_version="1.0"))
        self.restart()

    def restart(self) -> None:
        world, outside = self.world, self.outside
        self.service = FirmwareService(
            Images(),
            self.updates,
            FakeStations(),
            outside,
            outside,
            outside,
            {Version.V16: v16, Version.V201: v201},
            world.events,
            world.ids,
            world.clock,
        )

    async def update(
        self,
        answer: Callable[[Payload], Any] = lambda request: ACCEPTED,
        spoken: Version = Version.V201,
        **parameters: Any,
    ) -> FirmwareUpdate:
        clock = self.world.clock
        wanted = UpdateFirmware(location="http://files.example.com/x", **parameters)
        id = self.world.ids.next()
        command = Command(
            id=id, station_id="CS-1", name="x", parameters={}, state=CommandState.SENT, created_at=clock.now()
        )
        context = Context("CS-1", spoken, self.live, self.service, self.numbers, clock.now())

        async def call(request: Payload) -> Any:
            return answer(request)

        run = CommandRun(
            command=command, parameters=wanted, context=context, call=call, expect=lambda correlation: None
        )
        await self.service.update(run)
        return self.updates.all[id]

    async def tell(self, status: FirmwareStatus, request_id: int | None) -> None:
        await self.service.told(self.live, status, request_id, TOLD)

    async def later(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        for _ in range(20):
            await checkpoint()

    def state(self, update: FirmwareUpdate) -> tuple[UpdateState, str | None]:
        now = self.updates.all[update.id]
        return now.state, now.problem


async def test_silence_is_failure_after_a_while() -> None:
    site = Site()
    update = await site.update(finish_within_s=100.0)
    await site.tell(FirmwareStatus.DOWNLOADING, update.request_id)
    await site.later(99)
    assert site.state(update) == (UpdateState.PENDING, None)
    await site.later(2)
    assert site.state(update) == (UpdateState.FAILED, "the station told nothing since Downloading")
    assert site.outside.told[-1][:2] == ("failed", str(update.request_id))
    assert site.outside.closed[-1] == f"firmware:{update.id}"
    await site.tell(FirmwareStatus.DOWNLOADED, update.request_id)
    await site.later(599)
    assert site.state(update) == (UpdateState.PENDING, None), "it was not over"
    await site.later(2)
    assert site.state(update) == (UpdateState.FAILED, "the station told nothing since Downloaded")


async def test_what_is_told_in_the_last_moment_counts() -> None:
    site = Site()
    update = await site.update(finish_within_s=100.0, version="2.0")
    of_request, may_read = site.updates.of_request, asyncio.Event()

    async def slow(station_id: str, request_id: int) -> FirmwareUpdate | None:
        await may_read.wait()
        return await of_request(station_id, request_id)

    site.updates.of_request = slow  # type: ignore[method-assign]
    telling = asyncio.create_task(site.tell(FirmwareStatus.INSTALLED, update.request_id))
    await site.later(101)
    may_read.set()
    await telling
    await site.later(0)
    assert site.state(update) == (UpdateState.PENDING, None)
    await site.later(601)
    assert site.state(update)[0] is UpdateState.UNCONFIRMED


async def test_the_time_counts_from_when_it_may_begin() -> None:
    site = Site()
    begins = site.world.clock.now() + timedelta(days=2)
    update = await site.update(install_at=begins, finish_within_s=100.0)
    await site.later(2 * 86_400)
    assert site.state(update)[0] is UpdateState.PENDING
    await site.later(101)
    assert site.state(update) == (UpdateState.FAILED, "the station told nothing at all")


@pytest.mark.parametrize(
    ("boots_with", "ends"),
    [
        ("1.0", (UpdateState.FAILED, "it was told to be installed, and the station boots with version 1.0")),
        ("2.0", (UpdateState.INSTALLED, None)),
    ],
)
async def test_installed_without_a_boot_is_unconfirmed_until_one_comes(
    boots_with: str, ends: tuple[UpdateState, str | None]
) -> None:
    site = Site()
    update = await site.update(version="2.0")
    await site.tell(FirmwareStatus.INSTALLED, update.request_id)
    await site.later(599)
    assert site.state(update)[0] is UpdateState.PENDING
    await site.later(2)
    assert site.state(update)[0] is UpdateState.UNCONFIRMED
    assert site.updates.all[update.id].verified is None
    (told,) = site.world.emitted("firmware.update_ended")
    assert (told["state"], told["status"]) == ("Unconfirmed", "Installed")
    site.live.report = replace(site.live.report, firmware_version=boots_with)
    await site.service.booted(site.live)
    assert site.state(update) == ends
    assert site.updates.all[update.id].verified is (boots_with == "2.0")


async def test_a_restart_goes_on_waiting() -> None:
    site = Site()
    update = await site.update(finish_within_s=100.0)
    await site.service.close()
    site.restart()
    await site.later(50)
    await site.service.start()
    await site.later(49)
    assert site.state(update)[0] is UpdateState.PENDING
    await site.later(2)
    assert site.state(update)[0] is UpdateState.FAILED


async def test_an_outage_of_the_storage_only_delays_the_end() -> None:
    site = Site()
    update = await site.update(finish_within_s=100.0)
    site.updates.gone = True
    await site.later(101)
    assert site.state(update)[0] is UpdateState.PENDING
    site.updates.gone = False
    await site.later(11)
    assert site.state(update)[0] is UpdateState.FAILED


async def test_a_status_that_overtakes_the_answer_is_not_lost() -> None:
    site = Site()
    statuses = []

    def overtaken(request: Any) -> Any:
        statuses.append(asyncio.ensure_future(site.tell(FirmwareStatus.DOWNLOADING, request.request_id)))
        return ACCEPTED

    update = await site.update(overtaken)
    await asyncio.gather(*statuses)
    now = site.updates.all[update.id]
    assert (now.state, now.status) == (UpdateState.PENDING, "Downloading")


async def test_without_a_number_a_status_is_of_the_newest() -> None:
    site = Site()
    plain = wire16.UpdateFirmwareResponse()
    one = await site.update(lambda request: plain, Version.V16)
    two = await site.update(lambda request: plain, Version.V16)
    await site.tell(FirmwareStatus.DOWNLOADING, None)
    assert site.state(one)[0] is UpdateState.SUPERSEDED
    assert site.updates.all[one.id].status is None
    assert site.updates.all[two.id].status == "Downloading"
    await site.tell(FirmwareStatus.INSTALLED, None)
    assert site.state(two) == (UpdateState.INSTALLED, None), "nobody knows which version to wait for"


async def test_idle_is_no_status_of_an_update() -> None:
    site = Site()
    update = await site.update()
    await site.tell(FirmwareStatus.IDLE, None)
    assert site.updates.all[update.id].statuses == ()


async def test_later_boots_change_nothing() -> None:
    site = Site()
    update = await site.update(version="2.0")
    await site.tell(FirmwareStatus.INSTALLED, update.request_id)
    for version in ("2.0", "2.0", "3.0"):
        site.live.report = replace(site.live.report, firmware_version=version)
        await site.service.booted(site.live)
        site.world.clock.advance(60)
    assert site.updates.all[update.id].installed_version == "2.0"
    assert len(site.world.emitted("firmware.update_ended")) == 1


async def test_what_failed_and_is_there_after_all_is_installed() -> None:
    site = Site()
    update = await site.update(version="2.0")
    await site.tell(FirmwareStatus.INSTALLATION_FAILED, update.request_id)
    assert site.state(update) == (UpdateState.FAILED, "InstallationFailed")
    site.live.report = replace(site.live.report, firmware_version="2.0")
    await site.service.booted(site.live)
    assert site.state(update) == (UpdateState.INSTALLED, None)

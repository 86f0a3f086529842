"""Two who set profiles on one station at once, and reports that were asked for before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.csms.fakes import START, FakeCalls, FakeConnected, FakeStations, World

from voltbridge.csms.blocks.k_smart_charging import v201 as words
from voltbridge.csms.blocks.k_smart_charging.parameters import GetChargingProfiles
from voltbridge.csms.blocks.k_smart_charging.service import FIRST_OWN_ID, FIRST_SITE_ID, SmartChargingService
from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    ChargingSchedule,
    InstalledProfile,
    LimitSource,
    ProfileConflict,
    ProfileCriteria,
    ProfileKind,
    ProfilePurpose,
    RateUnit,
    SchedulePeriod,
)
from voltbridge.protocol import v201
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

ACCEPTED = v201.SetChargingProfileResponse(status=v201.ChargingProfileStatusEnumType.ACCEPTED)
CLEARED = v201.ClearChargingProfileResponse(status=v201.ClearChargingProfileStatusEnumType.ACCEPTED)


class Installed:
    """What is known of stations, by id."""

    def __init__(self) -> None:
        self.profiles: dict[int, InstalledProfile] = {}

    async def of_station(self, station_id: str) -> Sequence[InstalledProfile]:
        await asyncio.sleep(0)
        return list(self.profiles.values())

    async def put(self, profiles: Sequence[InstalledProfile]) -> None:
        await asyncio.sleep(0)
        self.profiles |= {one.profile.id: one for one in profiles}

    async def remove(self, station_id: str, profile_ids: Sequence[int]) -> None:
        for id in profile_ids:
            self.profiles.pop(id, None)


class Outcomes:
    def progress(self, *told: Any) -> int | None:
        return None

    conclude = progress


class Site:
    """The service over a station that answers when it may."""

    def __init__(self) -> None:
        self.world, self.installed = World(), Installed()
        self.answers: asyncio.Queue[Payload] = asyncio.Queue()
        self.sent: list[Any] = []
        nothing: Any = None
        self.service = SmartChargingService(
            nothing,
            self.installed,
            nothing,
            nothing,
            FakeStations(),
            FakeConnected(),
            FakeCalls(),
            Outcomes(),
            self.world.events,
            self.world.clock,
            {Version.V201: words},
        )

    async def call(self, request: Payload) -> Any:
        self.sent.append(request)
        return await self.answers.get()

    async def install(self, evse_id: int, profile: ChargingProfile) -> Any:
        return await self.service.install("CP1", Version.V201, evse_id, profile, self.call)

    async def sends(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.sent) < count:  # noqa: ASYNC110 - what it waits for is a plain list
                await asyncio.sleep(0)


def profile(id: int = 0, level: int = 0) -> ChargingProfile:
    schedule = ChargingSchedule(RateUnit.A, (SchedulePeriod(0, 16.0),), START)
    return ChargingProfile(id, ProfilePurpose.TX_DEFAULT, ProfileKind.ABSOLUTE, level, (schedule,))


async def test_two_that_are_set_at_once_have_two_ids() -> None:
    site = Site()
    both = [asyncio.create_task(site.install(evse_id, profile())) for evse_id in (1, 2)]
    for _ in both:
        site.answers.put_nowait(ACCEPTED)
    ids = [(await one).info["profile_id"] for one in both]
    assert ids == [FIRST_OWN_ID, FIRST_OWN_ID + 1]
    assert [request.charging_profile.id for request in site.sent] == ids
    assert {id: one.evse_id for id, one in site.installed.profiles.items()} == {ids[0]: 1, ids[1]: 2}


async def test_of_two_that_conflict_at_once_the_second_is_refused() -> None:
    site = Site()
    site.answers.put_nowait(ACCEPTED)
    outcomes = await asyncio.gather(site.install(1, profile(7)), site.install(1, profile(8)), return_exceptions=True)
    assert isinstance(outcomes[1], ProfileConflict)
    assert list(site.installed.profiles) == [7]


async def test_a_profile_set_while_others_are_cleared_stays_known() -> None:
    site = Site()
    await site.installed.put([InstalledProfile("CP1", 1, profile(7), LimitSource.CSO.value, START)])
    clearing = asyncio.create_task(site.service.clear("CP1", Version.V201, ProfileCriteria(evse_id=1), site.call))
    await site.sends(1)
    setting = asyncio.create_task(site.install(1, profile(8)))
    site.answers.put_nowait(CLEARED)
    site.answers.put_nowait(ACCEPTED)
    await asyncio.gather(clearing, setting)
    assert list(site.installed.profiles) == [8]


async def test_ids_of_load_management_are_left_to_it() -> None:
    site = Site()
    taken = [FIRST_OWN_ID, FIRST_SITE_ID + 2, FIRST_SITE_ID + 3]
    await site.installed.put(
        [InstalledProfile("CP1", 1, profile(id, level=id % 10), LimitSource.CSO.value, START) for id in taken]
    )
    site.answers.put_nowait(ACCEPTED)
    assert (await site.install(2, profile(level=5))).info["profile_id"] == FIRST_OWN_ID + 1


async def test_what_was_set_after_a_report_was_asked_for_is_not_missing_in_it() -> None:
    site = Site()
    await site.installed.put([InstalledProfile("CP1", 1, profile(7), LimitSource.CSO.value, START)])
    site.service.report_expected("CP1", 1, GetChargingProfiles())
    site.world.clock.advance(1)
    site.answers.put_nowait(ACCEPTED)
    await site.install(2, profile(8))
    await site.service.report_answered("CP1", 1, accepted=False)
    assert list(site.installed.profiles) == [8]

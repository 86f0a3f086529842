"""One site at work while something goes wrong on our side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from tests.csms.fakes import FakeConnected, World

from voltbridge.csms.commands.kinds import Answer
from voltbridge.csms.sites.manager import SiteManager
from voltbridge.csms.sites.service import SiteService
from voltbridge.domain.charging_profiles import ChargingProfile, InstalledProfile
from voltbridge.domain.composite_schedule import RunningTransaction
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.site_load import Fuse, Outlet, Site
from voltbridge.domain.stations import LiveStation

pytestmark = pytest.mark.anyio

SITE = Site("home", (Fuse("main", (32_000,) * 3),), (Outlet("CP1", 1, "main", 32_000, fail_safe_ma=6_000),))


class Profiles:
    """Takes every profile, unless ``trouble`` is set."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.offered: list[ChargingProfile] = []

    def running(self, station_id: str, evse_id: int) -> RunningTransaction | None:
        return None

    async def present(self, station_id: str) -> Sequence[InstalledProfile]:
        if self.trouble is not None:
            raise self.trouble
        return ()

    async def offer(self, live: LiveStation, evse_id: int, profile: ChargingProfile) -> Answer:
        if self.trouble is not None:
            raise self.trouble
        self.offered.append(profile)
        return Answer(True, "Accepted")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what it waits for are plain values
            await asyncio.sleep(0)


async def test_a_mistake_of_ours_does_not_end_the_steering_of_a_site() -> None:
    world, profiles, connected = World(), Profiles(), FakeConnected()
    connected.stations["CP1"] = cast(LiveStation, object())
    manager = SiteManager(SITE, profiles, connected, world.events, world.clock)
    profiles.trouble = RuntimeError("planted")
    manager.notice()
    await until(lambda: manager.rounds == 1)
    profiles.trouble = None
    manager.notice()
    await until(lambda: manager.rounds == 2)
    assert len(profiles.offered) == 1
    await manager.stop()


class Book:
    async def all(self) -> Sequence[Site]:
        return [SITE]


async def test_a_site_that_cannot_be_taken_up_leaves_nothing_at_work() -> None:
    world, profiles = World(), Profiles()
    profiles.trouble = StorageUnavailable("planted")
    nothing: Any = None
    service = SiteService(cast(Any, Book()), profiles, FakeConnected(), nothing, world.events, world.clock)
    before = asyncio.all_tasks()
    with pytest.raises(StorageUnavailable):
        await service.start()
    assert asyncio.all_tasks() == before

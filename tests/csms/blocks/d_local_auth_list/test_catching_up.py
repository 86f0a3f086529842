"""Stations told of changed tokens while something goes wrong with one of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.csms.fakes import START, FakeCalls, FakeConnected, FakeStations, World

from voltbridge.csms.blocks.d_local_auth_list import v201
from voltbridge.csms.blocks.d_local_auth_list.service import LocalListService
from voltbridge.domain.local_lists import LocalList, TokenSelection
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio


class Lists:
    """Which lists there are."""

    def __init__(self) -> None:
        self.all: dict[str, LocalList] = {}

    async def get(self, station_id: str) -> LocalList | None:
        return self.all.get(station_id)

    async def put(self, one: LocalList, entries: Any = None) -> bool:
        self.all[one.station_id] = replace(one)
        return True


class Calls(FakeCalls):
    """Every call is a mistake of ours, once it may be one."""

    def __init__(self) -> None:
        super().__init__()
        self.may_fail = asyncio.Event()

    async def call(self, station: Any, *arguments: Any, **more: Any) -> Any:
        self.sent.append((station.station_id, *arguments))
        await self.may_fail.wait()
        raise RuntimeError("planted")


async def test_a_mistake_of_ours_with_one_station_leaves_no_other_behind() -> None:
    world, calls, stations, connected = World(), Calls(), FakeStations(), FakeConnected()
    for station_id in ("CP1", "CP2"):
        settings = StationSettings(station_id, RegistrationStatus.ACCEPTED, START)
        report = StationReport(station_id, protocol=Version.V201.value)
        stations.settings[station_id] = settings
        connected.stations[station_id] = LiveStation(
            station_id, settings, report, registered=RegistrationStatus.ACCEPTED
        )
    lists: Any = Lists()
    nothing: Any = None
    words: Any = {Version.V201: v201}
    service = LocalListService(lists, nothing, stations, connected, calls, nothing, words, world.events, world.clock)

    async def told(station_id: str) -> None:
        async with asyncio.timeout(30):
            while station_id not in [sent[0] for sent in calls.sent]:
                await asyncio.sleep(0)
                world.clock.advance(0.1)

    await service.put("CP1", TokenSelection(), automatic=True)
    await told("CP1")
    await service.put("CP2", TokenSelection(), automatic=True)
    calls.may_fail.set()
    await told("CP2")
    await service.close()

"""Desired configurations: what is remembered of them between boots."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from tests.csms.fakes import START, FakeConnected, FakeStations, World

from voltbridge.csms.blocks.b_provisioning.configurations import ConfigurationService
from voltbridge.domain.configurations import Configuration

pytestmark = pytest.mark.anyio


class SlowBook:
    """Reads what there is when it is asked, and gives it when it may."""

    def __init__(self) -> None:
        self.stored: dict[str, Configuration] = {}
        self.reading = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def list(self) -> list[Configuration]:
        found = list(self.stored.values())
        self.reading.set()
        await self.may_answer.wait()
        return found

    async def put(self, configuration: Configuration) -> bool:
        added = configuration.name not in self.stored
        self.stored[configuration.name] = configuration
        return added

    async def delete(self, name: str) -> None:
        del self.stored[name]


async def test_what_is_read_while_it_changes_is_not_remembered() -> None:
    world, book = World(), SlowBook()
    service = ConfigurationService(
        book, cast(Any, None), FakeStations(), FakeConnected(), world.bus, world.events, world.clock
    )
    reading = asyncio.create_task(service.list())
    await book.reading.wait()
    await service.put("night", (), station_ids=["CP1"])
    book.may_answer.set()
    assert await reading == []
    (night,) = await service.list()
    assert (night.name, night.updated_at) == ("night", START)

"""The bus in one process keeps the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.bus.contract import BusContract

from voltbridge.bus.local import LocalBus
from voltbridge.bus.ports import Bus


class TestLocalBus(BusContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Bus]:
        bus = LocalBus()
        yield bus
        await bus.close()


@pytest.mark.anyio
async def test_closing_waits_for_the_reactions_that_have_begun() -> None:
    bus = LocalBus()
    done = False

    async def react(station_id: str) -> None:
        nonlocal done
        await asyncio.sleep(0)
        done = True

    bus.on_announcement("settings", react)
    bus.announce("settings", "CS1")
    await bus.close()
    assert done

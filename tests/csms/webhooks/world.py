"""Webhooks over a real database and real sockets, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.csms.fakes import FakeClock

from voltbridge.bus.local import LocalBus
from voltbridge.clock import SystemClock
from voltbridge.csms.events import EventLog
from voltbridge.csms.vault import Vault
from voltbridge.csms.webhooks.ports import WebhookBook
from voltbridge.csms.webhooks.sender import HttpSender
from voltbridge.csms.webhooks.service import KnownWebhook, WebhookService
from voltbridge.csms.webhooks.worker import Workshop
from voltbridge.domain.events import Event
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.site_load import Fuse, Outlet, Site
from voltbridge.domain.webhooks import Delivery, DeliveryFilter, DeliveryState, WebhookAddresses
from voltbridge.storage import Storage

__all__ = ["World", "eventually", "opened"]

DEPOT = Site("depot", (Fuse("main", (32_000,) * 3),), (Outlet("CS-9", 1, "main", 32_000),))


async def eventually(right: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(timeout_s):
        while not right():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@dataclass
class Sites:
    sites: list[Site] = field(default_factory=lambda: [DEPOT])

    def list(self) -> list[Site]:
        return self.sites


class WatchedClock(FakeClock):
    """Knows who sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeping = 0

    async def sleep(self, seconds: float) -> None:
        self.sleeping += 1
        try:
            await super().sleep(seconds)
        finally:
            self.sleeping -= 1


class World:
    """One program after the other on the same database: ``restart`` begins the next."""

    def __init__(self, storage: Storage, key: Path, book: WebhookBook | None = None) -> None:
        self.key = key
        self.storage = storage
        self.book = book or storage.webhooks
        self.clock = WatchedClock()
        self.bus = LocalBus()
        self.ids = IdSource(self.clock)
        self.log = EventLog(storage.journal, self.bus, self.ids, self.clock)
        self.luck = 1.0
        self.service = self._made()

    def _made(self, addresses: WebhookAddresses = WebhookAddresses.ANY) -> WebhookService:
        workshop = Workshop(
            book=self.book,
            events=self.storage.events,
            sender=HttpSender(self.clock, addresses),
            sites=Sites(),
            log=self.log,
            ids=self.ids,
            clock=self.clock,
            luck=lambda: self.luck,
        )
        return WebhookService(workshop, self.storage.journal, self.bus, addresses, Vault(self.key))

    async def restart(self, addresses: WebhookAddresses = WebhookAddresses.ANY) -> None:
        """End the program in order, and begin again."""
        await self.service.close()
        self.service = self._made(addresses)
        await self.service.start()

    async def happen(self, *names: str, station_id: str | None = "CS-1", **data: Any) -> list[Event]:
        """Events with these names in their data, one after the other, stored and told."""
        events = []
        for name in names:
            self.clock.advance(0.001)
            type = data.get("type", "station.boot")
            events.append(self.log.emit(type, station_id, name=name))
        await self.log.told()
        return events

    async def hook(self, url: str, **chosen: Any) -> KnownWebhook:
        """A webhook that hears of stations only, unless told otherwise."""
        return await self.service.create(url, **{"types": ("station.*",), **chosen})

    async def known(self, hook: KnownWebhook) -> KnownWebhook:
        """As it is now."""
        return await self.service.get(hook.webhook.id)

    def failures(self, hook: KnownWebhook) -> int:
        return self.service._workers[hook.webhook.id].progress.failures

    async def failed(self, hook: KnownWebhook, times: int) -> None:
        """Wait until so many attempts in a row have failed, and the next is waited for."""
        await eventually(lambda: self.failures(hook) == times)
        await self.waits()

    async def waits(self) -> None:
        """Wait until a worker lets time pass before it tries again."""
        await eventually(lambda: self.clock.sleeping > 0)

    async def rests(self) -> None:
        """Wait until a worker has nothing to do but to be rung: only then does time that passes wake it."""
        await eventually(lambda: self.clock.timers > 0)

    async def lines(self, hook: KnownWebhook, state: DeliveryState | None = None) -> list[Delivery]:
        """The log, oldest first."""
        page = await self.service.deliveries(DeliveryFilter(hook.webhook.id, state), PageRequest(500))
        return list(page.items)[::-1]

    async def settled(self, hook: KnownWebhook, number: int) -> list[Delivery]:
        """The log once it has so many lines."""
        async with asyncio.timeout(60):
            while len(found := await self.lines(hook)) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found

    async def stored(self, type: str) -> list[Event]:
        """Events of a type."""
        await self.storage.journal.committed()
        return [event for event in await self.storage.events.after(0, 100_000) if event.type == type]


@contextlib.asynccontextmanager
async def opened(database: Path) -> AsyncIterator[World]:
    storage = await Storage.open(f"sqlite:///{database}", SystemClock())
    world = World(storage, database.with_name("secrets.key"))
    try:
        yield world
    finally:
        await world.service.close()
        await world.log.told()
        await world.bus.close()
        await storage.close()

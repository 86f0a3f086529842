"""The event stream: nothing missing, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.csms.fakes import FakeClock, FakeJournal

from voltbridge.bus.local import LocalBus
from voltbridge.csms.event_stream import EventStream, Mark
from voltbridge.domain.events import Event, EventFilter, LiveEvent
from voltbridge.domain.paging import Page, PageRequest

pytestmark = pytest.mark.anyio

AT = datetime(2026, 5, 1, tzinfo=UTC)


def event(id: int, type: str = "station.boot", station_id: str | None = "CP-1") -> Event:
    return Event(id, type, AT, station_id, {"n": id})


class Store:
    """Stored events; ``reading`` is called before each read, so that a test can slip something in."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reads = 0
        self.slip_in: list[Event] = []
        self.bus: LocalBus | None = None

    def add(self, new: Event) -> None:
        self.events.append(new)

    async def after(self, id: int, limit: int) -> Sequence[Event]:
        self.reads += 1
        found = [each for each in self.events if each.id > id][:limit]
        while self.slip_in and self.bus is not None:
            late = self.slip_in.pop(0)
            self.add(late)
            self.bus.publish(late)
        return found

    async def last_id(self) -> int:
        return self.events[-1].id if self.events else 0

    async def list(self, wanted: EventFilter, page: PageRequest) -> Page[Event]:
        return Page(tuple(each for each in reversed(self.events) if wanted.takes(each))[: page.limit])


class World:
    def __init__(self) -> None:
        self.store = Store()
        self.bus = self.store.bus = LocalBus()
        self.clock = FakeClock()
        self.stream = EventStream(self.store, FakeJournal(), self.bus, self.clock, quiet_after_s=15)

    def happen(self, *new: Event) -> None:
        for each in new:
            self.store.add(each)
            self.bus.publish(each)


async def _reader(world: World, after: int | None, wanted: EventFilter) -> AsyncIterator[Any]:
    reader = aiter(world.stream.follow(after, wanted))
    assert await asyncio.wait_for(anext(reader), 30) is Mark.LISTENING
    return reader


async def _take(reader: AsyncIterator[Any], count: int) -> list[Any]:
    return [await asyncio.wait_for(anext(reader), 30) for _ in range(count)]


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_stored_events_come_first_then_live_ones() -> None:
    world = World()
    world.happen(event(1), event(2), event(3))
    reader = await _reader(world, 1, EventFilter())
    assert [each.id for each in await _take(reader, 2)] == [2, 3]
    world.happen(event(4))
    assert [each.id for each in await _take(reader, 1)] == [4]


async def test_what_is_stored_while_the_storage_is_read_comes_once() -> None:
    world = World()
    world.happen(event(1))
    world.store.slip_in = [event(2), event(3)]
    reader = await _reader(world, 0, EventFilter())
    assert [each.id for each in await _take(reader, 3)] == [1, 2, 3]
    world.happen(event(4))
    assert [each.id for each in await _take(reader, 1)] == [4]


async def test_without_an_id_the_stream_begins_now() -> None:
    world = World()
    world.happen(event(1))
    reader = await _reader(world, None, EventFilter())
    first = asyncio.ensure_future(anext(reader))
    await _settle()
    world.happen(event(2))
    assert await asyncio.wait_for(first, 30) == world.store.events[-1]


async def test_a_reader_too_slow_for_the_queue_is_served_from_the_storage() -> None:
    world = World()
    reader = await _reader(world, 0, EventFilter())
    world.happen(event(1))
    assert [each.id for each in await _take(reader, 1)] == [1]
    world.happen(*(event(number) for number in range(2, 3502)))
    assert [each.id for each in await _take(reader, 3500)] == list(range(2, 3502))
    world.happen(event(3502))
    assert [each.id for each in await _take(reader, 1)] == [3502]


async def test_filters_hold_for_stored_and_live_events() -> None:
    world = World()
    world.happen(event(1, "transaction.started"), event(2), event(3, "transaction.ended", "CP-2"))
    reader = await _reader(world, 0, EventFilter("transaction", "CP-1"))
    assert [each.id for each in await _take(reader, 1)] == [1]
    world.happen(event(4), event(5, "transactional"), event(6, "transaction.updated"))
    assert [each.id for each in await _take(reader, 1)] == [6]


async def test_live_only_events_pass_through() -> None:
    world = World()
    reader = await _reader(world, 0, EventFilter(type="meter_values"))
    first = asyncio.ensure_future(anext(reader))
    await _settle()
    live = LiveEvent("meter_values", AT, "CP-1", {})
    world.bus.publish(live)
    assert await asyncio.wait_for(first, 30) is live


async def test_silence_is_told() -> None:
    world = World()
    reader = await _reader(world, 0, EventFilter())
    first = asyncio.ensure_future(anext(reader))
    await _settle()
    world.clock.advance(15)
    assert await asyncio.wait_for(first, 30) is Mark.QUIET
    world.happen(event(1))
    assert [each.id for each in await _take(reader, 1)] == [1]


async def test_close_ends_readers_and_later_ones() -> None:
    world = World()
    reader = await _reader(world, 0, EventFilter())
    waiting = asyncio.ensure_future(anext(reader, None))
    await _settle()
    assert world.stream.readers == 1
    world.stream.close()
    assert await asyncio.wait_for(waiting, 30) is None
    assert world.stream.readers == 0
    assert [each async for each in world.stream.follow(0, EventFilter())] == []


async def test_a_reader_that_goes_away_leaves_nothing_behind() -> None:
    world = World()
    reader = await _reader(world, 0, EventFilter())
    waiting = asyncio.ensure_future(anext(reader))
    await _settle()
    before = len(asyncio.all_tasks())
    assert world.stream.readers == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await _settle()
    assert not world.bus.has_subscribers
    assert not world.stream.readers
    assert len(asyncio.all_tasks()) < before


async def test_after_lists_oldest_first_up_to_the_limit() -> None:
    world = World()
    world.happen(*(event(number, "a.b" if number % 2 else "c.d") for number in range(1, 1200)))
    found = await world.stream.after(10, EventFilter(type="a"), 550)
    assert [each.id for each in found] == list(range(11, 1111, 2))
    assert await world.stream.after(1198, EventFilter(type="c"), 5) == []

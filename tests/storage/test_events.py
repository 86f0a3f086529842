"""Events and deviations through the stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.storage.nouns import NOON, at, deviation, event

from voltbridge.domain.events import Event, EventFilter
from voltbridge.domain.ids import ID_BITS
from voltbridge.domain.messages import DeviationCount, DeviationFilter
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.storage import Storage
from voltbridge.storage.times import to_ms

pytestmark = pytest.mark.anyio


async def put(storage: Storage, *facts: Any) -> None:
    for fact in facts:
        storage.journal.put(fact)
    await storage.journal.committed()


async def test_events_are_read_on_after_the_last_one_seen(storage: Storage) -> None:
    assert await storage.events.last_id() == 0
    await put(storage, *(event(number) for number in range(1, 8)), event(8, None), event(2**62))
    assert await storage.events.after(0, 3) == [event(1), event(2), event(3)]
    assert await storage.events.after(6, 100) == [event(7), event(8, None), event(2**62)]
    assert await storage.events.after(2**62, 100) == []
    assert await storage.events.last_id() == 2**62


async def test_events_are_listed_newest_first(storage: Storage) -> None:
    await put(
        storage,
        *(event(number) for number in range(1, 5)),
        event(5, "CS-2", type="station.connected"),
        event(6, None, type="server.started"),
    )

    async def ids(wanted: EventFilter, limit: int = 50) -> list[int]:
        page = await storage.events.list(wanted, PageRequest(limit))
        found = [one.id for one in page.items]
        while page.next:
            page = await storage.events.list(wanted, PageRequest(limit, page.next))
            found += [one.id for one in page.items]
        return found

    assert await ids(EventFilter(), 2) == [6, 5, 4, 3, 2, 1]
    assert await ids(EventFilter(station_id="CS-1"), 3) == [4, 3, 2, 1]
    assert await ids(EventFilter(type="station.connected")) == [5]
    assert await ids(EventFilter(type="station.%")) == []
    with pytest.raises(InvalidCursor):
        await storage.events.list(EventFilter(), PageRequest(3, "x"))


async def test_the_newest_of_a_type_since_a_moment(storage: Storage) -> None:
    def told(hours: int, type: str = "security.event") -> Event:
        moment = NOON + timedelta(hours=hours)
        return replace(event(to_ms(moment) << ID_BITS, type=type), at=moment)

    await put(storage, told(1), told(2), told(3, "station.boot"), told(4), told(5))
    assert await storage.events.of_type("security.event", NOON + timedelta(hours=2), 9) == [told(2), told(4), told(5)]
    assert await storage.events.of_type("security.event", NOON, 2) == [told(4), told(5)]


async def test_old_events_are_pruned(storage: Storage) -> None:
    await put(storage, *(event(number) for number in range(1, 2501)))
    assert await storage.events.prune(at(2400)) == 2399
    assert [one.id for one in await storage.events.after(0, 2)] == [2400, 2401]
    assert await storage.events.prune(at(0)) == 0


async def test_an_event_that_comes_twice_is_one(storage: Storage) -> None:
    await put(storage, event(1))
    await put(storage, event(1), event(2))
    assert await storage.events.after(0, 9) == [event(1), event(2)]


async def test_deviations_add_up(storage: Storage) -> None:
    first = deviation("CS-1")
    await put(storage, first, replace(first, count=2, last_seen_at=at(5), last_station_id="CS-2", example="y"))
    await put(storage, replace(first, count=4, first_seen_at=at(6), last_seen_at=at(7), last_station_id="CS-3"))
    page = await storage.deviations.list(DeviationFilter(), PageRequest())
    assert page.items == (replace(first, count=7, first_seen_at=NOON, last_seen_at=at(7), last_station_id="CS-3"),)


async def test_deviations_are_listed_by_charger(storage: Storage) -> None:
    await put(
        storage,
        *(
            deviation(vendor=vendor, model=model, path=path)
            for vendor in "BA"
            for model in "yx"
            for path in ("$.b", "$")
        ),
    )

    def names(items: tuple[DeviationCount, ...]) -> list[str]:
        return [one.vendor + one.model + one.path for one in items]

    found: list[str] = []
    page = await storage.deviations.list(DeviationFilter(), PageRequest(3))
    found += names(page.items)
    while page.next:
        page = await storage.deviations.list(DeviationFilter(), PageRequest(3, page.next))
        found += names(page.items)
    assert sorted(found) == sorted(v + m + p for v in "AB" for m in "xy" for p in ("$", "$.b"))
    assert [name[:2] for name in found] == ["Ax", "Ax", "Ay", "Ay", "Bx", "Bx", "By", "By"]
    only = await storage.deviations.list(DeviationFilter(vendor="A", model="y"), PageRequest())
    assert {name[:2] for name in names(only.items)} == {"Ay"}
    with pytest.raises(InvalidCursor):
        await storage.deviations.list(DeviationFilter(), PageRequest(3, "x"))


async def test_what_a_station_makes_up_does_not_grow_the_table_without_end(storage: Storage) -> None:
    long = deviation(path="$." + "x" * 100_000, example="y" * 100_000)
    await put(storage, long)
    await put(storage, replace(long, path=long.path + "z"))
    (found,) = (await storage.deviations.list(DeviationFilter(), PageRequest())).items
    assert found.count == 2
    assert len(found.path) < 300 and len(found.example) < 300

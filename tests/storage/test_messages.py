"""The message log through the store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.storage.nouns import at, at_ms, message, settings

from voltbridge.clock import SystemClock
from voltbridge.domain.messages import LoggedMessage, MessageDirection, MessageFilter
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

SENT = MessageDirection.SENT


async def every(storage: Storage, wanted: MessageFilter, limit: int = 50) -> list[LoggedMessage]:
    """All that the list gives, page by page."""
    page = await storage.messages.list(wanted, PageRequest(limit))
    found = list(page.items)
    while page.next:
        page = await storage.messages.list(wanted, PageRequest(limit, page.next))
        assert 0 < len(page.items) <= limit
        found += page.items
    return found


async def fill(storage: Storage, stations: int, rounds: int) -> None:
    """A call and its reply for each station, every second, one commit a round."""
    for number in range(rounds):
        for station in range(stations):
            call: dict[str, Any] = {"message_id": f"m{number}", "action": "Heartbeat" if number % 3 else "Authorize"}
            storage.journal.put(message(f"CS-{station}", number, **call))
            storage.journal.put(message(f"CS-{station}", number + 0.5, direction=SENT, kind=3, **call))
        await storage.journal.committed()


async def count(storage: Storage, table: str) -> int:
    found: int = await storage.journal.write(
        lambda connection: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
    )
    return found


async def test_a_frame_is_kept_whole(storage: Storage) -> None:
    storage.journal.put(message())
    storage.journal.put(message(seconds=1, kind=0, message_id=None, action=None, frame="{broken \\u0000 \n ü😀"))
    await storage.journal.committed()
    newer, older = await every(storage, MessageFilter("CS-1"))
    assert newer == LoggedMessage(
        newer.id, "CS-1", at(1), MessageDirection.RECEIVED, 0, None, None, "{broken \\u0000 \n ü😀"
    )
    assert older == LoggedMessage(
        older.id, "CS-1", at(0), MessageDirection.RECEIVED, 2, "m-1", "Heartbeat", '[2,"m-1","Heartbeat",{}]'
    )
    assert newer.id > older.id


async def test_the_list_is_filtered_and_paged_newest_first(storage: Storage) -> None:
    await fill(storage, 3, 12)
    found = await every(storage, MessageFilter("CS-1"), 5)
    assert [one.at for one in found] == [at(number / 2) for number in range(23, -1, -1)]
    assert {one.station_id for one in found} == {"CS-1"}
    authorize = await every(storage, MessageFilter("CS-1", action="Authorize"), 3)
    assert [one.message_id for one in authorize] == ["m9", "m9", "m6", "m6", "m3", "m3", "m0", "m0"]
    sent = await every(storage, MessageFilter("CS-1", action="Authorize", direction=SENT), 1)
    assert [(one.kind, one.message_id) for one in sent] == [(3, "m9"), (3, "m6"), (3, "m3"), (3, "m0")]
    one_exchange = await every(storage, MessageFilter("CS-2", message_id="m4"))
    assert [one.at for one in one_exchange] == [at(4.5), at(4)]
    between = await every(storage, MessageFilter("CS-0", since=at(3), until=at(5)), 3)
    assert [one.at for one in between] == [at(4.5), at(4), at(3.5), at(3)]
    for nobody in (MessageFilter("CS-9"), MessageFilter("CS-%"), MessageFilter("CS-1", message_id="m%")):
        assert await every(storage, nobody) == []
    with pytest.raises(InvalidCursor):
        await storage.messages.list(MessageFilter("CS-1"), PageRequest(3, "x"))


async def test_what_is_found_does_not_depend_on_the_blocks(storage: Storage, url: str) -> None:
    """Over many blocks, with stations that are in few of them, and after a restart."""
    for part in range(4):
        again = await Storage.open(url, SystemClock())
        for number in range(3000):
            again.journal.put(message("busy", part * 10_000 + number))
        again.journal.put(message(f"rare-{part % 2}", part * 10_000 + 5000, message_id=f"r{part}"))
        await again.journal.committed()
        for number in range(3000):
            again.journal.put(message("busy", part * 10_000 + 6000 + number))
        await again.close()
    busy = await every(storage, MessageFilter("busy"), 1000)
    assert [one.at for one in busy] == sorted((one.at for one in busy), reverse=True)
    assert len(busy) == 24_000
    assert [one.message_id for one in await every(storage, MessageFilter("rare-0"), 1)] == ["r2", "r0"]
    assert [one.message_id for one in await every(storage, MessageFilter("rare-1"))] == ["r3", "r1"]
    late = await every(storage, MessageFilter("rare-1", since=at(15_000)))
    assert [one.message_id for one in late] == ["r3", "r1"]
    assert await every(storage, MessageFilter("rare-1", since=at(15_001), until=at(35_000))) == []
    window = await every(storage, MessageFilter("busy", since=at(12_998), until=at(16_002)), 3)
    assert [one.at for one in window] == [at(16_001), at(16_000), at(12_999), at(12_998)]


async def test_prune_forgets_what_is_older(storage: Storage) -> None:
    await fill(storage, 3, 40)
    for number in range(5000):
        storage.journal.put(message("busy", -5000 + number))
    await storage.journal.committed()
    assert await storage.messages.prune(at(-10_000)) == 0
    forgotten = await storage.messages.prune(at(30))
    assert forgotten == 3 * 2 * 30 + 5000
    assert await count(storage, "messages") == 3 * 2 * 10
    left = await every(storage, MessageFilter("CS-0"))
    assert [one.at for one in left] == [at(number / 2) for number in range(79, 59, -1)]
    assert await every(storage, MessageFilter("busy")) == []
    assert await storage.messages.prune(at(30)) == 0
    assert await storage.messages.prune(at(1000)) == 60
    assert await every(storage, MessageFilter("CS-0")) == []


async def test_prune_forgets_the_entries_of_blocks_that_are_gone(storage: Storage, url: str) -> None:
    for part in range(3):
        again = await Storage.open(url, SystemClock())  # begins a block of its own
        for station in range(150):
            again.journal.put(message(f"CS-{station}", part * 10_000))
        await again.close()
    assert await count(storage, "message_blocks") == 450
    assert await storage.messages.prune(at(10_000)) == 150
    assert await count(storage, "message_blocks") == 300
    assert [one.at for one in await every(storage, MessageFilter("CS-149"))] == [at(20_000), at(10_000)]


async def test_writing_goes_on_while_much_is_pruned(storage: Storage) -> None:
    for number in range(20_000):
        storage.journal.put(message("CS-1", number))
    await storage.journal.committed()
    before = storage.journal.commits
    pruning = asyncio.create_task(storage.messages.prune(at(1e6)))
    while not pruning.done():
        storage.journal.put(message("CS-2", 2e6))
        await storage.journal.committed("CS-2")
    assert await pruning == 20_000
    # It took many commits, and every one of them could carry others' facts.
    assert storage.journal.commits - before >= 20


async def test_a_station_made_anew_does_not_see_the_former_log(storage: Storage) -> None:
    await storage.stations.add(settings("CS-0"))
    await fill(storage, 2, 10)
    await storage.stations.delete("CS-0")
    await storage.stations.add(settings("CS-0"))
    storage.journal.put(message("CS-0", 99))
    await storage.journal.committed()
    assert [one.at for one in await every(storage, MessageFilter("CS-0"))] == [at(99)]
    assert len(await every(storage, MessageFilter("CS-1"))) == 20


def test_moments_are_whole_milliseconds() -> None:
    assert at_ms(0.25) - at_ms(0) == 250

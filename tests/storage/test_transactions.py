"""Transactions and their samples through the stores."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.storage.nouns import NOON, at, meter_record, token, transaction

from voltbridge.clock import SystemClock
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import EnergyReading, Transaction, TransactionFilter, TransactionState
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

ENDED = TransactionState.ENDED


async def put(storage: Storage, *transactions: Transaction) -> None:
    for one in transactions:
        storage.journal.put(one)
    await storage.journal.committed()


async def ids(storage: Storage, wanted: TransactionFilter, limit: int = 50) -> list[int]:
    """Every id the list gives, page by page."""
    page = await storage.transactions.list(wanted, PageRequest(limit))
    found = [one.id for one in page.items]
    while page.next:
        page = await storage.transactions.list(wanted, PageRequest(limit, page.next))
        assert len(page.items) <= limit
        found += [one.id for one in page.items]
    return found


async def test_a_transaction_is_kept_whole_and_replaced(storage: Storage) -> None:
    whole = transaction(2**62)
    await put(storage, whole)
    assert await storage.transactions.get(2**62) == whole
    bare = Transaction(2**62, "", "CS-1", ENDED, NOON, NOON)
    await put(storage, whole, bare)
    assert await storage.transactions.get(2**62) == bare
    assert await storage.transactions.get(1) is None


async def test_odd_values_come_back(storage: Storage) -> None:
    odd = transaction(
        1,
        transaction_id="ü\n\t😀" * 9,
        started_at=datetime(1, 1, 1, tzinfo=UTC),
        stopped_at=datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
        energy_wh=-0.1,
        first_reading=EnergyReading(at(0), 1e300),
        id_token=IdToken("", "NoAuthorization"),
        evse_id=2**40,
        reservation_id=-(2**31),
    )
    await put(storage, odd)
    assert await storage.transactions.get(1) == odd


async def test_find_gives_the_newest_of_an_id_used_twice(storage: Storage) -> None:
    await put(
        storage,
        transaction(1, transaction_id="7"),
        transaction(5, transaction_id="7"),
        transaction(9, "CS-2", transaction_id="7"),
    )
    found = await storage.transactions.find("CS-1", "7")
    assert found is not None and found.id == 5
    assert await storage.transactions.find("CS-1", "8") is None


async def test_a_repeated_start_is_found_by_its_content(storage: Storage) -> None:
    first = transaction(3, evse_id=1, started_at=at(3), first_reading=EnergyReading(at(3), 10.0))
    await put(storage, first)

    async def find(
        station: str = "CS-1", evse: int = 1, seconds: float = 3, key: str | None = "abc123", wh: float | None = 10.0
    ) -> Transaction | None:
        return await storage.transactions.find_start(station, evse, at(seconds), key, wh)

    assert await find() == first
    assert await find(wh=None) == first
    for other in (
        await find(station="CS-2"),
        await find(evse=2),
        await find(seconds=4),
        await find(key="abc124"),
        await find(key=None),
        await find(wh=11.0),
    ):
        assert other is None


async def test_open_transactions_of_a_token_and_of_its_group(storage: Storage) -> None:
    await storage.tokens.put(token("one", group_id_token="Fleet"))
    await storage.tokens.put(token("two", group_id_token="FLEET"))
    await storage.tokens.put(token("three", group_id_token="other"))
    await put(
        storage,
        transaction(1, id_token=IdToken("ONE")),
        transaction(2, id_token=IdToken("one"), state=ENDED),
        transaction(3, id_token=IdToken("Two")),
        transaction(4, id_token=IdToken("three")),
        transaction(5, id_token=None),
    )
    assert [one.id for one in await storage.transactions.open_with_token("one")] == [1]
    assert [one.id for one in await storage.transactions.open_with_token("one", "fleet")] == [1, 3]
    assert await storage.transactions.open_with_token("none") == []


async def test_the_list_is_filtered_and_paged_newest_first(storage: Storage) -> None:
    await put(
        storage,
        transaction(1, started_at=at(50)),
        transaction(2, started_at=at(40), state=ENDED),
        transaction(3, started_at=at(40), id_token=IdToken("other")),
        transaction(4, "CS-2", started_at=None, created_at=at(45)),
        transaction(5, "CS-2", started_at=at(-9000)),
    )
    assert await ids(storage, TransactionFilter(), 2) == [1, 4, 3, 2, 5]
    assert await ids(storage, TransactionFilter(station_id="CS-2")) == [4, 5]
    assert await ids(storage, TransactionFilter(id_token="ABC123", station_id="CS-1"), 1) == [1, 2]
    assert await ids(storage, TransactionFilter(state=ENDED)) == [2]
    assert await ids(storage, TransactionFilter(since=at(40), until=at(50))) == [4, 3, 2]
    assert await ids(storage, TransactionFilter(until=at(40))) == [5]
    assert await ids(storage, TransactionFilter(id_token="%")) == []
    with pytest.raises(InvalidCursor):
        await storage.transactions.list(TransactionFilter(), PageRequest(2, "x"))


async def test_a_transaction_moves_in_the_lists_as_more_is_known_of_it(storage: Storage) -> None:
    first = transaction(1, started_at=None, created_at=at(500), id_token=None)
    others = [transaction(n, started_at=at(n), id_token=IdToken("other")) for n in range(2, 80)]
    await put(storage, first, *others)
    assert (await ids(storage, TransactionFilter()))[0] == 1
    known = replace(first, started_at=at(-1), id_token=IdToken("late"), sequences="0-9")
    await put(storage, *(replace(one, energy_wh=1.0) for one in others), known)
    assert (await ids(storage, TransactionFilter()))[-1] == 1
    assert await ids(storage, TransactionFilter(id_token="LATE")) == [1]
    assert [one.id for one in await storage.transactions.open_with_token("late")] == [1]
    ended = replace(known, state=ENDED, id_token=None)
    await put(storage, ended)
    assert await ids(storage, TransactionFilter(id_token="LATE")) == []
    assert await ids(storage, TransactionFilter(state=ENDED)) == [1]
    assert await storage.transactions.get(1) == ended
    assert await storage.transactions.get(7) == replace(others[5], energy_wh=1.0)


async def test_numbers_are_never_given_twice(storage: Storage, url: str) -> None:
    other = await Storage.open(url, SystemClock())
    stores = (storage.transactions, other.transactions)
    ranges = await asyncio.gather(*(stores[n % 2].next_transaction_numbers(10) for n in range(20)))
    await other.close()
    numbers = sorted(number for one in ranges for number in one)
    assert numbers == list(range(1, 201))
    assert await storage.transactions.next_transaction_numbers(1) == range(201, 202)


async def test_numbers_begin_again_before_they_leave_32_bits(storage: Storage) -> None:
    await storage.journal.write(
        lambda connection: connection.exec_driver_sql(
            f"UPDATE counters SET value = {2**31 - 6} WHERE name = 'transaction_numbers'"
        )
    )
    assert await storage.transactions.next_transaction_numbers(5) == range(2**31 - 5, 2**31)
    assert await storage.transactions.next_transaction_numbers(5) == range(1, 6)


async def test_samples_come_in_the_order_of_their_moments(storage: Storage) -> None:
    await put(storage, transaction(1), transaction(2))
    expected = []
    for number in range(40):
        # Delivered newest first, as after an offline period, in several commits.
        record = meter_record("CS-1", 100 - number, key=number, transaction_id=1)
        expected.append(MeterValue(at(100 - number), record.values))
        storage.journal.put(record)
        storage.journal.put(meter_record("CS-1", number, key=1000 + number, transaction_id=2))
        storage.journal.put(meter_record("CS-1", number, key=2000 + number))
        storage.journal.put(meter_record("CS-2", number, key=number))
        if number % 10 == 9:
            await storage.journal.committed()
    expected.reverse()
    found: list[MeterValue] = []
    page = await storage.transactions.samples(1, PageRequest(7))
    found += page.items
    while page.next:
        page = await storage.transactions.samples(1, PageRequest(7, page.next))
        assert len(page.items) <= 7
        found += page.items
    assert found == expected
    assert (await storage.transactions.samples(3, PageRequest())).items == ()
    with pytest.raises(InvalidCursor):
        await storage.transactions.samples(1, PageRequest(7, "x"))


async def test_a_repeated_reading_is_kept_once(storage: Storage) -> None:
    await put(storage, transaction(1))
    for number in (1, 2, 1, 1):
        storage.journal.put(meter_record("CS-1", 5, key=number, transaction_id=1))
    await storage.journal.committed()
    storage.journal.put(meter_record("CS-1", 5, key=2, transaction_id=1))
    storage.journal.put(meter_record("CS-2", 5, key=2))
    storage.journal.put(meter_record("CS-1", 6, key=2, transaction_id=1))
    await storage.journal.committed()
    found = await storage.transactions.samples(1, PageRequest())
    assert [one.at for one in found.items] == [at(5), at(5), at(6)]
    assert len((await storage.meter_values.of_evse("CS-2", 1, PageRequest())).items) == 1


async def test_readings_of_an_evse_outside_transactions_come_newest_first(storage: Storage) -> None:
    for number in range(20):
        storage.journal.put(meter_record("CS-1", number, key=number, evse_id=number % 2))
        storage.journal.put(meter_record("CS-1", number, key=100 + number, evse_id=1, transaction_id=4))
        storage.journal.put(meter_record("CS-2", number, key=number, evse_id=1))
        await storage.journal.committed()
    first = await storage.meter_values.of_evse("CS-1", 1, PageRequest(6))
    rest = await storage.meter_values.of_evse("CS-1", 1, PageRequest(6, first.next))
    assert [one.at for one in (*first.items, *rest.items)] == [at(number) for number in range(19, 0, -2)]
    assert rest.next is None

"""What is old goes, whole and nothing else, in slices between which others commit; the age of the oldest is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, func, insert, select
from tests.storage.nouns import at, at_ms, connector, deviation, event, message, meter_record, transaction

from voltbridge.csms.retention import KINDS
from voltbridge.domain.messages import DeviationFilter
from voltbridge.domain.metering import SampledValue
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.transactions import TransactionFilter, TransactionState
from voltbridge.storage import Storage
from voltbridge.storage.sql.ages import OLDEST
from voltbridge.storage.sql.meter_values import meter_blocks, meter_values
from voltbridge.storage.sql.reservations import reservations
from voltbridge.storage.sql.rollouts import rollout_members, rollouts
from voltbridge.storage.sql.schema import metadata

pytestmark = pytest.mark.anyio

DAY = 86_400


async def count(storage: Storage, table: Any) -> int:
    return await storage.events._sessions.read(
        lambda connection: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
    )


def over(own_id: int, ended: float, **changes: Any) -> Any:
    """A transaction that ended at a second."""
    return transaction(
        own_id,
        state=TransactionState.ENDED,
        started_at=at(ended - 3600),
        stopped_at=at(ended),
        updated_at=at(ended),
        **changes,
    )


def reading(number: int, seconds: float, transaction_id: int | None, station_id: str = "CS-1") -> Any:
    return msgspec.structs.replace(
        meter_record(station_id, seconds, number),
        transaction_id=transaction_id,
        values=(SampledValue("Voltage", float(number), "V"),),
    )


async def test_transactions_go_with_their_meter_values_and_those_that_run_stay(storage: Storage) -> None:
    put = storage.journal.put
    put(over(1, -2 * DAY))
    put(over(2, DAY))
    put(replace(transaction(3), started_at=at(-9 * DAY), updated_at=at(-9 * DAY)))  # runs
    put(over(4, -3 * DAY, station_id="CS-2"))
    put(replace(over(5, -9 * DAY), updated_at=at(DAY)))  # told of late, by a clock that is wrong perhaps
    for number in range(50):
        for own_id, station_id in ((1, "CS-1"), (2, "CS-1"), (3, "CS-1"), (4, "CS-2"), (5, "CS-1")):
            put(reading(number * 10 + own_id, -9 * DAY + number, own_id, station_id))
        put(reading(number * 10, -9 * DAY + number, None))
    await storage.journal.committed()
    assert await storage.ages.oldest("transactions") == at(-9 * DAY - 3600)
    assert await storage.pruning.transactions(at(0)) == 2
    page = await storage.transactions.list(TransactionFilter(), PageRequest())
    assert sorted(one.id for one in page.items) == [2, 3, 5]
    assert await count(storage, meter_values) == 4 * 50
    for own_id in (2, 3, 5):
        assert len((await storage.transactions.samples(own_id, PageRequest(limit=500))).items) == 50
    assert await count(storage, meter_blocks) == 4  # of the three that are left, and outside transactions
    assert await storage.pruning.transactions(at(0)) == 0


async def test_many_transactions(storage: Storage) -> None:
    for number in range(1, 351):
        storage.journal.put(over(number, -number * 60 if number % 2 else DAY + number))
        storage.journal.put(reading(number, -number, number))
    await storage.journal.committed()
    assert await storage.pruning.transactions(at(0)) == 175
    assert await storage.pruning.transactions(at(0)) == 0
    assert await count(storage, meter_values) == 175


async def test_meter_values_go_but_for_those_of_what_runs(storage: Storage) -> None:
    put = storage.journal.put
    put(over(1, -2 * DAY))
    put(replace(transaction(2), started_at=at(-9 * DAY)))
    for number in range(700):
        for own_id in (1, 2, None):
            station_id = "CS-1" if own_id else f"CS-{number % 3}"
            put(reading(number * 3 + (own_id or 0), -2 * DAY + number % 7, own_id, station_id))
    put(reading(1, 5, 1))
    put(reading(2, 5, None))
    await storage.journal.committed()
    assert await storage.ages.oldest("meter_values") == at(-2 * DAY)
    assert await count(storage, meter_values) == 3 * 700 + 2
    assert await storage.pruning.meter_values(at(0)) == 2 * 700
    assert len((await storage.transactions.samples(1, PageRequest(limit=500))).items) == 1
    assert len((await storage.transactions.samples(2, PageRequest(limit=500))).items) == 500
    assert await storage.pruning.meter_values(at(0)) == 0
    # The energy of a transaction stays without them, and its entries still lead to what comes.
    put(reading(3, 6, 1))
    await storage.journal.committed()
    assert len((await storage.transactions.samples(1, PageRequest(limit=500))).items) == 2


async def test_entries_of_blocks_without_rows_go(storage: Storage) -> None:
    for number in range(5):
        storage.journal.put(reading(number, -DAY, None, f"CS-{number}"))
        await storage.journal.committed()
        storage.journal._writer._tables.abandon()  # type: ignore[attr-defined] # the next begins a block
    storage.journal.put(reading(9, 5, None, "CS-0"))
    await storage.journal.committed()
    assert await count(storage, meter_blocks) == 6
    assert await storage.pruning.meter_values(at(0)) == 5
    assert await count(storage, meter_blocks) == 1


async def test_reservations_and_counts_of_deviations(storage: Storage) -> None:
    rows = [
        {
            "id": number,
            "station_id": "CS-1",
            "state": "Expired" if ended is not None else "Reserved",
            "id_token": "A",
            "id_token_key": "a",
            "expires_at_ms": at_ms(0),
            "created_at_ms": at_ms(-DAY + number),
            "updated_at_ms": at_ms(0),
            "ended_at_ms": ended,
        }
        for number, ended in enumerate((at_ms(-5), at_ms(5), None), start=1)
    ]
    await storage.journal.write(lambda connection: connection.execute(insert(reservations), rows).rowcount)
    assert await storage.ages.oldest("reservations") == at(-DAY + 1)
    assert await storage.pruning.reservations(at(0)) == 1
    assert await count(storage, reservations) == 2

    for number in range(1200):
        storage.journal.put(deviation(path=f"$.a[{number}]", last_seen_at=at(-5 if number else 5)))
    await storage.journal.committed()
    assert await storage.ages.oldest("deviations") == at(-5)
    assert await storage.pruning.deviations(at(0)) == 1199
    page = await storage.deviations.list(DeviationFilter(), PageRequest())
    assert [one.path for one in page.items] == ["$.a[0]"]


async def test_rollouts_go_with_their_members(storage: Storage) -> None:
    ended = [(1, at_ms(-5)), (2, at_ms(5)), (3, None), (4, at_ms(-9))]
    rows = [
        {"id": (at_ms(-9) << 20) + id, "state": "Completed", "content": "{}", "finished_at_ms": finished}
        for id, finished in ended
    ]
    members = [
        {
            "rollout_id": row["id"],
            "position": position,
            "station_id": f"CS-{position}",
            "stage": 0,
            "state": "Completed",
            "updated_at_ms": 0,
        }
        for row in rows
        for position in range(600)
    ]

    def fill(connection: Connection) -> None:
        connection.execute(insert(rollouts), rows)
        connection.execute(insert(rollout_members), members)

    await storage.journal.write(fill)
    assert await storage.ages.oldest("rollouts") == at(-9)
    assert await storage.pruning.rollouts(at(0)) == 2
    assert await count(storage, rollouts) == 2
    assert await count(storage, rollout_members) == 1200


@pytest.mark.parametrize("kind", ["firmware_updates", "station_logs"])
async def test_requests_that_are_over(storage: Storage, kind: str) -> None:
    table = metadata.tables[kind]
    rows = [
        {"id": at_ms(seconds) << 20, "station_id": "CS-1", "request_id": number, "is_open": is_open, "content": "{}"}
        for number, (seconds, is_open) in enumerate(((-5, False), (-4, True), (5, False)))
    ]
    await storage.journal.write(lambda connection: connection.execute(insert(table), rows).rowcount)
    assert await storage.ages.oldest(kind) == at(-5)
    assert await getattr(storage.pruning, kind)(at(0)) == 1
    assert await count(storage, table) == 2


async def test_the_age_of_every_kind_is_known(storage: Storage) -> None:
    assert OLDEST.keys() == {kind.name for kind in KINDS}
    for kind in KINDS:
        assert await storage.ages.oldest(kind.name) is None
    storage.journal.put(event(1))
    storage.journal.put(message(seconds=3))
    await storage.journal.committed()
    assert await storage.ages.oldest("events") == at(1)
    assert await storage.ages.oldest("messages") == at(3)


@pytest.mark.parametrize("kind", ["messages", "meter_values", "transactions"])
async def test_others_commit_between_the_slices(storage: Storage, kind: str) -> None:
    for number in range(6000):
        match kind:
            case "messages":
                storage.journal.put(message(seconds=-number))
            case "meter_values":
                storage.journal.put(reading(number, -number, None))
            case _:
                storage.journal.put(over(number + 1, -number)) if number < 600 else None
    await storage.journal.committed()
    prune = storage.messages.prune if kind == "messages" else getattr(storage.pruning, kind)
    pruning = asyncio.ensure_future(prune(at(1)))
    while storage.journal.depth == 0 and not pruning.done():
        await asyncio.sleep(0)
        if storage.journal.attempts > storage.journal.commits + storage.journal.retries:
            break  # a slice is being written
    between = 0
    while not pruning.done():
        storage.journal.put(connector(connector_id=between))
        await storage.journal.committed("CS-1")
        between += not pruning.done()
    assert await pruning == (600 if kind == "transactions" else 6000)
    assert between >= 3

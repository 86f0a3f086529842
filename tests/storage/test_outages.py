"""Databases that are locked, full, gone or unwilling: what was acknowledged is there, a refusal harms one station."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy import event as engine_event
from tests.csms.fakes import FakeClock
from tests.storage.conftest import connect
from tests.storage.nouns import NOON, connector, deviation, event, message, meter_record, report, settings, transaction

from voltbridge.clock import SystemClock
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import AlreadyExists, StorageUnavailable
from voltbridge.domain.events import EventFilter
from voltbridge.domain.messages import DeviationFilter, MessageFilter
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.stations import StationFilter
from voltbridge.domain.tokens import TokenFilter
from voltbridge.domain.transactions import TransactionFilter
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def opened(url: str, clock: Clock | None = None, **options: Any) -> AsyncIterator[Storage]:
    storage = await Storage.open(url, clock or SystemClock(), **options)
    try:
        yield storage
    finally:
        await storage.close()


async def until(true: Callable[[], bool]) -> None:
    """Let the loop go round until something holds."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what happens on the other thread raises no event here
            await asyncio.sleep(0.001)


async def given_up(waiting: asyncio.Future[None], clock: FakeClock) -> None:
    """Let time pass until somebody who waits is told of a loss."""
    async with asyncio.timeout(60):
        while not waiting.done():
            clock.advance(10)
            await asyncio.sleep(0.001)
    with pytest.raises(StorageUnavailable):
        await waiting


def lock(url: str) -> sqlite3.Connection:
    """Hold the database's write lock from outside, as a backup or a stopped process would."""
    outside = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    outside.execute("BEGIN IMMEDIATE")
    return outside


async def test_a_lock_from_outside_is_outlasted(sqlite_url: str) -> None:
    async with opened(sqlite_url, give_up_after_s=60) as storage:
        await storage.stations.add(settings())
        outside = lock(sqlite_url)
        storage.journal.put(event(1))
        storage.journal.put(deviation())
        waiting = asyncio.ensure_future(storage.journal.committed("CS-1"))
        await until(lambda: storage.journal.retries > 0)
        # Reading goes on meanwhile.
        assert await storage.stations.get("CS-1") is not None
        assert await storage.events.last_id() == 0
        assert not waiting.done() and not storage.journal.available
        outside.execute("ROLLBACK")
        outside.close()
        await waiting
        assert await storage.events.last_id() == 1
        assert storage.journal.available


async def test_a_lock_from_outside_is_given_up(sqlite_url: str) -> None:
    lost: list[frozenset[str]] = []
    clock = FakeClock()
    async with opened(sqlite_url, clock) as storage:
        storage.journal.on_lost(lost.append)
        outside = lock(sqlite_url)
        storage.journal.put(event(1))
        waiting = asyncio.ensure_future(storage.journal.committed("CS-1"))
        await until(lambda: storage.journal.attempts > 0)
        await given_up(waiting, clock)
        assert frozenset({"CS-1"}) in lost
        await given_up(asyncio.ensure_future(storage.stations.add(settings())), clock)
        outside.execute("ROLLBACK")
        outside.close()
        async with asyncio.timeout(60):
            while True:
                # Until the attempt under way has come back, nothing is taken in.
                with contextlib.suppress(StorageUnavailable):
                    await storage.stations.add(settings("CS-2"))
                    break
                await asyncio.sleep(0.01)
        assert storage.journal.available
        storage.journal.put(event(2))
        await storage.journal.committed("CS-1")
        # What was said to be lost may be there nevertheless: the attempt under way could not be called back.
        assert {one.id for one in await storage.events.after(0, 9)} in ({2}, {1, 2})


async def test_a_full_disk(sqlite_url: str) -> None:
    clock = FakeClock()
    async with opened(sqlite_url, clock) as storage:
        # The connection is replaced after a failure, so the limit must be set on every new one.
        limit = [2**30]
        engine = storage._database.writer
        engine_event.listen(
            engine, "begin", lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {limit[0]}")
        )
        storage.journal.put(event(1))
        await storage.journal.committed()
        limit[0] = 1  # SQLite makes this the present size
        accepted = []
        for number in range(2, 60):
            storage.journal.put(event(number, data={"x": "y" * 3000}))
            waiting = asyncio.ensure_future(storage.journal.committed("CS-1"))
            await until(lambda waiting=waiting: waiting.done() or storage.journal.retries == 1)  # type: ignore[misc]
            if storage.journal.retries:
                break
            accepted.append(number)
        else:
            raise AssertionError("the disk was never full")
        clock.advance(1)
        await until(lambda: storage.journal.retries == 2)
        assert not waiting.done()
        await given_up(waiting, clock)
        assert [one.id for one in await storage.events.after(1, 100)] == accepted
        limit[0] = 2**30
        storage.journal.put(event(100))
        await storage.journal.committed("CS-1")
        assert await storage.events.last_id() == 100


async def test_a_disk_that_has_room_again_in_time(sqlite_url: str) -> None:
    async with opened(sqlite_url, give_up_after_s=60) as storage:
        limit = [1]
        engine_event.listen(
            storage._database.writer,
            "begin",
            lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {limit[0]}"),
        )
        for number in range(1, 30):
            storage.journal.put(event(number, data={"x": "y" * 5000}))
        storage.journal.put(deviation())
        waiting = asyncio.ensure_future(storage.journal.committed("CS-1"))
        await until(lambda: storage.journal.retries > 0)
        assert not waiting.done()
        limit[0] = 2**30
        await waiting
        assert len(await storage.events.after(0, 100)) == 29
        (counted,) = (await storage.deviations.list(DeviationFilter(), PageRequest())).items
        assert counted.count == 1


POISON: list[Any] = [
    pytest.param(event(7, "bad", data={"x": "\ud800"}), id="a lone surrogate"),
    pytest.param(transaction(7, "bad", evse_id=2**70), id="a number beyond 64 bits"),
    pytest.param(transaction(7, "bad", started_at=NOON.replace(tzinfo=None)), id="a moment without zone"),
    pytest.param(meter_record("bad", key=2**64), id="a key beyond 63 bits"),
    pytest.param(connector("bad", status=None), id="a missing status"),
    pytest.param(report("bad", vendor=object()), id="no text at all"),
]


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("at", [0, 1, 3])
async def test_what_the_database_refuses_concerns_its_station_alone(storage: Storage, poison: Any, at: int) -> None:
    lost: list[frozenset[str]] = []
    storage.journal.on_lost(lost.append)
    facts: list[Any] = [event(1, "good"), event(2, "bad"), event(3, "fine"), meter_record("good"), event(4, None)]
    facts.insert(at, poison)
    for fact in facts:
        storage.journal.put(fact)
    added = asyncio.ensure_future(storage.stations.add(settings("new")))
    good, bad, fine = (asyncio.ensure_future(storage.journal.committed(one)) for one in ("good", "bad", "fine"))
    await good
    await fine
    await added
    with pytest.raises(StorageUnavailable):
        await bad
    assert lost == [frozenset({"bad"})]
    assert [one.id for one in await storage.events.after(0, 9)] == [1, 3, 4]
    assert len((await storage.meter_values.of_evse("good", 1, PageRequest())).items) == 1
    assert await storage.stations.get("new") is not None
    # The station may go on.
    storage.journal.put(event(9, "bad"))
    storage.journal.put(meter_record("bad"))
    storage.journal.put(message("bad"))
    await storage.journal.committed("bad")
    assert await storage.events.last_id() == 9
    assert len((await storage.messages.list(MessageFilter("bad"), PageRequest())).items) == 1


async def test_a_frame_of_garbage_is_logged_as_well_as_may_be(storage: Storage) -> None:
    storage.journal.put(message("bad", frame="nul \0 and \ud800", message_id="\0", action="\udfff"))
    storage.journal.put(event(1, "bad"))
    storage.journal.put(message("good", frame="ü"))
    await storage.journal.committed("bad")
    await storage.journal.committed("good")
    assert await storage.events.last_id() == 1
    (logged,) = (await storage.messages.list(MessageFilter("bad"), PageRequest())).items
    # What the database can hold is kept to the letter.
    assert logged.frame.replace("\0", "?") == "nul ? and ?"
    (logged,) = (await storage.messages.list(MessageFilter("good"), PageRequest())).items
    assert logged.frame == "ü"


async def test_work_that_fails_leaves_the_facts_beside_it(storage: Storage) -> None:
    await storage.stations.add(settings())

    def fail(connection: Connection) -> None:
        connection.execute(text("DELETE FROM stations"))
        raise ZeroDivisionError

    def refuse(connection: Connection) -> None:
        connection.execute(text("INSERT INTO stations (station_id) VALUES (NULL)"))

    storage.journal.put(event(1))
    results = await asyncio.gather(
        storage.journal.write(fail),
        storage.stations.add(settings()),
        storage.journal.write(refuse),
        storage.stations.add(settings("CS-2")),
        return_exceptions=True,
    )
    assert isinstance(results[0], ZeroDivisionError)
    assert isinstance(results[1], AlreadyExists)
    assert isinstance(results[2], Exception)
    assert results[3] is None
    assert await storage.stations.get("CS-1") is not None
    assert await storage.stations.get("CS-2") is not None
    assert await storage.events.last_id() == 1


async def test_facts_become_durable_in_the_order_they_were_put(storage: Storage) -> None:
    """Whenever somebody looks, what is there has no gap."""
    last = 600

    async def produce() -> None:
        for number in range(1, last + 1):
            storage.journal.put(event(number))
            if number % 7 == 0:
                await asyncio.sleep(0)

    producing = asyncio.ensure_future(produce())
    seen: list[int] = []
    while not seen or seen[-1] < last:
        seen = [one.id for one in await storage.events.after(0, 1000)]
        assert seen == list(range(1, len(seen) + 1))
    await producing


async def test_a_postgresql_that_drops_its_connections(postgres_url: str) -> None:
    """Again and again, while facts are written: what was acknowledged is there once, counts are exact."""
    acknowledged: list[int] = []
    async with opened(postgres_url, give_up_after_s=50) as storage:
        await storage.stations.add(settings())

        async def station(name: str, first: int) -> None:
            for number in range(first, first + 40):
                storage.journal.put(event(number, name))
                storage.journal.put(message(name, number))
                storage.journal.put(deviation(name))
                await storage.journal.committed(name)
                acknowledged.append(number)

        async def trouble() -> None:
            with connect(postgres_url) as outside:
                for _ in range(12):
                    writer = await storage.journal.write(lambda one: one.scalar(text("SELECT pg_backend_pid()")))
                    reader = await storage._read(lambda one: one.scalar(text("SELECT pg_backend_pid()")))
                    outside.execute("SELECT pg_terminate_backend(%s)", (writer,))
                    outside.execute("SELECT pg_terminate_backend(%s, 20000)", (reader,))
                    assert await storage.stations.get("CS-1") is not None

        await asyncio.gather(trouble(), *(station(f"CS-{n}", n * 1000) for n in range(1, 6)))
        assert storage.journal.retries > 0
        assert len(acknowledged) == 200
        assert [one.id for one in await storage.events.after(0, 1000)] == sorted(acknowledged)
        for n in range(1, 6):
            logged = await storage.messages.list(MessageFilter(f"CS-{n}"), PageRequest(100))
            assert len(logged.items) == 40
        (counted,) = (await storage.deviations.list(DeviationFilter(), PageRequest())).items
        assert counted.count == 200


async def test_closing_when_the_database_is_out_of_reach(url: str) -> None:
    """Everything was committed before, so nothing is lost, and the program ends well."""
    storage = await Storage.open(url, SystemClock(), give_up_after_s=60)
    await storage.stations.add(settings())
    if make_url(url).get_backend_name() == "sqlite":
        outside = lock(url)
        await storage.close()
        outside.close()
    else:
        pid = await storage.journal.write(lambda one: one.scalar(text("SELECT pg_backend_pid()")))
        with connect(url) as server:
            server.execute("SELECT pg_terminate_backend(%s, 20000)", (pid,))
        await storage.close()
    async with opened(url, give_up_after_s=60) as storage:
        assert await storage.stations.get("CS-1") is not None


async def test_a_connection_that_ends_under_a_reader(postgres_url: str) -> None:
    """It is read again on another connection, once: who cuts every time is an outage."""
    async with opened(postgres_url, give_up_after_s=60) as storage:
        await storage.stations.add(settings())
        with connect(postgres_url) as outside:
            cuts = [1]

            def cut(connection: Connection) -> None:
                if cuts[0]:
                    cuts[0] -= 1
                    # The transaction has begun, so no look at the connection before its use can notice.
                    pid = connection.scalar(text("SELECT pg_backend_pid()"))
                    outside.execute("SELECT pg_terminate_backend(%s, 20000)", (pid,))

            engine_event.listen(storage._database.readers, "begin", cut)
            assert await storage.stations.get("CS-1") is not None
            assert cuts == [0]
            cuts[0] = 2
            with pytest.raises(StorageUnavailable):
                await storage.stations.get("CS-1")
            assert await storage.stations.get("CS-1") is not None


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(storage: Storage) -> None:
    """The connection breaks after the server has committed and before we hear of it."""
    engine = storage._database.writer
    broken: list[str] = []

    def commit_and_break(connection: Connection) -> None:
        if broken:
            return
        broken.append("once")
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.commit()
        if isinstance(driver, sqlite3.Connection):
            error: Exception = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # type: ignore[attr-defined]
            raise error
        raise psycopg.OperationalError("the connection is lost")

    await storage.stations.add(settings())
    engine_event.listen(engine, "commit", commit_and_break)
    for number in range(3):
        storage.journal.put(deviation())
        storage.journal.put(message("CS-1", number))
        storage.journal.put(event(number + 1))
    added = asyncio.ensure_future(storage.stations.add(settings("CS-2")))
    refused = asyncio.ensure_future(storage.stations.add(settings("CS-1")))
    numbers = asyncio.ensure_future(storage.transactions.next_transaction_numbers(5))
    await storage.journal.committed("CS-1")
    assert broken and storage.journal.retries == 1
    await added
    with pytest.raises(AlreadyExists):
        await refused
    assert await numbers == range(1, 6)
    (counted,) = (await storage.deviations.list(DeviationFilter(), PageRequest())).items
    assert counted.count == 3
    assert len((await storage.messages.list(MessageFilter("CS-1"), PageRequest())).items) == 3
    assert [one.id for one in await storage.events.after(0, 9)] == [1, 2, 3]


async def test_a_reader_without_a_database_is_told_so(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:

        def fail(connection: Any) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

        engine_event.listen(storage._database.readers, "begin", fail)
        with pytest.raises(StorageUnavailable):
            await storage.stations.get("CS-1")
        with pytest.raises(StorageUnavailable):
            await storage.states.load("CS-1")
        with pytest.raises(StorageUnavailable):
            await storage.tokens.get("x")
        engine_event.remove(storage._database.readers, "begin", fail)
        assert await storage.stations.get("CS-1") is None


@pytest.mark.parametrize("odd", ["\0", "a\0b", "\ud800"])
async def test_asking_for_what_cannot_be_stored_finds_nothing(storage: Storage, odd: str) -> None:
    """Whoever asks at the same time is answered."""
    await storage.stations.add(settings())
    state, nothing, station = await asyncio.gather(
        storage.states.load("CS-1"), storage.states.load(odd), storage.stations.get(odd)
    )
    assert state is not None and nothing is None and station is None
    page = PageRequest()
    assert await storage.tokens.get(odd) is None
    assert await storage.tokens.get("x", odd) is None
    assert (await storage.tokens.list(TokenFilter(group_id_token=odd), page)).items == ()
    assert await storage.transactions.find("CS-1", odd) is None
    assert await storage.transactions.find_start("CS-1", 1, NOON, odd, None) is None
    assert await storage.transactions.open_with_token("x", odd) == []
    assert (await storage.transactions.list(TransactionFilter(id_token=odd), page)).items == ()
    assert (await storage.messages.list(MessageFilter("CS-1", message_id=odd), page)).items == ()
    assert (await storage.events.list(EventFilter(type=odd), page)).items == ()
    assert (await storage.deviations.list(DeviationFilter(model=odd), page)).items == ()
    assert (await storage.stations.list(StationFilter(vendor=odd), page)).items == ()
    assert await storage.connectors.of_station(odd) == []


async def test_long_questions_leave_threads_for_quick_ones(storage: Storage) -> None:
    await storage.stations.add(settings())
    storage.journal.put(message())
    await storage.journal.committed()
    gate, busy = threading.Event(), threading.Semaphore(0)

    def wait_here(connection: Connection) -> None:
        busy.release()
        assert gate.wait(60)

    long = [asyncio.ensure_future(storage._read_at_length(wait_here)) for _ in range(10)]
    for _ in range(2):
        assert await asyncio.to_thread(busy.acquire, timeout=60)
    assert await asyncio.wait_for(storage.states.load("CS-1"), 30) is not None
    gate.set()
    await asyncio.gather(*long)

"""Reservations as they are kept: ids for good, changes one after the other, and what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update
from tests.storage.nouns import NOON, at, settings

from voltbridge.clock import SystemClock
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.domain.reservations import (
    LARGEST_RESERVATION_ID,
    Reservation,
    ReservationFilter,
    ReservationState,
    ReservationTerms,
    accept,
    cancel,
    expire,
    leave_unanswered,
    reject,
    use,
)
from voltbridge.domain.tokens import IdToken
from voltbridge.storage import Storage
from voltbridge.storage.sql.counters import counters

pytestmark = pytest.mark.anyio


def terms(**changes: Any) -> ReservationTerms:
    made = ReservationTerms(IdToken("AbC1", "ISO14443"), at(600), 2, None, IdToken("Fleet", "Central"))
    return replace(made, **changes)


def made(station_id: str = "CS-1", **changes: Any) -> Callable[[int], Reservation]:
    """A reservation with every field set, but for the id."""

    def make(id: int) -> Reservation:
        one = Reservation(
            id=id,
            station_id=station_id,
            terms=terms(),
            state=ReservationState.REQUESTED,
            created_at=at(1),
            updated_at=at(2),
            reserved_at=at(3),
            ended_at=at(4),
            reason="Occupied",
            problem="no answer",
            transaction_id=2**62,
            command_id=2**62 + 1,
        )
        return replace(one, **changes)

    return make


def bare(station_id: str = "CS-1", **changes: Any) -> Callable[[int], Reservation]:
    """A reservation that was just asked for."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("reserved_at", "ended_at", "reason", "problem", "transaction_id", "command_id")
    )
    return made(station_id, **{**nothing, **changes})


async def test_a_reservation_comes_back_as_it_was_kept(storage: Storage) -> None:
    book = storage.reservations
    assert await book.get(1) is None
    first = await book.add(made())
    loose = terms(evse_id=None, connector_type="cCCS2", group_id_token=None, id_token=IdToken("x", None))
    second = await book.add(bare(terms=loose))
    assert (first.id, second.id) == (1, 2)
    assert await book.get(1) == first == made()(1)
    assert await book.get(2) == second == bare(terms=loose)(2)
    assert await book.of_command(2**62 + 1) == first
    assert await book.of_command(5) is None


async def test_an_id_is_never_given_twice(storage: Storage, url: str) -> None:
    book = storage.reservations
    await storage.stations.add(settings("CS-1"))
    ids = [one.id for one in await asyncio.gather(*(book.add(bare()) for _ in range(20)))]
    assert sorted(ids) == list(range(1, 21))
    await storage.stations.delete("CS-1")
    assert (await book.list(ReservationFilter(), PageRequest())).items == ()
    again = await Storage.open(url, SystemClock())
    try:
        assert (await again.reservations.add(bare())).id == 21
    finally:
        await again.close()


async def test_the_last_id_is_the_last(storage: Storage) -> None:
    nearly = update(counters).where(counters.c.name == "reservations").values(value=LARGEST_RESERVATION_ID - 1)
    await storage.journal.write(lambda connection: connection.execute(nearly))
    assert (await storage.reservations.add(bare())).id == LARGEST_RESERVATION_ID
    for _ in range(2):
        with pytest.raises(OverflowError):
            await storage.reservations.add(bare())
    assert len((await storage.reservations.list(ReservationFilter(), PageRequest())).items) == 1


async def test_changes_come_one_after_the_other(storage: Storage) -> None:
    book = storage.reservations
    one = await book.add(bare())
    rules = [
        partial(accept, now=at(10)),
        partial(expire, now=at(9), told=True),
        partial(cancel, now=at(11)),
        partial(use, transaction_id=7, now=at(12)),
        partial(use, transaction_id=5, now=at(13)),
    ]
    changes = await asyncio.gather(*(book.change("CS-1", one.id, rule) for rule in rules))
    assert all(change is not None for change in changes)
    kept = await book.get(one.id)
    assert kept is not None
    assert (kept.state, kept.transaction_id, kept.reserved_at) == (ReservationState.USED, 5, at(10))
    # Each change began with what the one before it made.
    befores = {change.before for change in changes if change}
    afters = {change.after for change in changes if change}
    assert one in befores and kept in afters and befores - {one} == afters - {kept}


async def test_what_changes_nothing_writes_nothing(storage: Storage) -> None:
    book = storage.reservations
    one = await book.add(bare())
    change = await book.change("CS-1", one.id, lambda before: before)
    assert change is not None and change.before is change.after
    assert await book.change("CS-2", one.id, partial(cancel, now=NOON)) is None
    assert await book.change("CS-1", one.id + 1, partial(cancel, now=NOON)) is None
    assert await book.get(one.id) == one


async def test_a_rule_that_fails_changes_nothing(storage: Storage) -> None:
    book = storage.reservations
    one = await book.add(bare())

    def fails(before: Reservation) -> Reservation:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await book.change("CS-1", one.id, fails)
    assert await book.get(one.id) == one


async def test_a_text_that_no_database_holds_is_kept_without_it(storage: Storage) -> None:
    one = await storage.reservations.add(bare())
    await storage.reservations.change("CS-1", one.id, partial(reject, reason="a\0b\ud800", now=at(9)))
    kept = await storage.reservations.get(one.id)
    assert kept is not None and kept.reason == "ab?"


async def test_pages_and_filters(storage: Storage) -> None:
    book = storage.reservations
    other = terms(id_token=IdToken("zzz", "eMAID"), evse_id=None)
    for number in range(1, 7):
        station_id = "CS-1" if number % 2 else "CS-2"
        await book.add(bare(station_id, terms=terms() if number < 4 else other))
    await book.change("CS-1", 1, partial(accept, now=at(9)))

    async def found(page: PageRequest | None = None, **wanted: Any) -> list[int]:
        listed = await book.list(ReservationFilter(**wanted), page or PageRequest())
        return [one.id for one in listed.items]

    assert await found() == [6, 5, 4, 3, 2, 1]
    assert await found(station_id="CS-1") == [5, 3, 1]
    assert await found(id_token="aBc1") == [3, 2, 1]
    assert await found(state=ReservationState.RESERVED) == [1]
    assert await found(evse_id=2) == [3, 2, 1]
    assert await found(station_id="CS-2", id_token="ZZZ") == [6, 4]
    assert await found(station_id="a\0") == await found(id_token="\ud800") == []
    first = await book.list(ReservationFilter(), PageRequest(4))
    assert await found(PageRequest(4, first.next)) == [2, 1]
    with pytest.raises(InvalidCursor):
        await book.list(ReservationFilter(), PageRequest(4, "nonsense"))


async def test_what_is_open_what_is_due_and_what_was_left_hanging(storage: Storage) -> None:
    book = storage.reservations
    assert await book.next_expiry() is None
    assert list(await book.due(at(9999), 10)) == []
    for minutes, evse_id in ((30, 1), (10, 2), (20, None), (5, 1)):
        await book.add(bare(terms=terms(expires_at=NOON + timedelta(minutes=minutes), evse_id=evse_id)))
    await book.add(bare("CS-2", terms=terms(expires_at=at(60))))
    await book.change("CS-1", 4, partial(cancel, now=at(1)))
    await book.change("CS-1", 2, partial(accept, now=at(1)))
    await book.change("CS-1", 1, partial(leave_unanswered, problem="no answer", now=at(1)))
    assert await book.next_expiry() == at(60)
    assert [one.id for one in await book.due(NOON + timedelta(minutes=20), 10)] == [5, 2, 3]
    assert [one.id for one in await book.due(NOON + timedelta(minutes=20), 1)] == [5]
    assert [one.id for one in await book.open_of("CS-1", 1)] == [1]
    assert [one.id for one in await book.open_of("CS-1", 0)] == [1, 2, 3]
    assert [one.id for one in await book.open_of("CS-3", 0)] == []
    assert [one.id for one in await book.unexplained(10)] == [3, 5]
    assert await book.stations_with_open() == {"CS-1", "CS-2"}
    await book.change("CS-2", 5, partial(cancel, now=at(1)))
    assert await book.stations_with_open() == {"CS-1"}

"""Reservations end with their time: at the moment, once, after a restart too, and without looking every second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.csms.fakes import START, FakeStations, World

from voltbridge.clock import SystemClock
from voltbridge.csms.blocks.h_reservation import v16, v21, v201
from voltbridge.csms.blocks.h_reservation.service import ReservationEnd, ReservationService
from voltbridge.domain.device_model import Attribute, StationVariable
from voltbridge.domain.errors import InvalidValue, StorageUnavailable
from voltbridge.domain.reservations import (
    Reservation,
    ReservationChange,
    ReservationState,
    ReservationTerms,
    use,
)
from voltbridge.domain.station_calls import CallTimedOut
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import Transaction, TransactionState
from voltbridge.protocol import v16 as messages_v16
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.storage import Storage
from voltbridge.storage.sql.reservations import Reservations

pytestmark = pytest.mark.anyio

WORDS = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
ENDS = ("reservation.expired", "reservation.used", "reservation.cancelled", "reservation.removed")


class Book:
    """The store, counting how often it was looked through; ``failing`` times it cannot be."""

    def __init__(self, store: Reservations) -> None:
        self._store = store
        self.looks = 0
        self.failing = 0
        self.unwritable = 0
        """How many changes fail next."""
        self.asked: list[str] = []
        """Stations whose open reservations were asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def open_of(self, station_id: str, evse_id: int) -> Sequence[Reservation]:
        self.asked.append(station_id)
        return await self._store.open_of(station_id, evse_id)

    async def change(
        self, station_id: str, id: int, rule: Callable[[Reservation], Reservation]
    ) -> ReservationChange | None:
        if self.unwritable:
            self.unwritable -= 1
            raise StorageUnavailable
        return await self._store.change(station_id, id, rule)

    async def due(self, now: datetime, limit: int) -> Sequence[Reservation]:
        self.looks += 1
        if self.failing:
            self.failing -= 1
            raise StorageUnavailable
        return await self._store.due(now, limit)


class NoVariables:
    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> dict[str, StationVariable]:
        return {}


class Reserving:
    """The service over a real store and a clock that moves by hand."""

    def __init__(self, storage: Storage) -> None:
        self.world = World()
        self.storage = storage
        self.answer = "Accepted"
        self.start()

    def start(self) -> None:
        """Begin with empty memory and the same storage."""
        self.book = Book(self.storage.reservations)
        commands: Any = None
        world = self.world
        self.service = ReservationService(
            self.book, FakeStations(), commands, NoVariables(), WORDS, world.events, world.clock
        )

    async def call(self, request: Payload) -> Any:
        match request:
            case messages_v16.ReserveNowRequest() if self.answer == "silence":
                raise CallTimedOut("CP1", "ReserveNow", 30)
            case messages_v16.ReserveNowRequest():
                return messages_v16.ReserveNowResponse(status=messages_v16.ReservationStatus(self.answer))
            case messages_v16.CancelReservationRequest():
                return messages_v16.CancelReservationResponse(status=messages_v16.CancelReservationStatus(self.answer))
        raise AssertionError(request)

    async def reserve(self, minutes: float, **more: Any) -> int:
        """A reservation that ends so long after now; its id."""
        terms = ReservationTerms(IdToken("A"), self.world.clock.now() + timedelta(minutes=minutes), evse_id=1)
        command_id = self.world.ids.next()
        answer = await self.service.reserve("CP1", Version.V16, terms, self.call, command_id=command_id, **more)
        return int(answer.info["reservation_id"])

    async def tell(self, id: int, end: ReservationEnd) -> None:
        """The station says how it ended."""
        message = {"reservation_id": id, "reservation_update_status": end.value}
        await self.service.told("CP1", id, end, message)

    async def state(self, id: int) -> ReservationState:
        return (await self.service.get(id)).state

    async def until(self, condition: Callable[[], Any]) -> None:
        """Return once the condition holds."""
        async with asyncio.timeout(30):
            while not condition():
                await self.storage.reservations.get(0)  # lets tasks and the store's threads go on

    async def rest(self) -> None:
        """Return once nothing is being looked through."""
        await self.until(lambda: self.service._timer._task is None)

    def ended(self) -> list[tuple[str, int]]:
        """Every end that was told, by its event."""
        return [(type, told["id"]) for type in ENDS for told in self.world.emitted(type)]


@pytest.fixture
async def reserving(tmp_path: Path) -> AsyncIterator[Reserving]:
    storage = await Storage.open(f"sqlite:///{tmp_path / 'voltbridge.db'}", SystemClock())
    made = Reserving(storage)
    yield made
    await made.service.close()
    await storage.close()


async def test_each_ends_at_its_moment(reserving: Reserving) -> None:
    clock, book = reserving.world.clock, reserving.book
    await reserving.service.start()
    clock.advance(0.01)
    await reserving.until(lambda: book.looks == 1)
    late = await reserving.reserve(30)
    early = await reserving.reserve(10)
    await reserving.until(lambda: len(clock._timers) == 1)
    clock.advance(599)
    assert book.looks == 1
    clock.advance(1.01)
    await reserving.until(lambda: reserving.ended() == [("reservation.expired", early)])
    assert await reserving.state(early) is ReservationState.EXPIRED
    assert await reserving.state(late) is ReservationState.RESERVED
    await reserving.until(lambda: len(clock._timers) == 1)
    clock.advance(1200)
    await reserving.until(lambda: len(reserving.ended()) == 2)
    await reserving.rest()
    assert book.looks <= 5
    assert clock._timers == []
    assert (await reserving.service.get(early)).ended_at == START + timedelta(seconds=600.02)


async def test_it_looks_at_the_clock_once_an_hour_at_least(reserving: Reserving) -> None:
    """The wall clock may be put forward; a timer does not notice."""
    await reserving.reserve(600)
    reserving.world.clock._now += timedelta(minutes=599)
    reserving.world.clock.advance(3600)
    await reserving.until(lambda: len(reserving.ended()) == 1)


async def test_what_ended_while_nothing_ran_ends_at_the_start(reserving: Reserving) -> None:
    ids = [await reserving.reserve(minutes) for minutes in (5, 6, 90)]
    await reserving.service.close()
    reserving.world.clock.advance(3600)
    assert reserving.ended() == []
    reserving.start()
    await reserving.service.start()
    reserving.world.clock.advance(0.01)
    await reserving.until(lambda: sorted(reserving.ended()) == [("reservation.expired", id) for id in ids[:2]])
    assert await reserving.state(ids[2]) is ReservationState.RESERVED


async def test_a_request_that_the_end_of_the_program_cut_off_is_explained(reserving: Reserving) -> None:
    unheard = asyncio.get_running_loop().create_future()

    async def never(request: Payload) -> Any:
        return await unheard

    terms = ReservationTerms(IdToken("A"), START + timedelta(hours=1))
    asking = asyncio.create_task(reserving.service.reserve("CP1", Version.V16, terms, never, command_id=1))
    async with asyncio.timeout(30):
        while not await reserving.storage.reservations.unexplained(10):
            pass
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    reserving.start()
    await reserving.service.start()
    one = await reserving.service.get(1)
    assert (one.state, one.problem) == (ReservationState.REQUESTED, "the program ended before the answer came")
    assert [told["id"] for told in reserving.world.emitted("reservation.unanswered")] == [1]


async def test_a_storage_that_is_away_is_asked_again(reserving: Reserving) -> None:
    await reserving.reserve(10)
    reserving.book.failing = 2
    for looks, seconds in ((1, 600.01), (2, 5), (3, 5)):
        reserving.world.clock.advance(seconds)
        await reserving.until(partial(_looked, reserving, looks))
        await reserving.rest()
    await reserving.until(lambda: len(reserving.ended()) == 1)


def _looked(reserving: Reserving, times: int) -> bool:
    return reserving.book.looks >= times


async def test_no_answer_leaves_it_open_until_its_time(reserving: Reserving) -> None:
    reserving.answer = "silence"
    with pytest.raises(CallTimedOut):
        await reserving.reserve(10)
    one = await reserving.service.get(1)
    assert (one.state, one.problem) == (ReservationState.REQUESTED, "CP1: no answer to ReserveNow within 30 s")
    reserving.world.clock.advance(600.01)
    await reserving.until(lambda: reserving.ended() == [("reservation.expired", 1)])


async def test_a_change_moves_the_end(reserving: Reserving) -> None:
    id = await reserving.reserve(10)
    assert await reserving.reserve(60, replaces=id) == id
    reserving.world.clock.advance(1800)
    await reserving.until(partial(_looked, reserving, 1))
    await reserving.rest()
    assert reserving.ended() == []
    reserving.world.clock.advance(1801)
    await reserving.until(lambda: reserving.ended() == [("reservation.expired", id)])
    assert [told["expires_at"] for told in reserving.world.emitted("reservation.changed")] == [
        "2026-03-01T13:00:00.000Z"
    ]


async def test_expiry_use_cancellation_and_removal_at_the_same_time(reserving: Reserving) -> None:
    """Whoever comes first, it was used; nothing is told twice, and what is told last is how it is."""
    transaction = Transaction(5, "5", "CP1", TransactionState.ACTIVE, START, START)
    for _ in range(25):
        id = await reserving.reserve(1)
        reserving.world.clock.advance(60.01)
        told = [
            reserving.service.used(transaction, id),
            reserving.service.cancel("CP1", Version.V16, id, reserving.call),
            reserving.tell(id, ReservationEnd.REMOVED),
            reserving.tell(id, ReservationEnd.EXPIRED),
        ]
        await asyncio.gather(*told[id % 4 :], *told[: id % 4])
        await reserving.rest()
        one = await reserving.service.get(id)
        assert (one.state, one.transaction_id) == (ReservationState.USED, 5)
        ends = [type for type, ended in reserving.ended() if ended == id]
        assert len(ends) == len(set(ends)) and "reservation.used" in ends
    await reserving.world.events.told()
    last = {told["id"]: told["state"] for told in _in_order(reserving)}
    assert set(last.values()) == {"Used"}


def _in_order(reserving: Reserving) -> list[Any]:
    published: list[Any] = reserving.world.bus.published
    return [event.data for event in published if event.type in ENDS]


async def test_a_rule_is_applied_to_what_is_stored(reserving: Reserving) -> None:
    """Not to what was read before: another change may have come in between."""
    id = await reserving.reserve(10)
    await asyncio.gather(
        reserving.storage.reservations.change("CP1", id, partial(use, transaction_id=9, now=START)),
        reserving.service.cancel("CP1", Version.V16, id, reserving.call),
    )
    assert await reserving.state(id) is ReservationState.USED


async def test_changing_and_cancelling_take_turns(reserving: Reserving) -> None:
    """Whichever is first is answered first; a change that comes second finds nothing to change."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(request: Payload) -> Any:
        asked.set()
        await answer.wait()
        return await reserving.call(request)

    terms = ReservationTerms(IdToken("B"), START + timedelta(hours=2))
    for cancels_first in (True, False):
        id = await reserving.reserve(10)
        asked.clear()
        answer.clear()
        if cancels_first:
            first = asyncio.create_task(reserving.service.cancel("CP1", Version.V16, id, slowly))
            await asked.wait()
            second = asyncio.create_task(reserving.reserve(20, replaces=id))
            answer.set()
            await first
            with pytest.raises(InvalidValue, match="is over"):
                await second
        else:
            change = reserving.service.reserve("CP1", Version.V16, terms, slowly, command_id=7, replaces=id)
            changing = asyncio.create_task(change)
            await asked.wait()
            cancelling = asyncio.create_task(reserving.service.cancel("CP1", Version.V16, id, reserving.call))
            answer.set()
            await asyncio.gather(changing, cancelling)
            assert (await reserving.service.get(id)).terms == terms
        assert await reserving.state(id) is ReservationState.CANCELLED
    assert len(reserving.service._locks) == 0


async def test_what_cannot_be_stored_is_not_taken_in_and_is_when_it_comes_again(reserving: Reserving) -> None:
    transaction = Transaction(5, "5", "CP1", TransactionState.ACTIVE, START, START)
    id = await reserving.reserve(10)
    reserving.book.unwritable = 2
    with pytest.raises(StorageUnavailable):
        await reserving.service.transaction_told(transaction, id, None)
    with pytest.raises(StorageUnavailable):
        await reserving.tell(id, ReservationEnd.REMOVED)
    assert (await reserving.state(id), reserving.ended()) == (ReservationState.RESERVED, [])
    await reserving.service.transaction_told(transaction, id, None)
    assert reserving.ended() == [("reservation.used", id)]


async def test_an_end_that_cannot_be_stored_comes_later(reserving: Reserving) -> None:
    id = await reserving.reserve(10)
    reserving.book.unwritable = 1
    reserving.world.clock.advance(600.01)
    await reserving.until(partial(_looked, reserving, 1))
    await reserving.rest()
    assert await reserving.state(id) is ReservationState.RESERVED
    reserving.world.clock.advance(5)
    await reserving.until(lambda: reserving.ended() == [("reservation.expired", id)])


async def test_transactions_of_stations_without_reservations_ask_nothing(reserving: Reserving) -> None:
    transaction = Transaction(5, "5", "CP1", TransactionState.ACTIVE, START, START, evse_id=1, id_token=IdToken("A"))
    await reserving.service.start()
    await reserving.service.transaction_told(transaction, None, None)
    assert reserving.book.asked == []
    id = await reserving.reserve(10)
    await reserving.service.transaction_told(replace(transaction, station_id="CP2"), None, None)
    assert reserving.book.asked == []
    await reserving.service.transaction_told(transaction, None, None)
    assert (reserving.book.asked, await reserving.state(id)) == (["CP1"], ReservationState.USED)
    again = await reserving.reserve(10)
    reserving.start()
    await reserving.service.start()
    await reserving.service.transaction_told(transaction, None, None)
    assert await reserving.state(again) is ReservationState.USED

"""What every bus must do. A test module for one kind of bus subclasses ``BusContract`` and says how to make it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import pytest

from voltbridge.bus.ports import Bus
from voltbridge.domain.events import Event, LiveEvent
from voltbridge.domain.station_calls import CallRefused, CallTimedOut, StationCall, StationNotConnected

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
CALL = StationCall("Reset", b'{"type":"Soft"}', 5.0)


def event(number: int) -> Event:
    return Event(number, "station.connected", NOON, "CS1", {"number": number})


def live_event(number: int) -> LiveEvent:
    return LiveEvent("meter_values", NOON, "CS1", {"number": number})


def answers(reply: bytes) -> Callable[[StationCall], asyncio.Future[bytes]]:
    def answer(call: StationCall) -> asyncio.Future[bytes]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(reply)
        return future

    return answer


def nothing() -> None:
    pass


class Told:
    """A reaction that remembers what it was told and lets a test wait for it."""

    def __init__(self) -> None:
        self.stations: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, station_id: str) -> None:
        self.stations.put_nowait(station_id)

    async def next(self) -> str:
        return await asyncio.wait_for(self.stations.get(), 30)


@pytest.mark.anyio
class BusContract:
    def make(self) -> AbstractAsyncContextManager[Bus]:
        raise AssertionError("say how the bus is made")

    async def test_a_subscriber_reads_what_is_published_after_it_subscribed_in_order(self) -> None:
        async with self.make() as bus:
            bus.publish(event(1))
            async with bus.subscribe() as subscription:
                bus.publish(event(2))
                bus.publish(live_event(3))
                reader = aiter(subscription)
                assert await anext(reader) == event(2)
                assert await anext(reader) == live_event(3)
                assert subscription.missed == 0

    async def test_a_subscriber_waits_for_the_next_event(self) -> None:
        async with self.make() as bus, bus.subscribe() as subscription:
            waiting = asyncio.ensure_future(anext(aiter(subscription)))
            await asyncio.sleep(0)
            assert not waiting.done()
            bus.publish(event(1))
            assert await asyncio.wait_for(waiting, 30) == event(1)

    async def test_every_subscriber_reads_every_event(self) -> None:
        async with self.make() as bus, bus.subscribe() as first, bus.subscribe() as second:
            bus.publish(event(1))
            assert await anext(aiter(first)) == event(1)
            assert await anext(aiter(second)) == event(1)

    async def test_a_subscriber_of_stored_events_is_spared_the_live_ones(self) -> None:
        async with self.make() as bus, bus.subscribe(capacity=1, live=False) as stored:
            assert not bus.has_subscribers, "nobody wants live events"
            bus.publish(event(1))
            bus.publish(live_event(2))
            assert await anext(aiter(stored)) == event(1)
            assert stored.missed == 0
            async with bus.subscribe():
                assert bus.has_subscribers

    async def test_a_slow_subscriber_loses_the_oldest_and_is_told_how_many(self) -> None:
        async with self.make() as bus, bus.subscribe(capacity=2) as slow, bus.subscribe() as quick:
            for number in range(5):
                bus.publish(event(number))
            reader = aiter(slow)
            assert [await anext(reader), await anext(reader)] == [event(3), event(4)]
            assert slow.missed == 3
            assert quick.missed == 0

    async def test_leaving_ends_a_subscription_and_whoever_waits_in_it(self) -> None:
        async with self.make() as bus:
            async with bus.subscribe() as subscription:
                waiting = asyncio.ensure_future(anext(aiter(subscription)))
                await asyncio.sleep(0)
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(waiting, 30)
            assert not bus.has_subscribers

    async def test_it_knows_whether_anybody_listens(self) -> None:
        async with self.make() as bus:
            heard = [bus.has_subscribers]
            async with bus.subscribe():
                heard.append(bus.has_subscribers)
            heard.append(bus.has_subscribers)
            assert heard == [False, True, False]

    async def test_a_call_reaches_the_owner_and_brings_its_answer(self) -> None:
        calls: list[StationCall] = []

        async def answer(call: StationCall) -> bytes:
            calls.append(call)
            return b'{"status":"Accepted"}'

        async with self.make() as bus:
            await bus.own("CS1", answer, nothing)
            assert await bus.call("CS1", CALL) == b'{"status":"Accepted"}'
            assert calls == [CALL]

    @pytest.mark.parametrize(
        "failure",
        [
            CallTimedOut("CS1", "Reset", 5.0),
            CallRefused("NotSupported", "no reset here", {"hint": 1}),
            StationNotConnected("CS1", "the connection ended"),
        ],
        ids=lambda failure: type(failure).__name__,
    )
    async def test_a_failed_call_fails_in_the_same_way_for_the_caller(self, failure: Exception) -> None:
        async def answer(call: StationCall) -> bytes:
            raise failure

        async with self.make() as bus:
            await bus.own("CS1", answer, nothing)
            with pytest.raises(type(failure)) as caught:
                await bus.call("CS1", CALL)
            assert str(caught.value) == str(failure)
            assert vars(caught.value) == vars(failure)

    async def test_a_call_to_a_station_nobody_owns_fails_at_once(self) -> None:
        async with self.make() as bus:
            with pytest.raises(StationNotConnected):
                await bus.call("CS1", CALL)

    async def test_a_call_waits_in_nobody_elses_way(self) -> None:
        release = asyncio.Event()

        async def slow(call: StationCall) -> bytes:
            await release.wait()
            return b"1"

        async with self.make() as bus:
            await bus.own("CS1", slow, nothing)
            await bus.own("CS2", answers(b"2"), nothing)
            first = asyncio.ensure_future(bus.call("CS1", CALL))
            assert await bus.call("CS2", CALL) == b"2"
            release.set()
            assert await first == b"1"

    async def test_a_new_owner_replaces_the_old_one_which_is_told(self) -> None:
        lost = asyncio.Event()
        async with self.make() as bus:
            await bus.own("CS1", answers(b"1"), lost.set)
            assert not lost.is_set()
            await bus.own("CS1", answers(b"2"), nothing)
            await asyncio.wait_for(lost.wait(), 30)
            assert await bus.call("CS1", CALL) == b"2"

    async def test_who_was_replaced_cannot_give_up_what_the_newer_one_owns(self) -> None:
        async with self.make() as bus:
            old = await bus.own("CS1", answers(b"1"), nothing)
            new = await bus.own("CS1", answers(b"2"), nothing)
            old.release()
            assert bus.is_connected("CS1")
            assert await bus.call("CS1", CALL) == b"2"
            new.release()
            assert not bus.is_connected("CS1")

    async def test_a_released_station_is_not_connected(self) -> None:
        async with self.make() as bus:
            ownership = await bus.own("CS1", answers(b"1"), nothing)
            assert bus.is_connected("CS1")
            assert not bus.is_connected("CS2")
            ownership.release()
            ownership.release()
            assert not bus.is_connected("CS1")
            with pytest.raises(StationNotConnected):
                await bus.call("CS1", CALL)

    async def test_an_announcement_reaches_everyone_who_asked_for_its_topic(self) -> None:
        first, second, other = Told(), Told(), Told()
        async with self.make() as bus:
            bus.on_announcement("settings", first)
            bus.on_announcement("settings", second)
            bus.on_announcement("deleted", other)
            bus.announce("settings", "CS1")
            assert await first.next() == "CS1"
            assert await second.next() == "CS1"
            bus.announce("deleted", "CS2")
            assert await other.next() == "CS2"
            assert first.stations.empty()

    async def test_a_reaction_that_fails_disturbs_no_other(self) -> None:
        told = Told()

        async def fails(station_id: str) -> None:
            raise RuntimeError(station_id)

        async with self.make() as bus:
            bus.on_announcement("settings", fails)
            bus.on_announcement("settings", told)
            bus.announce("settings", "CS1")
            assert await told.next() == "CS1"
            bus.announce("settings", "CS2")
            assert await told.next() == "CS2"

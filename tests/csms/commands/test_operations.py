"""One command to many stations: how many at once, when it stops, what it leaves to the next run of the program."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.csms.commands.desk import Commands, settled

from voltbridge.csms.commands.operations import OperationPlan
from voltbridge.domain.commands import Command, CommandFilter, CommandState, NotCancellable, Operation, OperationState
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.station_calls import CallTimedOut
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16
from voltbridge.protocol.structs import Payload

pytestmark = pytest.mark.anyio

REJECTED = v16.ResetResponse(status=v16.ResetStatus.REJECTED)
ACCEPTED = v16.ResetResponse(status=v16.ResetStatus.ACCEPTED)


def fleet(count: int) -> Commands:
    desk = Commands()
    for number in range(count):
        desk.connect(f"CP{number:04}")
    return desk


async def begun(desk: Commands, **plan: Any) -> Operation:
    return await desk.operations.submit("reset", {}, OperationPlan(**plan))


async def over(desk: Commands, operation: Operation) -> Operation:
    await settled(lambda: desk.operation_book.stored[operation.id].finished_at is not None)
    return await desk.operations.get(operation.id)


@pytest.mark.parametrize("concurrency", [1, 7])
async def test_no_more_at_once_than_allowed(concurrency: int) -> None:
    desk = fleet(30)
    desk.door.open.clear()
    operation = await begun(desk, concurrency=concurrency)
    await settled(lambda: desk.door.at_once == concurrency)
    for _ in range(50):
        await asyncio.sleep(0)
    assert desk.door.at_once == concurrency
    desk.door.open.set()
    done = await over(desk, operation)
    assert (done.state, done.counts) == (OperationState.COMPLETED, {CommandState.ACCEPTED: 30})
    assert desk.door.most_at_once == concurrency
    assert len({station_id for station_id, _ in desk.door.sent}) == 30


async def test_more_stations_than_a_page_holds() -> None:
    desk = fleet(1201)
    done = await over(desk, await begun(desk, concurrency=200))
    assert (done.total, done.counts) == (1201, {CommandState.ACCEPTED: 1201})
    progress = desk.world.emitted("operation.progress")
    assert len(progress) == 9
    (finished,) = desk.world.emitted("operation.finished")
    assert finished["counts"] == {"Accepted": 1201}


async def test_a_share_of_failures_stops_it() -> None:
    desk = fleet(100)

    def answer(station_id: str, request: Payload) -> Payload | Exception:
        number = int(station_id[2:])
        if number % 4 == 0:
            return REJECTED
        return CallTimedOut(station_id, "Reset", 30) if number % 4 == 1 else ACCEPTED

    desk.door.answer = answer
    done = await over(desk, await begun(desk, concurrency=1, stop_at_failure_rate=0.5, stop_after=8))
    assert done.state is OperationState.STOPPED
    # Of the first eight, four were refused or not answered.
    assert done.counts == {
        CommandState.ACCEPTED: 4,
        CommandState.REJECTED: 2,
        CommandState.TIMED_OUT: 2,
        CommandState.CANCELLED: 92,
    }


async def test_a_lower_share_does_not_stop_it() -> None:
    desk = fleet(40)
    desk.door.answer = lambda station_id, request: REJECTED if station_id.endswith("0") else ACCEPTED
    done = await over(desk, await begun(desk, concurrency=1, stop_at_failure_rate=0.2, stop_after=10))
    assert (done.state, done.counts[CommandState.REJECTED]) == (OperationState.COMPLETED, 4)


async def test_a_cancelled_one_lets_those_under_way_end() -> None:
    desk = fleet(10)
    desk.door.open.clear()
    operation = await begun(desk, concurrency=3)
    await settled(lambda: desk.door.at_once == 3)
    cancelled = await desk.operations.cancel(operation.id)
    assert (cancelled.state, cancelled.finished_at) == (OperationState.CANCELLED, None)
    assert cancelled.counts == {CommandState.SENT: 3, CommandState.CANCELLED: 7}
    with pytest.raises(NotCancellable, match="is Cancelled"):
        await desk.operations.cancel(operation.id)
    desk.door.open.set()
    done = await over(desk, operation)
    assert (done.state, done.counts) == (
        OperationState.CANCELLED,
        {CommandState.ACCEPTED: 3, CommandState.CANCELLED: 7},
    )


async def test_the_next_run_goes_on_once_stations_had_time_to_return() -> None:
    desk = fleet(10)
    desk.door.open.clear()
    operation = await begun(desk, concurrency=2)
    await settled(lambda: desk.door.at_once == 2)
    await desk.restart()
    for number in range(9):
        desk.connect(f"CP{number:04}")
    desk.door.open.set()
    desk.world.clock.advance(59)
    await asyncio.sleep(0)
    sent = len(desk.door.sent)
    desk.world.clock.advance(2)
    done = await over(desk, operation)
    assert sent == 2
    # Two were interrupted, and one station has not come back.
    assert done.counts == {CommandState.ACCEPTED: 7, CommandState.FAILED: 3}


async def test_held_ones_keep_it_running() -> None:
    desk = fleet(2)
    desk.know("CP9999")
    operation = await begun(desk, hold=True, expires_in_s=60)
    await settled(lambda: len(desk.door.sent) == 2)
    await settled(lambda: "CP9999" in desk.service.waiting)
    assert (await desk.operations.get(operation.id)).finished_at is None
    desk.world.clock.advance(61)
    done = await over(desk, operation)
    assert (done.state, done.counts) == (
        OperationState.COMPLETED,
        {CommandState.ACCEPTED: 2, CommandState.EXPIRED: 1},
    )


async def test_a_cancelled_one_takes_held_ones_back() -> None:
    desk = Commands()
    desk.know("CP1")
    operation = await begun(desk, hold=True)
    await settled(lambda: "CP1" in desk.service.waiting)
    await desk.operations.cancel(operation.id)
    done = await over(desk, operation)
    assert done.counts == {CommandState.CANCELLED: 1}
    assert "CP1" not in desk.service.waiting


async def test_nobody_to_tell_is_over_at_once() -> None:
    desk = Commands()
    done = await over(desk, await begun(desk))
    assert (done.state, done.total, done.counts) == (OperationState.COMPLETED, 0, {})


async def test_a_storage_that_cannot_be_read_for_a_while_holds_it_up_and_no_more() -> None:
    desk = fleet(1201)
    after, reads = desk.books.after, 0

    async def fails_once(wanted: CommandFilter, id: int, limit: int) -> list[Command]:
        nonlocal reads
        reads += 1
        if reads == 2:
            raise StorageUnavailable("planted")
        return await after(wanted, id, limit)

    desk.books.after = fails_once  # type: ignore[method-assign]
    operation = await begun(desk, concurrency=200)
    await settled(lambda: reads == 2 and desk.world.clock.timers)
    desk.world.clock.advance(5)
    done = await over(desk, operation)
    assert (done.state, done.counts) == (OperationState.COMPLETED, {CommandState.ACCEPTED: 1201})


async def test_a_mistake_of_ours_with_one_station_is_not_the_others() -> None:
    desk = fleet(20)
    run = desk.service.run

    async def fails_for_one(command: Command, live: LiveStation) -> Command:
        if live.station_id == "CP0007":
            raise RuntimeError("planted")
        return await run(command, live)

    desk.service.run = fails_for_one  # type: ignore[method-assign]
    operation = await begun(desk)
    await settled(lambda: desk.world.clock.timers)
    desk.world.clock.advance(5)
    done = await over(desk, operation)
    assert (done.state, done.counts) == (
        OperationState.COMPLETED,
        {CommandState.ACCEPTED: 19, CommandState.FAILED: 1},
    )


async def test_one_that_stops_takes_held_ones_back_even_if_the_storage_is_away_just_then() -> None:
    desk = Commands()
    for number in range(3):
        desk.know(f"CP{number}")
    operation = await begun(desk, hold=True, stop_at_failure_rate=0.1, stop_after=1)
    await settled(lambda: all(f"CP{number}" in desk.service.waiting for number in range(3)))
    desk.door.answer = lambda station_id, request: REJECTED
    after, failed = desk.books.after, False

    async def fails_once(wanted: CommandFilter, id: int, limit: int) -> list[Command]:
        nonlocal failed
        if not failed:
            failed = True
            raise StorageUnavailable("planted")
        return await after(wanted, id, limit)

    desk.books.after = fails_once  # type: ignore[method-assign]
    await desk.service.returned(desk.connect("CP0"))
    await settled(lambda: failed and desk.world.clock.timers)
    desk.world.clock.advance(5)
    done = await over(desk, operation)
    assert (done.state, done.counts) == (
        OperationState.STOPPED,
        {CommandState.REJECTED: 1, CommandState.CANCELLED: 2},
    )

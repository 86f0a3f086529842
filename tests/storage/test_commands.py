"""Commands and operations as stored: every field, lists and their filters, what a start takes up, counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.nouns import at, settings

from voltbridge.domain.commands import (
    Command,
    CommandAnswer,
    CommandError,
    CommandFilter,
    CommandState,
    Operation,
    OperationState,
    OutcomeState,
)
from voltbridge.domain.paging import InvalidCursor, PageRequest
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

QUEUED = Command(
    id=7,
    station_id="CS-1",
    name="reset",
    parameters={"type": "Soft", "nested": [{"deep": None}]},
    state=CommandState.QUEUED,
    created_at=at(0),
)
FULL = replace(
    QUEUED,
    id=8,
    state=CommandState.ACCEPTED,
    timeout_s=2.5,
    expires_at=at(90),
    sent_at=at(1),
    answered_at=at(2),
    finished_at=at(3),
    answer=CommandAnswer(True, "Scheduled", "Busy: for now", {"ongoing": True}),
    error=CommandError("timeout", "no answer"),
    correlation="17",
    outcome_state=OutcomeState.PENDING,
    outcome={"parts": 2},
    operation_id=99,
)


async def put(storage: Storage, *commands: Command) -> None:
    for command in commands:
        storage.journal.put(command)
    await storage.journal.committed()


async def test_every_field_comes_back(storage: Storage) -> None:
    assert await storage.commands.get(7) is None
    await put(storage, QUEUED, FULL)
    assert await storage.commands.get(7) == QUEUED
    assert await storage.commands.get(8) == FULL


async def test_a_later_fact_replaces_an_earlier_one(storage: Storage) -> None:
    await put(storage, QUEUED, replace(QUEUED, state=CommandState.SENT))
    sent = await storage.commands.get(7)
    assert sent is not None and sent.state is CommandState.SENT
    await put(storage, replace(QUEUED, state=CommandState.FAILED))
    failed = await storage.commands.get(7)
    assert failed is not None and failed.state is CommandState.FAILED


async def test_lists_are_filtered_and_paged_newest_first(storage: Storage) -> None:
    many = [replace(QUEUED, id=number, station_id=f"CS-{number % 2}") for number in range(1, 8)]
    await put(storage, *many, replace(FULL, id=20, name="trigger_message"))

    async def ids(wanted: CommandFilter) -> list[int]:
        found: list[int] = []
        cursor = None
        while True:
            page = await storage.commands.list(wanted, PageRequest(2, cursor))
            found += [each.id for each in page.items]
            if page.next is None:
                return found
            cursor = page.next

    assert await ids(CommandFilter()) == [20, 7, 6, 5, 4, 3, 2, 1]
    assert await ids(CommandFilter(station_id="CS-1", state=CommandState.QUEUED)) == [7, 5, 3, 1]
    assert await ids(CommandFilter(name="trigger_message")) == [20]
    assert await ids(CommandFilter(operation_id=99)) == [20]
    with pytest.raises(InvalidCursor):
        await storage.commands.list(CommandFilter(), PageRequest(2, "x"))


async def test_pages_for_the_program_are_oldest_first(storage: Storage) -> None:
    await put(storage, *(replace(QUEUED, id=number, operation_id=5) for number in range(1, 6)))
    wanted = CommandFilter(operation_id=5, state=CommandState.QUEUED)
    assert [each.id for each in await storage.commands.after(wanted, 2, 2)] == [3, 4]
    assert await storage.commands.after(CommandFilter(operation_id=6), 0, 9) == []


async def test_what_a_start_takes_up(storage: Storage) -> None:
    ended = (
        replace(QUEUED, id=number, state=state) for number, state in enumerate(CommandState, start=1) if state.is_final
    )
    concluded = replace(FULL, id=50, outcome_state=OutcomeState.COMPLETED)
    sent = replace(QUEUED, id=60, state=CommandState.SENT)
    await put(storage, *ended, concluded, sent, FULL, replace(QUEUED, id=70))
    assert [each.id for each in await storage.commands.unfinished(0, 10)] == [8, 60, 70]
    assert [each.id for each in await storage.commands.unfinished(8, 1)] == [60]


async def test_a_forgotten_station_takes_its_commands_along(storage: Storage) -> None:
    await storage.stations.add(settings())
    await put(storage, QUEUED, replace(QUEUED, id=9, station_id="CS-2"))
    await storage.stations.delete("CS-1")
    assert await storage.commands.get(7) is None
    assert await storage.commands.get(9) is not None


async def test_operations_count_their_commands(storage: Storage) -> None:
    operation = Operation(
        id=99,
        name="reset",
        parameters={"type": "Soft"},
        state=OperationState.RUNNING,
        created_at=at(0),
        total=3,
        concurrency=10,
        stop_at_failure_rate=0.25,
        stop_after=4,
        hold=True,
    )
    assert await storage.operations.get(99) is None
    await storage.operations.save(operation)
    assert await storage.operations.get(99) == operation
    await put(storage, FULL, *(replace(QUEUED, id=number, operation_id=99) for number in (1, 2)))
    counted = replace(operation, counts={CommandState.QUEUED: 2, CommandState.ACCEPTED: 1})
    assert await storage.operations.get(99) == counted
    over = replace(operation, id=98, state=OperationState.STOPPED, finished_at=at(5))
    await storage.operations.save(over)
    assert (await storage.operations.list(None, PageRequest(5))).items == (counted, over)
    assert (await storage.operations.list(OperationState.STOPPED, PageRequest(5))).items == (over,)
    page = await storage.operations.list(None, PageRequest(1))
    assert page.next is not None
    assert (await storage.operations.list(None, PageRequest(1, page.next))).items == (over,)


async def test_what_ended_long_ago_is_forgotten(storage: Storage) -> None:
    old = replace(FULL, outcome_state=OutcomeState.COMPLETED)
    await put(storage, QUEUED, old, replace(old, id=9, finished_at=at(60)), replace(FULL, id=10, finished_at=None))
    assert await storage.commands.prune(at(30)) == 1
    left = await storage.commands.list(CommandFilter(), PageRequest(9))
    assert [each.id for each in left.items] == [10, 9, 7]
    assert await storage.operations.prune(at(30)) == 0

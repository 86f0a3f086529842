"""A coroutine begun at once and finished by a task behaves as if the task had run all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voltbridge.csms.gateway.eager import Begun, begin, finish

pytestmark = pytest.mark.anyio


class Worker:
    """A task that waits for work and finishes it; ``give`` begins it from outside of any task."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.begun: asyncio.Future[Begun | None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        begun = await self.begun
        if begun is not None:
            await finish(begun)
        self.log.append("end")

    async def give(self, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(0)

        async def coroutine() -> None:
            await work()

        done = asyncio.Event()

        def start() -> None:
            try:
                self.begun.set_result(begin(coroutine(), self.task))
            except Exception as error:
                self.begun.set_exception(error)
            done.set()

        asyncio.get_running_loop().call_soon(start)
        await done.wait()


async def test_what_waits_for_nothing_is_done_at_once() -> None:
    worker = Worker()

    async def work() -> None:
        worker.log.append("work")

    await worker.give(work)
    assert worker.begun.result() is None
    await worker.task
    assert worker.log == ["work", "end"]


async def test_what_waits_is_finished_by_the_task() -> None:
    worker, gate = Worker(), asyncio.Event()

    async def work() -> None:
        worker.log.append("begun")
        await gate.wait()
        await asyncio.sleep(0)
        worker.log.append("finished")

    await worker.give(work)
    await asyncio.sleep(0)
    assert worker.log == ["begun"]
    gate.set()
    await worker.task
    assert worker.log == ["begun", "finished", "end"]


async def test_both_parts_run_in_the_task() -> None:
    worker = Worker()
    seen: list[object] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    await worker.give(work)
    await worker.task
    assert seen == [worker.task, worker.task]


@pytest.mark.parametrize("after", [0, 1])
async def test_an_exception_comes_out_where_it_is_raised(after: int) -> None:
    worker = Worker()

    async def work() -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        raise ValueError("no")

    await worker.give(work)
    with pytest.raises(ValueError, match="no"):
        await worker.task


async def test_a_time_out_begun_early_holds() -> None:
    worker = Worker()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        worker.log.append("timed out")

    await worker.give(work)
    await worker.task
    assert worker.log == ["timed out", "end"]


async def test_cancelling_the_task_cancels_the_work() -> None:
    worker = Worker()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            worker.log.append("cancelled")
            raise

    await worker.give(work)
    await asyncio.sleep(0)
    worker.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker.task
    assert worker.log == ["cancelled"]


async def test_work_may_survive_being_cancelled_and_wait_again() -> None:
    worker, gate = Worker(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            worker.log.append("not now")
        await gate.wait()
        worker.log.append("finished")

    await worker.give(work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    worker.task.cancel()
    await asyncio.sleep(0)
    gate.set()
    await worker.task
    assert worker.log == ["not now", "finished", "end"]

"""The same command to many stations, a few at a time, with an eye on how many of them refuse.

The commands are stored before the first is sent, and read again in pages, so that an operation over any number of
stations takes little memory and goes on after a restart. One that is stopped or cancelled sends nothing further; what
is with a station already runs to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from voltbridge.csms.commands.execution import hidden
from voltbridge.csms.commands.kinds import CommandKind
from voltbridge.csms.commands.ports import CommandBook, Connected, KnownStations, OperationBook
from voltbridge.csms.commands.service import OUT_OF_REACH, CommandService
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import (
    Command,
    CommandError,
    CommandFilter,
    CommandState,
    NotCancellable,
    Operation,
    OperationState,
)
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import StationFilter

__all__ = ["OperationPlan", "OperationService"]

_log = structlog.stdlib.get_logger(__name__)

_PAGE: Final = 500
"""Stations and commands read, and commands stored, at a time."""
_TOLD: Final = 10
"""How often progress is told in the course of an operation."""
_RETURN_S: Final = 60.0
"""How long stations are given to come back after a start of the program, before their absence counts."""
_PAUSE_S: Final = 5.0
"""Before an operation goes on that the storage held up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPlan:
    """How an operation is to be carried out."""

    station_ids: Sequence[str] | None = None
    """These stations, each once; None: those of the filter."""
    stations: StationFilter = field(default_factory=StationFilter)
    connected: bool | None = None
    """Of the filter's: only those connected now, or only those that are not."""
    concurrency: int = 100
    stop_at_failure_rate: float | None = None
    stop_after: int = 10
    hold: bool = False
    expires_in_s: float | None = None
    timeout_s: float | None = None


@dataclass(slots=True, eq=False)
class _Running:
    """An operation under way."""

    operation: Operation
    counts: dict[CommandState, int]
    taken: int = 0
    """The id of the last command taken up; those with larger ids are unsent for certain."""
    over: OperationState | None = None
    """Why it sends nothing further."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended(self) -> int:
        return sum(count for state, count in self.counts.items() if state.is_final)

    @property
    def failed(self) -> int:
        return sum(self.counts.get(state, 0) for state in _FAILURES)


_FAILURES: Final = (CommandState.REJECTED, CommandState.FAILED, CommandState.TIMED_OUT)


class OperationService:
    """Starts operations, carries them out, tells how far they are."""

    def __init__(
        self,
        commands: CommandService,
        connected: Connected,
        stations: KnownStations,
        book: CommandBook,
        operations: OperationBook,
        journal: Journal,
        events: EventLog,
        ids: IdSource,
        clock: Clock,
    ) -> None:
        self._commands = commands
        self._connected = connected
        self._stations = stations
        self._book = book
        self._operations = operations
        self._journal = journal
        self._events = events
        self._ids = ids
        self._clock = clock
        self._running: dict[int, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        commands.on_ended(self._on_ended)

    async def start(self) -> None:
        """Go on with what an earlier run of the program left. Raises StorageUnavailable."""
        request = PageRequest(_PAGE)
        while True:
            page = await self._operations.list(OperationState.RUNNING, request)
            for operation in page.items:
                self._carry_out(operation, after_s=_RETURN_S)
            if page.next is None:
                return
            request = PageRequest(_PAGE, page.next)

    async def close(self) -> None:
        """Leave the rest of every operation to the next run of the program."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def submit(self, name: str, parameters: Mapping[str, Any], plan: OperationPlan) -> Operation:
        """Begin an operation. Raises NotFound (command, station), InvalidParameters, InvalidValue, StorageUnavailable.

        What the version of a station cannot do fails for that station alone.
        """
        kind = self._commands.kind(name)
        wanted = self._commands.decoded(kind, parameters)
        if plan.expires_in_s is not None and not plan.hold:
            raise InvalidValue("expires_in_s", "is only of use with hold")
        operation = Operation(
            id=self._ids.next(),
            name=kind.name,
            parameters=hidden(parameters),
            state=OperationState.RUNNING,
            created_at=self._clock.now(),
            total=0,
            concurrency=plan.concurrency,
            stop_at_failure_rate=plan.stop_at_failure_rate,
            stop_after=plan.stop_after,
            hold=plan.hold,
        )
        total = 0
        async for station_ids in self.targets(plan):
            self._store(kind, wanted, plan, operation.id, station_ids)
            total += len(station_ids)
            await self._journal.committed()
        # Stored last: one that the program's end cuts short here was never begun.
        operation = replace(operation, total=total)
        await self._operations.save(operation)
        self._events.emit("operation.started", None, **_about(operation))
        self._carry_out(replace(operation, counts={CommandState.QUEUED: total} if total else {}))
        return await self.get(operation.id)

    async def get(self, id: int) -> Operation:
        """One operation with its commands counted. Raises NotFound."""
        operation = await self._operations.get(id)
        if operation is None:
            raise NotFound("operation", str(id))
        return operation

    async def list(self, state: OperationState | None, page: PageRequest) -> Page[Operation]:
        """Operations, newest first. Raises InvalidCursor."""
        return await self._operations.list(state, page)

    async def cancel(self, id: int) -> Operation:
        """Send nothing further. Raises NotFound, NotCancellable."""
        operation = await self.get(id)
        running = self._running.get(id)
        if running is None or running.over is not None:
            raise NotCancellable("operation", str(id), operation.state.value)
        running.over = OperationState.CANCELLED
        await self._operations.save(replace(running.operation, state=OperationState.CANCELLED))
        await self._cancel_queued(running)
        running.changed.set()
        return await self.get(id)

    async def _check_known(self, station_ids: Sequence[str]) -> None:
        unknown = [each for each in station_ids if await self._stations.get(each) is None]
        if unknown:
            raise NotFound("station", unknown[0])

    async def targets(self, plan: OperationPlan) -> AsyncIterator[Sequence[str]]:
        """The stations' ids, page by page. Raises NotFound for one that is named and not known."""
        if plan.station_ids is not None:
            await self._check_known(plan.station_ids)
            each_once = list(dict.fromkeys(plan.station_ids))
            for first in range(0, len(each_once), _PAGE):
                yield each_once[first : first + _PAGE]
            return
        wanted = plan.stations
        if plan.connected is True:
            wanted = replace(wanted, among=self._connected.ids())
        elif plan.connected is False:
            wanted = replace(wanted, not_among=self._connected.ids())
        request = PageRequest(_PAGE)
        while True:
            page = await self._stations.list(wanted, request)
            yield [station.settings.station_id for station in page.items]
            if page.next is None:
                return
            request = PageRequest(_PAGE, page.next)

    def _store(
        self, kind: CommandKind, wanted: Any, plan: OperationPlan, operation_id: int, station_ids: Sequence[str]
    ) -> None:
        for station_id in station_ids:
            self._journal.put(
                self._commands.made(
                    kind,
                    station_id,
                    wanted,
                    timeout_s=plan.timeout_s,
                    expires_in_s=plan.expires_in_s,
                    operation_id=operation_id,
                )
            )

    def _carry_out(self, operation: Operation, after_s: float = 0.0) -> None:
        running = self._running[operation.id] = _Running(operation, dict(operation.counts))
        task = asyncio.create_task(self._work(running, after_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, running: _Running, after_s: float) -> None:
        if after_s > 0:
            await self._clock.sleep(after_s)
        for step in (self._send_all, self._await_rest, self._finish):
            while True:
                try:
                    await step(running)
                except StorageUnavailable as error:
                    _log.warning("an operation waits for the storage", id=running.operation.id, error=str(error))
                    await self._clock.sleep(_PAUSE_S)
                else:
                    break

    async def _send_all(self, running: _Running) -> None:
        """Send every queued command, or keep it for its station; at most ``concurrency`` at once."""
        queued = CommandFilter(operation_id=running.operation.id, state=CommandState.QUEUED)
        free = asyncio.Semaphore(running.operation.concurrency)
        async with asyncio.TaskGroup() as group:
            while running.over is None and (page := await self._read(queued, running.taken)):
                for command in page:
                    await free.acquire()
                    if running.over is not None or self._too_many_failed(running):
                        return
                    running.taken = command.id
                    group.create_task(self._send(running, command, free))

    async def _read(self, wanted: CommandFilter, after: int) -> Sequence[Command]:
        """The next of the commands. Waits for the storage: those under way must not be given up for its sake."""
        while True:
            try:
                return await self._book.after(wanted, after, _PAGE)
            except StorageUnavailable as error:
                _log.warning("an operation waits for the storage", id=wanted.operation_id, error=str(error))
                await self._clock.sleep(_PAUSE_S)

    async def _send(self, running: _Running, command: Command, free: asyncio.Semaphore) -> None:
        try:
            live = self._connected.get(command.station_id)
            done = command if live is None else await self._commands.run(command, live)
            if done.state is CommandState.QUEUED:
                if running.operation.hold and running.over is None:
                    self._commands.hold(done)
                    self._commands.release(done.station_id)
                else:
                    error = CommandError("not_connected", "the station is not connected")
                    self._commands.end(done, CommandState.FAILED, error)
        except StorageUnavailable:
            await self._commands.end_later(command, OUT_OF_REACH)
        except Exception:
            _log.exception("a station of an operation was not sent its command", station=command.station_id)
            problem = "something went wrong on our side; the server's log says more"
            await self._commands.end_later(command, CommandError("internal", problem))
        finally:
            free.release()

    async def _await_rest(self, running: _Running) -> None:
        """Return when those that are held for their stations have ended too."""
        if running.over is not None:
            await self._cancel_queued(running)
        while running.ended < running.operation.total:
            await running.changed.wait()
            running.changed.clear()
            if running.over is None and self._too_many_failed(running):
                await self._cancel_queued(running)

    def _on_ended(self, command: Command) -> None:
        running = self._running.get(command.operation_id or 0)
        if running is not None:
            counts = running.counts
            counts[CommandState.QUEUED] = counts.get(CommandState.QUEUED, 0) - 1
            counts[command.state] = counts.get(command.state, 0) + 1
            running.changed.set()
            ended, total = running.ended, running.operation.total
            if ended * _TOLD // total > (ended - 1) * _TOLD // total and ended < total:
                self._events.emit("operation.progress", None, **_about(replace(running.operation, counts=counts)))

    def _too_many_failed(self, running: _Running) -> bool:
        """Whether the share of failures has been reached; remembers it."""
        rate = running.operation.stop_at_failure_rate
        ended = running.ended
        if rate is None or ended < running.operation.stop_after or running.failed < rate * ended or not running.failed:
            return False
        running.over = OperationState.STOPPED
        return True

    async def _cancel_queued(self, running: _Running) -> None:
        queued = CommandFilter(operation_id=running.operation.id, state=CommandState.QUEUED)
        after = 0
        await self._journal.committed()
        while page := await self._book.after(queued, after, _PAGE):
            after = page[-1].id
            for command in page:
                if command.id > running.taken or self._commands.is_held(command):
                    self._commands.end(command, CommandState.CANCELLED)
            await self._journal.committed()

    async def _finish(self, running: _Running) -> None:
        self._running.pop(running.operation.id, None)  # from here on it cannot be cancelled
        operation = replace(
            running.operation,
            state=running.over or OperationState.COMPLETED,
            finished_at=self._clock.now(),
            counts={state: count for state, count in running.counts.items() if count},
        )
        await self._journal.committed()
        await self._operations.save(operation)
        self._events.emit("operation.finished", None, **_about(operation))


def _about(operation: Operation) -> dict[str, Any]:
    return {
        "id": str(operation.id),
        "name": operation.name,
        "state": operation.state.value,
        "total": operation.total,
        "counts": {state.value: count for state, count in operation.counts.items() if count},
    }

"""Rollouts: one command to many stations by stages, watched, paused, resumed and cancelled by the operator.

How one is carried out is ``rollout_run``'s. After a restart of the program each goes on where it was. A station whose
end turns out to be another (firmware that was given up is there at a later boot) counts as that from then on; what its
failure had stopped stays stopped, until the operator resumes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from voltbridge.csms.commands.execution import hidden
from voltbridge.csms.commands.operations import OperationPlan, OperationService
from voltbridge.csms.commands.ports import RolloutBook
from voltbridge.csms.commands.rollout_run import RolloutRun, SentCommands, Workshop, about_rollout, member_state
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, NotCancellable
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState, Stage, stage_sizes

__all__ = ["RolloutPlan", "RolloutService"]

_PAGE: Final = 500
_RETURN_S: Final = 60.0
"""How long stations are given to come back after a start of the program, before it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """How a rollout is to be carried out."""

    targets: OperationPlan
    stages: Sequence[Stage] = ()
    concurrency: int = 10
    stop_at_failure_rate: float | None = None
    stop_after: int = 1
    advance_at: float = 1.0
    hold_for_s: float | None = None
    timeout_s: float | None = None


class RolloutService:
    """Starts rollouts, takes them up after a restart, tells how far they are."""

    def __init__(
        self,
        commands: CommandService,
        operations: OperationService,
        book: RolloutBook,
        events: EventLog,
        ids: IdSource,
        clock: Clock,
    ) -> None:
        self._commands = commands
        self._operations = operations
        self._book = book
        self._events = events
        self._ids = ids
        self._clock = clock
        self._runs: dict[int, RolloutRun] = {}
        """Those that are not over."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent = SentCommands()
        self._shop = Workshop(
            commands=commands,
            book=book,
            sent=self._sent,
            events=events,
            clock=clock,
            spawn=self._spawn,
            over=self._over,
        )
        self._closing = False
        commands.on_settled(self._on_settled)
        commands.on_corrected(self._on_corrected)

    async def start(self) -> None:
        """Go on with what an earlier run of the program left. Raises StorageUnavailable."""
        for rollout in await self._book.unfinished():
            run = self._runs[rollout.id] = RolloutRun(rollout, self._shop)
            await run.take_up()
            if rollout.state is RolloutState.RUNNING:
                run.carry_out(after_s=_RETURN_S)

    async def close(self) -> None:
        """Leave the rest to the next run of the program."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def submit(self, name: str, parameters: Mapping[str, Any], plan: RolloutPlan) -> Rollout:
        """Begin a rollout. Raises NotFound (command, station), InvalidParameters, InvalidValue, StorageUnavailable."""
        kind = self._commands.kind(name)
        self._commands.decoded(kind, parameters)
        if dict(parameters) != hidden(parameters):
            raise InvalidValue("parameters", "hold a secret, which a rollout would have to keep; use an operation")
        station_ids = [one async for page in self._operations.targets(plan.targets) for one in page]
        if not station_ids:
            raise InvalidValue("filter", "takes no station")
        sizes = stage_sizes(plan.stages, len(station_ids))
        now = self._clock.now()
        rollout = Rollout(
            id=self._ids.next(),
            name=kind.name,
            parameters=dict(parameters),
            state=RolloutState.RUNNING,
            created_at=now,
            total=len(station_ids),
            stages=sizes,
            concurrency=plan.concurrency,
            stop_at_failure_rate=plan.stop_at_failure_rate,
            stop_after=plan.stop_after,
            advance_at=plan.advance_at,
            hold_for_s=plan.hold_for_s,
            timeout_s=plan.timeout_s,
        )
        stage_of = [number for number, size in enumerate(sizes) for _ in range(size)]
        members = [
            RolloutMember(
                rollout_id=rollout.id,
                position=position,
                station_id=station_id,
                stage=stage_of[position],
                state=MemberState.WAITING,
                updated_at=now,
            )
            for position, station_id in enumerate(station_ids)
        ]
        for first in range(0, len(members), _PAGE):
            await self._book.add_members(members[first : first + _PAGE])
        # Stored last: one that the program's end cuts short here was never begun.
        await self._book.save(rollout)
        run = self._runs[rollout.id] = RolloutRun(rollout, self._shop)
        self._events.emit("rollout.started", None, **about_rollout(rollout))
        run.carry_out()
        return await self.get(rollout.id)

    async def get(self, id: int) -> Rollout:
        """One rollout with its stations counted. Raises NotFound."""
        rollout = await self._book.get(id)
        if rollout is None:
            raise NotFound("rollout", str(id))
        return rollout

    async def list(self, state: RolloutState | None, page: PageRequest) -> Page[Rollout]:
        """Rollouts, newest first. Raises InvalidCursor."""
        return await self._book.list(state, page)

    async def members(self, id: int, page: PageRequest, state: MemberState | None = None) -> Page[RolloutMember]:
        """A rollout's stations in their order. Raises NotFound, InvalidCursor."""
        await self.get(id)
        return await self._book.members(id, page, state)

    async def pause(self, id: int) -> Rollout:
        """Send nothing further for now, and take back what is held. Raises NotFound, NotCancellable."""
        return await self._halted(id, RolloutState.PAUSED)

    async def cancel(self, id: int) -> Rollout:
        """Send nothing further, ever. Raises NotFound, NotCancellable."""
        return await self._halted(id, RolloutState.CANCELLED)

    async def resume(self, id: int) -> Rollout:
        """Go on; failures so far count no more. Raises NotFound, NotCancellable."""
        rollout = await self.get(id)
        run = self._runs.get(id)
        if run is None or not await run.resume():
            raise NotCancellable("rollout", str(id), rollout.state.value)
        return await self.get(id)

    async def _halted(self, id: int, state: RolloutState) -> Rollout:
        rollout = await self.get(id)
        run = self._runs.get(id)
        if run is None or not await run.halt(state):
            raise NotCancellable("rollout", str(id), rollout.state.value)
        return await self.get(id)

    def _on_settled(self, command: Command) -> None:
        if not self._closing:
            self._sent.settled(command)

    async def _on_corrected(self, command: Command) -> None:
        """A station has come to another end than was told: it counts as that, also when the rollout is over."""
        member = await self._book.of_command(command.station_id, command.id)
        if member is None or not member.state.is_final:
            return
        state, problem = member_state(command)
        if state is member.state:
            return
        if problem is None and member.problem is not None:
            problem = f"taken for failed before: {member.problem}"
        corrected = replace(member, state=state, problem=problem, updated_at=self._clock.now())
        await self._book.put_members([corrected])
        rollout = await self._book.get(member.rollout_id)
        if rollout is not None:
            self._events.emit(
                "rollout.corrected",
                command.station_id,
                **about_rollout(rollout),
                command_id=str(command.id),
                station_state=state.value,
                station_state_before=member.state.value,
            )
        run = self._runs.get(member.rollout_id)
        if run is not None:
            run.look_again()

    def _over(self, rollout: Rollout) -> None:
        self._runs.pop(rollout.id, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

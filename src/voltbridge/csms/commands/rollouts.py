"""Rollouts carried out: a stage at a time, a few stations at once, each until its outcome is told.

A stage is over when enough of its stations have come to their end (``advance_at``), so that one whose stations are
away lets no further one begin on nothing. Stations that are away have the command held for them and take nobody's
place. What is with a station already runs to its end, whatever becomes of the rollout; what is held is taken back when
it pauses. After a restart of the program it goes on where it was. A station whose end turns out to be another (firmware
that was given up is there at a later boot) counts as that from then on; what its failure had stopped stays stopped,
until the operator resumes it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import structlog

from voltbridge.csms.commands.execution import hidden
from voltbridge.csms.commands.operations import OperationPlan, OperationService
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, CommandFilter, CommandState, NotCancellable, OutcomeState, Unsupported
from voltbridge.domain.errors import InvalidValue, NotFound, StorageUnavailable
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState, Stage, stage_sizes
from voltbridge.domain.station_calls import CallFailed

__all__ = ["RolloutBook", "RolloutPlan", "RolloutService"]

_log = structlog.stdlib.get_logger(__name__)

_PAGE: Final = 500
_RECENT: Final = 1000
_RETURN_S: Final = 60.0
"""How long stations are given to come back after a start of the program, before it goes on."""
_PAUSE_S: Final = 5.0


class RolloutBook(Protocol):
    """Stored rollouts. Everything raises StorageUnavailable."""

    async def save(self, rollout: Rollout) -> None: ...

    async def get(self, id: int) -> Rollout | None: ...

    async def list(self, state: RolloutState | None, page: PageRequest) -> Page[Rollout]:
        """Newest first. Raises InvalidCursor."""

    async def unfinished(self) -> Sequence[Rollout]: ...

    async def add_members(self, members: Sequence[RolloutMember]) -> None: ...

    async def put_members(self, members: Sequence[RolloutMember]) -> None:
        """Replace those of the same position."""

    async def members(
        self, rollout_id: int, page: PageRequest, state: MemberState | None = None
    ) -> Page[RolloutMember]:
        """In their order. Raises InvalidCursor."""

    async def of_command(self, station_id: str, command_id: int) -> RolloutMember | None:
        """The station that was sent this command."""

    async def next_waiting(self, rollout_id: int, stage: int, limit: int) -> Sequence[RolloutMember]: ...

    async def open_in(self, rollout_id: int, stage: int) -> int:
        """How many of the stage, and of those before, have not come to their end."""


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


@dataclass(slots=True, eq=False)
class _Running:
    """A rollout that is not over."""

    rollout: Rollout
    members: dict[int, RolloutMember] = field(default_factory=dict)
    """By command: those held or under way."""
    sending: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> int:
        """Stations at work."""
        return self.sending + sum(one.state is MemberState.UNDER_WAY for one in self.members.values())


class RolloutService:
    """Starts rollouts, carries them out, tells how far they are."""

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
        self._running: dict[int, _Running] = {}
        self._by_command: dict[int, _Running] = {}
        self._recent: OrderedDict[int, Command] = OrderedDict()
        """Commands that came to an end before it was known that they belong to a rollout."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        commands.on_settled(self._on_settled)
        commands.on_corrected(self._on_corrected)

    async def start(self) -> None:
        """Go on with what an earlier run of the program left. Raises StorageUnavailable."""
        for rollout in await self._book.unfinished():
            running = self._running[rollout.id] = _Running(rollout)
            await self._take_up(running)
            if rollout.state is RolloutState.RUNNING:
                self._carry_out(running, after_s=_RETURN_S)

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
        running = self._running[rollout.id] = _Running(rollout)
        self._events.emit("rollout.started", None, **_about(rollout))
        self._carry_out(running)
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
        return await self._halt(id, RolloutState.PAUSED, (RolloutState.RUNNING,))

    async def cancel(self, id: int) -> Rollout:
        """Send nothing further, ever. Raises NotFound, NotCancellable."""
        from_states = (RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.STOPPED)
        return await self._halt(id, RolloutState.CANCELLED, from_states)

    async def resume(self, id: int) -> Rollout:
        """Go on; failures so far count no more. Raises NotFound, NotCancellable."""
        rollout = await self.get(id)
        running = self._running.get(id)
        if running is None or running.rollout.state not in (RolloutState.PAUSED, RolloutState.STOPPED):
            raise NotCancellable("rollout", str(id), rollout.state.value)
        if running.task is not None:
            await asyncio.wait([running.task])
        stopped = running.rollout.state is RolloutState.STOPPED
        async with running.lock:
            running.rollout = replace(
                running.rollout,
                state=RolloutState.RUNNING,
                reason=None,
                forgiven=rollout.counts.get(MemberState.FAILED, 0) if stopped else running.rollout.forgiven,
                ended_before=rollout.ended if stopped else running.rollout.ended_before,
            )
            await self._book.save(running.rollout)
        self._events.emit("rollout.resumed", None, **_about(running.rollout))
        self._carry_out(running)
        return await self.get(id)

    # Carrying out

    def _carry_out(self, running: _Running, after_s: float = 0.0) -> None:
        running.task = task = asyncio.create_task(self._work(running, after_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, running: _Running, after_s: float) -> None:
        if after_s > 0:
            await self._clock.sleep(after_s)
        while running.rollout.state is RolloutState.RUNNING:
            running.changed.clear()
            try:
                if await self._step(running):
                    continue
            except StorageUnavailable as error:
                _log.warning("a rollout waits for the storage", id=running.rollout.id, error=str(error))
                await self._clock.sleep(_PAUSE_S)
                continue
            await running.changed.wait()

    async def _step(self, running: _Running) -> bool:
        """Do what can be done now; whether there may be more at once."""
        rollout = await self.get(running.rollout.id)
        if self._failed_too_often(running.rollout, rollout.counts):
            failed = rollout.counts.get(MemberState.FAILED, 0) - running.rollout.forgiven
            await self._stop(running, f"{failed} stations failed")
            return False
        free = running.rollout.concurrency - running.busy
        if free > 0:
            waiting = await self._book.next_waiting(rollout.id, running.rollout.stage, free)
            for member in waiting:
                member = replace(member, state=MemberState.UNDER_WAY, updated_at=self._clock.now())
                await self._book.put_members([member])
                running.sending += 1
                self._spawn(self._send(running, member))
            if waiting:
                return False
        if running.busy == 0 or rollout.advance_at < 1.0:
            return await self._advance(running, rollout)
        return False

    async def _advance(self, running: _Running, rollout: Rollout) -> bool:
        """Begin the next stage, or finish, if enough have ended."""
        stage = running.rollout.stage
        so_far = sum(rollout.stages[: stage + 1])
        last = stage == len(rollout.stages) - 1
        left = await self._book.open_in(rollout.id, stage)
        enough = left == 0 if last else left <= (1.0 - rollout.advance_at) * so_far
        if not enough:
            return False
        async with running.lock:
            if running.rollout.state is not RolloutState.RUNNING:
                return False
            if last:
                running.rollout = replace(running.rollout, state=RolloutState.COMPLETED, finished_at=self._clock.now())
                await self._book.save(running.rollout)
                self._running.pop(rollout.id, None)
                self._events.emit("rollout.finished", None, **_about(running.rollout))
                return False
            running.rollout = replace(running.rollout, stage=stage + 1)
            await self._book.save(running.rollout)
        self._events.emit("rollout.stage_finished", None, **_about(running.rollout))
        return True

    def _failed_too_often(self, rollout: Rollout, counts: Mapping[MemberState, int]) -> bool:
        rate = rollout.stop_at_failure_rate
        failed = counts.get(MemberState.FAILED, 0) - rollout.forgiven
        ended = failed + counts.get(MemberState.SUCCEEDED, 0) - (rollout.ended_before - rollout.forgiven)
        return rate is not None and failed > 0 and ended >= rollout.stop_after and failed >= rate * ended

    async def _send(self, running: _Running, member: RolloutMember) -> None:
        rollout = running.rollout
        try:
            command = await self._commands.submit(
                member.station_id,
                rollout.name,
                rollout.parameters,
                hold=True,
                expires_in_s=rollout.hold_for_s,
                timeout_s=rollout.timeout_s,
            )
            command = self._recent.pop(command.id, command)
            await self._noted(running, replace(member, command_id=command.id), command)
        except StorageUnavailable:
            problem = "the storage was out of reach; the command may have taken effect"
            await self._put(running, replace(member, state=MemberState.FAILED, problem=problem))
        except (NotFound, Unsupported, CallFailed, ValueError) as error:
            await self._put(running, replace(member, state=MemberState.FAILED, problem=str(error)))
        except Exception:
            _log.exception("a station of a rollout was not sent its command", station=member.station_id)
            problem = "something went wrong on our side; the server's log says more"
            await self._put(running, replace(member, state=MemberState.FAILED, problem=problem))
        finally:
            running.sending -= 1
            running.changed.set()

    async def _noted(self, running: _Running, member: RolloutMember, command: Command) -> None:
        """Note where a station is by its command."""
        state, problem = _state_of(command)
        member = replace(member, state=state, problem=problem, updated_at=self._clock.now())
        if state.is_final:
            running.members.pop(command.id, None)
            self._by_command.pop(command.id, None)
        else:
            running.members[command.id] = member
            self._by_command[command.id] = running
        await self._put(running, member)

    async def _put(self, running: _Running, member: RolloutMember) -> None:
        while True:
            try:
                await self._book.put_members([member])
                break
            except StorageUnavailable:
                await self._clock.sleep(_PAUSE_S)
        running.changed.set()

    def _on_settled(self, command: Command) -> None:
        """A command has reached a final state, or its outcome."""
        running = self._by_command.get(command.id)
        if running is None:
            self._recent[command.id] = command
            while len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
            return
        member = running.members.get(command.id)
        if member is not None and not self._closing:
            self._spawn(self._noted(running, member, command))

    async def _on_corrected(self, command: Command) -> None:
        """A station has come to another end than was told: it counts as that, also when the rollout is over."""
        member = await self._book.of_command(command.station_id, command.id)
        if member is None or not member.state.is_final:
            return
        state, problem = _state_of(command)
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
                **_about(rollout),
                command_id=str(command.id),
                station_state=state.value,
                station_state_before=member.state.value,
            )
        running = self._running.get(member.rollout_id)
        if running is not None:
            running.changed.set()

    async def _take_up(self, running: _Running) -> None:
        """Find out what became meanwhile of the stations that were at work."""
        for state in (MemberState.HELD, MemberState.UNDER_WAY):
            page = PageRequest(_PAGE)
            while True:
                found = await self._book.members(running.rollout.id, page, state)
                for member in found.items:
                    command = await self._command_of(running, member)
                    if command is None:
                        await self._book.put_members([replace(member, state=MemberState.WAITING)])
                    else:
                        await self._noted(running, replace(member, command_id=command.id), command)
                if found.next is None:
                    break
                page = PageRequest(_PAGE, found.next)

    async def _command_of(self, running: _Running, member: RolloutMember) -> Command | None:
        """Its command; without a note of it the one that was sent since its turn came."""
        if member.command_id is not None:
            try:
                return await self._commands.get(member.command_id)
            except NotFound:
                return None
        wanted = CommandFilter(station_id=member.station_id, name=running.rollout.name)
        found = (await self._commands.list(wanted, PageRequest(1))).items
        return found[0] if found and found[0].created_at >= member.updated_at else None

    # Halting

    async def _halt(self, id: int, state: RolloutState, from_states: tuple[RolloutState, ...]) -> Rollout:
        rollout = await self.get(id)
        running = self._running.get(id)
        if running is None or running.rollout.state not in from_states:
            raise NotCancellable("rollout", str(id), rollout.state.value)
        await self._set(running, state, None)
        event = "rollout.paused" if state is RolloutState.PAUSED else "rollout.cancelled"
        self._events.emit(event, None, **_about(running.rollout))
        return await self.get(id)

    async def _stop(self, running: _Running, reason: str) -> None:
        await self._set(running, RolloutState.STOPPED, reason)
        self._events.emit("rollout.stopped", None, **_about(running.rollout))

    async def _set(self, running: _Running, state: RolloutState, reason: str | None) -> None:
        async with running.lock:
            finished_at = self._clock.now() if state.is_final else None
            running.rollout = replace(running.rollout, state=state, reason=reason, finished_at=finished_at)
            await self._book.save(running.rollout)
            if state.is_final:
                self._running.pop(running.rollout.id, None)
        running.changed.set()
        for id, member in list(running.members.items()):
            if member.state is not MemberState.HELD:
                continue
            self._by_command.pop(id, None)
            running.members.pop(id, None)
            try:
                await self._commands.cancel(id)
            except (NotCancellable, NotFound):
                # It has just been sent: what becomes of it counts.
                await self._noted(running, member, await self._commands.get(id))
            else:
                await self._put(running, replace(member, state=MemberState.WAITING, command_id=None))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _state_of(command: Command) -> tuple[MemberState, str | None]:
    """Where a station is, and what went wrong."""
    if command.outcome_state is OutcomeState.COMPLETED:
        return MemberState.SUCCEEDED, None  # also without an answer, when it is known later
    match command.state:
        case CommandState.QUEUED:
            return MemberState.HELD, None
        case CommandState.SENT:
            return MemberState.UNDER_WAY, None
        case CommandState.EXPIRED | CommandState.CANCELLED:
            return MemberState.SKIPPED, f"the command was {command.state.value.lower()}"
        case CommandState.ACCEPTED:
            if command.outcome_state is OutcomeState.PENDING:
                return MemberState.UNDER_WAY, None
            if command.outcome_state is OutcomeState.FAILED:
                told = dict(command.outcome or {})
                return MemberState.FAILED, str(told.get("problem") or told.get("status") or "it failed")
            return MemberState.SUCCEEDED, None
    if command.answer is not None:
        reason = command.answer.reason
        return MemberState.FAILED, command.answer.status if reason is None else f"{command.answer.status}: {reason}"
    error = command.error
    return MemberState.FAILED, command.state.value if error is None else f"{error.code}: {error.detail}"


def _about(rollout: Rollout) -> dict[str, Any]:
    return {
        "id": str(rollout.id),
        "name": rollout.name,
        "state": rollout.state.value,
        "stage": rollout.stage,
        "stages": list(rollout.stages),
        "total": rollout.total,
        "reason": rollout.reason,
    }

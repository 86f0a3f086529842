"""One rollout at work: a stage at a time, a few stations at once, each until its outcome is told.

A stage is over when enough of its stations have come to their end (``advance_at``), so that one whose stations are
away lets no further one begin on nothing. Stations that are away have the command held for them and take nobody's
place. What is with a station already runs to its end, whatever becomes of the rollout; what is held is taken back when
it is halted. What is kept in memory follows what was stored, never the other way round, so that a storage that is away
for a while only delays.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from voltbridge.csms.commands.ports import RolloutBook
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import Command, CommandFilter, CommandState, NotCancellable, OutcomeState, Unsupported
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState
from voltbridge.domain.station_calls import CallFailed

__all__ = ["RolloutRun", "SentCommands", "Workshop", "about_rollout", "member_state"]

_log = structlog.stdlib.get_logger(__name__)

_PAGE: Final = 500
_RECENT: Final = 1000
_PAUSE_S: Final = 5.0
_HALTED: Final = (RolloutState.PAUSED, RolloutState.STOPPED)
_TOLD: Final[Mapping[RolloutState, str]] = {
    RolloutState.PAUSED: "rollout.paused",
    RolloutState.STOPPED: "rollout.stopped",
    RolloutState.CANCELLED: "rollout.cancelled",
}
"""How a halt is told."""

_HALTED_FROM: Final[Mapping[RolloutState, tuple[RolloutState, ...]]] = {
    RolloutState.PAUSED: (RolloutState.RUNNING,),
    RolloutState.STOPPED: (RolloutState.RUNNING,),
    RolloutState.CANCELLED: (RolloutState.RUNNING, *_HALTED),
}
"""From which states there is a halt."""


class SentCommands:
    """Which rollout a command is of, and what became of commands of which that is not known yet."""

    def __init__(self) -> None:
        self._runs: dict[int, RolloutRun] = {}
        self._recent: OrderedDict[int, Command] = OrderedDict()

    def enter(self, command_id: int, run: RolloutRun) -> None:
        """The command is of this rollout, which is told what becomes of it."""
        self._runs[command_id] = run

    def leave(self, command_id: int) -> None:
        """Nobody waits for the command any more."""
        self._runs.pop(command_id, None)

    def settled(self, command: Command) -> None:
        """A command has reached a final state, or its outcome."""
        run = self._runs.get(command.id)
        if run is not None:
            run.settled(command)
            return
        self._recent[command.id] = command
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def newest(self, command: Command) -> Command:
        """The command as it is by now."""
        return self._recent.pop(command.id, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every rollout works with."""

    commands: CommandService
    book: RolloutBook
    sent: SentCommands
    events: EventLog
    clock: Clock
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    over: Callable[[Rollout], None]
    """Told of a rollout that has come to its end."""


class RolloutRun:
    """A rollout that is not over."""

    def __init__(self, rollout: Rollout, workshop: Workshop) -> None:
        self.rollout = rollout
        """As it was stored last; without counts."""
        self._shop = workshop
        self._members: dict[int, RolloutMember] = {}
        """By command: those held or under way."""
        self._unstored: dict[int, RolloutMember] = {}
        """By position: as they are, while the storage has not taken it."""
        self._sending = 0
        self._changed = asyncio.Event()
        self._deciding = asyncio.Lock()
        """Held from looking at the state to storing another, and to noting that a station's turn has come."""
        self._task: asyncio.Task[None] | None = None

    # What the operator decides

    async def halt(self, state: RolloutState, reason: str | None = None) -> bool:
        """Begin with no further station, and take back what is held; False when there is nothing to halt."""
        async with self._deciding:
            if self.rollout.state not in _HALTED_FROM[state]:
                return False
            finished_at = self._shop.clock.now() if state.is_final else None
            await self._store(replace(self.rollout, state=state, reason=reason, finished_at=finished_at))
        self._changed.set()
        for id, member in list(self._members.items()):
            if member.state is MemberState.HELD:
                await self._take_back(id, member)
        self._shop.events.emit(_TOLD[state], None, **about_rollout(self.rollout))
        return True

    async def resume(self) -> bool:
        """Go on; failures so far count no more. False when it was not halted."""
        if not self._is_halted():
            return False
        if self._task is not None:
            await asyncio.wait([self._task])
        async with self._deciding:
            if not self._is_halted():
                return False
            rollout = replace(self.rollout, state=RolloutState.RUNNING, reason=None)
            if self.rollout.state is RolloutState.STOPPED:
                counted = await self._counted()
                failed = counted.counts.get(MemberState.FAILED, 0)
                rollout = replace(rollout, forgiven=failed, ended_before=counted.ended)
            await self._store(rollout)
        self._shop.events.emit("rollout.resumed", None, **about_rollout(self.rollout))
        self.carry_out()
        return True

    def _is_halted(self) -> bool:
        return self.rollout.state in _HALTED

    # Carrying out

    def carry_out(self, after_s: float = 0.0) -> None:
        """Go on with the stations whose turn it is."""
        self._task = self._shop.spawn(self._work(after_s))

    def look_again(self) -> None:
        """Something has changed."""
        self._changed.set()

    async def _work(self, after_s: float) -> None:
        await self._rest(after_s)
        while self.rollout.state is RolloutState.RUNNING:
            self._changed.clear()
            try:
                if await self._step():
                    continue
            except StorageUnavailable as error:
                _log.warning("a rollout waits for the storage", id=self.rollout.id, error=str(error))
                await self._shop.clock.sleep(_PAUSE_S)
                continue
            await self._changed.wait()

    async def _rest(self, seconds: float) -> None:
        """Give stations time to come back after a restart; a halt ends it, so that a resume need not wait for it."""
        if seconds <= 0:
            return
        over = False

        def end() -> None:
            nonlocal over
            over = True
            self._changed.set()

        cancel = self._shop.clock.call_later(seconds, end)
        try:
            while not over and self.rollout.state is RolloutState.RUNNING:
                self._changed.clear()
                await self._changed.wait()
        finally:
            cancel()

    async def _step(self) -> bool:
        """Do what can be done now; whether there may be more at once."""
        counted = await self._counted()
        if self._failed_too_often(counted.counts):
            failed = counted.counts.get(MemberState.FAILED, 0) - self.rollout.forgiven
            await self.halt(RolloutState.STOPPED, f"{failed} stations failed")
            return False
        free = self.rollout.concurrency - self._busy
        if free > 0:
            waiting = await self._shop.book.next_waiting(counted.id, self.rollout.stage, free)
            for member in waiting:
                await self._begin(member)
            if waiting:
                return False
        if self._busy == 0 or counted.advance_at < 1.0:
            return await self._advance(counted)
        return False

    @property
    def _busy(self) -> int:
        """Stations at work."""
        return self._sending + sum(one.state is MemberState.UNDER_WAY for one in self._members.values())

    async def _counted(self) -> Rollout:
        found = await self._shop.book.get(self.rollout.id)
        if found is None:
            raise NotFound("rollout", str(self.rollout.id))
        return found

    def _failed_too_often(self, counts: Mapping[MemberState, int]) -> bool:
        rollout = self.rollout
        rate = rollout.stop_at_failure_rate
        failed = counts.get(MemberState.FAILED, 0) - rollout.forgiven
        ended = failed + counts.get(MemberState.SUCCEEDED, 0) - (rollout.ended_before - rollout.forgiven)
        return rate is not None and failed > 0 and ended >= rollout.stop_after and failed >= rate * ended

    async def _advance(self, counted: Rollout) -> bool:
        """Begin the next stage, or finish, if enough have ended."""
        stage = self.rollout.stage
        so_far = sum(counted.stages[: stage + 1])
        last = stage == len(counted.stages) - 1
        left = await self._shop.book.open_in(counted.id, stage)
        enough = left == 0 if last else left <= (1.0 - counted.advance_at) * so_far
        if not enough:
            return False
        async with self._deciding:
            if self.rollout.state is not RolloutState.RUNNING:
                return False
            if last:
                now = self._shop.clock.now()
                await self._store(replace(self.rollout, state=RolloutState.COMPLETED, finished_at=now))
            else:
                await self._store(replace(self.rollout, stage=stage + 1))
        event = "rollout.finished" if last else "rollout.stage_finished"
        self._shop.events.emit(event, None, **about_rollout(self.rollout))
        return not last

    async def _store(self, rollout: Rollout) -> None:
        await self._shop.book.save(rollout)
        self.rollout = rollout
        if rollout.state.is_final:
            self._shop.over(rollout)

    # One station

    async def _begin(self, member: RolloutMember) -> None:
        """Its turn has come, unless the rollout was halted meanwhile."""
        async with self._deciding:
            if self.rollout.state is RolloutState.RUNNING:
                member = replace(member, state=MemberState.UNDER_WAY, updated_at=self._shop.clock.now())
                await self._shop.book.put_members([member])
                self._sending += 1
                self._shop.spawn(self._send(member))

    async def _send(self, member: RolloutMember) -> None:
        rollout = self.rollout
        try:
            command = await self._shop.commands.submit(
                member.station_id,
                rollout.name,
                rollout.parameters,
                hold=True,
                expires_in_s=rollout.hold_for_s,
                timeout_s=rollout.timeout_s,
            )
            await self._note(replace(member, command_id=command.id), self._shop.sent.newest(command))
            held = self._members.get(command.id)
            halted = self.rollout.state is not RolloutState.RUNNING
            if halted and held is not None and held.state is MemberState.HELD:
                await self._take_back(command.id, held)
        except StorageUnavailable:
            problem = "the storage was out of reach; the command may have taken effect"
            await self._put(replace(member, state=MemberState.FAILED, problem=problem))
        except (NotFound, Unsupported, CallFailed, ValueError) as error:
            await self._put(replace(member, state=MemberState.FAILED, problem=str(error)))
        except Exception:
            _log.exception("a station of a rollout was not sent its command", station=member.station_id)
            problem = "something went wrong on our side; the server's log says more"
            await self._put(replace(member, state=MemberState.FAILED, problem=problem))
        finally:
            self._sending -= 1
            self._changed.set()

    def settled(self, command: Command) -> None:
        """A command of this rollout has reached a final state, or its outcome."""
        member = self._members.get(command.id)
        if member is not None:
            self._shop.spawn(self._note(member, command))

    async def _note(self, member: RolloutMember, command: Command) -> None:
        """Note where a station is by its command."""
        state, problem = member_state(command)
        member = replace(member, state=state, problem=problem, updated_at=self._shop.clock.now())
        if state.is_final:
            self._forget(command.id)
        else:
            self._members[command.id] = member
            self._shop.sent.enter(command.id, self)
        await self._put(member)

    async def _take_back(self, command_id: int, member: RolloutMember) -> None:
        """The station waits for its turn again, and its command is cancelled."""
        self._forget(command_id)
        try:
            await self._shop.commands.cancel(command_id)
        except NotCancellable:
            # It has just been sent: what becomes of it counts.
            command = await self._shop.commands.get(command_id)
            await self._note(member, self._shop.sent.newest(command))
            return
        except NotFound:
            pass  # forgotten: it will not be sent
        await self._put(replace(member, state=MemberState.WAITING, command_id=None))

    def _forget(self, command_id: int) -> None:
        self._members.pop(command_id, None)
        self._shop.sent.leave(command_id)

    async def _put(self, member: RolloutMember) -> None:
        """Keep where a station is, as soon as the storage takes it, unless it is elsewhere by then."""
        self._unstored[member.position] = member
        while self._unstored.get(member.position) is member:
            try:
                await self._shop.book.put_members([member])
            except StorageUnavailable:
                await self._shop.clock.sleep(_PAUSE_S)
            else:
                if self._unstored.get(member.position) is member:
                    del self._unstored[member.position]
                break
        self._changed.set()

    # After a restart of the program

    async def take_up(self) -> None:
        """Find out what became meanwhile of the stations that were at work. Raises StorageUnavailable."""
        for state in (MemberState.HELD, MemberState.UNDER_WAY):
            page = PageRequest(_PAGE)
            while True:
                found = await self._shop.book.members(self.rollout.id, page, state)
                for member in found.items:
                    command = await self._command_of(member)
                    if command is None:
                        await self._shop.book.put_members([replace(member, state=MemberState.WAITING)])
                    else:
                        await self._note(replace(member, command_id=command.id), command)
                if found.next is None:
                    break
                page = PageRequest(_PAGE, found.next)

    async def _command_of(self, member: RolloutMember) -> Command | None:
        """Its command; without a note of it the one that was sent since its turn came."""
        if member.command_id is not None:
            try:
                return await self._shop.commands.get(member.command_id)
            except NotFound:
                return None
        wanted = CommandFilter(station_id=member.station_id, name=self.rollout.name)
        found = (await self._shop.commands.list(wanted, PageRequest(1))).items
        return found[0] if found and found[0].created_at >= member.updated_at else None


def member_state(command: Command) -> tuple[MemberState, str | None]:
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


def about_rollout(rollout: Rollout) -> dict[str, Any]:
    """A rollout as the data of an event."""
    return {
        "id": str(rollout.id),
        "name": rollout.name,
        "state": rollout.state.value,
        "stage": rollout.stage,
        "stages": list(rollout.stages),
        "total": rollout.total,
        "reason": rollout.reason,
    }

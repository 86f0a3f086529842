"""Rollouts whose operators, storage and stations do two things at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.csms.commands.desk import Commands, settled

from voltbridge.csms.commands.operations import OperationPlan
from voltbridge.csms.commands.rollouts import RolloutPlan, RolloutService
from voltbridge.domain.commands import CommandState, NotCancellable
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState

pytestmark = pytest.mark.anyio


class Book:
    """Stored rollouts. ``before`` is awaited before anything is done, with the name of what that is."""

    def __init__(self) -> None:
        self.rollouts: dict[int, Rollout] = {}
        self.stored: dict[int, RolloutMember] = {}
        self.before: Callable[[str, Any], Awaitable[None]] | None = None

    async def _asked(self, what: str, subject: Any = None) -> None:
        await asyncio.sleep(0)
        if self.before is not None:
            await self.before(what, subject)

    async def save(self, rollout: Rollout) -> None:
        await self._asked("save", rollout)
        self.rollouts[rollout.id] = rollout

    async def get(self, id: int) -> Rollout | None:
        await self._asked("get")
        found = self.rollouts.get(id)
        counts = Counter(one.state for one in self.stored.values())
        return None if found is None else replace(found, counts=dict(counts))

    async def list(self, state: RolloutState | None, page: PageRequest) -> Page[Rollout]:
        return Page(tuple(self.rollouts.values()))

    async def unfinished(self) -> Sequence[Rollout]:
        return [one for one in self.rollouts.values() if not one.state.is_final]

    async def add_members(self, members: Sequence[RolloutMember]) -> None:
        self.stored |= {one.position: one for one in members}

    async def put_members(self, members: Sequence[RolloutMember]) -> None:
        await self._asked("put", members[0])
        self.stored |= {one.position: one for one in members}

    async def members(
        self, rollout_id: int, page: PageRequest, state: MemberState | None = None
    ) -> Page[RolloutMember]:
        return Page(tuple(one for one in self.stored.values() if state in (None, one.state)))

    async def of_command(self, station_id: str, command_id: int) -> RolloutMember | None:
        return None

    async def next_waiting(self, rollout_id: int, stage: int, limit: int) -> Sequence[RolloutMember]:
        waiting = [one for one in self.stored.values() if one.state is MemberState.WAITING and one.stage <= stage]
        await self._asked("next_waiting")
        return waiting[:limit]

    async def open_in(self, rollout_id: int, stage: int) -> int:
        await self._asked("open_in")
        return sum(not one.state.is_final for one in self.stored.values() if one.stage <= stage)


class Rollouts:
    """Rollouts to stations of which some are there."""

    def __init__(self, *there: str, away: Sequence[str] = ()) -> None:
        self.desk, self.book = Commands(), Book()
        for station_id in there:
            self.desk.connect(station_id)
        for station_id in away:
            self.desk.know(station_id)
        self.restart()

    def restart(self) -> None:
        """The program's next run, with the same book."""
        world = self.desk.world
        self.service = RolloutService(
            self.desk.service, self.desk.operations, self.book, world.events, world.ids, world.clock
        )

    async def begun(self, **plan: Any) -> Rollout:
        return await self.service.submit("reset", {}, RolloutPlan(targets=OperationPlan(), **plan))

    def state(self, rollout: Rollout) -> RolloutState:
        return self.book.rollouts[rollout.id].state

    def members(self) -> list[MemberState]:
        return [one.state for _, one in sorted(self.book.stored.items())]

    async def quiet(self) -> None:
        """Let everything that can go on go on."""
        for _ in range(100):
            await asyncio.sleep(0)


class Gate:
    """Holds up the first of one kind of question to the book."""

    def __init__(self, book: Book, what: str) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._what = what
        book.before = self

    async def __call__(self, what: str, subject: Any) -> None:
        if what == self._what and not self.reached.is_set():
            self.reached.set()
            await self.open.wait()


class Outage:
    """The storage is away for the first question of one kind about a certain subject."""

    def __init__(self, book: Book, what: str, concerns: Callable[[Any], bool]) -> None:
        self.happened = False
        self._what, self._concerns = what, concerns
        book.before = self

    async def __call__(self, what: str, subject: Any) -> None:
        if what == self._what and not self.happened and self._concerns(subject):
            self.happened = True
            raise StorageUnavailable("planted")


async def test_no_station_begins_once_it_is_paused() -> None:
    rollouts = Rollouts("CP1", "CP2", "CP3")
    gate = Gate(rollouts.book, "next_waiting")
    rollout = await rollouts.begun()
    await gate.reached.wait()
    await rollouts.service.pause(rollout.id)
    gate.open.set()
    await rollouts.quiet()
    assert rollouts.desk.door.sent == []
    assert rollouts.members() == [MemberState.WAITING] * 3
    await rollouts.service.resume(rollout.id)
    await settled(lambda: rollouts.state(rollout) is RolloutState.COMPLETED)
    assert len(rollouts.desk.door.sent) == 3


async def test_of_two_who_resume_it_one_does() -> None:
    rollouts = Rollouts("CP1", "CP2", "CP3")
    gate = Gate(rollouts.book, "next_waiting")
    rollout = await rollouts.begun(concurrency=1)
    await gate.reached.wait()
    await rollouts.service.pause(rollout.id)
    gate.open.set()
    outcomes = await asyncio.gather(*(rollouts.service.resume(rollout.id) for _ in range(2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["NotCancellable", "Rollout"]
    await settled(lambda: rollouts.state(rollout) is RolloutState.COMPLETED)
    assert sorted(station_id for station_id, _ in rollouts.desk.door.sent) == ["CP1", "CP2", "CP3"]
    assert len(rollouts.desk.world.emitted("rollout.resumed")) == 1


async def test_what_was_cancelled_is_not_paused_at_the_same_moment() -> None:
    rollouts = Rollouts("CP1")
    gate = Gate(rollouts.book, "next_waiting")
    rollout = await rollouts.begun()
    await gate.reached.wait()
    outcomes = await asyncio.gather(
        rollouts.service.cancel(rollout.id), rollouts.service.pause(rollout.id), return_exceptions=True
    )
    gate.open.set()
    await rollouts.quiet()
    assert isinstance(outcomes[1], NotCancellable)
    assert rollouts.state(rollout) is RolloutState.CANCELLED


async def test_a_storage_that_is_away_at_the_end_delays_it() -> None:
    rollouts = Rollouts("CP1")
    outage = Outage(rollouts.book, "save", lambda rollout: rollout.state is RolloutState.COMPLETED)
    rollout = await rollouts.begun()
    await settled(lambda: outage.happened and rollouts.desk.world.clock.timers)
    rollouts.desk.world.clock.advance(5)
    await settled(lambda: rollouts.state(rollout) is RolloutState.COMPLETED)
    assert len(rollouts.desk.world.emitted("rollout.finished")) == 1


async def test_where_a_station_was_does_not_replace_where_it_is() -> None:
    rollouts = Rollouts(away=["CP1"])
    outage = Outage(rollouts.book, "put", lambda member: member.state is MemberState.HELD)
    rollout = await rollouts.begun()
    await settled(lambda: outage.happened and rollouts.desk.world.clock.timers)
    await rollouts.desk.service.returned(rollouts.desk.connect("CP1"))
    await settled(lambda: rollouts.members() == [MemberState.SUCCEEDED])
    rollouts.desk.world.clock.advance(5)
    await settled(lambda: rollouts.state(rollout) is RolloutState.COMPLETED)
    assert rollouts.members() == [MemberState.SUCCEEDED]


async def test_what_comes_to_be_held_while_it_is_paused_is_taken_back() -> None:
    rollouts = Rollouts(away=["CP1"])
    rollouts.desk.world.journal.held = True
    rollout = await rollouts.begun()
    await settled(lambda: rollouts.members() == [MemberState.UNDER_WAY] and rollouts.desk.books.all())
    await rollouts.service.pause(rollout.id)
    rollouts.desk.world.journal.held = False
    rollouts.desk.world.journal.commit()
    await settled(lambda: rollouts.members() == [MemberState.WAITING])
    assert [one.state for one in rollouts.desk.books.all()] == [CommandState.CANCELLED]


async def test_a_resume_right_after_a_restart_does_not_wait_for_the_stations_to_come_back() -> None:
    rollouts = Rollouts("CP1")
    gate = Gate(rollouts.book, "next_waiting")
    rollout = await rollouts.begun()
    await gate.reached.wait()
    await rollouts.service.close()
    rollouts.book.before = None

    rollouts.restart()
    await rollouts.service.start()
    await rollouts.quiet()
    assert rollouts.members() == [MemberState.WAITING], "stations are given time to come back"
    await rollouts.service.pause(rollout.id)
    await asyncio.wait_for(rollouts.service.resume(rollout.id), 30)
    await rollouts.quiet()
    assert rollouts.members() != [MemberState.WAITING]
    assert rollouts.desk.world.clock.monotonic() == 0
    await rollouts.service.close()


async def test_after_a_restart_it_goes_on_when_stations_have_had_time() -> None:
    rollouts = Rollouts("CP1")
    gate = Gate(rollouts.book, "next_waiting")
    await rollouts.begun()
    await gate.reached.wait()
    await rollouts.service.close()
    rollouts.book.before = None
    rollouts.restart()
    await rollouts.service.start()
    await rollouts.quiet()
    rollouts.desk.world.clock.advance(59)
    await rollouts.quiet()
    assert rollouts.members() == [MemberState.WAITING]
    rollouts.desk.world.clock.advance(2)
    await rollouts.quiet()
    assert rollouts.members() != [MemberState.WAITING]
    await rollouts.service.close()

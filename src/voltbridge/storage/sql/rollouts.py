"""Rollouts, each as JSON, and their stations as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, delete, func, insert, select, update
from sqlalchemy import Row as ResultRow

from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.rollouts import MemberState, Rollout, RolloutMember, RolloutState
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, metadata
from voltbridge.storage.times import from_ms, optional_to_ms, to_ms

__all__ = ["Rollouts", "delete_rollout_members", "rollout_members", "rollouts"]

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("finished_at_ms", BigInteger),
)

rollout_members = Table(
    "rollout_members",
    metadata,
    Column("rollout_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("command_id", BigInteger),
    Column("problem", Text),
    Index(None, "rollout_id", "state", "position"),
    Index(None, "station_id"),
)

_ROLLOUT = msgspec.json.Decoder(Rollout)
_Members = Sequence[RolloutMember]


def delete_rollout_members(connection: Connection, station_id: str) -> None:
    """Take a station out of rollouts."""
    connection.execute(delete(rollout_members).where(rollout_members.c.station_id == station_id))


class Rollouts:
    """Rollouts with their stations counted."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def save(self, rollout: Rollout) -> None:
        """Add or replace it."""
        values = {
            "id": rollout.id,
            "state": rollout.state.value,
            "content": msgspec.json.encode(replace(rollout, counts={})).decode(),
            "finished_at_ms": optional_to_ms(rollout.finished_at),
        }

        def save(connection: Connection) -> None:
            where = rollouts.c.id == rollout.id
            if not connection.execute(update(rollouts).where(where).values(values)).rowcount:
                connection.execute(insert(rollouts).values(values))

        await self._sessions.write(save)

    async def get(self, id: int) -> Rollout | None:
        """The rollout of this id."""

        def read(connection: Connection) -> Rollout | None:
            content = connection.execute(select(rollouts.c.content).where(rollouts.c.id == id)).scalar_one_or_none()
            if content is None:
                return None
            return replace(_ROLLOUT.decode(content), counts=_counts(connection, [id]).get(id, {}))

        return await self._sessions.read(read)

    async def list(self, state: RolloutState | None, page: PageRequest) -> Page[Rollout]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("rollouts", page, (int,))

        def read(connection: Connection) -> Page[Rollout]:
            query = select(rollouts).order_by(rollouts.c.id.desc()).limit(page.limit + 1)
            if state is not None:
                query = query.where(rollouts.c.state == state.value)
            if after:
                query = query.where(rollouts.c.id < after[0])
            rows = connection.execute(query).all()
            counts = _counts(connection, [row.id for row in rows])
            found = [((row.id,), replace(_ROLLOUT.decode(row.content), counts=counts.get(row.id, {}))) for row in rows]
            return cut("rollouts", found, page.limit)

        return await self._sessions.read(read)

    async def unfinished(self) -> Sequence[Rollout]:
        """Those that are not over, oldest first, without their stations counted."""
        over = [state.value for state in RolloutState if state.is_final]
        query = select(rollouts.c.content).where(rollouts.c.state.not_in(over)).order_by(rollouts.c.id)

        def read(connection: Connection) -> Sequence[Rollout]:
            return [_ROLLOUT.decode(content) for content in connection.execute(query).scalars()]

        return await self._sessions.read(read)

    async def put_members(self, members: _Members) -> None:
        """Add stations, or replace those of the same position; a station deleted meanwhile is not added again."""

        def put(connection: Connection) -> None:
            for one in members:
                where = (rollout_members.c.rollout_id == one.rollout_id, rollout_members.c.position == one.position)
                connection.execute(update(rollout_members).where(*where).values(_member_values(one)))

        await self._sessions.write(put)

    async def add_members(self, members: _Members) -> None:
        """Add stations."""
        rows = [_member_values(one) for one in members]
        if rows:
            await self._sessions.write(lambda connection: connection.execute(insert(rollout_members), rows).rowcount)

    async def members(
        self, rollout_id: int, page: PageRequest, state: MemberState | None = None
    ) -> Page[RolloutMember]:
        """In their order; raises InvalidCursor."""
        after = read_cursor("rollout_members", page, (int,))
        table = rollout_members

        def read(connection: Connection) -> Page[RolloutMember]:
            query = select(table).where(table.c.rollout_id == rollout_id).order_by(table.c.position)
            if state is not None:
                query = query.where(table.c.state == state.value)
            if after:
                query = query.where(table.c.position > after[0])
            rows = connection.execute(query.limit(page.limit + 1)).all()
            return cut("rollout_members", [((row.position,), _member(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def of_command(self, station_id: str, command_id: int) -> RolloutMember | None:
        """The station that was sent this command."""
        table = rollout_members
        query = select(table).where(table.c.station_id == station_id, table.c.command_id == command_id).limit(1)

        def read(connection: Connection) -> RolloutMember | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else _member(row)

        return await self._sessions.read(read)

    async def next_waiting(self, rollout_id: int, stage: int, limit: int) -> _Members:
        """Stations of the stage, or of those before, that wait for their turn."""
        table = rollout_members
        where = (table.c.rollout_id == rollout_id, table.c.stage <= stage, table.c.state == MemberState.WAITING.value)
        query = select(table).where(*where).order_by(table.c.position).limit(limit)
        return await self._sessions.read(lambda connection: [_member(row) for row in connection.execute(query)])

    async def open_in(self, rollout_id: int, stage: int) -> int:
        """How many stations of the stage, and of those before, have not come to their end."""
        table = rollout_members
        over = [state.value for state in MemberState if state.is_final]
        where = (table.c.rollout_id == rollout_id, table.c.stage <= stage, table.c.state.not_in(over))
        query = select(func.count()).select_from(table).where(*where)
        return await self._sessions.read(lambda connection: connection.execute(query).scalar_one())

    async def prune(self, before: datetime) -> int:
        """Forget rollouts that ended before the moment; how many were forgotten."""

        def prune(connection: Connection) -> int:
            old = select(rollouts.c.id).where(rollouts.c.finished_at_ms < to_ms(before)).limit(100)
            ids = list(connection.execute(old).scalars())
            connection.execute(delete(rollout_members).where(rollout_members.c.rollout_id.in_(ids)))
            connection.execute(delete(rollouts).where(rollouts.c.id.in_(ids)))
            return len(ids)

        forgotten = 0
        while pruned := await self._sessions.write(prune):
            forgotten += pruned
        return forgotten


def _counts(connection: Connection, ids: Iterable[int]) -> dict[int, dict[MemberState, int]]:
    table = rollout_members
    query = select(table.c.rollout_id, table.c.state, func.count()).where(table.c.rollout_id.in_(list(ids)))
    found: dict[int, dict[MemberState, int]] = {}
    for rollout_id, state, count in connection.execute(query.group_by(table.c.rollout_id, table.c.state)):
        found.setdefault(rollout_id, {})[MemberState(state)] = count
    return found


def _member_values(one: RolloutMember) -> dict[str, Any]:
    return {
        "rollout_id": one.rollout_id,
        "position": one.position,
        "station_id": one.station_id,
        "stage": one.stage,
        "state": one.state.value,
        "updated_at_ms": to_ms(one.updated_at),
        "command_id": one.command_id,
        "problem": one.problem,
    }


def _member(row: ResultRow[Any]) -> RolloutMember:
    return RolloutMember(
        rollout_id=row.rollout_id,
        position=row.position,
        station_id=row.station_id,
        stage=row.stage,
        state=MemberState(row.state),
        updated_at=from_ms(row.updated_at_ms),
        command_id=row.command_id,
        problem=row.problem,
    )

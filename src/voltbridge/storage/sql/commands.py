"""Commands to stations, and operations over many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Select,
    Table,
    Text,
    and_,
    delete,
    func,
    or_,
    select,
    text,
)
from sqlalchemy import Row as ResultRow

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
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, Row, Upsert, metadata
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = [
    "Commands",
    "Operations",
    "command_row",
    "command_upsert",
    "commands",
    "delete_commands",
    "operation_upsert",
    "operations",
]

_OPEN: Final = text("state IN ('Queued', 'Sent') OR outcome_state = 'Pending'")

commands = Table(
    "commands",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("timeout_s", Float),
    Column("expires_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("answered_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Column("answer", Text),
    Column("error", Text),
    Column("correlation", Text),
    Column("outcome_state", Text),
    Column("outcome", Text),
    Column("operation_id", BigInteger),
    Index(None, "station_id", "id"),
    Index(None, "operation_id", "id"),
    Index("ix_commands_open", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

operations = Table(
    "operations",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("total", Integer, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("stop_at_failure_rate", Float),
    Column("stop_after", Integer, nullable=False),
    Column("hold", Boolean, nullable=False),
    Column("finished_at_ms", BigInteger),
)

command_upsert = Upsert.replacing(commands)
operation_upsert = Upsert.replacing(operations)

_STEP: Final = 1000
"""Rows deleted in one write, so that nobody waits long behind it."""

_Found = list[Command]
_encode = msgspec.json.Encoder().encode
_decode_mapping = msgspec.json.Decoder(dict[str, Any]).decode
_decode_answer = msgspec.json.Decoder(CommandAnswer).decode
_decode_error = msgspec.json.Decoder(CommandError).decode


def command_row(command: Command) -> Row:
    """The command in the order of the table's columns."""
    return (
        command.id,
        command.station_id,
        command.name,
        _encode(command.parameters).decode(),
        command.state.value,
        to_ms(command.created_at),
        command.timeout_s,
        optional_to_ms(command.expires_at),
        optional_to_ms(command.sent_at),
        optional_to_ms(command.answered_at),
        optional_to_ms(command.finished_at),
        _json(command.answer),
        _json(command.error),
        command.correlation,
        None if command.outcome_state is None else command.outcome_state.value,
        _json(command.outcome),
        command.operation_id,
    )


def delete_commands(connection: Connection, station_id: str) -> None:
    """Forget the commands of a station."""
    connection.execute(delete(commands).where(commands.c.station_id == station_id))


class Commands:
    """Commands as stored; they are written through the journal."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def get(self, id: int) -> Command | None:
        """The command of this id."""

        def read(connection: Connection) -> Command | None:
            row = connection.execute(select(commands).where(commands.c.id == id)).one_or_none()
            return None if row is None else _command(row)

        return await self._sessions.read(read)

    async def list(self, wanted: CommandFilter, page: PageRequest) -> Page[Command]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("commands", page, (int,))

        def read(connection: Connection) -> Page[Command]:
            query = _wanted(wanted).order_by(commands.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(commands.c.id < after[0])
            rows = connection.execute(query).all()
            return cut("commands", [((row.id,), _command(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def after(self, wanted: CommandFilter, id: int, limit: int) -> _Found:
        """Up to ``limit`` commands with larger ids, oldest first."""

        def read(connection: Connection) -> _Found:
            query = _wanted(wanted).where(commands.c.id > id).order_by(commands.c.id).limit(limit)
            return [_command(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def unfinished(self, after: int, limit: int) -> _Found:
        """Up to ``limit`` commands that are queued, sent or wait for an outcome, oldest first."""

        def read(connection: Connection) -> _Found:
            open_ = or_(
                commands.c.state.in_((CommandState.QUEUED.value, CommandState.SENT.value)),
                commands.c.outcome_state == OutcomeState.PENDING.value,
            )
            query = select(commands).where(open_, commands.c.id > after).order_by(commands.c.id).limit(limit)
            return [_command(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def prune(self, before: datetime) -> int:
        """Forget commands that ended before the moment; how many were forgotten."""
        return await _prune(self._sessions, commands, before)


class Operations:
    """Operations as stored, each with its commands counted."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def save(self, operation: Operation) -> None:
        """Add or replace it."""
        row = _operation_row(operation)
        await self._sessions.write(lambda connection: insert_rows(connection, operation_upsert, [row]))

    async def get(self, id: int) -> Operation | None:
        """The operation of this id."""

        def read(connection: Connection) -> Operation | None:
            row = connection.execute(select(operations).where(operations.c.id == id)).one_or_none()
            return None if row is None else _operation(row, _counts(connection, [id]).get(id, {}))

        return await self._sessions.read(read)

    async def list(self, state: OperationState | None, page: PageRequest) -> Page[Operation]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("operations", page, (int,))

        def read(connection: Connection) -> Page[Operation]:
            query = select(operations).order_by(operations.c.id.desc()).limit(page.limit + 1)
            if state is not None:
                query = query.where(operations.c.state == state.value)
            if after:
                query = query.where(operations.c.id < after[0])
            rows = connection.execute(query).all()
            counts = _counts(connection, [row.id for row in rows])
            found = [((row.id,), _operation(row, counts.get(row.id, {}))) for row in rows]
            return cut("operations", found, page.limit)

        return await self._sessions.read(read)

    async def prune(self, before: datetime) -> int:
        """Forget operations that ended before the moment; how many were forgotten."""
        return await _prune(self._sessions, operations, before)


async def _prune(sessions: Sessions, table: Table, before: datetime) -> int:
    limit_ms = to_ms(before)

    def step(connection: Connection) -> int:
        ended = and_(table.c.finished_at_ms < limit_ms, table.c.created_at_ms < limit_ms)
        doomed = select(table.c.id).where(ended).order_by(table.c.id).limit(_STEP)
        return connection.execute(delete(table).where(table.c.id.in_(doomed.scalar_subquery()))).rowcount

    forgotten = 0
    while deleted := await sessions.write(step):
        forgotten += deleted
    return forgotten


def _wanted(wanted: CommandFilter) -> Select[Any]:
    query = select(commands)
    if wanted.station_id is not None:
        query = query.where(commands.c.station_id == wanted.station_id)
    if wanted.name is not None:
        query = query.where(commands.c.name == wanted.name)
    if wanted.state is not None:
        query = query.where(commands.c.state == wanted.state.value)
    if wanted.operation_id is not None:
        query = query.where(commands.c.operation_id == wanted.operation_id)
    return query


def _counts(connection: Connection, ids: Iterable[int]) -> dict[int, dict[CommandState, int]]:
    query = (
        select(commands.c.operation_id, commands.c.state, func.count())
        .where(commands.c.operation_id.in_(list(ids)))
        .group_by(commands.c.operation_id, commands.c.state)
    )
    found: dict[int, dict[CommandState, int]] = {}
    for operation_id, state, count in connection.execute(query):
        found.setdefault(operation_id, {})[CommandState(state)] = count
    return found


def _json(value: object) -> str | None:
    return None if value is None else _encode(value).decode()


def _command(row: ResultRow[Any]) -> Command:
    return Command(
        id=row.id,
        station_id=row.station_id,
        name=row.name,
        parameters=_decode_mapping(row.parameters),
        state=CommandState(row.state),
        created_at=from_ms(row.created_at_ms),
        timeout_s=row.timeout_s,
        expires_at=optional_from_ms(row.expires_at_ms),
        sent_at=optional_from_ms(row.sent_at_ms),
        answered_at=optional_from_ms(row.answered_at_ms),
        finished_at=optional_from_ms(row.finished_at_ms),
        answer=None if row.answer is None else _decode_answer(row.answer),
        error=None if row.error is None else _decode_error(row.error),
        correlation=row.correlation,
        outcome_state=None if row.outcome_state is None else OutcomeState(row.outcome_state),
        outcome=None if row.outcome is None else _decode_mapping(row.outcome),
        operation_id=row.operation_id,
    )


def _operation_row(operation: Operation) -> Row:
    return (
        operation.id,
        operation.name,
        _encode(operation.parameters).decode(),
        operation.state.value,
        to_ms(operation.created_at),
        operation.total,
        operation.concurrency,
        operation.stop_at_failure_rate,
        operation.stop_after,
        operation.hold,
        optional_to_ms(operation.finished_at),
    )


def _operation(row: ResultRow[Any], counts: Mapping[CommandState, int]) -> Operation:
    return Operation(
        id=row.id,
        name=row.name,
        parameters=_decode_mapping(row.parameters),
        state=OperationState(row.state),
        created_at=from_ms(row.created_at_ms),
        total=row.total,
        concurrency=row.concurrency,
        stop_at_failure_rate=row.stop_at_failure_rate,
        stop_after=row.stop_after,
        hold=row.hold,
        finished_at=optional_from_ms(row.finished_at_ms),
        counts=counts,
    )

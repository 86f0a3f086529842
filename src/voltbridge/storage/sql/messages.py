"""The OCPP message log, clustered by station and time.

The id carries the moment in its upper bits and a running number in its lower ones, so that one key serves as identity,
as order within a station, and as the column that questions of time are asked of; SQLite needs no second tree.
"""

from __future__ import annotations

import itertools
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, SmallInteger, Table, Text, delete, func, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.messages import LoggedMessage, MessageDirection, MessageFilter, MessageRecord
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Messages", "message_row", "message_upsert", "messages"]

messages = Table(
    "messages",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("sent", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("message_id", Text),
    Column("action", Text),
    Column("frame", Text, nullable=False),
    sqlite_with_rowid=False,
)

message_upsert = Upsert(messages)

_COUNTER_BITS = 20
_COUNTER_MASK = (1 << _COUNTER_BITS) - 1
_STEP = 1000
"""Rows deleted in one write, so that nobody waits long behind it."""

_SENT = MessageDirection.SENT
_numbers = itertools.count(secrets.randbits(_COUNTER_BITS))


def message_row(record: MessageRecord) -> Row:
    """The record in the order of the table's columns, with an id of its own."""
    return (
        record.station_id,
        record.at_ms << _COUNTER_BITS | next(_numbers) & _COUNTER_MASK,
        1 if record.direction is _SENT else 0,
        record.kind,
        record.message_id,
        record.action,
        record.frame,
    )


class Messages:
    """The log as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self, wanted: MessageFilter, page: PageRequest) -> Page[LoggedMessage]:
        """Frames of a station, newest first; raises InvalidCursor."""
        after = read_cursor("messages", page, (int,))

        def read(connection: Connection) -> Page[LoggedMessage]:
            own_id = messages.c.id
            query = select(messages).where(messages.c.station_id == wanted.station_id).order_by(own_id.desc())
            if after:
                query = query.where(own_id < after[0])
            if wanted.since is not None:
                query = query.where(own_id >= to_ms(wanted.since) << _COUNTER_BITS)
            if wanted.until is not None:
                query = query.where(own_id < to_ms(wanted.until) << _COUNTER_BITS)
            if wanted.action is not None:
                query = query.where(messages.c.action == wanted.action)
            if wanted.direction is not None:
                query = query.where(messages.c.sent == (1 if wanted.direction is _SENT else 0))
            if wanted.message_id is not None:
                query = query.where(messages.c.message_id == wanted.message_id)
            rows = connection.execute(query.limit(page.limit + 1)).all()
            return cut("messages", [((row.id,), _message(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def prune(self, before: datetime) -> int:
        """Forget frames older than the moment, a few at a time; how many were forgotten."""
        limit_id = to_ms(before) << _COUNTER_BITS
        station_id: str | None = ""
        forgotten = 0

        def step(connection: Connection) -> tuple[str | None, int]:
            """Delete up to ``_STEP`` rows, over as many stations as that takes; the station to go on with."""
            current, deleted = station_id, 0
            while current is not None and deleted < _STEP:
                here, finished = _delete_oldest(connection, current, limit_id, _STEP - deleted)
                deleted += here
                if finished:
                    later = select(func.min(messages.c.station_id)).where(messages.c.station_id > current)
                    current = connection.execute(later).scalar_one()
            return current, deleted

        while station_id is not None:
            station_id, deleted = await self._sessions.write(step)
            forgotten += deleted
        return forgotten

    async def delete_of_station(self, station_id: str) -> None:
        """Forget every frame of the station, a few at a time."""

        def step(connection: Connection) -> bool:
            _, finished = _delete_oldest(connection, station_id, 2**63 - 1, _STEP)
            return finished

        while not await self._sessions.write(step):
            pass


def _delete_oldest(connection: Connection, station_id: str, limit_id: int, most: int) -> tuple[int, bool]:
    """Delete up to ``most`` frames of a station below an id: how many went, and whether none is left."""
    mine = messages.c.station_id == station_id
    doomed = select(messages.c.id).where(mine, messages.c.id < limit_id).order_by(messages.c.id)
    end = connection.execute(doomed.offset(most).limit(1)).scalar_one_or_none()
    below = limit_id if end is None else end
    gone = connection.execute(delete(messages).where(mine, messages.c.id < below)).rowcount
    return gone, end is None


def _message(row: ResultRow[Any]) -> LoggedMessage:
    return LoggedMessage(
        id=row.id,
        station_id=row.station_id,
        at=from_ms(row.id >> _COUNTER_BITS),
        direction=_SENT if row.sent else MessageDirection.RECEIVED,
        kind=row.kind,
        message_id=row.message_id,
        action=row.action,
        frame=row.frame,
    )

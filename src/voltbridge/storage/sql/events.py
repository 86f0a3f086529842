"""Stored domain events, in the order of their ids."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, func, or_, select, update
from sqlalchemy import Row as ResultRow

from voltbridge.domain.events import Event, EventFilter
from voltbridge.domain.ids import ID_BITS
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.counters import EVENTS_PRUNED, counters
from voltbridge.storage.sql.schema import BigInt, Row, Upsert, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Events", "event_row", "event_upsert", "events"]

events = Table(
    "events",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("station_id", Text),
    Column("data", Text, nullable=False),
)

event_upsert = Upsert(events)

_STEP = 1000
"""Rows deleted in one write, so that nobody waits long behind it."""

_PRUNED = select(counters.c.value).where(counters.c.name == EVENTS_PRUNED)

_Found = list[Event]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def event_row(event: Event) -> Row:
    """The event in the order of the table's columns."""
    return (event.id, event.type, to_ms(event.at), event.station_id, _encode(event.data).decode())


class Events:
    """Events as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def after(self, id: int, limit: int) -> _Found:
        """Up to ``limit`` events with larger ids, oldest first: what a reader missed since the event of this id."""

        def read(connection: Connection) -> _Found:
            query = select(events).where(events.c.id > id).order_by(events.c.id).limit(limit)
            return [_event(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def after_kept(self, id: int, limit: int) -> tuple[int, _Found]:
        """As ``after``, and the id of the newest event that was forgotten: if larger than ``id``, some are missing."""

        def read(connection: Connection) -> tuple[int, _Found]:
            query = select(events).where(events.c.id > id).order_by(events.c.id).limit(limit)
            found = [_event(row) for row in connection.execute(query)]
            return connection.execute(_PRUNED).scalar_one(), found

        return await self._sessions.read(read)

    async def get(self, id: int) -> Event | None:
        """One event."""

        def read(connection: Connection) -> Event | None:
            row = connection.execute(select(events).where(events.c.id == id)).one_or_none()
            return _event(row) if row else None

        return await self._sessions.read(read)

    async def last_id(self) -> int:
        """The id of the newest event, 0 when there is none."""

        def read(connection: Connection) -> int:
            return connection.execute(select(func.max(events.c.id))).scalar_one() or 0

        return await self._sessions.read(read)

    async def list(self, wanted: EventFilter, page: PageRequest) -> Page[Event]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("events", page, (int,))
        if not is_storable(wanted.type, wanted.station_id):
            return Page(())

        def read(connection: Connection) -> Page[Event]:
            query = select(events).order_by(events.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(events.c.id < after[0])
            if wanted.type is not None:
                # A noun stands for all its types, as in ``EventFilter.takes``.
                of_noun = events.c.type.startswith(f"{wanted.type}.", autoescape=True)
                query = query.where(or_(events.c.type == wanted.type, of_noun))
            if wanted.station_id is not None:
                query = query.where(events.c.station_id == wanted.station_id)
            rows = connection.execute(query).all()
            return cut("events", [((row.id,), _event(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def of_type(self, type: str, since: datetime, limit: int) -> _Found:
        """The newest of a type since a moment, oldest first."""
        # Ids are times, and the only index there is.
        query = select(events).where(events.c.id >= to_ms(since) << ID_BITS, events.c.type == type)
        query = query.order_by(events.c.id.desc()).limit(limit)

        def read(connection: Connection) -> _Found:
            return [_event(row) for row in connection.execute(query)][::-1]

        return await self._sessions.read(read)

    async def prune(self, before: datetime) -> int:
        """Forget the oldest events up to the first that is not older than the moment; how many were forgotten."""
        limit_ms = to_ms(before)

        def step(connection: Connection) -> int:
            oldest = select(events.c.id, events.c.at_ms).order_by(events.c.id).limit(_STEP).subquery()
            doomed = select(oldest.c.id).where(oldest.c.at_ms < limit_ms)
            last = connection.execute(select(func.max(doomed.subquery().c.id))).scalar_one()
            if last is None:
                return 0
            forgotten = connection.execute(delete(events).where(events.c.id <= last, events.c.at_ms < limit_ms))
            mark = update(counters).where(counters.c.name == EVENTS_PRUNED, counters.c.value < last)
            connection.execute(mark.values(value=last))
            return forgotten.rowcount

        forgotten = 0
        while deleted := await self._sessions.write(step):
            forgotten += deleted
        return forgotten


def _event(row: ResultRow[Any]) -> Event:
    return Event(id=row.id, type=row.type, at=from_ms(row.at_ms), station_id=row.station_id, data=_decode(row.data))

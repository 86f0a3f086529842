"""Logs that stations were asked for; each lies as JSON beside its keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Table, Text, delete, insert, select, update

from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_logs import LogUpload
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, metadata

__all__ = ["StationLogs", "delete_station_logs", "station_logs"]

station_logs = Table(
    "station_logs",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("request_id", BigInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("content", Text, nullable=False),
    Index(None, "station_id", "id"),
    Index(None, "is_open", "id"),
)

_LOG = msgspec.json.Decoder(LogUpload)
_Logs = Sequence[LogUpload]


def delete_station_logs(connection: Connection, station_id: str) -> None:
    """Forget the logs of a station."""
    connection.execute(delete(station_logs).where(station_logs.c.station_id == station_id))


class StationLogs:
    """What becomes of logs."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def put(self, log: LogUpload) -> None:
        """Add or replace it."""
        values = {
            "id": log.id,
            "station_id": log.station_id,
            "request_id": log.request_id,
            "is_open": log.state.is_open,
            "content": msgspec.json.encode(log).decode(),
        }

        def put(connection: Connection) -> None:
            where = station_logs.c.id == log.id
            if not connection.execute(update(station_logs).where(where).values(values)).rowcount:
                connection.execute(insert(station_logs).values(values))

        await self._sessions.write(put)

    async def get(self, id: int) -> LogUpload | None:
        """The log of this id."""
        return await self._first(select(station_logs.c.content).where(station_logs.c.id == id))

    async def of_request(self, station_id: str, request_id: int) -> LogUpload | None:
        """The log that a station names so."""
        where = (station_logs.c.station_id == station_id, station_logs.c.request_id == request_id)
        return await self._first(select(station_logs.c.content).where(*where).order_by(station_logs.c.id.desc()))

    async def current(self, station_id: str) -> LogUpload | None:
        """The newest of a station that has not ended; else the newest."""
        query = select(station_logs.c.content).where(station_logs.c.station_id == station_id)
        return await self._first(query.order_by(station_logs.c.is_open.desc(), station_logs.c.id.desc()))

    async def list(self, station_id: str, page: PageRequest) -> Page[LogUpload]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("station_logs", page, (int,))

        def read(connection: Connection) -> Page[LogUpload]:
            query = select(station_logs.c.id, station_logs.c.content).where(station_logs.c.station_id == station_id)
            query = query.order_by(station_logs.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(station_logs.c.id < after[0])
            rows = connection.execute(query).all()
            return cut("station_logs", [((row.id,), _LOG.decode(row.content)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def open(self, station_id: str | None = None) -> _Logs:
        """Those that have not ended, of one station or of all; oldest first."""
        query = select(station_logs.c.content).where(station_logs.c.is_open.is_(True)).order_by(station_logs.c.id)
        if station_id is not None:
            query = query.where(station_logs.c.station_id == station_id)

        def read(connection: Connection) -> _Logs:
            return [_LOG.decode(content) for content in connection.execute(query).scalars()]

        return await self._sessions.read(read)

    async def _first(self, query: Any) -> LogUpload | None:
        def read(connection: Connection) -> LogUpload | None:
            found = connection.execute(query.limit(1)).scalar_one_or_none()
            return None if found is None else _LOG.decode(found)

        return await self._sessions.read(read)

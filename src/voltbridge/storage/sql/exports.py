"""Going through whole logs from their beginning, over all stations, a part at a time.

Each part continues after the last row of the one before, so that rows which come or go meanwhile are neither told twice
nor make others be left out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, func, select, tuple_
from sqlalchemy import Row as ResultRow

from voltbridge.domain.exports import ExportedReadings, ExportRange
from voltbridge.domain.messages import LoggedMessage, MessageDirection
from voltbridge.domain.metering import SampledValue
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.blocks import MOST_AGE_MS, id_ranges
from voltbridge.storage.sql.messages import message_blocks, messages
from voltbridge.storage.sql.meter_values import meter_values
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Exports"]

_decode = msgspec.json.Decoder(tuple[SampledValue, ...]).decode

_SCAN: Final = 20_000
"""Rows of the log looked at in one question, so that it ends soon even where few are wanted."""


class Exports:
    """The logs, in order."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def meter_values(
        self, wanted: ExportRange, after: ExportedReadings | None, limit: int
    ) -> list[ExportedReadings]:
        """Up to ``limit`` readings after the one given, in the order of their moments; empty at the end."""
        if not is_storable(wanted.station_id):
            return []
        columns = meter_values.c
        key = (columns.at_ms, columns.station_id, columns.key)
        query = _within(select(meter_values), wanted, columns.at_ms, columns.station_id).order_by(*key).limit(limit)
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(to_ms(after.at), after.station_id, after.key))

        def read(connection: Connection) -> list[ExportedReadings]:
            return [_readings(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def messages(
        self, wanted: ExportRange, after: int | None, limit: int
    ) -> tuple[list[LoggedMessage], int | None]:
        """Up to ``limit`` frames with larger ids, in the order of their ids, and after which id to go on.

        There may be none among those that were looked at; None instead of an id means that this was the end.
        """
        if not is_storable(wanted.station_id):
            return [], None

        def read(connection: Connection) -> tuple[list[LoggedMessage], int | None]:
            begin = _first_id(connection, wanted.since) if after is None else after
            looked_at = select(messages.c.id).where(messages.c.id > begin).order_by(messages.c.id)
            last = connection.execute(looked_at.offset(_SCAN - 1).limit(1)).scalar_one_or_none()
            query = _within(select(messages), wanted, messages.c.at_ms, messages.c.station_id)
            query = query.where(messages.c.id > begin).order_by(messages.c.id).limit(limit)
            if last is not None:
                query = query.where(messages.c.id <= last)
            found = [_message(row) for row in connection.execute(query)]
            if len(found) == limit:
                return found, found[-1].id
            return found, last

        return await self._sessions.read(read)


def _first_id(connection: Connection, since: datetime | None) -> int:
    """An id before those of all frames since the moment, not far before."""
    if since is None:
        return -1
    older = message_blocks.c.at_ms < to_ms(since) - MOST_AGE_MS
    block = connection.execute(select(func.max(message_blocks.c.block)).where(older)).scalar_one()
    if block is None:
        return -1
    ((first, _),) = id_ranges([block])
    return first - 1


def _within(query: Select[Any], wanted: ExportRange, at_ms: Any, station_id: Any) -> Select[Any]:
    if wanted.station_id is not None:
        query = query.where(station_id == wanted.station_id)
    if wanted.since is not None:
        query = query.where(at_ms >= to_ms(wanted.since))
    if wanted.until is not None:
        query = query.where(at_ms < to_ms(wanted.until))
    return query


def _readings(row: ResultRow[Any]) -> ExportedReadings:
    return ExportedReadings(
        at=from_ms(row.at_ms),
        station_id=row.station_id,
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        transaction_id=row.transaction_id,
        key=row.key,
        values=_decode(row.readings),
    )


def _message(row: ResultRow[Any]) -> LoggedMessage:
    return LoggedMessage(
        id=row.id,
        station_id=row.station_id,
        at=from_ms(row.at_ms),
        direction=MessageDirection.SENT if row.sent else MessageDirection.RECEIVED,
        kind=row.kind,
        message_id=row.message_id,
        action=row.action,
        frame=row.frame,
    )

"""Meter values: one row per moment, clustered by station and time (see adr/0001).

The key holds a hash of the content as it came, so a repeated message inserts nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, and_, delete, or_, select, text

from voltbridge.domain.metering import MeterRecord, MeterValue, SampledValue
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.times import from_ms

__all__ = ["MeterValues", "delete_loose_meter_values", "meter_row", "meter_upsert", "meter_values"]

meter_values = Table(
    "meter_values",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("evse_id", BigInteger, nullable=False),
    Column("connector_id", BigInteger),
    Column("transaction_id", BigInteger),
    Column("readings", Text, nullable=False),
    Index(
        "ix_meter_values_transaction_id",
        "transaction_id",
        "at_ms",
        "key",
        sqlite_where=text("transaction_id IS NOT NULL"),
        postgresql_where=text("transaction_id IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

meter_upsert = Upsert(meter_values)

_STEP = 1000
"""Rows deleted in one write, so that nobody waits long behind it."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[SampledValue, ...]).decode


def meter_row(record: MeterRecord) -> Row:
    """The record in the order of the table's columns."""
    return (
        record.station_id,
        record.at_ms,
        record.key,
        record.evse_id,
        record.connector_id,
        record.transaction_id,
        _encode(record.values).decode(),
    )


class MeterValues:
    """Meter values as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of_transaction(self, transaction_id: int, page: PageRequest) -> Page[MeterValue]:
        """Of the transaction of our own id, oldest first; raises InvalidCursor."""
        return await self._page("samples", meter_values.c.transaction_id == transaction_id, page)

    async def of_evse(self, station_id: str, evse_id: int, page: PageRequest) -> Page[MeterValue]:
        """Of one EVSE, within and outside transactions, oldest first; raises InvalidCursor."""
        where = and_(meter_values.c.station_id == station_id, meter_values.c.evse_id == evse_id)
        return await self._page("readings", where, page)

    async def _page(self, name: str, where: Any, page: PageRequest) -> Page[MeterValue]:
        after = read_cursor(name, page, (int, int))

        def read(connection: Connection) -> Page[MeterValue]:
            at_ms, key = meter_values.c.at_ms, meter_values.c.key
            query = select(at_ms, key, meter_values.c.readings).where(where).order_by(at_ms, key).limit(page.limit + 1)
            if after:
                query = query.where(or_(at_ms > after[0], and_(at_ms == after[0], key > after[1])))
            rows = connection.execute(query).all()
            return cut(
                name, [((row.at_ms, row.key), _meter_value(row.at_ms, row.readings)) for row in rows], page.limit
            )

        return await self._sessions.read(read)


async def delete_loose_meter_values(sessions: Sessions, station_id: str) -> None:
    """Forget the station's readings outside transactions, a few at a time."""

    def step(connection: Connection) -> bool:
        of_station = and_(meter_values.c.station_id == station_id, meter_values.c.transaction_id.is_(None))
        keys = (
            select(meter_values.c.at_ms, meter_values.c.key)
            .where(of_station)
            .order_by(meter_values.c.at_ms, meter_values.c.key)
        )
        end = connection.execute(keys.offset(_STEP).limit(1)).one_or_none()
        if end is not None:
            of_station = and_(
                of_station,
                or_(
                    meter_values.c.at_ms < end.at_ms,
                    and_(meter_values.c.at_ms == end.at_ms, meter_values.c.key < end.key),
                ),
            )
        connection.execute(delete(meter_values).where(of_station))
        return end is not None

    while await sessions.write(step):
        pass


def _meter_value(at_ms: int, readings: str) -> MeterValue:
    return MeterValue(at=from_ms(at_ms), values=_decode(readings))

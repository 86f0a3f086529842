"""Meter values: one row per moment (see adr/0001), written like a log (see ``blocks.py``).

The unique key holds a hash of the content as it came, so a repeated message inserts nothing. It begins with the moment,
so that what arrives together lies together there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, delete, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.metering import MeterRecord, MeterValue, SampledValue
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.blocks import OpenBlock, block_of, id_ranges
from voltbridge.storage.sql.schema import BigInt, Upsert, metadata
from voltbridge.storage.times import from_ms

__all__ = ["MeterKey", "MeterValues", "delete_loose_meter_values", "meter_blocks", "meter_values", "write_meter_values"]

meter_values = Table(
    "meter_values",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("key", BigInteger, nullable=False),
    Column("evse_id", BigInteger, nullable=False),
    Column("connector_id", BigInteger),
    Column("transaction_id", BigInteger),
    Column("readings", Text, nullable=False),
    Index(None, "at_ms", "station_id", "key", unique=True),
)

meter_blocks = Table(
    "meter_blocks",
    metadata,
    Column("station_id", Text, primary_key=True),
    # 0 outside transactions.
    Column("transaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

MeterKey = tuple[str, int]
"""Station, and our own transaction id or 0."""

_append = Upsert(meter_values, key=("at_ms", "station_id", "key"))
_append_entry = Upsert(meter_blocks)

_STEP_BLOCKS = 8
"""Blocks looked through in one write, so that nobody waits long behind it."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[SampledValue, ...]).decode


def write_meter_values(connection: Connection, block: OpenBlock[MeterKey], records: Sequence[MeterRecord]) -> None:
    """Append the records that are not there yet, within the open transaction."""
    keys = [(record.station_id, record.transaction_id or 0) for record in records]
    first, entries = block.append(connection, keys, 0)
    insert_rows(
        connection,
        _append,
        [
            (
                first + number,
                record.at_ms,
                record.station_id,
                record.key,
                record.evse_id,
                record.connector_id,
                record.transaction_id,
                _encode(record.values).decode(),
            )
            for number, record in enumerate(records)
        ],
    )
    insert_rows(connection, _append_entry, [(*key, number) for key, number, _ in entries])


class MeterValues:
    """Meter values as stored."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def of_transaction(self, station_id: str, transaction_id: int, page: PageRequest) -> Page[MeterValue]:
        """Of the transaction of our own id, oldest first; raises InvalidCursor."""
        after = read_cursor("samples", page, (int, int))

        def read(connection: Connection) -> Page[MeterValue]:
            # In the order of their moments, which is not that of their arrival: a station may deliver hours late.
            rows: list[tuple[tuple[int, int], str]] = []
            for first, end in id_ranges(_blocks(connection, station_id, transaction_id)):
                query = select(meter_values.c.at_ms, meter_values.c.key, meter_values.c.readings).where(
                    meter_values.c.id >= first,
                    meter_values.c.id < end,
                    meter_values.c.transaction_id == transaction_id,
                    meter_values.c.station_id == station_id,
                )
                rows += [((at_ms, key), readings) for at_ms, key, readings in connection.execute(query)]
            rows.sort()
            later = [row for row in rows if after is None or row[0] > after][: page.limit + 1]
            return cut(
                "samples", [(key, MeterValue(from_ms(key[0]), _decode(text))) for key, text in later], page.limit
            )

        return await self._sessions.read(read)

    async def of_evse(self, station_id: str, evse_id: int, page: PageRequest) -> Page[MeterValue]:
        """Of one EVSE outside transactions, those that arrived last first; raises InvalidCursor."""
        after = read_cursor("readings", page, (int,))
        below = int(after[0]) if after else None

        def read(connection: Connection) -> Page[MeterValue]:
            rows: list[ResultRow[Any]] = []
            query = select(meter_values).where(
                meter_values.c.station_id == station_id,
                meter_values.c.evse_id == evse_id,
                meter_values.c.transaction_id.is_(None),
            )
            for first, end in id_ranges(_blocks(connection, station_id, 0, block_of(below) + 1 if below else None)):
                within = query.where(
                    meter_values.c.id >= first, meter_values.c.id < (min(end, below) if below else end)
                )
                missing = page.limit + 1 - len(rows)
                rows += connection.execute(within.order_by(meter_values.c.id.desc()).limit(missing)).all()
                if len(rows) > page.limit:
                    break
            found = [((row.id,), MeterValue(from_ms(row.at_ms), _decode(row.readings))) for row in rows]
            return cut("readings", found, page.limit)

        return await self._sessions.read(read)


async def delete_loose_meter_values(sessions: Sessions, station_id: str) -> None:
    """Forget the station's readings outside transactions, a few blocks at a time (their entries stay: a block of them
    may still be open, and its writer would not make them again)."""
    below: int | None = None

    def step(connection: Connection) -> int | None:
        blocks = _blocks(connection, station_id, 0, below)[:_STEP_BLOCKS]
        for first, end in id_ranges(blocks):
            connection.execute(
                delete(meter_values).where(
                    meter_values.c.id >= first,
                    meter_values.c.id < end,
                    meter_values.c.station_id == station_id,
                    meter_values.c.transaction_id.is_(None),
                )
            )
        return blocks[-1] if blocks else None

    while (below := await sessions.write(step)) is not None:
        pass


def _blocks(connection: Connection, station_id: str, transaction_id: int, below: int | None = None) -> list[int]:
    """Blocks with rows of the transaction (0: outside transactions), newest first; those before ``below``."""
    query = select(meter_blocks.c.block).where(
        meter_blocks.c.station_id == station_id, meter_blocks.c.transaction_id == transaction_id
    )
    if below is not None:
        query = query.where(meter_blocks.c.block < below)
    return list(connection.execute(query.order_by(meter_blocks.c.block.desc())).scalars())

"""How often which kind of charger broke the standard in which way and was forgiven.

Counts add up: what is put is how many came since the last time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select, tuple_
from sqlalchemy import Row as ResultRow

from voltbridge.domain.messages import DeviationCount, DeviationFilter
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, to_ms

__all__ = ["Deviations", "deviation_counts", "deviation_rows", "deviation_upsert"]

deviation_counts = Table(
    "deviation_counts",
    metadata,
    Column("vendor", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("firmware_version", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_seen_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("last_station_id", Text, nullable=False),
    Column("example", Text, nullable=False),
    sqlite_with_rowid=False,
)

deviation_upsert = Upsert(
    deviation_counts,
    update=("last_seen_at_ms", "last_station_id", "example"),
    expressions={"count": "deviation_counts.count + excluded.count"},
)

_LONGEST = 250
"""Characters kept of each text: a path may hold whatever name a station made up, and an index row has its limit."""

_KEY = tuple(deviation_counts.primary_key.columns)


def deviation_rows(counts: Iterable[DeviationCount]) -> list[Row]:
    """The counts in the order of the table's columns, added up by key."""
    rows: dict[tuple[str, ...], Row] = {}
    for one in counts:
        key = tuple(
            text[:_LONGEST] for text in (one.vendor, one.model, one.firmware_version, one.action, one.path, one.kind)
        )
        before = rows.get(key)
        rows[key] = (
            *key,
            one.count + (before[6] if before else 0),
            before[7] if before else to_ms(one.first_seen_at),
            to_ms(one.last_seen_at),
            one.last_station_id,
            one.example[:_LONGEST],
        )
    return list(rows.values())


class Deviations:
    """Deviations as counted."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self, wanted: DeviationFilter, page: PageRequest) -> Page[DeviationCount]:
        """Ordered by vendor, model, firmware, action, path and kind; raises InvalidCursor."""
        after = read_cursor("deviations", page, (str,) * len(_KEY))
        if not is_storable(wanted.vendor, wanted.model):
            return Page(())

        def read(connection: Connection) -> Page[DeviationCount]:
            query = select(deviation_counts).order_by(*_KEY).limit(page.limit + 1)
            if after:
                query = query.where(tuple_(*_KEY) > tuple_(*after))
            if wanted.vendor is not None:
                query = query.where(deviation_counts.c.vendor == wanted.vendor)
            if wanted.model is not None:
                query = query.where(deviation_counts.c.model == wanted.model)
            rows = connection.execute(query).all()
            return cut("deviations", [(tuple(row[: len(_KEY)]), _deviation(row)) for row in rows], page.limit)

        return await self._sessions.read(read)


def _deviation(row: ResultRow[Any]) -> DeviationCount:
    return DeviationCount(
        vendor=row.vendor,
        model=row.model,
        firmware_version=row.firmware_version,
        action=row.action,
        path=row.path,
        kind=row.kind,
        count=row._mapping["count"],
        first_seen_at=from_ms(row.first_seen_at_ms),
        last_seen_at=from_ms(row.last_seen_at_ms),
        last_station_id=row.last_station_id,
        example=row.example,
    )

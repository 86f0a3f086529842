"""Reports that stations send in parts, by station and the number of the request: what their tables have alike.

Few of each station are kept: one that makes up numbers fills nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Integer, Select, Table, Text, and_, delete, select

from voltbridge.storage.sql.schema import metadata

__all__ = ["forget_old_reports", "newest_reports", "of_report", "report_table"]


def report_table(name: str, *own: Column[Any], counted: str, kind: Column[Any] | None = None) -> Table:
    """A table of reports with columns of its own; ``counted`` is the one for how much was told."""
    return Table(
        name,
        metadata,
        Column("station_id", Text, primary_key=True),
        Column("request_id", BigInteger, primary_key=True, autoincrement=False),
        *(() if kind is None else (kind,)),
        Column("requested_at_ms", BigInteger, nullable=False),
        *own,
        Column("last_part_at_ms", BigInteger),
        Column("parts", Text, nullable=False),
        Column("last_seq_no", BigInteger),
        Column(counted, Integer, nullable=False),
        sqlite_with_rowid=False,
    )


def of_report(table: Table, station_id: str, request_id: int) -> ColumnElement[bool]:
    """The rows of one report."""
    return and_(table.c.station_id == station_id, table.c.request_id == request_id)


def newest_reports(table: Table, station_id: str) -> Select[Any]:
    """A station's reports, the newest first; there are never many."""
    newest = (table.c.requested_at_ms.desc(), table.c.request_id.desc())
    return select(table).where(table.c.station_id == station_id).order_by(*newest)


def forget_old_reports(connection: Connection, table: Table, station_id: str, keep: int, *parts: Table) -> None:
    """Keep so many of a station, with their rows in the tables of ``parts``."""
    query = newest_reports(table, station_id).with_only_columns(table.c.request_id).limit(keep)
    kept = connection.execute(query).scalars().all()
    for each in (table, *parts):
        connection.execute(delete(each).where(each.c.station_id == station_id, each.c.request_id.not_in(kept)))

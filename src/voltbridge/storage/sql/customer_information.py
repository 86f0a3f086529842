"""What stations told of customers: personal data, kept apart from everything else and for a short time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, Text, delete, func, insert, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.customer_information import MOST_PARTS, CustomerReport
from voltbridge.domain.errors import NotFound
from voltbridge.domain.sequences import add_sequence
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.sql.station_reports import forget_old_reports, newest_reports, of_report, report_table
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["CustomerInformation", "customer_report_parts", "customer_reports", "delete_customer_information"]

customer_reports = report_table(
    "customer_reports",
    Column("asked", Boolean, nullable=False),
    Column("report", Boolean, nullable=False),
    Column("clear", Boolean, nullable=False),
    counted="characters",
)

customer_report_parts = Table(
    "customer_report_parts",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("request_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq_no", BigInteger, primary_key=True, autoincrement=False),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)

_KEPT_REPORTS = 50
"""Of each station; older ones are forgotten."""
_put = Upsert.replacing(customer_reports)
_BOTH = (customer_reports, customer_report_parts)


class CustomerInformation:
    """Reports about customers, by station and the number of the request."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self, station_id: str) -> Sequence[CustomerReport]:
        """A station's reports, the newest first; there are never many."""
        query = newest_reports(customer_reports, station_id)

        def read(connection: Connection) -> Sequence[CustomerReport]:
            return [_report(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def get(self, station_id: str, request_id: int) -> tuple[CustomerReport, str] | None:
        """A report and the text of the parts that have come, in their order."""

        def read(connection: Connection) -> tuple[CustomerReport, str] | None:
            found = connection.execute(
                select(customer_reports).where(of_report(customer_reports, station_id, request_id))
            )
            row = found.one_or_none()
            if row is None:
                return None
            parts = select(customer_report_parts.c.data).where(of_report(customer_report_parts, station_id, request_id))
            text = connection.execute(parts.order_by(customer_report_parts.c.seq_no)).scalars()
            return _report(row), "".join(text)

        return await self._sessions.read(read)

    async def expect(self, report: CustomerReport) -> None:
        """Note that a report was asked for; the oldest beyond a number are forgotten."""

        def put(connection: Connection) -> None:
            insert_rows(connection, _put, [_row(report)])
            forget_old_reports(connection, customer_reports, report.station_id, _KEPT_REPORTS, customer_report_parts)

        await self._sessions.write(put)

    async def forget(self, station_id: str, request_id: int) -> None:
        """Forget a report. Raises NotFound."""

        def forget(connection: Connection) -> None:
            gone = [
                connection.execute(delete(table).where(of_report(table, station_id, request_id))) for table in _BOTH
            ]
            if not gone[0].rowcount:
                raise NotFound("customer information", str(request_id))

        await self._sessions.write(forget)

    async def add_part(
        self, station_id: str, request_id: int, seq_no: int, is_last: bool, at: datetime, data: str
    ) -> tuple[CustomerReport, bool] | None:
        """Note a part: the report as it is now, and whether this part has completed it; None: there are too many."""

        def put(connection: Connection) -> tuple[CustomerReport, bool] | None:
            found = connection.execute(
                select(customer_reports).where(of_report(customer_reports, station_id, request_id))
            )
            row = found.one_or_none()
            before = (
                CustomerReport(station_id=station_id, request_id=request_id, requested_at=at)
                if row is None
                else _report(row)
            )
            parts = customer_report_parts
            own = of_report(parts, station_id, request_id)
            # Another part of the same number is the same part sent again.
            connection.execute(delete(parts).where(own, parts.c.seq_no == seq_no))
            if connection.execute(select(func.count()).select_from(parts).where(own)).scalar_one() >= MOST_PARTS:
                return None
            connection.execute(
                insert(parts).values(station_id=station_id, request_id=request_id, seq_no=seq_no, data=data)
            )
            after = replace(
                before,
                parts=add_sequence(before.parts, seq_no),
                last_seq_no=seq_no if is_last else before.last_seq_no,
                last_part_at=at,
                characters=_characters(connection, own),
            )
            insert_rows(connection, _put, [_row(after)])
            if row is None:
                forget_old_reports(connection, customer_reports, station_id, _KEPT_REPORTS, customer_report_parts)
            return after, after.is_complete and not before.is_complete

        return await self._sessions.write(put)

    async def prune(self, before: datetime) -> int:
        """Forget reports of which the last part, or the request, is older; how many."""
        limit_ms = to_ms(before)
        latest = func.coalesce(customer_reports.c.last_part_at_ms, customer_reports.c.requested_at_ms)

        def forget(connection: Connection) -> int:
            doomed = connection.execute(
                select(customer_reports.c.station_id, customer_reports.c.request_id).where(latest < limit_ms)
            ).all()
            for row in doomed:
                for table in _BOTH:
                    connection.execute(delete(table).where(of_report(table, row.station_id, row.request_id)))
            return len(doomed)

        return await self._sessions.write(forget)


def delete_customer_information(connection: Connection, station_id: str) -> None:
    """Forget what a station told of customers."""
    for table in _BOTH:
        connection.execute(delete(table).where(table.c.station_id == station_id))


def _characters(connection: Connection, own: Any) -> int:
    length = func.coalesce(func.sum(func.length(customer_report_parts.c.data)), 0)
    return int(connection.execute(select(length).where(own)).scalar_one())


def _row(report: CustomerReport) -> Row:
    return (
        report.station_id,
        report.request_id,
        to_ms(report.requested_at),
        report.asked,
        report.report,
        report.clear,
        optional_to_ms(report.last_part_at),
        report.parts,
        report.last_seq_no,
        report.characters,
    )


def _report(row: ResultRow[Any]) -> CustomerReport:
    return CustomerReport(
        station_id=row.station_id,
        request_id=row.request_id,
        requested_at=from_ms(row.requested_at_ms),
        asked=row.asked,
        report=row.report,
        clear=row.clear,
        last_part_at=optional_from_ms(row.last_part_at_ms),
        parts=row.parts,
        last_seq_no=row.last_seq_no,
        characters=row.characters,
    )

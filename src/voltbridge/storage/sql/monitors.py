"""The monitors of every station, the reports they were told by, and how monitoring is set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, Table, Text, and_, delete, func, or_, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.monitoring import (
    EventNotificationType,
    Monitor,
    MonitorFilter,
    MonitoringBase,
    MonitoringReport,
    MonitoringState,
    MonitorType,
)
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.sequences import add_sequence
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.gathering import GatheredReads
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.sql.station_reports import forget_old_reports, newest_reports, of_report, report_table
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["Monitors", "delete_monitoring", "monitoring_reports", "monitoring_states", "monitors"]

monitors = Table(
    "monitors",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("monitor_id", BigInteger, primary_key=True, autoincrement=False),
    Column("variable_key", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("variable", Text, nullable=False),
    Column("evse_id", BigInteger),
    Column("type", Text, nullable=False),
    Column("notification_type", Text),
    Column("noted_at_ms", BigInteger, nullable=False),
    Column("monitor", Text, nullable=False),
    sqlite_with_rowid=False,
)

monitoring_reports = report_table(
    "monitoring_reports", Column("types", Text), Column("selected", Boolean, nullable=False), counted="monitors"
)

monitoring_states = Table(
    "monitoring_states",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("base", Text),
    Column("level", Integer),
    Column("reported_at_ms", BigInteger),
    Column("outdated", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

_KEPT_REPORTS = 20
"""Of each station; older ones are forgotten."""

_put = Upsert.replacing(monitors)
# A report of 2.0.1 does not say where a monitor comes from: what is known of that stays.
_reported = Upsert(
    monitors,
    update=[
        column.name
        for column in monitors.columns
        if column.name not in ("station_id", "monitor_id", "notification_type")
    ],
    expressions={
        "notification_type": "COALESCE(excluded.notification_type, CASE WHEN"
        " excluded.variable_key = monitors.variable_key THEN monitors.notification_type END)"
    },
)
_report = Upsert.replacing(monitoring_reports)
_state = Upsert.replacing(monitoring_states)
_MONITOR = msgspec.json.Decoder(Monitor)


class Monitors:
    """What stations watch, as far as they accepted or reported it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._gathered = GatheredReads(sessions, _count)

    async def list(self, wanted: MonitorFilter, page: PageRequest) -> Page[Monitor]:
        """By component and variable; raises InvalidCursor."""
        after = read_cursor("monitors", page, (str, int))
        if not is_storable(wanted.station_id, wanted.component, wanted.variable):
            return Page(())

        def read(connection: Connection) -> Page[Monitor]:
            key, id = monitors.c.variable_key, monitors.c.monitor_id
            query = select(monitors).where(monitors.c.station_id == wanted.station_id)
            if after:
                query = query.where(or_(key > after[0], and_(key == after[0], id > after[1])))
            for column, value in (
                (monitors.c.component, wanted.component and wanted.component.casefold()),
                (monitors.c.variable, wanted.variable and wanted.variable.casefold()),
                (monitors.c.evse_id, wanted.evse_id),
                (monitors.c.type, wanted.type and wanted.type.value),
            ):
                if value is not None:
                    query = query.where(column == value)
            rows = connection.execute(query.order_by(key, id).limit(page.limit + 1)).all()
            return cut("monitors", [((row.variable_key, row.monitor_id), _monitor(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def known(self, station_id: str, ids: Sequence[int]) -> dict[int, Monitor]:
        """Those of these numbers."""

        def read(connection: Connection) -> dict[int, Monitor]:
            found = {}
            for start in range(0, len(ids), 500):
                query = select(monitors).where(
                    monitors.c.station_id == station_id, monitors.c.monitor_id.in_(ids[start : start + 500])
                )
                found.update({row.monitor_id: _monitor(row) for row in connection.execute(query)})
            return found

        return await self._sessions.read(read)

    async def count(self, station_id: str) -> int:
        """How many a station has. Every boot asks for it."""
        return await self._gathered.get(station_id) or 0

    async def put(self, some: Sequence[Monitor]) -> None:
        """Note them, each in the place of one of the same station and number."""
        rows = list({(one.station_id, one.id): _row(one) for one in some}.values())
        await self._sessions.write(lambda connection: insert_rows(connection, _put, rows))

    async def remove(self, station_id: str, ids: Sequence[int]) -> None:
        """Forget those of these numbers."""

        def remove(connection: Connection) -> None:
            for start in range(0, len(ids), 500):
                some = monitors.c.monitor_id.in_(ids[start : start + 500])
                connection.execute(delete(monitors).where(monitors.c.station_id == station_id, some))

        await self._sessions.write(remove)

    async def remove_kinds(self, station_id: str, kinds: Sequence[EventNotificationType]) -> Sequence[int]:
        """Forget those that are known to come from there (N03.FR.04, N03.FR.05): their numbers."""
        of_kinds = (monitors.c.station_id == station_id, monitors.c.notification_type.in_([one.value for one in kinds]))

        def remove(connection: Connection) -> Sequence[int]:
            ids = connection.execute(select(monitors.c.monitor_id).where(*of_kinds)).scalars().all()
            connection.execute(delete(monitors).where(*of_kinds))
            return ids

        return await self._sessions.write(remove)

    async def expect_report(self, report: MonitoringReport) -> None:
        """Note that a report was asked for; the oldest beyond a number are forgotten."""

        def put(connection: Connection) -> None:
            insert_rows(connection, _report, [_report_row(report)])
            forget_old_reports(connection, monitoring_reports, report.station_id, _KEPT_REPORTS)

        await self._sessions.write(put)

    async def forget_report(self, station_id: str, request_id: int) -> None:
        """No such report will come."""
        where = of_report(monitoring_reports, station_id, request_id)

        def forget(connection: Connection) -> None:
            connection.execute(delete(monitoring_reports).where(where))

        await self._sessions.write(forget)

    async def nothing_there(self, report: MonitoringReport) -> Mapping[int, int | None]:
        """The station has no monitors of those that were asked for: note that. Which are gone, as in ``add_part``."""

        def put(connection: Connection) -> Mapping[int, int | None]:
            connection.execute(
                delete(monitoring_reports).where(of_report(monitoring_reports, report.station_id, report.request_id))
            )
            return _forget_others(connection, report)

        return await self._sessions.write(put)

    async def add_part(
        self, station_id: str, request_id: int, seq_no: int, is_last: bool, at: datetime, told: Sequence[Monitor]
    ) -> tuple[MonitoringReport, bool, Mapping[int, int | None]]:
        """Note a part of a report: its monitors and that it came, in one.

        A complete report is the whole truth about what was asked for: what it left out is forgotten. Returns the
        report as it is now, whether this part has completed it, and the numbers that are gone: each with the one that
        the same monitor has now, which is known by its variable, type and severity (N04.FR.10), or with None.
        """
        rows = list({(one.station_id, one.id): _row(one) for one in told}.values())

        def put(connection: Connection) -> tuple[MonitoringReport, bool, Mapping[int, int | None]]:
            insert_rows(connection, _reported, rows)
            query = select(monitoring_reports).where(of_report(monitoring_reports, station_id, request_id))
            row = connection.execute(query).one_or_none()
            before = (
                MonitoringReport(station_id=station_id, request_id=request_id, requested_at=at)
                if row is None
                else _parts(row)
            )
            after = replace(
                before,
                parts=add_sequence(before.parts, seq_no),
                last_seq_no=seq_no if is_last else before.last_seq_no,
                last_part_at=at,
                monitors=before.monitors + len(rows),
            )
            insert_rows(connection, _report, [_report_row(after)])
            if row is None:
                forget_old_reports(connection, monitoring_reports, station_id, _KEPT_REPORTS)
            completed = after.is_complete and not before.is_complete
            return after, completed, _forget_others(connection, after) if completed else {}

        return await self._sessions.write(put)

    async def reports(self, station_id: str) -> Sequence[MonitoringReport]:
        """A station's reports, the newest first; there are never many."""
        query = newest_reports(monitoring_reports, station_id)

        def read(connection: Connection) -> Sequence[MonitoringReport]:
            return [_parts(row) for row in connection.execute(query)]

        return await self._sessions.read(read)

    async def state(self, station_id: str) -> MonitoringState:
        """How the station's monitoring is set, as far as known."""
        query = select(monitoring_states).where(monitoring_states.c.station_id == station_id)

        def read(connection: Connection) -> MonitoringState:
            row = connection.execute(query).one_or_none()
            return MonitoringState(station_id=station_id) if row is None else _state_of(row)

        return await self._sessions.read(read)

    async def set_state(self, station_id: str, **changes: Any) -> None:
        """Change some of it; names and values are those of ``MonitoringState``."""
        query = select(monitoring_states).where(monitoring_states.c.station_id == station_id)

        def change(connection: Connection) -> None:
            row = connection.execute(query).one_or_none()
            before = MonitoringState(station_id=station_id) if row is None else _state_of(row)
            insert_rows(connection, _state, [_state_row(replace(before, **changes))])

        await self._sessions.write(change)


def _count(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    column = monitors.c.station_id
    query = select(column, func.count().label("monitors")).where(column.in_(keys)).group_by(column)
    return {row.station_id: row.monitors for row in connection.execute(query)}


def delete_monitoring(connection: Connection, station_id: str) -> None:
    """Forget a station's monitors and everything about them."""
    for table in (monitors, monitoring_reports, monitoring_states):
        connection.execute(delete(table).where(table.c.station_id == station_id))


def _forget_others(connection: Connection, report: MonitoringReport) -> dict[int, int | None]:
    """Forget what the report was asked for and does not have: the numbers, each with that of the same monitor now."""
    if report.selected:
        return {}
    own = and_(monitors.c.station_id == report.station_id, monitors.c.noted_at_ms < to_ms(report.requested_at))
    if report.types is not None:
        own = and_(own, monitors.c.type.in_([type.value for type in report.types]))
    gone = [_monitor(row) for row in connection.execute(select(monitors).where(own)).all()]
    if not gone:
        return {}
    connection.execute(delete(monitors).where(own))
    left = connection.execute(select(monitors).where(monitors.c.station_id == report.station_id)).all()
    now = {(one.variable.key, one.type, one.severity): one.id for one in map(_monitor, left)}
    return {one.id: now.get((one.variable.key, one.type, one.severity)) for one in gone}


def _row(one: Monitor) -> Row:
    component = one.variable.component
    return (
        one.station_id,
        one.id,
        one.variable.key,
        component.name.casefold(),
        one.variable.name.casefold(),
        component.evse_id,
        one.type.value,
        one.notification_type and one.notification_type.value,
        to_ms(one.noted_at),
        msgspec.json.encode(one).decode(),
    )


def _monitor(row: ResultRow[Any]) -> Monitor:
    told = row.notification_type
    return replace(
        _MONITOR.decode(row.monitor),
        notification_type=None if told is None else EventNotificationType(told),
        noted_at=from_ms(row.noted_at_ms),
    )


def _report_row(report: MonitoringReport) -> Row:
    return (
        report.station_id,
        report.request_id,
        to_ms(report.requested_at),
        None if report.types is None else ",".join(report.types),
        report.selected,
        optional_to_ms(report.last_part_at),
        report.parts,
        report.last_seq_no,
        report.monitors,
    )


def _parts(row: ResultRow[Any]) -> MonitoringReport:
    return MonitoringReport(
        station_id=row.station_id,
        request_id=row.request_id,
        requested_at=from_ms(row.requested_at_ms),
        types=None if row.types is None else tuple(MonitorType(type) for type in row.types.split(",")),
        selected=row.selected,
        last_part_at=optional_from_ms(row.last_part_at_ms),
        parts=row.parts,
        last_seq_no=row.last_seq_no,
        monitors=row.monitors,
    )


def _state_row(state: MonitoringState) -> Row:
    return (
        state.station_id,
        state.base and state.base.value,
        state.level,
        optional_to_ms(state.reported_at),
        state.outdated,
    )


def _state_of(row: ResultRow[Any]) -> MonitoringState:
    return MonitoringState(
        station_id=row.station_id,
        base=None if row.base is None else MonitoringBase(row.base),
        level=row.level,
        reported_at=optional_from_ms(row.reported_at_ms),
        outdated=row.outdated,
    )

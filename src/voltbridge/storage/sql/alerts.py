"""Alerts. What is changed is read and written in one transaction, so that no two tellers of one alert make two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    select,
)
from sqlalchemy import Row as ResultRow

from voltbridge.domain.alerts import (
    MOST_CLOSED,
    MOST_OPEN,
    OVERFLOW,
    Alert,
    AlertChange,
    AlertFilter,
    AlertState,
    ChangeKind,
    Observed,
    fold,
    monitor_key,
    overflow,
    without_monitor,
)
from voltbridge.domain.errors import NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, Row, Upsert, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import to_ms

__all__ = ["Alerts", "alerts", "delete_alerts"]

alerts = Table(
    "alerts",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("alert_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Integer),
    Column("last_at_ms", BigInteger, nullable=False),
    Column("events", Text, nullable=False),
    Column("cause_event_id", BigInteger),
    Column("alert", Text, nullable=False),
    Index(None, "station_id", "alert_key"),
    Index(None, "state"),
)

_put = Upsert.replacing(alerts, settled=["station_id", "alert_key", "state"])
_ALERT = msgspec.json.Decoder(Alert)
_CLOSED = AlertState.CLOSED.value
_STEP = 1000
"""Rows deleted in one write, so that nobody waits long behind it."""
_RECENT = 500
"""Alerts of a station among which the cause of an event is looked for."""

_Found = list[Alert]
_Changes = list[AlertChange]


class Alerts:
    """Alerts of every station."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def get(self, id: int) -> Alert | None:
        """The alert of this id."""
        query = select(alerts).where(alerts.c.id == id)

        def read(connection: Connection) -> Alert | None:
            row = connection.execute(query).one_or_none()
            return _alert(row) if row else None

        return await self._sessions.read(read)

    async def list(self, wanted: AlertFilter, page: PageRequest) -> Page[Alert]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("alerts", page, (int,))
        if not is_storable(wanted.station_id):
            return Page(())

        def read(connection: Connection) -> Page[Alert]:
            query = select(alerts).order_by(alerts.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(alerts.c.id < after[0])
            if wanted.station_id is not None:
                query = query.where(alerts.c.station_id == wanted.station_id)
            if wanted.states:
                query = query.where(alerts.c.state.in_([state.value for state in wanted.states]))
            if wanted.severity is not None:
                query = query.where(alerts.c.severity <= wanted.severity)
            rows = connection.execute(query).all()
            return cut("alerts", [((row.id,), _alert(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def observe(
        self, station_id: str, said: Sequence[Observed], now: datetime, new_id: Callable[[], int]
    ) -> _Changes:
        """Take over what a station says, in that order: what became of which alerts."""

        def take(connection: Connection) -> _Changes:
            changes: _Changes = []
            for one in said:
                change = _fold(connection, one, station_id, now, new_id)
                if change is not None:
                    change = replace(change, alert=_with_cause(connection, change.alert))
                    insert_rows(connection, _put, [_row(change.alert)])
                    _is_cause_of(connection, change.alert, one.event_id)
                    changes.append(change)
            if any(change.kind is ChangeKind.OPENED for change in changes):
                _forget_oldest(connection, station_id)
            return changes

        return await self._sessions.write(take)

    async def healthy(self, station_id: str, evse_id: int, connector_id: int, at: datetime, now: datetime) -> _Found:
        """Close what is open about a connector's own errors (1.6): what was closed."""

        def close(connection: Connection) -> _Found:
            closed = []
            own = select(alerts).where(alerts.c.station_id == station_id, alerts.c.state != _CLOSED)
            for alert in map(_alert, connection.execute(own.order_by(alerts.c.id)).all()):
                is_there = (alert.evse_id, alert.connector_id) == (evse_id, connector_id)
                if is_there and alert.error_code is not None:
                    change = fold(alert, Observed(key=alert.key, at=at, cleared=True), station_id, now, lambda: 0)
                    if change is not None:
                        insert_rows(connection, _put, [_row(change.alert)])
                        closed.append(change.alert)
            return closed

        return await self._sessions.write(close)

    async def monitors_gone(self, station_id: str, gone: Mapping[int, int | None], now: datetime) -> _Found:
        """Alerts of monitors with other numbers follow them, those of monitors that are gone are closed: these."""

        def follow(connection: Connection) -> _Found:
            closed = []
            own = select(alerts).where(alerts.c.station_id == station_id, alerts.c.state != _CLOSED)
            for alert in map(_alert, connection.execute(own.order_by(alerts.c.id)).all()):
                if alert.variable is None or alert.monitor_id is None or alert.monitor_id not in gone:
                    continue
                changed = _renumbered(connection, alert, gone[alert.monitor_id]) or without_monitor(alert, now)
                insert_rows(connection, _put, [_row(changed)])
                if changed.state is AlertState.CLOSED:
                    closed.append(changed)
            return closed

        return await self._sessions.write(follow)

    async def change(self, id: int, decide: Callable[[Alert], Alert]) -> Alert:
        """Replace an alert by what ``decide`` makes of it; raises NotFound and what that raises."""

        def change(connection: Connection) -> Alert:
            row = connection.execute(select(alerts).where(alerts.c.id == id)).one_or_none()
            if row is None:
                raise NotFound("alert", str(id))
            changed = decide(_alert(row))
            insert_rows(connection, _put, [_row(changed)])
            return changed

        return await self._sessions.write(change)

    async def prune(self, before: datetime) -> int:
        """Forget alerts that are closed and of which nothing was heard since; how many."""
        limit_ms = to_ms(before)

        def step(connection: Connection) -> int:
            doomed = select(alerts.c.id).where(alerts.c.state == _CLOSED, alerts.c.last_at_ms < limit_ms).limit(_STEP)
            ids = connection.execute(doomed).scalars().all()
            if ids:
                connection.execute(delete(alerts).where(alerts.c.id.in_(ids)))
            return len(ids)

        forgotten = 0
        while deleted := await self._sessions.write(step):
            forgotten += deleted
        return forgotten


def delete_alerts(connection: Connection, station_id: str) -> None:
    """Forget the alerts of a station."""
    connection.execute(delete(alerts).where(alerts.c.station_id == station_id))


def _fold(
    connection: Connection, said: Observed, station_id: str, now: datetime, new_id: Callable[[], int]
) -> AlertChange | None:
    before = _latest(connection, station_id, said.key)
    change = fold(before, said, station_id, now, new_id)
    if change is None or change.kind not in (ChangeKind.OPENED, ChangeKind.REOPENED):
        return change
    own = select(func.count()).where(alerts.c.station_id == station_id, alerts.c.state != _CLOSED)
    if connection.execute(own).scalar_one() < MOST_OPEN:
        return change
    return fold(_latest(connection, station_id, OVERFLOW), overflow(said), station_id, now, new_id)


def _renumbered(connection: Connection, alert: Alert, number: int | None) -> Alert | None:
    """The alert under another number of its monitor; None where there is none, or another alert has it already."""
    if number is None or alert.variable is None:
        return None
    key = monitor_key(alert.variable, number)
    other = _latest(connection, alert.station_id, key)
    if other is not None and other.state is not AlertState.CLOSED:
        return None
    return replace(alert, key=key, monitor_id=number)


def _latest(connection: Connection, station_id: str, key: str) -> Alert | None:
    own = select(alerts).where(alerts.c.station_id == station_id, alerts.c.alert_key == key)
    row = connection.execute(own.order_by(alerts.c.id.desc()).limit(1)).one_or_none()
    return _alert(row) if row else None


def _with_cause(connection: Connection, alert: Alert) -> Alert:
    """The alert with that of the event which caused it, where it is known."""
    if alert.cause_event_id is None or alert.cause_alert_id is not None:
        return alert
    mark = f"[{alert.cause_event_id},"
    own = select(alerts.c.id, alerts.c.events).where(alerts.c.station_id == alert.station_id)
    for row in connection.execute(own.order_by(alerts.c.id.desc()).limit(_RECENT)):
        if mark in row.events and row.id != alert.id:
            return replace(alert, cause_alert_id=row.id)
    return alert


def _is_cause_of(connection: Connection, cause: Alert, event_id: int | None) -> None:
    """Tell the alerts that name this event as their cause and came before it."""
    if event_id is None:
        return
    own = select(alerts).where(
        alerts.c.station_id == cause.station_id, alerts.c.cause_event_id == event_id, alerts.c.state != _CLOSED
    )
    for alert in map(_alert, connection.execute(own).all()):
        if alert.cause_alert_id is None and alert.id != cause.id:
            insert_rows(connection, _put, [_row(replace(alert, cause_alert_id=cause.id))])


def _forget_oldest(connection: Connection, station_id: str) -> None:
    closed = select(alerts.c.id).where(alerts.c.station_id == station_id, alerts.c.state == _CLOSED)
    last = connection.execute(closed.order_by(alerts.c.id.desc()).offset(MOST_CLOSED).limit(1)).scalar_one_or_none()
    if last is not None:
        own = (alerts.c.station_id == station_id, alerts.c.state == _CLOSED, alerts.c.id <= last)
        connection.execute(delete(alerts).where(*own))


def _row(alert: Alert) -> Row:
    return (
        alert.id,
        alert.station_id,
        alert.key,
        alert.state.value,
        alert.severity,
        to_ms(alert.last_at),
        msgspec.json.encode(alert.seen).decode(),
        alert.cause_event_id,
        msgspec.json.encode(alert).decode(),
    )


def _alert(row: ResultRow[Any]) -> Alert:
    return _ALERT.decode(row.alert)

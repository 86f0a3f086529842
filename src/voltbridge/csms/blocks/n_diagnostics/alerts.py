"""Alerts: raised and closed by what stations tell, acknowledged and closed by operators (2.0.1 N07; 1.6 4.9).

An event of 2.x whose trigger is Alerting raises the alert of its monitor, and ``cleared`` closes it. In 1.6 an error
code of a connector raises one and NoError closes them all. The rules of the life cycle are in ``domain.alerts``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from voltbridge.csms.blocks.g_availability.service import ReportedStatus
from voltbridge.csms.blocks.n_diagnostics.alert_ports import AlertBook
from voltbridge.csms.events import EventLog
from voltbridge.domain.alerts import Alert, AlertChange, AlertFilter, AlertState, ChangeKind, ClosedBy, Observed
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import NotFound
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest

__all__ = ["AlertClosed", "AlertService"]

_FAULTED_SEVERITY: Final = 4
"""1.6 tells no severity. A fault is an error; an error code beside any other status is a warning (1.6 4.9)."""
_WARNING_SEVERITY: Final = 6
_TYPES: Final = {
    ChangeKind.OPENED: "alert.opened",
    ChangeKind.REOPENED: "alert.reopened",
    ChangeKind.CLOSED: "alert.closed",
}
"""Events; that something was told again makes none."""


class AlertClosed(Exception):
    """Nothing more can be done with an alert that is closed."""

    def __init__(self, id: int) -> None:
        super().__init__(f"alert {id} is closed")
        self.id = id


class AlertService:
    """Everything about alerts."""

    def __init__(self, book: AlertBook, events: EventLog, ids: IdSource, clock: Clock) -> None:
        self._book = book
        self._events = events
        self._ids = ids
        self._clock = clock

    async def list(self, wanted: AlertFilter, page: PageRequest) -> Page[Alert]:
        """Alerts, newest first. Raises InvalidCursor."""
        return await self._book.list(wanted, page)

    async def get(self, id: int) -> Alert:
        """One alert. Raises NotFound."""
        alert = await self._book.get(id)
        if alert is None:
            raise NotFound("alert", str(id))
        return alert

    async def acknowledge(self, id: int, note: str | None = None) -> Alert:
        """Note that somebody has seen it; again changes the note only. Raises NotFound, AlertClosed."""
        now = self._clock.now()

        def decide(alert: Alert) -> Alert:
            if alert.state is AlertState.CLOSED:
                raise AlertClosed(id)
            return replace(
                alert,
                state=AlertState.ACKNOWLEDGED,
                acknowledged_at=alert.acknowledged_at or now,
                note=note or alert.note,
            )

        return await self._decided(id, "alert.acknowledged", decide)

    async def close(self, id: int, note: str | None = None) -> Alert:
        """Say that it is over; when the station tells of it again, that is a new one. Raises NotFound, AlertClosed."""
        now = self._clock.now()

        def decide(alert: Alert) -> Alert:
            if alert.state is AlertState.CLOSED:
                raise AlertClosed(id)
            return replace(
                alert,
                state=AlertState.CLOSED,
                closed_at=now,
                closed_by=ClosedBy.OPERATOR,
                note=note or alert.note,
            )

        return await self._decided(id, "alert.closed", decide)

    async def observed(self, station_id: str, said: Sequence[Observed]) -> Sequence[AlertChange]:
        """Take over what a station says, in that order: what became of which alerts."""
        changes = await self._book.observe(station_id, said, self._clock.now(), self._ids.next)
        for change in changes:
            if change.kind in _TYPES:
                self._tell(_TYPES[change.kind], change.alert)
        return changes

    async def monitors_gone(self, station_id: str, gone: Mapping[int, int | None]) -> None:
        """Monitors of a station have other numbers now, or (None) are gone and can clear nothing any more."""
        for alert in await self._book.monitors_gone(station_id, gone, self._clock.now()):
            self._tell("alert.closed", alert)

    async def connector_told(self, station_id: str, said: ReportedStatus) -> None:
        """What a connector of 1.6 says of its errors."""
        now = self._clock.now()
        at = said.at or now
        if said.error_code is None:
            for alert in await self._book.healthy(station_id, said.evse_id, said.connector_id, at, now):
                self._tell("alert.closed", alert)
            return
        await self.observed(station_id, [_error_of(said, at)])

    async def _decided(self, id: int, type: str, decide: Callable[[Alert], Alert]) -> Alert:
        alert = await self._book.change(id, decide)
        self._tell(type, alert)
        return alert

    def _tell(self, type: str, alert: Alert) -> None:
        self._events.emit(type, alert.station_id, **_about(alert))


def _error_of(said: ReportedStatus, at: datetime) -> Observed:
    parts = (said.evse_id, said.connector_id, said.error_code, said.vendor_id, said.vendor_error_code)
    return Observed(
        key=f"connector {msgspec.json.encode(parts).decode()}",
        at=at,
        severity=_FAULTED_SEVERITY if said.status is ConnectorStatus.FAULTED else _WARNING_SEVERITY,
        evse_id=said.evse_id,
        connector_id=said.connector_id,
        error_code=said.error_code,
        vendor_id=said.vendor_id,
        vendor_error_code=said.vendor_error_code,
        tech_info=said.error_info,
    )


def _about(alert: Alert) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "state": alert.state.value,
        "severity": alert.severity,
        "variable": None if alert.variable is None else str(alert.variable),
        "monitor_id": alert.monitor_id,
        "evse_id": alert.evse_id,
        "connector_id": alert.connector_id,
        "error_code": alert.error_code,
        "count": alert.count,
        "closed_by": None if alert.closed_by is None else alert.closed_by.value,
    }

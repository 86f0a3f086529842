"""Alerts: what is wrong at stations, from when it was told until it is over or an operator says so.

    Open ──> Acknowledged ──> Closed (by the station: cleared; by the operator; with its monitor)
      │                         │
      └─────────────────────────┴──> Open again, when it comes back soon after the station cleared it

One alert stands for one cause, its ``key``: a monitor of a variable, or (1.6) an error of a connector. What is told
again while the alert is not closed adds to its count, so a station that chatters fills nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from voltbridge.domain.device_model import Variable
from voltbridge.domain.monitoring import EventNotificationType

__all__ = [
    "MOST_CLOSED",
    "MOST_OPEN",
    "OVERFLOW",
    "REOPENED_WITHIN",
    "Alert",
    "AlertChange",
    "AlertFilter",
    "AlertState",
    "ChangeKind",
    "ClosedBy",
    "Observed",
    "fold",
    "monitor_key",
    "overflow",
    "without_monitor",
]

MOST_OPEN: Final = 200
"""Alerts of one station that are not closed; what comes beyond is counted in one of its own."""
MOST_CLOSED: Final = 1000
"""Closed alerts of one station; the oldest go first."""
REOPENED_WITHIN: Final = timedelta(minutes=15)
"""What comes back so soon after the station cleared it is the same alert again."""
OVERFLOW: Final = "overflow"
"""The key of the alert that stands for those beyond ``MOST_OPEN``."""
_REMEMBERED: Final = 16
"""Events of an alert by which a repeated message is recognised."""


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "Open"
    ACKNOWLEDGED = "Acknowledged"
    """An operator has seen it."""
    CLOSED = "Closed"


class ClosedBy(StrEnum):
    """Who said that it is over."""

    STATION = "Station"
    OPERATOR = "Operator"
    MONITOR_GONE = "MonitorGone"
    """The station has its monitor no longer, and tells nothing more of it (N07.FR.12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a station says once of one cause."""

    key: str
    at: datetime
    """The station's time."""
    cleared: bool = False
    late: bool = False
    """Whether it is certain that newer things were told before."""
    event_id: int | None = None
    cause_event_id: int | None = None
    severity: int | None = None
    variable: Variable | None = None
    monitor_id: int | None = None
    notification_type: EventNotificationType | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    error_code: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    value: str | None = None
    tech_code: str | None = None
    tech_info: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. What describes it is what was told last."""

    id: int
    station_id: str
    key: str
    state: AlertState
    opened_at: datetime
    """When it was first heard of; ``last_at`` likewise. By our clock."""
    last_at: datetime
    told_at: datetime
    """The station's time of what was told last."""
    count: int = 1
    """How often it was raised."""
    severity: int | None = None
    """0, danger, to 9, debugging; the most severe that was told. None: nobody told."""
    variable: Variable | None = None
    monitor_id: int | None = None
    notification_type: EventNotificationType | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    error_code: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    value: str | None = None
    """Of the variable; empty where it cannot be read."""
    tech_code: str | None = None
    tech_info: str | None = None
    transaction_id: str | None = None
    event_id: int | None = None
    cause_event_id: int | None = None
    """The event that caused this one, as the station says."""
    cause_alert_id: int | None = None
    """The alert of that event, where there is one."""
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: ClosedBy | None = None
    note: str | None = None
    """The operator's."""
    seen: tuple[tuple[int, int], ...] = ()
    """Its latest events, as id and milliseconds of the station's time."""


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts to list; what is None does not matter."""

    station_id: str | None = None
    states: tuple[AlertState, ...] = ()
    """Empty: in whatever state."""
    severity: int | None = None
    """This severe or more; those of unknown severity are left out."""


class ChangeKind(StrEnum):
    """What happened to an alert, as its event says."""

    OPENED = "opened"
    REOPENED = "reopened"
    REPEATED = "repeated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One alert as it is now, and what was done to it."""

    kind: ChangeKind
    alert: Alert


def fold(
    before: Alert | None, said: Observed, station_id: str, now: datetime, new_id: Callable[[], int]
) -> AlertChange | None:
    """What the latest alert of the key becomes by what the station says; None: nothing.

    A message that was sent again says nothing, and what is late does not undo what is newer.
    """
    event = None if said.event_id is None else (said.event_id, int(said.at.timestamp() * 1000))
    if before is not None and (event in before.seen or (said.late and said.at < before.told_at)):
        return None
    if said.cleared:
        if before is None or before.state is AlertState.CLOSED:
            return None
        closed = replace(
            _told(before, said, event, now), state=AlertState.CLOSED, closed_at=now, closed_by=ClosedBy.STATION
        )
        return AlertChange(ChangeKind.CLOSED, replace(closed, severity=before.severity))
    if before is None or (before.state is AlertState.CLOSED and not _is_back(before, now)):
        return AlertChange(ChangeKind.OPENED, _opened(said, event, station_id, now, new_id()))
    raised = replace(_told(before, said, event, now), count=before.count + 1, severity=_worse(before, said))
    if before.state is AlertState.CLOSED:
        raised = replace(raised, state=AlertState.OPEN, closed_at=None, closed_by=None, acknowledged_at=None)
        return AlertChange(ChangeKind.REOPENED, raised)
    return AlertChange(ChangeKind.REPEATED, raised)


def monitor_key(variable: Variable, monitor_id: int | None) -> str:
    """The key of what a monitor tells, or (without one) the station by itself tells of a variable."""
    return f"{variable.key} {'' if monitor_id is None else monitor_id}"


def without_monitor(alert: Alert, now: datetime) -> Alert:
    """The alert, closed since its monitor is gone."""
    return replace(alert, state=AlertState.CLOSED, closed_at=now, closed_by=ClosedBy.MONITOR_GONE)


def overflow(said: Observed) -> Observed:
    """What is said, to be counted with everything else that is too much."""
    return Observed(
        key=OVERFLOW,
        at=said.at,
        severity=said.severity,
        tech_info=f"More than {MOST_OPEN} alerts are not closed; further ones are counted here and told as events.",
    )


def _is_back(before: Alert, now: datetime) -> bool:
    closed_at = before.closed_at
    return before.closed_by is ClosedBy.STATION and closed_at is not None and now - closed_at <= REOPENED_WITHIN


def _worse(before: Alert, said: Observed) -> int | None:
    told = [severity for severity in (before.severity, said.severity) if severity is not None]
    return min(told, default=None)


def _opened(said: Observed, event: tuple[int, int] | None, station_id: str, now: datetime, id: int) -> Alert:
    fresh = Alert(
        id=id,
        station_id=station_id,
        key=said.key,
        state=AlertState.OPEN,
        opened_at=now,
        last_at=now,
        told_at=said.at,
        severity=said.severity,
    )
    return _told(fresh, said, event, now)


def _told(alert: Alert, said: Observed, event: tuple[int, int] | None, now: datetime) -> Alert:
    """The alert with what is said of it now."""
    return replace(
        alert,
        last_at=now,
        told_at=max(alert.told_at, said.at) if said.late else said.at,
        variable=said.variable or alert.variable,
        monitor_id=alert.monitor_id if said.monitor_id is None else said.monitor_id,
        notification_type=said.notification_type or alert.notification_type,
        evse_id=alert.evse_id if said.evse_id is None else said.evse_id,
        connector_id=alert.connector_id if said.connector_id is None else said.connector_id,
        error_code=said.error_code or alert.error_code,
        vendor_id=said.vendor_id or alert.vendor_id,
        vendor_error_code=said.vendor_error_code or alert.vendor_error_code,
        value=alert.value if said.value is None else said.value,
        tech_code=said.tech_code or alert.tech_code,
        tech_info=said.tech_info or alert.tech_info,
        transaction_id=said.transaction_id or alert.transaction_id,
        event_id=alert.event_id if said.event_id is None else said.event_id,
        cause_event_id=alert.cause_event_id if said.cause_event_id is None else said.cause_event_id,
        seen=alert.seen if event is None else (*alert.seen, event)[-_REMEMBERED:],
    )

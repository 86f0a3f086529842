"""Events of monitors: what a NotifyEvent of 2.x does, whatever the version (N07, N08, G01).

An availability becomes the status of its connector, any other value the actual value of its variable, and what alerts
raises or closes an alert. The message itself is kept as an event, and so is that parts of one never came.

Stations send in the order in which things happened. What was queued while a station was away may still come after what
it told first; so something is late when its time lies before that of the last event of its kind and well before now,
while the last one's time agreed with our clock. What is late changes nothing that is newer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from voltbridge.csms.blocks.b_provisioning.variable_rules import is_secret
from voltbridge.csms.blocks.g_availability.service import CLOCK_TOLERANCE, ReportedStatus
from voltbridge.csms.blocks.n_diagnostics.alert_ports import ActualValues, Availability, Notices, Severities
from voltbridge.csms.blocks.n_diagnostics.alerts import AlertService
from voltbridge.csms.blocks.n_diagnostics.monitoring import is_storable_number, is_storable_variable
from voltbridge.csms.events import EventLog
from voltbridge.domain.alerts import Observed, monitor_key
from voltbridge.domain.clock import Clock
from voltbridge.domain.device_model import Attribute, Component, Variable
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.monitoring import LEAST_SEVERE, EventNotificationType
from voltbridge.domain.sequences import add_sequence, all_parts, missing_parts
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import ErrorCode, OcppError

__all__ = ["EventService", "EventTrigger", "MonitoredEvent"]

_AVAILABILITIES: Final = frozenset(
    {
        ConnectorStatus.AVAILABLE,
        ConnectorStatus.OCCUPIED,
        ConnectorStatus.RESERVED,
        ConnectorStatus.UNAVAILABLE,
        ConnectorStatus.FAULTED,
    }
)
_MOST_TIMES: Final = 1000
"""Variables and monitors of a station whose last event is remembered while it is connected."""


class EventTrigger(StrEnum):
    """What made a monitor tell."""

    ALERTING = "Alerting"
    DELTA = "Delta"
    PERIODIC = "Periodic"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredEvent:
    """One event of a NotifyEvent."""

    event_id: int
    at: datetime
    trigger: EventTrigger
    variable: Variable
    value: str
    """Empty for a variable that cannot be read (N07.FR.10)."""
    notification_type: EventNotificationType
    cleared: bool = False
    monitor_id: int | None = None
    severity: int | None = None
    """2.1: as the station says (N07.FR.20)."""
    cause_event_id: int | None = None
    tech_code: str | None = None
    tech_info: str | None = None
    transaction_id: str | None = None

    @property
    def key(self) -> str:
        """What the event is about: a monitor, or where there is none the variable itself."""
        return monitor_key(self.variable, self.monitor_id)


@dataclass(slots=True)
class _Open:
    """A notification of which parts are still to come."""

    generated_at: datetime
    seen: str = ""
    last: int | None = None


class EventService:
    """Takes events over."""

    def __init__(
        self,
        notices: Notices,
        availability: Availability,
        values: ActualValues,
        monitors: Severities,
        alerts: AlertService,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._notices = notices
        self._availability = availability
        self._values = values
        self._monitors = monitors
        self._alerts = alerts
        self._events = events
        self._clock = clock
        self._open: dict[str, _Open] = {}
        """By station."""

    async def take(
        self,
        live: LiveStation,
        seq_no: int,
        is_last: bool,
        generated_at: datetime,
        told: Sequence[MonitoredEvent],
        message: Struct,
    ) -> None:
        """Take over one message. Raises OcppError for what cannot be kept; then nothing of it was."""
        _check(seq_no, told)
        now = self._clock.now()
        for status in _statuses(told):
            self._availability.status(live, status)
        told = sorted(told, key=lambda one: one.at)
        late = {id(one): self._is_late(live, one, now) for one in told}
        values = {one.variable: one.value for one in told if one.value != "" and not late[id(one)]}
        if values:
            await self._values.told_by_events(live.station_id, values)
        alerting = [one for one in told if one.trigger is EventTrigger.ALERTING or one.cleared]
        if alerting:
            severities = await self._severities(live.station_id, alerting)
            said = [_observed(one, severities, late=late[id(one)]) for one in alerting]
            await self._alerts.observed(live.station_id, said)
        self._notices.note(live, "station.event", message)
        self._follow_parts(live.station_id, seq_no, is_last, generated_at)

    async def _severities(self, station_id: str, told: Sequence[MonitoredEvent]) -> dict[int, int]:
        asked = {one.monitor_id for one in told if one.monitor_id is not None and one.severity is None}
        return dict(await self._monitors.severities(station_id, sorted(asked))) if asked else {}

    def _is_late(self, live: LiveStation, event: MonitoredEvent, now: datetime) -> bool:
        last = live.trusted_event_at.get(event.key)
        if last is not None and event.at < last and now - event.at > CLOCK_TOLERANCE:
            return True
        if abs(now - event.at) > CLOCK_TOLERANCE:
            live.trusted_event_at.pop(event.key, None)
        elif last is not None or len(live.trusted_event_at) < _MOST_TIMES:
            live.trusted_event_at[event.key] = event.at
        return False

    def _follow_parts(self, station_id: str, seq_no: int, is_last: bool, generated_at: datetime) -> None:
        """Tell when a notification begins before all parts of the one before have come."""
        former = self._open.get(station_id)
        if former is not None and seq_no == 0 and former.generated_at != generated_at:
            self._tell_missing(station_id, former)
            former = None
        if former is None and seq_no == 0 and is_last:
            self._open.pop(station_id, None)
            return
        one = former or _Open(generated_at)
        one.seen = add_sequence(one.seen, seq_no)
        one.last = seq_no if is_last else one.last
        if all_parts(one.seen, one.last):
            self._open.pop(station_id, None)
        else:
            self._open[station_id] = one

    def _tell_missing(self, station_id: str, one: _Open) -> None:
        self._events.emit(
            "station.event_parts_missing",
            station_id,
            generated_at=str(DateTime.of(one.generated_at)),
            parts=one.seen,
            missing_parts=missing_parts(one.seen, 100),
            last_seq_no=one.last,
        )


def _check(seq_no: int, told: Sequence[MonitoredEvent]) -> None:
    numbers = [seq_no, *(n for one in told for n in (one.event_id, one.monitor_id, one.severity, one.cause_event_id))]
    if seq_no < 0 or not all(map(is_storable_number, numbers)):
        raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a number is out of range")
    if not all(is_storable_variable(one.variable) for one in told):
        raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a component or variable has an impossible name")
    if any("\0" in one.value for one in told):
        raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a value has a character that cannot be kept")


def _statuses(told: Sequence[MonitoredEvent]) -> Iterator[ReportedStatus]:
    """The availability states among the events: of connectors, of EVSEs and of the station as a whole (G01)."""
    for one in told:
        if one.variable.name.casefold() != "availabilitystate" or one.value not in _AVAILABILITIES:
            continue
        place = _place(one.variable.component)
        if place is not None:
            evse_id, connector_id = place
            status = ConnectorStatus(one.value)
            yield ReportedStatus(evse_id=evse_id, connector_id=connector_id, status=status, at=one.at)


def _place(component: Component) -> tuple[int, int] | None:
    """(EVSE id, connector id) of a component that has an availability, or None for others and unclear ones."""
    evse_id, connector_id = component.evse_id or 0, component.connector_id or 0
    match component.name.casefold():
        case "chargingstation":
            return 0, 0
        case "evse" if evse_id > 0:
            return evse_id, 0
        case "connector" if evse_id > 0 and connector_id > 0:
            return evse_id, connector_id
    return None


def _observed(one: MonitoredEvent, severities: dict[int, int], *, late: bool) -> Observed:
    severity = one.severity
    if severity is None and one.monitor_id is not None:
        severity = severities.get(one.monitor_id)
    if severity is not None and not 0 <= severity <= LEAST_SEVERE:
        severity = None  # a number without a meaning
    component = one.variable.component
    return Observed(
        key=one.key,
        at=one.at,
        cleared=one.cleared,
        late=late,
        event_id=one.event_id,
        cause_event_id=one.cause_event_id,
        severity=severity,
        variable=one.variable,
        monitor_id=one.monitor_id,
        notification_type=one.notification_type,
        evse_id=component.evse_id,
        connector_id=component.connector_id,
        value=None if is_secret(Attribute(one.variable)) else one.value,
        tech_code=one.tech_code,
        tech_info=one.tech_info,
        transaction_id=one.transaction_id,
    )

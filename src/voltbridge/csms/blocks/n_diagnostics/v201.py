"""Diagnostics in the words of 2.0.1: what is only told becomes an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import UnsetType

from voltbridge.csms.blocks.g_availability.service import ReportedStatus
from voltbridge.csms.blocks.given import given
from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21, v201

__all__ = [
    "log_status_notification",
    "notify_customer_information",
    "notify_event",
    "notify_monitoring_report",
    "statuses_in",
]

_STATUSES: Final = frozenset(v201.ConnectorStatusEnumType)


async def log_status_notification(
    service: NotificationService, live: LiveStation, request: v201.LogStatusNotificationRequest
) -> v201.LogStatusNotificationResponse:
    """N01."""
    service.note(live, "log.status", request)
    return v201.LogStatusNotificationResponse()


async def notify_event(
    service: NotificationService, live: LiveStation, request: v201.NotifyEventRequest
) -> v201.NotifyEventResponse:
    """What monitors saw (N07); where that is an availability it is taken over as such (G01.FR.07)."""
    for status in statuses_in(request):
        service.availability.status(live, status)
    service.note(live, "station.event", request)
    return v201.NotifyEventResponse()


def statuses_in(request: v201.NotifyEventRequest | v21.NotifyEventRequest) -> Iterator[ReportedStatus]:
    """The availability states among the events: of connectors, of EVSEs and of the station as a whole (G01)."""
    for event in request.event_data:
        if event.variable.name.casefold() != "availabilitystate" or event.actual_value not in _STATUSES:
            continue
        place = _place(event.component)
        if place is not None:
            evse_id, connector_id = place
            status = ConnectorStatus(event.actual_value)
            yield ReportedStatus(evse_id=evse_id, connector_id=connector_id, status=status, at=event.timestamp.moment)


def _place(component: v201.ComponentType | v21.ComponentType) -> tuple[int, int] | None:
    """(EVSE id, connector id) of a component that has an availability, or None for others and unclear ones."""
    evse = component.evse
    evse_id = 0 if isinstance(evse, UnsetType) else evse.id
    connector_id = 0 if isinstance(evse, UnsetType) else given(evse.connector_id) or 0
    match component.name.casefold():
        case "chargingstation":
            return 0, 0
        case "evse" if evse_id > 0:
            return evse_id, 0
        case "connector" if evse_id > 0 and connector_id > 0:
            return evse_id, connector_id
    return None


async def notify_monitoring_report(
    service: NotificationService, live: LiveStation, request: v201.NotifyMonitoringReportRequest
) -> v201.NotifyMonitoringReportResponse:
    """A part of an answer to GetMonitoringReport (N02)."""
    service.note(live, "monitoring.reported", request)
    return v201.NotifyMonitoringReportResponse()


async def notify_customer_information(
    service: NotificationService, live: LiveStation, request: v201.NotifyCustomerInformationRequest
) -> v201.NotifyCustomerInformationResponse:
    """A part of an answer to CustomerInformation (N09)."""
    service.note(live, "customer_information.reported", request)
    return v201.NotifyCustomerInformationResponse()

"""Diagnostics in the words of 2.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.blocks.n_diagnostics.v201 import statuses_in
from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["log_status_notification", "notify_customer_information", "notify_event", "notify_monitoring_report"]


async def log_status_notification(
    service: NotificationService, live: LiveStation, request: v21.LogStatusNotificationRequest
) -> v21.LogStatusNotificationResponse:
    """N01."""
    service.note(live, "log.status", request)
    return v21.LogStatusNotificationResponse()


async def notify_event(
    service: NotificationService, live: LiveStation, request: v21.NotifyEventRequest
) -> v21.NotifyEventResponse:
    """What monitors saw (N07); where that is an availability it is taken over as such (G01.FR.07)."""
    for status in statuses_in(request):
        service.availability.status(live, status)
    service.note(live, "station.event", request)
    return v21.NotifyEventResponse()


async def notify_monitoring_report(
    service: NotificationService, live: LiveStation, request: v21.NotifyMonitoringReportRequest
) -> v21.NotifyMonitoringReportResponse:
    """A part of an answer to GetMonitoringReport (N02)."""
    service.note(live, "monitoring.reported", request)
    return v21.NotifyMonitoringReportResponse()


async def notify_customer_information(
    service: NotificationService, live: LiveStation, request: v21.NotifyCustomerInformationRequest
) -> v21.NotifyCustomerInformationResponse:
    """A part of an answer to CustomerInformation (N09)."""
    service.note(live, "customer_information.reported", request)
    return v21.NotifyCustomerInformationResponse()

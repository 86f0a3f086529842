"""Availability in the words of 2.1: Heartbeat and StatusNotification."""

from __future__ import annotations

from voltbridge.csms.blocks.g_availability.service import AvailabilityService, ReportedStatus
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.datetimes import DateTime

__all__ = ["heartbeat", "status_notification"]


async def heartbeat(
    service: AvailabilityService, live: LiveStation, request: v21.HeartbeatRequest
) -> v21.HeartbeatResponse:
    """G02.FR.03."""
    return v21.HeartbeatResponse(current_time=DateTime.of(service.heartbeat(live)))


async def status_notification(
    service: AvailabilityService, live: LiveStation, request: v21.StatusNotificationRequest
) -> v21.StatusNotificationResponse:
    """G01."""
    service.status(
        live,
        ReportedStatus(
            evse_id=request.evse_id,
            connector_id=request.connector_id,
            status=ConnectorStatus(request.connector_status.value),
            at=request.timestamp.moment,
        ),
    )
    return v21.StatusNotificationResponse()

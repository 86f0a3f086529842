"""Availability in the words of 2.1: Heartbeat and StatusNotification."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.g_availability.change import ACCEPTED, ChangeAvailability, named, settling
from voltbridge.csms.blocks.g_availability.service import AvailabilityService, ReportedStatus
from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.datetimes import DateTime

__all__ = ["change_availability", "heartbeat", "status_notification"]


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


def change_availability(wanted: ChangeAvailability, context: Context) -> Prepared:
    """G03; without an EVSE the whole station (G04)."""
    wanted.check()
    evse: v21.EVSEType | UnsetType = UNSET
    if wanted.evse_id is not None:
        evse = v21.EVSEType(id=wanted.evse_id, connector_id=optional(wanted.connector_id))
    return Prepared(
        v21.ChangeAvailabilityRequest(operational_status=v21.OperationalStatusEnumType(wanted.status.value), evse=evse),
        _change_answer,
        correlation=named(wanted),
        settled=settling(wanted, context),
    )


def _change_answer(response: v21.ChangeAvailabilityResponse) -> Answer:
    return answered(response, ACCEPTED)

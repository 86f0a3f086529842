"""Availability in the words of 2.0.1: Heartbeat and StatusNotification."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.g_availability.change import ACCEPTED, ChangeAvailability, named, settling
from voltbridge.csms.blocks.g_availability.service import AvailabilityService, ReportedStatus
from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201
from voltbridge.protocol.datetimes import DateTime

__all__ = ["change_availability", "heartbeat", "status_notification"]


async def heartbeat(
    service: AvailabilityService, live: LiveStation, request: v201.HeartbeatRequest
) -> v201.HeartbeatResponse:
    """G02.FR.03."""
    return v201.HeartbeatResponse(current_time=DateTime.of(service.heartbeat(live)))


async def status_notification(
    service: AvailabilityService, live: LiveStation, request: v201.StatusNotificationRequest
) -> v201.StatusNotificationResponse:
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
    return v201.StatusNotificationResponse()


def change_availability(wanted: ChangeAvailability, context: Context) -> Prepared:
    """G03; without an EVSE the whole station (G04)."""
    wanted.check()
    evse: v201.EVSEType | UnsetType = UNSET
    if wanted.evse_id is not None:
        evse = v201.EVSEType(id=wanted.evse_id, connector_id=optional(wanted.connector_id))
    return Prepared(
        v201.ChangeAvailabilityRequest(
            operational_status=v201.OperationalStatusEnumType(wanted.status.value), evse=evse
        ),
        _change_answer,
        correlation=named(wanted),
        settled=settling(wanted, context),
    )


def _change_answer(response: v201.ChangeAvailabilityResponse) -> Answer:
    return answered(response, ACCEPTED)

"""Availability in the words of 1.6: Heartbeat and StatusNotification."""

from __future__ import annotations

from voltbridge.csms.blocks.g_availability.change import ACCEPTED, ChangeAvailability, named, settling
from voltbridge.csms.blocks.g_availability.service import AvailabilityService, ReportedStatus
from voltbridge.csms.blocks.given import given, moment
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, Unsupported, answered
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime

__all__ = ["change_availability", "heartbeat", "status_notification"]


async def heartbeat(
    service: AvailabilityService, live: LiveStation, request: v16.HeartbeatRequest
) -> v16.HeartbeatResponse:
    """4.6."""
    return v16.HeartbeatResponse(current_time=DateTime.of(service.heartbeat(live)))


async def status_notification(
    service: AvailabilityService, live: LiveStation, request: v16.StatusNotificationRequest
) -> v16.StatusNotificationResponse:
    """Connector n is EVSE n with connector 1; connector 0 is the station itself (6.47)."""
    faultless = request.error_code is v16.ChargePointErrorCode.NO_ERROR
    await service.told_with_error(
        live,
        ReportedStatus(
            evse_id=request.connector_id,
            connector_id=1 if request.connector_id else 0,
            status=ConnectorStatus(request.status.value),
            at=moment(request.timestamp),
            error_code=None if faultless else request.error_code.value,
            error_info=given(request.info),
            vendor_id=given(request.vendor_id),
            vendor_error_code=given(request.vendor_error_code),
        ),
    )
    return v16.StatusNotificationResponse()


def change_availability(wanted: ChangeAvailability, context: Context) -> Prepared:
    """5.2; connector 0 is the whole station."""
    wanted.check()
    if wanted.connector_id not in (None, 1):
        raise Unsupported("OCPP 1.6 has one connector for each EVSE: leave connector_id out, evse_id tells which")
    return Prepared(
        v16.ChangeAvailabilityRequest(connector_id=wanted.evse_id or 0, type=v16.AvailabilityType(wanted.status.value)),
        _change_answer,
        correlation=named(wanted),
        settled=settling(wanted, context),
    )


def _change_answer(response: v16.ChangeAvailabilityResponse) -> Answer:
    return answered(response, ACCEPTED)

"""Provisioning in the words of 1.6: BootNotification, and the TriggerMessage that asks for one."""

from __future__ import annotations

from collections.abc import Iterable

from voltbridge.csms.blocks.b_provisioning.boot import BootReport
from voltbridge.csms.blocks.b_provisioning.reset import WHOLE_STATION, Reset, ResetKind, is_charging
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.given import given
from voltbridge.csms.commands.kinds import Context, Prepared, Unsupported, answered
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = ["boot_notification", "reset", "trigger_boot", "trigger_status"]


async def boot_notification(
    service: StationService, live: LiveStation, request: v16.BootNotificationRequest
) -> v16.BootNotificationResponse:
    """Boots carry no reason. The charge box's serial number is the deprecated name for the charge point's (6.3)."""
    answer = service.boots.boot(
        live,
        BootReport(
            vendor=request.charge_point_vendor,
            model=request.charge_point_model,
            serial_number=given(request.charge_point_serial_number) or given(request.charge_box_serial_number),
            firmware_version=given(request.firmware_version),
            iccid=given(request.iccid),
            imsi=given(request.imsi),
            meter_type=given(request.meter_type),
            meter_serial_number=given(request.meter_serial_number),
        ),
    )
    return v16.BootNotificationResponse(
        status=v16.RegistrationStatus(answer.status.value),
        current_time=DateTime.of(answer.current_time),
        interval=answer.interval_s,
    )


def trigger_boot() -> Payload:
    """Asks for a BootNotification (5.17)."""
    return v16.TriggerMessageRequest(requested_message=v16.MessageTrigger.BOOT_NOTIFICATION)


def trigger_status(connectors: Iterable[tuple[int, int]]) -> list[Payload]:
    """One message asks for all connectors: a trigger without a connector id means every one (5.17)."""
    return [v16.TriggerMessageRequest(requested_message=v16.MessageTrigger.STATUS_NOTIFICATION)]


def reset(wanted: Reset, context: Context) -> Prepared:
    """Soft ends transactions and restarts the programs, Hard restarts the hardware (5.14)."""
    if wanted.evse_id is not None:
        raise Unsupported("OCPP 1.6 resets whole stations only; leave evse_id out")
    if wanted.type is ResetKind.IMMEDIATE_AND_RESUME:
        raise Unsupported("OCPP 1.6 cannot resume transactions after a reset; use OnIdle or Immediate")
    if wanted.type is ResetKind.ON_IDLE and is_charging(context):
        raise Unsupported(
            "OCPP 1.6 cannot wait for the end of a transaction, and one is running; reset again once it has ended, "
            "or use Soft or Immediate, which end it"
        )
    kind = v16.ResetType.HARD if wanted.type is ResetKind.IMMEDIATE else v16.ResetType.SOFT
    return Prepared(v16.ResetRequest(type=kind), answered, correlation=WHOLE_STATION)

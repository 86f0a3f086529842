"""Provisioning in the words of 2.0.1: BootNotification and NotifyReport, and what asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UnsetType

from voltbridge.csms.blocks.b_provisioning.boot import BootReport
from voltbridge.csms.blocks.b_provisioning.reset import Reset, ResetKind
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, Unsupported, answered
from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = [
    "boot_notification",
    "notify_report",
    "probe",
    "probed",
    "report_of",
    "reset",
    "trigger_boot",
    "trigger_status",
]


async def boot_notification(
    service: StationService, live: LiveStation, request: v201.BootNotificationRequest
) -> v201.BootNotificationResponse:
    """B01.FR.02."""
    answer = service.boots.boot(live, report_of(request))
    return v201.BootNotificationResponse(
        status=v201.RegistrationStatusEnumType(answer.status.value),
        current_time=DateTime.of(answer.current_time),
        interval=answer.interval_s,
    )


async def notify_report(
    service: NotificationService, live: LiveStation, request: v201.NotifyReportRequest
) -> v201.NotifyReportResponse:
    """A part of a report that was asked for (B07, B08)."""
    service.note(live, "variables.reported", request)
    return v201.NotifyReportResponse()


def report_of(request: v201.BootNotificationRequest | v21.BootNotificationRequest) -> BootReport:
    """What a boot of 2.x says. Meters are variables of the device model there, not part of the boot."""
    station = request.charging_station
    modem = station.modem
    return BootReport(
        vendor=station.vendor_name,
        model=station.model,
        serial_number=given(station.serial_number),
        firmware_version=given(station.firmware_version),
        iccid=None if isinstance(modem, UnsetType) else given(modem.iccid),
        imsi=None if isinstance(modem, UnsetType) else given(modem.imsi),
        boot_reason=request.reason.value,
    )


def trigger_boot() -> Payload:
    """Asks for a BootNotification (F06)."""
    return v201.TriggerMessageRequest(requested_message=v201.MessageTriggerEnumType.BOOT_NOTIFICATION)


def trigger_status(connectors: Iterable[tuple[int, int]]) -> list[Payload]:
    """One message per connector: its number has to be given (F06.FR.13), so only known ones can be asked for."""
    return [
        v201.TriggerMessageRequest(
            requested_message=v201.MessageTriggerEnumType.STATUS_NOTIFICATION,
            evse=v201.EVSEType(id=evse_id, connector_id=connector_id),
        )
        for evse_id, connector_id in connectors
        if evse_id > 0 and connector_id > 0
    ]


def probe(request_id: int) -> Payload:
    """Asks for the whole device model (B07.FR.14)."""
    return v201.GetBaseReportRequest(request_id=request_id, report_base=v201.ReportBaseEnumType.FULL_INVENTORY)


def probed(answer: Payload) -> dict[str, Any] | None:
    """Nothing yet: the report comes in NotifyReport messages."""
    return None


def reset(wanted: Reset, context: Context) -> Prepared:
    """An immediate reset ends transactions first, as Soft asks for (B12.FR.03)."""
    if wanted.type is ResetKind.IMMEDIATE_AND_RESUME:
        raise Unsupported("OCPP 2.0.1 cannot resume transactions after a reset; use OnIdle or Immediate")
    on_idle = wanted.type is ResetKind.ON_IDLE
    kind = v201.ResetEnumType.ON_IDLE if on_idle else v201.ResetEnumType.IMMEDIATE
    return Prepared(v201.ResetRequest(type=kind, evse_id=optional(wanted.evse_id)), _reset_answer)


def _reset_answer(response: v201.ResetResponse) -> Answer:
    """Scheduled: it will be done once the transactions have ended (B12.FR.01)."""
    return answered(response, frozenset({"Accepted", "Scheduled"}))

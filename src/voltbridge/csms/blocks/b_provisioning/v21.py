"""Provisioning in the words of 2.1, where these messages say what they say in 2.0.1."""

from __future__ import annotations

from collections.abc import Iterable

from voltbridge.csms.blocks.b_provisioning.network_profile import NetworkProfile
from voltbridge.csms.blocks.b_provisioning.reset import Reset, ResetKind, of_boot
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.b_provisioning.v201 import network_profile_request, report_of
from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = ["boot_notification", "reset", "set_network_profile", "trigger_boot", "trigger_status"]


async def boot_notification(
    service: StationService, live: LiveStation, request: v21.BootNotificationRequest
) -> v21.BootNotificationResponse:
    """B01.FR.02."""
    answer = service.boots.boot(live, report_of(request))
    return v21.BootNotificationResponse(
        status=v21.RegistrationStatusEnumType(answer.status.value),
        current_time=DateTime.of(answer.current_time),
        interval=answer.interval_s,
    )


def trigger_boot() -> Payload:
    """Asks for a BootNotification (F06)."""
    return v21.TriggerMessageRequest(requested_message=v21.MessageTriggerEnumType.BOOT_NOTIFICATION)


def trigger_status(connectors: Iterable[tuple[int, int]]) -> list[Payload]:
    """One message per known connector (F06.FR.13)."""
    return [
        v21.TriggerMessageRequest(
            requested_message=v21.MessageTriggerEnumType.STATUS_NOTIFICATION,
            evse=v21.EVSEType(id=evse_id, connector_id=connector_id),
        )
        for evse_id, connector_id in connectors
        if evse_id > 0 and connector_id > 0
    ]


def reset(wanted: Reset, context: Context) -> Prepared:
    """An immediate reset ends transactions first, as Soft asks for (B12.FR.03)."""
    kind = v21.ResetEnumType.IMMEDIATE if wanted.type is ResetKind.SOFT else v21.ResetEnumType(wanted.type.value)
    return Prepared(
        v21.ResetRequest(type=kind, evse_id=optional(wanted.evse_id)), _reset_answer, correlation=of_boot(wanted)
    )


def _reset_answer(response: v21.ResetResponse) -> Answer:
    """Scheduled: it will be done once the transactions have ended (B12.FR.01)."""
    return answered(response, frozenset({"Accepted", "Scheduled"}))


def set_network_profile(wanted: NetworkProfile, context: Context) -> Prepared:
    """B09.FR.01."""
    return network_profile_request(wanted, v21)

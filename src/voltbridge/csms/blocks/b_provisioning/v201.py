"""Provisioning in the words of 2.0.1: BootNotification, and what asks for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UnsetType

from voltbridge.csms.blocks.b_provisioning.boot import BootReport
from voltbridge.csms.blocks.b_provisioning.network_profile import NetworkProfile
from voltbridge.csms.blocks.b_provisioning.reset import Reset, ResetKind, of_boot
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, Unsupported, answered
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = [
    "boot_notification",
    "network_profile_request",
    "report_of",
    "reset",
    "set_network_profile",
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


def reset(wanted: Reset, context: Context) -> Prepared:
    """An immediate reset ends transactions first, as Soft asks for (B12.FR.03)."""
    if wanted.type is ResetKind.IMMEDIATE_AND_RESUME:
        raise Unsupported("OCPP 2.0.1 cannot resume transactions after a reset; use OnIdle or Immediate")
    on_idle = wanted.type is ResetKind.ON_IDLE
    kind = v201.ResetEnumType.ON_IDLE if on_idle else v201.ResetEnumType.IMMEDIATE
    return Prepared(
        v201.ResetRequest(type=kind, evse_id=optional(wanted.evse_id)), _reset_answer, correlation=of_boot(wanted)
    )


def _reset_answer(response: v201.ResetResponse) -> Answer:
    """Scheduled: it will be done once the transactions have ended (B12.FR.01)."""
    return answered(response, frozenset({"Accepted", "Scheduled"}))


def set_network_profile(wanted: NetworkProfile, context: Context) -> Prepared:
    """B09.FR.01. Nothing in 2.0.1 carries an identity or a password of Basic authentication."""
    if wanted.identity is not None or wanted.basic_auth_password is not None:
        raise Unsupported(
            "OCPP 2.0.1 cannot carry an identity or a password here; write SecurityCtrlr.Identity and "
            "SecurityCtrlr.BasicAuthPassword instead"
        )
    return network_profile_request(wanted, v201)


def network_profile_request(wanted: NetworkProfile, module: Any) -> Prepared:
    """The request in 2.0.1 or 2.1, ``module`` being that version's messages."""
    apn, vpn = wanted.apn, wanted.vpn
    try:
        data = {
            "ocpp_version": module.OCPPVersionEnumType(wanted.ocpp_version),
            "ocpp_transport": module.OCPPTransportEnumType(wanted.transport),
            "ocpp_interface": module.OCPPInterfaceEnumType(wanted.interface),
        }
    except ValueError as error:
        raise Unsupported(str(error)) from None
    if apn is not None:
        data["apn"] = module.APNType(
            apn=apn.apn,
            apn_authentication=module.APNAuthenticationEnumType(apn.authentication),
            apn_user_name=optional(apn.user_name),
            apn_password=optional(apn.password),
            sim_pin=optional(apn.sim_pin),
            preferred_network=optional(apn.preferred_network),
            use_only_preferred_network=optional(apn.use_only_preferred_network),
        )
    if vpn is not None:
        data["vpn"] = module.VPNType(
            server=vpn.server,
            user=vpn.user,
            group=optional(vpn.group),
            password=vpn.password,
            key=vpn.key,
            type=module.VPNEnumType(vpn.type),
        )
    for name in ("identity", "basic_auth_password"):
        if getattr(wanted, name) is not None:
            data[name] = getattr(wanted, name)
    connection = module.NetworkConnectionProfileType(
        ocpp_csms_url=wanted.csms_url,
        message_timeout=wanted.message_timeout_s,
        security_profile=wanted.security_profile,
        **data,
    )
    request = module.SetNetworkProfileRequest(configuration_slot=wanted.configuration_slot, connection_data=connection)
    return Prepared(request, answered)

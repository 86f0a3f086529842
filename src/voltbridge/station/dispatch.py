"""Which handler answers which message of the CSMS: a row for each action of each version, or why there is none.

What is in ``UNSUPPORTED`` is answered with the CALLERROR NotSupported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.blocks.b_provisioning import v2 as b2
from voltbridge.station.blocks.b_provisioning import v16 as b16
from voltbridge.station.blocks.c_authorization import v2 as c2
from voltbridge.station.blocks.c_authorization import v16 as c16
from voltbridge.station.blocks.d_local_auth_list import v2 as d2
from voltbridge.station.blocks.d_local_auth_list import v16 as d16
from voltbridge.station.blocks.e_transactions import v2 as e2
from voltbridge.station.blocks.f_remote_control import v2 as f2
from voltbridge.station.blocks.f_remote_control import v16 as f16
from voltbridge.station.blocks.g_availability import v2 as g2
from voltbridge.station.blocks.g_availability import v16 as g16
from voltbridge.station.blocks.h_reservation import v2 as h2
from voltbridge.station.blocks.h_reservation import v16 as h16
from voltbridge.station.blocks.i_tariff_and_cost import v2 as i2
from voltbridge.station.blocks.k_smart_charging import v2 as k2
from voltbridge.station.blocks.k_smart_charging import v16 as k16
from voltbridge.station.blocks.l_firmware import v2 as l2
from voltbridge.station.blocks.l_firmware import v16 as l16
from voltbridge.station.blocks.m_certificates import v2 as m2
from voltbridge.station.blocks.m_certificates import v16 as m16
from voltbridge.station.blocks.n_diagnostics import v2 as n2
from voltbridge.station.blocks.n_diagnostics import v16 as n16
from voltbridge.station.blocks.o_display_message import v2 as o2
from voltbridge.station.blocks.p_data_transfer import v2 as p2
from voltbridge.station.blocks.p_data_transfer import v16 as p16

__all__ = ["ROUTES", "UNSUPPORTED", "Handler", "Route"]

Handler = Callable[[Any, Any, Any], Awaitable[Payload]]
"""Services, handling, request -> response. Raises OcppError to refuse with a CALLERROR."""

V16, V201, V21 = Version


@dataclass(frozen=True, slots=True)
class Route:
    """One row."""

    version: Version
    action: str
    handler: Handler


_OF_16: Final[Mapping[str, Handler]] = {
    # B. Provisioning
    "ChangeConfiguration": b16.change_configuration,
    "GetConfiguration": b16.get_configuration,
    "Reset": b16.reset,
    # C. Authorization
    "ClearCache": c16.clear_cache,
    # D. Local authorization list
    "GetLocalListVersion": d16.get_local_list_version,
    "SendLocalList": d16.send_local_list,
    # F. Remote control
    "ExtendedTriggerMessage": f16.extended_trigger_message,
    "RemoteStartTransaction": f16.remote_start_transaction,
    "RemoteStopTransaction": f16.remote_stop_transaction,
    "TriggerMessage": f16.trigger_message,
    "UnlockConnector": f16.unlock_connector,
    # G. Availability
    "ChangeAvailability": g16.change_availability,
    # H. Reservation
    "CancelReservation": h16.cancel_reservation,
    "ReserveNow": h16.reserve_now,
    # K. Smart charging
    "ClearChargingProfile": k16.clear_charging_profile,
    "GetCompositeSchedule": k16.get_composite_schedule,
    "SetChargingProfile": k16.set_charging_profile,
    # L. Firmware
    "SignedUpdateFirmware": l16.signed_update_firmware,
    "UpdateFirmware": l16.update_firmware,
    # M. Certificates
    "DeleteCertificate": m16.delete_certificate,
    "GetInstalledCertificateIds": m16.get_installed_certificate_ids,
    "InstallCertificate": m16.install_certificate,
    # N. Diagnostics
    "GetDiagnostics": n16.get_diagnostics,
    "GetLog": n16.get_log,
    # P. Data transfer
    "DataTransfer": p16.data_transfer,
}

_OF_2: Final[Mapping[str, Handler]] = {
    # B. Provisioning
    "GetBaseReport": b2.get_base_report,
    "GetReport": b2.get_report,
    "GetVariables": b2.get_variables,
    "Reset": b2.reset,
    "SetNetworkProfile": b2.set_network_profile,
    "SetVariables": b2.set_variables,
    # C. Authorization
    "ClearCache": c2.clear_cache,
    # D. Local authorization list
    "GetLocalListVersion": d2.get_local_list_version,
    "SendLocalList": d2.send_local_list,
    # E. Transactions
    "GetTransactionStatus": e2.get_transaction_status,
    # F. Remote control
    "RequestStartTransaction": f2.request_start_transaction,
    "RequestStopTransaction": f2.request_stop_transaction,
    "TriggerMessage": f2.trigger_message,
    "UnlockConnector": f2.unlock_connector,
    # G. Availability
    "ChangeAvailability": g2.change_availability,
    # H. Reservation
    "CancelReservation": h2.cancel_reservation,
    "ReserveNow": h2.reserve_now,
    # I. Tariff and cost
    "CostUpdated": i2.cost_updated,
    # K. Smart charging
    "ClearChargingProfile": k2.clear_charging_profile,
    "GetChargingProfiles": k2.get_charging_profiles,
    "GetCompositeSchedule": k2.get_composite_schedule,
    "SetChargingProfile": k2.set_charging_profile,
    # L. Firmware
    "PublishFirmware": l2.publish_firmware,
    "UnpublishFirmware": l2.unpublish_firmware,
    "UpdateFirmware": l2.update_firmware,
    # M. Certificates
    "DeleteCertificate": m2.delete_certificate,
    "GetInstalledCertificateIds": m2.get_installed_certificate_ids,
    "InstallCertificate": m2.install_certificate,
    # N. Diagnostics
    "ClearVariableMonitoring": n2.clear_variable_monitoring,
    "CustomerInformation": n2.customer_information,
    "GetLog": n2.get_log,
    "GetMonitoringReport": n2.get_monitoring_report,
    "SetMonitoringBase": n2.set_monitoring_base,
    "SetMonitoringLevel": n2.set_monitoring_level,
    "SetVariableMonitoring": n2.set_variable_monitoring,
    # O. Display message
    "ClearDisplayMessage": o2.clear_display_message,
    "GetDisplayMessages": o2.get_display_messages,
    "SetDisplayMessage": o2.set_display_message,
    # P. Data transfer
    "DataTransfer": p2.data_transfer,
}
"""Handlers that serve 2.0.1 and 2.1."""

ROUTES: Final[tuple[Route, ...]] = (
    *(Route(V16, action, handler) for action, handler in _OF_16.items()),
    *(Route(version, action, handler) for version in (V201, V21) for action, handler in _OF_2.items()),
)

_BLOCKS: Final[Mapping[str, str]] = {
    "A": "this station makes no certificates",
    "C": "this station has no terminal for payments",
    "I": "this station computes no costs; it shows those of the CSMS",
    "K": "this station knows no dynamic schedules, no priority charging and no other directions of energy",
    "N": "this station opens no streams of periodic events",
    "Q": "this station feeds nothing back",
    "R": "this station takes no part in the control of the grid",
    "S": "this station swaps no batteries",
}
"""By the letter of a block that has no rows."""

_ROUTED: Final = {(route.version, route.action) for route in ROUTES}

UNSUPPORTED: Final[Mapping[tuple[Version, str], str]] = MappingProxyType(
    {
        (version, action.name): _BLOCKS[action.block]
        for version in Version
        for action in actions(version).values()
        if action.from_csms and (version, action.name) not in _ROUTED
    }
)
"""(version, action) -> why there is no handler."""

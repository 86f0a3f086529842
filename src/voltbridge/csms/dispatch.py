"""Which handler answers which message: one row for each action of each version that a station may send.

An action has either a row here or a reason in ``UNSUPPORTED``, where answering would claim something that is not done;
those get the CALLERROR NotSupported. ``confirms=False`` marks what the station does not forget when it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from voltbridge.csms.blocks.a_security import v16 as a16
from voltbridge.csms.blocks.a_security import v21 as a21
from voltbridge.csms.blocks.a_security import v201 as a201
from voltbridge.csms.blocks.b_provisioning import v16 as b16
from voltbridge.csms.blocks.b_provisioning import v21 as b21
from voltbridge.csms.blocks.b_provisioning import v201 as b201
from voltbridge.csms.blocks.b_provisioning import variables_v21 as bv21
from voltbridge.csms.blocks.b_provisioning import variables_v201 as bv201
from voltbridge.csms.blocks.c_authorization import v16 as c16
from voltbridge.csms.blocks.c_authorization import v21 as c21
from voltbridge.csms.blocks.c_authorization import v201 as c201
from voltbridge.csms.blocks.e_transactions import v16 as e16
from voltbridge.csms.blocks.e_transactions import v21 as e21
from voltbridge.csms.blocks.e_transactions import v201 as e201
from voltbridge.csms.blocks.g_availability import v16 as g16
from voltbridge.csms.blocks.g_availability import v21 as g21
from voltbridge.csms.blocks.g_availability import v201 as g201
from voltbridge.csms.blocks.h_reservation import v21 as h21
from voltbridge.csms.blocks.h_reservation import v201 as h201
from voltbridge.csms.blocks.j_meter_values import v16 as j16
from voltbridge.csms.blocks.j_meter_values import v21 as j21
from voltbridge.csms.blocks.j_meter_values import v201 as j201
from voltbridge.csms.blocks.k_smart_charging import v21 as k21
from voltbridge.csms.blocks.k_smart_charging import v201 as k201
from voltbridge.csms.blocks.l_firmware import v16 as l16
from voltbridge.csms.blocks.l_firmware import v21 as l21
from voltbridge.csms.blocks.l_firmware import v201 as l201
from voltbridge.csms.blocks.n_diagnostics import customer_v21 as ncustomer21
from voltbridge.csms.blocks.n_diagnostics import customer_v201 as ncustomer201
from voltbridge.csms.blocks.n_diagnostics import events_v21 as nevents21
from voltbridge.csms.blocks.n_diagnostics import events_v201 as nevents201
from voltbridge.csms.blocks.n_diagnostics import monitoring_v21 as nmonitoring21
from voltbridge.csms.blocks.n_diagnostics import monitoring_v201 as nmonitoring201
from voltbridge.csms.blocks.n_diagnostics import v16 as n16
from voltbridge.csms.blocks.n_diagnostics import v21 as n21
from voltbridge.csms.blocks.n_diagnostics import v201 as n201
from voltbridge.csms.blocks.o_display_message import v21 as o21
from voltbridge.csms.blocks.o_display_message import v201 as o201
from voltbridge.csms.blocks.p_data_transfer import v16 as p16
from voltbridge.csms.blocks.p_data_transfer import v21 as p21
from voltbridge.csms.blocks.p_data_transfer import v201 as p201
from voltbridge.csms.blocks.r_der_control import v21 as r21
from voltbridge.csms.blocks.s_battery_swap import v21 as s21
from voltbridge.csms.desk import Route
from voltbridge.protocol.versions import Version

__all__ = ["ROUTES", "UNSUPPORTED"]

V16, V201, V21 = Version

ROUTES: Final[tuple[Route, ...]] = (
    # A. Security
    Route(V16, "SecurityEventNotification", a16.security_event_notification, "security_events"),
    Route(V201, "SecurityEventNotification", a201.security_event_notification, "security_events"),
    Route(V21, "SecurityEventNotification", a21.security_event_notification, "security_events"),
    # B. Provisioning
    Route(V16, "BootNotification", b16.boot_notification, "stations", before_acceptance=True),
    Route(V201, "BootNotification", b201.boot_notification, "stations", before_acceptance=True),
    Route(V201, "NotifyReport", bv201.notify_report, "variables"),
    Route(V21, "BootNotification", b21.boot_notification, "stations", before_acceptance=True),
    Route(V21, "NotifyReport", bv21.notify_report, "variables"),
    # C. Authorization
    Route(V16, "Authorize", c16.authorize, "authorization", confirms=False),
    Route(V201, "Authorize", c201.authorize, "authorization", confirms=False),
    Route(V21, "Authorize", c21.authorize, "authorization", confirms=False),
    # E. Transactions
    Route(V16, "StartTransaction", e16.start_transaction, "transactions"),
    Route(V16, "StopTransaction", e16.stop_transaction, "transactions"),
    Route(V201, "TransactionEvent", e201.transaction_event, "transactions"),
    Route(V21, "TransactionEvent", e21.transaction_event, "transactions"),
    # G. Availability
    Route(V16, "Heartbeat", g16.heartbeat, "availability", confirms=False),
    Route(V16, "StatusNotification", g16.status_notification, "availability"),
    Route(V201, "Heartbeat", g201.heartbeat, "availability", confirms=False),
    Route(V201, "StatusNotification", g201.status_notification, "availability"),
    Route(V21, "Heartbeat", g21.heartbeat, "availability", confirms=False),
    Route(V21, "StatusNotification", g21.status_notification, "availability"),
    # H. Reservation
    Route(V201, "ReservationStatusUpdate", h201.reservation_status_update, "reservations"),
    Route(V21, "ReservationStatusUpdate", h21.reservation_status_update, "reservations"),
    # J. Meter values
    Route(V16, "MeterValues", j16.meter_values, "meter_values"),
    Route(V201, "MeterValues", j201.meter_values, "meter_values"),
    Route(V21, "MeterValues", j21.meter_values, "meter_values"),
    # K. Smart charging
    Route(V201, "ClearedChargingLimit", k201.cleared_charging_limit, "smart_charging"),
    Route(V201, "NotifyChargingLimit", k201.notify_charging_limit, "smart_charging"),
    Route(V201, "NotifyEVChargingNeeds", k201.notify_ev_charging_needs, "smart_charging"),
    Route(V201, "NotifyEVChargingSchedule", k201.notify_ev_charging_schedule, "smart_charging"),
    Route(V201, "ReportChargingProfiles", k201.report_charging_profiles, "smart_charging"),
    Route(V21, "ClearedChargingLimit", k21.cleared_charging_limit, "smart_charging"),
    Route(V21, "NotifyChargingLimit", k21.notify_charging_limit, "smart_charging"),
    Route(V21, "NotifyPriorityCharging", k21.notify_priority_charging, "notifications"),
    Route(V21, "NotifyEVChargingNeeds", k21.notify_ev_charging_needs, "smart_charging"),
    Route(V21, "NotifyEVChargingSchedule", k21.notify_ev_charging_schedule, "smart_charging"),
    Route(V21, "ReportChargingProfiles", k21.report_charging_profiles, "smart_charging"),
    # L. Firmware
    Route(V16, "FirmwareStatusNotification", l16.firmware_status_notification, "firmware"),
    Route(V16, "SignedFirmwareStatusNotification", l16.signed_firmware_status_notification, "firmware"),
    Route(V201, "FirmwareStatusNotification", l201.firmware_status_notification, "firmware"),
    Route(V201, "PublishFirmwareStatusNotification", l201.publish_firmware_status_notification, "publishing"),
    Route(V21, "FirmwareStatusNotification", l21.firmware_status_notification, "firmware"),
    Route(V21, "PublishFirmwareStatusNotification", l21.publish_firmware_status_notification, "publishing"),
    # N. Diagnostics
    Route(V16, "DiagnosticsStatusNotification", n16.diagnostics_status_notification, "logs"),
    Route(V16, "LogStatusNotification", n16.log_status_notification, "logs"),
    Route(V201, "LogStatusNotification", n201.log_status_notification, "logs"),
    Route(V201, "NotifyCustomerInformation", ncustomer201.notify_customer_information, "customer_information"),
    Route(V201, "NotifyEvent", nevents201.notify_event, "monitored_events"),
    Route(V201, "NotifyMonitoringReport", nmonitoring201.notify_monitoring_report, "monitoring"),
    Route(V21, "LogStatusNotification", n21.log_status_notification, "logs"),
    Route(V21, "NotifyCustomerInformation", ncustomer21.notify_customer_information, "customer_information"),
    Route(V21, "NotifyEvent", nevents21.notify_event, "monitored_events"),
    Route(V21, "NotifyMonitoringReport", nmonitoring21.notify_monitoring_report, "monitoring"),
    # O. Display messages
    Route(V201, "NotifyDisplayMessages", o201.notify_display_messages, "display_messages"),
    Route(V21, "NotifyDisplayMessages", o21.notify_display_messages, "display_messages"),
    # P. Data transfer
    Route(V16, "DataTransfer", p16.data_transfer, "data_transfer"),
    Route(V201, "DataTransfer", p201.data_transfer, "data_transfer"),
    Route(V21, "DataTransfer", p21.data_transfer, "data_transfer"),
    # R. DER control
    Route(V21, "NotifyDERAlarm", r21.notify_der_alarm, "notifications"),
    Route(V21, "NotifyDERStartStop", r21.notify_der_start_stop, "notifications"),
    Route(V21, "ReportDERControl", r21.report_der_control, "notifications"),
    # S. Battery swapping
    Route(V21, "BatterySwap", s21.battery_swap, "notifications"),
)

_CERTIFICATES: Final = "its answer would promise a certificate"
_REVOCATION: Final = "its answer would vouch for a certificate"
_SCHEDULES: Final = "its answer would promise a charging schedule"
_STREAMS: Final = "accepting it would promise to keep a stream of values"

UNSUPPORTED: Final[Mapping[tuple[Version, str], str]] = MappingProxyType(
    {
        (V16, "SignCertificate"): _CERTIFICATES,
        (V201, "Get15118EVCertificate"): _CERTIFICATES,
        (V201, "GetCertificateStatus"): _REVOCATION,
        (V201, "SignCertificate"): _CERTIFICATES,
        (V21, "ClosePeriodicEventStream"): _STREAMS,
        (V21, "Get15118EVCertificate"): _CERTIFICATES,
        (V21, "GetCertificateChainStatus"): _REVOCATION,
        (V21, "GetCertificateStatus"): _REVOCATION,
        (V21, "NotifyPeriodicEventStream"): _STREAMS,
        (V21, "NotifySettlement"): "its answer would confirm a receipt",
        (V21, "OpenPeriodicEventStream"): _STREAMS,
        (V21, "PullDynamicScheduleUpdate"): _SCHEDULES,
        (V21, "SignCertificate"): _CERTIFICATES,
        (V21, "VatNumberValidation"): "its answer would vouch for a company",
    }
)
"""(version, action) -> why no handler answers it yet."""

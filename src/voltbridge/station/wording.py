"""How each version says each fact: one row for each (version, kind of fact), or the reason why it says nothing.

A row's ``request`` makes the message, or None when this version has nothing to say of this very fact (1.6 knows no
charging state); ``answer`` reads the response. Both are free of side effects except that 1.6's answer to the start of a
transaction is noted in the ``Speaker``, so that later facts find the number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Acknowledged, Answer
from voltbridge.station.blocks.a_security import v2 as a2
from voltbridge.station.blocks.a_security import v16 as a16
from voltbridge.station.blocks.b_provisioning import v2 as b2
from voltbridge.station.blocks.b_provisioning import v16 as b16
from voltbridge.station.blocks.c_authorization import v2 as c2
from voltbridge.station.blocks.c_authorization import v16 as c16
from voltbridge.station.blocks.e_transactions import v2 as e2
from voltbridge.station.blocks.e_transactions import v16 as e16
from voltbridge.station.blocks.g_availability import v2 as g2
from voltbridge.station.blocks.g_availability import v16 as g16
from voltbridge.station.blocks.h_reservation import v2 as h2
from voltbridge.station.blocks.j_meter_values import v2 as j2
from voltbridge.station.blocks.j_meter_values import v16 as j16
from voltbridge.station.blocks.k_smart_charging import v2 as k2
from voltbridge.station.blocks.l_firmware import v2 as l2
from voltbridge.station.blocks.l_firmware import v16 as l16
from voltbridge.station.blocks.n_diagnostics import v2 as n2
from voltbridge.station.blocks.n_diagnostics import v16 as n16
from voltbridge.station.blocks.o_display_message import v2 as o2
from voltbridge.station.blocks.p_data_transfer import v2 as p2
from voltbridge.station.blocks.p_data_transfer import v16 as p16
from voltbridge.station.facts import (
    AuthorizeQuestion,
    BootFact,
    ChargingLimitFact,
    ChargingProfilesFact,
    ClearedChargingLimitFact,
    CustomerInformationFact,
    DataTransferQuestion,
    DisplayMessagesFact,
    EventsFact,
    Fact,
    FirmwareStatusFact,
    HeartbeatFact,
    LogStatusFact,
    MeterFact,
    MonitoringReportFact,
    PublishFirmwareStatusFact,
    ReportFact,
    ReservationFact,
    SecurityEventFact,
    StatusFact,
    TransactionFact,
    VehicleNeedsFact,
    VehiclePlanFact,
)
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import messages

__all__ = ["SILENT", "WORDINGS", "Wording", "wording_of"]

V16, V201, V21 = Version


@dataclass(frozen=True, slots=True)
class Wording:
    """How one version says one kind of fact."""

    action: Callable[[Any], str] | str
    """The action's name, or what tells it from the fact."""
    request: Callable[[Any, Speaker], Payload | None]
    answer: Callable[[Any, Any, Speaker], Answer]
    """Response, fact, speaker."""

    def action_of(self, fact: Fact) -> str:
        """The action that says this fact."""
        return self.action if isinstance(self.action, str) else self.action(fact)


def _acknowledged(response: Any, fact: Any, speaker: Speaker) -> Answer:
    del response, fact, speaker
    return Acknowledged()


_OF_16: Final[dict[type, Wording]] = {
    BootFact: Wording("BootNotification", b16.boot_request, b16.boot_answer),
    HeartbeatFact: Wording("Heartbeat", b16.heartbeat_request, b16.heartbeat_answer),
    StatusFact: Wording("StatusNotification", g16.status_request, g16.status_answer),
    TransactionFact: Wording(e16.transaction_action, e16.transaction_request, e16.transaction_answer),
    MeterFact: Wording("MeterValues", j16.meter_request, j16.meter_answer),
    AuthorizeQuestion: Wording("Authorize", c16.authorize_request, c16.authorize_answer),
    SecurityEventFact: Wording("SecurityEventNotification", a16.security_event_request, _acknowledged),
    DataTransferQuestion: Wording("DataTransfer", p16.data_transfer_request, p16.data_transfer_answer),
    LogStatusFact: Wording(n16.log_status_action, n16.log_status_request, _acknowledged),
    FirmwareStatusFact: Wording(l16.firmware_status_action, l16.firmware_status_request, _acknowledged),
}

_OF_2: Final[dict[type, tuple[str, Callable[[Any, Any, Speaker], Payload | None], Callable[..., Answer]]]] = {
    BootFact: ("BootNotification", b2.boot_request, b2.boot_answer),
    HeartbeatFact: ("Heartbeat", b2.heartbeat_request, b2.heartbeat_answer),
    StatusFact: ("StatusNotification", g2.status_request, g2.status_answer),
    TransactionFact: ("TransactionEvent", e2.transaction_request, e2.transaction_answer),
    MeterFact: ("MeterValues", j2.meter_request, j2.meter_answer),
    AuthorizeQuestion: ("Authorize", c2.authorize_request, c2.authorize_answer),
    SecurityEventFact: ("SecurityEventNotification", a2.security_event_request, _acknowledged),
    DataTransferQuestion: ("DataTransfer", p2.data_transfer_request, p2.data_transfer_answer),
    ReportFact: ("NotifyReport", b2.report_request, _acknowledged),
    ReservationFact: ("ReservationStatusUpdate", h2.reservation_request, _acknowledged),
    LogStatusFact: ("LogStatusNotification", n2.log_status_request, _acknowledged),
    FirmwareStatusFact: ("FirmwareStatusNotification", l2.firmware_status_request, _acknowledged),
    PublishFirmwareStatusFact: ("PublishFirmwareStatusNotification", l2.publish_firmware_status_request, _acknowledged),
    ChargingProfilesFact: ("ReportChargingProfiles", k2.charging_profiles_request, _acknowledged),
    ChargingLimitFact: ("NotifyChargingLimit", k2.charging_limit_request, _acknowledged),
    ClearedChargingLimitFact: ("ClearedChargingLimit", k2.cleared_charging_limit_request, _acknowledged),
    VehicleNeedsFact: ("NotifyEVChargingNeeds", k2.vehicle_needs_request, k2.vehicle_answer),
    VehiclePlanFact: ("NotifyEVChargingSchedule", k2.vehicle_plan_request, k2.vehicle_answer),
    MonitoringReportFact: ("NotifyMonitoringReport", n2.monitoring_report_request, _acknowledged),
    EventsFact: ("NotifyEvent", n2.events_request, _acknowledged),
    CustomerInformationFact: ("NotifyCustomerInformation", n2.customer_information_request, _acknowledged),
    DisplayMessagesFact: ("NotifyDisplayMessages", o2.display_messages_request, _acknowledged),
}
"""Action, what makes the request of the messages of a version, what reads the response."""

WORDINGS: Final[Mapping[tuple[Version, type], Wording]] = MappingProxyType(
    {(V16, kind): wording for kind, wording in _OF_16.items()}
    | {
        (version, kind): Wording(action, partial(request, messages(version)), answer)
        for version in (V201, V21)
        for kind, (action, request, answer) in _OF_2.items()
    }
)

SILENT: Final[Mapping[tuple[Version, type], str]] = MappingProxyType(
    {
        (V16, ReportFact): "GetConfiguration answers with the values themselves",
        (V16, PublishFirmwareStatusFact): "it knows no local controllers that publish",
        (V16, ReservationFact): "the status of the connector tells it",
        (V16, MonitoringReportFact): "it knows no monitors",
        (V16, EventsFact): "it knows no monitors",
        (V16, CustomerInformationFact): "nobody can ask for it",
        (V16, DisplayMessagesFact): "it knows no display messages",
        (V16, ChargingProfilesFact): "nobody can ask for profiles",
        (V16, ChargingLimitFact): "it knows no limits of others than the CSMS",
        (V16, ClearedChargingLimitFact): "it knows no limits of others than the CSMS",
        (V16, VehicleNeedsFact): "it knows nothing of ISO 15118",
        (V16, VehiclePlanFact): "it knows nothing of ISO 15118",
    }
)
"""(version, kind of fact) -> why that version does not say it."""


def wording_of(version: Version, fact: Fact) -> Wording | None:
    """How this version says this fact; None: not at all."""
    return WORDINGS.get((version, type(fact)))

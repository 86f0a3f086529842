"""Everything the CSMS can do, in one value: what the routing table and the API are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from voltbridge.csms.anonymisation import AnonymisationService
from voltbridge.csms.blocks.a_security.events import SecurityEventService
from voltbridge.csms.blocks.a_security.service import SecurityService
from voltbridge.csms.blocks.b_provisioning.configurations import ConfigurationService
from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.d_local_auth_list.service import LocalListService
from voltbridge.csms.blocks.e_transactions.abandoned import AbandonedTransactions
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.g_availability.service import AvailabilityService
from voltbridge.csms.blocks.h_reservation.service import ReservationService
from voltbridge.csms.blocks.i_tariff_and_cost.service import TariffService
from voltbridge.csms.blocks.i_tariff_and_cost.updates import CostUpdates
from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.blocks.l_firmware.publishing import PublishingService
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.csms.blocks.n_diagnostics.alerts import AlertService
from voltbridge.csms.blocks.n_diagnostics.customer_information import CustomerInformationService
from voltbridge.csms.blocks.n_diagnostics.events import EventService
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferService
from voltbridge.csms.commands.operations import OperationService
from voltbridge.csms.commands.rollouts import RolloutService
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.event_stream import EventStream
from voltbridge.csms.exports import ExportService
from voltbridge.csms.files.service import FileService
from voltbridge.csms.files.visits import Reception
from voltbridge.csms.message_log import MessageLog
from voltbridge.csms.notifications import NotificationService
from voltbridge.csms.retention import RetentionService
from voltbridge.csms.sites.service import SiteService
from voltbridge.csms.station_calls import StationCalls
from voltbridge.csms.webhooks.service import WebhookService
from voltbridge.domain.messages import DeviationCount, DeviationFilter
from voltbridge.domain.paging import Page, PageRequest

__all__ = ["DeviationBook", "Services"]


class DeviationBook(Protocol):
    """The counted deviations."""

    async def list(self, wanted: DeviationFilter, page: PageRequest) -> Page[DeviationCount]:
        """By kind of charger. Raises InvalidCursor."""


@dataclass(frozen=True, slots=True)
class Services:
    """One of each. Routes of the routing table name a service by its attribute here."""

    security: SecurityService
    security_events: SecurityEventService
    stations: StationService
    variables: DeviceModelService
    configurations: ConfigurationService
    authorization: AuthorizationService
    anonymisation: AnonymisationService
    local_lists: LocalListService
    transactions: TransactionService
    availability: AvailabilityService
    reservations: ReservationService
    tariffs: TariffService
    cost_updates: CostUpdates
    meter_values: MeterValueService
    smart_charging: SmartChargingService
    sites: SiteService
    monitoring: MonitoringService
    monitored_events: EventService
    alerts: AlertService
    customer_information: CustomerInformationService
    display_messages: DisplayMessageService
    data_transfer: DataTransferService
    notifications: NotificationService
    calls: StationCalls
    commands: CommandService
    operations: OperationService
    abandoned: AbandonedTransactions
    files: FileService
    visits: Reception
    firmware: FirmwareService
    publishing: PublishingService
    logs: LogService
    rollouts: RolloutService
    events: EventStream
    retention: RetentionService
    exports: ExportService
    webhooks: WebhookService
    messages: MessageLog
    deviations: DeviationBook

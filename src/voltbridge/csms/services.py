"""Everything the CSMS can do, in one value: what the routing table and the API are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from voltbridge.csms.blocks.a_security.service import SecurityService
from voltbridge.csms.blocks.b_provisioning.configurations import ConfigurationService
from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.d_local_auth_list.service import LocalListService
from voltbridge.csms.blocks.e_transactions.abandoned import AbandonedTransactions
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.g_availability.service import AvailabilityService
from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferService
from voltbridge.csms.commands.operations import OperationService
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.event_stream import EventStream
from voltbridge.csms.message_log import MessageLog
from voltbridge.csms.notifications import NotificationService
from voltbridge.csms.sites.service import SiteService
from voltbridge.csms.station_calls import StationCalls
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
    stations: StationService
    variables: DeviceModelService
    configurations: ConfigurationService
    authorization: AuthorizationService
    local_lists: LocalListService
    transactions: TransactionService
    availability: AvailabilityService
    meter_values: MeterValueService
    smart_charging: SmartChargingService
    sites: SiteService
    data_transfer: DataTransferService
    notifications: NotificationService
    calls: StationCalls
    commands: CommandService
    operations: OperationService
    abandoned: AbandonedTransactions
    events: EventStream
    messages: MessageLog
    deviations: DeviationBook

"""The services of one station, as handlers find them."""

from __future__ import annotations

from dataclasses import dataclass

from voltbridge.station.blocks.b_provisioning.network import Networks
from voltbridge.station.blocks.b_provisioning.reset import Resets
from voltbridge.station.blocks.b_provisioning.service import Provisioning
from voltbridge.station.blocks.b_provisioning.variables import Variables
from voltbridge.station.blocks.c_authorization.service import Authorizer
from voltbridge.station.blocks.d_local_auth_list.service import LocalList
from voltbridge.station.blocks.e_transactions.service import Transactions
from voltbridge.station.blocks.f_remote_control.service import RemoteControl
from voltbridge.station.blocks.g_availability.service import Availability
from voltbridge.station.blocks.h_reservation.service import Reservations
from voltbridge.station.blocks.i_tariff_and_cost.service import Costs
from voltbridge.station.blocks.j_meter_values.service import Metering
from voltbridge.station.blocks.k_smart_charging.service import SmartCharging
from voltbridge.station.blocks.l_firmware.publishing import Publishing
from voltbridge.station.blocks.l_firmware.service import Firmware
from voltbridge.station.blocks.m_certificates.service import Certificates
from voltbridge.station.blocks.n_diagnostics.customers import Customers
from voltbridge.station.blocks.n_diagnostics.logs import LogUploads
from voltbridge.station.blocks.n_diagnostics.monitoring import Monitoring
from voltbridge.station.blocks.o_display_message.service import DisplayMessages
from voltbridge.station.blocks.p_data_transfer.service import DataTransfers
from voltbridge.station.context import Context
from voltbridge.station.speaker import Speaker

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """One of each; made by ``make_services``."""

    context: Context
    speaker: Speaker
    provisioning: Provisioning
    variables: Variables
    networks: Networks
    resets: Resets
    authorizer: Authorizer
    local_list: LocalList
    transactions: Transactions
    remote_control: RemoteControl
    availability: Availability
    reservations: Reservations
    metering: Metering
    display_messages: DisplayMessages
    costs: Costs
    data_transfers: DataTransfers
    firmware: Firmware
    publishing: Publishing | None
    """None: the station is no local controller."""
    certificates: Certificates
    log_uploads: LogUploads
    monitoring: Monitoring
    customers: Customers
    smart_charging: SmartCharging

"""The services of one life of a station: made in the order of their needs, and told what they need of each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from voltbridge.station.blocks.a_security.service import SecurityEvents
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
from voltbridge.station.blocks.p_data_transfer.service import DataTransfers, Vendors
from voltbridge.station.context import Context
from voltbridge.station.log_book import LogBook
from voltbridge.station.network_profiles import NetworkProfiles
from voltbridge.station.ports import Files
from voltbridge.station.root_certificates import RootCertificates
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.station_clock import StationClock

__all__ = ["make_services"]


def make_services(
    context: Context,
    speaker: Speaker,
    clock: StationClock,
    security: SecurityEvents,
    log_book: LogBook,
    profiles: NetworkProfiles,
    roots: RootCertificates,
    files: Files,
    vendors: Vendors,
    *,
    reason: str,
    restart: Callable[[str, bool], None],
    registered: Callable[[bool, bool], None],
    activated: Callable[[str], None],
    root_in_use: Callable[[], bytes | None],
) -> Services:
    """One of each. ``reason``, ``restart``: see ``engine``; the others are called with what has happened:

    ``registered(after_boot, report_all)``: the CSMS has accepted the station; ``activated(version)``: other firmware
    runs from now on. ``root_in_use``: the root in DER by which the CSMS is judged now.
    """
    local_list = LocalList(context)
    authorizer = Authorizer(context, local_list)
    availability = Availability(context)
    reservations = Reservations(context, availability)
    transactions = Transactions(context, authorizer, availability, reservations)
    metering = Metering(context, transactions)
    provisioning = Provisioning(context, clock, reason, registered, security)
    resets = Resets(context, transactions, restart)
    firmware = Firmware(context, files, transactions, availability, restart, security.happened, activated, roots)
    controller = context.configuration.local_controller
    publishing = None if controller is None else Publishing(context, files, controller)
    resets.refuse_while(lambda: firmware.busy)
    transactions.refuses_new = lambda evse_id: resets.is_scheduled(evse_id) or firmware.refuses_new(evse_id)

    monitoring = Monitoring(context, partial(_transaction_of, transactions))
    availability.on_change(lambda evse_id, connector_id, state: monitoring.look())
    log_uploads = LogUploads(context, log_book, files)
    remote_control = RemoteControl(context, provisioning, transactions, availability, metering)
    remote_control.on_trigger("FirmwareStatusNotification", lambda *_: firmware.trigger())
    if publishing is not None:
        remote_control.on_trigger("PublishFirmwareStatusNotification", lambda *_: publishing.trigger())
    remote_control.on_trigger("LogStatusNotification", lambda *_: log_uploads.trigger(diagnostics=False))
    remote_control.on_trigger("DiagnosticsStatusNotification", lambda *_: log_uploads.trigger(diagnostics=True))

    def is_running(key: str) -> bool:
        return transactions.find(key) is not None

    display_messages = DisplayMessages(context, availability, is_running)
    costs = Costs(context, display_messages, is_running)
    availability.on_change(lambda evse_id, connector_id, state: costs.state_changed(state))
    return Services(
        context=context,
        speaker=speaker,
        provisioning=provisioning,
        variables=Variables(context),
        networks=Networks(context, profiles, roots),
        resets=resets,
        authorizer=authorizer,
        local_list=local_list,
        transactions=transactions,
        remote_control=remote_control,
        availability=availability,
        reservations=reservations,
        metering=metering,
        display_messages=display_messages,
        costs=costs,
        firmware=firmware,
        publishing=publishing,
        certificates=Certificates(context, roots, root_in_use, security.happened),
        log_uploads=log_uploads,
        monitoring=monitoring,
        customers=Customers(context, authorizer, local_list),
        data_transfers=DataTransfers(vendors, clock, context.configuration.identity),
        smart_charging=SmartCharging(context, transactions),
    )


def _transaction_of(transactions: Transactions, evse_id: int) -> str | None:
    """The transaction of an EVSE, or for EVSE 0 the only one of the station."""
    sessions = transactions.sessions if evse_id == 0 else (transactions.session(evse_id),)
    keys = [each.transaction.key for each in sessions if each.transaction is not None]
    return keys[0] if len(keys) == 1 else None

"""The wiring: makes the services and the gateway and hands them to each other; one paragraph for each block."""

from __future__ import annotations

from typing import Final

from voltbridge.bus.local import LocalBus
from voltbridge.csms.anonymisation import AnonymisationService
from voltbridge.csms.blocks.a_security.events import SecurityEventService
from voltbridge.csms.blocks.a_security.service import AdmissionPolicy, SecurityService
from voltbridge.csms.blocks.b_provisioning import v16 as provisioning_v16
from voltbridge.csms.blocks.b_provisioning import v21 as provisioning_v21
from voltbridge.csms.blocks.b_provisioning import v201 as provisioning_v201
from voltbridge.csms.blocks.b_provisioning import variables_v16, variables_v21, variables_v201
from voltbridge.csms.blocks.b_provisioning.boot import BootDesk, BootPolicy
from voltbridge.csms.blocks.b_provisioning.configurations import ConfigurationService
from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.reset import concluded_by_boot
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.c_authorization.external import ExternalAuthorization
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.d_local_auth_list import v16 as local_lists_v16
from voltbridge.csms.blocks.d_local_auth_list import v21 as local_lists_v21
from voltbridge.csms.blocks.d_local_auth_list import v201 as local_lists_v201
from voltbridge.csms.blocks.d_local_auth_list.service import LocalListService
from voltbridge.csms.blocks.e_transactions.abandoned import AbandonedTransactions
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.g_availability.service import AvailabilityService
from voltbridge.csms.blocks.h_reservation import v16 as reservation_v16
from voltbridge.csms.blocks.h_reservation import v21 as reservation_v21
from voltbridge.csms.blocks.h_reservation import v201 as reservation_v201
from voltbridge.csms.blocks.h_reservation.service import ReservationService
from voltbridge.csms.blocks.i_tariff_and_cost import v21 as cost_v21
from voltbridge.csms.blocks.i_tariff_and_cost import v201 as cost_v201
from voltbridge.csms.blocks.i_tariff_and_cost.costs import TransactionCosts
from voltbridge.csms.blocks.i_tariff_and_cost.displays import Displays
from voltbridge.csms.blocks.i_tariff_and_cost.service import TariffService
from voltbridge.csms.blocks.i_tariff_and_cost.updates import CostUpdates
from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.csms.blocks.k_smart_charging import v16 as smart_charging_v16
from voltbridge.csms.blocks.k_smart_charging import v21 as smart_charging_v21
from voltbridge.csms.blocks.k_smart_charging import v201 as smart_charging_v201
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.blocks.l_firmware import v16 as firmware_v16
from voltbridge.csms.blocks.l_firmware import v21 as firmware_v21
from voltbridge.csms.blocks.l_firmware import v201 as firmware_v201
from voltbridge.csms.blocks.l_firmware.publishing import PublishingService
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.csms.blocks.n_diagnostics import customer_v21, customer_v201, monitoring_v21, monitoring_v201
from voltbridge.csms.blocks.n_diagnostics import v16 as logs_v16
from voltbridge.csms.blocks.n_diagnostics import v21 as logs_v21
from voltbridge.csms.blocks.n_diagnostics import v201 as logs_v201
from voltbridge.csms.blocks.n_diagnostics.alerts import AlertService
from voltbridge.csms.blocks.n_diagnostics.customer_information import CustomerInformationService
from voltbridge.csms.blocks.n_diagnostics.events import EventService
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.o_display_message import v21 as display_v21
from voltbridge.csms.blocks.o_display_message import v201 as display_v201
from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferService
from voltbridge.csms.blocks.p_data_transfer.vendors import Vendors
from voltbridge.csms.commands.operations import OperationService
from voltbridge.csms.commands.rollouts import RolloutService
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.commands.table import COMMAND_KINDS
from voltbridge.csms.desk import Desk
from voltbridge.csms.dispatch import ROUTES
from voltbridge.csms.event_stream import EventStream
from voltbridge.csms.events import EventLog
from voltbridge.csms.exports import ExportService
from voltbridge.csms.files.disk import Disk
from voltbridge.csms.files.endpoint import FileEndpoint
from voltbridge.csms.files.service import FileService
from voltbridge.csms.files.traffic import Traffic
from voltbridge.csms.files.visits import Reception
from voltbridge.csms.gateway.endpoint import Gateway
from voltbridge.csms.gateway.limits import Limits
from voltbridge.csms.live import LiveStations
from voltbridge.csms.message_log import MessageLog
from voltbridge.csms.notifications import NotificationService
from voltbridge.csms.retention import RetentionService
from voltbridge.csms.services import Services
from voltbridge.csms.sites.service import SiteService
from voltbridge.csms.station_calls import StationCalls
from voltbridge.csms.vault import Vault
from voltbridge.csms.webhooks.sender import HttpSender
from voltbridge.csms.webhooks.service import WebhookService
from voltbridge.csms.webhooks.worker import Workshop
from voltbridge.datadir import SECRETS_KEY
from voltbridge.domain.clock import Clock
from voltbridge.domain.files import FilePurpose
from voltbridge.domain.ids import IdSource
from voltbridge.keepers import days_kept, keepers
from voltbridge.protocol.versions import Version
from voltbridge.settings import ConfigurationError, Settings
from voltbridge.storage import Storage

__all__ = ["wire"]

_PROFILE_WORDS: Final = {
    Version.V16: smart_charging_v16,
    Version.V201: smart_charging_v201,
    Version.V21: smart_charging_v21,
}
_RESERVATION_WORDS: Final = {Version.V16: reservation_v16, Version.V201: reservation_v201, Version.V21: reservation_v21}
_FIRMWARE_WORDS: Final = {Version.V16: firmware_v16, Version.V201: firmware_v201, Version.V21: firmware_v21}
_LOG_WORDS: Final = {Version.V16: logs_v16, Version.V201: logs_v201, Version.V21: logs_v21}
_COST_WORDS: Final = {Version.V201: cost_v201, Version.V21: cost_v21}
_DISPLAY_WORDS: Final = {Version.V201: display_v201, Version.V21: display_v21}
_LIST_WORDS: Final = {Version.V16: local_lists_v16, Version.V201: local_lists_v201, Version.V21: local_lists_v21}
_MONITORING_WORDS: Final = {Version.V201: monitoring_v201, Version.V21: monitoring_v21}
_CUSTOMER_WORDS: Final = {Version.V201: customer_v201, Version.V21: customer_v21}
_VARIABLES: Final = {Version.V16: variables_v16, Version.V201: variables_v201, Version.V21: variables_v21}
_QUESTIONS: Final = {Version.V16: provisioning_v16, Version.V201: provisioning_v201, Version.V21: provisioning_v21}


def wire(
    settings: Settings,
    clock: Clock,
    machine_clock: Clock,
    storage: Storage,
    bus: LocalBus,
    ids: IdSource,
    events: EventLog,
) -> tuple[Services, Gateway]:
    """Make the services and the gateway and hand them to each other."""
    journal = storage.journal
    live = LiveStations()
    calls = StationCalls(bus, live, settings.call_timeout)
    boots = BootDesk(
        journal,
        events,
        calls,
        clock,
        BootPolicy(
            heartbeat_interval_s=settings.heartbeat_interval,
            retry_interval_s=settings.retry_interval,
            after_boot=settings.after_boot,
        ),
        _QUESTIONS,
    )
    admission = AdmissionPolicy(settings.onboarding, settings.inbox_limit)
    vault = Vault(settings.data / SECRETS_KEY)
    commands = CommandService(
        COMMAND_KINDS, calls, live, storage.stations, storage.commands, journal, events, ids, clock, vault
    )
    alerts = AlertService(storage.alerts, events, ids, clock)
    availability = AvailabilityService(
        storage.connectors, storage.stations, live, journal, events, clock, commands, alerts
    )
    authority = None
    if settings.authorization_url is not None:
        authority = ExternalAuthorization(
            settings.authorization_url,
            machine_clock,
            timeout_s=settings.authorization_timeout,
            at_once=settings.authorization_concurrency,
        )
    authorization = AuthorizationService(
        storage.tokens, storage.transactions, events, clock, authority, settings.authorization_fallback
    )
    transactions = TransactionService(storage.transactions, authorization, live, journal, events, ids, clock, commands)
    operations = OperationService(
        commands, live, storage.stations, storage.commands, storage.operations, journal, events, ids, clock
    )
    smart_charging = SmartChargingService(
        storage.charging_profiles,
        storage.installed_profiles,
        storage.charging_limits,
        storage.connectors,
        storage.stations,
        live,
        calls,
        commands,
        events,
        clock,
        _PROFILE_WORDS,
    )
    stations = StationService(storage.stations, live, bus, events, clock, boots)
    variables = DeviceModelService(
        storage.variables, storage.stations, live, calls, _VARIABLES, commands, stations, events, clock
    )
    for action in ("ChangeConfiguration", "SetVariables"):
        calls.watch(action, variables)
    configurations = ConfigurationService(storage.configurations, variables, storage.stations, live, bus, events, clock)
    boots.on_boot(configurations.booted)
    local_lists = LocalListService(
        storage.local_lists,
        storage.tokens,
        storage.stations,
        live,
        calls,
        variables,
        _LIST_WORDS,
        events,
        clock,
    )
    reservations = ReservationService(
        storage.reservations, storage.stations, commands, variables, _RESERVATION_WORDS, events, clock
    )
    transactions.on_reservation(reservations.transaction_told)
    availability.on_status(reservations.connector_changed)
    boots.on_boot(local_lists.booted)
    authorization.on_change(local_lists.token_changed)
    boots.on_boot(concluded_by_boot(commands))
    boots.probe_by(variables.refresh)
    notifications = NotificationService(events)
    monitoring = MonitoringService(
        storage.monitors, storage.stations, live, variables, commands, alerts, _MONITORING_WORDS, events, clock
    )
    boots.on_boot(monitoring.booted)
    monitored_events = EventService(notifications, availability, variables, monitoring, alerts, events, clock)
    customer_information = CustomerInformationService(
        storage.customer_information, storage.stations, commands, local_lists, _CUSTOMER_WORDS, events, clock
    )
    files = FileService(
        storage.files,
        storage.file_grants,
        Disk(settings.data / "files"),
        events,
        ids,
        clock,
        largest_bytes=settings.file_size,
        public_url=settings.public_url,
    )
    files.told_by(variables.file_transfer_protocols)
    traffic = Traffic(settings.transfers)
    firmware = FirmwareService(
        storage.firmware_images,
        storage.firmware_updates,
        storage.stations,
        files,
        commands,
        notifications,
        _FIRMWARE_WORDS,
        events,
        ids,
        clock,
    )
    boots.on_boot(firmware.booted)
    files.used_by(firmware.user_of_file)
    logs = LogService(storage.station_logs, storage.stations, files, commands, notifications, _LOG_WORDS, events, clock)
    files.on_delivery(FilePurpose.LOG, logs.delivered)
    publishing = PublishingService(
        storage.published_firmware,
        storage.firmware_images,
        storage.stations,
        files,
        commands,
        notifications,
        _FIRMWARE_WORDS,
        clock,
    )
    sites = SiteService(storage.sites, smart_charging, live, bus, events, clock)
    workshop = Workshop(
        book=storage.webhooks,
        events=storage.events,
        sender=HttpSender(machine_clock, settings.webhook_addresses),
        sites=sites,
        log=events,
        ids=ids,
        clock=clock,
    )
    displays = Displays(variables, calls, clock)
    tariffs = TariffService(storage.tariffs, displays, frozenset(_COST_WORDS), events, clock)
    cost_updates = CostUpdates(calls, live, clock, _COST_WORDS)
    costs = TransactionCosts(tariffs, displays, cost_updates, journal, events, clock)
    transactions.price_by(costs)
    availability.on_told_status(costs.status)
    authorization.show_tariffs_by(tariffs.text_of)
    display_messages = DisplayMessageService(
        storage.display_messages,
        storage.stations,
        storage.transactions,
        variables,
        commands,
        events,
        clock,
        _DISPLAY_WORDS,
    )
    webhooks = WebhookService(workshop, journal, bus, settings.webhook_addresses, vault)

    async def forget_ended_transactions() -> None:
        transactions.forget_ended(live)

    services = Services(
        security=SecurityService(storage.stations, events, clock, admission),
        security_events=SecurityEventService(storage.events, journal, events, clock),
        stations=stations,
        variables=variables,
        configurations=configurations,
        authorization=authorization,
        anonymisation=AnonymisationService(
            storage.anonymisations,
            authorization,
            storage.transactions,
            storage.reservations,
            storage.commands,
            live,
            journal,
            events,
            ids,
            clock,
            (forget_ended_transactions, tariffs.start, webhooks.read_again),
        ),
        local_lists=local_lists,
        transactions=transactions,
        availability=availability,
        reservations=reservations,
        tariffs=tariffs,
        cost_updates=cost_updates,
        display_messages=display_messages,
        meter_values=MeterValueService(transactions, journal, events),
        smart_charging=smart_charging,
        sites=sites,
        data_transfer=DataTransferService(_vendors(), events, clock),
        monitoring=monitoring,
        monitored_events=monitored_events,
        alerts=alerts,
        customer_information=customer_information,
        notifications=notifications,
        calls=calls,
        commands=commands,
        operations=operations,
        abandoned=AbandonedTransactions(transactions, storage.stations, live, commands, clock),
        files=files,
        visits=Reception.opened(files, traffic, machine_clock),
        firmware=firmware,
        publishing=publishing,
        logs=logs,
        rollouts=RolloutService(commands, operations, storage.rollouts, events, ids, clock),
        events=EventStream(storage.events, journal, bus, clock),
        retention=RetentionService(keepers(storage, files), days_kept(settings), clock),
        exports=ExportService(storage.exports, journal),
        webhooks=webhooks,
        messages=MessageLog(storage.messages, journal),
        deviations=storage.deviations,
    )
    commands.serve(services)
    gateway = Gateway(
        admission=services.security,
        desk=Desk(
            services,
            live,
            storage.states,
            journal,
            events,
            clock,
            ROUTES,
            transactions.flush,
            commands.waiting,
            commands.returned,
        ),
        bus=bus,
        journal=journal,
        clock=machine_clock,
        limits=Limits(
            connections=settings.connection_limit,
            connections_per_address=settings.connections_per_address,
            message_bytes=settings.message_size,
            messages_per_s=settings.message_rate,
            call_s=settings.call_timeout,
            ping_interval_s=settings.ping_interval,
        ),
        strictness=settings.strictness,
        others=FileEndpoint(files, traffic, machine_clock),
    )
    return services, gateway


def _vendors() -> Vendors:
    try:
        return Vendors.installed()
    except Exception as error:
        raise ConfigurationError(f"a package with handlers for data transfers cannot be used: {error!r}") from error

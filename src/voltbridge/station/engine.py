"""One life of a station: from its start to its restart. Made by ``assembly``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final

from voltbridge.domain.clock import Clock
from voltbridge.domain.transactions import StopReason
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer
from voltbridge.station.blocks.a_security.service import SecurityEvents
from voltbridge.station.blocks.b_provisioning.network import Networks
from voltbridge.station.blocks.b_provisioning.reset import Resets
from voltbridge.station.blocks.b_provisioning.service import Provisioning
from voltbridge.station.blocks.b_provisioning.variables import Variables
from voltbridge.station.blocks.c_authorization.service import Authorizer
from voltbridge.station.blocks.d_local_auth_list.service import LocalList
from voltbridge.station.blocks.e_transactions.service import Interruption, Transactions
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
from voltbridge.station.blocks.p_data_transfer.usage import Usage
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.connection import Connection
from voltbridge.station.connectivity_terms import Trial
from voltbridge.station.context import Context, Tasks
from voltbridge.station.credentials import Credentials
from voltbridge.station.desk import Desk
from voltbridge.station.device_model import DeviceModel
from voltbridge.station.dispatch import ROUTES
from voltbridge.station.facts import Fact
from voltbridge.station.faults import LineFaults
from voltbridge.station.log_book import LogBook, RingLog
from voltbridge.station.log_files import FileLog
from voltbridge.station.manner import Manner
from voltbridge.station.network import Network
from voltbridge.station.network_profiles import NetworkProfiles
from voltbridge.station.outbox import StationOutbox
from voltbridge.station.ports import (
    BayChanged,
    CarStateChanged,
    EvseHardware,
    FaultCleared,
    FaultOccurred,
    Files,
    HardwareEvent,
    LimitEntered,
    NeedsTold,
    OperatorLoggedIn,
    Plugged,
    PowerLost,
    ScheduleChosen,
    SessionStopped,
    StationHardware,
    Store,
    TokenPresented,
    Unplugged,
    UplinkChanged,
)
from voltbridge.station.root_certificates import RootCertificates
from voltbridge.station.services import Services
from voltbridge.station.settings import StationSettings
from voltbridge.station.speaker import Speaker
from voltbridge.station.station_clock import StationClock
from voltbridge.station.uplinks import Uplinks

__all__ = ["Engine"]


def _without_signatures(value: str) -> str | None:
    """A transaction that waits for signed values of a meter that does not sign would never start."""
    return "no meter of this station signs" if "DataSigned" in value.split(",") else None


_AVAILABLE: Final = {
    "DisplayMessageCtrlr.Available": "SetDisplayMessage",
    "LocalAuthListCtrlr.Available": "SendLocalList",
    "MonitoringCtrlr.Available": "SetVariableMonitoring",
    "ReservationCtrlr.Available": "ReserveNow",
    "SmartChargingCtrlr.Available": "SetChargingProfile",
}
"""What is available is what the station has a handler for."""

_FEATURE_PROFILES: Final = {
    "FirmwareManagement": "UpdateFirmware",
    "LocalAuthListManagement": "SendLocalList",
    "Reservation": "ReserveNow",
    "SmartCharging": "SetChargingProfile",
    "RemoteTrigger": "TriggerMessage",
}


def _routed(lacks: frozenset[str], action: str) -> str:
    return "true" if action not in lacks and any(route.action == action for route in ROUTES) else "false"


def _prices(lacks: frozenset[str], version: Version) -> str:
    """2.0.1: whether prices are shown to drivers; 2.1: whether the station takes tariffs to calculate with."""
    return _routed(lacks, "SetDefaultTariff" if version is Version.V21 else "CostUpdated")


def _feature_profiles(lacks: frozenset[str]) -> str:
    """1.6: the profiles of which the station takes the messages."""
    own = {route.action for route in ROUTES if route.version is Version.V16} - lacks
    return ",".join(["Core", *(profile for profile, action in _FEATURE_PROFILES.items() if action in own)])


def _power(evse: EvseHardware, measurand: str) -> str:
    """What flows, or may flow, at this moment, in watts."""
    readings = (reading for reading in evse.read() if reading.measurand == measurand)
    return f"{sum(reading.value for reading in readings):g}"


def _told(event: HardwareEvent) -> str:
    """An event as the log has it: no token, no name."""
    place = "".join(
        f" {getattr(event, name)}" for name in ("evse_id", "connector_id", "state", "code") if hasattr(event, name)
    )
    return f"{type(event).__name__}{place}"


def _log_book(configuration: StationConfiguration, clock: Clock, store: Store) -> LogBook:
    directory = configuration.log_directory
    if directory is None:
        return RingLog(clock, store)
    return FileLog(directory, clock, configuration.log_limits)


_INTERRUPTIONS = {
    "PowerUp": StopReason.POWER_LOSS,
    "RemoteReset": StopReason.IMMEDIATE_RESET,
    "ScheduledReset": StopReason.IMMEDIATE_RESET,
}


class Engine:
    """All that is made anew when a station starts."""

    def __init__(
        self,
        configuration: StationConfiguration,
        hardware: StationHardware,
        store: Store,
        clock: Clock,
        network: Network,
        files: Files,
        *,
        reason: str,
        resume: bool,
        restart: Callable[[str, bool], None],
        on_registered: Callable[[], None],
        random: Random,
        vendors: Vendors,
        faults: LineFaults | None,
        manner: Manner | None,
        clock_offset: timedelta,
    ) -> None:
        """``reason``: BootReasonEnumType of this start; ``resume``: transactions go on."""
        self._hardware = hardware
        self._on_registered = on_registered
        self._restart = restart
        self._reason = reason
        self._interruption = Interruption(_INTERRUPTIONS.get(reason, StopReason.REBOOT), resume)
        station_clock = StationClock(clock, clock_offset)
        model = DeviceModel(configuration, store)
        settings = StationSettings(model)
        self.roots = RootCertificates(configuration, store)
        self.profiles = NetworkProfiles(configuration, store, model, self.roots)
        speaker = Speaker(configuration, store)
        self.outbox = StationOutbox(store, station_clock, settings, speaker, configuration.versions)
        self.tasks = Tasks()
        context = Context(
            configuration, station_clock, store, hardware, self.outbox, model, settings, self.tasks, random
        )
        self.log_book = _log_book(configuration, station_clock, store)
        self.security = SecurityEvents(self.log_book, self.outbox, station_clock)
        self.services = self._services(context, speaker, station_clock, reason, restart, vendors, files)
        self.usage = Usage(context, self.services.display_messages)
        self.outbox.on_answer = self._answered
        self.credentials = Credentials(configuration, store, model, self.profiles, settings, self.roots)
        self.connection = Connection(
            configuration.identity,
            network,
            station_clock,
            store,
            self.outbox,
            Desk(self.outbox, self.services, self.log_book),
            self,
            self.tasks,
            self.credentials.connectivity,
            self.credentials.endpoint,
            random=random,
        )
        self.connection.faults = faults
        self.connection.manner = manner
        self.connection.on_failure = self._show_connection
        self._uplink_news = ""
        """The interface that is used since the CSMS last heard of it; empty: that one."""
        self.uplinks = Uplinks(model, self.connection, self._uplink_changed)
        self.credentials.on_trial(self._try)
        model.provide("OCPPCommCtrlr.ActiveNetworkProfile", lambda: str(self.connection.active_slot or 1))
        model.provide("ClockCtrlr.DateTime", lambda: station_clock.now().isoformat(timespec="seconds"))
        if not any(evse.signed_meter for evse in configuration.evses):
            model.add_check("TxCtrlr.TxStartPoint", _without_signatures)
        for evse_id, evse in enumerate(hardware.evses, 1):
            model.provide(f"EVSE@{evse_id}.Power", partial(_power, evse, "Power.Active.Import"))
            model.provide_target(f"EVSE@{evse_id}.Power", partial(_power, evse, "Power.Offered"))
        model.on_change("BackendCtrlr.DisplayBackendDisconnectAsError", lambda _: self._show_connection())
        model.on_change("BackendCtrlr.ForceConnectorState", lambda _: self.services.availability.apply())
        lacks = configuration.lacks
        for name, action in _AVAILABLE.items():
            model.provide(name, partial(_routed, lacks, action))
        for instance in ("Cost", "Tariff"):
            model.provide(f"TariffCostCtrlr.Available[{instance}]", lambda: _prices(lacks, self.outbox.version))
            model.limit_to(
                f"TariffCostCtrlr.Enabled[{instance}]", lambda: _prices(lacks, self.outbox.version) == "true"
            )
        model.provide("OCPP16Ctrlr.SupportedFeatureProfiles", partial(_feature_profiles, lacks))
        for name in ("SecurityCtrlr.BasicAuthPassword", "SecurityCtrlr.SecurityProfile"):
            model.on_change(name, partial(self._reconfigured, name))
        for name in ("OCPPCommCtrlr.WebSocketPingInterval", "BackendCtrlr.TcpWatchdogTimeout"):
            model.on_change(name, lambda _: self.connection.settings_changed())

    def _services(
        self,
        context: Context,
        speaker: Speaker,
        clock: StationClock,
        reason: str,
        restart: Callable[[str, bool], None],
        vendors: Vendors,
        files: Files,
    ) -> Services:
        local_list = LocalList(context)
        authorizer = Authorizer(context, local_list)
        availability = Availability(context)
        reservations = Reservations(context, availability)
        transactions = Transactions(context, authorizer, availability, reservations)
        metering = Metering(context, transactions)
        provisioning = Provisioning(context, clock, reason, self._registered, self.security)
        resets = Resets(context, transactions, restart)
        firmware = Firmware(
            context, files, transactions, availability, restart, self.security.happened, self._activated, self.roots
        )
        controller = context.configuration.local_controller
        publishing = None if controller is None else Publishing(context, files, controller)
        resets.refuse_while(lambda: firmware.busy)
        transactions.refuses_new = lambda evse_id: resets.is_scheduled(evse_id) or firmware.refuses_new(evse_id)

        def transaction_of(evse_id: int) -> str | None:
            sessions = transactions.sessions if evse_id == 0 else (transactions.session(evse_id),)
            keys = [each.transaction.key for each in sessions if each.transaction is not None]
            return keys[0] if len(keys) == 1 else None

        monitoring = Monitoring(context, transaction_of)
        availability.on_change(lambda evse_id, connector_id, state: monitoring.look())
        log_uploads = LogUploads(context, self.log_book, files)
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
            networks=Networks(context, self.profiles, self.roots),
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
            certificates=Certificates(context, self.roots, lambda: self.connection.root_in_use, self.security.happened),
            log_uploads=log_uploads,
            monitoring=monitoring,
            customers=Customers(context, authorizer, local_list),
            data_transfers=DataTransfers(vendors, clock, context.configuration.identity),
            smart_charging=SmartCharging(context, transactions),
        )

    def start(self) -> None:
        """Begin: look at the hardware, then connect."""
        self._hardware.attach(self._happened)
        startup = "StartupOfTheDevice" if self._reason == "PowerUp" else "ResetOrReboot"
        self.security.happened(startup, self._reason)
        self.services.transactions.restore(self._interruption)
        self.services.smart_charging.start()
        self.services.firmware.start()
        if self.services.publishing is not None:
            self.services.publishing.start()
        self.services.reservations.start()
        self.services.metering.start()
        self.services.display_messages.start()
        self.services.monitoring.start()
        self.connection.start()
        self.uplinks.start()

    async def stop(self, *, abruptly: bool = False) -> None:
        """End this life. ``abruptly``: as by a power cut, without a word to the CSMS."""
        self._hardware.attach(lambda event: None)
        services = self.services
        services.provisioning.stop()
        services.metering.stop()
        services.display_messages.stop()
        services.monitoring.stop()
        services.reservations.stop()
        services.smart_charging.stop()
        self.security.stop(abruptly=abruptly)
        if abruptly:
            services.transactions.stop()
        else:
            services.transactions.interrupted()
        if abruptly and self.connection.link is not None:
            self.connection.link.cut()
        for hardware in self._hardware.evses:
            await hardware.open_contactor()
        await self.connection.stop()
        await self.outbox.stop()
        await self.tasks.cancel_all()
        if services.publishing is not None:
            await services.publishing.stop()
        if not abruptly:
            self.log_book.note("stopped")
            self.log_book.keep()
        await services.context.store.committed()

    # What happens at the station

    def _happened(self, event: HardwareEvent) -> None:
        services = self.services
        self.log_book.note(_told(event))
        match event:
            case Plugged(evse_id, connector_id, cable_max_current_a):
                services.transactions.session(evse_id).plug(connector_id, cable_max_current_a)
            case Unplugged(evse_id, connector_id):
                services.transactions.session(evse_id).unplug(connector_id)
            case BayChanged(evse_id, occupied):
                services.transactions.session(evse_id).bay(occupied)
            case CarStateChanged(evse_id, state):
                services.transactions.session(evse_id).car_state(state)
            case TokenPresented(evse_id=evse_id):
                self.tasks.spawn(self._presented(event), f"token at {evse_id}")
            case NeedsTold(evse_id, needs):
                services.smart_charging.vehicles.needs_told(evse_id, needs)
            case ScheduleChosen(evse_id, schedule_id, plan):
                services.smart_charging.vehicles.schedule_chosen(evse_id, schedule_id, plan)
            case SessionStopped(evse_id):
                session = services.transactions.session(evse_id)
                session.deauthorize("StopAuthorized", StopReason.STOPPED_BY_EV)  # E15.FR.04, FR.05
            case FaultOccurred():
                services.availability.fault(event)
                if event.stops:
                    services.transactions.fault(event)
            case FaultCleared(evse_id):
                services.availability.fault_cleared(event)
                services.transactions.fault_cleared(evse_id)
            case LimitEntered(evse_id, limits):
                services.transactions.session(evse_id).enter_limit(limits)
            case OperatorLoggedIn(name, accepted):
                event_type = "MaintenanceLoginAccepted" if accepted else "MaintenanceLoginFailed"
                self.security.happened(event_type, f"{{'user': '{name}'}}")
                if services.context.settings.flag("BackendCtrlr.SendStatusForWebuiLogin"):
                    services.availability.inform(0, f"login: {name}")
            case UplinkChanged(up, interface):
                self.uplinks.changed(up, interface)
            case PowerLost():
                services.transactions.interrupted()

    async def _presented(self, event: TokenPresented) -> None:
        services = self.services
        verdict = await services.transactions.present(event.id_token, event.evse_id)
        if verdict is not None:
            services.costs.driver(verdict.authorization)
        if verdict is not None and services.context.settings.flag("BackendCtrlr.SendInformativeStatusNotifications"):
            services.availability.inform(event.evse_id, f"token {verdict.authorization.status.value}")

    # What happens with the CSMS (connection.Listener)

    def online(self, *, slot: int, register: bool, report_all: bool) -> None:
        """There is a connection."""
        self.log_book.note(f"connected by network profile {slot}")
        self.credentials.connected(slot)
        if self.connection.root_in_use is not None and not self.connection.fell_back:
            self.roots.proved()
        self.services.display_messages.warn("")
        self.services.provisioning.online(register=register, report_all=report_all)

    def offline(self) -> None:
        """There is none any more."""
        self.log_book.note("connection lost")
        self.services.provisioning.offline()
        self._show_connection()

    def _show_connection(self) -> None:
        """Whoever stands before the station sees that it reaches nobody, where that is wanted and OCPP is spoken."""
        wanted = self.services.context.settings.flag("BackendCtrlr.DisplayBackendDisconnectAsError")
        shown = wanted and not self.outbox.connected and self.uplinks.has_backend
        self.services.display_messages.warn("No connection to the backend" if shown else "")

    def _uplink_changed(self, interface: str) -> None:
        self.log_book.note(f"network by {interface or 'nothing'}")
        self._uplink_news = interface
        self._show_connection()

    def security_event(self, event: str, info: str) -> None:
        """Something happened that concerns security."""
        self.security.happened(event, info)

    def _activated(self, version: str) -> None:
        """Other firmware runs without a restart: the CSMS gets to know it as after one, on a new connection."""
        context = self.services.context
        context.configuration = self.services.speaker.configuration = replace(
            context.configuration, firmware_version=version
        )
        context.device_model.set("ChargingStation.FirmwareVersion", version, persist=False)
        self.connection.reconnect()
        self.services.provisioning.started_again("FirmwareUpdate")

    def _reconfigured(self, name: str, value: str) -> None:
        del value  # it may be a secret
        self.security.happened("ReconfigurationOfSecurityParameters", name)

    def trial_ended(self, trial: Trial, kept: bool) -> None:
        """What was new has proved itself or not."""
        self.credentials.trial_ended(trial, kept)

    def reboot(self, reason: str) -> None:
        """The connection's watchdog wants a restart; nobody's charging ends by it."""
        self._restart(reason, True)

    def _registered(self, after_boot: bool, report_all: bool) -> None:
        self.log_book.note("registered")
        self.services.availability.report(everything=after_boot or report_all)
        interface, self._uplink_news = self._uplink_news, ""
        if interface and self.services.context.settings.flag("BackendCtrlr.SendInformativeStatusNotifications"):
            self.services.availability.inform(0, f"network by {interface}")
        self.services.monitoring.registered()
        self.services.transactions.look_again()
        self.services.smart_charging.vehicles.registered()
        self.services.metering.start()  # by the time the CSMS has just told
        self._on_registered()

    def _answered(self, fact: Fact, answer: Answer | None) -> None:
        self.log_book.note(f"{type(fact).__name__} {'told' if answer is not None else 'given up'}")
        self.services.transactions.answered(fact, answer)
        self.services.costs.answered(fact, answer)
        self.usage.answered(fact, answer)

    def _try(self, trial: Trial) -> None:
        """Connect with what is new once the answer that took it has left."""
        self.services.context.clock.call_later(1.0, lambda: self.connection.reconnect(trial))

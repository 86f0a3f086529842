"""One life of a station: from its start to its restart. Made by ``assembly``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random

import structlog

from voltbridge.domain.clock import Clock
from voltbridge.domain.transactions import StopReason
from voltbridge.station.abilities import provide_abilities
from voltbridge.station.answers import Answer
from voltbridge.station.blocks.a_security.service import SecurityEvents
from voltbridge.station.blocks.e_transactions.service import Interruption
from voltbridge.station.blocks.p_data_transfer.service import Vendors
from voltbridge.station.blocks.p_data_transfer.usage import Usage
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.connection import Connection
from voltbridge.station.connectivity_terms import Trial
from voltbridge.station.context import Context, Tasks
from voltbridge.station.credentials import Credentials
from voltbridge.station.desk import Desk
from voltbridge.station.device_model import DeviceModel
from voltbridge.station.facts import Fact
from voltbridge.station.faults import LineFaults
from voltbridge.station.happenings import Happenings
from voltbridge.station.log_book import LogBook, RingLog
from voltbridge.station.log_files import FileLog
from voltbridge.station.make_services import make_services
from voltbridge.station.manner import Manner
from voltbridge.station.network import Network
from voltbridge.station.network_profiles import NetworkProfiles
from voltbridge.station.outbox import StationOutbox
from voltbridge.station.ports import EvseHardware, Files, StationHardware, Store
from voltbridge.station.root_certificates import RootCertificates
from voltbridge.station.settings import StationSettings
from voltbridge.station.speaker import Speaker
from voltbridge.station.station_clock import StationClock
from voltbridge.station.uplinks import Uplinks

__all__ = ["Engine"]


def _power(evse: EvseHardware, measurand: str) -> str:
    """What flows, or may flow, at this moment, in watts."""
    readings = (reading for reading in evse.read() if reading.measurand == measurand)
    return f"{sum(reading.value for reading in readings):g}"


def _log_book(configuration: StationConfiguration, clock: Clock, store: Store) -> LogBook:
    directory = configuration.log_directory
    if directory is not None:
        try:
            return FileLog(directory, clock, configuration.log_limits)
        except OSError as error:  # a station without a place for its logs charges all the same
            log = structlog.get_logger("voltbridge.station").bind(station=configuration.identity)
            log.error("the station's logs are no files", directory=str(directory), error=str(error))
    return RingLog(clock, store)


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
        self.services = make_services(
            context,
            speaker,
            station_clock,
            self.security,
            self.log_book,
            self.profiles,
            self.roots,
            files,
            vendors,
            reason=reason,
            restart=restart,
            registered=self._registered,
            activated=self._activated,
            root_in_use=lambda: self.connection.root_in_use,
        )
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
        self.happenings = Happenings(self.services, self.security, self.uplinks, self.tasks, self.log_book)
        self.credentials.on_trial(self._try)
        model.provide("OCPPCommCtrlr.ActiveNetworkProfile", lambda: str(self.connection.active_slot or 1))
        model.provide("ClockCtrlr.DateTime", lambda: station_clock.now().isoformat(timespec="seconds"))
        provide_abilities(model, configuration, lambda: self.outbox.version)
        for evse_id, evse in enumerate(hardware.evses, 1):
            model.provide(f"EVSE@{evse_id}.Power", partial(_power, evse, "Power.Active.Import"))
            model.provide_target(f"EVSE@{evse_id}.Power", partial(_power, evse, "Power.Offered"))
        model.on_change("BackendCtrlr.DisplayBackendDisconnectAsError", lambda _: self._show_connection())
        model.on_change("BackendCtrlr.ForceConnectorState", lambda _: self.services.availability.apply())
        for name in ("SecurityCtrlr.BasicAuthPassword", "SecurityCtrlr.SecurityProfile"):
            model.on_change(name, partial(self._reconfigured, name))
        for name in ("OCPPCommCtrlr.WebSocketPingInterval", "BackendCtrlr.TcpWatchdogTimeout"):
            model.on_change(name, lambda _: self.connection.settings_changed())

    def start(self) -> None:
        """Begin: look at the hardware, then connect."""
        self._hardware.attach(self.happenings.happened)
        startup = "StartupOfTheDevice" if self._reason == "PowerUp" else "ResetOrReboot"
        self.security.happened(startup, self._reason)
        self.services.transactions.restore(self._interruption)
        self.services.smart_charging.start()
        self.services.firmware.start()
        if self.services.publishing is not None:
            self.services.publishing.start()
        self.services.reservations.start()
        self.services.log_uploads.start()
        self.services.metering.start()
        self.services.display_messages.start()
        self.services.monitoring.start()
        self.connection.start()
        self.uplinks.start()

    async def stop(self, *, abruptly: bool = False) -> None:
        """End this life. ``abruptly``: as by a power cut, without a word to the CSMS."""
        self._hardware.attach(lambda event: None)
        services = self.services
        self._stop_services()
        self.security.stop(abruptly=abruptly)
        if not abruptly:
            services.transactions.interrupted()
        if abruptly and self.connection.link is not None:
            self.connection.link.cut()
        # Before the connection goes: who waits for its answer would take that for an outage, and let somebody charge.
        await self.tasks.cancel_all()
        await self._open_contactors()
        await self.connection.stop()
        await self.outbox.stop()
        await self.tasks.cancel_all()
        # What the CSMS wanted in the very last moment may have begun something.
        self._stop_services()
        await self._open_contactors()
        if services.publishing is not None:
            await services.publishing.stop()
        if not abruptly:
            self.log_book.note("stopped")
            self.log_book.keep()
        await services.context.store.committed()

    def _stop_services(self) -> None:
        services = self.services
        services.provisioning.stop()
        services.metering.stop()
        services.display_messages.stop()
        services.monitoring.stop()
        services.reservations.stop()
        services.smart_charging.stop()
        services.transactions.stop()

    async def _open_contactors(self) -> None:
        for hardware in self._hardware.evses:
            await hardware.open_contactor()

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
        """Connect with what is new once the answer that took it has left; after a restart too, if one comes first."""
        self.connection.keep(trial)
        self.services.context.clock.call_later(1.0, lambda: self.connection.reconnect(trial))

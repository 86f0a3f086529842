"""The wiring: the only place that sees every part, makes them and hands them to each other.

Started in this order and stopped in the reverse one, the gateway before everything else:

1. the data directory is claimed, the admin key read or made
2. the storage is opened and its schema brought up to date
3. bus, services
4. the gateway listens for stations
5. the API listens

A stop loses nothing: readiness turns false, what stations have sent is answered and their connections are closed, what
they brought is committed, readers of events and open API requests come to their end, then the storage is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.exc import ArgumentError, DBAPIError

from voltbridge.api.admin_key import UnusableKeyFile, read_or_create
from voltbridge.api.application import build
from voltbridge.api.server import ApiServer
from voltbridge.bus.local import LocalBus
from voltbridge.clock import SystemClock
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
from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.csms.blocks.k_smart_charging import v16 as smart_charging_v16
from voltbridge.csms.blocks.k_smart_charging import v21 as smart_charging_v21
from voltbridge.csms.blocks.k_smart_charging import v201 as smart_charging_v201
from voltbridge.csms.blocks.k_smart_charging.service import SmartChargingService
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferService
from voltbridge.csms.blocks.p_data_transfer.vendors import Vendors
from voltbridge.csms.commands.operations import OperationService
from voltbridge.csms.commands.service import CommandService
from voltbridge.csms.commands.table import COMMAND_KINDS
from voltbridge.csms.desk import Desk
from voltbridge.csms.dispatch import ROUTES
from voltbridge.csms.event_stream import EventStream
from voltbridge.csms.events import EventLog
from voltbridge.csms.gateway.endpoint import Gateway
from voltbridge.csms.gateway.limits import Limits
from voltbridge.csms.live import LiveStations
from voltbridge.csms.message_log import MessageLog
from voltbridge.csms.notifications import NotificationService
from voltbridge.csms.readiness import Check, Readiness
from voltbridge.csms.services import Services
from voltbridge.csms.sites.service import SiteService
from voltbridge.csms.station_calls import StationCalls
from voltbridge.datadir import DataDirectory
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import SchemaTooNew, StorageUnavailable
from voltbridge.domain.ids import IdSource
from voltbridge.figures import gateway_figures, journal_figures, stream_figures
from voltbridge.metrics import Metrics
from voltbridge.protocol.versions import Version
from voltbridge.settings import ConfigurationError, Settings
from voltbridge.storage import Storage
from voltbridge.storage.migrations import upgrade

__all__ = ["OpenStorage", "Running", "start", "upgrade_database"]

_log = structlog.stdlib.get_logger(__name__)

OpenStorage = Callable[[str, Clock], Awaitable[Storage]]
"""Opens the database of a URL."""

_TIDY_EVERY_S: Final = 3600.0
_CHECK_S: Final = 2.0
_PROFILE_WORDS: Final = {
    Version.V16: smart_charging_v16,
    Version.V201: smart_charging_v201,
    Version.V21: smart_charging_v21,
}
_LIST_WORDS: Final = {Version.V16: local_lists_v16, Version.V201: local_lists_v201, Version.V21: local_lists_v21}
_VARIABLES: Final = {Version.V16: variables_v16, Version.V201: variables_v201, Version.V21: variables_v21}
_QUESTIONS: Final = {Version.V16: provisioning_v16, Version.V201: provisioning_v201, Version.V21: provisioning_v21}


@dataclass(slots=True, kw_only=True)
class Running:
    """A Voltbridge that is ready: stations and API requests are being answered. Stopped once, by ``stop``."""

    settings: Settings
    admin_key: str = field(repr=False)
    services: Services
    storage: Storage
    gateway: Gateway
    _api: ApiServer
    _event_log: EventLog
    _rest: contextlib.AsyncExitStack = field(repr=False)

    @property
    def ocpp_port(self) -> int:
        """The port that charging stations connect to."""
        return self.gateway.port

    @property
    def http_port(self) -> int:
        """The port of the REST API."""
        return self._api.port

    async def stop(self, timeout_s: float | None = None) -> None:
        """Stop without losing anything; what stations still do after ``timeout_s`` (else the setting) is cut off."""
        async with self._rest:
            await self.services.operations.close()
            await self.services.local_lists.close()
            await self.services.authorization.close()
            await self.services.sites.close()
            await self.gateway.stop(self.settings.shutdown_timeout if timeout_s is None else timeout_s)
            await self.services.commands.close()
            with contextlib.suppress(StorageUnavailable):
                await self.storage.journal.committed()
            await self._event_log.told()
            self.services.events.close()
            await self._api.stop()

    async def hasten(self) -> None:
        """Cut off what a ``stop`` under way still waits for."""
        await self.gateway.stop(0)


async def start(settings: Settings, *, clock: Clock | None = None, open_storage: OpenStorage = Storage.open) -> Running:
    """Start everything; returns when it is ready. Raises ConfigurationError with one sentence when it cannot be.

    ``open_storage`` is for a storage that behaves otherwise than the real one, such as that of the benchmarks.
    """
    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as parts:
        parts.callback(DataDirectory.claim(settings.data).release)
        admin_key = _admin_key(settings)
        http_socket = parts.enter_context(contextlib.closing(_bound(settings)))
        storage = await _open_storage(open_storage, settings, clock)
        parts.push_async_callback(storage.close)
        bus = LocalBus()
        parts.push_async_callback(bus.close)
        ids = IdSource(clock)
        event_log = EventLog(storage.journal, bus, ids, clock)
        services, gateway = _wire(settings, clock, storage, bus, ids, event_log)
        await services.commands.start()
        parts.push_async_callback(services.commands.close)
        with contextlib.suppress(StorageUnavailable):
            await services.transactions.recover()
        try:
            await gateway.start(settings.ocpp_host, settings.ocpp_port)
        except OSError as error:
            raise _cannot_listen("ocpp", settings.ocpp_host, settings.ocpp_port, error) from None
        parts.push_async_callback(gateway.stop, 0)
        await services.sites.start()
        parts.push_async_callback(services.sites.close)
        parts.push_async_callback(services.local_lists.close)
        parts.push_async_callback(services.authorization.close)
        await services.operations.start()
        parts.push_async_callback(services.operations.close)
        readiness = Readiness({"storage": _storage_check(storage), "gateway": _gateway_check(gateway)})
        metrics = Metrics(
            (
                gateway_figures(gateway.counters),
                journal_figures(storage.journal),
                stream_figures(services.events),
            )
        )
        api = ApiServer(build(services, readiness, metrics, admin_key), http_socket)
        await api.start()
        parts.push_async_callback(_cancelled, asyncio.create_task(_tidy(settings, storage, clock), name="tidy"))
        parts.push_async_callback(_cancelled, asyncio.create_task(_close_abandoned(services, clock)))
        return Running(
            settings=settings,
            admin_key=admin_key,
            services=services,
            storage=storage,
            gateway=gateway,
            _api=api,
            _event_log=event_log,
            _rest=parts.pop_all(),
        )


def _wire(
    settings: Settings, clock: Clock, storage: Storage, bus: LocalBus, ids: IdSource, events: EventLog
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
    commands = CommandService(
        COMMAND_KINDS, calls, live, storage.stations, storage.commands, journal, events, ids, clock
    )
    availability = AvailabilityService(storage.connectors, storage.stations, live, journal, events, clock, commands)
    authority = None
    if settings.authorization_url is not None:
        authority = ExternalAuthorization(
            settings.authorization_url,
            clock,
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
    boots.on_boot(local_lists.booted)
    authorization.on_change(local_lists.token_changed)
    boots.on_boot(concluded_by_boot(commands))
    boots.probe_by(variables.refresh)
    services = Services(
        security=SecurityService(storage.stations, events, clock, admission),
        stations=stations,
        variables=variables,
        configurations=configurations,
        authorization=authorization,
        local_lists=local_lists,
        transactions=transactions,
        availability=availability,
        meter_values=MeterValueService(transactions, journal, events),
        smart_charging=smart_charging,
        sites=SiteService(storage.sites, smart_charging, live, bus, events, clock),
        data_transfer=DataTransferService(_vendors(), events, clock),
        notifications=NotificationService(events, availability),
        calls=calls,
        commands=commands,
        operations=operations,
        abandoned=AbandonedTransactions(transactions, storage.stations, live, commands, clock),
        events=EventStream(storage.events, journal, bus, clock),
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
        clock=clock,
        limits=Limits(
            connections=settings.connection_limit,
            connections_per_address=settings.connections_per_address,
            message_bytes=settings.message_size,
            messages_per_s=settings.message_rate,
            call_s=settings.call_timeout,
            ping_interval_s=settings.ping_interval,
        ),
        strictness=settings.strictness,
    )
    return services, gateway


def upgrade_database(settings: Settings) -> None:
    """Bring the database's schema up to date. Raises ConfigurationError."""
    claimed = DataDirectory.claim(settings.data) if settings.database_url is None else None
    try:
        upgrade(settings.effective_database_url)
    except Exception as error:
        raise _unusable_database(settings, error) from None
    finally:
        if claimed is not None:
            claimed.release()


def _admin_key(settings: Settings) -> str:
    try:
        key, made = read_or_create(settings.admin_key_file)
    except UnusableKeyFile as error:
        raise ConfigurationError(str(error)) from None
    if made:
        _log.info("an admin key for the API was made", key_file=str(settings.admin_key_file))
    return key


def _bound(settings: Settings) -> socket.socket:
    """The API's socket, taken before a database is made for nothing."""
    host, port = settings.http_host, settings.http_port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise _cannot_listen("http", host, port, error) from None
    return bound


def _cannot_listen(name: str, host: str, port: int, error: OSError) -> ConfigurationError:
    match error.errno:
        case errno.EADDRINUSE:
            sentence = f"port {port} on {host} is taken by another program; stop that or choose another --{name}-port"
        case errno.EACCES:
            sentence = f"port {port} needs more rights than this user has; choose another --{name}-port"
        case _:
            sentence = f"{host} is no address of this machine ({error.strerror}); choose another --{name}-host"
    return ConfigurationError(sentence)


async def _open_storage(open_storage: OpenStorage, settings: Settings, clock: Clock) -> Storage:
    try:
        return await open_storage(settings.effective_database_url, clock)
    except Exception as error:
        raise _unusable_database(settings, error) from None


def _unusable_database(settings: Settings, error: Exception) -> Exception:
    """One sentence for what an operator can mend; anything else as it is."""
    match error:
        case ArgumentError():
            return ConfigurationError("the database URL cannot be read; it looks like postgresql://user@host/name")
        case SchemaTooNew() | ValueError():
            return ConfigurationError(str(error))
        case DBAPIError():
            reason = " ".join(str(error.orig).split())
            where = "given with --database-url" if settings.database_url else f"in {settings.data}"
            return ConfigurationError(f"the database {where} cannot be opened: {reason}")
        case _:
            return error


def _vendors() -> Vendors:
    try:
        return Vendors.installed()
    except Exception as error:
        raise ConfigurationError(f"a package with handlers for data transfers cannot be used: {error!r}") from error


def _storage_check(storage: Storage) -> Check:
    async def check() -> str | None:
        try:
            async with asyncio.timeout(_CHECK_S):
                if not storage.journal.available:
                    # It may be well again, with nobody writing who could notice.
                    await storage.journal.write(lambda _connection: None)
        except (StorageUnavailable, TimeoutError):
            return "writes are failing"
        try:
            async with asyncio.timeout(_CHECK_S):
                await storage.events.last_id()
        except (StorageUnavailable, TimeoutError):
            return "reads are failing"
        return None

    return check


def _gateway_check(gateway: Gateway) -> Check:
    async def check() -> str | None:
        return None if gateway.listening else "stations cannot connect: starting or stopping"

    return check


async def _tidy(settings: Settings, storage: Storage, clock: Clock) -> None:
    """Forget what has been kept for long enough, once an hour."""
    while True:
        for kept, days in (
            (storage.messages, settings.log_retention_days),
            (storage.events, settings.event_retention_days),
            (storage.commands, settings.event_retention_days),
            (storage.operations, settings.event_retention_days),
        ):
            if days is None:
                continue
            try:
                forgotten = await kept.prune(clock.now() - timedelta(days=days))
            except StorageUnavailable as error:
                _log.warning("old records could not be removed", error=str(error))
            else:
                if forgotten:
                    _log.info("old records were removed", kind=type(kept).__name__.lower(), count=forgotten)
        await clock.sleep(_TIDY_EVERY_S)


async def _close_abandoned(services: Services, clock: Clock) -> None:
    """Close transactions whose end will not arrive, once an hour; never right after a start, when stations are away."""
    while True:
        await clock.sleep(_TIDY_EVERY_S)
        try:
            closed = await services.abandoned.close_all()
        except StorageUnavailable as error:
            _log.warning("transactions could not be looked through", error=str(error))
        else:
            if closed:
                _log.info("transactions without an end were closed", count=closed)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

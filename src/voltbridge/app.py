"""The life of the process: what is started, in which order, and how it stops. ``wiring.py`` makes the services.

Started in this order and stopped in the reverse one, the gateway before everything else:

1. the data directory is claimed, the admin key read or made
2. the storage is opened and its schema brought up to date
3. bus, services
4. the gateway listens for stations, by TLS too where it has a certificate, FTP and SFTP where they are wanted
5. the API listens

A stop loses nothing: readiness turns false, what stations have sent is answered and their connections are closed, what
they brought is committed, readers of events and open API requests come to their end, then the storage is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.exc import ArgumentError, DBAPIError

from voltbridge.api.admin_key import UnusableKeyFile, read_or_create
from voltbridge.api.application import build
from voltbridge.api.server import ApiServer
from voltbridge.bus.local import LocalBus
from voltbridge.clock import SystemClock
from voltbridge.csms.events import EventLog
from voltbridge.csms.files.doors import CannotOpen, DoorOptions, Doors, PortTaken
from voltbridge.csms.gateway.endpoint import Gateway
from voltbridge.csms.gateway.server_tls import ServerTls
from voltbridge.csms.gateway.tls import CertificateFiles, UnusableCertificate
from voltbridge.csms.readiness import Check, Readiness
from voltbridge.csms.services import Services
from voltbridge.datadir import DataDirectory
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import SchemaTooNew, StorageUnavailable
from voltbridge.domain.ids import IdSource
from voltbridge.figures import gateway_figures, journal_figures, stream_figures, tls_figures, webhook_figures
from voltbridge.metrics import Metrics
from voltbridge.settings import ConfigurationError, Settings
from voltbridge.storage import Storage
from voltbridge.storage.migrations import upgrade
from voltbridge.wiring import wire

__all__ = ["OpenStorage", "Running", "start", "unusable_database", "upgrade_database"]

_log = structlog.stdlib.get_logger(__name__)

OpenStorage = Callable[[str, Clock], Awaitable[Storage]]
"""Opens the database of a URL."""

_LOOK_EVERY_S: Final = 3600.0
_CHECK_S: Final = 2.0


@dataclass(slots=True, kw_only=True)
class Running:
    """A Voltbridge that is ready: stations and API requests are being answered. Stopped once, by ``stop``."""

    settings: Settings
    admin_key: str = field(repr=False)
    services: Services
    storage: Storage
    gateway: Gateway
    tls: ServerTls | None
    """The certificates of the stations' port, where it speaks TLS."""
    doors: Doors
    """FTP and SFTP, where they are wanted."""
    _api: ApiServer
    _event_log: EventLog
    _rest: contextlib.AsyncExitStack = field(repr=False)

    @property
    def ocpp_port(self) -> int:
        """The port that charging stations connect to without TLS. Raises RuntimeError where there is none."""
        return self.gateway.port

    @property
    def http_port(self) -> int:
        """The port of the REST API."""
        return self._api.port

    async def stop(self, timeout_s: float | None = None) -> None:
        """Stop without losing anything; what stations still do after ``timeout_s`` (else the setting) is cut off."""
        async with self._rest:
            await self.services.anonymisation.close()
            await self.services.rollouts.close()
            await self.services.operations.close()
            await self.services.local_lists.close()
            await self.services.reservations.close()
            await self.services.authorization.close()
            await self.services.sites.close()
            await self.services.cost_updates.close()
            await self.doors.stop()
            await self.gateway.stop(self.settings.shutdown_timeout if timeout_s is None else timeout_s)
            await self.services.firmware.close()
            await self.services.logs.close()
            await self.services.commands.close()
            with contextlib.suppress(StorageUnavailable):
                await self.storage.journal.committed()
            await self._event_log.told()
            await self.services.webhooks.close()
            self.services.events.close()
            await self._api.stop()

    async def hasten(self) -> None:
        """Cut off what a ``stop`` under way still waits for."""
        await self.gateway.stop(0)


async def start(
    settings: Settings,
    *,
    clock: Clock | None = None,
    machine_clock: Clock | None = None,
    open_storage: OpenStorage = Storage.open,
) -> Running:
    """Start everything; returns when it is ready. Raises ConfigurationError with one sentence when it cannot be.

    ``machine_clock`` has the seconds in which disk and network are waited for, if they are others than the clock's.
    ``open_storage`` is for a storage that behaves otherwise than the real one, such as that of the benchmarks.
    """
    clock = clock or SystemClock()
    machine_clock = machine_clock or clock
    async with contextlib.AsyncExitStack() as parts:
        parts.callback(DataDirectory.claim(settings.data).release)
        tls = _tls(settings)
        admin_key = _admin_key(settings)
        http_socket = parts.enter_context(contextlib.closing(_bound(settings)))
        storage = await _open_storage(open_storage, settings, machine_clock)
        parts.push_async_callback(storage.close)
        bus = LocalBus()
        parts.push_async_callback(bus.close)
        ids = await _id_source(clock, storage)
        event_log = EventLog(storage.journal, bus, ids, clock)
        services, gateway = wire(settings, clock, machine_clock, storage, bus, ids, event_log)
        parts.callback(services.files.close)
        await services.files.start()
        await services.tariffs.start()
        await services.commands.start()
        await services.firmware.start()
        await services.logs.start()
        parts.push_async_callback(services.logs.close)
        parts.push_async_callback(services.firmware.close)
        parts.push_async_callback(services.commands.close)
        with contextlib.suppress(StorageUnavailable):
            await services.transactions.recover()
            await services.reservations.start()
        parts.push_async_callback(services.reservations.close)
        parts.push_async_callback(gateway.stop, 0)
        await _listen(settings, gateway, tls)
        if tls is not None:
            parts.push_async_callback(_cancelled, asyncio.create_task(tls.watch(event_log), name="watch certificates"))
        doors = await _open_doors(settings, services)
        parts.push_async_callback(doors.stop)
        await services.webhooks.start()
        parts.push_async_callback(services.webhooks.close)
        await services.sites.start()
        parts.push_async_callback(services.sites.close)
        parts.push_async_callback(services.cost_updates.close)
        parts.push_async_callback(services.local_lists.close)
        parts.push_async_callback(services.authorization.close)
        await services.operations.start()
        parts.push_async_callback(services.operations.close)
        await services.rollouts.start()
        parts.push_async_callback(services.rollouts.close)
        await services.anonymisation.start()
        parts.push_async_callback(services.anonymisation.close)
        readiness = Readiness({"storage": _storage_check(storage), "gateway": _gateway_check(gateway)})
        metrics = Metrics(
            (
                gateway_figures(gateway.counters),
                tls_figures(tls),
                journal_figures(storage.journal),
                stream_figures(services.events),
                webhook_figures(services.webhooks),
            )
        )
        api = ApiServer(build(services, readiness, metrics, admin_key), http_socket)
        await api.start()
        tidying = asyncio.create_task(services.retention.run(), name="tidy")
        parts.push_async_callback(_cancelled, tidying)
        parts.push_async_callback(_cancelled, asyncio.create_task(_close_abandoned(services, clock)))
        return Running(
            settings=settings,
            admin_key=admin_key,
            services=services,
            storage=storage,
            gateway=gateway,
            tls=tls,
            doors=doors,
            _api=api,
            _event_log=event_log,
            _rest=parts.pop_all(),
        )


def upgrade_database(settings: Settings) -> None:
    """Bring the database's schema up to date. Raises ConfigurationError."""
    claimed = DataDirectory.claim(settings.data) if settings.database_url is None else None
    try:
        upgrade(settings.effective_database_url)
    except Exception as error:
        raise unusable_database(settings, error) from None
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


def _tls(settings: Settings) -> ServerTls | None:
    """The certificates, read before a database is made for nothing."""
    certificates, keys = settings.tls_certificate or (), settings.tls_key or ()
    if len(certificates) != len(keys):
        missing = "--tls-key" if len(certificates) > len(keys) else "--tls-certificate"
        raise ConfigurationError(f"each certificate needs its key, in the same order; give one more to {missing}")
    if settings.ocpp_port is None and not certificates:
        raise ConfigurationError("with --ocpp-port off stations need TLS; give --tls-certificate and --tls-key")
    if settings.ocpp_port is None and settings.demo:
        raise ConfigurationError("the stations of --demo connect without TLS; leave it out, or --ocpp-port off")
    if not certificates:
        return None
    files = [CertificateFiles(*pair) for pair in zip(certificates, keys, strict=True)]
    try:
        # By the machine's time whatever the clock of the product, since stations judge certificates by their own.
        return ServerTls(files, SystemClock())
    except UnusableCertificate as error:
        raise ConfigurationError(str(error)) from None


async def _listen(settings: Settings, gateway: Gateway, tls: ServerTls | None) -> None:
    host = settings.ocpp_host
    if settings.ocpp_port is not None:
        try:
            await gateway.start(host, settings.ocpp_port)
        except OSError as error:
            raise _cannot_listen("ocpp", host, settings.ocpp_port, error) from None
    if tls is not None:
        try:
            await gateway.start_tls(host, settings.tls_port, tls.context)
        except OSError as error:
            raise _cannot_listen("tls", host, settings.tls_port, error) from None


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


async def _open_doors(settings: Settings, services: Services) -> Doors:
    options = DoorOptions(
        host=settings.ocpp_host,
        ftp_port=settings.ftp_port,
        sftp_port=settings.sftp_port,
        passive_ports=settings.ftp_passive_ports,
        public_host=settings.ftp_public_host,
        host_key_file=settings.sftp_host_key_file,
    )
    doors = Doors()
    try:
        await doors.open(options, services.visits)
    except (CannotOpen, PortTaken) as error:
        await doors.stop()
        if isinstance(error, CannotOpen):
            raise ConfigurationError(str(error)) from None
        raise _cannot_listen(error.protocol, settings.ocpp_host, error.port, error.error) from None
    return doors


def _cannot_listen(name: str, host: str, port: int, error: OSError) -> ConfigurationError:
    host_of = "http" if name == "http" else "ocpp"
    match error.errno:
        case errno.EADDRINUSE:
            sentence = f"port {port} on {host} is taken by another program; stop that or choose another --{name}-port"
        case errno.EACCES:
            sentence = f"port {port} needs more rights than this user has; choose another --{name}-port"
        case _:
            # What the loop makes of the error repeats the address; a name that cannot be looked up has no such number.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            sentence = f"{host} is no address of this machine ({reason}); choose another --{host_of}-host"
    return ConfigurationError(sentence)


async def _open_storage(open_storage: OpenStorage, settings: Settings, clock: Clock) -> Storage:
    try:
        return await open_storage(settings.effective_database_url, clock)
    except Exception as error:
        raise unusable_database(settings, error) from None


def unusable_database(settings: Settings, error: Exception) -> Exception:
    """A ConfigurationError with one sentence for what an operator can mend; anything else as it is."""
    match error:
        case ArgumentError():
            return ConfigurationError("the database URL cannot be read; it looks like postgresql://user@host/name")
        case SchemaTooNew() | ValueError():
            return ConfigurationError(str(error))
        case DBAPIError():
            # PostgreSQL's library ends with a question, which the advice answers.
            reason = " ".join(str(error.orig).split()).partition(" Is the server running")[0]
            where = "given with --database-url" if settings.database_url else f"in {settings.data}"
            advice = (
                "see that its server runs, has this database and lets this user in, or give another --database-url"
                if settings.database_url
                else "restore a backup with --replace, or choose another directory with --data"
            )
            return ConfigurationError(f"the database {where} cannot be opened: {reason}; {advice}")
        case _:
            return error


async def _id_source(clock: Clock, storage: Storage) -> IdSource:
    """Ids that follow those of the events that are there, even if the machine's clock was set back meanwhile."""
    try:
        return IdSource(clock, after=await storage.events.last_id())
    except StorageUnavailable:
        return IdSource(clock)


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


async def _close_abandoned(services: Services, clock: Clock) -> None:
    """Close transactions whose end will not arrive, once an hour; never right after a start, when stations are away."""
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        try:
            closed = await services.abandoned.close_all()
        except StorageUnavailable as error:
            _log.warning("transactions could not be looked through", error=str(error))
        except Exception:
            _log.exception("looking through transactions failed")
        else:
            if closed:
                _log.info("transactions without an end were closed", count=closed)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

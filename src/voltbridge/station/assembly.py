"""A charging station as a whole: what a program that uses this package holds in its hands.

async with Station(StationConfiguration("CP-1", "ws://localhost:9000/ocpp")) as station:
    await station.connected()
    async with station.plug_in(evse=1) as visit:
        await visit.swipe("04A2B3C4D5E6F7")
        await visit.charged(kwh=5)
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import structlog

from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer, NoAnswer, Registration
from voltbridge.station.blocks.p_data_transfer.service import Vendors
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.endpoints import Tls
from voltbridge.station.engine import Engine
from voltbridge.station.facts import DataTransferQuestion
from voltbridge.station.faults import LineFaults
from voltbridge.station.manner import Manner
from voltbridge.station.network import Network
from voltbridge.station.network_profiles import url_problem
from voltbridge.station.ports import Files, StationHardware, Store
from voltbridge.station.services import Services
from voltbridge.station.simulation import Car, VirtualHardware, Visit
from voltbridge.station.transfers import Transfers
from voltbridge.storage.station import MemoryStore

__all__ = ["Station"]

_NAMESPACE: Final = "boot"


def _check(configuration: StationConfiguration) -> None:
    problem = url_problem(configuration.csms_url, 0)
    if problem is not None:
        raise ValueError(f"csms_url: {problem}, such as ws://host:9000/ocpp, but {configuration.csms_url!r}")
    if not configuration.identity:
        raise ValueError("identity: it is empty")
    if configuration.password is not None and ":" in configuration.identity:
        raise ValueError("identity: with a password it has no colon, where Basic authentication would cut it")
    if not configuration.versions:
        raise ValueError(f"versions: at least one of {', '.join(Version)}")
    if not configuration.evses:
        raise ValueError("evses: a station has at least one")


class Station:
    """A station with its hardware and its disk, over all its restarts.

    Without ``hardware`` it is a virtual one (``simulation``), without ``store`` it forgets everything at the end. Many
    stations of one process share a ``network`` and a ``clock``.
    """

    def __init__(
        self,
        configuration: StationConfiguration,
        *,
        hardware: StationHardware | None = None,
        store: Store | None = None,
        clock: Clock | None = None,
        network: Network | None = None,
        random: Random | None = None,
        faults: LineFaults | None = None,
        clock_offset: timedelta = timedelta(),
        files: Files | None = None,
    ) -> None:
        """``faults``: of the line to the CSMS; ``clock_offset``: how wrong its clock is before anybody sets it.

        Raises ValueError for a configuration with which no station could ever connect.
        """
        _check(configuration)
        self.configuration = configuration
        self.clock: Clock = clock or (network.clock if network is not None else PacedClock())
        self.store: Store = store if store is not None else MemoryStore()
        self.hardware: StationHardware = hardware or VirtualHardware(configuration, self.clock, store=self.store)
        self._own_network = network is None
        self._network = network or Network(self.clock)
        self._files: Files = files or Transfers(
            self._tls_of_files,
            self._network.waiting,
            largest=configuration.largest_download,
            known_hosts=configuration.known_hosts,
        )
        self._random = random or Random()
        self._clock_offset = clock_offset
        self._faults = faults
        self._manner = Manner(configuration.quirks, configuration, self.clock) if configuration.quirks else None
        self.vendors = Vendors()
        """Who takes a vendor's messages from the CSMS (DataTransfer)."""
        self._engine: Engine | None = None
        self._registered = asyncio.Event()
        self._restarting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        """The end of a life before a restart, which is not broken off with it."""
        self._power_cuts = 0
        self._stopped = False

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to live: connect, register, serve."""
        self._stopped = False
        kept = self.store.all(_NAMESPACE)
        reason, resume = kept.get("reason", b"PowerUp").decode(), "resume" in kept
        for key in kept:
            self.store.delete(_NAMESPACE, key)
        if self._manner is not None:
            self._manner.restarted()
        version = self.hardware.firmware_version or self.configuration.firmware_version
        self._engine = Engine(
            replace(self.configuration, firmware_version=version),
            self.hardware,
            self.store,
            self.clock,
            self._network,
            self._files,
            reason=reason,
            resume=resume,
            restart=self.restart,
            on_registered=self._registered.set,
            random=self._random,
            vendors=self.vendors,
            faults=self._faults,
            manner=self._manner,
            clock_offset=self._clock_offset,
        )
        self._engine.start()

    async def stop(self) -> None:
        """End, in order: what was not told is on disk. The store is the caller's to close."""
        self._stopped = True
        await self._break_off_restart()
        await self._end()
        if self._own_network:
            await self._network.close()

    async def power_cut(self, seconds: float) -> None:
        """The mains are gone for a while: nothing is said, and what was not on disk is lost.

        Where they go once more meanwhile, the station starts when that is over.
        """
        self._power_cuts += 1
        number = self._power_cuts
        if isinstance(self.hardware, VirtualHardware):
            self.hardware.lose_power()
        await self._break_off_restart()
        with contextlib.suppress(OSError):  # a full disk: that is lost, too
            await self._end(abruptly=True)
        await self.clock.sleep(seconds)
        if number != self._power_cuts or self._stopped or self._engine is not None:
            return
        if isinstance(self.hardware, VirtualHardware):
            self.hardware.start_anew()
        self.start()

    def restart(self, reason: str, resume: bool = False) -> None:
        """Restart the controller (BootReasonEnumType); ``resume``: running transactions go on.

        One that restarts already, or has no power, does not.
        """
        if self._restarting is None and self._engine is not None and not self._stopped:
            self.store.put(_NAMESPACE, "reason", reason.encode())
            if resume:
                self.store.put(_NAMESPACE, "resume", b"1")
            self._restarting = asyncio.get_running_loop().create_task(self._restart(reason), name="restart")

    # What it is like now

    @property
    def services(self) -> Services:
        """The services of this life of the station. Raises RuntimeError while it restarts."""
        if self._engine is None:
            raise RuntimeError("the station is not running")
        return self._engine.services

    @property
    def engine(self) -> Engine:
        """This life of the station. Raises RuntimeError while it restarts."""
        if self._engine is None:
            raise RuntimeError("the station is not running")
        return self._engine

    @property
    def version(self) -> Version:
        """The version spoken with the CSMS now, or last."""
        return self.engine.outbox.version

    @property
    def registration(self) -> Registration:
        """Whether the CSMS takes this station."""
        return self._engine.outbox.registration if self._engine is not None else Registration.UNKNOWN

    @property
    def faults(self) -> LineFaults | None:
        """What goes wrong on the line to the CSMS. A change counts at once."""
        return self._faults

    @faults.setter
    def faults(self, faults: LineFaults | None) -> None:
        self._faults = faults
        if self._engine is not None:
            self._engine.connection.faults = faults

    @property
    def running(self) -> bool:
        """Alive: neither stopped nor restarting just now."""
        return self._engine is not None

    @property
    def online(self) -> bool:
        """Connected, and accepted by the CSMS."""
        return self._engine is not None and self._engine.outbox.online

    async def connected(self) -> None:
        """Return when the CSMS has accepted the station, and it is connected."""
        while self._engine is None or not self._engine.outbox.online:
            self._registered.clear()
            await self._registered.wait()

    # What one can do there

    def plug_in(self, evse: int = 1, car: Car | None = None, connector: int = 1) -> Visit:
        """A vehicle comes to a virtual station. Raises TypeError where the hardware is real."""
        if not isinstance(self.hardware, VirtualHardware):
            raise TypeError("only a virtual station can be visited by a virtual vehicle")
        return Visit(self.hardware, self.clock, evse, car or Car(), connector)

    async def transfer_data(self, vendor_id: str, message_id: str | None = None, data: Any = None) -> Answer:
        """Ask the CSMS something of a vendor's own. Raises ``answers.NoAnswer``."""
        question = DataTransferQuestion(vendor_id=vendor_id, message_id=message_id, data=data)
        try:
            return await self.engine.outbox.ask(question)
        except RuntimeError as error:
            raise NoAnswer(str(error)) from error

    def _tls_of_files(self) -> Tls:
        return self.engine.credentials.tls_of_files()

    async def _end(self, *, abruptly: bool = False) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop(abruptly=abruptly)

    async def _break_off_restart(self) -> None:
        if self._restarting is not None:
            self._restarting.cancel()
            await asyncio.wait((self._restarting,))
            self._restarting = None
        if self._ending is not None:
            await asyncio.wait((self._ending,))
            self._ending = None

    async def _restart(self, reason: str) -> None:
        try:
            retries = self.services.context.settings.reset_retries
            self._ending = asyncio.get_running_loop().create_task(self._end(), name="end of a life")
            try:
                await asyncio.shield(self._ending)
            except Exception:  # a full disk, say; whatever it was, a station that stays down helps nobody
                log = structlog.get_logger("voltbridge.station").bind(station=self.configuration.identity)
                log.exception("the station did not end in order before its restart")
            while True:
                try:
                    await self.hardware.reboot(reason)
                    break
                except OSError:
                    retries -= 1
                    if retries < 0:  # the engine starts anew all the same: a station that is dumb helps nobody
                        break
        finally:
            self._restarting = None
        if not self._stopped:
            self.start()

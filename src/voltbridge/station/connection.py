"""Keeps a station connected: carries out what ``connectivity`` decides, and joins link, outbox and desk.

Requests of the CSMS are handled one after the other; the answer leaves first, then what was to follow it. Handling one
never delays the station's own messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Protocol

import structlog

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.rpc import IncomingCall, IncomingSend
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Registration
from voltbridge.station.connectivity import decide
from voltbridge.station.connectivity_terms import (
    Action,
    AttemptFailed,
    Close,
    Closed,
    Connect,
    Connected,
    ConnectFailure,
    ConnectivitySettings,
    ConnectivityState,
    Event,
    Phase,
    Reboot,
    Reconnect,
    Started,
    StartWatchdog,
    Stopped,
    StopWaiting,
    StopWatchdog,
    TellOffline,
    TellOnline,
    TellSecurity,
    Trial,
    TrialEnded,
    UplinkChanged,
    Wait,
    WaitOver,
    WatchdogExpired,
)
from voltbridge.station.context import Tasks
from voltbridge.station.desk import Handled
from voltbridge.station.endpoints import Endpoint
from voltbridge.station.faults import LineFaults
from voltbridge.station.link import Link
from voltbridge.station.manner import Manner
from voltbridge.station.network import ConnectFailed, Network
from voltbridge.station.outbox import StationOutbox
from voltbridge.station.ports import Store
from voltbridge.station.scrutiny import Suspicion

__all__ = ["Connection", "Handling", "Listener"]

_NAMESPACE: Final = "connectivity"


class Handling(Protocol):
    """Who handles requests of the CSMS; ``desk.Desk`` does."""

    async def handle(self, version: Version, action: str, request: Payload) -> Handled: ...


class Listener(Protocol):
    """Who wants to know of the connection; a station's assembly does."""

    def online(self, *, slot: int, register: bool, report_all: bool) -> None:
        """There is a connection over the profile of this slot. See ``connectivity.TellOnline``."""

    def offline(self) -> None:
        """There is none any more."""

    def security_event(self, event: str, info: str) -> None:
        """Something about the connection concerns security."""

    def trial_ended(self, trial: Trial, kept: bool) -> None:
        """A new password, security profile or certificate works, or is given up for the one before."""

    def reboot(self, reason: str) -> None:
        """The controller has to restart (BootReasonEnumType)."""


@dataclass(frozen=True, slots=True)
class _Asked:
    link: Link
    call: IncomingCall


class Connection:
    """The connection of one station. Started by ``start``, ended by ``stop``, and then ready to be started again.

    ``settings`` and ``endpoint`` are asked anew each time. ``endpoint(slot, previous)`` says how to reach the profile
    of a slot, with what was in force before a trial if ``previous``; None when there is no such profile (any more).
    """

    __slots__ = (
        "_asked",
        "_attempt",
        "_cancel_wait",
        "_cancel_watchdog",
        "_clock",
        "_desk",
        "_detail",
        "_endpoint",
        "_faults",
        "_handler",
        "_link",
        "_listener",
        "_log",
        "_network",
        "_outbox",
        "_random",
        "_settings",
        "_state",
        "_store",
        "_tasks",
        "fell_back",
        "manner",
        "on_failure",
    )

    def __init__(
        self,
        identity: str,
        network: Network,
        clock: Clock,
        store: Store,
        outbox: StationOutbox,
        desk: Handling,
        listener: Listener,
        tasks: Tasks,
        settings: Callable[[], ConnectivitySettings],
        endpoint: Callable[[int, bool], Endpoint | None],
        *,
        random: Random | None = None,
    ) -> None:
        self._network = network
        self._clock = clock
        self._store = store
        self._outbox = outbox
        self._desk = desk
        self._listener = listener
        self._settings = settings
        self._endpoint = endpoint
        self._random = random or network.random
        self._log = structlog.get_logger("voltbridge.station").bind(station=identity)
        self._state = ConnectivityState()
        self._link: Link | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._cancel_wait: Cancel | None = None
        self._cancel_watchdog: Cancel | None = None
        self._asked: deque[_Asked] = deque()
        self._handler: asyncio.Task[None] | None = None
        self._tasks = tasks
        self._detail = ""
        self.on_failure: Callable[[], None] = lambda: None
        """Called after each attempt that failed."""
        self.fell_back = False
        """The CSMS that was connected last is judged by the roots from before the newest."""
        self._faults: LineFaults | None = None
        self.manner: Manner | None = None
        """The quirks of the station, on every connection made from now on."""

    @property
    def active_slot(self) -> int | None:
        """The profile that is connected (ActiveNetworkProfile); without a connection the one connected last."""
        kept = self._store.all(_NAMESPACE).get("slot")
        return self._state.last_connected or (int(kept) if kept else None)

    @property
    def faults(self) -> LineFaults | None:
        """What goes wrong on the line, on this connection and on those to come."""
        return self._faults

    @faults.setter
    def faults(self, faults: LineFaults | None) -> None:
        self._faults = faults
        if self._link is not None:
            self._link.spoil(faults)

    @property
    def phase(self) -> Phase:
        return self._state.phase

    @property
    def link(self) -> Link | None:
        return self._link

    @property
    def root_in_use(self) -> bytes | None:
        """The root certificate in DER by which the CSMS is judged; None without a connection, or without TLS."""
        return None if self._link is None else self._link.root

    def start(self) -> None:
        """Begin to connect, at once."""
        kept = self._store.all(_NAMESPACE)
        slot, trial = kept.get("slot"), kept.get("trial")
        self._tell(
            Started(
                self._clock.monotonic(),
                last_connected=int(slot) if slot else None,
                trial=Trial(trial.decode()) if trial else None,
            )
        )

    async def stop(self) -> None:
        """End the connection in order, and return when it is over. Requests being handled are broken off."""
        self._tell(Stopped(self._clock.monotonic()))
        self._asked.clear()
        if self._handler is not None and self._handler is not asyncio.current_task():
            self._handler.cancel()
        if self._attempt is not None:
            await asyncio.wait((self._attempt,))
        if self._link is not None:
            await self._link.closed()

    def uplink(self, up: bool) -> None:
        """The hardware has lost, or got back, its way to the network."""
        self._tell(UplinkChanged(self._clock.monotonic(), up))

    def reconnect(self, trial: Trial | None = None) -> None:
        """Connect anew, because of what has changed. What was handed to the link before is still sent."""
        if self.phase is Phase.STOPPED:
            return  # the next life tries what is kept
        if trial is not None:
            self.keep(trial)
        self._tell(Reconnect(self._clock.monotonic(), trial))

    def keep(self, trial: Trial) -> None:
        """Something new is about to be tried: a start before that tries it, and knows what was before."""
        self._store.put(_NAMESPACE, "trial", trial.encode())

    def settings_changed(self) -> None:
        """A setting of the connection itself may have changed: the interval of pings."""
        if self._link is not None and self._state.slot is not None:
            endpoint = self._endpoint(self._state.slot, False)
            if endpoint is not None:
                self._link.set_ping_interval(endpoint.ping_interval_s)

    # Decisions

    def _tell(self, event: Event) -> None:
        self._state, actions = decide(self._state, event, self._settings_now(), self._random.random)
        for action in actions:
            self._do(action)

    def _settings_now(self) -> ConnectivitySettings:
        """2.x gives a profile its attempts (B10.FR.03); 1.6 has no key for these, but one for the time."""
        settings = self._settings()
        if self._outbox.version is Version.V16:
            return replace(settings, profile_attempts=0) if settings.profile_timeout_s else settings
        return replace(settings, profile_timeout_s=None)

    def _do(self, action: Action) -> None:
        match action:
            case Connect(slot, previous):
                self._attempt = self._tasks.spawn(self._connect(slot, previous), "connecting")
                self._attempt.add_done_callback(self._attempt_over)
            case Close():
                if self._attempt is not None:
                    self._attempt.cancel()
                elif self._link is not None:
                    self._link.close()
            case Wait(seconds):
                self._cancel_wait = self._clock.call_later(seconds, lambda: self._tell(WaitOver(self._now())))
            case StopWaiting():
                self._stop_waiting()
            case StartWatchdog(seconds):
                self._stop_watchdog()
                self._cancel_watchdog = self._clock.call_later(
                    seconds, lambda: self._tell(WatchdogExpired(self._now()))
                )
            case StopWatchdog():
                self._stop_watchdog()
            case TellOnline(slot, _, register, report_all):
                self._online(slot, register, report_all)
            case TellOffline():
                self._outbox.detach()
                self._listener.offline()
            case TellSecurity(event):
                self._listener.security_event(event, self._detail)
            case TrialEnded(trial, kept):
                self._store.delete(_NAMESPACE, "trial")
                self._listener.trial_ended(trial, kept)
            case Reboot(reason):
                self._listener.reboot(reason)

    def _online(self, slot: int, register: bool, report_all: bool) -> None:
        assert self._link is not None
        self._store.put(_NAMESPACE, "slot", str(slot).encode())
        self._outbox.attach(self._link, register=register)
        self._listener.online(slot=slot, register=register, report_all=report_all)

    async def _connect(self, slot: int, previous: bool) -> None:
        failure: ConnectFailure | None = None
        try:
            if self._link is not None:  # B10.FR.06: the old one first
                await self._link.closed()
            endpoint = self._endpoint(slot, previous)
            if endpoint is None:
                failure, self._detail = ConnectFailure.UNREACHABLE, f"slot {slot} holds no profile"
            else:
                self._link = await self._opened(endpoint, slot)
        except ConnectFailed as error:
            failure, self._detail = error.failure, error.detail
        except asyncio.CancelledError:
            self._attempt = None
            self._tell(Closed(self._now()))
            return
        except Exception as error:
            # Whatever it was, a station that stopped trying would be lost to everybody.
            self._log.exception("an attempt to connect broke off", slot=slot)
            failure, self._detail = ConnectFailure.UNREACHABLE, str(error)
        self._attempt = None
        if failure is not None:
            self._log.info("no connection", slot=slot, why=str(failure), detail=self._detail)
            self._tell(AttemptFailed(self._now(), failure))
            self.on_failure()
            return
        assert self._link is not None
        self._log.info("connected", slot=slot, version=self._link.version.label)
        self._tell(Connected(self._now()))

    async def _opened(self, endpoint: Endpoint, slot: int) -> Link:
        """A link; the CSMS of before is judged by the root of before too, until the newest has proved itself.

        Who moves to another CSMS goes by the newest alone (M05.FR.14 to FR.16). Raises ConnectFailed.
        """
        self.fell_back = False
        try:
            return await Link.open(endpoint, self._network, self, self._faults, self.manner)
        except ConnectFailed as error:
            before = endpoint.fallback_tls
            if error.failure is not ConnectFailure.CERTIFICATE or before is None:
                raise
            if self.active_slot not in (None, slot):
                raise
            self._log.warning("the CSMS does not pass by the newest root certificate", slot=slot, detail=error.detail)
        link = await Link.open(replace(endpoint, tls=before), self._network, self, self._faults, self.manner)
        self.fell_back = True
        return link

    def _attempt_over(self, attempt: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step tells nothing of it."""
        if attempt is self._attempt:
            self._attempt = None
            self._tell(Closed(self._now()))

    # What comes over the link (link.Receiver)

    def asked(self, link: Link, call: IncomingCall) -> None:
        self._asked.append(_Asked(link, call))
        if self._handler is None:
            self._handler = self._tasks.spawn(self._handle(), "requests of the CSMS")

    def sent(self, link: Link, send: IncomingSend) -> None:
        """No version lets a CSMS send what is not answered."""
        self._log.info("a message without an answer is not expected", action=send.action.name)

    def suspected(self, link: Link, suspicion: Suspicion) -> None:
        """What the CSMS sends is not as it should be."""
        self._listener.security_event(suspicion.event, suspicion.info)

    def ended(self, link: Link, reason: str) -> None:
        if link is self._link:
            self._link = None
            self._log.info("disconnected", reason=reason)
            self._tell(Closed(self._now()))

    async def _handle(self) -> None:
        try:
            while self._asked:
                await self._answer(self._asked.popleft())
        finally:
            self._handler = None

    async def _answer(self, asked: _Asked) -> None:
        link, call = asked.link, asked.call
        if not link.is_open:
            return
        if link.version is Version.V16 and self._outbox.registration is Registration.REJECTED:
            return  # nothing is to be answered until the next boot (1.6 4.2)
        try:
            handled = await self._desk.handle(link.version, call.action.name, call.request)
        except OcppError as error:
            link.refuse(call, error)
            return
        except Exception:
            self._log.exception("a request could not be handled", action=call.action.name)
            link.refuse(call, OcppError(ErrorCode.INTERNAL_ERROR, "the station could not handle it"))
            return
        link.answer(call, handled.response)
        for work in handled.after:
            self._tasks.spawn(work, f"after {call.action.name}")

    def _stop_waiting(self) -> None:
        if self._cancel_wait is not None:
            self._cancel_wait()
            self._cancel_wait = None

    def _stop_watchdog(self) -> None:
        if self._cancel_watchdog is not None:
            self._cancel_watchdog()
            self._cancel_watchdog = None

    def _now(self) -> float:
        return self._clock.monotonic()

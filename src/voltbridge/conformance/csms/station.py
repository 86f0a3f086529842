"""The charging station the kit plays towards a CSMS: what it sends at the steps of a case.

Steps carry the document's numbers. A request goes out at a step and its answer belongs to the next one, or the other
way round where the CSMS begins. The reusable states built on this are in ``states``.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import msgspec

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.connection import Connection, Credentials, UpgradeRefused
from voltbridge.conformance.drivers import CsmsDriver, Instruction
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.patience import Tell, saying, within
from voltbridge.conformance.received import Received
from voltbridge.conformance.transcript import Entry, Transcript, Way
from voltbridge.domain.clock import Clock
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

__all__ = ["Asked", "Session", "SimulatedStation", "State"]


class State(StrEnum):
    """The reusable states a charging session goes through (Part 6, 3.18)."""

    AUTHORIZED = "Authorized"
    EV_CONNECTED_PRE_SESSION = "EVConnectedPreSession"
    ENERGY_TRANSFER_STARTED = "EnergyTransferStarted"
    ENERGY_TRANSFER_SUSPENDED = "EnergyTransferSuspended"
    STOP_AUTHORIZED = "StopAuthorized"
    EV_CONNECTED_POST_SESSION = "EVConnectedPostSession"
    EV_DISCONNECTED = "EVDisconnected"


@dataclass(slots=True)
class Session:
    """What happens at one EVSE."""

    token: Token
    """Presented to start and stop here."""
    state: State | None = None
    authorized: bool = False
    ev_connected: bool = False
    transaction_id: str | None = None
    """Of the transaction that is open, or None."""
    seq_no: int = 0
    """Of the next TransactionEventRequest; every transaction begins with 0 (E01.FR.07)."""


@dataclass(slots=True)
class SimulatedStation:
    """One station on one run of one case."""

    configuration: Configuration
    csms: CsmsDriver
    clock: Clock
    version: Version = Version.V201
    transcript: Transcript = field(default_factory=list)
    tell: Tell | None = None
    """Told what is waited for, where somebody watches."""
    sessions: dict[int, Session] = field(default_factory=dict)
    """By EVSE id, from the first use on."""
    not_available: set[tuple[int, int]] = field(default_factory=set)
    """Connectors last reported as something else than Available."""
    running: dict[int, int] = field(default_factory=dict)
    """1.6: the number of the transaction that runs, by connector."""
    _connection: Connection | None = None
    _stage: str = ""
    _events: int = 0
    _told: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def evse_id(self) -> int:
        """The EVSE for cases that need one."""
        return self.configuration.evse_id

    def session(self, evse_id: int | None = None) -> Session:
        """What happens at the EVSE, by default the configured one."""
        evse_id = evse_id or self.evse_id
        tokens = self.configuration.tokens
        token = tokens.valid if evse_id == self.evse_id else tokens.valid2
        return self.sessions.setdefault(evse_id, Session(token))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name the steps within after a reusable state or another part of a case."""
        outer, self._stage = self._stage, name
        try:
            yield
        finally:
            self._stage = outer

    def step(self, number: int) -> str:
        """The name of a step."""
        return f"{self._stage} {number}".lstrip()

    # Connection

    async def connect(
        self,
        *,
        credentials: Credentials | None = None,
        subprotocols: Sequence[str] | None = None,
    ) -> Connection:
        """Open a connection, by default as the configured station with its password, instead of the one there was.

        Raises UpgradeRefused; StepFailed when the peer cannot be reached.
        """
        await self.disconnect()
        configuration = self.configuration
        if credentials is None and configuration.basic_auth:
            credentials = Credentials(configuration.station_id, configuration.password)
        try:
            self._connection = await Connection.open(
                f"{self.csms.url}/{quote(configuration.station_id, safe='')}",
                subprotocols=(self.version,) if subprotocols is None else subprotocols,
                credentials=credentials,
                transcript=self.transcript,
                clock=self.clock,
                timeout_s=configuration.message_timeout_s,
                version=self.version,
            )
        except OSError as error:
            raise StepFailed(self.step(0), "a peer that answers", str(error) or "nothing") from error
        return self._connection

    async def reconnect(self, step: int) -> None:
        """Lose the connection at this step and come back after the configured transaction duration."""
        await self.disconnect()
        await self.transaction_duration()
        try:
            await self.connect()
        except UpgradeRefused as refused:
            raise StepFailed(self.step(step + 1), "an upgraded connection", str(refused)) from None

    async def disconnect(self) -> None:
        """Close the connection if there is one."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @property
    def connection(self) -> Connection:
        """The open one."""
        assert self._connection is not None, "the case has not connected"
        return self._connection

    # Messages

    async def call(self, step: int, action: str, payload: Mapping[str, Any]) -> Received:
        """Send a request at this step; the response, which belongs to the next.

        Raises StepFailed when no response comes in time, when it is a CALLERROR, or when the schema refuses it.
        """
        timeout_s = self.configuration.message_timeout_s
        with saying(self.tell, f"waiting for {action}Response", timeout_s, self.clock):
            return await self.connection.call(self.step(step + 1), action, payload, timeout_s)

    async def refused(self, step: int, action: str, payload: Mapping[str, Any], code: str) -> None:
        """Send a request at this step that has to be answered with a CALLERROR of this code."""
        timeout_s = self.configuration.message_timeout_s
        await self.connection.refused(self.step(step + 1), action, payload, timeout_s, code)

    async def asked(
        self,
        step: int,
        text: str,
        action: str,
        payload: Mapping[str, Any],
        *,
        command: tuple[str, Mapping[str, Any]] | None = None,
        timeout_s: float | None = None,
    ) -> Asked:
        """Have the CSMS send a request at this step (``text`` asks a person for it), and wait for it.

        ``command`` does the same in a CSMS that has commands whatever the version.

        ``timeout_s`` is how long the CSMS is to wait for the answer, where the case will give none.
        """
        name = self.step(step)
        came = self.connection.listen(action)
        self.note(f"told the CSMS: {text}")
        instruction = Instruction(text, self.configuration.station_id, action, payload, command, timeout_s)
        told = asyncio.create_task(self.csms.send(instruction))
        self._told.append(told)
        try:
            async with self.reaction(f"{action}Request"):
                first: list[asyncio.Future[Any]] = [came, told]
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                if not came.done():
                    # The driver is through or failed before the message was seen: the failure is the answer.
                    await told
                unique_id, raw = await came
        except TimeoutError:
            raise StepFailed(
                name, f"{action}Request", f"nothing of the kind within {self.csms.reaction_s:g} s"
            ) from None
        return Asked(self, step, action, unique_id, self.connection.request(name, action, raw), told)

    @asynccontextmanager
    async def reaction(self, what: str) -> AsyncIterator[None]:
        """For as long as the CSMS may take to do as told. Raises TimeoutError when what is inside takes longer."""
        seconds = self.csms.reaction_s
        with saying(self.tell, f"waiting for {what}", seconds, self.clock):
            async with within(seconds, self.clock):
                yield

    async def taken(self, step: int, action: str, came: asyncio.Queue[msgspec.Raw]) -> Received:
        """Wait for the next request that ``connection.take`` answers; it belongs to this step."""
        name = self.step(step)
        try:
            async with self.reaction(f"{action}Request"):
                raw = await came.get()
        except TimeoutError:
            raise StepFailed(
                name, f"{action}Request", f"nothing of the kind within {self.csms.reaction_s:g} s"
            ) from None
        return self.connection.request(name, action, raw)

    async def report(
        self, step: int, status: str, connectors: Iterable[tuple[int, int]] | None = None, *, event: bool = True
    ) -> None:
        """Tell the status of connectors, by default all: StatusNotification, then (``event``) NotifyEvent for each."""
        for evse_id, connector_id in list(self.configuration.connectors()) if connectors is None else connectors:
            where = {"evseId": evse_id, "connectorId": connector_id}
            await self.call(step, "StatusNotification", {"timestamp": self.now(), "connectorStatus": status, **where})
            if status == "Available":
                self.not_available.discard((evse_id, connector_id))
            else:
                self.not_available.add((evse_id, connector_id))
            if event:
                component = {"name": "Connector", "evse": {"id": evse_id, "connectorId": connector_id}}
                await self.notify_event(step, "Delta", component, "AvailabilityState", status)

    def connectors_of(self, evse_id: int) -> list[tuple[int, int]]:
        """The connectors of an EVSE."""
        return [one for one in self.configuration.connectors() if one[0] == evse_id]

    async def notify_event(
        self,
        step: int,
        trigger: str,
        component: Mapping[str, Any],
        variable: str,
        actual_value: str,
        *,
        moment: datetime | None = None,
    ) -> Received:
        """Send a NotifyEventRequest about one variable, as it was at that moment or is now."""
        self._events += 1
        event = {
            "eventId": self._events,
            "timestamp": self.now() if moment is None else str(DateTime.of(moment)),
            "trigger": trigger,
            "actualValue": actual_value,
            "eventNotificationType": "HardWiredNotification",
            "component": component,
            "variable": {"name": variable},
        }
        return await self.call(step, "NotifyEvent", {"generatedAt": self.now(), "seqNo": 0, "eventData": [event]})

    async def authorize(self, step: int, token: Token) -> Received:
        """Send an AuthorizeRequest."""
        return await self.call(step, "Authorize", {"idToken": token.wire})

    async def transaction_event(
        self,
        step: int,
        event_type: str,
        trigger_reason: str,
        *,
        evse_id: int | None = None,
        known_evse: bool = False,
        token: Token | None = None,
        meter_value: Sequence[Mapping[str, Any]] | None = None,
        moment: datetime | None = None,
        custom_data: Mapping[str, Any] | None = None,
        offline: bool = False,
        **info: str | int,
    ) -> Received:
        """Send a TransactionEventRequest of the session at an EVSE, by default the configured one.

        The EVSE is named in the message when ``known_evse``. ``info`` are further fields of transactionInfo by their
        wire names, such as ``chargingState``.
        """
        session = self.session(evse_id)
        if session.transaction_id is None:
            session.transaction_id = str(uuid.uuid4())
            session.seq_no = 0
        transaction: dict[str, Any] = {"transactionId": session.transaction_id, **info}
        payload: dict[str, Any] = {
            "eventType": event_type,
            "timestamp": self.now() if moment is None else str(DateTime.of(moment)),
            "triggerReason": trigger_reason,
            "seqNo": session.seq_no,
            "transactionInfo": transaction,
        }
        if offline:
            payload["offline"] = True
        if known_evse:
            payload["evse"] = {"id": evse_id or self.evse_id, "connectorId": self.configuration.connector_id}
        if token is not None:
            payload["idToken"] = token.wire
        if meter_value is not None:
            payload["meterValue"] = meter_value
        if custom_data is not None:
            payload["customData"] = transaction["customData"] = custom_data
        session.seq_no += 1
        if event_type == "Ended":
            session.transaction_id = None
            session.authorized = False
        return await self.call(step, "TransactionEvent", payload)

    async def leave(self) -> None:
        """Forget what the CSMS was told and did not do, and disconnect."""
        for told in self._told:
            told.cancel()
        await asyncio.gather(*self._told, return_exceptions=True)
        await self.disconnect()

    async def restore(self) -> None:
        """Leave as the next case wants to find it: no open transaction, every connector available."""
        with self.stage("after"):
            if self.version is Version.V16:
                await self._restore_charge_point()
                return
            for evse_id, session in self.sessions.items():
                if session.transaction_id is not None:
                    await self.transaction_event(
                        1, "Ended", "AbnormalCondition", evse_id=evse_id, stoppedReason="Other"
                    )
            await self.report(2, "Available", sorted(self.not_available))

    async def _restore_charge_point(self) -> None:
        for number in self.running.values():
            stop = {"transactionId": number, "meterStop": 0, "timestamp": self.now(), "reason": "Other"}
            await self.call(1, "StopTransaction", stop)
        for evse_id, _ in sorted(self.not_available):
            status = {"connectorId": evse_id, "errorCode": "NoError", "status": "Available"}
            await self.call(2, "StatusNotification", status)

    def note(self, text: str) -> None:
        """Leave a note among the frames."""
        self.transcript.append(Entry(self.clock.now(), Way.NOTE, text))

    # Time

    def now(self) -> str:
        """The moment as a message's timestamp."""
        return str(DateTime.of(self.clock.now()))

    def in_a_while(self, seconds: float) -> str:
        """A later moment as a message's timestamp."""
        return str(DateTime.of(self.clock.now() + timedelta(seconds=seconds)))

    async def transaction_duration(self) -> None:
        """Wait for the configured transaction duration."""
        await self.clock.sleep(self.configuration.transaction_duration_s)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request from the CSMS that waits for its answer."""

    station: SimulatedStation
    step: int
    action: str
    unique_id: str
    request: Received
    told: asyncio.Task[None]

    def expect(self, path: str, *allowed: object) -> None:
        """As ``Received.expect``, of the request."""
        self.request.expect(path, *allowed)

    async def ignore(self) -> None:
        """Give no answer, and wait until the CSMS has given up waiting for one."""
        await asyncio.wait([self.told])

    async def refuse(self, code: str) -> None:
        """Send a CALLERROR at the next step and wait until the CSMS took it, which it tells its operator somehow."""
        name = self.station.step(self.step + 1)
        await self.station.connection.refuse(name, self.unique_id, code)
        await asyncio.wait([self.told])

    async def answer_one_of_several(
        self,
        payload: Mapping[str, Any],
        *,
        step: int | None = None,
        otherwise: Callable[[], Awaitable[Asked]] | None = None,
    ) -> Asked:
        """Send the response at the next step; the next request that the CSMS makes of the same instruction.

        That belongs to ``step``, by default to the same as this one. ``otherwise`` instructs a CSMS that is through
        with this instruction and has made no other request.
        """
        station = self.station
        step = step or self.step
        name = station.step(step)
        came = station.connection.listen(self.action)
        await station.connection.answer(station.step(self.step + 1), self.action, self.unique_id, payload)
        try:
            async with station.reaction(f"another {self.action}Request"):
                first: list[asyncio.Future[Any]] = [came, self.told]
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
                if not came.done():
                    await self.told
                if came.done() or otherwise is None:
                    await came
        except TimeoutError:
            raise StepFailed(
                name, f"another {self.action}Request", f"nothing of the kind within {station.csms.reaction_s:g} s"
            ) from None
        if not came.done():
            assert otherwise is not None, "it was waited for"
            return await otherwise()
        unique_id, raw = came.result()
        request = station.connection.request(name, self.action, raw)
        return Asked(station, step, self.action, unique_id, request, self.told)

    async def answer(self, payload: Mapping[str, Any], *, seen: str | None = None) -> None:
        """Send the response at the next step and wait until the CSMS took it.

        ``seen`` is a question to the operator: whether the CSMS shows what the response says. Raises StepFailed when
        it does not.
        """
        name = self.station.step(self.step + 1)
        await self.station.connection.answer(name, self.action, self.unique_id, payload)
        await self.told
        if seen is not None and not await self.station.csms.shows(payload, seen):
            raise StepFailed(name, "a CSMS that shows its operator the response", "another one, or none")

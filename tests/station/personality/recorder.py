"""A CSMS that writes down every byte and answers whatever it can read; and the story that all quirks are seen in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSMsgType, web

from voltbridge.conformance.patience import within
from voltbridge.domain.clock import Clock
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.quirk import Quirk
from voltbridge.station.virtual_clock import VirtualClock, run

__all__ = ["TOKEN", "Call", "Recorder", "told"]

TOKEN: Final = "04A1B2C3D4E501"
_LONGEST_S: Final = 86_400.0


@dataclass(frozen=True)
class Call:
    """A request of the station."""

    at: float
    connection: int
    raw: str
    unique_id: Any
    action: str
    payload: dict[str, Any]
    unanswered: int
    """How many of its requests the CSMS had not answered when this one came."""


@dataclass
class Recorder:
    """Takes one station at a time. ``answer_after_s``: how long each answer takes."""

    clock: Clock
    version: Version
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    replies: list[tuple[float, list[Any]]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    pings: int = 0
    pongs: int = 0
    connections: int = 0
    refuses: bool = False
    answer_after_s: float = 0.0
    _socket: web.WebSocketResponse | None = None
    _transport: Any = None
    _runner: web.AppRunner | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _transactions: int = 0
    _waiting: int = 0

    async def __aenter__(self) -> Recorder:
        application = web.Application()
        application.router.add_get("/ocpp/{identity}", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self.cut()
        await self._runner.cleanup()

    # What came

    def of(self, *actions: str) -> list[Call]:
        return [call for call in self.calls if call.action in actions]

    def payloads(self, *actions: str) -> list[dict[str, Any]]:
        return [call.payload for call in self.of(*actions)]

    @property
    def samples(self) -> list[dict[str, Any]]:
        """All sampled values, wherever they came."""
        values = [
            value
            for payload in self.payloads("MeterValues", "TransactionEvent", "StopTransaction")
            for name in ("meterValue", "transactionData")
            for value in payload.get(name, ())
        ]
        return [sample for value in values for sample in value["sampledValue"]]

    @property
    def states(self) -> list[str]:
        field = "status" if self.version is Version.V16 else "connectorStatus"
        return [payload[field] for payload in self.payloads("StatusNotification") if payload.get("connectorId") != 0]

    @property
    def starts(self) -> list[dict[str, Any]]:
        if self.version is Version.V16:
            return self.payloads("StartTransaction")
        return [each for each in self.payloads("TransactionEvent") if each["eventType"] == "Started"]

    @property
    def ends(self) -> list[dict[str, Any]]:
        if self.version is Version.V16:
            return self.payloads("StopTransaction")
        return [each for each in self.payloads("TransactionEvent") if each["eventType"] == "Ended"]

    def answers(self, unique_id: str) -> list[tuple[float, list[Any]]]:
        return [(at, frame) for at, frame in self.replies if frame[1] == unique_id]

    async def until(self, holds: Callable[[], Any]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()

    # What is asked

    async def ask(self, unique_id: str, action: str, payload: dict[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send_str(json.dumps([2, unique_id, action, payload]))

    async def ping(self) -> None:
        assert self._socket is not None
        await self._socket.ping(b"are you there")

    async def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.refuses:
            return web.Response(status=503)
        socket = web.WebSocketResponse(protocols=(self.version.value,), autoping=False, compress=False)
        await socket.prepare(request)
        self._socket, self._transport = socket, request.transport
        self.connections += 1
        self._waiting = 0
        self._news.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.PING:
                    self.pings += 1
                    await socket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    self.pongs += 1
                elif message.type is WSMsgType.TEXT:
                    self._take(socket, message.data)
                self._news.set()
        except ConnectionError:
            pass
        return socket

    def _take(self, socket: web.WebSocketResponse, text: str) -> None:
        self.raw.append(text)
        frame = json.loads(text.strip(" \r\n\t\x00\ufeff"))
        if frame[0] != 2:
            self.replies.append((self.clock.monotonic(), frame))
            return
        self.calls.append(
            Call(self.clock.monotonic(), self.connections, text, frame[1], frame[2], frame[3], self._waiting)
        )
        self._waiting += 1

        def answer() -> None:
            self._waiting -= 1
            if not socket.closed:
                task = asyncio.ensure_future(self._send(socket, [3, frame[1], self._answer(frame[2])]))
                _TASKS.add(task)
                task.add_done_callback(_TASKS.discard)

        self.clock.call_later(self.answer_after_s, answer)

    @staticmethod
    async def _send(socket: web.WebSocketResponse, frame: list[Any]) -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send_str(json.dumps(frame))

    def _answer(self, action: str) -> dict[str, Any]:
        now = str(DateTime.of(self.clock.now()))
        old = self.version is Version.V16
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": now, "interval": 300}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return {"idTagInfo" if old else "idTokenInfo": {"status": "Accepted"}}
            case "StartTransaction":
                self._transactions += 1
                return {"transactionId": 70 + self._transactions, "idTagInfo": {"status": "Accepted"}}
        return {}


_TASKS: set[asyncio.Future[None]] = set()


def told(version: Version, *quirks: Quirk, lacks: Sequence[str] = ()) -> Recorder:
    """What a station with these quirks says in the story."""

    async def main(clock: VirtualClock) -> Recorder:
        async with Recorder(clock, version) as csms, Network(clock, holds_clock=False) as network:
            configuration = StationConfiguration(
                "CP-1",
                f"ws://127.0.0.1:{csms.port}/ocpp",
                (version,),
                variables=_VARIABLES,
                lacks=frozenset(lacks),
                quirks=quirks,
            )
            async with Station(configuration, clock=clock, network=network) as station, within(_LONGEST_S, clock):
                await _story(csms, station, clock)
            return csms

    return run(main)


_VARIABLES: Final = {
    "SampledDataCtrlr.TxUpdatedInterval": "60",
    "OCPPCommCtrlr.WebSocketPingInterval": "30",
    "OCPPCommCtrlr.RetryBackOffWaitMinimum": "20",
    "OCPPCommCtrlr.RetryBackOffRandomRange": "0",
    "SampledDataCtrlr.TxUpdatedMeasurands": "Energy.Active.Import.Register,Power.Active.Import",
}


async def _story(csms: Recorder, station: Station, clock: Clock) -> None:
    """A day at a station: questions of the CSMS, a visit with a hole in the connection, a fault, a reset, a visit."""
    await station.connected()
    await clock.sleep(100)
    await csms.ping()
    if csms.version is Version.V16:
        await csms.ask("values", "GetConfiguration", {})
    else:
        names = [("AuthCtrlr", "Enabled"), ("SampledDataCtrlr", "TxUpdatedMeasurands")]
        data = [{"component": {"name": component}, "variable": {"name": name}} for component, name in names]
        await csms.ask("values", "GetVariables", {"getVariableData": data})
    await csms.ask("trigger", "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await csms.ask("nonsense", "Dance", {})
    await clock.sleep(60)
    await _visit(csms, station, clock, hole=True)
    evse = station.hardware.evses[0]
    evse.fault("GroundFailure")  # type: ignore[attr-defined]
    await csms.until(lambda: any(state.lower() == "faulted" for state in csms.states))
    evse.repair("GroundFailure")  # type: ignore[attr-defined]
    await clock.sleep(10)
    await csms.ask("reset", "Reset", {"type": "Hard" if csms.version is Version.V16 else "Immediate"})
    before = csms.connections
    await csms.until(lambda: csms.connections > before)
    await station.connected()
    await clock.sleep(10)
    await _visit(csms, station, clock, hole=False)


async def _visit(csms: Recorder, station: Station, clock: Clock, *, hole: bool) -> None:
    async with station.plug_in() as visit:
        await visit.swipe(TOKEN)
        await visit.charging()
        await clock.sleep(130)
        if hole:
            csms.refuses = True
            await csms.cut()
            await clock.sleep(200)
            csms.answer_after_s = 0.5
            csms.refuses = False
            await station.connected()
            await clock.sleep(30)
            csms.answer_after_s = 0.0
    await clock.sleep(30)

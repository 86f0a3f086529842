"""A small CSMS that follows a script, written from the specification alone, and the faults that make it a wrong one.

It answers what the cases of the kit send, correctly, and is its own driver. A fault tampers with one frame it sends
or with one handshake; what it does otherwise stays correct.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from aiohttp import WSMsgType, web

from voltbridge.clock import SystemClock
from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.drivers import Instruction
from voltbridge.conformance.failure import DriverFailed
from voltbridge.domain.clock import Cancel

__all__ = [
    "REFUSED",
    "REMOVED",
    "Fault",
    "Frame",
    "HurriedClock",
    "ScriptedCsms",
    "Sent",
    "change",
    "drop",
    "early",
    "refuse",
    "twice",
]

Frame = list[Any]
REMOVED = object()
REFUSED = "refused"


class HurriedClock(SystemClock):
    """Nobody waits for it: sleeping moves the time instead, and time-outs come as soon as there is a reason."""

    __slots__ = ("_slept", "_timeouts", "begun")

    def __init__(self) -> None:
        self._slept = 0.0
        self._timeouts: dict[object, Callable[[], None]] = {}
        self.begun = asyncio.Event()
        """Set whenever somebody begins to wait for something."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._slept)

    async def sleep(self, seconds: float) -> None:
        self._slept += seconds
        await asyncio.sleep(0)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        key = object()
        self._timeouts[key] = callback
        self.begun.set()
        cancel_real_one = super().call_later(seconds, callback)

        def cancel() -> None:
            self._timeouts.pop(key, None)
            cancel_real_one()

        return cancel

    def expire(self) -> None:
        """Every time-out that runs is over."""
        for callback in list(self._timeouts.values()):
            callback()


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame on its way to the station."""

    position: int
    """How many frames were sent before."""
    action: str
    nth: int
    """How many frames of this action were sent, this one included."""
    frame: Frame


def _select(nth: int, offered: list[str]) -> str | None:
    return next((each for each in ("ocpp2.0.1", "ocpp1.6") if each in offered), REFUSED)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the CSMS; by default nothing."""

    tamper: Callable[[Sent], list[Frame]] = lambda sent: [sent.frame]
    lets_in: Callable[[bool], bool] = lambda right: right
    """Whether a station is let in, its credentials being right or not."""
    selects: Callable[[int, list[str]], str | None] = _select
    """The subprotocol of the nth connection from those offered, None for an upgrade without, or ``REFUSED``."""
    refusal: int = 400
    """HTTP status of a refused upgrade."""
    early: tuple[str, Mapping[str, Any]] | None = None
    """Send this action right after the boot instead of when told."""
    shows_nothing: bool = False
    shows_no_monitors: bool = False


def drop(action: str, nth: int = 1) -> Fault:
    """Leave the nth message of an action out."""
    return Fault(lambda sent: [] if (sent.action, sent.nth) == (action, nth) else [sent.frame])


def refuse(action: str, nth: int = 1) -> Fault:
    """Answer the nth request of an action with a CALLERROR."""

    def tamper(sent: Sent) -> list[Frame]:
        if (sent.action, sent.nth) == (action, nth):
            return [[4, sent.frame[1], "InternalError", "planted", {}]]
        return [sent.frame]

    return Fault(tamper)


def twice(action: str, nth: int = 1) -> Fault:
    """Send the nth message of an action twice."""
    return Fault(lambda sent: [sent.frame] * (2 if (sent.action, sent.nth) == (action, nth) else 1))


def change(action: str, path: str, value: object, nth: int = 1) -> Fault:
    """Send the nth message of an action with another value at a path, or without it."""

    def tamper(sent: Sent) -> list[Frame]:
        if (sent.action, sent.nth) != (action, nth):
            return [sent.frame]
        frame = copy.deepcopy(sent.frame)
        *parents, last = path.split(".")
        place: Any = frame[-1]
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
        return [frame]

    return Fault(tamper)


def early(action: str, payload: Mapping[str, Any]) -> Fault:
    """Send a request before the CSMS is told to."""
    return Fault(early=(action, payload))


@dataclass(slots=True)
class ScriptedCsms:
    """The CSMS and its driver in one."""

    configuration: Configuration
    fault: Fault
    clock: HurriedClock = field(default_factory=HurriedClock)
    """Of the kit that tests this CSMS: what the CSMS leaves out is never waited for."""
    reaction_s: float = 10.0
    url: str = ""
    _socket: web.WebSocketResponse | None = None
    _connections: int = 0
    _sent: list[str] = field(default_factory=list)
    _response: Any = None
    _answered: asyncio.Event = field(default_factory=asyncio.Event)
    _registration: str = "Accepted"
    _priced: bool = False
    _answered_boot: str = "Accepted"
    """What the last boot was answered with, or was meant to be."""
    _variables: dict[tuple[str, str], str] = field(default_factory=dict)
    _monitors: list[tuple[str, int | None, str, str]] = field(default_factory=list)
    _most_cleared: int = 100
    """How many monitors the station has said it clears at a time."""
    _asked_to_write: Mapping[str, Any] | None = None
    _known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _listed: list[Any] = field(default_factory=list)
    """The entries of the local list that was sent last."""

    @classmethod
    @asynccontextmanager
    async def serving(cls, configuration: Configuration, fault: Fault) -> AsyncIterator[Self]:
        csms = cls(configuration, fault)
        application = web.Application()
        application.router.add_get("/{identity}", csms._accept)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        csms.url = f"ws://{host}:{port}"
        try:
            yield csms
        finally:
            await runner.cleanup()

    async def prepare(self, configuration: Configuration) -> None:
        tokens = configuration.tokens

        def know(token: Token, status: str, group: Token | None = None) -> None:
            info: dict[str, Any] = {"status": status}
            if group is not None:
                info["groupIdToken"] = group.wire
            self._known[token.type, token.id_token] = info

        know(tokens.valid, "Accepted", tokens.group)
        know(tokens.valid2, "Accepted", tokens.group)
        know(tokens.master_pass, "Accepted", tokens.master_pass_group)
        know(tokens.blocked, "Blocked")
        know(tokens.expired, "Expired")

    async def price(self, station_id: str) -> None:
        self._priced = True

    async def send(self, instruction: Instruction) -> None:
        if self.fault.early is not None:
            self.clock.expire()
            return
        self._answered.clear()
        self._asked_to_write = instruction.payload if instruction.action == "ChangeConfiguration" else None
        for payload in self._pieces(instruction.action, instruction.payload):
            self._answered.clear()
            await self._call(instruction.action, payload)
            try:
                await asyncio.wait_for(self._answered.wait(), instruction.timeout_s)
            except TimeoutError:
                raise DriverFailed("no answer") from None
        refused = isinstance(self._response, dict) and self._response.get("status") in ("Failed", "VersionMismatch")
        if instruction.action == "SendLocalList" and instruction.payload["updateType"] == "Differential" and refused:
            whole = [*self._listed, *instruction.payload["localAuthorizationList"]]
            version = instruction.payload["listVersion"] + 1
            self._answered.clear()
            payload = {"listVersion": version, "updateType": "Full", "localAuthorizationList": whole}
            await self._call(instruction.action, payload)
            await self._answered.wait()
        self._listed = list(instruction.payload.get("localAuthorizationList", ()))

    async def end(self) -> None:
        self._listed = []

    def _pieces(self, action: str, payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What is asked for, in messages that the station takes."""
        if action != "ClearVariableMonitoring":
            return [payload]
        ids, most = payload["id"], self._most_cleared
        return [{"id": ids[start : start + most]} for start in range(0, len(ids), most)]

    async def shows(self, response: Mapping[str, Any], question: str) -> bool:
        return bool(self._response == response) and not self.fault.shows_nothing

    async def decide(self, station_id: str, registration: str) -> None:
        self._registration = registration

    async def shows_variable(self, station_id: str, component: str, variable: str, value: str) -> bool:
        return self._variables.get((component, variable)) == value and not self.fault.shows_nothing

    async def shows_monitor(
        self, station_id: str, component: str, evse_id: int | None, variable: str, type: str
    ) -> bool:
        return (component, evse_id, variable, type) in self._monitors and not self.fault.shows_no_monitors

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        configuration = self.configuration
        login = f"{configuration.station_id}:{configuration.password}".encode()
        self._connections += 1
        right = request.headers.get("Authorization") == f"Basic {base64.b64encode(login).decode()}"
        selected = self.fault.selects(self._connections, offered) if self.fault.lets_in(right) else REFUSED
        if selected == REFUSED:
            return web.Response(status=self.fault.refusal)
        socket = web.WebSocketResponse(protocols=[] if selected is None else [selected])
        await socket.prepare(request)
        self._socket = socket
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(json.loads(message.data))
        return socket

    async def _take(self, frame: Frame) -> None:
        if frame[0] in (3, 4):
            self._response = frame[2]
            self._note_keys(frame[2])
            self._note_limit(frame[2])
            self._answered.set()
        elif frame[0] == 2:
            _, unique_id, action, payload = frame
            for told in payload.get("reportData", ()):
                name = (told["component"]["name"], told["variable"]["name"])
                self._variables[name] = told["variableAttribute"][0]["value"]
            for told in payload.get("monitor", ()):
                component = told["component"]
                place = (component["name"], component.get("evse", {}).get("id"), told["variable"]["name"])
                self._monitors += [(*place, one["type"]) for one in told["variableMonitoring"]]
            if action == "BootNotification":
                self._answered_boot = self._registration
            if self._answered_boot != "Accepted" and action != "BootNotification":
                await self._send(action, [4, unique_id, "SecurityError", "", {}])
                return
            self.clock.begun.clear()
            await self._send(action, [3, unique_id, self._answer(action, payload)])
            if self._priced and action == "TransactionEvent" and payload["triggerReason"] == "MeterValuePeriodic":
                # What is left out must not be missed before it is waited for.
                await self.clock.begun.wait()
                running = payload["transactionInfo"]["transactionId"]
                await self._call("CostUpdated", {"totalCost": 1.25, "transactionId": running})
            if action == "BootNotification" and self.fault.early is not None:
                await self._call(*self.fault.early)

    def _note_keys(self, response: Any) -> None:
        """1.6: what the answer to GetConfiguration or ChangeConfiguration says of the two keys there are."""
        if not isinstance(response, dict):
            return
        for told in response.get("configurationKey", ()):
            self._note_key(told["key"], told["value"])
        if response == {"status": "Accepted"} and self._asked_to_write is not None:
            self._note_key(self._asked_to_write["key"], self._asked_to_write["value"])

    def _note_limit(self, response: Any) -> None:
        for told in response.get("getVariableResult", ()) if isinstance(response, dict) else ():
            if told["variable"].get("instance") == "ClearVariableMonitoring":
                self._most_cleared = int(told["attributeValue"])

    def _note_key(self, key: str, value: str) -> None:
        component = "OCPPCommCtrlr" if key == "HeartbeatInterval" else "VendorCtrlr"
        self._variables[component, key] = value

    async def _call(self, action: str, payload: Mapping[str, Any]) -> None:
        await self._send(action, [2, str(uuid.uuid4()), action, dict(payload)])

    async def _send(self, action: str, frame: Frame) -> None:
        assert self._socket is not None
        self._sent.append(action)
        sent = Sent(len(self._sent) - 1, action, self._sent.count(action), frame)
        frames = self.fault.tamper(sent)
        for one in frames:
            await self._socket.send_str(json.dumps(one))
        if not frames:
            self.clock.expire()

    def _answer(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        match action:
            case "BootNotification":
                return {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": self._registration}
            case "Authorize" if "idTag" in payload:
                return {"idTagInfo": self._info_of_tag(payload["idTag"])}
            case "StartTransaction":
                return {"transactionId": len(self._sent), "idTagInfo": self._info_of_tag(payload["idTag"])}
            case "Authorize":
                return {"idTokenInfo": self._info(payload["idToken"])}
            case "TransactionEvent" if self._priced and payload["eventType"] == "Ended":
                return {"totalCost": 2.5}
            case "TransactionEvent" if "idToken" in payload:
                return {"idTokenInfo": self._info(payload["idToken"])}
            case "Heartbeat":
                return {"currentTime": "2026-01-01T00:00:00Z"}
            case "DataTransfer":
                return {"status": "UnknownVendorId"}
            case _:
                return {}

    def _info_of_tag(self, id_tag: str) -> dict[str, Any]:
        known = [info for (_, id_token), info in self._known.items() if id_token == id_tag]
        return {"status": known[0]["status"] if known else "Invalid"}

    def _info(self, token: Mapping[str, str]) -> dict[str, Any]:
        return self._known.get((token["type"], token["idToken"]), {"status": "Unknown"})

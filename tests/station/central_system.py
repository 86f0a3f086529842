"""A central system made by others: that of the PyPI package ``ocpp``, which judges every message by the schemas."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from ocpp.charge_point import camel_to_snake_case
from ocpp.routing import on
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voltbridge.domain.clock import Clock
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.ports import Store
from voltbridge.station.virtual_clock import VirtualClock, run

__all__ = ["CentralSystem", "Message", "charging", "live", "served"]

T = TypeVar("T")
Message = dict[str, Any]
_PACKAGES: Final = {Version.V16: "ocpp.v16", Version.V201: "ocpp.v201", Version.V21: "ocpp.v21"}


class CentralSystem:
    """Takes one station at a time. ``answers``: wire JSON for an action, or what makes it of the request."""

    def __init__(self, clock: Clock, versions: tuple[Version, ...]) -> None:
        self._clock = clock
        self.versions = versions
        self.port = 0
        self.secure = False
        self.server: Server | None = None
        self.answers: dict[str, Message | Callable[[Message], Message]] = {}
        self.received: list[tuple[str, Message]] = []
        """(action, payload) of the station's requests, as they were on the wire."""
        self.refused: list[Any] = []
        """CALLERRORs that either side has sent."""
        self.silent: set[str] = set()
        """Actions that are not answered."""
        self.unanswered: set[str] = set()
        self.password: str | None = None
        """None: everybody is let in."""
        self.turned_away = 0
        self.transactions = 0
        self.connections = 0
        self._news = asyncio.Event()
        self._point: Any = None
        self._socket: ServerConnection | None = None
        self._calls: Any = None
        self._responses: dict[str, asyncio.Future[Message]] = {}

    @property
    def url(self) -> str:
        return f"{'wss' if self.secure else 'ws'}://127.0.0.1:{self.port}/ocpp"

    # The station's requests

    def of(self, action: str) -> list[Message]:
        """What was received of an action."""
        return [payload for name, payload in self.received if name == action]

    async def next(self, action: str, holds: Callable[[Message], bool] = lambda payload: True) -> Message:
        """The first message of an action that fits, whether it has come or is to come."""
        while True:
            for payload in self.of(action):
                if holds(payload):
                    return payload
            self._news.clear()
            await self._news.wait()

    def forget(self) -> None:
        """Count from here."""
        self.received.clear()

    def forget_but(self, action: str) -> None:
        """As ``forget``, without what was received of this action."""
        self.received = [each for each in self.received if each[0] == action]

    # Our own

    async def call(self, action: str, payload: Message | None = None) -> Message:
        """Ask the station; its response as it was on the wire. A CALLERROR raises."""
        request = getattr(self._calls, action)(**camel_to_snake_case(payload or {}))
        before = len(self._point.frames)
        await self._point.call(request, suppress=False, skip_schema_validation=False)
        frames = [json.loads(text) for text in self._point.frames[before:]]
        response: Message = next(frame[2] for frame in frames if frame[0] == 3)
        return response

    @property
    def frames(self) -> list[str]:
        """All that came over this connection."""
        frames: list[str] = self._point.frames
        return frames

    async def send_raw(self, text: str) -> None:
        """Send whatever it is."""
        assert self._socket is not None
        await self._socket.send(text)

    def abort(self) -> None:
        """Drop the connection at once; what is being answered is not answered any more."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def cut(self) -> None:
        """Drop the connection."""
        self.abort()

    # The connection

    async def serve(self, socket: ServerConnection) -> None:
        """One station, from its handshake on."""
        assert socket.subprotocol is not None
        version = Version(socket.subprotocol)
        package = _PACKAGES[version]
        self._calls = importlib.import_module(f"{package}.call")
        self._socket = socket
        self.connections += 1
        results = importlib.import_module(f"{package}.call_result")
        names = [a.name for a in actions(version).values() if a.from_station and a.response is not None]
        handlers = {f"on_{name}": self._handler(name, results) for name in names}
        base = importlib.import_module(package).ChargePoint
        wire = _Wire(socket, self)
        self._point = type("Point", (base,), handlers)("CP", wire, response_timeout=1000)
        self._point.frames = wire.frames
        with contextlib.suppress(ConnectionClosed):
            await self._point.start()

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Who may come in: with the right password, or anybody."""
        given = request.headers.get("Authorization", "")
        if self.password is None or given == "Basic " + base64.b64encode(f"CP-1:{self.password}".encode()).decode():
            return None
        self.turned_away += 1
        return socket.respond(HTTPStatus.UNAUTHORIZED, "not you")

    def note(self, text: str) -> None:
        """A frame from the station."""
        frame = json.loads(text)
        if frame[0] == 2:
            self.received.append((frame[2], frame[3]))
            if frame[2] in self.silent:
                self.unanswered.add(frame[1])
        elif frame[0] == 4:
            self.refused.append(frame)
        self._news.set()

    def _handler(self, action: str, results: Any) -> Any:
        async def answer(_point: Any, **fields: Any) -> Any:
            given = self.answers.get(action)
            payload = next((p for name, p in reversed(self.received) if name == action), {})
            said = given(payload) if callable(given) else given if given is not None else self._default(action)
            return getattr(results, action)(**camel_to_snake_case(json.loads(json.dumps(said))))

        answer.__name__ = f"on_{action}"
        return on(action)(answer)

    def _default(self, action: str) -> Message:
        now = DateTime.of(self._clock.now())
        is_16 = self._socket is not None and self._socket.subprotocol == Version.V16.value
        match action:
            case "BootNotification":
                return {"currentTime": now, "interval": 300, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize" if is_16:
                return {"idTagInfo": {"status": "Accepted"}}
            case "Authorize":
                return {"idTokenInfo": {"status": "Accepted"}}
            case "StartTransaction":
                self.transactions += 1
                return {"transactionId": self.transactions, "idTagInfo": {"status": "Accepted"}}
            case "DataTransfer":
                return {"status": "Accepted"}
        return {}


class _Wire:
    """The connection as the package's charge point uses it."""

    def __init__(self, socket: ServerConnection, owner: CentralSystem) -> None:
        self._socket = socket
        self._owner = owner
        self.frames: list[str] = []

    async def recv(self) -> str:
        text = await self._socket.recv()
        text = text if isinstance(text, str) else text.decode()
        self.frames.append(text)
        self._owner.note(text)
        return text

    async def send(self, text: str) -> None:
        frame = json.loads(text)
        if frame[1] in self._owner.unanswered:
            return
        if frame[0] == 4:
            self._owner.refused.append(frame)
        await self._socket.send(text)


@contextlib.asynccontextmanager
async def served(
    clock: Clock, *versions: Version, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[CentralSystem]:
    """A central system that speaks these versions."""
    central = CentralSystem(clock, versions)
    central.secure = tls is not None
    names = [Subprotocol(version.value) for version in versions]
    async with serve(
        central.serve,
        "127.0.0.1",
        port,
        ssl=tls,
        subprotocols=names,
        process_request=central.admit,
        ping_interval=None,
        close_timeout=1,
    ) as server:
        central.port = server.sockets[0].getsockname()[1]
        central.server = server
        yield central


@contextlib.asynccontextmanager
async def charging(
    clock: Clock,
    version: Version,
    *,
    evses: int = 1,
    store: Store | None = None,
    variables: dict[str, str] | None = None,
    connected: bool = True,
    evse: EvseConfiguration | None = None,
    password: str | None = None,
    supply_max_current_a: float = 0.0,
) -> AsyncIterator[tuple[CentralSystem, Station]]:
    """A virtual station of one version and its central system, in one event loop."""
    async with served(clock, version) as central, Network(clock, holds_clock=False) as network:
        central.password = password
        configuration = StationConfiguration(
            identity="CP-1",
            password=password,
            csms_url=central.url,
            versions=(version,),
            evses=(evse or EvseConfiguration(),) * evses,
            variables=variables or {},
            supply_max_current_a=supply_max_current_a,
        )
        async with Station(configuration, store=store, network=network) as station:
            if connected:
                await station.connected()
            yield central, station
        assert central.refused == [], "somebody refused a message"


def live(story: Callable[[VirtualClock], Awaitable[T]]) -> T:
    """Run a story in virtual time; nothing in it may take a day."""

    async def within(clock: VirtualClock) -> T:
        async with asyncio.timeout(50):
            return await story(clock)

    return run(within)

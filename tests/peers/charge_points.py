"""Charge points made by others: those of the PyPI package ``ocpp``, over the library ``websockets``.

They check every message against the schemas, both ways. Where they are wrong themselves, ``DEFECTS`` says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import ssl
from collections.abc import AsyncIterator, Collection
from typing import Any, Final

from ocpp.charge_point import camel_to_snake_case
from ocpp.routing import on
from tests.strategies.oracle import messages
from tests.support.payloads import fullest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version

__all__ = ["DEFECTS", "Peer", "answer_to", "connected", "from_csms", "request_of"]

_PACKAGES: Final = {Version.V16: "ocpp.v16", Version.V201: "ocpp.v201", Version.V21: "ocpp.v21"}

DEFECTS: Final = {
    (Version.V21, "GetCompositeSchedule"): {
        # It writes limitL2 where the standard has limit_L2, and refuses its own answer for that.
        "limit_L2",
        "limit_L3",
        "dischargeLimit_L2",
        "dischargeLimit_L3",
        "setpoint_L2",
        "setpoint_L3",
        "setpointReactive_L2",
        "setpointReactive_L3",
    }
}
"""By (version, action): fields of its own answer that the peer cannot spell."""


def from_csms(version: Version) -> list[str]:
    """Every action that a CSMS may call a station with."""
    return [action.name for action in actions(version).values() if action.from_csms]


def request_of(version: Version, action: str) -> Any:
    """A request with every field there is."""
    return fullest(messages(version)[f"{action}Request"])


def answer_to(version: Version, action: str) -> Any:
    """An answer with every field there is."""
    return fullest(messages(version)[f"{action}Response"])


class Peer:
    """A charge point on a connection. It answers every call from ``answers`` (wire JSON), else with every field."""

    def __init__(self, identity: str, version: Version, socket: ClientConnection, without: Collection[str]) -> None:
        self.identity = identity
        self.version = version
        package = _PACKAGES[version]
        self.calls = importlib.import_module(f"{package}.call")
        self._results = importlib.import_module(f"{package}.call_result")
        self.answers: dict[str, Any] = {}
        """What an action is answered; an exception is raised in the peer's handler, an event is waited for before."""
        self.called: asyncio.Queue[str] = asyncio.Queue()
        """Actions the peer was called with, once they are about to be answered."""
        self.received: list[str] = []
        self.sent: list[str] = []
        self._socket = socket
        self._inbox: asyncio.Queue[str] = asyncio.Queue()
        self._arrived = asyncio.Event()
        handlers = {f"on_{action}": self._handler(action) for action in from_csms(version) if action not in without}
        base = importlib.import_module(package).ChargePoint
        self.point = type("Point", (base,), handlers)(identity, self, response_timeout=60)

    # The connection, as the charge point uses it.

    async def listen(self) -> None:
        """Take what comes at once, however long the charge point is busy with what came before."""
        async for text in self._socket:
            assert isinstance(text, str)
            self.received.append(text)
            self._inbox.put_nowait(text)
            self._arrived.set()

    async def recv(self) -> str:
        return await self._inbox.get()

    async def send(self, text: str) -> None:
        self.sent.append(text)
        await self._socket.send(text)

    async def close(self) -> None:
        await self._socket.close()

    async def next_received(self) -> str:
        """Wait for the next message to arrive, answered or not."""
        self._arrived.clear()
        async with asyncio.timeout(60):
            await self._arrived.wait()
        return self.received[-1]

    # The station's own calls.

    async def call(self, action: str, **fields: Any) -> Any:
        """The answer to a call with these fields (snake_case); it must be a CALLRESULT."""
        return await self.point.call(getattr(self.calls, action)(**fields), suppress=False)

    # What it says when it is called.

    def _handler(self, action: str) -> Any:
        async def answer(_point: Any, **fields: Any) -> Any:
            self.called.put_nowait(action)
            said = self.answers.get(action)
            if isinstance(said, Exception):
                raise said
            if isinstance(said, asyncio.Event):
                await said.wait()
                said = None
            payload = self._spelled(action) if said is None else said
            return getattr(self._results, action)(**camel_to_snake_case(json.loads(json.dumps(payload))))

        return on(action)(_named(answer, f"on_{action}"))

    def _spelled(self, action: str) -> Any:
        return _without(answer_to(self.version, action), DEFECTS.get((self.version, action), set()))


def _named(function: Any, name: str) -> Any:
    # The package keeps its handlers by their names.
    function.__name__ = name
    return function


def _without(value: Any, fields: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, fields) for key, inner in value.items() if key not in fields}
    if isinstance(value, list):
        return [_without(inner, fields) for inner in value]
    return value


@contextlib.asynccontextmanager
async def connected(
    port: int,
    identity: str,
    version: Version,
    *,
    password: str | None = None,
    without: Collection[str] = (),
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Peer]:
    """A charge point that is connected and answers; ``without``: actions it has no handler for."""
    login = "" if password is None else f"{identity}:{password}@"
    url = f"{'ws' if tls is None else 'wss'}://{login}127.0.0.1:{port}/ocpp/{identity}"
    async with connect(
        url, ssl=tls, subprotocols=[Subprotocol(version)], proxy=None, open_timeout=60, ping_interval=None
    ) as socket:
        peer = Peer(identity, version, socket, without)
        tasks = [asyncio.create_task(peer.listen()), asyncio.create_task(peer.point.start())]
        try:
            yield peer
        finally:
            await socket.close()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await task

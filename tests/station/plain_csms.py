"""A CSMS of nothing but frames, on aiohttp: what a test tells it to do, and what stations sent."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

from voltbridge.protocol.versions import Version

__all__ = ["ANSWERS", "PlainCsms", "Visit"]

Answering = Callable[[str, dict[str, Any]], Any]


def _moment() -> str:
    return datetime(2026, 3, 1, 12, tzinfo=UTC).isoformat().replace("+00:00", "Z")


ANSWERS: Mapping[str, Any] = {
    "BootNotification": {"status": "Accepted", "currentTime": _moment(), "interval": 300},
    "Heartbeat": {"currentTime": _moment()},
    "Authorize": {"idTokenInfo": {"status": "Accepted"}},
    "DataTransfer": {"status": "Accepted"},
}
"""Of an agreeable CSMS of 2.x; any other action is answered with an empty object."""


@dataclass(eq=False)
class Visit:
    """One connection of a station."""

    request: web.Request
    websocket: web.WebSocketResponse
    frames: asyncio.Queue[list[Any]] = field(default_factory=asyncio.Queue)
    """What the station sent, also what was answered by itself."""
    replies: asyncio.Queue[list[Any]] = field(default_factory=asyncio.Queue)
    """Answers of the station to requests of the CSMS."""
    pings: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None

    @property
    def identity(self) -> str:
        return self.request.match_info["identity"]

    async def send(self, frame: Any) -> None:
        await self.websocket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def ask(self, action: str, payload: Any, unique_id: str = "1") -> list[Any]:
        """Send a request and return the frame that answers it."""
        await self.send([2, unique_id, action, payload])
        return await self.replies.get()

    async def frame(self, action: str) -> dict[str, Any]:
        """The payload of the next request of this action."""
        while True:
            frame = await self.frames.get()
            if frame[2] == action:
                payload: dict[str, Any] = frame[3]
                return payload

    def cut(self) -> None:
        """Break the connection without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


class PlainCsms:
    """An asynchronous context manager. ``answering`` gives the payload for an action, a whole frame to be sent with
    the id put in, or None for silence; ``refuse_with`` an HTTP status for the handshake.
    """

    def __init__(
        self,
        answering: Answering | None = None,
        *,
        versions: tuple[Version, ...] = tuple(Version),
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.answering = answering or (lambda action, payload: ANSWERS.get(action, {}))
        self.versions = versions
        self.refuse_with: int | None = None
        self.headers: dict[str, str] = {}
        self.accepts: Callable[[web.Request], bool] = lambda request: True
        self.answers_pings = True
        self.visits: asyncio.Queue[Visit] = asyncio.Queue()
        self.attempts: list[web.Request] = []
        self.attempted: asyncio.Queue[str] = asyncio.Queue()
        self.port = port
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._open: set[Visit] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}/ocpp"

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/ocpp/{identity}", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Cut every connection, and listen no more. ``start`` begins again on the same port."""
        for visit in list(self._open):
            visit.cut()
            await visit.ended.wait()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.attempts.append(request)
        self.attempted.put_nowait(request.match_info["identity"])
        if self.refuse_with is not None:
            return web.Response(status=self.refuse_with, headers=self.headers)
        if not self.accepts(request):
            return web.Response(status=401)
        websocket = web.WebSocketResponse(protocols=self.versions, autoping=False, compress=False)
        await websocket.prepare(request)
        visit = Visit(request, websocket)
        self._open.add(visit)
        self.visits.put_nowait(visit)
        try:
            async for message in websocket:
                match message.type:
                    case WSMsgType.PING:
                        visit.pings.put_nowait(message.data)
                        if self.answers_pings:
                            await websocket.pong(message.data)
                    case WSMsgType.TEXT:
                        await self._take(visit, json.loads(message.data))
        except ConnectionError:
            pass
        finally:
            visit.close_code = websocket.close_code
            visit.ended.set()
            self._open.discard(visit)
        return websocket

    async def _take(self, visit: Visit, frame: list[Any]) -> None:
        if frame[0] not in (2, 6):
            visit.replies.put_nowait(frame)
            return
        answer = self.answering(frame[2], frame[3]) if frame[0] == 2 else None
        visit.frames.put_nowait(frame)
        if isinstance(answer, list):
            await visit.send([answer[0], frame[1], *answer[1:]])
        elif answer is not None:
            await visit.send([3, frame[1], answer])

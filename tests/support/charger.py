"""A charging station that speaks frames: JSON arrays over a WebSocket, nothing of ours in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from voltbridge.protocol.versions import Version

__all__ = ["Charger", "Lost", "Refused"]

_PATIENCE_S = 60.0


class Lost(Exception):
    """The connection ended before the answer came."""


class Refused(Exception):
    """The answer was a CALLERROR."""

    def __init__(self, code: str, description: str, details: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Charger:
    """An asynchronous context manager. Calls of the CSMS are answered from ``answers``, by action."""

    def __init__(self, port: int, identity: str, version: Version) -> None:
        self._url = f"ws://127.0.0.1:{port}/ocpp/{identity}"
        self.identity = identity
        self.version = version
        self.answers: dict[str, Any] = {}
        self.called: asyncio.Queue[list[Any]] = asyncio.Queue()
        """Frames of the CSMS's calls."""
        self._socket: ClientConnection
        self._reader: asyncio.Task[None]
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._made = 0

    async def __aenter__(self) -> Self:
        self._socket = await connect(
            self._url,
            subprotocols=[Subprotocol(self.version)],
            compression=None,
            proxy=None,
            open_timeout=_PATIENCE_S,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader

    async def ask(self, action: str, payload: Any, unique_id: str | None = None) -> list[Any]:
        """The frame that answers a call. Raises Lost."""
        if unique_id is None:
            self._made += 1
            unique_id = f"call-{self._made}"
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[unique_id] = answer
        try:
            await self._socket.send(json.dumps([2, unique_id, action, payload]))
            async with asyncio.timeout(_PATIENCE_S):
                frame = await answer
        except ConnectionClosed:
            raise Lost from None
        finally:
            del self._waiting[unique_id]
        if not frame:
            raise Lost
        return frame

    async def call(self, action: str, payload: Any, unique_id: str | None = None) -> Any:
        """The payload of the answer to a call. Raises Refused and Lost."""
        kind, _, *rest = await self.ask(action, payload, unique_id)
        if kind == 4:
            raise Refused(*rest)
        return rest[0]

    async def send(self, frame: list[Any]) -> None:
        """Put a frame on the wire and wait for nothing."""
        await self._socket.send(json.dumps(frame))

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._socket.transport.abort()

    async def ended(self) -> int | None:
        """Wait for the end of the connection; its close code, if it had one."""
        await self._socket.wait_closed()
        return self._socket.close_code

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                frame = json.loads(text)
                if frame[0] == 2:
                    self.called.put_nowait(frame)
                    if frame[2] in self.answers:
                        await self.send([3, frame[1], self.answers[frame[2]]])
                elif frame[1] in self._waiting:
                    self._waiting[frame[1]].set_result(frame)
        except ConnectionClosed:
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result([])

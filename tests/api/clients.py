"""An API client and a charging station for tests, both over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

__all__ = ["Answer", "Api", "RefusedCall", "Station"]


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    body: Any
    headers: Mapping[str, str]
    raw: bytes


class Api:
    """Speaks to the API with the admin key, or with the headers given."""

    def __init__(self, port: int, key: str) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.key = key
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

    async def __call__(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """``path`` begins below ``/api/v1`` unless it is written out."""
        url = self.root + (path if path.startswith(("/api", "/healthz", "/readyz", "/metrics")) else f"/api/v1{path}")
        if headers is None:
            headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            more["json"] = body
        async with self.session.request(method, url, headers=headers, **more) as response:
            raw = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answer(response.status, json.loads(raw) if is_json else None, response.headers, raw)

    async def get(self, path: str, **more: Any) -> Any:
        """The body of a GET that must succeed."""
        answer = await self("GET", path, **more)
        assert answer.status == 200, answer
        return answer.body

    async def close(self) -> None:
        await self.session.close()


class RefusedCall(Exception):
    """The CSMS answered a call with a CALLERROR."""


class Station:
    """A charging station that answers calls with ``answers`` (by action): a payload, a CALLERROR or nothing (None)."""

    def __init__(
        self, port: int, identity: str, protocol: str = "ocpp1.6", *, tls: ssl.SSLContext | None = None, **connect: Any
    ) -> None:
        self._url = f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}/ocpp/{identity}"
        self._protocol = protocol
        self._connect = connect if tls is None else {"ssl": tls, **connect}
        self._session = aiohttp.ClientSession()
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, Any]] = []
        self.called = asyncio.Event()
        self.sent = asyncio.Event()
        self.frames: list[str] = []
        """Calls received, as they came."""
        self.closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        try:
            self._socket = await self._session.ws_connect(self._url, protocols=[self._protocol], **self._connect)
        except BaseException:
            await self._session.close()
            raise
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader
        await self._session.close()

    async def call(self, action: str, payload: Mapping[str, Any]) -> Any:
        """The CSMS's response. Raises RefusedCall."""
        message_id = str(next(self._ids))
        self._waiting[message_id] = asyncio.get_running_loop().create_future()
        self.sent.clear()
        await self._socket.send_str(json.dumps([2, message_id, action, payload]))
        self.sent.set()
        return await asyncio.wait_for(self._waiting[message_id], 30)

    async def boot(self) -> Any:
        """Boot in the words of the version."""
        if self._protocol == "ocpp1.6":
            return await self.call("BootNotification", {"chargePointVendor": "Example", "chargePointModel": "Wallbox"})
        station = {"vendorName": "Example", "model": "Wallbox"}
        return await self.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})

    async def send(self, frame: str) -> None:
        """Any text."""
        await self._socket.send_str(frame)

    async def _read(self) -> None:
        async for message in self._socket:
            kind, message_id, *rest = json.loads(message.data)
            if kind == 2:
                self.frames.append(message.data)
                self.calls.append((rest[0], rest[1]))
                self.called.set()
                answer = self.answers.get(rest[0])
                if isinstance(answer, list):
                    await self._socket.send_str(json.dumps([4, message_id, *answer]))
                elif isinstance(answer, str):
                    await self._socket.send_str(f'[3,"{message_id}",{answer}]')
                elif answer is not None:
                    await self._socket.send_str(json.dumps([3, message_id, answer]))
            elif kind == 3:
                self._waiting.pop(message_id).set_result(rest[0])
            else:
                self._waiting.pop(message_id).set_exception(RefusedCall(*rest))
        self.closed.set_result(self._socket.close_code)

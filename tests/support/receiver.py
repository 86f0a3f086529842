"""A webhook's receiver on a real socket, and signatures verified by the words of Standard Webhooks alone."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ["Message", "Receiver", "receiving", "verified"]


@dataclass(frozen=True)
class Message:
    """A message as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def events(self) -> list[Any]:
        """What it tells."""
        content = json.loads(self.body)
        found: list[Any] = content.get("events", [content])
        return found


def verified(message: Message, secret: str) -> bool:
    """Whether one of the signatures is of this secret."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = f"{message.id}.{message.headers['webhook-timestamp']}.".encode() + message.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    versions = [part.split(",", 1) for part in message.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(text, expected) for version, text in versions)


Answer = Callable[[Message], Awaitable[web.StreamResponse | int]]


async def _taken(_message: Message) -> int:
    return 204


@dataclass
class Receiver:
    """Answers 204 unless told otherwise, and keeps what came."""

    port: int = 0
    answer: Answer = _taken
    messages: list[Message] = field(default_factory=list)
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=sesame"

    @property
    def events(self) -> list[Any]:
        """Everything that was told, in its order, as often as it was told."""
        return [event for message in self.messages for event in message.events]

    async def until(self, right: Callable[[Receiver], bool], timeout_s: float = 60) -> None:
        """Wait until what has come is right."""
        async with asyncio.timeout(timeout_s), self._more:
            await self._more.wait_for(lambda: right(self))

    async def count(self, number: int) -> list[Message]:
        """Wait until so many messages have come."""
        await self.until(lambda one: len(one.messages) >= number)
        return self.messages

    async def handle(self, request: web.Request) -> web.StreamResponse:
        message = Message({name.lower(): value for name, value in request.headers.items()}, await request.read())
        async with self._more:
            self.messages.append(message)
            self._more.notify_all()
        answer = await self.answer(message)
        return web.Response(status=answer) if isinstance(answer, int) else answer


@contextlib.asynccontextmanager
async def receiving(port: int = 0, receiver: Receiver | None = None) -> AsyncIterator[Receiver]:
    """A receiver that listens on this machine."""
    receiver = receiver or Receiver()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    assert runner.addresses
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()

"""How large a request's body may be.

The framework has such a limit too, but answers in plain text.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voltbridge.api.problems import problem_response, too_large

__all__ = ["UNLIMITED", "LimitBody"]

UNLIMITED: Final[set[tuple[str, str]]] = set()
"""(method, path) of routes that read their body as it comes and have a limit of their own."""


class LimitBody:
    """ASGI layer that answers 413 to a body larger than ``largest`` bytes."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) in UNLIMITED:
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > self.largest:
            await problem_response(too_large())(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.largest:  # in chunks, so nothing said before how long it would be
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)

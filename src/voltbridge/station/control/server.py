"""What the control API is whoever is behind it: its addresses, its key, its errors as problem+json."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from voltbridge.station.control.actions import ACTIONS

__all__ = ["Stations", "json_answer", "problem", "serve", "unknown_action", "unknown_station"]

_LARGEST_BODY: Final = 64 * 1024
_PROBLEM: Final = "application/problem+json"
_ADVICE: Final = {
    404: "there are GET /stations, GET /stations/{identity}, GET /actions and POST /stations/{identity}/{action}",
    405: "look with GET, act with POST /stations/{identity}/{action}",
    413: f"a body has at most {_LARGEST_BODY} bytes",
}


class Stations(Protocol):
    """Who answers for the stations."""

    async def all(self) -> web.Response:
        """All of them."""

    async def one(self, identity: str) -> web.Response:
        """One."""

    async def act(self, identity: str, action: str, body: bytes) -> web.Response:
        """Do something to it, which is one of the actions there are."""


@asynccontextmanager
async def serve(stations: Stations, *, host: str, port: int, key: str | None) -> AsyncIterator[str]:
    """Serve until the block ends; its address. Raises OSError when the port is taken."""

    async def listed(request: web.Request) -> web.Response:
        return await stations.all()

    async def got(request: web.Request) -> web.Response:
        return await stations.one(request.match_info["identity"])

    async def acted(request: web.Request) -> web.Response:
        return await stations.act(request.match_info["identity"], request.match_info["action"], await request.read())

    application = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_guard(key)])
    application.router.add_get("/stations", listed)
    application.router.add_get("/stations/{identity}", got)
    application.router.add_get("/actions", _actions)
    application.router.add_post("/stations/{identity}/{action}", acted)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def json_answer(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return web.Response(status=status, body=body, content_type=_PROBLEM, headers=headers)


def unknown_station(identity: str) -> web.Response:
    return problem(404, "Not Found", f"there is no station {identity}")


def unknown_action(name: str) -> web.Response:
    return problem(404, "Not Found", f"there is no action {name}: {', '.join(ACTIONS)}")


def _guard(key: str | None) -> Any:
    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if key is not None and not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return problem(401, "Unauthorized", "send the key as Authorization: Bearer KEY")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return problem(error.status, error.reason, _ADVICE.get(error.status, _ADVICE[404]))

    return guard


def _schema_of(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of an action's arguments, without the names that the code has for them."""
    schema = msgspec.json.schema(arguments)
    definitions = schema.pop("$defs")
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    del own["title"]
    return {**own, "$defs": definitions} if definitions else dict(own)


async def _actions(request: web.Request) -> web.Response:
    items = [
        {"name": name, "description": action.help, "arguments": _schema_of(action.arguments)}
        for name, action in ACTIONS.items()
    ]
    return json_answer({"items": items, "next": None})

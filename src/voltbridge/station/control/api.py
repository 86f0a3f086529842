"""The REST API of virtual stations: look at them, and do things to them. On loopback unless told otherwise.

- ``GET /stations``, ``GET /stations/{identity}``
- ``GET /actions``: what can be done, each with the JSON Schema of its arguments
- ``POST /stations/{identity}/{action}`` with the arguments as a JSON object

Errors are problem+json. With a key every request needs ``Authorization: Bearer KEY``.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from aiohttp import web

from voltbridge.station.assembly import Station
from voltbridge.station.control.actions import ACTIONS, ImpossibleAction, describe, do
from voltbridge.station.yaml_files import in_words

__all__ = ["control_api"]

_LARGEST_BODY: Final = 64 * 1024
_PROBLEM: Final = "application/problem+json"
_ADVICE: Final = {
    404: "there are GET /stations, GET /stations/{identity}, GET /actions and POST /stations/{identity}/{action}",
    405: "look with GET, act with POST /stations/{identity}/{action}",
    413: f"a body has at most {_LARGEST_BODY} bytes",
}


@asynccontextmanager
async def control_api(
    stations: Callable[[], Iterable[Station]], *, host: str = "127.0.0.1", port: int = 0, key: str | None = None
) -> AsyncIterator[str]:
    """Serve until the block ends; its address. Raises OSError when the port is taken."""
    application = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_guard(key)])
    handlers = _Handlers(stations)
    application.router.add_get("/stations", handlers.list)
    application.router.add_get("/stations/{identity}", handlers.get)
    application.router.add_get("/actions", handlers.actions)
    application.router.add_post("/stations/{identity}/{action}", handlers.act)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _guard(key: str | None) -> Any:
    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if key is not None and not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return _problem(401, "Unauthorized", "send the key as Authorization: Bearer KEY")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _problem(error.status, error.reason, _ADVICE.get(error.status, _ADVICE[404]))

    return guard


class _Handlers:
    def __init__(self, stations: Callable[[], Iterable[Station]]) -> None:
        self._stations = stations

    async def list(self, request: web.Request) -> web.Response:
        return _json({"items": [describe(station) for station in self._stations()], "next": None})

    async def get(self, request: web.Request) -> web.Response:
        station = self._find(request)
        return _unknown(request) if station is None else _json(describe(station))

    async def actions(self, request: web.Request) -> web.Response:
        items = [
            {"name": name, "description": action.help, "arguments": msgspec.json.schema(action.arguments)}
            for name, action in ACTIONS.items()
        ]
        return _json({"items": items, "next": None})

    async def act(self, request: web.Request) -> web.Response:
        station = self._find(request)
        if station is None:
            return _unknown(request)
        name = request.match_info["action"]
        if name not in ACTIONS:
            return _problem(404, "Not Found", f"there is no action {name}: {', '.join(ACTIONS)}")
        try:
            body = await request.read()
            arguments = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
            await do(station, name, arguments)
        except msgspec.ValidationError as error:
            place, text = in_words(error, ACTIONS[name].arguments)
            return _problem(422, "Unprocessable Content", f"{place.lstrip('.') or 'the arguments'}: {text}")
        except (msgspec.MsgspecError, RecursionError) as error:
            return _problem(422, "Unprocessable Content", f"the body is not the arguments as a JSON object: {error}")
        except ImpossibleAction as error:
            return _problem(409, "Conflict", str(error))
        return _json(describe(station))

    def _find(self, request: web.Request) -> Station | None:
        identity = request.match_info["identity"]
        return next((each for each in self._stations() if each.configuration.identity == identity), None)


def _unknown(request: web.Request) -> web.Response:
    return _problem(404, "Not Found", f"there is no station {request.match_info['identity']}")


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _problem(status: int, title: str, detail: str) -> web.Response:
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return web.Response(status=status, body=body, content_type=_PROBLEM)

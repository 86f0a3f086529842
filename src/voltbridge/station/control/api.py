"""The REST API of virtual stations: look at them, and do things to them. On loopback unless told otherwise.

- ``GET /stations``, ``GET /stations/{identity}``
- ``GET /actions``: what can be done, each with the JSON Schema of its arguments
- ``POST /stations/{identity}/{action}`` with the arguments as a JSON object

Errors are problem+json. With a key every request needs ``Authorization: Bearer KEY``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from voltbridge.station.assembly import Station
from voltbridge.station.control.actions import ACTIONS, ImpossibleAction, describe, do
from voltbridge.station.control.server import json_answer, problem, serve, unknown_action, unknown_station
from voltbridge.station.yaml_files import in_words

__all__ = ["control_api"]


@asynccontextmanager
async def control_api(
    stations: Callable[[], Iterable[Station]], *, host: str = "127.0.0.1", port: int = 0, key: str | None = None
) -> AsyncIterator[str]:
    """Serve until the block ends; its address. Raises OSError when the port is taken."""
    async with serve(_Own(stations), host=host, port=port, key=key) as address:
        yield address


class _Own:
    """Stations of this process."""

    def __init__(self, stations: Callable[[], Iterable[Station]]) -> None:
        self._stations = stations

    async def all(self) -> web.Response:
        return json_answer({"items": [describe(station) for station in self._stations()], "next": None})

    async def one(self, identity: str) -> web.Response:
        station = self._find(identity)
        return unknown_station(identity) if station is None else json_answer(describe(station))

    async def act(self, identity: str, action: str, body: bytes) -> web.Response:
        station = self._find(identity)
        if station is None:
            return unknown_station(identity)
        if action not in ACTIONS:
            return unknown_action(action)
        try:
            arguments = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
            await do(station, action, arguments)
        except msgspec.ValidationError as error:
            place, text = in_words(error, ACTIONS[action].arguments)
            return problem(422, "Unprocessable Content", f"{place.lstrip('.') or 'the arguments'}: {text}")
        except (msgspec.MsgspecError, RecursionError) as error:
            return problem(422, "Unprocessable Content", f"the body is not the arguments as a JSON object: {error}")
        except ImpossibleAction as error:
            return problem(409, "Conflict", str(error))
        return json_answer(describe(station))

    def _find(self, identity: str) -> Station | None:
        return next((each for each in self._stations() if each.configuration.identity == identity), None)

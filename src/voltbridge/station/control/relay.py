"""One control API before several processes that have a part of the stations each.

A request goes to the process that has the station, and its answer comes back as it is; lists are put together in the
fleet's order. A process that does not run just now answers nothing: its stations are listed as not running, and what is
asked of one of them is refused with 503, since it is started again. When a process dies while it does something, nobody
knows whether it was done: 502.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from voltbridge.station.control.actions import ACTIONS, not_running
from voltbridge.station.control.server import json_answer, problem, serve, unknown_action, unknown_station

__all__ = ["relayed"]

_TIMEOUT: Final = aiohttp.ClientTimeout(total=600.0, sock_connect=10.0)
_RETRY: Final = {"Retry-After": "2"}


@asynccontextmanager
async def relayed(
    owners: Mapping[str, int],
    addresses: Mapping[int, str],
    *,
    own_key: str,
    host: str = "127.0.0.1",
    port: int = 0,
    key: str | None = None,
) -> AsyncIterator[str]:
    """Serve until the block ends; its address. Raises OSError when the port is taken.

    ``owners``: which part has a station, in the fleet's order. ``addresses``: where the parts are that run now, which
    ask for ``own_key``; looked at anew for each request.
    """
    headers = {"Authorization": f"Bearer {own_key}"}
    connector = aiohttp.TCPConnector(force_close=True)  # so that whoever cannot be reached has certainly done nothing
    async with (
        aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, headers=headers) as session,
        serve(_Elsewhere(owners, addresses, session), host=host, port=port, key=key) as address,
    ):
        yield address


class _NotRunning(Exception):
    """A part cannot be asked."""


class _Elsewhere:
    """Stations of other processes."""

    def __init__(self, owners: Mapping[str, int], addresses: Mapping[int, str], session: aiohttp.ClientSession) -> None:
        self._owners = owners
        self._addresses = addresses
        self._session = session

    async def all(self) -> web.Response:
        parts = sorted(set(self._owners.values()))
        try:
            lists = await asyncio.gather(*(self._list_of(part) for part in parts))
        except TimeoutError:
            return problem(504, "Gateway Timeout", "a part of the fleet does not answer")
        found = {item["identity"]: item for items in lists for item in items}
        return json_answer(
            {"items": [found.get(identity) or not_running(identity) for identity in self._owners], "next": None}
        )

    async def one(self, identity: str) -> web.Response:
        return await self._ask("GET", identity)

    async def act(self, identity: str, action: str, body: bytes) -> web.Response:
        if identity in self._owners and action not in ACTIONS:
            return unknown_action(action)
        return await self._ask("POST", identity, action, body=body)

    async def _ask(self, method: str, identity: str, *path: str, body: bytes | None = None) -> web.Response:
        part = self._owners.get(identity)
        if part is None:
            return unknown_station(identity)
        try:
            status, content_type, answer = await self._request(part, method, identity, *path, body=body)
        except _NotRunning:
            return self._is_not_running(part, identity)
        except aiohttp.ClientError:
            if method == "GET":
                return self._is_not_running(part, identity)
            detail = f"part {part} of the fleet ended while it was asked: nobody knows whether it was done"
            return problem(502, "Bad Gateway", detail)
        except TimeoutError:
            return problem(504, "Gateway Timeout", f"part {part} of the fleet does not answer")
        return web.Response(status=status, body=answer, content_type=content_type)

    def _is_not_running(self, part: int, identity: str) -> web.Response:
        detail = f"part {part} of the fleet, which has {identity}, is not running; it is started again"
        return problem(503, "Service Unavailable", detail, _RETRY)

    async def _list_of(self, part: int) -> list[dict[str, Any]]:
        """What a part says of its stations; nothing when it does not run."""
        try:
            _, _, answer = await self._request(part, "GET")
            items: list[dict[str, Any]] = msgspec.json.decode(answer)["items"]
        except (_NotRunning, aiohttp.ClientError):
            return []
        return items

    async def _request(self, part: int, method: str, *path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Status, type and content. Raises _NotRunning, aiohttp.ClientError and TimeoutError."""
        address = self._addresses.get(part)
        if address is None:
            raise _NotRunning
        url = URL("/".join((address, "stations", *(quote(each, safe="") for each in path))), encoded=True)
        try:
            async with self._session.request(method, url, data=body) as response:
                return response.status, response.content_type, await response.read()
        except aiohttp.ClientConnectorError:
            raise _NotRunning from None

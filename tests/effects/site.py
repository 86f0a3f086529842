"""A server in this process, started by the same function as ``voltbridge up``, and stations that it knows."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.charger import Charger
from tests.support.databases import rows
from tests.support.rest import Rest

from voltbridge.app import start
from voltbridge.protocol.versions import Version
from voltbridge.settings import Settings

__all__ = ["Site", "only", "opened"]


@dataclass
class Site:
    """The doors of one server: sockets for stations, REST, and its database."""

    ocpp_port: int
    rest: Rest
    database_url: str
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @contextlib.asynccontextmanager
    async def station(self, version: Version) -> AsyncIterator[Charger]:
        """A station that was expected, has connected, and need not boot before it says anything."""
        identity = f"EFFECT-{next(self._numbers)}"
        await self.rest.post("/stations", {"station_id": identity})
        async with Charger(self.ocpp_port, identity, version) as charger:
            yield charger

    async def token(self, **properties: Any) -> str:
        """A token that may charge."""
        id_token = f"TOKEN-{next(self._numbers)}"
        await self.rest.post("/tokens", {"id_token": id_token, **properties})
        return id_token

    async def events(self, type: str, charger: Charger) -> list[Any]:
        """The data of a station's stored events of a type, newest first."""
        found = await self.rest.items("/events", type=type, station_id=charger.identity)
        return [event["data"] for event in found]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the database."""
        return list(rows(self.database_url, query))


def only(items: list[Any]) -> Any:
    """The one item of a list."""
    assert len(items) == 1, items
    return items[0]


@contextlib.asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Site]:
    """A server on free ports of this machine."""
    settings = Settings(
        data=directory, ocpp_host="127.0.0.1", ocpp_port=0, http_host="127.0.0.1", http_port=0, call_timeout=30.0
    )
    running = await start(settings)
    try:
        async with Rest(running.http_port, running.admin_key) as rest:
            yield Site(running.ocpp_port, rest, settings.effective_database_url)
    finally:
        await running.stop()

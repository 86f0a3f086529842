"""What is plain HTTP on the stations' port goes to whoever takes it; the rest stays the gateway's."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from tests.csms.gateway.site import site

pytestmark = pytest.mark.anyio


class Others:
    def takes(self, raw_path: str) -> bool:
        return raw_path.startswith("/files/")

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"{request.method} {request.raw_path}")


async def test_they_are_handed_on_until_the_gateway_stops() -> None:
    async with site() as place, aiohttp.ClientSession() as session:
        place.gateway._others = Others()
        root = f"http://127.0.0.1:{place.gateway.port}"
        async with session.get(f"{root}/files/a") as response:
            assert (response.status, await response.text()) == (200, "GET /files/a")
        async with session.get(f"{root}/file") as response:
            assert response.status == 404
        place.gateway._draining = True
        async with session.get(f"{root}/files/a") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "10")


async def test_a_station_knows_the_server_by_the_name_it_used() -> None:
    async with site() as place:
        await place.connect("CS1")
        assert place.desk.lives["CS1"].base_url is not None
        assert place.desk.lives["CS1"].base_url.startswith("http://")

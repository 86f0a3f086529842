"""One control API before several: whose station it is, lists put together, parts that are gone or go while asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from tests.station.plain_csms import PlainCsms

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.control.api import control_api
from voltbridge.station.control.relay import relayed
from voltbridge.station.network import Network

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

_OWN = "between the processes"


@dataclass
class Fleet:
    """Four stations of two parts, in one process but behind two ports."""

    stations: dict[str, Station]
    addresses: dict[int, str]
    api: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.api.request(method, path, data=None if body is None else json.dumps(body)) as response:
            return response.status, await response.json(content_type=None)

    async def listed(self) -> list[tuple[str, bool]]:
        status, said = await self.ask("GET", "/stations")
        assert status == 200
        assert said["next"] is None
        return [(item["identity"], item["running"]) for item in said["items"]]


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with contextlib.AsyncExitStack() as parts:
        csms = await parts.enter_async_context(PlainCsms())
        network = await parts.enter_async_context(Network(PacedClock()))
        owners = {"CP-1": 1, "CP-2": 2, "CP-3": 1, "CP 4/b": 2}
        stations = {
            name: await parts.enter_async_context(
                Station(StationConfiguration(name, csms.url, (Version.V201,)), network=network)
            )
            for name in owners
        }
        addresses = {}
        for part in (1, 2):
            own = [station for name, station in stations.items() if owners[name] == part]
            addresses[part] = await parts.enter_async_context(control_api(lambda own=own: own, key=_OWN))  # type: ignore[misc]
        address = await parts.enter_async_context(relayed(owners, addresses, own_key=_OWN, key="secret"))
        headers = {"Authorization": "Bearer secret"}
        api = await parts.enter_async_context(aiohttp.ClientSession(address, headers=headers))
        yield Fleet(stations, addresses, api)


def _plugged(station: Station) -> bool:
    return station.hardware.evses[0].car is not None  # type: ignore[attr-defined]


async def test_a_request_goes_to_whoever_has_the_station(fleet: Fleet) -> None:
    assert await fleet.listed() == [(name, True) for name in ("CP-1", "CP-2", "CP-3", "CP 4/b")]
    for name, path in (("CP-2", "CP-2"), ("CP-3", "CP-3"), ("CP 4/b", "CP%204%2Fb")):
        assert not _plugged(fleet.stations[name])
        status, said = await fleet.ask("POST", f"/stations/{path}/plug", {"evse": 1})
        assert (status, said["identity"], said["evses"][0]["plugged_in"]) == (200, name, True)
        assert _plugged(fleet.stations[name])
        assert (await fleet.ask("GET", f"/stations/{path}"))[1]["evses"][0]["plugged_in"] is True
    assert not _plugged(fleet.stations["CP-1"])


async def test_what_is_wrong_is_said_as_without_a_relay(fleet: Fleet) -> None:
    await fleet.ask("POST", "/stations/CP-2/plug", {"evse": 1})
    assert await fleet.ask("POST", "/stations/CP-2/plug", {"evse": 1}) == (
        409,
        {"type": "about:blank", "title": "Conflict", "status": 409, "detail": "a car is plugged in at EVSE 1"},
    )
    status, said = await fleet.ask("POST", "/stations/CP-2/plug", {"evse": "one"})
    assert (status, said["detail"]) == (422, "evse: Expected `int`, got `str`")
    assert (await fleet.ask("POST", "/stations/CP-9/plug"))[0] == 404
    assert (await fleet.ask("GET", "/stations/CP-9"))[0] == 404
    status, said = await fleet.ask("POST", "/stations/CP-2/dance")
    assert status == 404
    assert said["detail"].startswith("there is no action dance: ")
    assert (await fleet.ask("GET", "/actions"))[1]["items"]
    async with fleet.api.get("/stations", headers={"Authorization": f"Bearer {_OWN}"}) as response:
        assert response.status == 401, "the key between the processes is none for others"
    async with fleet.api.post("/stations/CP-2/plug", data=70_000 * b" ") as response:
        assert response.status == 413


@pytest.mark.parametrize("gone", ["unknown", "nobody there"])
async def test_a_part_that_does_not_run(fleet: Fleet, gone: str) -> None:
    address = fleet.addresses.pop(2)
    if gone == "nobody there":
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        fleet.addresses[2] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        await server.wait_closed()
    assert await fleet.listed() == [("CP-1", True), ("CP-2", False), ("CP-3", True), ("CP 4/b", False)]
    for method, path in (("GET", "/stations/CP-2"), ("POST", "/stations/CP-2/plug")):
        async with fleet.api.request(method, path) as response:
            said = await response.json(content_type="application/problem+json")
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert said["detail"] == "part 2 of the fleet, which has CP-2, is not running; it is started again"
    assert (await fleet.ask("POST", "/stations/CP-1/plug"))[0] == 200, "the others are there"
    fleet.addresses[2] = address
    assert (await fleet.ask("POST", "/stations/CP-2/plug"))[0] == 200


async def test_a_part_that_dies_while_it_is_asked(fleet: Fleet) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(die, "127.0.0.1", 0) as server:
        fleet.addresses[2] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        status, said = await fleet.ask("POST", "/stations/CP-2/plug", {"evse": 1})
        assert status == 502
        assert "nobody knows whether it was done" in said["detail"]
        assert (await fleet.ask("GET", "/stations/CP-2"))[0] == 503, "looking does nothing, so it can be done again"
        assert ("CP-2", False) in await fleet.listed()

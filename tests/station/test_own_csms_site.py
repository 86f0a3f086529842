"""Stations of ours at a site of our CSMS, each a process of its own: together they never draw more than the fuse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version
from voltbridge.station import EvseConfiguration, Station, StationConfiguration
from voltbridge.station.clocks import PacedClock
from voltbridge.station.network import Network
from voltbridge.station.simulation import Car, VirtualHardware

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(150)]

FUSE_A = 40
VERSIONS = [*Version, Version.V16]


def drawn_a(stations: list[Station]) -> float:
    """What all vehicles draw on a phase now."""
    powers = []
    for station in stations:
        assert isinstance(station.hardware, VirtualHardware)
        powers.append(station.hardware.evses[0].power_w / 3 / 230)
    return sum(powers)


async def look(stations: list[Station], seen: list[float]) -> None:
    """Note what is drawn, all the time."""
    while True:
        seen.append(drawn_a(stations))
        await asyncio.sleep(0.005)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_vehicles_share_a_fuse_and_never_draw_more_than_it_carries(tmp_path: Path) -> None:
    names = [f"SITE-{number}" for number in range(len(VERSIONS))]
    async with (
        running(tmp_path / "data", onboarding="accept") as up,
        Rest(up.http_port, up.admin_key) as rest,
        Network(PacedClock()) as network,
        AsyncExitStack() as stack,
    ):

        async def load() -> Any:
            return await rest.get("/sites/depot/load")

        await rest.post("/tokens", {"id_token": "CARD", "allow_concurrent": True})
        stations = [
            await stack.enter_async_context(
                Station(
                    StationConfiguration(
                        name, f"ws://127.0.0.1:{up.ocpp_port}/ocpp", (version,), evses=(EvseConfiguration(),)
                    ),
                    network=network,
                )
            )
            for name, version in zip(names, VERSIONS, strict=True)
        ]
        async with asyncio.timeout(40):
            await asyncio.gather(*(station.connected() for station in stations))
        outlet = {"evse_id": 1, "fuse_id": "main", "max_a": 32}
        site = {
            "fuses": [{"id": "main", "limit_a": [FUSE_A] * 3}],
            "outlets": [{"station_id": name, **outlet} for name in names],
        }
        await rest.ask("PUT", "/sites/depot", site)
        async with asyncio.timeout(40):
            while not all(one["guarded"] for one in (await load())["outlets"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

        seen: list[float] = []
        watch = asyncio.create_task(look(stations, seen))
        visits = []
        for number, station in enumerate(stations, 1):
            visit = await stack.enter_async_context(station.plug_in(1, Car(capacity_wh=1e6, max_current_a=32)))
            visits.append(visit)
            await visit.swipe("CARD")
            await visit.charging()
            share_a = min(32, FUSE_A / number)
            # Nothing at first, as nobody has told it a share; then the fuse is used as well as it can be.
            await until(lambda share_a=share_a, number=number: drawn_a(stations) > share_a * number - 1)  # type: ignore[misc]
        assert max(seen) <= FUSE_A + 0.01

        # The others get what one leaves.
        await visits[0].leave()
        await until(lambda: drawn_a(stations) > FUSE_A - 1 and drawn_a(stations[:1]) == 0)
        assert max(seen) <= FUSE_A + 0.01

        # Something else draws through the fuse, and the meter tells.
        await rest.ask("POST", "/sites/depot/meters", {"fuse_id": "main", "other_a": [18, 18, 18]})
        await until(lambda: drawn_a(stations) <= FUSE_A - 18)
        seen.clear()
        await until(lambda: len(seen) > 200)
        assert min(seen) > FUSE_A - 18 - 1 and max(seen) <= FUSE_A - 18 + 0.01

        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch

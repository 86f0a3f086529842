"""Our station before our CSMS, each a process of its own: what a driver does is read back over the API."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version
from voltbridge.station import EvseConfiguration, Station, StationConfiguration


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_charging_commands_and_variables_in_every_version(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "data", onboarding="accept") as up,
        Rest(up.http_port, up.admin_key) as rest,
        asyncio.timeout(100),
    ):
        await asyncio.gather(*(story(rest, up.ocpp_port, version) for version in Version))


async def story(rest: Rest, port: int, version: Version) -> None:
    name, token = f"OWN-{version.label}", f"04A2B3{version.label}"
    await rest.post("/tokens", {"id_token": token, "type": "ISO14443", "status": "Accepted"})
    configuration = StationConfiguration(
        name, f"ws://127.0.0.1:{port}/ocpp", versions=(version,), evses=(EvseConfiguration(max_current_a=3000),)
    )
    async with Station(configuration) as station:
        await station.connected()
        async with station.plug_in() as visit:
            visit.car.max_current_a = 3000
            await visit.swipe(token)
            await visit.charging()
            await visit.charged(kwh=0.5)

        await rest.event("transaction.ended", name)
        transaction = (await rest.items("/transactions", station_id=name))[0]
        assert transaction["id_token"] == token
        assert transaction["energy_wh"] == pytest.approx(station.hardware.read()[0].value, abs=1)
        assert transaction["energy_wh"] >= 500
        assert transaction["energy_problems"] == []
        assert transaction["stop_reason"] == "Local"
        assert transaction["missing_sequences"] == []

        evses = await rest.get(f"/stations/{name}/evses")
        assert evses["items"][0]["connectors"][0]["status"] == "Available"

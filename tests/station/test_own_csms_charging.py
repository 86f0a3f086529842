"""Our station before our CSMS, each a process of its own: profiles set over the API limit a vehicle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.protocol.versions import Version
from voltbridge.station import EvseConfiguration, Station, StationConfiguration
from voltbridge.station.simulation import Car, Talk, VirtualHardware


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_profiles_limit_a_vehicle_and_composite_schedules_agree(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "data", onboarding="accept") as up,
        Rest(up.http_port, up.admin_key) as rest,
        asyncio.timeout(60),
    ):
        await asyncio.gather(
            *(story(rest, up.ocpp_port, version) for version in Version),
            *(negotiation(rest, up.ocpp_port, version) for version in (Version.V201, Version.V21)),
        )


async def story(rest: Rest, port: int, version: Version) -> None:
    name, token = f"OWN-{version.label}", f"04A2B3{version.label}"
    await rest.post("/tokens", {"id_token": token, "type": "ISO14443", "status": "Accepted"})

    async def command(kind: str, **parameters: Any) -> Any:
        done = await rest.post(f"/stations/{name}/commands/{kind}", parameters)
        assert done["state"] == "Accepted", done
        return done["answer"]

    configuration = StationConfiguration(
        name, f"ws://127.0.0.1:{port}/ocpp", versions=(version,), evses=(EvseConfiguration(),)
    )
    async with Station(configuration) as station:

        async def power(amperes: float) -> None:
            """Return once the vehicle takes this: the limit follows the answer."""
            while evse.power_w != pytest.approx(amperes * 3 * 230):
                await station.clock.sleep(0.01)

        await station.connected()
        assert isinstance(station.hardware, VirtualHardware)
        evse = station.hardware.evses[0]
        async with station.plug_in(1, Car(capacity_wh=1_000_000, max_current_a=32)) as visit:
            await visit.swipe(token)
            await visit.charging()
            schedule = {"unit": "A", "periods": [{"start_s": 0, "limit": 10}, {"start_s": 3600, "limit": 12}]}
            profile = {"purpose": "TxDefaultProfile", "kind": "Relative", "schedules": [schedule]}
            await command("set_charging_profile", evse_id=1, profile=profile)
            await power(10)
            asked = await command("get_composite_schedule", evse_id=1, duration_s=600, unit="A")
            assert asked["info"]["differences"] == []
            assert [each["limit"] for each in asked["info"]["schedule"]["periods"]] == [10]
            await command("clear_charging_profile", evse_id=1, purpose="TxDefaultProfile")
            await power(32)


async def negotiation(rest: Rest, port: int, version: Version) -> None:
    """K15, K17: a vehicle's needs are answered with a schedule, and all of it is read back over the API."""
    name, token = f"TALKS-{version.label}", f"04A2B4{version.label}"
    await rest.post("/tokens", {"id_token": token, "type": "ISO14443", "status": "Accepted"})

    async def command(kind: str, **parameters: Any) -> Any:
        done = await rest.post(f"/stations/{name}/commands/{kind}", parameters)
        assert done["state"] == "Accepted", done
        return done["answer"]

    async def events(kind: str, count: int) -> list[Any]:
        """The data of these events, once there are so many."""
        while True:
            found = (await rest.get("/events", station_id=name, type=kind))["items"]
            if len(found) >= count:
                return [one["data"] for one in found]
            await station.clock.sleep(0.05)

    def profile(purpose: str, limit: float, **more: Any) -> Any:
        schedule = {"unit": "A", "periods": [{"start_s": 0, "limit": limit}], **more}
        return {"purpose": purpose, "kind": "Absolute" if more else "Relative", "schedules": [schedule]}

    configuration = StationConfiguration(
        name, f"ws://127.0.0.1:{port}/ocpp", versions=(version,), evses=(EvseConfiguration(),) * 2
    )
    async with Station(configuration) as station:
        await station.connected()
        assert isinstance(station.hardware, VirtualHardware)
        evse = station.hardware.evses[0]
        await command("set_charging_profile", evse_id=1, profile=profile("TxDefaultProfile", 14))
        most = profile("ChargingStationMaxProfile", 60, start_at="2026-01-01T00:00:00Z")
        await command("set_charging_profile", evse_id=0, profile=most)
        async with station.plug_in(1, Car(capacity_wh=1_000_000, max_current_a=32, talk=Talk())) as visit:
            await visit.swipe(token)
            while evse.power_w != pytest.approx(14 * 690):
                await station.clock.sleep(0.01)
            (needs,) = await events("charging_needs.received", 1)
            assert needs["answer"] == "Accepted"
            assert needs["charging_needs"]["ac_charging_parameters"]["ev_max_current"] == 32
            (offered,) = await events("charging_needs.offered", 1)
            assert offered["problem"] is None
            (planned,) = await events("charging_schedule.planned", 1)
            assert planned["answer"] == "Accepted"
            assert [one["limit"] for one in planned["charging_schedule"]["charging_schedule_period"]] == [14]
            assert planned.get("selected_charging_schedule_id") == (1 if version is Version.V21 else None)
            for evse_id, limit in ((1, 14), (0, 14 + 32)):
                asked = await command("get_composite_schedule", evse_id=evse_id, duration_s=600, unit="A")
                assert [each["limit"] for each in asked["info"]["schedule"]["periods"]] == [limit]
                assert asked["info"]["differences"] == []
            assert evse.renegotiate()
            assert len(await events("charging_needs.received", 2)) == 2
            assert [one["answer"] for one in await events("charging_schedule.planned", 2)] == ["Accepted"] * 2

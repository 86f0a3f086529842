"""Lives of a station that end in the middle of something: the next one is alone, and nothing of the last goes on."""

from __future__ import annotations

import asyncio

import pytest
from tests.station.central_system import CentralSystem, charging, live, served

from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Refused
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.simulation import Car, VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore


async def back(station: Station, clock: VirtualClock) -> None:
    """Until it lives again and is registered, an hour at most."""
    deadline = clock.monotonic() + 3600
    while not station.online:
        await clock.sleep(1)
        assert clock.monotonic() < deadline, "it never comes back"


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
def test_a_station_whose_disk_is_full_restarts_all_the_same(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with charging(clock, version, store=store) as (central, station):
            await station.plug_in().__aenter__()
            store.full = True
            first = station.engine
            await central.call("Reset", {"type": "Hard" if version is Version.V16 else "Immediate"})
            await clock.sleep(60)
            await back(station, clock)
            assert station.engine is not first
            second = station.engine
            await station.power_cut(5)
            await back(station, clock)
            assert station.engine is not second
            store.full = False

    live(story)


@pytest.mark.parametrize("dark_s", [1.0, 30.0])
def test_the_power_goes_while_the_station_restarts(dark_s: float) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, Version.V201) as (central, station):
            central.forget()
            station.restart("RemoteReset")
            await clock.sleep(0.5)
            await asyncio.gather(station.power_cut(dark_s), station.power_cut(dark_s + 3))
            await back(station, clock)
            await clock.sleep(120)
            assert len(central.of("BootNotification")) == 1, "a second life began beside it"

    live(story)


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_token_that_is_judged_while_the_station_stops_starts_nothing(abruptly: bool) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}
        async with charging(clock, Version.V201, evses=2, variables=variables) as (central, station):
            hardware = station.hardware
            assert isinstance(hardware, VirtualHardware)
            central.silent.add("Authorize")
            for evse in hardware.evses:
                evse.plug_in(Car())
            hardware.swipe("A", evse_id=1)
            hardware.swipe("B", evse_id=2)
            await central.next("Authorize")
            central.forget()
            if abruptly:
                await station.power_cut(5)
            else:
                station.restart("RemoteReset")
                await clock.sleep(60)
            await back(station, clock)
            await clock.sleep(300)
            assert not any(evse.closed for evse in hardware.evses), "energy flows that nobody is told of"
            assert sum(evse.register_wh for evse in hardware.evses) == 0
            tokens = [event["idToken"] for event in central.of("TransactionEvent") if "idToken" in event]
            assert tokens == [], "nobody has been let charge"

    live(story)


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
def test_a_new_password_that_is_refused_after_a_power_cut_gives_way_to_the_old_one(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        old, new = "0123456789abcdef", "fedcba9876543210"
        async with served(clock, version) as central, Network(clock, holds_clock=False) as network:
            central.password = old
            configuration = StationConfiguration(
                "CP-1", central.url, versions=(version,), password=old, security_profile=1
            )
            async with Station(configuration, network=network) as station:
                await station.connected()
                assert (await set_password(central, version, new)) == "Accepted"
                await station.power_cut(0.5)
                await back(station, clock)
                assert station.engine.services.context.settings.password == old

    live(story)


async def set_password(central: CentralSystem, version: Version, password: str) -> str:
    if version is Version.V16:
        request = {"key": "AuthorizationKey", "value": password.encode().hex()}
        return str((await central.call("ChangeConfiguration", request))["status"])
    component, variable = {"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"}
    value = {"component": component, "variable": variable, "attributeValue": password}
    response = await central.call("SetVariables", {"setVariableData": [value]})
    return str(response["setVariableResult"][0]["attributeStatus"])


@pytest.mark.parametrize("abruptly", [False, True])
def test_the_display_is_that_of_the_new_life_alone(abruptly: bool) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, Version.V201) as (central, station):
            for number in (1, 2):
                message = {"format": "UTF8", "content": f"words {number}"}
                info = {"id": number, "priority": "NormalCycle", "message": message}
                assert (await central.call("SetDisplayMessage", {"message": info}))["status"] == "Accepted"
            central.answers["TransactionEvent"] = {"totalCost": 5}
            async with station.plug_in() as visit:
                await visit.swipe("A")
                await visit.charging()
            await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")
            await clock.sleep(1)
            if abruptly:
                await station.power_cut(5)
            else:
                station.restart("RemoteReset")
                await clock.sleep(10)
            await back(station, clock)
            for number in (1, 2):
                await central.call("ClearDisplayMessage", {"id": number})
            await clock.sleep(1)
            assert isinstance(station.hardware, VirtualHardware)
            seen = set()
            for _ in range(100):
                seen.add(station.hardware.text)
                await clock.sleep(1)
            assert seen == {""}, "what the last life had to say is shown"

    live(story)


@pytest.mark.parametrize("data", [object(), {"a": {1: object()}}], ids=["no JSON", "none inside"])
def test_what_cannot_be_written_is_told_to_who_asked_and_stops_nothing(data: object) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, Version.V201) as (central, station):
            with pytest.raises(Refused, match="cannot be written"):
                await station.transfer_data("vendor", data=data)
            await station.transfer_data("vendor", data="words")
            assert central.of("DataTransfer")[-1]["data"] == "words"

    live(story)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
@pytest.mark.parametrize("version", [Version.V16, Version.V201])
def test_a_time_that_cannot_be_is_not_taken(version: Version, moment: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["Heartbeat"] = {"currentTime": moment}
            await clock.sleep(1000)
            central.forget()
            await central.next("Heartbeat")
            async with station.plug_in() as visit:
                await visit.swipe("A")
                await visit.charging()
                await clock.sleep(60)
            action = "StartTransaction" if version is Version.V16 else "TransactionEvent"
            assert (await central.next(action))["timestamp"].startswith("2026-")

    live(story)

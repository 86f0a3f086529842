"""The states of a station's connectors, and who changes them."""

from __future__ import annotations

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
TWO = pytest.mark.parametrize("version", [V201, V21])


async def change(central: CentralSystem, version: Version, operative: bool, evse: int = 0) -> str:
    kind = "Operative" if operative else "Inoperative"
    request: Message = {"type": kind, "connectorId": evse}
    if version is not V16:
        request = {"operationalStatus": kind}
        if evse:
            request["evse"] = {"id": evse}
    status: str = (await central.call("ChangeAvailability", request))["status"]
    return status


def states(central: CentralSystem) -> dict[int, str]:
    """The state of each connector that the central system was told last."""
    return {
        told["evseId"] if "evseId" in told else told["connectorId"]: str(
            told.get("status", told.get("connectorStatus"))
        )
        for told in central.of("StatusNotification")
    }


@ALL
def test_one_evse_and_back(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            await clock.sleep(1)
            central.forget()
            assert await change(central, version, False, 2) == "Accepted"
            await clock.sleep(1)
            assert states(central) == {2: "Unavailable"}
            async with station.plug_in(evse=2) as visit:
                await visit.swipe("A1")
                await clock.sleep(5)
                assert not visit.evse.closed
            assert await change(central, version, False, 2) == "Accepted", "it is so already"
            assert await change(central, version, True, 2) == "Accepted"
            await clock.sleep(1)
            assert states(central)[2] == "Available"
            assert await change(central, version, True, 9) == "Rejected"

    live(story)


@ALL
def test_the_whole_station_survives_a_restart(version: Version) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2, store=store) as (central, station):
            assert await change(central, version, False) == "Accepted"
            await clock.sleep(1)
            assert states(central) == ({0: "Unavailable"} if version is V16 else {}) | dict.fromkeys(
                (1, 2), "Unavailable"
            )
            station.restart("ApplicationReset")
            while len(central.of("BootNotification")) < 2:
                await clock.sleep(1)
            await clock.sleep(1)
            central.forget()
            await central.call("TriggerMessage", {"requestedMessage": "StatusNotification"})
            await clock.sleep(1)
            assert set(states(central).values()) == {"Unavailable"}
            assert await change(central, version, True) == "Accepted"
            await clock.sleep(1)
            assert set(states(central).values()) == {"Available"}

    live(story)


@ALL
def test_while_somebody_charges_it_is_scheduled(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            async with station.plug_in(evse=1) as visit:
                await visit.swipe("A1")
                await visit.charging()
                assert await change(central, version, False) == "Scheduled"
                await clock.sleep(5)
                assert visit.evse.closed
                assert states(central)[2] == "Unavailable"
                assert states(central)[1] in ("Charging", "Occupied")
            await clock.sleep(3)
            assert states(central)[1] == "Unavailable"

    live(story)


@TWO
def test_an_evse_keeps_its_own_state_under_the_stations(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, _):
            assert await change(central, version, False, 2) == "Accepted"
            assert await change(central, version, False) == "Accepted"
            assert await change(central, version, True) == "Accepted"
            await clock.sleep(1)
            assert states(central) == {1: "Available", 2: "Unavailable"}, "G04.FR.08"

    live(story)


def test_16_tells_only_what_lasts() -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"OCPP16Ctrlr.MinimumStatusDuration": "10"}
        async with charging(clock, V16, variables=variables) as (central, station):
            await clock.sleep(1)
            central.forget()
            async with station.plug_in():
                await clock.sleep(5)
            await clock.sleep(60)
            assert central.of("StatusNotification") == []
            async with station.plug_in():
                await clock.sleep(15)
                assert states(central) == {1: "Preparing"}

    live(story)


@ALL
def test_faults_of_the_station_and_warnings(version: Version) -> None:
    from voltbridge.station.ports import FaultCleared, FaultOccurred

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            await clock.sleep(1)
            central.forget()
            engine = station.engine
            engine.happenings.happened(FaultOccurred(0, "InternalError"))
            await clock.sleep(1)
            assert set(states(central).values()) == {"Faulted"}
            engine.happenings.happened(FaultCleared(0, "InternalError"))
            await clock.sleep(1)
            assert set(states(central).values()) == {"Available"}
            central.forget()
            engine.happenings.happened(FaultOccurred(1, "HighTemperature", info="hot", stops=False))
            await clock.sleep(1)
            told = central.of("StatusNotification")
            if version is V16:
                assert [(t["status"], t["errorCode"], t["info"]) for t in told] == [
                    ("Available", "HighTemperature", "hot")
                ]
            else:
                assert told == [], "2.x tells warnings otherwise"

    live(story)


@ALL
def test_after_a_short_absence_only_changes_are_told(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2, variables={"OCPPCommCtrlr.OfflineThreshold": "300"}) as (
            central,
            station,
        ):
            await clock.sleep(1)
            hardware = station.hardware
            assert isinstance(hardware, VirtualHardware)
            hardware.uplink(False)
            central.forget()
            await clock.sleep(5)
            visit = station.plug_in(evse=2)
            await visit.__aenter__()
            await clock.sleep(20)
            hardware.uplink(True)
            await station.connected()
            await clock.sleep(2)
            assert states(central) == {2: "Preparing" if version is V16 else "Occupied"}
            hardware.uplink(False)
            central.forget()
            await clock.sleep(1000)
            hardware.uplink(True)
            await station.connected()
            await clock.sleep(2)
            assert set(states(central)) == ({0, 1, 2} if version is V16 else {1, 2}), "beyond the threshold all are"

    live(story)


@TWO
def test_states_are_variables_too(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):

            async def state(component: Message) -> str:
                data = {"component": component, "variable": {"name": "AvailabilityState"}}
                response = await central.call("GetVariables", {"getVariableData": [data]})
                value: str = response["getVariableResult"][0]["attributeValue"]
                return value

            connector = {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}
            assert await state(connector) == "Available"
            async with station.plug_in():
                assert await state(connector) == "Occupied"
                assert await state({"name": "EVSE", "evse": {"id": 1}}) == "Occupied"
            assert await state({"name": "ChargingStation"}) == "Available"
            assert isinstance(station, Station)

    live(story)

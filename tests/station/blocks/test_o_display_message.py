"""Display messages before a central system of others: what stands on the display at which moment, and what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21])


def message(number: int, text: str, priority: str = "NormalCycle", **more: Any) -> Message:
    content = {"format": "UTF8", "content": text} | more.pop("content", {})
    return {"id": number, "priority": priority, "message": content} | more


async def put(central: CentralSystem, number: int, text: str, priority: str = "NormalCycle", **more: Any) -> str:
    response = await central.call("SetDisplayMessage", {"message": message(number, text, priority, **more)})
    return str(response["status"])


async def told(central: CentralSystem, **asked: Any) -> list[Message]:
    """What a report brings; nothing where it is Unknown."""
    central.forget()
    response = await central.call("GetDisplayMessages", {"requestId": 7} | asked)
    if response["status"] == "Unknown":
        return []
    await central.next("NotifyDisplayMessages", lambda part: not part.get("tbc"))
    parts = central.of("NotifyDisplayMessages")
    assert {part["requestId"] for part in parts} == {7}
    return [info for part in parts for info in part["messageInfo"]]


def text(station: Station) -> str:
    assert isinstance(station.hardware, VirtualHardware)
    return station.hardware.text


async def seen(clock: VirtualClock, station: Station, seconds: int = 60) -> set[str]:
    """What stands there in the course of a while."""
    found = set()
    for _ in range(seconds):
        found.add(text(station))
        await clock.sleep(1)
    return found


def at(clock: VirtualClock, seconds: float) -> str:
    return DateTime.of(clock.now() + timedelta(seconds=seconds))


@TWO
def test_priorities(version: Version) -> None:
    """O01.FR.12 to FR.16, O05, O06."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert text(station) == ""
            assert await put(central, 1, "normal one") == "Accepted"
            assert text(station) == "normal one"
            assert await put(central, 2, "normal two") == "Accepted"
            assert await seen(clock, station) == {"normal one", "normal two"}
            assert await put(central, 3, "front one", "InFront") == "Accepted"
            assert await seen(clock, station) == {"front one"}
            assert await put(central, 4, "front two", "InFront") == "Accepted"
            assert await seen(clock, station) == {"front one", "front two"}
            assert await put(central, 5, "always", "AlwaysFront") == "Accepted"
            assert await seen(clock, station) == {"always"}
            assert await put(central, 6, "always too", "AlwaysFront") == "Accepted"
            assert await seen(clock, station) == {"always too"}
            assert [info["id"] for info in await told(central)] == [1, 2, 3, 4, 6], "the first was replaced"
            assert await put(central, 6, "always, in other words", "AlwaysFront") == "Accepted"
            assert text(station) == "always, in other words"
            for number in (6, 3, 4, 1):
                assert await central.call("ClearDisplayMessage", {"id": number}) == {"status": "Accepted"}
            assert await central.call("ClearDisplayMessage", {"id": 6}) == {"status": "Unknown"}
            assert await seen(clock, station) == {"normal two"}

    live(story)


@TWO
def test_times(version: Version) -> None:
    """O01.FR.06, FR.07."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            start, end = at(clock, 100), at(clock, 200)
            assert await put(central, 1, "for a while", startDateTime=start, endDateTime=end) == "Accepted"
            assert await seen(clock, station, 98) == {""}
            await clock.sleep(5)
            assert await seen(clock, station, 90) == {"for a while"}
            await clock.sleep(10)
            assert text(station) == ""
            assert await told(central) == []
            for bad in ({"endDateTime": at(clock, -1)}, {"startDateTime": at(clock, 9), "endDateTime": at(clock, 8)}):
                assert await put(central, 2, "never", **bad) == "Rejected"

    live(story)


@TWO
def test_states(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            for number, state in enumerate(("Idle", "Charging", "Faulted", "Unavailable")):
                assert await put(central, number, state, "InFront", state=state) == "Accepted"
            assert await seen(clock, station) == {"Idle"}
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("04A2B3C4")
            await visit.charging()
            await clock.sleep(5)
            assert await seen(clock, station) == {"Charging"}
            await visit.leave()
            await clock.sleep(5)
            assert await seen(clock, station) == {"Idle"}
            await central.call("ChangeAvailability", {"operationalStatus": "Inoperative"})
            assert await seen(clock, station) == {"Idle", "Unavailable"}
            await central.call("ChangeAvailability", {"operationalStatus": "Operative"})
            visit.evse.fault("GroundFailure")
            await clock.sleep(1)
            assert await seen(clock, station) == {"Idle", "Faulted"}

    live(story)


@TWO
def test_messages_of_a_transaction_go_with_it(version: Version) -> None:
    """O02.FR.01, FR.02."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await put(central, 1, "yours", transactionId="nobody's") == "UnknownTransaction"
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("04A2B3C4")
            await visit.charging()
            event = await central.next("TransactionEvent")
            key = event["transactionInfo"]["transactionId"]
            assert await put(central, 1, "yours", transactionId=key) == "Accepted"
            assert text(station) == "yours"
            assert [info["transactionId"] for info in await told(central)] == [key]
            await visit.leave()
            await clock.sleep(5)
            assert text(station) == ""
            assert await told(central) == []

    live(story)


@TWO
def test_what_a_station_does_not_show_is_refused(version: Version) -> None:
    """O01.FR.01 to FR.03, FR.11."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            for format in ("HTML", "URI"):
                refused = await put(central, 1, "<b>", content={"format": format})
                assert refused == "NotSupportedMessageFormat"
            if version is V21:
                assert await put(central, 1, "x", state="Discharging") == "NotSupportedState"
            for number in range(50):
                assert await put(central, number, f"message {number}") == "Accepted"
            assert await put(central, 50, "one too many") == "Rejected"
            assert await put(central, 49, "instead of another") == "Accepted"
            assert len(await told(central)) == 50
            assert len(central.of("NotifyDisplayMessages")) > 1
            name = {"component": {"name": "DisplayMessageCtrlr"}, "variable": {"name": "DisplayMessages"}}
            value = await central.call("GetVariables", {"getVariableData": [name]})
            assert value["getVariableResult"][0]["attributeValue"] == "50"
            assert isinstance(station, Station)

    live(story)


@TWO
def test_reports_of_what_was_asked_for_as_it_was_set(version: Version) -> None:
    """O03, O04."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await told(central) == []
            whole = message(
                1,
                "Grüße",
                "InFront",
                state="Idle",
                startDateTime="2026-02-01T00:00:00.000Z",
                endDateTime="2027-01-01T00:00:00.000Z",
                display={"name": "Display", "instance": "main", "evse": {"id": 1}},
                content={"language": "de"},
            )
            if version is V21:
                whole["messageExtra"] = [{"format": "UTF8", "language": "en", "content": "Greetings"}]
            assert (await central.call("SetDisplayMessage", {"message": whole}))["status"] == "Accepted"
            await put(central, 2, "two", "AlwaysFront")
            await put(central, 3, "three")
            assert await told(central, id=[1]) == [whole]
            assert [info["id"] for info in await told(central, priority="NormalCycle")] == [3]
            assert [info["id"] for info in await told(central, state="Idle")] == [1]
            assert [info["id"] for info in await told(central, id=[1, 2, 9], priority="AlwaysFront")] == [2]
            assert await told(central, id=[9]) == []
            assert isinstance(station, Station)

    live(story)


def test_the_drivers_language() -> None:
    """O01.FR.08, FR.09."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21) as (central, station):
            extra = [
                {"format": "UTF8", "language": "en-US", "content": "Hello"},
                {"format": "UTF8", "language": "nl", "content": "Hallo"},
            ]
            await put(central, 1, "Guten Tag", content={"language": "de"}, messageExtra=extra)
            assert text(station) == "Hello", "nobody is known: English"
            central.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "language1": "nl"}}
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await clock.sleep(15)
                assert text(station) == "Hallo"

    live(story)


@TWO
def test_messages_survive_a_restart_and_a_damaged_one_hurts_nobody(version: Version) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (central, _):
            await put(central, 1, "still there", "InFront")
        store.put("display-messages", "2", b"{torn")
        async with charging(clock, version, store=store) as (central, station):
            assert text(station) == "still there"
            assert [info["id"] for info in await told(central)] == [1]

    live(story)


@TWO
def test_a_lost_connection_is_shown_where_that_is_wanted(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"BackendCtrlr.DisplayBackendDisconnectAsError": "true"}
        async with charging(clock, version, variables=variables) as (central, station):
            await put(central, 1, "in front", "InFront")
            central.password = "nobody's"
            await central.cut()
            await clock.sleep(1)
            assert text(station) == "No connection to the backend"
            central.password = None
            await station.connected()
            assert text(station) == "in front"

    live(story)

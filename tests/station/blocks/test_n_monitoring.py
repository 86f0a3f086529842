"""Monitors, events and customer information, before central systems of others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ocpp.exceptions import OccurrenceConstraintViolationError
from tests.station.central_system import CentralSystem, charging, live, served

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import HardWiredNotification, PresetMonitor, StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

TWO = pytest.mark.parametrize("version", [Version.V201, Version.V21])
EVSE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
THRESHOLD = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


def wanted(what: dict[str, Any], kind: str, value: float = 1, severity: int = 5, **more: Any) -> dict[str, Any]:
    return {**what, "type": kind, "value": value, "severity": severity, **more}


async def put(central: CentralSystem, *monitors: dict[str, Any]) -> list[dict[str, Any]]:
    said = await central.call("SetVariableMonitoring", {"setMonitoringData": list(monitors)})
    results: list[dict[str, Any]] = said["setMonitoringResult"]
    return results


async def reported(central: CentralSystem, number: int, **more: Any) -> list[dict[str, Any]] | str:
    said = await central.call("GetMonitoringReport", {"requestId": number, **more})
    if said["status"] != "Accepted":
        return str(said["status"])
    await central.next("NotifyMonitoringReport", lambda each: each["requestId"] == number and not each.get("tbc"))
    parts = [each for each in central.of("NotifyMonitoringReport") if each["requestId"] == number]
    assert [each["seqNo"] for each in parts] == list(range(len(parts)))
    return [monitor for part in parts for each in part["monitor"] for monitor in each["variableMonitoring"]]


def events(central: CentralSystem) -> list[dict[str, Any]]:
    return [event for each in central.of("NotifyEvent") for event in each["eventData"]]


@contextlib.asynccontextmanager
async def preset(clock: VirtualClock, version: Version, *monitors: PresetMonitor) -> AsyncIterator[CentralSystem]:
    async with served(clock, version) as central, Network(clock, holds_clock=False) as network:
        made = StationConfiguration("CP-1", central.url, versions=(version,), monitors=monitors)
        async with Station(made, network=network) as station:
            await station.connected()
            yield central


@TWO
def test_a_threshold_alerts_and_clears(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            (result,) = await put(central, wanted(POWER, "UpperThreshold", 100))
            assert result["status"] == "Accepted"
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await clock.sleep(60)
                (alert,) = events(central)
                assert (alert["trigger"], alert.get("cleared", False)) == ("Alerting", False)
                assert float(alert["actualValue"]) > 100
                assert alert["variableMonitoringId"] == result["id"]
                assert alert["eventNotificationType"] == "CustomMonitor"
                transaction = central.of("TransactionEvent")[0]["transactionInfo"]["transactionId"]
                assert alert["transactionId"] == transaction
                assert alert.get("severity") == (5 if version is Version.V21 else None)
            await clock.sleep(60)
            _, cleared = events(central)
            assert (cleared["cleared"], cleared["transactionId"]) == (True, transaction)
            assert float(cleared["actualValue"]) <= 100
            assert cleared["eventId"] != alert["eventId"]

    live(story)


@TWO
def test_deltas_of_numbers_and_of_words(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            await put(central, wanted(THRESHOLD, "Delta", 1), wanted(EVSE, "Delta"), wanted(PASSWORD, "Delta"))
            before = int(station.services.context.settings.offline_threshold_s)

            async def change(what: dict[str, Any], value: str) -> None:
                data = {"setVariableData": [{**what, "attributeValue": value}]}
                said = await central.call("SetVariables", data)
                assert said["setVariableResult"][0]["attributeStatus"] == "Accepted"
                await clock.sleep(5)

            await change(THRESHOLD, str(before + 1))
            assert events(central) == []
            await change(THRESHOLD, str(before + 2))
            assert [each["actualValue"] for each in events(central)] == [str(before + 2)]
            async with station.plug_in():
                await clock.sleep(5)
                assert events(central)[-1]["actualValue"] == "Occupied"
            await clock.sleep(5)
            assert [each["actualValue"] for each in events(central)][1:] == ["Occupied", "Available"]
            assert {each["trigger"] for each in events(central)} == {"Delta"}

    live(story)


@TWO
def test_what_may_not_be_read_is_not_told(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, password="0123456789abcdef") as (central, station):
            assert (await put(central, wanted(PASSWORD, "Delta")))[0]["status"] == "Accepted"
            station.services.context.device_model.set("SecurityCtrlr.BasicAuthPassword", "fedcba9876543210")
            await central.next("NotifyEvent")
            assert [each["actualValue"] for each in events(central)] == [""]

    live(story)


@TWO
def test_periods(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            await clock.sleep(100)
            await put(central, wanted(EVSE, "Periodic", 60), wanted(EVSE, "PeriodicClockAligned", 900, severity=4))
            await clock.sleep(3610)
            every = [each for each in events(central) if each["variableMonitoringId"] == 1]
            aligned = [each for each in events(central) if each["variableMonitoringId"] == 2]
            assert len(every) == 60
            assert len(aligned) == 4
            assert all(each["timestamp"][14:16] in ("00", "15", "30", "45") for each in aligned)
            assert {each["trigger"] for each in every + aligned} == {"Periodic"}

    live(story)


REFUSED = [
    (wanted(EVSE, "UpperThreshold"), {"UnsupportedMonitorType"}),
    (wanted(POWER, "UpperThreshold", 1e9), {"Rejected"}),
    (wanted(EVSE, "Delta", -1), {"Rejected"}),
    (wanted(EVSE, "Periodic", 0), {"Rejected"}),
    (wanted(EVSE, "Delta", severity=10), {"Rejected"}),
    (wanted(EVSE, "Delta", severity=-1), {"Rejected"}),
    (wanted(EVSE, "Delta", id=999), {"Rejected"}),
    (wanted({**EVSE, "variable": {"name": "Nothing"}}, "Delta"), {"UnknownVariable"}),
    (wanted({**EVSE, "component": {"name": "Nothing"}}, "Delta"), {"UnknownComponent"}),
    (wanted({**EVSE, "component": {"name": "EVSE", "evse": {"id": 99}}}, "Delta"), {"UnknownComponent"}),
]


@TWO
def test_what_is_refused_leaves_nothing(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            for monitor, statuses in REFUSED:
                if version is Version.V21 and monitor["severity"] < 0:
                    continue  # the schema of 2.1 forbids it, so the package does not send it
                (result,) = await put(central, monitor)
                assert result["status"] in statuses, monitor
                assert "id" not in result
            assert await reported(central, 1) == "EmptyResultSet"
            with pytest.raises(OccurrenceConstraintViolationError):
                await put(central, *[wanted(EVSE, "Delta")] * 51)
            central.refused.clear()
            results = await put(
                central, wanted(EVSE, "Delta"), wanted(EVSE, "Delta"), wanted(EVSE, "Delta", severity=4)
            )
            assert [each["status"] for each in results] == ["Accepted", "Duplicate", "Accepted"]
            (moved,) = await put(central, wanted(POWER, "Delta", id=results[0]["id"]))
            assert moved["status"] == "Rejected"
            for severity in (10, -1) if version is Version.V201 else (10,):
                assert (await central.call("SetMonitoringLevel", {"severity": severity}))["status"] == "Rejected"

    live(story)


@TWO
def test_reports_and_clearing(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            await put(
                central, wanted(EVSE, "Delta"), wanted(POWER, "UpperThreshold", 9), wanted(POWER, "Periodic", 900)
            )
            every = await reported(central, 1)
            assert isinstance(every, list)
            assert [each["id"] for each in every] == [1, 2, 3]
            some = await reported(central, 2, monitoringCriteria=["ThresholdMonitoring", "PeriodicMonitoring"])
            assert isinstance(some, list)
            assert [each["type"] for each in some] == ["UpperThreshold", "Periodic"]
            assert await reported(central, 3, monitoringCriteria=["DeltaMonitoring"], componentVariable=[POWER]) == (
                "EmptyResultSet"
            )
            said = await central.call("ClearVariableMonitoring", {"id": [2, 77]})
            assert [each["status"] for each in said["clearMonitoringResult"]] == ["Accepted", "NotFound"]
            left = await reported(central, 4)
            assert isinstance(left, list)
            assert [each["id"] for each in left] == [1, 3]

    live(story)


@TWO
def test_monitors_outlast_a_restart(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with charging(clock, version, store=store) as (central, station):
            await put(central, wanted(POWER, "UpperThreshold", 100), wanted(EVSE, "Delta", severity=3))
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await clock.sleep(60)
                assert [each["trigger"] for each in events(central) if each["variableMonitoringId"] == 1] == [
                    "Alerting"
                ]
                await station.power_cut(60)
                await station.connected()
            await clock.sleep(30)
            assert [each.get("cleared", False) for each in events(central) if each["variableMonitoringId"] == 1] == [
                False,
                True,
            ]
            left = await reported(central, 1)
            assert isinstance(left, list)
            assert [each["id"] for each in left] == [1, 2]

    live(story)


@TWO
def test_offline_only_what_is_severe_is_kept_and_the_level_counts(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            station.services.context.device_model.set("MonitoringCtrlr.OfflineQueuingSeverity", "4")
            await put(central, wanted(EVSE, "Delta", severity=4), wanted(EVSE, "Delta", severity=5))
            station.hardware.uplink(False)  # type: ignore[attr-defined]
            await clock.sleep(5)
            async with station.plug_in():
                await clock.sleep(5)
                station.hardware.uplink(True)  # type: ignore[attr-defined]
                await station.connected()
                await clock.sleep(5)
                assert [each["variableMonitoringId"] for each in events(central)] == [1]
                assert (await central.call("SetMonitoringLevel", {"severity": 4}))["status"] == "Accepted"
            await clock.sleep(5)
            assert [each["variableMonitoringId"] for each in events(central)] == [1, 1]

    live(story)


@TWO
def test_events_that_wait_outlast_a_power_cut(version: Version) -> None:
    """N07.FR.04: what was seen offline is delivered, though the power went before the connection came back."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, store=MemoryStore()) as (central, station):
            await put(central, wanted(EVSE, "Delta", severity=1))
            station.hardware.uplink(False)  # type: ignore[attr-defined]
            await clock.sleep(5)
            async with station.plug_in():
                await clock.sleep(5)
                assert events(central) == []
                await station.power_cut(5)
                await station.connected()
                await central.next("NotifyEvent", lambda each: each["eventData"][0]["actualValue"] == "Occupied")

    live(story)


@TWO
def test_bases(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        hard = PresetMonitor("EVSE@1.Power", "UpperThreshold", 50.0, 2, hard_wired=True)
        soft = PresetMonitor("EVSE@1.AvailabilityState", "Delta", 1.0, 6)
        async with preset(clock, version, hard, soft) as central:

            async def severities(number: int) -> list[int]:
                found = await reported(central, number)
                assert isinstance(found, list)
                return [each["severity"] for each in found]

            async def base(name: str) -> None:
                assert (await central.call("SetMonitoringBase", {"monitoringBase": name}))["status"] == "Accepted"

            assert (await put(central, wanted(EVSE, "Delta", severity=7, id=2)))[0]["status"] == "Accepted"
            assert (await put(central, wanted(POWER, "UpperThreshold", 9, id=1)))[0]["status"] == "Rejected"
            await put(central, wanted(EVSE, "Delta", severity=1))
            assert await severities(1) == [2, 7, 1]
            said = await central.call("ClearVariableMonitoring", {"id": [1]})
            assert said["clearMonitoringResult"][0]["status"] == "Rejected"
            await base("All")
            assert await severities(2) == [2, 7, 1]
            await base("FactoryDefault")
            assert await severities(3) == [2, 6]
            await base("HardWiredOnly")
            assert await severities(4) == [2]
            await base("All")
            assert await severities(5) == [2, 6]

    live(story)


@TWO
def test_hard_wired_notifications_are_told_without_any_monitor(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with served(clock, version) as central, Network(clock, holds_clock=False) as network:
            told = (HardWiredNotification("EVSE@1.AvailabilityState", 5),)
            made = StationConfiguration("CP-1", central.url, versions=(version,), notifications=told)
            async with Station(made, network=network) as station:
                await station.connected()
                assert await reported(central, 1) == "EmptyResultSet"
                async with station.plug_in():
                    await clock.sleep(5)
                (event,) = events(central)[:1]
                assert event["eventNotificationType"] == "HardWiredNotification"
                assert (event["trigger"], event["actualValue"]) == ("Delta", "Occupied")
                assert "variableMonitoringId" not in event
                assert event.get("severity") == (5 if version is Version.V21 else None)
                assert (await central.call("SetMonitoringBase", {"monitoringBase": "All"}))["status"] == "Accepted"
                await central.call("SetMonitoringLevel", {"severity": 4})
                central.forget()
                async with station.plug_in():
                    await clock.sleep(5)
                assert events(central) == []

    live(story)


@TWO
def test_what_is_known_of_a_customer(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"AuthCacheCtrlr.Enabled": "true"}) as (central, station):
            token = {"idToken": "04A2B3C4", "type": "ISO14443"}

            async def ask(number: int, **more: Any) -> str:
                request = {"requestId": number, "report": True, "clear": False, **more}
                said = await central.call("CustomerInformation", request)
                if said["status"] != "Accepted":
                    return str(said["status"])
                told = await central.next("NotifyCustomerInformation", lambda each: each["requestId"] == number)
                return str(told["data"])

            assert await ask(1, idToken=token) == ""
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await clock.sleep(10)
            assert "04A2B3C4" in await ask(2, idToken=token)
            assert "04A2B3C4" in await ask(3, idToken=token, clear=True)
            assert await ask(4, idToken=token) == ""
            assert await ask(5, idToken=token, clear=True, report=False) == "cleared"
            assert await ask(6, customerIdentifier="someone") == ""
            station.services.customers.remember("someone", "signed up")
            assert "signed up" in await ask(10, customerIdentifier="someone")
            assert "signed up" in await ask(11, customerIdentifier="someone", clear=True)
            assert await ask(12, customerIdentifier="someone") == ""
            assert await ask(7) == "Invalid"
            assert await ask(8, idToken=token, customerIdentifier="someone") == "Invalid"
            assert await ask(9, idToken=token, report=False) == "Rejected"

    live(story)


@pytest.mark.parametrize(("kind", "value"), [("TargetDelta", 12_000), ("TargetDeltaRelative", 0.6)])
def test_what_is_too_far_from_its_target_alerts_in_21(kind: str, value: float) -> None:
    """N07.FR.02, FR.11, FR.22, FR.23: the power of an EVSE, whose target is what it offers."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, Version.V21) as (central, station):
            (refused,) = await put(central, wanted(THRESHOLD, kind, value))
            assert refused["status"] == "UnsupportedMonitorType", "it has no target"
            read = {"getVariableData": [POWER | {"attributeType": "Target"}]}
            (target,) = (await central.call("GetVariables", read))["getVariableResult"]
            assert float(target["attributeValue"]) == 22_080
            (result,) = await put(central, wanted(POWER, kind, value))
            await clock.sleep(30)
            (alert,) = events(central)
            assert (alert["trigger"], alert["variableMonitoringId"]) == ("Alerting", result["id"])
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await visit.charging()
                await clock.sleep(120)
                assert visit.evse.power_w > 10_500, "half of what is offered"
                assert [each.get("cleared", False) for each in events(central)] == [False, True]
                await put(central, wanted(POWER, kind, value / 2, id=result["id"]))
                await clock.sleep(30)
                assert [each.get("cleared", False) for each in events(central)] == [False, True, False]
            found = await reported(central, 8, monitoringCriteria=["DeltaMonitoring"])
            assert [each["type"] for each in found if isinstance(each, dict)] == [kind], "erratum 2.42"

    live(story)

"""Registration, heartbeats, variables, resets and network profiles of a station, before a central system of others."""

from __future__ import annotations

from typing import Any

import pytest
from ocpp.exceptions import OCPPError
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Registration
from voltbridge.station.assembly import Station
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21])
ALL = pytest.mark.parametrize("version", list(Version))


def variable(name: str, value: str | None = None) -> dict[str, Any]:
    component, _, rest = name.partition(".")
    plain, _, instance = rest.partition("[")
    data: dict[str, Any] = {"component": {"name": component}, "variable": {"name": plain}}
    if instance:
        data["variable"]["instance"] = instance.removesuffix("]")
    if value is not None:
        data["attributeValue"] = value
    return data


async def get(central: CentralSystem, *names: str) -> list[Any]:
    response = await central.call("GetVariables", {"getVariableData": [variable(name) for name in names]})
    results: list[Any] = response["getVariableResult"]
    return results


async def put(central: CentralSystem, **values: str) -> list[str]:
    data = [variable(name.replace("__", "."), value) for name, value in values.items()]
    response = await central.call("SetVariables", {"setVariableData": data})
    return [result["attributeStatus"] for result in response["setVariableResult"]]


async def change(central: CentralSystem, key: str, value: str) -> str:
    response = await central.call("ChangeConfiguration", {"key": key, "value": value})
    status: str = response["status"]
    return status


async def key(central: CentralSystem, name: str) -> Any:
    response = await central.call("GetConfiguration", {"key": [name]})
    return response["configurationKey"][0] if "configurationKey" in response else None


@ALL
def test_boot_then_the_states_of_all_connectors(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, _):
            await clock.sleep(1)
            assert central.received[0][0] == "BootNotification"
            boots = [e["type"] for e in central.of("SecurityEventNotification")]
            assert boots == ["StartupOfTheDevice"]
            states = central.of("StatusNotification")
            assert len(states) == (3 if version is V16 else 2)
            assert {state.get("status", state.get("connectorStatus")) for state in states} == {"Available"}

    live(story)


@ALL
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_station_that_is_not_accepted_asks_again_and_says_nothing_else(version: Version, status: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, connected=False) as (central, station):
            answer = {"currentTime": "2026-03-01T12:00:00Z", "interval": 77, "status": status}
            central.answers["BootNotification"] = answer
            await central.next("BootNotification")
            began = clock.monotonic()
            while len(central.of("BootNotification")) < 3:
                await clock.sleep(1)
            assert clock.monotonic() - began == pytest.approx(154, abs=3)
            assert {action for action, _ in central.received} == {"BootNotification"}
            del central.answers["BootNotification"]
            await station.connected()
            await central.next("StatusNotification")

    live(story)


@TWO
def test_while_pending_the_csms_may_ask_but_not_start(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, connected=False) as (central, _):
            central.answers["BootNotification"] = {
                "currentTime": "2026-03-01T12:00:00Z",
                "interval": 1000,
                "status": "Pending",
            }
            await central.next("BootNotification")
            await clock.sleep(1)
            assert (await get(central, "OCPPCommCtrlr.HeartbeatInterval"))[0]["attributeStatus"] == "Accepted"
            started = await central.call(
                "RequestStartTransaction", {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1}
            )
            assert started["status"] == "Rejected"
            report = await central.call("GetBaseReport", {"requestId": 4, "reportBase": "SummaryInventory"})
            assert report["status"] == "Accepted"
            await central.next("NotifyReport")
            assert (await central.call("TriggerMessage", {"requestedMessage": "BootNotification"}))[
                "status"
            ] == "Accepted"
            triggered = await central.next("BootNotification", lambda boot: boot["reason"] == "Triggered")
            assert triggered

    live(story)


@TWO
def test_a_rejected_station_refuses_what_is_asked_of_it(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, connected=False) as (central, station):
            central.answers["BootNotification"] = {
                "currentTime": "2026-03-01T12:00:00Z",
                "interval": 1000,
                "status": "Rejected",
            }
            await central.next("BootNotification")
            await clock.sleep(1)
            assert station.registration is Registration.REJECTED
            with pytest.raises(OCPPError) as refusal:
                await get(central, "OCPPCommCtrlr.HeartbeatInterval")
            assert refusal.value.code == "SecurityError"
            central.refused.clear()

    live(story)


@ALL
def test_heartbeats_follow_the_interval_of_the_boot_when_nothing_else_is_said(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, connected=False) as (central, station):
            answer: Message = {"interval": 40, "status": "Accepted"}
            central.answers["BootNotification"] = lambda _: answer | {"currentTime": clock.now().isoformat()}
            await station.connected()
            await clock.sleep(205)
            assert len(central.of("Heartbeat")) == 5
            if version is V16:
                assert await change(central, "HeartbeatInterval", "10") == "Accepted"
            else:
                assert await put(central, OCPPCommCtrlr__HeartbeatInterval="10") == ["Accepted"]
            central.forget()
            await clock.sleep(61)
            assert len(central.of("Heartbeat")) == pytest.approx(6, abs=1)

    live(story)


@ALL
def test_the_clock_of_the_csms_is_the_stations(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, connected=False) as (central, station):
            central.answers["BootNotification"] = {
                "currentTime": "2030-01-01T00:00:00Z",
                "interval": 300,
                "status": "Accepted",
            }
            await station.connected()
            state = await central.next("StatusNotification")
            assert state["timestamp"].startswith("2030-01-01T00:00:00")
            await central.next("SecurityEventNotification", lambda event: event["type"] == "SettingSystemTime")

    live(story)


@TWO
def test_variables(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            read = await get(
                central, "TxCtrlr.TxStartPoint", "TxCtrlr.Nothing", "Nothing.At", "SecurityCtrlr.BasicAuthPassword"
            )
            assert [each["attributeStatus"] for each in read] == [
                "Accepted",
                "UnknownVariable",
                "UnknownComponent",
                "Rejected",
            ]
            assert [each.get("attributeValue") for each in read] == ["PowerPathClosed", None, None, None]
            assert {each["attributeType"] for each in read} == {"Actual"}
            written = await put(
                central,
                TxCtrlr__EVConnectionTimeOut="33",
                TxCtrlr__StopTxOnInvalidId="maybe",
                ChargingStation__Model="X",
                OCPPCommCtrlr__NetworkConfigurationPriority="2,1",
                BackendCtrlr__WebSocketsProxy="proxy",
            )
            assert written == ["Accepted", "Rejected", "Rejected", "Rejected", "RebootRequired"]
            assert (await get(central, "TxCtrlr.EVConnectionTimeOut"))[0]["attributeValue"] == "33"

    live(story)


@TWO
@pytest.mark.parametrize(("action", "items"), [("GetVariables", 51), ("SetVariables", 51), ("GetReport", 51)])
def test_too_many_items_are_refused(version: Version, action: str, items: int) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            plain = variable("TxCtrlr.TxStartPoint")
            requests: dict[str, Message] = {
                "GetVariables": {"getVariableData": [plain] * items},
                "SetVariables": {"setVariableData": [plain | {"attributeValue": "Authorized"}] * items},
                "GetReport": {"requestId": 1, "componentVariable": [plain] * items},
            }
            with pytest.raises(OCPPError) as refusal:
                await central.call(action, requests[action])
            assert refusal.value.code == "OccurrenceConstraintViolation"
            central.refused.clear()
            assert (await get(central, "TxCtrlr.TxStartPoint"))[0]["attributeValue"] == "PowerPathClosed"

    live(story)


@TWO
def test_reports_come_in_parts_and_are_complete(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            response = await central.call("GetBaseReport", {"requestId": 9, "reportBase": "FullInventory"})
            assert response["status"] == "Accepted"
            last = await central.next("NotifyReport", lambda part: not part.get("tbc", False))
            parts = central.of("NotifyReport")
            assert [part["seqNo"] for part in parts] == list(range(len(parts)))
            assert last is parts[-1]
            assert {part["requestId"] for part in parts} == {9}
            rows = [row for part in parts for row in part["reportData"]]
            assert len(rows) == len(list(station.services.context.device_model.entries))
            assert all("variableCharacteristics" in row for row in rows)
            central.forget()
            await central.call("GetBaseReport", {"requestId": 10, "reportBase": "ConfigurationInventory"})
            await central.next("NotifyReport", lambda part: not part.get("tbc", False))
            rows = [row for part in central.of("NotifyReport") for row in part["reportData"]]
            assert all(row["variableAttribute"][0]["mutability"] != "ReadOnly" for row in rows)

    live(story)


@TWO
def test_reports_of_what_was_asked_for(version: Version) -> None:
    async def ask(central: CentralSystem, number: int, **criteria: Any) -> tuple[str, set[str]]:
        response = await central.call("GetReport", {"requestId": number, **criteria})
        if response["status"] != "Accepted":
            return response["status"], set()
        await central.next("NotifyReport", lambda part: part["requestId"] == number and not part.get("tbc"))
        rows = [row for part in central.of("NotifyReport") if part["requestId"] == number for row in part["reportData"]]
        return response["status"], {f"{row['component']['name']}.{row['variable']['name']}" for row in rows}

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            status, names = await ask(central, 1, componentVariable=[{"component": {"name": "TxCtrlr"}}])
            assert "TxCtrlr.TxStartPoint" in names
            assert {name.split(".")[0] for name in names} == {"TxCtrlr"}
            status, names = await ask(central, 2, componentVariable=[variable("EVSE.AvailabilityState")])
            assert names == {"EVSE.AvailabilityState"}, "an EVSE's variable without naming the EVSE (B08.FR.23)"
            status, _ = await ask(central, 3, componentVariable=[variable("No.Such")])
            assert status == "EmptyResultSet"
            status, _ = await ask(central, 4, componentCriteria=["Problem"])
            assert status == "EmptyResultSet"
            status, names = await ask(central, 5, componentCriteria=["Enabled"])
            assert "AuthCtrlr.Enabled" in names
            assert {name.split(".")[1] for name in names} == {"Enabled"}
            chosen = [variable("TxCtrlr.TxStartPoint"), variable("AuthCtrlr.MasterPassGroupId")]
            status, names = await ask(central, 6, componentCriteria=["Enabled"], componentVariable=chosen)
            assert len(names) == 2, "a component without the variable counts as enabled"
            status, names = await ask(central, 7, componentCriteria=["Problem"], componentVariable=chosen)
            assert status == "EmptyResultSet"

    live(story)


def test_configuration_keys() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, _):
            everything = (await central.call("GetConfiguration"))["configurationKey"]
            names = {each["key"] for each in everything}
            assert {
                "HeartbeatInterval",
                "SupportedFeatureProfiles",
                "NetworkConnectionProfile1",
                "AuthorizationKey",
            } <= names
            assert next(each for each in everything if each["key"] == "AuthorizationKey").get("value") is None
            partly = await central.call("GetConfiguration", {"key": ["heartbeatinterval", "Nonsense"]})
            assert partly["unknownKey"] == ["Nonsense"]
            assert partly["configurationKey"] == [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
            assert await change(central, "Nonsense", "1") == "NotSupported"
            assert await change(central, "NumberOfConnectors", "7") == "Rejected"
            assert await change(central, "MeterValueSampleInterval", "-1") == "Rejected"
            assert await change(central, "WebSocketPingInterval", "-1") == "Rejected"
            assert await change(central, "MeterValuesSampledData", "SoC,Nonsense") == "Rejected"
            assert await change(central, "MeterValuesSampledData", "SoC,Power.Active.Import") == "Accepted"
            assert (await key(central, "MeterValuesSampledData"))["value"] == "SoC,Power.Active.Import"

    live(story)


def test_migration_to_another_csms_in_16() -> None:
    """The steps of the paper on URL migration, against two central systems."""

    async def story(clock: VirtualClock) -> None:
        from tests.station.central_system import served

        async with served(clock, V16) as new, charging(clock, V16) as (old, station):
            assert (await key(old, "NetworkConfigurationPriority"))["value"] == "NetworkConnectionProfile1"
            assert (await key(old, "NetworkConnectionProfile1"))["value"] == old.url
            assert (await key(old, "NetworkConnectionProfile2"))["value"] == ""
            both = "NetworkConnectionProfile2,NetworkConnectionProfile1"
            assert await change(old, "NetworkConfigurationPriority", both) == "Rejected", "the second is empty yet"
            listed = "NetworkConnectionProfile1,NetworkConnectionProfile2"
            assert await change(old, "NetworkConfigurationPriority", listed) == "RebootRequired", "but may be listed"
            assert (await key(old, "NetworkConfigurationPriority"))["value"] == listed
            for wrong in (f"{listed},NetworkConnectionProfile2", "NetworkConnectionProfile1,NetworkConnectionProfile7"):
                assert await change(old, "NetworkConfigurationPriority", wrong) == "Rejected"
            assert await change(old, "NetworkConnectionProfile2", "http://elsewhere") == "Rejected"
            for wrong in (f"{new.url} ", f" {new.url}", f"{new.url}\n", f'"{new.url}"', f"{new.url}/CP-1"):
                assert await change(old, "NetworkConnectionProfile2", wrong) == "Rejected"
            assert (await key(old, "NetworkProfileConnectionTimeoutSec"))["readonly"] is False
            assert await change(old, "NetworkConnectionProfile2", new.url) == "Accepted"
            assert await change(old, "NetworkConfigurationPriority", both.replace(",", ", ")) == "Rejected"
            assert await change(old, "NetworkConfigurationPriority", both) == "RebootRequired"
            assert (await old.call("Reset", {"type": "Hard"}))["status"] == "Accepted"
            await new.next("BootNotification")
            await station.connected()
            assert (await key(new, "NetworkConfigurationPriority"))["value"] == both
            assert await change(new, "NetworkConnectionProfile1", "") == "Accepted"
            assert new.refused == []

    live(story)


@TWO
def test_network_profiles(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        from tests.station.central_system import served

        async with served(clock, version) as new, charging(clock, version) as (old, station):
            data = {
                "ocppVersion": "OCPP20" if version is V201 else "OCPP21",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": new.url,
                "messageTimeout": 20,
                "securityProfile": 0,
                "ocppInterface": "Wired0",
            }

            async def set_profile(slot: int, **changes: Any) -> str:
                request = {"configurationSlot": slot, "connectionData": data | changes}
                response = await old.call("SetNetworkProfile", request)
                status: str = response["status"]
                return status

            assert await set_profile(7) == "Rejected"
            assert await set_profile(2, ocppTransport="SOAP") == "Rejected"
            assert await set_profile(2, ocppCsmsUrl="ftp://elsewhere") == "Rejected"
            assert await set_profile(2, securityProfile=2) == "Rejected", "ws is no TLS"
            assert await set_profile(2, securityProfile=1) == "Rejected", "there is no password"
            assert await set_profile(2, messageTimeout=0) == "Rejected"
            assert await put(old, OCPPCommCtrlr__NetworkConfigurationPriority="2,1") == ["Rejected"]
            assert await set_profile(2) == "Accepted"
            assert await put(old, OCPPCommCtrlr__NetworkConfigurationPriority="2,1") == ["RebootRequired"]
            assert (await old.call("Reset", {"type": "Immediate"}))["status"] == "Accepted"
            boot = await new.next("BootNotification")
            assert boot["reason"] == "RemoteReset"
            await station.connected()
            assert (await get(new, "OCPPCommCtrlr.ActiveNetworkProfile"))[0]["attributeValue"] == "2"

    live(story)


@ALL
def test_a_reset_restarts_and_ends_what_runs(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A1")
            await visit.charging()
            request = {"type": "Hard" if version is V16 else "Immediate"}
            assert (await central.call("Reset", request))["status"] == "Accepted"
            if version is V16:
                stop = await central.next("StopTransaction")
                assert stop["reason"] == "HardReset"
            else:
                stop = await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")
                assert stop["transactionInfo"]["stoppedReason"] == "ImmediateReset"
                assert stop["triggerReason"] == "ResetCommand"
            while len(central.of("BootNotification")) < 2:
                await clock.sleep(1)
            if version is not V16:
                assert central.of("BootNotification")[1]["reason"] == "RemoteReset"
            await central.next("SecurityEventNotification", lambda event: event["type"] == "ResetOrReboot")
            await station.connected()
            await clock.sleep(1)
            state = [each for each in central.of("StatusNotification") if each["connectorId"] == 1][-1]
            assert state.get("status", state.get("connectorStatus")) in ("Preparing", "Occupied"), "the cable is in"
            assert not visit.evse.closed

    live(story)


@TWO
def test_a_reset_on_idle_waits_for_the_driver(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                assert (await central.call("Reset", {"type": "OnIdle"}))["status"] == "Scheduled"
                await clock.sleep(100)
                assert len(central.of("BootNotification")) == 1
                station.hardware.swipe("B2", evse_id=2)  # type: ignore[attr-defined]
                await clock.sleep(5)
                assert station.services.transactions.session(2).driver is None, "nothing new while a reset waits"
            boot = await central.next("BootNotification", lambda each: each["reason"] == "ScheduledReset")
            assert boot

    live(story)


@TWO
def test_a_reset_of_one_evse_leaves_the_others_alone(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with (
            charging(clock, version, evses=2) as (central, station),
            station.plug_in(evse=1) as first,
            station.plug_in(evse=2) as second,
        ):
            await first.swipe("A1")
            await second.swipe("B2")
            await first.charging()
            await second.charging()
            assert (await central.call("Reset", {"type": "Immediate", "evseId": 2}))["status"] == "Accepted"
            ended = await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")
            assert ended["evse"]["id"] == 2
            await clock.sleep(10)
            assert not second.evse.closed
            await second.swipe("B2")
            await second.charging()
            assert first.evse.closed
            assert len(central.of("BootNotification")) == 1
            assert (await central.call("Reset", {"type": "Immediate", "evseId": 3}))["status"] == "Rejected"

    live(story)


@ALL
def test_what_was_set_survives_a_restart(version: Version) -> None:
    store = MemoryStore()

    async def first(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (central, _):
            if version is V16:
                assert await change(central, "ConnectionTimeOut", "41") == "Accepted"
            else:
                assert await put(central, TxCtrlr__EVConnectionTimeOut="41") == ["Accepted"]

    async def second(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (_, station):
            assert station.services.context.settings.ev_connection_timeout_s == 41

    live(first)
    live(second)


def test_a_silent_csms_gets_another_boot() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V201, connected=False) as (central, station):
            central.silent.add("BootNotification")
            await central.next("BootNotification")
            await clock.sleep(200)
            assert len(central.of("BootNotification")) >= 2
            central.silent.clear()
            await central.cut()
            await station.connected()
            assert isinstance(station, Station)

    live(story)

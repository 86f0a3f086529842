"""Transactions of a station before a central system of others: starts, stops, reasons, interruptions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import ConnectorConfiguration, EvseConfiguration
from voltbridge.station.control.actions import ImpossibleAction, do
from voltbridge.station.ports import Plugged, Unplugged
from voltbridge.station.simulation import Car, VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
TWO = pytest.mark.parametrize("version", [V201, V21])
ALL = pytest.mark.parametrize("version", list(Version))


def hardware(station: Station) -> VirtualHardware:
    assert isinstance(station.hardware, VirtualHardware)
    return station.hardware


def events(central: CentralSystem) -> list[Message]:
    return central.of("TransactionEvent")


def shape(central: CentralSystem) -> list[tuple[str, str, str | None]]:
    """(event, trigger, charging state) of all that is no periodic reading."""
    return [
        (event["eventType"], event["triggerReason"], event["transactionInfo"].get("chargingState"))
        for event in events(central)
        if not event["triggerReason"].startswith("MeterValue")
    ]


async def ended(central: CentralSystem) -> Message:
    return await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")


def check_order(central: CentralSystem) -> None:
    """Sequence numbers without holes, one transaction id, the token told exactly once as the driver's."""
    by_id: dict[str, list[Message]] = {}
    for event in events(central):
        by_id.setdefault(event["transactionInfo"]["transactionId"], []).append(event)
    for told in by_id.values():
        assert [event["seqNo"] for event in told] == list(range(len(told)))
        assert told[0]["eventType"] == "Started"
        assert [event["eventType"] for event in told[1:-1]] == ["Updated"] * (len(told) - 2)


@TWO
def test_cable_first_with_the_usual_points(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            async with station.plug_in() as visit:
                await clock.sleep(10)
                assert events(central) == []
                await visit.swipe("A1")
                await visit.charged(kwh=0.5)
            end = await ended(central)
            assert shape(central) == [
                ("Started", "Authorized", "EVConnected"),
                ("Updated", "ChargingStateChanged", "Charging"),
                ("Ended", "StopAuthorized", "EVConnected"),
            ]
            assert end["transactionInfo"]["stoppedReason"] == "Local"
            assert end["idToken"]["idToken"] == "A1"
            assert events(central)[0]["idToken"]["idToken"] == "A1"
            assert sum("idToken" in event for event in events(central)) == 2
            check_order(central)
            values = [value["sampledValue"][0]["value"] for value in end["meterValue"]]
            contexts = [value["sampledValue"][0]["context"] for value in end["meterValue"]]
            assert contexts == ["Transaction.Begin", "Transaction.End"]
            assert values[1] - values[0] == pytest.approx(500, abs=20)
            assert end["transactionInfo"]["timeSpentCharging"] > 100

    live(story)


@TWO
@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("EVConnected", ("Started", "CablePluggedIn", "EVConnected")),
        ("ParkingBayOccupancy", ("Started", "CablePluggedIn", "EVConnected")),
        ("Authorized", ("Started", "Authorized", "EVConnected")),
        ("PowerPathClosed", ("Started", "Authorized", "EVConnected")),
        ("EnergyTransfer", ("Started", "ChargingStateChanged", "Charging")),
    ],
)
def test_start_points_with_the_cable_first(version: Version, start: str, expected: tuple[str, str, str]) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TxCtrlr.TxStartPoint": start}) as (central, station):
            async with station.plug_in() as visit:
                await clock.sleep(5)
                assert bool(events(central)) == (start in ("EVConnected", "ParkingBayOccupancy"))
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(5)
                assert shape(central)[0] == expected
                first = next(event for event in events(central) if "idToken" in event)
                assert first["triggerReason"] == ("Authorized" if start != "EnergyTransfer" else "ChargingStateChanged")
            await ended(central)
            check_order(central)

    live(story)


@TWO
@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("EVConnected", ("Started", "CablePluggedIn", "EVConnected")),
        ("Authorized", ("Started", "Authorized", "Idle")),
        ("PowerPathClosed", ("Started", "CablePluggedIn", "EVConnected")),
        ("EnergyTransfer", ("Started", "ChargingStateChanged", "Charging")),
    ],
)
def test_start_points_with_the_card_first(version: Version, start: str, expected: tuple[str, str, str]) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TxCtrlr.TxStartPoint": start}) as (central, station):
            hardware(station).swipe("A1", evse_id=1)
            await clock.sleep(5)
            assert bool(events(central)) == (start == "Authorized")
            assert [s["connectorStatus"] for s in central.of("StatusNotification")] == ["Available"]
            async with station.plug_in() as visit:
                visit._token = "A1"
                await visit.charging()
                await clock.sleep(5)
            await ended(central)
            assert shape(central)[0] == expected
            assert sum("idToken" in event for event in events(central)) == 2
            check_order(central)

    live(story)


@TWO
@pytest.mark.parametrize(
    ("stop", "trigger", "reason"),
    [
        ("EVConnected", "EVCommunicationLost", "Local"),
        ("ParkingBayOccupancy", "EVCommunicationLost", "Local"),
        ("Authorized", "StopAuthorized", "Local"),
        ("PowerPathClosed", "StopAuthorized", "Local"),
        ("EnergyTransfer", "StopAuthorized", "Local"),
    ],
)
def test_stop_points(version: Version, stop: str, trigger: str, reason: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TxCtrlr.TxStopPoint": stop}) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(30)
                await visit.swipe("A1")
                await clock.sleep(30)
                assert not visit.evse.closed
                assert any(e["eventType"] == "Ended" for e in events(central)) == (trigger == "StopAuthorized")
            end = await ended(central)
            assert end["triggerReason"] == trigger
            assert end["transactionInfo"]["stoppedReason"] == reason
            check_order(central)

    live(story)


@TWO
def test_the_sensor_of_the_parking_bay(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy", "TxCtrlr.TxStopPoint": "ParkingBayOccupancy"}
        async with charging(clock, version, variables=variables) as (central, station):
            evse = hardware(station).evses[0]
            evse.bay(True)
            await clock.sleep(1)
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
            await clock.sleep(5)
            evse.bay(False)
            end = await ended(central)
            assert shape(central)[0] == ("Started", "EVDetected", "Idle")
            assert end["triggerReason"] == "EVDeparted"
            assert "evse" in end
            check_order(central)

    live(story)


@TWO
def test_a_vehicle_that_is_not_ready(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with (
            charging(clock, version) as (central, station),
            station.plug_in(car=Car(paused=True)) as visit,
        ):
            await visit.swipe("A1")
            await clock.sleep(5)
            assert shape(central) == [
                ("Started", "Authorized", "EVConnected"),
                ("Updated", "ChargingStateChanged", "SuspendedEV"),
            ]
            assert not visit.evse.closed

    live(story)


@TWO
def test_the_vehicle_has_enough_and_energy_transfer_stops(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.TxStopPoint": "EnergyTransfer"}
        car = Car(capacity_wh=1000, state_of_charge=0.5)
        async with (
            charging(clock, version, variables=variables) as (central, station),
            station.plug_in(car=car) as visit,
        ):
            await visit.swipe("A1")
            end = await ended(central)
            assert end["transactionInfo"]["stoppedReason"] == "StoppedByEV"
            assert end["transactionInfo"]["chargingState"] in ("SuspendedEV", "SuspendedEVSE")

    live(story)


@ALL
def test_a_vehicle_that_pauses_suspends_and_goes_on(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                visit.evse.pause(True)
                await clock.sleep(5)
                assert not visit.evse.closed
                visit.evse.pause(False)
                await visit.charging()
                await clock.sleep(5)
            await clock.sleep(2)
            if version is V16:
                states = [s["status"] for s in central.of("StatusNotification") if s["connectorId"] == 1]
                assert states == [
                    "Available",
                    "Preparing",
                    "Charging",
                    "SuspendedEV",
                    "Charging",
                    "Finishing",
                    "Available",
                ]
            else:
                states = [state for _, _, state in shape(central)]
                assert states == ["EVConnected", "Charging", "SuspendedEV", "Charging", "EVConnected"]
                assert [s["connectorStatus"] for s in central.of("StatusNotification")] == [
                    "Available",
                    "Occupied",
                    "Available",
                ]

    live(story)


@ALL
def test_nobody_plugs_in(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.EVConnectionTimeOut": "45", "TxCtrlr.TxStartPoint": "Authorized"}
        async with charging(clock, version, variables=variables) as (central, station):
            hardware(station).swipe("A1", evse_id=1)
            await clock.sleep(60)
            if version is V16:
                assert central.of("StartTransaction") == []
                states = [s["status"] for s in central.of("StatusNotification") if s["connectorId"] == 1]
                assert states == ["Available", "Preparing", "Available"]
            else:
                end = await ended(central)
                assert end["triggerReason"] == "EVConnectTimeout"
                assert end["transactionInfo"]["stoppedReason"] == "Timeout"
            assert station.services.transactions.session(1).driver is None

    live(story)


@TWO
def test_unplugged_without_a_card_ends_as_disconnected(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A1")
            await visit.charging()
            visit.evse.unplug()
            end = await ended(central)
            assert end["triggerReason"] == "EVCommunicationLost"
            assert end["transactionInfo"] | {"timeSpentCharging": 0} == {
                "transactionId": end["transactionInfo"]["transactionId"],
                "chargingState": "Idle",
                "timeSpentCharging": 0,
                "stoppedReason": "EVDisconnected",
            }
            assert not visit.evse.closed
            assert not visit.evse.locked

    live(story)


def test_16_goes_on_when_unplugging_does_not_stop_it() -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.StopTxOnEVSideDisconnect": "false", "TxCtrlr.EVConnectionTimeOut": "120"}
        async with charging(clock, V16, variables=variables) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A1")
            await visit.charging()
            visit.evse.unplug()
            await clock.sleep(60)
            assert central.of("StopTransaction") == []
            visit.evse.plug_in(Car())
            await visit.charging()
            assert len(central.of("StartTransaction")) == 1
            await visit.swipe("A1")
            stop = await central.next("StopTransaction")
            assert stop["reason"] == "Local"
            assert stop["transactionId"] == 1

    live(story)


@ALL
def test_a_token_that_turns_out_invalid_stops_and_keeps_the_cable(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            invalid = {"status": "Invalid"}
            central.answers["StartTransaction"] = {"transactionId": 5, "idTagInfo": invalid}
            central.answers["TransactionEvent"] = lambda event: {"idTokenInfo": invalid} if "idToken" in event else {}
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                if version is V16:
                    stop = await central.next("StopTransaction")
                    assert (stop["reason"], stop["transactionId"]) == ("DeAuthorized", 5)
                else:
                    end = await ended(central)
                    assert end["triggerReason"] == "Deauthorized"
                    assert end["transactionInfo"]["stoppedReason"] == "DeAuthorized"
                await clock.sleep(10)
                assert not visit.evse.closed
                held = [visit.evse.locked]
                for token in ("B2", "A1"):
                    await visit.swipe(token)
                    await clock.sleep(5)
                    held.append(visit.evse.locked)
                assert held == [True, True, False], "until its owner comes (E05.FR.11)"
            assert len(central.of("StartTransaction")) + sum(e["eventType"] == "Started" for e in events(central)) == 1

    live(story)


@TWO
def test_the_cable_of_an_invalid_token_comes_free_though_the_transaction_goes_on(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TxCtrlr.TxStopPoint": "EVConnected"}) as (central, station):
            central.answers["TransactionEvent"] = lambda event: (
                {"idTokenInfo": {"status": "Invalid"}} if "idToken" in event else {}
            )
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await central.next("TransactionEvent", lambda event: event["triggerReason"] == "Deauthorized")
                await clock.sleep(10)
                held = [visit.evse.locked]
                for token in ("B2", "A1"):
                    await visit.swipe(token)
                    await clock.sleep(5)
                    held.append(visit.evse.locked)
                assert held == [True, True, False], "until its owner comes (E05.FR.11)"
            assert (await ended(central))["transactionInfo"]["stoppedReason"] == "DeAuthorized"
            named = {event["idToken"]["idToken"] for event in events(central) if "idToken" in event}
            assert named == {"A1"}, "nobody takes over what another began"

    live(story)


@TWO
def test_an_invalid_token_may_take_its_energy(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.StopTxOnInvalidId": "false", "TxCtrlr.MaxEnergyOnInvalidId": "500"}
        async with charging(clock, version, variables=variables) as (central, station):
            central.answers["TransactionEvent"] = lambda event: (
                {"idTokenInfo": {"status": "Blocked"}} if "idToken" in event else {}
            )
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await central.next(
                    "TransactionEvent", lambda e: e["transactionInfo"].get("chargingState") == "SuspendedEVSE"
                )
                assert visit.evse.register_wh == pytest.approx(500, abs=10)
                await clock.sleep(60)
                assert not visit.evse.closed
                assert not any(event["eventType"] == "Ended" for event in events(central))

    live(story)


@TWO
def test_an_invalid_token_without_energy_is_suspended_at_once(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.StopTxOnInvalidId": "false"}
        async with charging(clock, version, variables=variables) as (central, station):
            central.answers["TransactionEvent"] = lambda event: (
                {"idTokenInfo": {"status": "Blocked"}} if "idToken" in event else {}
            )
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await clock.sleep(5)
                assert not visit.evse.closed
                assert shape(central)[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")

    live(story)


@TWO
def test_another_card_of_the_group_and_the_master_stop(version: Version) -> None:
    groups = {"A1": "G", "A2": "G", "B1": "H", "M": "MASTER"}

    def info(payload: Message) -> Message:
        token = payload.get("idToken", {}).get("idToken")
        if token not in groups:
            return {}
        return {"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": groups[token], "type": "Central"}}}

    async def story(clock: VirtualClock) -> None:
        variables = {"AuthCtrlr.MasterPassGroupId": "MASTER"}
        async with charging(clock, version, variables=variables, evses=2) as (central, station):
            central.answers["Authorize"] = central.answers["TransactionEvent"] = info
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                await visit.swipe("B1")
                await clock.sleep(5)
                assert visit.evse.closed, "a stranger's card"
                await visit.swipe("A2")
                end = await ended(central)
                assert end["idToken"]["idToken"] == "A2"
                assert end["transactionInfo"]["stoppedReason"] == "Local"
            central.forget()
            async with station.plug_in() as visit:
                await visit.swipe("M")
                await clock.sleep(5)
                assert events(central) == [], "a master pass starts nothing (C16.FR.03)"
                await visit.swipe("A1")
                await visit.charging()
                hardware(station).swipe("M", evse_id=2)  # it stops all there are, wherever it is shown (C16.FR.02)
                end = await ended(central)
                assert end["transactionInfo"]["stoppedReason"] == "MasterPass"

    live(story)


@ALL
@pytest.mark.parametrize(("code", "reason"), [("GroundFailure", "GroundFault"), ("InternalError", "Other")])
def test_a_fault_ends_what_runs(version: Version, code: str, reason: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station), station.plug_in() as visit:
            await visit.swipe("A1")
            await visit.charging()
            visit.evse.fault(code, info="something broke")
            if version is V16:
                stop = await central.next("StopTransaction")
                assert stop["reason"] == "Other"
                state = await central.next("StatusNotification", lambda s: s["status"] == "Faulted")
                assert (state["errorCode"], state["info"]) == (code, "something broke")
            else:
                end = await ended(central)
                assert end["triggerReason"] == "AbnormalCondition"
                assert end["transactionInfo"]["stoppedReason"] == reason
                await central.next("StatusNotification", lambda s: s["connectorStatus"] == "Faulted")
            assert not visit.evse.closed
            await visit.swipe("A1")
            await clock.sleep(5)
            assert not visit.evse.closed, "not while it is broken"
            central.forget()
            visit.evse.repair(code)
            await clock.sleep(5)
            state = central.of("StatusNotification")[-1]
            assert state.get("status", state.get("connectorStatus")) in ("Finishing", "Occupied")

    live(story)


@ALL
def test_a_contactor_that_does_not_close_or_open(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station), station.plug_in() as visit:
            visit.evse.contactor_stuck = True
            await visit.swipe("A1")
            state = await central.next(
                "StatusNotification", lambda s: "Faulted" in (s.get("status"), s.get("connectorStatus"))
            )
            assert state.get("errorCode", "PowerSwitchFailure") == "PowerSwitchFailure"
            await clock.sleep(5)
            assert not station.services.transactions.running()

    live(story)


@ALL
def test_offline_everything_is_told_later_in_order(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}) as (
            central,
            station,
        ):
            hardware(station).uplink(False)
            await clock.sleep(5)
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charged(kwh=0.3)
            await clock.sleep(60)
            central.forget()
            hardware(station).uplink(True)
            if version is V16:
                stop = await central.next("StopTransaction")
                start = central.of("StartTransaction")[0]
                assert stop["transactionId"] == 1
                assert stop["meterStop"] - start["meterStart"] == pytest.approx(300, abs=15)
                assert start["timestamp"] < stop["timestamp"] < clock.now().isoformat()
                kinds = [a for a, _ in central.received if a in ("StartTransaction", "MeterValues", "StopTransaction")]
                assert kinds[0] == "StartTransaction"
                assert kinds[-1] == "StopTransaction"
                assert {m["transactionId"] for m in central.of("MeterValues")} == {1}
            else:
                await ended(central)
                assert all(event["offline"] for event in events(central))
                check_order(central)
            assert central.of("BootNotification") == [], "a lost connection is no boot"

    live(story)


@ALL
def test_a_power_cut_ends_the_transaction_with_its_numbers(version: Version) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A1")
            await visit.charged(kwh=0.3)
            await station.power_cut(100)
            await station.connected()
            if version is V16:
                stop = await central.next("StopTransaction")
                assert (stop["reason"], stop["transactionId"]) == ("PowerLoss", 1)
                assert stop["meterStop"] == pytest.approx(300, abs=15)
            else:
                end = await ended(central)
                assert end["triggerReason"] == "AbnormalCondition"
                assert end["transactionInfo"]["stoppedReason"] == "PowerLoss"
                check_order(central)
            await clock.sleep(30)
            assert not visit.evse.closed
            assert not visit.evse.locked, "whoever held the cable is forgotten"

    live(story)


@TWO
def test_a_short_power_cut_is_survived_where_that_is_configured(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TxCtrlr.ResumptionTimeout": "300"}) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charged(kwh=0.3)
                await station.power_cut(100)
                await station.connected()
                await visit.charging()
                await visit.charged(kwh=0.6)
            end = await ended(central)
            assert end["transactionInfo"]["stoppedReason"] == "Local"
            resumed = [e["triggerReason"] for e in events(central) if not e["triggerReason"].startswith("MeterValue")]
            assert ("TxResumed" in resumed) == (version is V21)
            assert len({event["transactionInfo"]["transactionId"] for event in events(central)}) == 1
            check_order(central)

    live(story)


def test_a_reset_that_resumes_is_for_those_who_can() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21) as (central, _):
            assert (await central.call("Reset", {"type": "ImmediateAndResume"}))["status"] == "Rejected"
        async with charging(clock, V21, variables={"TxCtrlr.ResumptionTimeout": "1"}) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                assert (await central.call("Reset", {"type": "ImmediateAndResume"}))["status"] == "Accepted"
                await central.next("BootNotification", lambda boot: boot["reason"] == "RemoteReset")
                await central.next("TransactionEvent", lambda event: event["triggerReason"] == "TxResumed")
                await visit.charging()
            await ended(central)
            check_order(central)

    live(story)


@TWO
def test_the_status_of_a_transaction(version: Version) -> None:
    async def status(central: CentralSystem, **request: Any) -> Message:
        return await central.call("GetTransactionStatus", request)

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await status(central) == {"messagesInQueue": False}
            assert await status(central, transactionId="none") == {"messagesInQueue": False, "ongoingIndicator": False}
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                key = events(central)[0]["transactionInfo"]["transactionId"]
                assert (await status(central, transactionId=key))["ongoingIndicator"] is True
            await ended(central)
            await clock.sleep(1)
            assert await status(central, transactionId=key) == {"messagesInQueue": False, "ongoingIndicator": False}

    live(story)


@ALL
def test_a_fixed_cable_is_never_locked_and_several_connectors_share_an_evse(version: Version) -> None:
    evse = EvseConfiguration(
        (ConnectorConfiguration("cCCS2", cable_attached=True), ConnectorConfiguration("cG105", cable_attached=True)),
        direct_current=True,
    )

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evse=evse) as (central, station):
            async with station.plug_in(connector=2) as visit:
                await visit.swipe("A1")
                await visit.charging()
                await clock.sleep(2)
                assert not visit.evse.locked
                states = {
                    s["connectorId"]: s.get("status", s.get("connectorStatus"))
                    for s in central.of("StatusNotification")
                }
                assert states[1] == "Unavailable"
                assert states[2] == ("Charging" if version is V16 else "Occupied")
                if version is V16:
                    assert central.of("StartTransaction")[0]["connectorId"] == 2
                else:
                    assert events(central)[0]["evse"] == {"id": 1, "connectorId": 2}
                await visit.swipe("A1")
                await clock.sleep(5)
            await clock.sleep(2)
            last = {
                s["connectorId"]: s.get("status", s.get("connectorStatus")) for s in central.of("StatusNotification")
            }
            assert (last[1], last[2]) == ("Available", "Available")

    live(story)


@ALL
@pytest.mark.parametrize("allowed", [True, False])
def test_before_registration_is_accepted(version: Version, allowed: bool) -> None:
    """B02.FR.03, B03.FR.01: charging before acceptance is the operator's choice, and is told once accepted."""
    store = MemoryStore()
    variables = {
        "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
        "TxCtrlr.TxBeforeAcceptedEnabled": str(allowed).lower(),
    }

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store, variables=variables, connected=False) as (central, station):
            pending = {"currentTime": "2026-03-01T12:00:00Z", "interval": 500, "status": "Pending"}
            central.answers["BootNotification"] = pending
            await central.next("BootNotification")
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await clock.sleep(60)
                assert visit.evse.closed == allowed
                visit.evse.locked = False
            await clock.sleep(5)
            assert {action for action, _ in central.received} == {"BootNotification"}
            del central.answers["BootNotification"]
            await station.connected()
            await clock.sleep(5)
            told = central.of("StartTransaction") or events(central)
            assert bool(told) == allowed

    live(story)


@ALL
def test_one_reader_for_several_evses(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=3) as (_, station):
            virtual = hardware(station)
            sessions = station.services.transactions.sessions

            async def shown(token: str) -> list[str | None]:
                virtual.swipe(token)
                await clock.sleep(3)
                return [session.driver.token.id_token if session.driver else None for session in sessions]

            virtual.evses[1].plug_in(Car())
            assert await shown("A1") == [None, "A1", None], "where a cable waits"
            virtual.evses[0].plug_in(Car())
            virtual.evses[2].plug_in(Car())
            assert await shown("B2") == ["B2", "A1", None]
            assert await shown("A1") == ["B2", None, None], "the card that began ends"
            assert await shown("C3") == ["B2", "C3", None]
            assert await shown("D4") == ["B2", "C3", "D4"]
            assert await shown("E5") == ["B2", "C3", "D4"], "there is no room"

    live(story)


@ALL
def test_a_full_queue_may_forbid_charging(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {
            "BackendCtrlr.DisallowChargingIfQueueFull": "true",
            "BackendCtrlr.QueueCapacity": "1",
            "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
        }
        async with charging(clock, version, variables=variables) as (_, station):
            hardware(station).uplink(False)
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
            await clock.sleep(5)
            assert station.engine.outbox.full
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await clock.sleep(10)
                assert not visit.evse.closed
            hardware(station).uplink(True)
            await station.connected()
            await clock.sleep(20)
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()

    live(story)


@pytest.mark.parametrize("stop", ["EVConnected,Authorized", "EnergyTransfer,EVConnected"])
@pytest.mark.parametrize(
    ("limit", "trigger", "reason"),
    [
        ({"maxEnergy": 400}, "EnergyLimitReached", "EnergyLimitReached"),
        ({"maxTime": 200}, "TimeLimitReached", "TimeLimitReached"),
        ({"maxCost": 2.5}, "CostLimitReached", "LocalOutOfCredit"),
        ({"maxSoC": 31}, "SoCLimitReached", "SOCLimitReached"),
    ],
)
def test_limits_of_a_transaction_in_21(stop: str, limit: Message, trigger: str, reason: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21, variables={"TxCtrlr.TxStopPoint": stop}) as (central, station):
            central.answers["TransactionEvent"] = lambda event: (
                {"transactionLimit": limit} if event["eventType"] == "Started" else {}
            )
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                confirmed = await central.next("TransactionEvent", lambda e: e["triggerReason"] == "LimitSet")
                assert confirmed["transactionInfo"]["transactionLimit"] == limit
                if "maxCost" in limit:  # E16.FR.15: the costs are those that the CSMS tells
                    key = confirmed["transactionInfo"]["transactionId"]
                    await central.call("CostUpdated", {"transactionId": key, "totalCost": 2.49})
                    await clock.sleep(30)
                    assert visit.evse.closed
                    await central.call("CostUpdated", {"transactionId": key, "totalCost": 2.5})
                event = await central.next("TransactionEvent", lambda e: e["triggerReason"] == trigger)
                await clock.sleep(2)
                assert not visit.evse.closed
                if "EnergyTransfer" in stop:
                    assert event["eventType"] == "Ended"
                    assert event["transactionInfo"]["stoppedReason"] == reason
                    return
                assert event["eventType"] == "Updated"
                assert event["transactionInfo"]["chargingState"] == "SuspendedEVSE"
                if "maxEnergy" in limit:
                    assert visit.evse.register_wh == pytest.approx(400, abs=10)
                higher = {name: value + 1000 if name != "maxSoC" else 90 for name, value in limit.items()}
                central.answers["TransactionEvent"] = lambda event: (
                    {"transactionLimit": higher} if event["triggerReason"] == "Trigger" else {}
                )
                request = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
                await central.call("TriggerMessage", request)
                await visit.charging()
                await clock.sleep(1)
            check_order(central)

    live(story)


def test_costs_in_the_answers_count_and_outlast_a_restart() -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.ResumptionTimeout": "300"}
        async with charging(clock, V21, variables=variables) as (central, station), station.plug_in() as visit:
            central.answers["TransactionEvent"] = {"transactionLimit": {"maxCost": 1}, "totalCost": 0.5}
            await visit.swipe("A1")
            await visit.charging()
            central.answers["TransactionEvent"] = {"totalCost": 1.5}
            await central.next("TransactionEvent", lambda event: event["triggerReason"] == "CostLimitReached")
            assert not visit.evse.closed
            await station.power_cut(60)
            await station.connected()
            await clock.sleep(30)
            assert not visit.evse.closed
            central.answers["TransactionEvent"] = {"transactionLimit": {"maxCost": 2}}
            await central.call("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
            await visit.charging()

    live(story)


@TWO
@pytest.mark.parametrize(
    ("announced", "cut_s", "goes_on"),
    [(True, 298, True), (True, 310, False), (False, 260, True), (False, 310, False)],
)
def test_an_interruption_counts_from_the_power_loss(
    version: Version, announced: bool, cut_s: int, goes_on: bool
) -> None:
    """2.1 E17.FR.02; not from what was told last, which may have been long before."""

    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.ResumptionTimeout": "300", "SampledDataCtrlr.TxUpdatedInterval": "0"}
        async with charging(clock, version, variables=variables) as (central, station), station.plug_in() as visit:
            visit.car.state_of_charge = 0
            await visit.swipe("A1")
            await visit.charging()
            await clock.sleep(915)
            if not announced:  # what was noted last counts, which is not long ago
                station.hardware.attach(lambda event: None)
            await station.power_cut(cut_s)
            await station.connected()
            await clock.sleep(30)
            assert visit.evse.closed is goes_on
            assert any(event["eventType"] == "Ended" for event in events(central)) is not goes_on

    live(story)


def test_after_a_power_cut_energy_comes_back_at_random() -> None:
    """2.1 E17.FR.18."""

    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.ResumptionTimeout": "300", "TxCtrlr.EnergyTransferResumptionRandomRange": "600"}
        waits = []
        for seed in range(3):
            async with charging(clock, V21, variables=variables) as (_, station), station.plug_in() as visit:
                station._random.seed(seed)
                visit.car.state_of_charge = 0
                await visit.swipe("A1")
                await visit.charging()
                await station.power_cut(10)
                began = clock.monotonic()
                await visit.charging()
                waits.append(clock.monotonic() - began)
        assert all(wait < 610 for wait in waits)
        assert max(waits) - min(waits) > 10

    live(story)


def test_a_driver_limits_a_transaction_but_not_beyond_the_csms() -> None:
    """E16.FR.01, FR.04, FR.07."""

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21) as (central, station), station.plug_in() as visit:
            with pytest.raises(ImpossibleAction, match="no transaction"):
                await do(station, "limit-transaction", {"maxEnergy": 300})
            central.answers["TransactionEvent"] = {"transactionLimit": {"maxEnergy": 500}}
            await visit.swipe("A1")
            await visit.charging()
            await clock.sleep(5)

            def confirmed() -> list[Message]:
                infos = [e["transactionInfo"] for e in events(central) if e["triggerReason"] == "LimitSet"]
                return [info["transactionLimit"] for info in infos]

            assert confirmed() == [{"maxEnergy": 500}], "however often the CSMS says so"
            del central.answers["TransactionEvent"]
            await do(station, "limit-transaction", {"maxEnergy": 400, "maxSoC": 80})
            await do(station, "limit-transaction", {"maxEnergy": 900, "maxTime": 86400})
            with pytest.raises(ImpossibleAction, match="no limit is named"):
                await do(station, "limit-transaction", {})
            await clock.sleep(1)
            assert confirmed()[1:] == [{"maxEnergy": 400, "maxSoC": 80}, {"maxEnergy": 500, "maxTime": 86400}]
            await central.next("TransactionEvent", lambda event: event["triggerReason"] == "EnergyLimitReached")
            assert visit.evse.register_wh - visit.began_wh == pytest.approx(500, abs=10)

    live(story)


def test_a_limit_below_what_was_taken_counts_at_once() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V21) as (central, station), station.plug_in() as visit:
            await visit.swipe("A1")
            await visit.charged(kwh=0.3)
            central.answers["TransactionEvent"] = {"transactionLimit": {"maxEnergy": -1}}
            request = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
            await central.call("TriggerMessage", request)
            await clock.sleep(2)
            del central.answers["TransactionEvent"]
            assert not visit.evse.closed

    live(story)


@TWO
def test_energy_may_have_to_wait_after_a_power_cut(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.ResumptionTimeout": "300", "TxCtrlr.AllowEnergyTransferResumption": "false"}
        async with (
            charging(clock, version, variables=variables) as (central, station),
            station.plug_in() as visit,
        ):
            await visit.swipe("A1")
            await visit.charging()
            await clock.sleep(5)
            await station.power_cut(100)
            await station.connected()
            await clock.sleep(10)
            assert not visit.evse.closed
            assert events(central)[-1]["transactionInfo"]["chargingState"] == "SuspendedEVSE"
            assert not any(event["eventType"] == "Ended" for event in events(central))

    live(story)


@TWO
@pytest.mark.parametrize("cuts", [1, 2])
@pytest.mark.parametrize("energy_wh", [0, 500])
def test_no_power_cut_gives_energy_to_an_invalid_token(version: Version, energy_wh: int, cuts: int) -> None:
    """E05.FR.02, FR.03: it had what it may have."""

    async def story(clock: VirtualClock) -> None:
        variables = {
            "TxCtrlr.ResumptionTimeout": "300",
            "TxCtrlr.StopTxOnInvalidId": "false",
            "TxCtrlr.MaxEnergyOnInvalidId": str(energy_wh),
        }
        async with charging(clock, version, variables=variables) as (central, station):
            central.answers["TransactionEvent"] = {"idTokenInfo": {"status": "Invalid"}}
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A1")
            await clock.sleep(600)
            assert not visit.evse.closed
            register_wh = visit.evse.register_wh
            central.answers["TransactionEvent"] = {}
            for _ in range(cuts):
                await station.power_cut(20)
                await station.connected()
                await clock.sleep(300)
            assert station.services.transactions.running()
            assert visit.evse.register_wh == register_wh
            await visit.leave()

    live(story)


@TWO
def test_a_second_power_cut_lets_no_energy_flow_either(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.ResumptionTimeout": "300", "TxCtrlr.AllowEnergyTransferResumption": "false"}
        async with charging(clock, version, variables=variables) as (_, station), station.plug_in() as visit:
            await visit.swipe("A1")
            await visit.charging()
            for _ in range(2):
                await station.power_cut(20)
                await station.connected()
                await clock.sleep(100)
                assert not visit.evse.closed

    live(story)


@TWO
def test_a_vehicle_that_left_during_the_power_cut(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"TxCtrlr.ResumptionTimeout": "300"}) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A1")
            await visit.charging()
            await clock.sleep(5)
            cut = clock.call_later(50, visit.evse.unplug)
            await station.power_cut(100)
            await station.connected()
            end = await ended(central)
            assert end["transactionInfo"]["stoppedReason"] == "EVDisconnected"
            check_order(central)
            cut()

    live(story)


@TWO
def test_whoever_comes_charges_where_nobody_is_asked(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"AuthCtrlr.Enabled": "false"}) as (central, station):
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.charging()
            await clock.sleep(1)
            assert events(central)[0]["idToken"] == {"idToken": "", "type": "NoAuthorization"}
            assert events(central)[0]["triggerReason"] == "CablePluggedIn"
            visit.evse.unplug()
            assert (await ended(central))["transactionInfo"]["stoppedReason"] == "EVDisconnected"

    live(story)


@ALL
def test_a_second_cable_waits_for_the_first(version: Version) -> None:
    """An EVSE charges one vehicle at a time (E01.FR.14)."""
    evse = EvseConfiguration((ConnectorConfiguration(cable_attached=True), ConnectorConfiguration(cable_attached=True)))

    async def story(clock: VirtualClock) -> None:
        async with (
            charging(clock, version, evse=evse) as (central, station),
            station.plug_in(connector=1) as visit,
        ):
            await visit.swipe("A1")
            await visit.charging()
            station.engine.happenings.happened(Plugged(1, 2))
            station.engine.happenings.happened(Unplugged(1, 2))
            await clock.sleep(5)
            assert visit.evse.closed
            assert station.services.transactions.session(1).connector_id == 1
            assert not any(event["eventType"] == "Ended" for event in events(central))
            await visit.swipe("A1")
            await clock.sleep(2)

    live(story)

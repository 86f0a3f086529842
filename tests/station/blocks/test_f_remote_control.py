"""What the CSMS makes a station do: start, stop, unlock, send a message."""

from __future__ import annotations

from typing import Any

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import ConnectorConfiguration, EvseConfiguration
from voltbridge.station.virtual_clock import VirtualClock

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
TWO = pytest.mark.parametrize("version", [V201, V21])


async def start(central: CentralSystem, version: Version, token: str, evse: int | None = None, **more: Any) -> Message:
    if version is V16:
        place = {} if evse is None else {"connectorId": evse}
        return await central.call("RemoteStartTransaction", {"idTag": token, **place, **more})
    place = {} if evse is None else {"evseId": evse}
    request = {"idToken": {"idToken": token, "type": "ISO14443"}, "remoteStartId": 42, **place, **more}
    return await central.call("RequestStartTransaction", request)


async def stop(central: CentralSystem, version: Version) -> str:
    if version is V16:
        response = await central.call("RemoteStopTransaction", {"transactionId": central.transactions})
    else:
        key = central.of("TransactionEvent")[-1]["transactionInfo"]["transactionId"]
        response = await central.call("RequestStopTransaction", {"transactionId": key})
    status: str = response["status"]
    return status


@ALL
@pytest.mark.parametrize("cable_first", [True, False])
def test_start_and_stop(version: Version, cable_first: bool) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            visit = station.plug_in()
            if cable_first:
                await visit.__aenter__()
            assert (await start(central, version, "REMOTE", 1))["status"] == "Accepted"
            if not cable_first:
                await clock.sleep(5)
                await visit.__aenter__()
            await visit.charging()
            await clock.sleep(5)
            assert central.of("Authorize") == []
            if version is V16:
                assert central.of("StartTransaction")[0]["idTag"] == "REMOTE"
            else:
                first = central.of("TransactionEvent")[0]
                assert first["triggerReason"] == ("RemoteStart" if cable_first else "CablePluggedIn")
                assert first["transactionInfo"]["remoteStartId"] == 42
                assert first["idToken"]["idToken"] == "REMOTE"
            assert await stop(central, version) == "Accepted"
            await clock.sleep(5)
            assert not visit.evse.closed
            if version is V16:
                assert central.of("StopTransaction")[0]["reason"] == "Remote"
            else:
                end = central.of("TransactionEvent")[-1]
                assert (end["eventType"], end["triggerReason"]) == ("Ended", "RemoteStop")
                assert end["transactionInfo"]["stoppedReason"] == "Remote"
                assert "idToken" not in end
            assert await stop(central, version) == "Rejected", "it has ended"

    live(story)


@TWO
def test_a_start_answers_with_the_transaction_that_runs(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"TxCtrlr.TxStartPoint": "EVConnected"}
        async with (
            charging(clock, version, variables=variables) as (central, station),
            station.plug_in() as visit,
        ):
            await central.next("TransactionEvent")
            key = central.of("TransactionEvent")[0]["transactionInfo"]["transactionId"]
            response = await start(central, version, "REMOTE", 1)
            assert response == {"status": "Accepted", "transactionId": key}
            await visit.charging()
            update = await central.next("TransactionEvent", lambda e: e["triggerReason"] == "RemoteStart")
            assert update["transactionInfo"]["remoteStartId"] == 42
            visit._token = "REMOTE"

    live(story)


@ALL
def test_what_cannot_start_is_rejected(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            assert (await start(central, version, "A", 3))["status"] == "Rejected"
            operative = {"type": "Inoperative", "connectorId": 2}
            if version is not V16:
                operative = {"operationalStatus": "Inoperative", "evse": {"id": 2}}
            await central.call("ChangeAvailability", operative)
            assert (await start(central, version, "A", 2))["status"] == "Rejected"
            async with station.plug_in(evse=1) as visit:
                assert (await start(central, version, "A", 1))["status"] == "Accepted"
                await visit.charging()
                assert (await start(central, version, "B", 1))["status"] == "Rejected"
                assert (await start(central, version, "B"))["status"] == "Rejected", "nowhere is room"
                visit._token = "A"
            await clock.sleep(3)
            assert (await start(central, version, "B"))["status"] == "Accepted", "where there is room again"

    live(story)


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_a_start_that_is_rejected_for_a_locked_cable_says_so(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["TransactionEvent"] = {"idTokenInfo": {"status": "Invalid"}}
            visit = station.plug_in()
            await visit.__aenter__()
            await visit.swipe("A")
            await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")
            await clock.sleep(5)
            assert visit.evse.locked
            answer = await start(central, version, "B", 1)
            assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NotEnabled")
            assert "locked in" in answer["statusInfo"]["additionalInfo"]
            assert (await central.call("UnlockConnector", {"evseId": 1, "connectorId": 1}))["status"] == "Unlocked"
            assert (await start(central, version, "B", 1))["status"] == "Accepted"
            visit.evse.unplug()

    live(story)


@ALL
def test_a_start_that_has_to_be_authorized(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"AuthCtrlr.AuthorizeRemoteStart": "true"}
        async with charging(clock, version, variables=variables) as (central, station):
            refusal = {"status": "Blocked"}
            central.answers["Authorize"] = {"idTagInfo": refusal} if version is V16 else {"idTokenInfo": refusal}
            async with station.plug_in() as visit:
                assert (await start(central, version, "A", 1))["status"] == "Accepted"
                await clock.sleep(5)
                assert len(central.of("Authorize")) == 1
                assert not visit.evse.closed
                del central.answers["Authorize"]
                assert (await start(central, version, "A", 1))["status"] == "Accepted"
                await visit.charging()
                visit._token = "A"

    live(story)


@TWO
def test_unlocking(version: Version) -> None:
    async def unlock(central: CentralSystem, evse: int, connector: int = 1) -> str:
        response = await central.call("UnlockConnector", {"evseId": evse, "connectorId": connector})
        status: str = response["status"]
        return status

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await unlock(central, 1) == "Unlocked"
            assert await unlock(central, 1, 2) == "UnknownConnector"
            assert await unlock(central, 5) == "UnknownConnector"
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                assert await unlock(central, 1) == "OngoingAuthorizedTransaction"
                assert visit.evse.closed
            visit.evse.lock_stuck = True
            assert await unlock(central, 1) == "UnlockFailed"

    live(story)


def test_unlocking_in_16_ends_the_transaction() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                assert (await central.call("UnlockConnector", {"connectorId": 1}))["status"] == "Unlocked"
                stopped = await central.next("StopTransaction")
                assert stopped["reason"] == "UnlockCommand"
                assert not visit.evse.locked
            assert (await central.call("UnlockConnector", {"connectorId": 9}))["status"] == "NotSupported"
        fixed = EvseConfiguration((ConnectorConfiguration(cable_attached=True),))
        async with charging(clock, V16, evse=fixed) as (central, _):
            assert (await central.call("UnlockConnector", {"connectorId": 1}))["status"] == "NotSupported"

    live(story)


@ALL
def test_triggers(version: Version) -> None:
    async def trigger(central: CentralSystem, message: str, evse: int | None = None) -> str:
        request: Message = {"requestedMessage": message}
        if evse is not None and version is V16:
            request["connectorId"] = evse
        elif evse is not None:
            request["evse"] = {"id": evse, "connectorId": 1}
        status: str = (await central.call("TriggerMessage", request))["status"]
        return status

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, _):
            await clock.sleep(1)
            central.forget()
            assert await trigger(central, "Heartbeat") == "Accepted"
            await central.next("Heartbeat")
            assert await trigger(central, "StatusNotification", 2) == "Accepted"
            await clock.sleep(1)
            states = central.of("StatusNotification")
            assert len(states) == 1
            assert states[0]["connectorId" if version is V16 else "evseId"] == 2
            central.forget()
            assert await trigger(central, "StatusNotification") == "Accepted"
            await clock.sleep(1)
            assert len(central.of("StatusNotification")) == (3 if version is V16 else 2)
            assert await trigger(central, "MeterValues", 1) == "Accepted"
            reading = await central.next("MeterValues")
            assert reading["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
            assert await trigger(central, "FirmwareStatusNotification") == "Accepted"
            assert (await central.next("FirmwareStatusNotification"))["status"] == "Idle"
            log = "DiagnosticsStatusNotification" if version is V16 else "LogStatusNotification"
            assert await trigger(central, log) == "Accepted"
            assert (await central.next(log))["status"] == "Idle"
            assert await trigger(central, "StatusNotification", 9) == "Rejected"
            boots = len(central.of("BootNotification"))
            assert await trigger(central, "BootNotification") == ("Accepted" if version is V16 else "Rejected")
            await clock.sleep(1)
            assert len(central.of("BootNotification")) == boots + (version is V16)

    live(story)


@TWO
def test_a_triggered_transaction_event(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            request = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
            assert (await central.call("TriggerMessage", request))["status"] == "Rejected"
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await visit.charging()
                assert (await central.call("TriggerMessage", request))["status"] == "Accepted"
                event = await central.next("TransactionEvent", lambda e: e["triggerReason"] == "Trigger")
                assert event["transactionInfo"]["chargingState"] == "Charging"
                assert event["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
            assert (await central.call("TriggerMessage", {"requestedMessage": "SignV2GCertificate"}))[
                "status"
            ] == "NotImplemented"

    live(story)


def test_extended_triggers_in_16() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, _):
            for message, expected in (("Heartbeat", "Accepted"), ("LogStatusNotification", "Accepted")):
                response = await central.call("ExtendedTriggerMessage", {"requestedMessage": message})
                assert response["status"] == expected
                await central.next(message)
            certificate = {"requestedMessage": "SignChargePointCertificate"}
            assert (await central.call("ExtendedTriggerMessage", certificate))["status"] == "NotImplemented"

    live(story)


def test_the_meter_values_of_a_transaction_when_16_asks() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V16) as (central, station), station.plug_in() as visit:
            await visit.swipe("A1")
            await visit.charging()
            await clock.sleep(3)
            request = {"requestedMessage": "MeterValues", "connectorId": 1}
            assert (await central.call("TriggerMessage", request))["status"] == "Accepted"
            reading = await central.next("MeterValues")
            assert reading["transactionId"] == 1
            assert reading["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"

    live(story)
